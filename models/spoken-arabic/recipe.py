"""Trains and exports the spoken-arabic pack. One command, two CPU cores (or a GPU), no network; wants ffmpeg:

    /usr/bin/python3 models/spoken-arabic/recipe.py --data DIR
"""
import argparse
import copy
import json
import math
import sys
import time
from pathlib import Path

try:
    import numpy  # noqa: F401  (fail here, with advice)
    import torch
    import torch.nn.functional as F
except ImportError as missing:
    sys.exit(f"{missing}. On Debian: apt install python3-torch python3-onnx python3-numpy ffmpeg, and run /usr/bin/python3")

import measure
from augment import Augment
from data import CLASSES, SILENCE, UNKNOWN, Features, splits_of
from net import Net

HERE = Path(__file__).resolve().parent
MATERIALS = HERE.parents[2] / "shared" / "materials"
BATCH, SILENT, NONSENSE = 240, 16, 32


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=MATERIALS / "datasets" / "arabic-speech-commands-20", help="folder with labels.csv")
    parser.add_argument("--decoded", type=Path, metavar="FILE", help="clips decoded before (.npz: SPLIT_clips, SPLIT_classes), instead of --data")
    parser.add_argument("--clips", type=Path, default=HERE / "clips", help="where the clips to measure with go, as WAV")
    parser.add_argument("--epochs", type=int, default=240)
    parser.add_argument("--rate", type=float, default=4e-3, help="peak learning rate")
    parser.add_argument("--widths", default="32,56,80,96")
    parser.add_argument("--depth", default="1,2,2,3")
    parser.add_argument("--hop", type=int, default=320, choices=(160, 320))
    parser.add_argument("--mixup", type=float, default=0.0, help="share of batches that are mixed")
    parser.add_argument("--smooth", type=float, default=0.1)
    parser.add_argument("--decay", type=float, default=0.02)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=1e9, help="keep what there is after this long")
    parser.add_argument("--trial", type=Path, metavar="FILE", help="train, report val, keep the weights here; never look at test")
    parser.add_argument("--finish", type=Path, metavar="FILE", help="no training: export the weights of a trial")
    given = parser.parse_args()
    if not given.decoded and not (given.data / "labels.csv").is_file():
        parser.error(f"--data: no labels.csv in {given.data}; give the arabic-speech-commands-20 folder")
    return given


def network(given) -> Net:
    numbers = lambda text: tuple(int(part) for part in text.split(","))  # noqa: E731
    return Net(len(CLASSES), numbers(given.widths), numbers(given.depth), given.hop, given.dropout)


def logits_of(net: Net, features: Features, sounds: torch.Tensor) -> torch.Tensor:
    net.eval()
    with torch.no_grad():
        return torch.cat([net(features(part)).float().cpu() for part in sounds.split(256)])


def figures(net: Net, features: Features, clean, noise, outside, classes) -> dict:
    """Of a split, for a float network at temperature 1."""
    quiet, loud = logits_of(net, features, clean), logits_of(net, features, noise)
    least = measure.threshold(quiet)
    refused = {name: float((measure.known(logits_of(net, features, sounds)) < least).float().mean()) for name, sounds in outside.items()}
    return {"accuracy": measure.accuracy(quiet, classes), "noisy": measure.accuracy(loud, classes),
            "worst": measure.worst(quiet, classes), "loss": float(F.cross_entropy(quiet, classes)), "refused": refused}


def train(given, train_set, val_set):
    """Answers the moving average of the weights after the last epoch, and a line of figures for each look at val."""
    generator = torch.Generator(given.device).manual_seed(given.seed)
    net = network(given).to(given.device)
    clips, classes = (part.to(given.device) for part in train_set)
    augment = Augment(clips, classes, generator, given.hop)
    optimiser = torch.optim.AdamW([{"params": [p for p in net.parameters() if p.dim() > 1], "weight_decay": given.decay},
                                   {"params": [p for p in net.parameters() if p.dim() == 1], "weight_decay": 0.0}], lr=given.rate)
    per_epoch = len(clips) // BATCH
    steps, warm = given.epochs * per_epoch, 3 * per_epoch
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: (step + 1) / warm if step < warm else 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm))))
    val_clips, val_classes = (part.to(given.device) for part in val_set)
    sets = (val_clips.float() / 32768, measure.noisy(val_clips, val_classes, measure.DECIBELS), measure.outside(val_clips, val_classes), val_set[1])
    average, history, step, started = copy.deepcopy(net), [], 0, time.time()
    extra = torch.tensor([SILENCE] * SILENT + [UNKNOWN] * NONSENSE, device=given.device)
    for epoch in range(given.epochs):
        net.train()
        total = torch.zeros((), device=given.device)
        order = torch.randperm(len(clips), generator=generator, device=given.device)[: per_epoch * BATCH]
        for index in order.split(BATCH):
            with torch.no_grad():
                sounds = torch.cat([augment.words(index), augment.nonsense(NONSENSE)])
                x = torch.cat([augment.heard(sounds), augment.features(augment.silence(SILENT))])
                y = F.one_hot(torch.cat([classes[index], extra.flip(0)]), len(CLASSES)).float()
                if given.mixup and float(augment.uniform(0, 1, 1)) < given.mixup:
                    blend = augment.uniform(0, 0.35, len(x), 1)
                    other = torch.randperm(len(x), generator=generator, device=given.device)
                    x = torch.lerp(x, x[other], blend.view(-1, 1, 1, 1))
                    y = torch.lerp(y, y[other], blend)
            loss = F.cross_entropy(net(x), y, label_smoothing=given.smooth)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimiser.step()
            schedule.step()
            total += loss.detach()
            step += 1
            keep = min(0.99, step / (step + 9))
            with torch.no_grad():
                for slow, fast in zip(average.state_dict().values(), net.state_dict().values()):
                    slow.lerp_(fast, 1 - keep) if slow.is_floating_point() else slow.copy_(fast)
        late = time.time() - started > given.minutes * 60
        if epoch % 20 == 19 or epoch == given.epochs - 1 or late or epoch < 2:
            found = figures(average, augment.features, *sets)
            history.append({"epoch": epoch + 1, "trainLoss": float(total) / per_epoch, **found})
            held = min(found["refused"][name] for name in measure.HELD_OUT)
            print(f"epoch {epoch + 1:3d}/{given.epochs}  loss {history[-1]['trainLoss']:.4f}  val {found['accuracy']:.4f}  noisy {found['noisy']:.4f}  "
                  f"worst {found['worst']:.3f}  held-out refused {held:.2f}  {time.time() - started:.0f} s", flush=True)
        if late:
            break
    return average, history


def main():
    given = arguments()
    torch.manual_seed(given.seed)
    torch.set_num_threads(given.threads)
    if given.finish:
        kept = torch.load(given.finish, map_location="cpu")
        for name in ("widths", "depth", "hop", "dropout"):
            setattr(given, name, kept["settings"][name])
        net, history = network(given), kept["history"]
        net.load_state_dict(kept["weights"])
    else:
        splits = splits_of(given, ("train", "val"))
        print("parameters:", sum(p.numel() for p in network(given).parameters()), flush=True)
        torch.manual_seed(given.seed)
        net, history = train(given, splits["train"], splits["val"])
        net = net.cpu()
    if given.trial:
        settings = {name: value for name, value in vars(given).items() if isinstance(value, (int, float, str))}
        torch.save({"weights": {k: v.cpu() for k, v in net.state_dict().items()}, "settings": settings, "history": history}, given.trial)
        print(json.dumps(history[-1]))
    else:
        from export import finish

        finish(net.eval(), given, history)


if __name__ == "__main__":
    main()
