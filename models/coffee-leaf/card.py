"""Prints the float figures into the model card, between its markers, so that no figure there is ever typed."""
import re
from pathlib import Path


def percent(share: dict) -> str:
    if share["value"] is None:
        return "none"
    return f"{100 * share['value']:.1f} % ({100 * share['low']:.0f}-{100 * share['high']:.0f})"


def table(figures: dict, labels: list) -> str:
    splits, decision = figures["splits"], figures["decision"]
    test = splits["test"]
    lines = [
        "| split | photos | accuracy (95 % interval) | mean recall | answered at the threshold | right when answered |",
        "|---|---|---|---|---|---|",
    ]
    for name, split in splits.items():
        at = split["atThreshold"]
        lines.append(f"| {name} | {split['photos']} | {percent(split['accuracy'])} | {100 * split['macroRecall']:.1f} % "
                     f"| {percent(at['coverage'])} | {percent(at['accuracy'])} |")
    lines += ["", "Test, class by class:", "", "| class | photos | recall (95 % interval) | precision (95 % interval) |", "|---|---|---|---|"]
    for label in labels:
        one = test["classes"][label]
        lines.append(f"| {label} | {one['photos']} | {percent(one['recall'])} | {percent(one['precision'])} |")
    lines += ["", f"Temperature {decision['temperature']}, threshold {decision['threshold']}, both chosen on val. "
                  f"Calibration error (10 bins): val {100 * splits['val']['calibrationError']:.1f} %, "
                  f"test {100 * test['calibrationError']:.1f} %."]
    return "\n".join(lines)


def training(facts: dict) -> str:
    settings = ", ".join(f"{name} {value}" for name, value in facts["settings"].items())
    return f"Trained for {facts['minutes']} minutes on {facts['device']}: {settings}."


def fill(path: Path, figures: dict) -> None:
    begin, end = "<!-- float:begin -->", "<!-- float:end -->"
    text = path.read_text()
    if begin not in text or end not in text:
        raise SystemExit(f"{path}: no {begin} ... {end} to print the figures into")
    parts = [training(figures["training"]), *(f"### {name}\n\n{table(one, figures['labels'])}" for name, one in figures["exits"].items())]
    printed = "\n\n".join(parts)
    filled = re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n{printed}\n{end}", text, flags=re.S)
    path.write_text(filled)
