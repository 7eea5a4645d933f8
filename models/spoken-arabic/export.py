"""The trained network as ONNX, the figures of the float network, and the clips that `jiko calibrate` and `jiko eval` read."""
import json
import math
import sys
import wave
from pathlib import Path

import numpy as np
import onnx
import torch

sys.path.append(str(Path(__file__).resolve().parents[1]))
import measure
from data import BANDS, CLASSES, FFT, FLOOR, HIGH, LOW, MEAN, RATE, SAMPLES, STD, WINDOW, WORDS, Features, splits_of
from plot import save_curves

HERE = Path(__file__).resolve().parent


def save_model(net, hop: int, path: Path) -> None:
    """Batch normalisation is folded into the convolutions by the exporter."""
    frames = (SAMPLES - WINDOW) // hop + 1
    torch.onnx.export(net, torch.zeros(1, 1, frames, BANDS), str(path), opset_version=13, input_names=["input"], output_names=["logits"])
    model = onnx.load(str(path))
    del model.graph.value_info[:]
    for node in model.graph.node:
        node.doc_string = ""
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def reference(hop: int) -> dict:
    """A sound that anyone can make from its formula, and its features: what the phone's code is tested with."""
    n = np.arange(SAMPLES)
    sound = 0.5 * np.sin(2 * math.pi * 440 * n / RATE) * np.exp(-n / 8000) + 0.1 * np.sin(2 * math.pi * (300 + 0.1 * n) * n / RATE)
    features = Features(hop).double()(torch.tensor(sound).unsqueeze(0))[0, 0]
    return {"sound": "0.5 sin(2 pi 440 n/16000) exp(-n/8000) + 0.1 sin(2 pi (300 + 0.1 n) n/16000), n = 0..15999", "hop": hop,
            "shape": list(features.shape), "features": [round(float(value), 5) for value in features.flatten()]}


def write_wav(path: Path, sound: torch.Tensor) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((sound.clamp(-1, 1) * 32767).round().short().numpy().tobytes())


def sounds_of(clips, classes) -> dict:
    """`clean`; `noisy` at 10 dB; `outside`, of none of the words, by recipe."""
    return {"clean": clips.float() / 32768, "noisy": measure.noisy(clips, classes, measure.DECIBELS), "outside": measure.outside(clips, classes)}


def write_split(folder: Path, sounds: dict, classes) -> None:
    """As WAV files: `clean` and `noisy`, a folder a label; `strangers`, a folder a recipe, 100 of each."""
    for name in ("clean", "noisy"):
        for index, (sound, label) in enumerate(zip(sounds[name], classes.tolist())):
            write_wav(folder / name / WORDS[label] / f"{index:04d}.wav", sound)
    for name, those in sounds["outside"].items():
        for index, sound in enumerate(those[:100]):
            write_wav(folder / "strangers" / name / f"{index:03d}.wav", sound)


def decide(net, features, sounds, classes) -> tuple[dict, dict]:
    """Temperature and threshold, from val; and what they do there."""
    def logits_of(part):
        with torch.no_grad():
            return torch.cat([net(features(piece)) for piece in part.split(256)])

    clean, noisy = logits_of(sounds["clean"]), logits_of(sounds["noisy"])
    both, twice = torch.cat([clean, noisy]), torch.cat([classes, classes])
    temperature = measure.best_temperature(both, twice)
    least = measure.threshold(clean, temperature)
    refused = {name: float((measure.known(logits_of(part), temperature) < least).float().mean()) for name, part in sounds["outside"].items()}
    figures = {"accuracy": measure.accuracy(clean, classes), "noisy": measure.accuracy(noisy, classes), "worst": measure.worst(clean, classes),
               "calibrationError": measure.calibration_error(clean, classes, temperature), "refused": refused}
    return {"temperature": round(temperature, 4), "threshold": round(least, 4)}, figures


def finish(net, given, history) -> None:
    """Writes model.onnx, metrics.json, reference.json and the decision in pack.json here; the clips to given.clips."""
    sets = {}
    for split, (clips, classes) in splits_of(given, ("val", "test")).items():
        sets[split] = sounds_of(clips, classes), classes
    decision, figures = decide(net, Features(given.hop), *sets["val"])
    save_model(net, given.hop, HERE / "model.onnx")
    (HERE / "reference.json").write_text(json.dumps(reference(given.hop)) + "\n")
    metrics = {"model": "float32", "decision": decision, "val": figures, "history": history, "labels": CLASSES, "heldOut": measure.HELD_OUT}
    (HERE / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    save_curves(HERE / "loss.svg", "loss by epoch", {"train": [(one["epoch"], one["trainLoss"]) for one in history], "val": [(one["epoch"], one["loss"]) for one in history]})
    pack = json.loads((HERE / "pack.json").read_text())
    pack["decision"] = decision
    frames = (SAMPLES - WINDOW) // given.hop + 1
    pack["input"]["features"] |= {"fft": FFT, "window": WINDOW, "hop": given.hop, "bands": BANDS, "low": LOW, "high": HIGH, "floor": FLOOR,
                                  "mean": [MEAN], "std": [STD], "dims": [1, 1, frames, BANDS]}
    (HERE / "pack.json").write_text(json.dumps(pack, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps({"decision": decision, "val": figures}, indent=1))
    for split, (sounds, classes) in sets.items():
        write_split(given.clips / split, sounds, classes)
    print(f"clips are in {given.clips}", file=sys.stderr)
