"""Trains and exports tiny-writer, a toy to learn from. One command, two CPU cores (or a GPU), no network:

    /usr/bin/python3 models/tiny-writer/recipe.py --data DIR

On CPU cores install libopenblas0 as well: without it Debian's torch multiplies matrices ten times slower.
"""
import argparse
import copy
import json
import math
import sys
import time
import unicodedata
from pathlib import Path

try:
    import torch
    import torch.nn.functional as F
except ImportError as missing:
    sys.exit(f"{missing}. On Debian: apt install python3-torch python3-onnx libopenblas0, and run /usr/bin/python3")

from data import STOP, load
from net import LENGTH, Writer

HERE = Path(__file__).resolve().parent
MATERIALS = HERE.parents[2] / "shared" / "materials"
BATCH, SEED = 16, 30


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=MATERIALS / "datasets" / "udhr-langid", help="folder with udhr.jsonl")
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=1e9, help="keep what there is after this long")
    parser.add_argument("--trial", type=Path, metavar="FILE", help="train, and keep the weights here")
    parser.add_argument("--finish", type=Path, metavar="FILE", help="no training: export the weights of a trial")
    parser.add_argument("--texts", type=Path, metavar="FOLDER", help="no training: only write what was held out, as `jiko eval` reads it")
    return parser.parse_args()


class Batches:
    """Windows of the text: a language by the square root of its length, a place in it, its tag in front."""

    def __init__(self, alphabet, texts, device, seed: int):
        self.generator = torch.Generator(device).manual_seed(seed)
        self.tags = torch.tensor([alphabet.number[f"<{tag}>"] for tag in texts], device=device)
        self.lengths = torch.tensor([len(text) for text in texts.values()], device=device)
        self.starts = torch.cumsum(self.lengths, 0) - self.lengths
        self.all = torch.cat(list(texts.values())).to(device)
        self.device, self.stop = device, alphabet.number[STOP]
        self.share = self.lengths.float().sqrt()

    def __call__(self, n: int) -> torch.Tensor:
        which = torch.multinomial(self.share, n, replacement=True, generator=self.generator)
        room = (self.lengths[which] - LENGTH).clamp(min=1)
        at = (torch.rand(n, generator=self.generator, device=self.device) * room).long() + self.starts[which]
        index = at.unsqueeze(1) + torch.arange(LENGTH, device=self.device)
        return torch.cat([self.tags[which].unsqueeze(1), self.all[index.clamp(max=len(self.all) - 1)]], 1)


def loss_of(net: Writer, window: torch.Tensor) -> torch.Tensor:
    logits = net(window[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), window[:, 1:].flatten())


def bits(net: Writer, texts, alphabet, device, whole: bool = False) -> dict[str, float]:
    """Bits a character of each language, over its text cut into windows."""
    net.eval()
    found = {}
    with torch.no_grad():
        for tag, text in texts.items():
            rows = len(text) // LENGTH
            rows = rows if whole else min(rows, 8)
            if rows == 0:
                continue
            window = torch.cat([torch.full((rows, 1), alphabet.number[f"<{tag}>"]), text[: rows * LENGTH].view(rows, LENGTH)], 1).to(device)
            found[tag] = float(loss_of(net, window)) / math.log(2)
    return found


def calm(net: Writer, texts, alphabet) -> float:
    """Divides the logits by the temperature that every second window of each text likes best, inside the last norm: a model that
    has read so little is surer than it is right, and nothing after it needs to know. The other windows show what it is worth."""
    logits, truths = ([], []), ([], [])
    with torch.no_grad():
        for tag, text in texts.items():
            for row, piece in enumerate(text[: len(text) // LENGTH * LENGTH].view(-1, LENGTH)):
                window = torch.cat([torch.tensor([alphabet.number[f"<{tag}>"]]), piece])
                logits[row % 2].append(net(window[:-1].unsqueeze(0))[0])
                truths[row % 2].append(piece)
    (fitted, other), (fitted_truths, other_truths) = ([torch.cat(part) for part in both] for both in (logits, truths))
    temperature = min((round(0.7 + 0.01 * step, 2) for step in range(130)), key=lambda t: float(F.cross_entropy(fitted / t, fitted_truths)))
    before, after = (float(F.cross_entropy(other / t, other_truths)) / math.log(2) for t in (1, temperature))
    print(f"temperature {temperature}: on the windows it was not fitted on {before:.3f} bits a character become {after:.3f}")
    with torch.no_grad():
        net.last.weight /= temperature
        net.last.bias /= temperature
    return temperature


def write(net: Writer, alphabet, tag: str, start: str, length: int, device, heat: float = 0.7) -> str:
    net.eval()
    generator = torch.Generator(device).manual_seed(SEED)
    tokens = torch.tensor([[alphabet.number[f"<{tag}>"], *alphabet.encode(start)]], device=device)
    with torch.no_grad():
        for _ in range(length):
            chances = torch.softmax(net(tokens[:, -LENGTH:])[0, -1] / heat, 0)
            tokens = torch.cat([tokens, torch.multinomial(chances, 1, generator=generator).unsqueeze(0)], 1)
    return "".join(alphabet.pieces[number] for number in tokens[0, 1:].tolist())


def windows(alphabet, held, folder: Path) -> None:
    """What was held out, in windows as `bits` cuts it, but as the phone's tokenizer takes it (NFC): a folder a language, a tag in front."""
    for tag, text in held.items():
        (folder / tag).mkdir(parents=True, exist_ok=True)
        known = "".join(alphabet.pieces[number] if number else "\ufffd" for number in text.tolist())
        known = unicodedata.normalize("NFC", known)
        for row in range(len(known) // LENGTH):
            (folder / tag / f"{row:03d}.txt").write_text(f"<{tag}>{known[row * LENGTH : (row + 1) * LENGTH]}", encoding="utf-8")
    print(f"{folder}: windows of {LENGTH} characters in {len(held)} languages")


def train(given, alphabet, texts, held):
    net = Writer(len(alphabet.pieces), given.dropout).to(given.device)
    print("tokens", len(alphabet.pieces), "parameters", sum(p.numel() for p in net.parameters()), "characters", sum(map(len, texts.values())), flush=True)
    batches = Batches(alphabet, texts, given.device, SEED)
    optimiser = torch.optim.AdamW([{"params": [p for p in net.parameters() if p.dim() > 1], "weight_decay": 0.1},
                                   {"params": [p for p in net.parameters() if p.dim() == 1], "weight_decay": 0.0}], lr=given.rate, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min((step + 1) / 100, 0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * min(1, step / given.steps)))))
    history, best, least, started, recent = [], None, math.inf, time.time(), torch.zeros((), device=given.device)
    for step in range(1, given.steps + 1):
        net.train()
        loss = loss_of(net, batches(BATCH))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        recent = torch.lerp(recent, loss.detach(), 0.02 if step > 50 else 1 / step)
        late = time.time() - started > given.minutes * 60
        if step % 250 == 0 or step == given.steps or late:
            found = bits(net, held, alphabet, given.device)
            mean = sum(found.values()) / len(found)
            if mean < least:
                best, least = copy.deepcopy(net), mean
            history.append({"step": step, "train": float(recent) / math.log(2), "held": mean})
            print(f"step {step}/{given.steps}  train {history[-1]['train']:.3f}  held out {mean:.3f} bits a character  {time.time() - started:.0f} s", flush=True)
        if late:
            break
    return best, net, history


def main():
    given = arguments()
    torch.manual_seed(SEED)
    torch.set_num_threads(given.threads)
    alphabet, texts, held = load(given.data)
    if given.texts:
        return windows(alphabet, held, given.texts)
    if given.finish:
        kept = torch.load(given.finish, map_location="cpu")
        net, history = Writer(len(alphabet.pieces)), kept["history"]
        net.load_state_dict(kept["weights"])
    else:
        net, end, history = train(given, alphabet, texts, held)
        for tag, start in (("en", "Everyone has the right to "), ("sw", "Kila mtu ana haki ya "), ("fr", "Toute personne a droit à ")):
            for which in (net, end):
                print(tag, write(which, alphabet, tag, start, 120, given.device).replace("\n", " / "), flush=True)
        print({tag: round(value, 2) for tag, value in bits(net, held, alphabet, given.device, whole=True).items()})
        net = net.cpu()
    if given.trial:
        torch.save({"weights": net.state_dict(), "end": {name: value.cpu() for name, value in end.state_dict().items()}, "history": history}, given.trial)
    else:
        from export import finish

        temperature = calm(net.eval(), held, alphabet)
        finish(net, alphabet, history, temperature, {tag: bits(net, {tag: text}, alphabet, "cpu", whole=True)[tag] for tag, text in held.items()})


if __name__ == "__main__":
    main()
