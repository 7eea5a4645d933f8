"""Trains, exports and measures the coffee-leaf pack: the model and the smaller one inside it. One command, no network:

    /usr/bin/python3 models/coffee-leaf/recipe.py --data DIR --weights FILE --others DIR
"""
import argparse
import json
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

try:
    import numpy as np
    import onnx
    import torch
    from PIL import Image  # noqa: F401  (data.py needs it: fail here, with advice)
except ImportError as missing:
    sys.exit(f"{missing}. On Debian: apt install python3-torch python3-onnx python3-numpy python3-pil, and run /usr/bin/python3")

import card
import measure
import plots
from data import CLASSES, HEIGHT, LEAVES, MEMORY, STRESSES, WIDTH, load, load_others, normalise
from net import Net, evaluate, export
from train import Settings, logits_of, train

MATERIALS = HERE.parents[2] / "shared" / "materials"
# The ways out, by the number of their convolution in MobileNetV2. The deepest teaches the others and is not shipped.
EXITS = {"small": 27, "full": 36, "deep": 51}
SHIPPED = {"full": "model.onnx", "small": "small.onnx"}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=MATERIALS / "datasets" / "coffee-leaf-lara2018", help="folder with labels.csv")
    parser.add_argument("--weights", type=Path, help="float ONNX of MobileNetV2 1.0 to start from",
                        default=MATERIALS / "models" / "imagenet-mobilenet" / "mobilenet_v2_1.0_224_quant.float.onnx")
    parser.add_argument("--others", type=Path, default=Path("/usr/share/tuxpaint/stamps"),
                        help="pictures of other things (Debian: apt install tuxpaint-stamps-default)")
    parser.add_argument("--epochs", type=int, default=Settings.epochs)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--trial", action="store_true", help="train and report val; write nothing, never look at test")
    parser.add_argument("--finish", type=Path, metavar="FILE", help="no training: export and measure the weights (.npz) of an earlier run")
    given = parser.parse_args()
    if not (given.data / "labels.csv").is_file():
        parser.error(f"--data: no labels.csv in {given.data}; give the coffee-leaf-lara2018 folder")
    if not given.weights.is_file():
        parser.error(f"--weights: {given.weights} is not a file; give mobilenet_v2_1.0_224_quant.float.onnx")
    if not given.finish and not given.others.is_dir():
        parser.error(f"--others: {given.others} is not a folder; on Debian: apt install tuxpaint-stamps-default")
    if given.finish and not given.finish.is_file():
        parser.error(f"--finish: {given.finish} is not a file")
    if given.epochs < 3:
        parser.error("--epochs must be at least 3: two are for warming up")
    return given


def trained(given, splits):
    """(net on the CPU, facts about the run)"""
    settings = Settings(epochs=given.epochs)
    torch.manual_seed(settings.seed)
    device = torch.device(given.device)
    pixels, classes, flags = (part.to(device) for part in splits["train"])
    pictures = load_others(given.others, "train")[0].to(device)
    net = Net(given.weights, EXITS, len(CLASSES), len(STRESSES), settings.drop).to(device)
    history, started = [], time.time()
    val = splits["val"][0].to(device), splits["val"][1]
    net = train(net, settings, (pixels, classes, flags), pictures, val, history)
    facts = {"settings": vars(settings), "minutes": round((time.time() - started) / 60, 1), "device": given.device, "history": history}
    return net.cpu().to(memory_format=MEMORY), facts


def restored(given):
    """The same from a run elsewhere: `weights.npz` and, beside it, the `.json` of that run."""
    kept, run = np.load(given.finish), json.loads(given.finish.with_suffix(".json").read_text())
    net = Net(given.weights, {name: EXITS[name] for name in SHIPPED}, len(CLASSES), len(STRESSES))
    state = {name: torch.from_numpy(kept[name]) for name in net.state_dict() if name in kept}
    missing = [name for name in net.state_dict() if name not in state and not name.startswith("stresses")]
    if missing:
        sys.exit(f"--finish: {given.finish} has no {missing[0]}; it is of another network")
    net.load_state_dict(state, strict=False)
    facts = {"settings": run["settings"], "minutes": round(run["seconds"] / 60, 1), "device": "cuda", "history": run["history"]}
    return net.eval().to(memory_format=MEMORY), facts


def exported(net: Net, exit: str, photos) -> onnx.ModelProto:
    """The shipped graph, held against torch by an independent reading of it."""
    model, worst = export(net, exit, WIDTH, HEIGHT), 0.0
    for index in range(0, len(photos), 40):
        image = normalise(photos[index : index + 1])
        with torch.no_grad():
            worst = max(worst, float(np.abs(evaluate(model, image.numpy()) - net(image, exit).numpy()).max()))
    if worst > 1e-3:
        sys.exit(f"the exported graph differs from torch by {worst}: nothing written")
    print(f"{exit}: exported graph, run with numpy, differs from torch by at most {worst:.1e}")
    return model


def finish(net: Net, splits, facts) -> None:
    """Writes the models, metrics.json and loss.svg, and prints the figures into pack.json and the card."""
    models = {exit: exported(net, exit, splits["val"][0]) for exit in SHIPPED}
    answers = {name: logits_of(net, pixels) for name, (pixels, _, _) in splits.items()}
    figures = {exit: measure.report({name: (answers[name][exit], splits[name][1]) for name in splits}, CLASSES) for exit in SHIPPED}
    for exit, file in SHIPPED.items():
        onnx.save(models[exit], str(HERE / file))
    metrics = {"model": "float32", "labels": LEAVES, "exits": figures, "training": facts}
    (HERE / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    history = facts["history"]
    series = {f"val, {exit}": [(one["epoch"], one["val"][exit]["loss"]) for one in history] for exit in history[0]["val"]}
    plots.lines(HERE / "loss.svg", "Log loss on val while training", "epoch", series)
    pack = json.loads((HERE / "pack.json").read_text())
    pack["decision"] = figures["full"]["decision"]
    pack["first"]["decision"] = figures["small"]["decision"]
    (HERE / "pack.json").write_text(json.dumps(pack, indent=1, ensure_ascii=False) + "\n")
    card.fill(HERE / "card.md", metrics)
    for exit in SHIPPED:
        print(exit, {name: figures[exit]["splits"][name]["accuracy"]["value"] for name in splits})


def main():
    given = arguments()
    torch.set_num_threads(given.threads)
    wanted = ("train", "val") if given.trial else ("train", "val", "test")
    splits = {name: load(given.data, name) for name in wanted}
    print("photos:", {name: len(split[1]) for name, split in splits.items()}, flush=True)
    net, facts = restored(given) if given.finish else trained(given, splits)
    if given.trial:
        for exit, logits in logits_of(net, splits["val"][0]).items():
            print(exit, measure.summary(logits, splits["val"][1]))
    else:
        finish(net, splits, facts)


if __name__ == "__main__":
    main()
