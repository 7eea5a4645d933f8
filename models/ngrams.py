"""Text as hashed n-grams, exactly as the phone makes them (`features.kind: ngrams` in the manifest), and news to learn from."""
import csv
import json
import sys
import unicodedata
from pathlib import Path

import numpy as np

BASIS, PRIME, MASK = 2166136261, 16777619, 0xFFFFFFFF


def is_letter(character: str) -> bool:
    return character == "'" or unicodedata.category(character)[0] in "LM"


def words_of(text: str, most: int = 2000) -> list[str]:
    """The words of the first `most` characters: NFC, small letters; whatever is no letter, mark or apostrophe separates."""
    text = unicodedata.normalize("NFC", text[:most]).lower().replace("\u2019", "'")
    return "".join(character if is_letter(character) else " " for character in text).split()


def fnv(data: bytes, start: int = BASIS) -> int:
    for byte in data:
        start = ((start ^ byte) * PRIME) & MASK
    return start


class Hasher:
    """Words to the 32-bit hashes of their n-grams; remembers words it has seen."""

    def __init__(self, characters: list[int], words: list[int]):
        self.characters, self.words = set(characters), words
        self.longest = max(characters, default=0)
        self.seen: dict[str, np.ndarray] = {}

    def of_word(self, word: str) -> np.ndarray:
        known = self.seen.get(word)
        if known is None:
            pieces = [character.encode() for character in f" {word} "]
            found = set()
            for first in range(len(pieces)):
                value = BASIS
                for size, piece in enumerate(pieces[first : first + self.longest], 1):
                    value = fnv(piece, value)
                    if size in self.characters and not (size == 1 and piece == b" "):
                        found.add(value)
            if 1 in self.words:
                found.add(fnv(f" {word} ".encode()))
            known = self.seen[word] = np.fromiter(found, dtype=np.uint32, count=len(found))
        return known

    def of_words(self, words: list[str]) -> np.ndarray:
        """All hashes, each once, sorted."""
        if not words:
            return np.zeros(0, dtype=np.uint32)
        parts = [self.of_word(word) for word in words]
        for size in self.words:
            if size > 1:
                runs = {fnv(f" {' '.join(words[i : i + size])} ".encode()) for i in range(len(words) - size + 1)}
                parts.append(np.fromiter(runs, dtype=np.uint32, count=len(runs)))
        return np.unique(np.concatenate(parts))


def read_news(folder: Path, split: str):
    """(language, topic, headline, text) of every article of a split, in the order of the files."""
    files = sorted(folder.glob(f"*.{split}.tsv"))
    if not files:
        sys.exit(f"{folder} has no *.{split}.tsv: give the folder masakhane-news-short")
    for file in files:
        with open(file, encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE):
                yield file.name.split(".")[0], row["category"], row["headline"], row["text"]


def read_declaration(folder: Path) -> list[dict]:
    """The Universal Declaration of Human Rights: {code, iso639_3, name, paragraphs} of every translation."""
    file = folder / "udhr.jsonl"
    if not file.is_file():
        sys.exit(f"{file} is not there: give the folder udhr-langid")
    with open(file, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
