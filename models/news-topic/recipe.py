"""Trains and exports the news-topic pack. One command, two CPU cores, no network:

    /usr/bin/python3 models/news-topic/recipe.py --news DIR --declaration DIR --texts DIR

A linear model on hashed pieces of words, fitted whole by L-BFGS: the strength of its ridge is chosen on dev with a model of train;
the shipped model learns from train and dev with that strength. Writes model.onnx and metrics.json here, and the texts that
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
CHARACTERS, WORDS, BUCKETS, KEPT = [3, 4, 5], [1, 2], 131_072, 0.95
RIDGES = (3e-6, 1e-5, 3e-5)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--news", type=Path, default=MATERIALS / "masakhane-news-short", help="folder with LANG.SPLIT.tsv")
    parser.add_argument("--declaration", type=Path, default=MATERIALS / "udhr-langid", help="folder with udhr.jsonl")
    parser.add_argument("--texts", type=Path, default=HERE / "texts", help="where the texts to measure with go")
    parser.add_argument("--rounds", type=int, default=40, help="of L-BFGS")
    parser.add_argument("--ridge", type=float, help="this one, without trying others")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--trial", action="store_true", help="only train on train and report dev; write nothing")
    return parser.parse_args()


def articles(folder: Path, split: str):
    """(language, label, text) of every article: its headline, then its beginning."""
    return [(language, TOPICS.index(topic), f"{headline}. {text}") for language, topic, headline, text in read_news(folder, split)]


def others(texts: Texts, seed: int, most: int):
    """Texts of no topic, to measure refusing with; nothing is learnt from them: paragraphs of the declaration in the same languages, the same in languages not known, and gibberish."""
    dice = random.Random(seed)
    own = [("own", " ".join(source[0])) for language in NEWS for source in texts.declaration[language]]
    foreign = [("strange", " ".join(dice.choice(sources)[0])) for _, sources in sorted(texts.strangers.items()) for _ in range(4)]
    noise = [("gibberish", " ".join(gibberish(dice) + gibberish(dice))) for _ in range(150)]
    dice.shuffle(own)
    return [(kind, -1, text) for kind, text in (*own[:most], *foreign[:most], *noise)]


class Matrix:
    """Texts as rows of a sparse matrix: in each bucket hit 1 / sqrt(how many), times a weight of the bucket."""

    def __init__(self, hits: list[np.ndarray], weights: np.ndarray):
        lengths = [len(hit) for hit in hits]
        columns = np.concatenate(hits).astype(np.int64)
        values = np.repeat(np.maximum(1, lengths), lengths).astype(np.float32) ** -0.5 * weights[columns]
        rows = np.repeat(np.arange(len(hits)), lengths)
        turn = np.argsort(columns, kind="stable")
        self.forward = self.sparse(np.cumsum([0, *lengths]), columns, values, (len(hits), BUCKETS))
        per_column = np.bincount(columns, minlength=BUCKETS)
        self.backward = self.sparse(np.concatenate([[0], np.cumsum(per_column)]), rows[turn], values[turn], (BUCKETS, len(hits)))

    @staticmethod
    def sparse(starts, columns, values, size):
        return torch.sparse_csr_tensor(torch.from_numpy(starts.astype(np.int64)), torch.from_numpy(columns), torch.from_numpy(values), size=size)


def fit(matrix: Matrix, labels: torch.Tensor, ridge: float, rounds: int):
    """Weights [buckets + 1, labels], the last row the bias, that make the labels likeliest under a ridge."""
    weights = torch.zeros(BUCKETS + 1, len(TOPICS), requires_grad=True)
    hot = F.one_hot(labels, len(TOPICS)).float()
    optimiser = torch.optim.LBFGS([weights], lr=1, max_iter=rounds, history_size=8, line_search_fn="strong_wolfe", tolerance_grad=1e-7)

    def closure():
        with torch.no_grad():
            likely = F.log_softmax(matrix.forward @ weights[:-1] + weights[-1], 1)
            wrong = (likely.exp() - hot) / len(labels)
            weights.grad = torch.cat([matrix.backward @ wrong + 2 * ridge * weights[:-1], wrong.sum(0, keepdim=True)])
            return -(hot * likely).sum(1).mean() + ridge * weights[:-1].pow(2).sum()

    optimiser.step(closure)
    return weights.detach()


def hits_of(hasher: Hasher, rows):
    return [np.unique(hasher.of_words(words_of(text)) % BUCKETS) for _, _, text in rows]


def rarity(hits) -> np.ndarray:
    """What a bucket weighs while learning: more the fewer texts hit it, nothing where only one does."""
    count = np.bincount(np.concatenate(hits), minlength=BUCKETS)
    return np.where(count < 2, 0, np.log((len(hits) + 1) / (count + 1)) / 3).astype(np.float32)


def sureness(logits, temperature: float = 1.0):
    return torch.softmax(logits / temperature, 1).amax(1)


def energy(logits, temperature: float = 1.0):
    """How much of anything known there is at all: a text that hits no learnt bucket has the bias only."""
    return torch.logsumexp(logits / temperature, 1)


def by_language(right: np.ndarray, rows) -> dict[str, float]:
    languages = np.array([language for language, _, _ in rows])
    return {language: float(right[languages == language].mean()) for language in NEWS}


def main():
    given = arguments()
    torch.set_num_threads(given.threads)
    started = time.time()
    hasher = Hasher(CHARACTERS, WORDS)
    texts = {split: Texts(given.news, given.declaration, split) for split in ("dev", "test")}
    news = {split: articles(given.news, split) for split in ("train", "dev")}
    strange = others(texts["dev"], 1, 400)
    hits = {name: hits_of(hasher, rows) for name, rows in (("train", news["train"]), ("dev", news["dev"]), ("other", strange))}
    print(f"{len(hits['train'])} texts to learn from, {len(hits['dev'])} of dev, read in {time.time() - started:.0f} s", flush=True)
    weights = rarity(hits["train"])
    train, dev, other = (Matrix(hits[name], weights) for name in ("train", "dev", "other"))
    labels, dev_labels = (torch.tensor([label for _, label, _ in rows]) for rows in (news["train"], news["dev"]))
    best = None
    for ridge in [given.ridge] if given.ridge else RIDGES:
        fitted = fit(train, labels, ridge, given.rounds)
        logits = dev.forward @ fitted[:-1] + fitted[-1]
        right = (logits.argmax(1) == dev_labels).numpy()
        mean = float(np.mean(list(by_language(right, news["dev"]).values())))
        print(f"ridge {ridge}: dev {right.mean():.4f}, mean of languages {mean:.4f}  {time.time() - started:.0f} s", flush=True)
        if best is None or right.mean() > best["accuracy"]:
            refusing = other.forward @ fitted[:-1] + fitted[-1]
            best = {"ridge": ridge, "accuracy": float(right.mean()), "mean": mean, "logits": logits, "other": refusing, "languages": by_language(right, news["dev"])}
    temperature = float(min(torch.logspace(-1, 1, 201), key=lambda t: float(F.cross_entropy(best["logits"] / t, dev_labels))))
    # Both ways of refusing are set where 95 % of dev are kept by the two together.
    logits, cut = best["logits"], 1 - KEPT
    least = float(sureness(logits, temperature).quantile(cut * 0.6))
    floor = float(energy(logits, temperature).quantile(cut * 0.4))
    sure = (sureness(best["other"], temperature) >= least) & (energy(best["other"], temperature) >= floor)
    refused = {kind: 1 - float(sure[[k == kind for k, _, _ in strange]].float().mean()) for kind in ("own", "strange", "gibberish")}
    kept = float(((sureness(logits, temperature) >= least) & (energy(logits, temperature) >= floor)).float().mean())
    figures = {"model": "float32", "decision": {"temperature": round(temperature, 4), "threshold": round(least, 4), "energy": round(floor, 4)}, "ridge": best["ridge"],
               "dev": {"learntFrom": "train", "accuracy": best["accuracy"], "mean": best["mean"], "languages": best["languages"], "kept": kept, "refused": refused}, "labels": TOPICS}
    print(json.dumps(figures, indent=1), flush=True)
    if given.trial:
        return
    all_hits = hits["train"] + hits["dev"]
    weights = rarity(all_hits)
    fitted = fit(Matrix(all_hits, weights), torch.cat([labels, dev_labels]), best["ridge"], given.rounds)
    save_dense(HERE / "model.onnx", [(fitted[:-1].numpy() * weights[:, None], fitted[-1].numpy())])
    (HERE / "metrics.json").write_text(json.dumps(figures, indent=1) + "\n")
    pack = json.loads((HERE / "pack.json").read_text())
    (HERE / "pack.json").write_text(json.dumps({**pack, "decision": figures["decision"]}, indent=1, ensure_ascii=False) + "\n")
    for split in ("dev", "test"):
        rows = articles(given.news, split)
        write_rows(given.texts / split / "news.tsv", [(TOPICS[label], text) for _, label, text in rows])
        for language in NEWS:
            write_rows(given.texts / split / "languages" / f"{language}.tsv", [(TOPICS[label], text) for name, label, text in rows if name == language])
        write_rows(given.texts / split / "strangers.tsv", [(kind, text) for kind, _, text in others(texts[split], 2, 400)])
    print(f"{time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
