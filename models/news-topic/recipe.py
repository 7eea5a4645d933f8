"""Trains and exports the news-topic pack. One command, two CPU cores, no network:

    /usr/bin/python3 models/news-topic/recipe.py --news DIR --declaration DIR --texts DIR

A small hidden layer over hashed pieces of words, learnt with five values a column, so that it deflates well. Settings, temperature and threshold are chosen on dev with a model of train; the shipped
model learns from train and dev with those settings, because for six languages train has fewer articles than dev. Writes model.onnx and metrics.json here, and the texts that
`jiko calibrate` and `jiko eval` read into --texts (they are others' texts: not for the repository).
"""
import argparse
import json
import random
import sys
import time
from pathlib import Path

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
except ImportError as missing:
    sys.exit(f"{missing}. On Debian: apt install python3-torch python3-onnx python3-numpy, and run /usr/bin/python3")

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[1] / "language-id")]
from data import NEWS, Texts, gibberish  # noqa: E402
from dense import save_dense, write_rows  # noqa: E402
from ngrams import Hasher, read_news, words_of  # noqa: E402

HERE = Path(__file__).resolve().parent
MATERIALS = HERE.parents[2] / "shared" / "materials" / "datasets"
TOPICS = ["business", "entertainment", "health", "politics", "religion", "sports", "technology"]
LABELS = [*TOPICS, "other"]
OTHER = LABELS.index("other")
CHARACTERS, WORDS, BUCKETS, KEPT = [3, 4, 5], [1, 2], 131_072, 0.95
BATCH, RATE, RIDGE, SEED = 128, 0.004, 1e-4, 7
WIDTH, LEVELS, SCALE = 20, 2, 0.8


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--news", type=Path, default=MATERIALS / "masakhane-news-short", help="folder with LANG.SPLIT.tsv")
    parser.add_argument("--declaration", type=Path, default=MATERIALS / "udhr-langid", help="folder with udhr.jsonl")
    parser.add_argument("--texts", type=Path, default=HERE / "texts", help="where the texts to measure with go")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--trial", action="store_true", help="only train on train and report dev; write nothing")
    return parser.parse_args()


def articles(folder: Path, split: str):
    """(language, label, text, headline) of every article; the text begins with its headline."""
    return [(language, LABELS.index(topic), f"{headline}. {text}", headline) for language, topic, headline, text in read_news(folder, split)]


def others(texts: Texts, seed: int, most: int):
    """Texts of no topic: paragraphs of the declaration in the same languages, the same in languages not known, and gibberish."""
    dice = random.Random(seed)
    own = [("own", " ".join(source[0])) for language in NEWS for source in texts.declaration[language]]
    foreign = [("strange", " ".join(dice.choice(sources)[0])) for _, sources in sorted(texts.strangers.items()) for _ in range(4)]
    noise = [("gibberish", " ".join(gibberish(dice) + gibberish(dice))) for _ in range(150)]
    dice.shuffle(own)
    return [(kind, OTHER, text) for kind, text in (*own[:most], *foreign[:most], *noise)]


def bags(hits):
    """In each bucket hit 1 / sqrt(how many)."""
    lengths = np.array([len(hit) for hit in hits])
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    shares = np.repeat(np.maximum(1, lengths), lengths).astype(np.float32) ** -0.5
    return torch.from_numpy(np.concatenate(hits).astype(np.int64)), torch.from_numpy(starts), torch.from_numpy(shares)


class Net(torch.nn.Module):
    """Learns the table divided by how common a bucket is, which holds common ones back."""

    def __init__(self, rare: np.ndarray):
        super().__init__()
        self.rare = torch.from_numpy(rare).unsqueeze(1)
        self.table = torch.nn.Parameter(torch.randn(BUCKETS, WIDTH) * 0.05)
        self.bias = torch.nn.Parameter(torch.zeros(WIDTH))
        self.head = torch.nn.Linear(WIDTH, len(LABELS))
        self.coarse = False

    def weights(self) -> torch.Tensor:
        """What is shipped. Once `coarse`, each column has five values: 0 and two either way."""
        weights = self.table * self.rare
        if not self.coarse:
            return weights
        exact = weights.detach()
        step = exact[self.rare[:, 0] > 0].std(0) * 3 / LEVELS
        rounded = (exact / step).round().clamp(-LEVELS, LEVELS) * step
        return weights + (rounded - exact)  # learns as if it were not rounded

    def forward(self, hits):
        columns, starts, shares = bags(hits)
        hidden = F.embedding_bag(columns, self.weights(), starts, mode="sum", per_sample_weights=shares)
        return self.head(torch.relu(hidden + self.bias))


def logits_of(net: Net, hits) -> torch.Tensor:
    with torch.no_grad():
        return torch.cat([net(hits[at : at + 256]) for at in range(0, len(hits), 256)])


def fit(hits, heads, labels: torch.Tensor, rare: np.ndarray, epochs: int) -> Net:
    """Learns from whole texts, from headlines alone, and from texts with up to 60 % of their pieces left out."""
    torch.manual_seed(SEED)
    dice = np.random.default_rng(SEED)
    net = Net(rare)
    optimiser = torch.optim.Adam(net.parameters(), lr=RATE)
    steps, step = epochs * (len(hits) // BATCH), 0
    for _ in range(epochs):
        for index in np.array_split(dice.permutation(len(hits)), len(hits) // BATCH):
            chosen = [heads[i] if heads[i] is not None and dice.random() < 0.2 else hits[i] for i in index]
            chosen = [hit[dice.random(len(hit)) > dice.random() * 0.6] for hit in chosen]
            net.coarse = step > steps * 0.6
            loss = F.cross_entropy(net(chosen), labels[index], label_smoothing=0.05) + RIDGE * net.table.pow(2).sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            step += 1
            for group in optimiser.param_groups:
                group["lr"] = RATE * max(0.02, 1 - step / steps)
    return net.eval()


def hits_of(hasher: Hasher, rows):
    return [np.unique(hasher.of_words(words_of(row[2])) % BUCKETS) for row in rows]


def rarity(hits) -> np.ndarray:
    """What a bucket weighs while learning: more the fewer texts hit it, nothing where only one does."""
    count = np.bincount(np.concatenate(hits), minlength=BUCKETS)
    return np.where(count < 2, 0, SCALE * np.log((len(hits) + 1) / (count + 1))).astype(np.float32)


def known(logits, temperature: float = 1.0):
    scores, which = torch.softmax(logits / temperature, 1).max(1)
    return torch.where(which == OTHER, torch.zeros_like(scores), scores)


def by_language(right: np.ndarray, rows) -> dict[str, float]:
    languages = np.array([row[0] for row in rows])
    return {language: float(right[languages == language].mean()) for language in NEWS}


def main():
    given = arguments()
    torch.set_num_threads(given.threads)
    started = time.time()
    hasher = Hasher(CHARACTERS, WORDS)
    texts = {split: Texts(given.news, given.declaration, split) for split in ("train", "dev", "test")}
    news = {split: articles(given.news, split) for split in ("train", "dev")}
    none = {split: others(texts[split], seed, 400) for seed, split in enumerate(("train", "dev"))}
    hits = {split: hits_of(hasher, news[split]) for split in news}
    heads = {split: [hit if len(hit) > 10 else None for hit in hits_of(hasher, [(None, None, row[3]) for row in news[split]])] for split in news}
    strange = {split: hits_of(hasher, none[split]) for split in none}
    labels = {split: torch.tensor([row[1] for row in news[split]]) for split in news}
    print(f"{len(hits['train'])} articles to learn from, {len(strange['train'])} other texts, read in {time.time() - started:.0f} s", flush=True)

    def learn(parts: list[str]):
        """From the articles of these splits, and the other texts of train."""
        learnt = [*[hit for part in parts for hit in hits[part]], *strange["train"]]
        alone = [*[head for part in parts for head in heads[part]], *[None] * len(strange["train"])]
        said = torch.cat([*[labels[part] for part in parts], torch.full((len(strange["train"]),), OTHER)])
        return fit(learnt, alone, said, rarity(learnt), given.epochs)

    net = learn(["train"])
    on_dev, on_none = logits_of(net, hits["dev"]), logits_of(net, strange["dev"])
    right = (on_dev.argmax(1) == labels["dev"]).numpy()
    languages = by_language(right, news["dev"])
    print(f"dev {right.mean():.4f}, mean of languages {np.mean(list(languages.values())):.4f}  {time.time() - started:.0f} s", flush=True)
    temperature = float(min(torch.logspace(-1, 1, 201), key=lambda t: float(F.cross_entropy(on_dev / t, labels["dev"]))))
    least = float(known(on_dev, temperature).quantile(1 - KEPT))
    refusing = known(on_none, temperature) < least
    refused = {kind: float(refusing[[k == kind for k, _, _ in none["dev"]]].float().mean()) for kind in ("own", "strange", "gibberish")}
    figures = {"model": "float32", "decision": {"temperature": round(temperature, 4), "threshold": round(least, 4)}, "epochs": given.epochs,
               "dev": {"learntFrom": "train", "accuracy": float(right.mean()), "languages": languages, "refused": refused}, "labels": LABELS}
    print(json.dumps(figures, indent=1), flush=True)
    if given.trial:
        return
    net = learn(["train", "dev"])
    figures["coreMinutes"] = round(time.process_time() / 60, 1)
    save_dense(HERE / "model.onnx", [(net.weights().detach().numpy(), net.bias.detach().numpy()),
                                     (net.head.weight.detach().numpy().T, net.head.bias.detach().numpy())])
    (HERE / "metrics.json").write_text(json.dumps(figures, indent=1) + "\n")
    pack = json.loads((HERE / "pack.json").read_text())
    (HERE / "pack.json").write_text(json.dumps({**pack, "decision": figures["decision"]}, indent=1, ensure_ascii=False) + "\n")
    for split in ("dev", "test"):
        rows = articles(given.news, split)
        write_rows(given.texts / split / "news.tsv", [(LABELS[label], text) for _, label, text, _ in rows])
        for language in NEWS:
            write_rows(given.texts / split / "languages" / f"{language}.tsv", [(LABELS[label], text) for name, label, text, _ in rows if name == language])
        write_rows(given.texts / split / "strangers.tsv", [("other", text) for _, _, text in others(texts[split], 2, 400)])
    print(f"{time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
