"""Trains and exports the language-id pack. One command, two CPU cores, no network:

    /usr/bin/python3 models/language-id/recipe.py --news DIR --declaration DIR --texts DIR

Settings, temperature and threshold are chosen on dev, with models of train and one half of it, on the other half; the shipped model
then learns from train and dev. Writes model.onnx and metrics.json here, and the texts that `jiko calibrate` and `jiko eval` read into --texts (they are others'
texts: not for the repository).
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

from data import LABELS, NEWS, UNKNOWN, Texts, draw, fixed
from dense import save_dense, write_rows
from ngrams import Hasher, words_of
from plot import save_curves

HERE = Path(__file__).resolve().parent
MATERIALS = HERE.parents[2] / "shared" / "materials" / "datasets"
CHARACTERS, WORDS, BUCKETS, WIDTH = [1, 2, 3, 4, 5], [1], 32_768, 20
BATCH, SEED, KEPT, LEVELS = 256, 16, 0.95, 4


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--news", type=Path, default=MATERIALS / "masakhane-news-short", help="folder with LANG.SPLIT.tsv")
    parser.add_argument("--declaration", type=Path, default=MATERIALS / "udhr-langid", help="folder with udhr.jsonl")
    parser.add_argument("--texts", type=Path, default=HERE / "texts", help="where the texts to measure with go")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--rate", type=float, default=0.02)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--trial", action="store_true", help="only train on train and halves of dev, and report the other halves; write nothing")
    return parser.parse_args()


class Bags:
    """Snippets as what the phone makes of them: which buckets, and 1 / sqrt(their number)."""

    def __init__(self):
        self.hasher = Hasher(CHARACTERS, WORDS)

    def __call__(self, snippets):
        hits = [np.unique(self.hasher.of_words(words) % BUCKETS).astype(np.int64) for words in snippets]
        starts = np.cumsum([0, *[len(hit) for hit in hits[:-1]]])
        shares = np.concatenate([np.full(len(hit), max(1, len(hit)) ** -0.5, np.float32) for hit in hits])
        return torch.from_numpy(np.concatenate(hits)), torch.from_numpy(starts), torch.from_numpy(shares)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.table = torch.nn.Parameter(torch.randn(BUCKETS, WIDTH) * 0.1)
        self.bias = torch.nn.Parameter(torch.zeros(WIDTH))
        self.head = torch.nn.Linear(WIDTH, len(LABELS))
        self.coarse = False

    def weights(self) -> torch.Tensor:
        """Once `coarse`, each column has nine values: 0 and four either way. What few values say deflates to a third."""
        if not self.coarse:
            return self.table
        step = self.table.detach().std(0) * 3 / LEVELS
        rounded = (self.table.detach() / step).round().clamp(-LEVELS, LEVELS) * step
        return self.table + (rounded - self.table).detach()  # learns as if it were not rounded

    def forward(self, bags):
        hits, starts, shares = bags
        hidden = F.embedding_bag(hits, self.weights(), starts, mode="sum", per_sample_weights=shares)
        return self.head(torch.relu(hidden + self.bias))


def known(logits, temperature: float = 1.0):
    scores, which = torch.softmax(logits / temperature, 1).max(1)
    return torch.where(which == UNKNOWN, torch.zeros_like(scores), scores)


def report(outputs, temperature: float, least: float) -> dict:
    """Per set: accuracy, that of the worst and the mean of labels, how many were sure."""
    found = {}
    for name, (logits, labels) in outputs.items():
        right = (logits.argmax(1) == labels).float()
        each = [float(right[labels == label].mean()) for label in labels.unique()]
        found[name] = {"count": len(labels), "accuracy": float(right.mean()), "mean": sum(each) / len(each),
                       "sure": float((known(logits, temperature) >= least).float().mean())}
    return found


def train(given, texts, bags, sets=None):
    torch.manual_seed(SEED)
    dice = random.Random(SEED)
    net = Net()
    optimiser = torch.optim.Adam(net.parameters(), lr=given.rate)
    started, history = time.time(), []
    for step in range(1, given.steps + 1):
        net.coarse = step > given.steps * 0.6
        for group in optimiser.param_groups:
            group["lr"] = given.rate * max(0.02, 1 - step / given.steps)
        drawn = [draw(texts, dice) for _ in range(BATCH)]
        loss = F.cross_entropy(net(bags([words for _, words in drawn])), torch.tensor([label for label, _ in drawn]), label_smoothing=0.02)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if sets is None and step % 500 == 0:
            history.append({"step": step, "loss": float(loss)})
            print(f"step {step}/{given.steps}  loss {float(loss):.3f}  {time.time() - started:.0f} s", flush=True)
        elif sets and (step % 1000 == 0 or step == given.steps):
            found = report(outputs_of(net, bags, sets), 1.0, 0.5)
            print(f"step {step}/{given.steps}  loss {float(loss):.3f}  " + "  ".join(
                f"{name} {figures['accuracy']:.4f} (mean of labels {figures['mean']:.4f})" for name, figures in found.items() if name in ("news", "declaration"))
                + f"  {time.time() - started:.0f} s", flush=True)
    return net, history


def outputs_of(net, bags, sets):
    net.eval()
    with torch.no_grad():
        return {name: (net(bags([words for _, words in rows])), torch.tensor([label for label, _ in rows])) for name, rows in sets.items()}


def reference() -> list[dict]:
    """Texts and the buckets they hit: what the phone's code is tested with."""
    texts = ["Habari ya dunia", "L’été, c'est 2 fois l’hiver!", "ሰላም፡ለሁሉ። ሰላም", "Ọjọ́ dára púpọ̀", "नमस्ते दुनिया 123", "العالم ١٢٣ بخير", "ΟΔΟΣ \U0001d400 x"]
    hasher = Hasher(CHARACTERS, WORDS)
    return [{"text": text, "buckets": np.unique(hasher.of_words(words_of(text)) % BUCKETS).tolist()} for text in texts]


def on_halves(given, texts, bags) -> dict:
    """Outputs on dev, each half by a net that learnt from train and the other half."""
    found: dict[str, list] = {}
    for half in (0, 1):
        sets = fixed(texts["dev"].half(1 - half))
        net, _ = train(given, texts["train"].with_half(texts["dev"], half), bags, sets)
        for name, outputs in outputs_of(net, bags, sets).items():
            found.setdefault(name, []).append(outputs)
    return {name: tuple(map(torch.cat, zip(*parts))) for name, parts in found.items()}


def main():
    given = arguments()
    started = time.time()
    torch.set_num_threads(given.threads)
    texts = {split: Texts(given.news, given.declaration, split) for split in ("train", "dev")}
    print("languages to refuse, in training:", len(texts["train"].strangers), "in dev:", len(texts["dev"].strangers), flush=True)
    bags = Bags()
    outputs = on_halves(given, texts, bags)
    both = torch.cat([outputs[name][0] for name in ("news", "declaration")]), torch.cat([outputs[name][1] for name in ("news", "declaration")])
    temperature = float(min(torch.logspace(-1, 1, 201), key=lambda t: float(F.cross_entropy(both[0] / t, both[1]))))
    least = float(known(both[0], temperature).quantile(1 - KEPT))
    figures = {"model": "float32 of train and half of dev, on the other half", "decision": {"temperature": round(temperature, 4), "threshold": round(least, 4)},
               "dev": report(outputs, temperature, least), "labels": LABELS}
    print(json.dumps(figures["decision"]), json.dumps(figures["dev"], indent=1))
    confused = torch.zeros(len(LABELS), len(LABELS), dtype=torch.int)
    for right, said in zip(outputs["news"][1].tolist(), outputs["news"][0].argmax(1).tolist()):
        confused[right, said] += 1
    print({f"{LABELS[a]} as {LABELS[b]}": int(confused[a, b]) for a in range(len(NEWS)) for b in range(len(LABELS)) if a != b and confused[a, b] > 4})
    if given.trial:
        return
    net, figures["history"] = train(given, texts["train"].with_half(texts["dev"], None), bags)
    figures["minutes"] = round((time.time() - started) / 60, 1)
    save_dense(HERE / "model.onnx", [(net.weights().detach().numpy(), net.bias.detach().numpy()),
                                     (net.head.weight.detach().numpy().T, net.head.bias.detach().numpy())])
    (HERE / "metrics.json").write_text(json.dumps(figures, indent=1) + "\n")
    (HERE / "reference.json").write_text(json.dumps(reference(), ensure_ascii=False) + "\n")
    save_curves(HERE / "loss.svg", "loss by step", {"train": [(one["step"], one["loss"]) for one in figures["history"]]})
    pack = json.loads((HERE / "pack.json").read_text())
    (HERE / "pack.json").write_text(json.dumps({**pack, "decision": figures["decision"]}, indent=1, ensure_ascii=False) + "\n")
    for split, made in (("dev", fixed(texts["dev"])), ("test", fixed(Texts(given.news, given.declaration, "test")))):
        for name, rows in made.items():
            write_rows(given.texts / split / f"{name}.tsv", [(LABELS[label], " ".join(words)) for label, words in rows])
        write_rows(given.texts / split / "all.tsv", [(LABELS[label], " ".join(words)) for rows in made.values() for label, words in rows])


if __name__ == "__main__":
    main()
