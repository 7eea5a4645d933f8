"""Single handwritten digits from the sheets on disk."""
import json
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

HELD_BACK = 3000  # of the training digits, the last: to choose on


def load(folder: Path, split: str):
    """uint8 [n,28,28], ink is bright, and the digits [n] of `train`, `val` or `test`."""
    sheets = json.loads((folder / "labels.json").read_text())
    wanted = [sheet for sheet in sheets if sheet["split"] == ("test" if split == "test" else "train")]
    missing = [sheet["file"] for sheet in wanted if not (folder / sheet["file"]).is_file()]
    if missing or not wanted:
        sys.exit(f"{folder}: labels.json names {len(wanted)} sheets for {split}, {len(missing)} of them missing {missing[:1]}")
    pixels, classes = [], []
    for sheet in wanted:
        # The sheets of the test split were cut to their first rows; their labels were not.
        rows = np.asarray(Image.open(folder / sheet["file"]).convert("L")).reshape(-1, 28, 28)
        pixels.append(rows)
        classes.append(np.frombuffer(sheet["labels"].encode(), np.uint8)[: len(rows)] - ord("0"))
    pixels, classes = torch.from_numpy(np.concatenate(pixels)), torch.from_numpy(np.concatenate(classes)).long()
    if split == "test":
        return pixels, classes
    kept = slice(-HELD_BACK, None) if split == "val" else slice(None, -HELD_BACK)
    return pixels[kept], classes[kept]
