"""Draws what is no coffee leaf, to measure on; none of it was trained on:

    /usr/bin/python3 models/coffee-leaf/strangers.py --out FOLDER [--photos FOLDER ...]
"""
import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from data import HEIGHT, PICTURES, WIDTH, load_others, prepare

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "materials" / "datasets" / "sample-photos"
DRAWN = {"desktop"}  # the folder of wallpapers that are patterns, not photos
NOISE, SEED = 30, 5001


def keep(folder: Path, pictures) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for index, pixels in enumerate(pictures):
        Image.fromarray(pixels.transpose(1, 2, 0)).save(folder / f"{index:03d}.png")
    print(f"{folder}: {len(pictures)} pictures")


def noise(dice: np.random.Generator, kind: int) -> np.ndarray:
    """Another kind than the clouds of the training: dots, waves, or squares."""
    down, across = np.mgrid[0:HEIGHT, 0:WIDTH]
    ground, ink = dice.uniform(0, 255, (2, 3, 1, 1))
    if kind == 0:
        share = dice.random((3 if dice.random() < 0.5 else 1, HEIGHT, WIDTH))
    elif kind == 1:
        share = 0.5 + 0.5 * np.sin(across * dice.uniform(0.02, 0.8) + down * dice.uniform(-0.8, 0.8) + dice.uniform(0, 6))[None]
    else:
        side = int(dice.integers(4, 40))
        share = dice.random((HEIGHT // side + 1, WIDTH // side + 1))[down // side, across // side][None]
    return (ground + share * (ink - ground)).clip(0, 255).astype(np.uint8)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--others", type=Path, default=Path("/usr/share/tuxpaint/stamps"), help="Debian: apt install tuxpaint-stamps-default")
    parser.add_argument("--photos", type=Path, nargs="*", default=[SAMPLES, Path("/usr/share/backgrounds")],
                        help="folders of photos (Debian: apt install lomiri-wallpapers mate-backgrounds)")
    given = parser.parse_args()
    pictures, names = load_others(given.others, "test")
    plants = [name.startswith("plants/") for name in names]
    keep(given.out / "other-plants", [one.numpy() for one, plant in zip(pictures, plants) if plant])
    keep(given.out / "other-things", [one.numpy() for one, plant in zip(pictures, plants) if not plant])
    photos = [path for folder in given.photos for path in sorted(folder.rglob("*")) if path.suffix.lower() in PICTURES and not DRAWN & set(path.parts)]
    keep(given.out / "photos", [prepare(Image.open(path)) for path in photos])
    dice = np.random.default_rng(SEED)
    keep(given.out / "noise", [noise(dice, index % 3) for index in range(NOISE)])


if __name__ == "__main__":
    main()
