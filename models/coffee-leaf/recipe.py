"""Trains, exports and measures the coffee-leaf pack. One command, two CPU cores, no network:

    /usr/bin/python3 models/coffee-leaf/recipe.py --data DIR --weights FILE
"""
import argparse
import copy
import json
import math
import sys
import time
from pathlib import Path

try:
    import numpy as np
    import onnx
    import torch
    import torch.nn.functional as F
    from PIL import Image  # noqa: F401  (data.py needs it: fail here, with advice)
except ImportError as missing:
    sys.exit(f"{missing}. On Debian: apt install python3-torch python3-onnx python3-numpy python3-pil, and run /usr/bin/python3")

import card
import measure
from data import CLASSES, HEIGHT, STRESSES, WIDTH, Augment, balanced_order, load, normalise
from net import Net, evaluate, export

HERE = Path(__file__).resolve().parent
MATERIALS = HERE.parents[2] / "shared" / "materials"
BATCH, BLOCKS, SEED = 32, 12, 2018


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=MATERIALS / "datasets" / "coffee-leaf-lara2018", help="folder with labels.csv")
    parser.add_argument("--weights", type=Path, help="float ONNX of MobileNetV1 0.5 to start from",
                        default=MATERIALS / "models" / "imagenet-mobilenet" / "mobilenet_v1_0.5_160_quant.float.onnx")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--rate", type=float, default=1e-3, help="peak learning rate")
    parser.add_argument("--blocks", type=int, default=BLOCKS, help="how many of the 13 blocks to keep")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--trial", type=Path, metavar="FILE", help="train, report val, keep the weights here; never look at test")
    parser.add_argument("--finish", type=Path, metavar="FILE", help="no training: export and measure the weights of a trial")
    given = parser.parse_args()
    if not (given.data / "labels.csv").is_file():
        parser.error(f"--data: no labels.csv in {given.data}; give the coffee-leaf-lara2018 folder")
    if not given.weights.is_file():
        parser.error(f"--weights: {given.weights} is not a file; give mobilenet_v1_0.5_160_quant.float.onnx")
    if given.finish and not given.finish.is_file():
        parser.error(f"--finish: {given.finish} is not a file; make it with --trial")
    if not 1 <= given.blocks <= 13 or given.epochs < 1:
        parser.error("--blocks must be 1..13 and --epochs at least 1")
    return given


def logits_of(net: Net, pixels: torch.Tensor) -> torch.Tensor:
    net.eval()
    with torch.no_grad():
        return torch.cat([net(normalise(part)) for part in pixels.split(64)])


def train(net: Net, given, pixels, classes, flags, val) -> Net:
    """Fine-tunes the whole network; answers the moving average of its weights at the epoch that val liked best."""
    generator = torch.Generator().manual_seed(SEED)
    shuffle = np.random.default_rng(SEED)
    augment = Augment(generator)
    # Biases are not decayed; the weights are, which also keeps single channels from growing beyond what int8 can hold.
    groups = [{"params": [p for name, p in net.named_parameters() if name.endswith("weight")], "weight_decay": 0.05},
              {"params": [p for name, p in net.named_parameters() if name.endswith("bias")], "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=given.rate)
    per_epoch = math.ceil(len(classes) / BATCH)
    steps, warm = given.epochs * per_epoch, 2 * per_epoch

    def rate(step: int) -> float:
        return (step + 1) / warm if step < warm else 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, rate)
    average, best, best_score, step = copy.deepcopy(net), None, (-1.0, -1.0), 0
    hot = F.one_hot(classes, len(CLASSES)).float()
    for epoch in range(given.epochs):
        net.train()
        started, total = time.time(), 0.0
        for index in balanced_order(classes, generator).split(BATCH):
            x, y, s = normalise(augment(pixels[index])), hot[index], flags[index]
            blend = float(shuffle.beta(0.2, 0.2))
            blend, other = max(blend, 1 - blend), torch.randperm(len(index), generator=generator)
            x, y, s = (blend * part + (1 - blend) * part[other] for part in (x, y, s))
            y = 0.94 * y + 0.06 / len(CLASSES)
            logits, stresses = net.training_heads(x)
            loss = -(y * F.log_softmax(logits, dim=1)).sum(dim=1).mean()
            every_stress = F.binary_cross_entropy_with_logits(stresses, 0.94 * s + 0.03)
            optimiser.zero_grad()
            (loss + 0.4 * every_stress).backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimiser.step()
            schedule.step()
            total += float(loss) * len(index)
            step += 1
            keep = min(0.99, step / (step + 9))
            with torch.no_grad():
                for slow, fast in zip(average.parameters(), net.parameters()):
                    slow.lerp_(fast, 1 - keep)
        answers = logits_of(average, val[0])
        accuracy, macro, worst = measure.summary(answers, val[1])
        likelihood = float(F.cross_entropy(answers, val[1]))
        print(f"epoch {epoch + 1:3d}/{given.epochs}  loss {total / len(classes):.4f}  val loss {likelihood:.4f}  "
              f"accuracy {accuracy:.4f}  macro recall {macro:.4f}  worst {worst:.3f}  {time.time() - started:.0f} s", flush=True)
        # Val has 19 photos of its rarest class: early epochs win by luck, so only the cooled-down last third may be picked.
        score = (accuracy + macro, -likelihood)
        if epoch >= given.epochs * 2 // 3 and score > best_score:
            best, best_score = copy.deepcopy(average), score
    return best


def finish(net: Net, given, splits, facts):
    """Writes model.onnx and metrics.json, and prints the figures into pack.json and the card."""
    model = export(net, WIDTH, HEIGHT)
    worst = 0.0
    for index in range(0, len(splits["val"][1]), 25):
        image = normalise(splits["val"][0][index : index + 1])
        with torch.no_grad():
            worst = max(worst, float(np.abs(evaluate(model, image.numpy()) - net(image).numpy()).max()))
    if worst > 1e-3:
        sys.exit(f"the exported graph differs from torch by {worst}: nothing written")
    print(f"exported graph, run with numpy, differs from torch by at most {worst:.1e}")
    onnx.save(model, str(HERE / "model.onnx"))
    figures = measure.report({name: (logits_of(net, pixels), classes) for name, (pixels, classes, _) in splits.items()}, CLASSES)
    figures = {"model": "float32", **figures, "training": facts}
    (HERE / "metrics.json").write_text(json.dumps(figures, indent=1) + "\n")
    pack = json.loads((HERE / "pack.json").read_text())
    pack["decision"] = figures["decision"]
    (HERE / "pack.json").write_text(json.dumps(pack, indent=1, ensure_ascii=False) + "\n")
    card.fill(HERE / "card.md", figures)
    print(json.dumps({name: figures["splits"][name]["accuracy"] for name in splits}))


def main():
    given = arguments()
    torch.manual_seed(SEED)
    torch.set_num_threads(given.threads)
    started = time.time()
    splits = {name: load(given.data, name) for name in (("train", "val") if given.trial else ("train", "val", "test"))}
    net = Net(given.weights, given.blocks, len(CLASSES), len(STRESSES))
    print("photos:", {name: len(split[1]) for name, split in splits.items()}, " parameters shipped:",
          sum(p.numel() for name, p in net.named_parameters() if not name.startswith("stresses")), flush=True)
    if given.finish:
        kept = torch.load(given.finish)
        facts = kept["facts"]
        if facts["blocks"] != given.blocks:
            sys.exit(f"--finish: these weights have {facts['blocks']} blocks; add --blocks {facts['blocks']}")
        net.load_state_dict(kept["weights"])
    else:
        net = train(net, given, *splits["train"], splits["val"])
        facts = {"seed": SEED, "epochs": given.epochs, "peakRate": given.rate, "blocks": given.blocks, "batch": BATCH,
                 "minutes": round((time.time() - started) / 60, 1), "threads": given.threads}
    if given.trial:
        torch.save({"weights": net.state_dict(), "facts": facts}, given.trial)
        print("picked:", measure.summary(logits_of(net, splits["val"][0]), splits["val"][1]))
    else:
        finish(net, given, splits, facts)


if __name__ == "__main__":
    main()
