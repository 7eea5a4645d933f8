"""Trains and exports the form-digits pack, and draws the fields it is measured on. One command, no network:

    /usr/bin/python3 models/form-digits/recipe.py --data DIR
    /usr/bin/python3 models/form-digits/recipe.py --data DIR --draw FOLDER --count 1000 --strength 0.5
"""
import argparse
import csv
import json
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

try:
    import onnx
    import torch
    from PIL import Image
except ImportError as missing:
    sys.exit(f"{missing}. On Debian: apt install python3-torch python3-onnx python3-numpy python3-pil, and run /usr/bin/python3")

import plots
from data import load
from fields import MOST, Fields
from net import Net, export
from train import Settings, errors, train

MATERIALS = HERE.parents[2] / "shared" / "materials"
# What an hour on two cores is enough for; the settings of the weights that are shipped take about four.
SHORT = {"steps": 4500, "batch": 64, "rate": 2e-3, "seed": 1}
TEST_SEED = 4001


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=MATERIALS / "datasets" / "mnist-png-sheets", help="folder with labels.json")
    parser.add_argument("--short", action="store_true", help="the training that ends within an hour on two cores")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--finish", type=Path, metavar="FILE", help="no training: export the weights (.pt) of an earlier run")
    parser.add_argument("--draw", type=Path, metavar="FOLDER", help="only draw fields, as PNG files and labels.csv")
    parser.add_argument("--split", choices=["train", "val", "test"], default="test", help="whose digits to draw with")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--strength", type=float, default=0.5, help="how crooked the hand and the camera are: 0 not, 1 as in training")
    parser.add_argument("--single", action="store_true", help="draw every digit of the split once, alone in its field")
    given = parser.parse_args()
    if not (given.data / "labels.json").is_file():
        parser.error(f"--data: no labels.json in {given.data}; give the mnist-png-sheets folder")
    if given.finish and not given.finish.with_suffix(".json").is_file():
        parser.error(f"--finish: no {given.finish.with_suffix('.json')} beside the weights; it says how they were trained")
    if given.count < 1 or not 0 <= given.strength <= 1:
        parser.error("--count must be at least 1, --strength 0..1")
    return given


def draw(given) -> None:
    """Fields of digits that training never saw, drawn with a seed that it never used."""
    digits, classes = load(given.data, given.split)
    fields = Fields(digits, classes, TEST_SEED, given.strength, blank=0.0)
    if given.single:
        which = torch.arange(len(digits)).view(-1, 1).expand(-1, MOST)
        pixels, written, lengths, _ = fields.make(len(digits), torch.ones(len(digits), dtype=torch.long), which)
    else:
        pixels, written, lengths, _ = fields.make(given.count)
    given.draw.mkdir(parents=True, exist_ok=True)
    with open(given.draw / "labels.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["path", "label"])
        for index, (field, digits_, length) in enumerate(zip(pixels, written.tolist(), lengths.tolist())):
            name = f"{index:05d}.png"
            Image.fromarray(field[0].round().byte().numpy()).save(given.draw / name)
            rows.writerow([name, "".join(map(str, digits_[:length]))])
    print(f"{given.draw}: {len(pixels)} fields of the {given.split} digits, strength {given.strength}")


def checks(given, device):
    """What is looked at on val while training: whole fields, digits in them, and digits alone."""
    digits, classes = (part.to(device) for part in load(given.data, "val"))
    fields = Fields(digits, classes, seed=7, blank=0.0).make(2000)
    which = torch.arange(len(digits), device=device).view(-1, 1).expand(-1, MOST)
    singles = Fields(digits, classes, seed=8).make(len(which), torch.ones(len(which), dtype=torch.long, device=device), which)

    def check(net: Net) -> dict:
        wrong, edits, count = errors(net, *fields)
        alone = errors(net, *singles)[0]
        return {"field": 1 - wrong / len(fields[0]), "digit": 1 - edits / count, "single": 1 - alone / len(singles[0])}

    return check


def trained(given):
    settings = Settings(**(SHORT if given.short else {}))
    torch.manual_seed(settings.seed)
    device = torch.device(given.device)
    digits, classes = (part.to(device) for part in load(given.data, "train"))
    history, started = [], time.time()
    net = train(Net(settings.width, settings.drop).to(device), settings, digits, classes, checks(given, device), history)
    facts = {"settings": vars(settings), "seconds": time.time() - started, "device": given.device, "history": history}
    return net.cpu(), facts


def restored(given):
    facts = json.loads(given.finish.with_suffix(".json").read_text())
    net = Net(facts["settings"]["width"])
    net.load_state_dict(torch.load(given.finish, map_location="cpu"))
    return net.eval(), {**facts, "device": facts.get("device", "cuda")}


def finish(given, net: Net, facts: dict) -> None:
    model = export(net)
    onnx.save(model, str(HERE / "model.onnx"))
    history = facts["history"]
    found = checks(given, torch.device("cpu"))(net)
    metrics = {"model": "float32", "val": {name: round(value, 4) for name, value in found.items()},
               "training": {"settings": facts["settings"], "minutes": round(facts["seconds"] / 60, 1), "device": facts["device"], "history": history}}
    (HERE / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    wrong = {name: [(one["step"], 1 - one[name]) for one in history] for name in ("field", "digit", "single")}
    plots.lines(HERE / "loss.svg", "Share wrong on val while training", "step", wrong)
    print(json.dumps(metrics["val"]))


def main():
    given = arguments()
    torch.set_num_threads(given.threads)
    if given.draw:
        return draw(given)
    net, facts = restored(given) if given.finish else trained(given)
    return finish(given, net, facts)


if __name__ == "__main__":
    main()
