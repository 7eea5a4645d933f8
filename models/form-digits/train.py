"""Trains the reader on fields that are drawn as it goes: no field is seen twice."""
import copy
import math
import time
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from fields import Fields
from net import BLANK, Net, read


@dataclass
class Settings:
    steps: int = 6000
    batch: int = 64
    rate: float = 2e-3  # peak learning rate
    width: float = 1.0
    drop: float = 0.1
    decay: float = 0.01
    average: float = 0.998
    easy: float = 0.15  # of the steps: the first, in which fields are kinder
    seed: int = 1998


def train(net: Net, settings: Settings, digits, classes, check, say=print, seconds: float | None = None) -> Net:
    """Answers the moving average of the weights. `check(net)` gives figures to print; `seconds` ends a search in time."""
    device = digits.device
    fields = Fields(digits, classes, settings.seed)
    optimiser = torch.optim.AdamW(net.parameters(), lr=settings.rate, weight_decay=settings.decay)
    average, started, steps, step = copy.deepcopy(net), time.time(), settings.steps, 0
    lost = torch.zeros((), device=device)
    while step < steps:
        if step == 20:
            second = time.time()
        if seconds is not None and step in (60, 400):
            if device.type == "cuda":
                torch.cuda.synchronize()
            a_step = (time.time() - second) / (step - 20)
            steps = max(100, min(settings.steps, int(step + 0.95 * (seconds - (time.time() - started)) / a_step)))
        done = step / steps
        factor = min(1, (step + 1) / 200) * 0.5 * (1 + math.cos(math.pi * done))
        for group in optimiser.param_groups:
            group["lr"] = settings.rate * factor
        fields.strength = min(1.0, 0.3 + 0.7 * done / settings.easy) if settings.easy else 1.0
        net.train()
        with torch.no_grad():
            pixels, written, lengths = fields.make(settings.batch)
        likely = F.log_softmax(net(pixels).squeeze(2).permute(2, 0, 1), dim=2)
        columns = torch.full((len(pixels),), likely.shape[0], dtype=torch.long, device=device)
        loss = F.ctc_loss(likely, written, columns, lengths, blank=BLANK, zero_infinity=True)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 2.0)
        optimiser.step()
        lost += loss.detach()
        step += 1
        keep = min(settings.average, step / (step + 9))
        with torch.no_grad():
            for slow, fast in zip(average.parameters(), net.parameters()):
                slow.lerp_(fast, 1 - keep)
            for slow, fast in zip(average.buffers(), net.buffers()):
                slow.copy_(fast) if not slow.is_floating_point() else slow.lerp_(fast, 1 - keep)
        if step % 500 == 0 or step == steps:
            count = 500 if step % 500 == 0 else step % 500
            say(f"step {step:5d}/{steps}  loss {float(lost) / count:.4f}  {check(average)}  {time.time() - started:.0f} s")
            lost.zero_()
    return average.eval()


def errors(net: Net, pixels, digits, lengths):
    """(wrong fields, missed or wrong or invented digits, digits): edit distance, field by field."""
    net.eval()
    with torch.no_grad():
        answers = [answer for part in pixels.split(256) for answer in read(net(part).float().cpu())]
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
