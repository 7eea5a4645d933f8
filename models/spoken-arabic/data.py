"""Clips as tensors: the split on disk, decoded by ffmpeg, and the features that the phone computes too."""
import csv
import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

WORDS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
         "yes", "no", "start", "stop", "open", "close", "up", "down", "left", "right"]
CLASSES = [*WORDS, "silence", "unknown"]
SILENCE, UNKNOWN = CLASSES.index("silence"), CLASSES.index("unknown")
RATE, SAMPLES = 16_000, 16_000
FFT, WINDOW, BANDS, LOW, HIGH, FLOOR = 512, 480, 40, 20.0, 7600.0, 1e-6
MEAN, STD = -6.0, 5.0


def decode(path: Path) -> np.ndarray:
    """One clip as int16 [16000]: cut or filled with zeros at its end."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-f", "s16le", "-ac", "1", "-ar", str(RATE), "-"]
    clip = np.frombuffer(subprocess.run(command, check=True, capture_output=True).stdout, dtype="<i2")[:SAMPLES]
    return np.pad(clip, (0, SAMPLES - len(clip)))


def load(folder: Path, split: str):
    """All clips of a split, sorted by path: int16 [n,16000] and classes [n]."""
    with open(folder / "labels.csv", newline="") as file:
        rows = sorted((row for row in csv.DictReader(file) if row["split"] == split), key=lambda row: row["path"])
    missing = [row["path"] for row in rows if not (folder / row["path"]).is_file()]
    if missing or not rows:
        sys.exit(f"{folder}: labels.csv names {len(rows)} clips of {split}, {len(missing)} of them missing {missing[:1]}")
    with ThreadPoolExecutor(4) as pool:
        clips = np.stack(list(pool.map(decode, [folder / row["path"] for row in rows])))
    return torch.from_numpy(clips), torch.tensor([WORDS.index(row["class"]) for row in rows])


def splits_of(given, names):
    """Clips and classes of these splits, from the file of decoded clips where there is one."""
    if not given.decoded:
        return {name: load(given.data, name) for name in names}
    kept = np.load(given.decoded)
    return {name: (torch.from_numpy(kept[f"{name}_clips"]), torch.from_numpy(kept[f"{name}_classes"])) for name in names}


def mel(hertz):
    return 1127.0 * np.log(1.0 + hertz / 700.0)


def mel_weights() -> np.ndarray:
    """[257, 40]: triangles that are straight on the HTK mel scale, each with peak 1."""
    edges = np.linspace(mel(LOW), mel(HIGH), BANDS + 2)
    at = mel(np.arange(FFT // 2 + 1) * RATE / FFT)[:, None]
    left, centre, right = edges[:-2], edges[1:-1], edges[2:]
    return np.maximum(0.0, np.minimum((at - left) / (centre - left), (right - at) / (right - centre)))


class Features(torch.nn.Module):
    """Samples -1..1 [n,16000] to mel powers [n,frames,40], and those to what the network eats."""

    def __init__(self, hop: int):
        super().__init__()
        self.hop = hop
        hann = 0.5 - 0.5 * np.cos(2 * math.pi * np.arange(WINDOW) / WINDOW)
        self.register_buffer("window", torch.tensor(hann, dtype=torch.float32))
        self.register_buffer("weights", torch.tensor(mel_weights(), dtype=torch.float32))

    def powers(self, samples: torch.Tensor) -> torch.Tensor:
        frames = samples.unfold(1, WINDOW, self.hop) * self.window
        spectrum = torch.fft.rfft(frames, FFT)
        return (spectrum.real**2 + spectrum.imag**2) @ self.weights

    @staticmethod
    def normalise(powers: torch.Tensor) -> torch.Tensor:
        return ((torch.log(powers + FLOOR) - MEAN) / STD).unsqueeze(1)

    def forward(self, samples: torch.Tensor) -> torch.Tensor:
        return self.normalise(self.powers(samples))
