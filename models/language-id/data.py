"""Snippets of 3 to 8 words: of news in 16 languages, and of one long text (the UDHR) in these, in more, and in languages to refuse."""
import copy
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from ngrams import read_declaration, read_news, words_of  # noqa: E402

NEWS = ["amh", "eng", "fra", "hau", "ibo", "lin", "lug", "orm", "pcm", "run", "sna", "som", "swa", "tir", "xho", "yor"]
# Known from the UDHR alone, about 1,500 words each.
MORE = ["afr", "arb", "bam", "bem", "ewe", "fuf", "hin", "kin", "kng", "nya", "plt", "por", "sot", "spa", "tsn", "twi", "wol", "zul"]
LABELS = [*NEWS, *MORE, "unknown"]
UNKNOWN = LABELS.index("unknown")
# UDHR codes that are one of ours under another name, or a dialect of it: neither ours nor unknown.
SAME = {"swh": "swa", "gaz": "orm"}
KIN = {"aka", "fat", "hau", "som", "swa", "swc", "orm", "hae", "gax", "mly", "zlm", "por", "spa", "fuc", "fuv", "ffm", "mlg", "dyu", "bms", "glg", "ktu", "ldi", "sco", "jam", "cjk"}
SHORTEST, LONGEST = 3, 8


def snippet(source, dice: random.Random) -> list[str]:
    """A run of words of one of these texts (lists of words), the first one, a headline, at a third of the time."""
    words = source[0] if dice.random() < 1 / 3 or len(source) == 1 else dice.choice(source[1:])
    if len(words) < SHORTEST:
        words = [word for part in source for word in part]
    count = dice.randint(SHORTEST, LONGEST)
    first = dice.randint(0, max(0, len(words) - count))
    return words[first : first + count]


def part_of(index: int, count: int) -> str:
    """Which split a paragraph belongs to: whole articles, in the order of the text."""
    place = index / count
    return "train" if place < 0.6 else "dev" if place < 0.75 else "test"


class Texts:
    """news, declaration: per label, sources of a split. strangers: per UDHR code, sources of languages to refuse; those of one
    split are in no other."""

    def __init__(self, news: Path, declaration: Path, split: str):
        self.news = {label: [] for label in NEWS}
        for language, _, headline, text in read_news(news, split):
            source = [words_of(headline), words_of(text)]
            if sum(map(len, source)) >= SHORTEST:
                self.news[language].append(source)
        self.declaration, self.strangers, self.names = {label: [] for label in LABELS[:-1]}, {}, {}
        codes = read_declaration(declaration)
        for index, code in enumerate(sorted({text["iso639_3"] for text in codes})):
            self.names[code] = ("train", "test", "train", "dev", "test")[index % 5]
        for text in codes:
            code = SAME.get(text["iso639_3"], text["iso639_3"])
            plain = text["code"] in (text["iso639_3"], "gax") or "_" in text["code"] and text["code"][:3] == text["iso639_3"]
            sources = [[words_of(paragraph)] for paragraph in text["paragraphs"]]
            sources = [source for source in sources if len(source[0]) >= SHORTEST]
            if code in self.declaration:
                if plain or not self.declaration[code]:
                    kept = [source for index, source in enumerate(sources) if part_of(index, len(sources)) == split]
                    self.declaration[code] += kept
            elif code not in KIN and self.names[code] == split and sources:
                self.strangers.setdefault(code, []).extend(sources)


    def with_half(self, other: "Texts", half: int | None) -> "Texts":
        """These, and every second text (and language to refuse) of the other split; all of it when `half` is None."""
        both, kept = copy.copy(self), other.half(half)
        both.news = {label: self.news[label] + kept.news[label] for label in self.news}
        both.declaration = {label: self.declaration[label] + kept.declaration[label] for label in self.declaration}
        both.strangers = {**self.strangers, **kept.strangers}
        return both

    def half(self, half: int | None) -> "Texts":
        some = copy.copy(self)
        every = slice(half, None, None if half is None else 2)
        some.news = {label: texts[every] for label, texts in self.news.items()}
        some.declaration = {label: texts[every] for label, texts in self.declaration.items()}
        some.strangers = dict(sorted(self.strangers.items())[every])
        return some


def draw(texts: Texts, dice: random.Random, shares=(0.66, 0.28)) -> tuple[int, list[str]]:
    """One labelled snippet to train on: of the news, of the declaration, or of a stranger."""
    kind = dice.random()
    if kind < shares[0]:
        # English three times, as in the news: an article in Nigerian Pidgin quotes it, and few words of it are Pidgin alone.
        label = dice.choices(NEWS, [3 if label == "eng" else 1 for label in NEWS])[0]
        return LABELS.index(label), snippet(dice.choice(texts.news[label]), dice)
    if kind < sum(shares):
        label = dice.choice(MORE) if dice.random() < 0.75 else dice.choice(NEWS)
        return LABELS.index(label), snippet(dice.choice(texts.declaration[label]), dice)
    if dice.random() < 0.15:
        return UNKNOWN, gibberish(dice)
    return UNKNOWN, snippet(dice.choice(texts.strangers[dice.choice(list(texts.strangers))]), dice)


def gibberish(dice: random.Random) -> list[str]:
    """Letters in no order, and the same letter again and again."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    if dice.random() < 0.2:
        return [dice.choice(letters) * dice.randint(2, 9) for _ in range(dice.randint(SHORTEST, LONGEST))]
    return ["".join(dice.choice(letters) for _ in range(dice.randint(2, 9))) for _ in range(dice.randint(SHORTEST, LONGEST))]


def fixed(texts: Texts, seed: int = 38) -> dict[str, list[tuple[int, list[str]]]]:
    """What is measured: one snippet of every article, twenty of each label of the declaration, ten of every stranger."""
    dice = random.Random(seed)
    return {
        "news": [(LABELS.index(label), snippet(source, dice)) for label in NEWS for source in texts.news[label]],
        "declaration": [(LABELS.index(label), snippet(dice.choice(texts.declaration[label]), dice)) for label in LABELS[:-1] for _ in range(20)],
        "strangers": [(UNKNOWN, snippet(dice.choice(sources), dice)) for _, sources in sorted(texts.strangers.items()) for _ in range(10)],
        "gibberish": [(UNKNOWN, gibberish(dice)) for _ in range(300)],
    }
