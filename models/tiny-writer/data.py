"""The Universal Declaration of Human Rights in many languages, as characters. Nothing else: what a model of this size learns by
heart, it may recite, and this text may be recited by anyone."""
import json
import sys
from collections import Counter
from pathlib import Path

import torch

# ISO 639-3 codes in UDHR, and the tag that begins a text: the app's nine languages.
LANGUAGES = {"eng": "en", "fra": "fr", "por": "pt", "spa": "es", "swh": "sw", "hau": "ha", "amh": "am", "arb": "ar", "hin": "hi"}
RARE = 3  # a character seen less often than this is left out of the alphabet
HELD_OUT = 0.12  # of the paragraphs of each language, its last: other articles than those trained on
STOP = "\n"


def read(file: Path) -> dict[str, list[str]]:
    """The paragraphs of one translation per tag."""
    if not file.is_file():
        sys.exit(f"{file} is not there: give the folder udhr-langid with --data")
    with open(file, encoding="utf-8") as lines:
        texts = [json.loads(line) for line in lines]
    # Dialects and older spellings carry a number or a region in their code: the plain one first.
    texts.sort(key=lambda text: (text["code"] != text["iso639_3"], any(c.isdigit() for c in text["code"]), text["code"]))
    found: dict[str, list[str]] = {}
    for text in texts:
        tag = LANGUAGES.get(text["iso639_3"])
        if tag and tag not in found:
            found[tag] = [" ".join(paragraph.split()) for paragraph in text["paragraphs"]]
    missing = sorted(set(LANGUAGES.values()) - set(found))
    if missing:
        sys.exit(f"{file} has no text for {missing}")
    return {tag: found[tag] for tag in LANGUAGES.values()}


class Alphabet:
    """0 is padding and unknown; then a tag a language; then the characters, the commonest first."""

    def __init__(self, tags: list[str], characters: list[str]):
        self.tags, self.characters = tags, characters
        self.pieces = ["<unknown>", *[f"<{tag}>" for tag in tags], *characters]
        self.number = {piece: index for index, piece in enumerate(self.pieces)}

    def encode(self, text: str) -> list[int]:
        return [self.number.get(character, 0) for character in text]


def load(folder: Path):
    """The alphabet, and per tag its text to train on and the text held out, as tensors of numbers."""
    texts = read(folder / "udhr.jsonl")
    counts = Counter(character for paragraphs in texts.values() for paragraph in paragraphs for character in paragraph)
    characters = [STOP, *[character for character, count in counts.most_common() if count >= RARE]]
    alphabet = Alphabet(list(texts), characters)
    train, held = {}, {}
    for tag, paragraphs in texts.items():
        cut = round(len(paragraphs) * (1 - HELD_OUT))
        for part, target in ((paragraphs[:cut], train), (paragraphs[cut:], held)):
            target[tag] = torch.tensor(alphabet.encode("".join(paragraph + STOP for paragraph in part)))
    return alphabet, train, held
