"""Photos as tensors: the split on disk, the app's preprocessing, and what is not a leaf."""
import csv
import hashlib
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

CLASSES = ["healthy", "leaf_miner", "rust", "phoma", "cercospora", "not_a_leaf"]
LEAVES = CLASSES[:-1]
STRESSES = ["miner", "rust", "phoma", "cercospora"]  # the flag columns: one leaf may carry several
WIDTH, HEIGHT = 256, 128
MEAN = STD = 128.0
MEMORY = torch.channels_last  # twice as fast as planes on the CPU
PICTURES = {".jpg", ".jpeg", ".png"}
DRAWN = ("symbols", "cartoon", "people", "plastic")  # stamps that are drawings, not photos


def prepare(photo: Image.Image) -> np.ndarray:
    """One photo as the app prepares it: landscape, covering 256x128, centre crop. uint8 [3,128,256], RGB."""
    photo = ImageOps.exif_transpose(photo).convert("RGB")
    if photo.height > photo.width:
        photo = photo.transpose(Image.Transpose.ROTATE_270)  # PIL turns anticlockwise: this is 90 degrees clockwise
    scale = max(WIDTH / photo.width, HEIGHT / photo.height)
    size = max(WIDTH, round(photo.width * scale)), max(HEIGHT, round(photo.height * scale))
    if size != photo.size:
        photo = photo.resize(size, Image.Resampling.BILINEAR)
    left, top = (size[0] - WIDTH) // 2, (size[1] - HEIGHT) // 2
    photo = photo.crop((left, top, left + WIDTH, top + HEIGHT))
    return np.asarray(photo).transpose(2, 0, 1).copy()


def on_paper(cutout: Image.Image) -> Image.Image:
    """A thing with a transparent surround, laid on light paper as a leaf would be: the layout must not give it away."""
    cutout = cutout.convert("RGBA")
    cutout = cutout.crop(cutout.getchannel("A").getbbox() or (0, 0, *cutout.size))
    if cutout.height > cutout.width:
        cutout = cutout.transpose(Image.Transpose.ROTATE_270)
    scale = min(0.95 * WIDTH / cutout.width, 0.95 * HEIGHT / cutout.height)
    cutout = cutout.resize((max(1, round(cutout.width * scale)), max(1, round(cutout.height * scale))), Image.Resampling.BILINEAR)
    paper = Image.new("RGBA", (WIDTH, HEIGHT), (206, 206, 200, 255))
    paper.alpha_composite(cutout, ((WIDTH - cutout.width) // 2, (HEIGHT - cutout.height) // 2))
    return paper.convert("RGB")


def load(folder: Path, split: str):
    """All photos of a split: pixels uint8 [n,3,128,256], classes [n], stress flags [n,4]. Sorted by path."""
    with open(folder / "labels.csv", newline="") as file:
        rows = sorted((row for row in csv.DictReader(file) if row["split"] == split), key=lambda row: row["path"])
    missing = [row["path"] for row in rows if not (folder / row["path"]).is_file()]
    if missing or not rows:
        sys.exit(f"{folder}: labels.csv names {len(rows)} photos of {split}, {len(missing)} of them missing {missing[:1]}")
    pixels = np.stack([prepare(Image.open(folder / row["path"])) for row in rows])
    classes = [CLASSES.index(row["class"]) for row in rows]
    flags = [[float(row[stress]) for stress in STRESSES] for row in rows]
    return torch.from_numpy(pixels), torch.tensor(classes), torch.tensor(flags)


def part_of(name: str) -> str:
    """train, val or test: by the digest of the name, so that a picture never changes sides."""
    first = hashlib.sha256(name.encode()).digest()[0]
    return "train" if first < 140 else "val" if first < 186 else "test"


def load_others(folder: Path, split: str):
    """Pictures of other things, uint8 [n,3,128,256], and their names. Sorted by name."""
    names = sorted(str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("*") if path.suffix.lower() in PICTURES)
    names = [name for name in names if part_of(name) == split and not any(word in name for word in DRAWN)]
    if not names:
        sys.exit(f"{folder}: no picture of {split} in it; on Debian: apt install tuxpaint-stamps-default")
    pictures = []
    for name in names:
        path = next(folder / (name + suffix) for suffix in sorted(PICTURES) if (folder / (name + suffix)).is_file())
        picture = Image.open(path)
        clear = picture.mode in ("RGBA", "LA", "P")
        pictures.append(prepare(on_paper(picture) if clear else picture))
    return torch.from_numpy(np.stack(pictures)), names


def normalise(pixels: torch.Tensor) -> torch.Tensor:
    return ((pixels.float() - MEAN) / STD).contiguous(memory_format=MEMORY)


def balanced_order(classes: torch.Tensor, power: float, generator: torch.Generator) -> torch.Tensor:
    """One epoch of indices in which a class is drawn by its size to the power of 1 - `power`: 1 is equally often."""
    weights = torch.bincount(classes, minlength=len(LEAVES)).float().clamp(min=1) ** -power
    return torch.multinomial(weights[classes], len(classes), replacement=True, generator=generator)
