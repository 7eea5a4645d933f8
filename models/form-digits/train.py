"""Trains the reader on fields that are drawn as it goes: no field is seen twice."""
import copy
import math
import time
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from fields import WIDTH, Fields
from net import BLANK, Net, read


EVERY = 500  # steps between two looks at val


@dataclass
class Settings:
    steps: int = 7771
    batch: int = 128
    rate: float = 3e-3  # peak learning rate
    width: float = 1.0
    drop: float = 0.1
    decay: float = 0.01
    average: float = 0.998
    easy: float = 0.15  # of the steps: the first, in which fields are kinder
    shown: float = 0.6  # of the steps: the first, in which the net is shown where the digits are
    seed: int = 6


def train(net: Net, settings: Settings, digits, classes, check, history: list, say=print) -> Net:
    """Answers the moving average of the weights; `check(net)` gives figures (name to number) to print and to keep in `history`."""
    device = digits.device
    fields = Fields(digits, classes, settings.seed)
    optimiser = torch.optim.AdamW(net.parameters(), lr=settings.rate, weight_decay=settings.decay)
    average, started, steps = copy.deepcopy(net), time.time(), settings.steps
    lost = torch.zeros((), device=device)
    for step in range(steps):
        done = step / steps
        factor = min(1, (step + 1) / 200) * 0.5 * (1 + math.cos(math.pi * done))
        for group in optimiser.param_groups:
            group["lr"] = settings.rate * factor
        fields.strength = min(1.0, 0.3 + 0.7 * done / settings.easy) if settings.easy else 1.0
        net.train()
        with torch.no_grad():
            # Long numbers teach more at the same price: of two lengths the longer.
            lengths = torch.maximum(fields.lengths(settings.batch), fields.lengths(settings.batch))
            pixels, written, lengths, middles = fields.make(settings.batch, lengths)
        likely = F.log_softmax(net(pixels).squeeze(2).permute(2, 0, 1), dim=2)
        columns = torch.full((len(pixels),), likely.shape[0], dtype=torch.long, device=device)
        loss = F.ctc_loss(likely, written, columns, lengths, blank=BLANK, zero_infinity=True)
        showing = max(0.0, 1 - done / settings.shown) if settings.shown else 0.0
        if showing > 0:
            # CTC alone says nothing but blank for its first hundreds of steps; where the digits are is known here.
            loss = loss + 4 * showing * F.nll_loss(likely.flatten(0, 1), columns_of(written, lengths, middles, len(likely)).flatten())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        optimiser.step()
        lost += loss.detach()
        keep = min(settings.average, (step + 1) / (step + 10))
        with torch.no_grad():
            for slow, fast in zip(average.parameters(), net.parameters()):
                slow.lerp_(fast, 1 - keep)
            for slow, fast in zip(average.buffers(), net.buffers()):
                slow.copy_(fast) if not slow.is_floating_point() else slow.lerp_(fast, 1 - keep)
        if (step + 1) % EVERY == 0 or step == steps - 1:
            found = check(average)
            history.append({"step": step + 1, "loss": round(float(lost) / (step % EVERY + 1), 4), **found})
            texts = "  ".join(f"{name} {value:.4f}" for name, value in found.items())
            say(f"step {step + 1:5d}/{steps}  loss {history[-1]['loss']:.4f}  {texts}  {time.time() - started:.0f} s")
            lost.zero_()
    return average.eval()


def columns_of(written, lengths, middles, count: int) -> torch.Tensor:
    """What each column should say, [count,n]: a digit in the column of its middle, nothing elsewhere; beside a middle nothing is asked (-100)."""
    n, most = written.shape
    middle = (middles * count / WIDTH).long().clamp(0, count - 1)
    there = torch.arange(most, device=written.device) < lengths.view(n, 1)
    middle = torch.where(there, middle, torch.full_like(middle, count + 1))
    wanted = torch.full((n, count + 3), BLANK, dtype=torch.long, device=written.device)
    for beside in (-1, 1):
        wanted.scatter_(1, (middle + 1 + beside).clamp(0, count + 2), -100)
    wanted.scatter_(1, middle + 1, written)
    return wanted[:, 1 : count + 1].T


def errors(net: Net, pixels, digits, lengths, *_):
    """(wrong fields, missed or wrong or invented digits, digits): edit distance, field by field."""
    net.eval()
    with torch.no_grad():
        answers = [answer for part in pixels.split(250) for answer in read(net(part).float().cpu())]
    wrong = edits = 0
    for (said, _), written, length in zip(answers, digits.tolist(), lengths.tolist()):
        distance = edit_distance(said, written[:length])
        wrong, edits = wrong + (distance > 0), edits + distance
    return wrong, edits, int(lengths.sum())


def edit_distance(a: list, b: list) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a):
        before, row[0] = row[0], i + 1
        for j, y in enumerate(b):
            before, row[j + 1] = row[j + 1], min(row[j + 1] + 1, row[j] + 1, before + (x != y))
    return row[-1]
