"""Fine-tunes the whole network, every way out at once; the deepest teaches the others."""
import copy
import math
import time
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

import data
import measure
from augment import Augment
from data import CLASSES, balanced_order, normalise
from net import Net
from others import Others


@dataclass
class Settings:
    epochs: int = 45
    rate: float = 6e-4  # peak learning rate
    batch: int = 32  # leaves in a batch
    others: int = 6  # and how many other things beside them
    power: float = 1.0  # how far rare classes are drawn more often: 0 not, 1 until all are equal
    mixup: float = 0.2
    cutmix: float = 0.35  # share of batches in which two leaves are cut together instead of blended
    smoothing: float = 0.06
    strength: float = 1.0  # of the augmentation
    stress: float = 0.4  # weight of naming every stress on the leaf
    teach: float = 0.5  # weight of what the deepest way out says
    decay: float = 0.05
    drop: float = 0.2
    average: float = 0.99
    seed: int = 22


def logits_of(net: Net, pixels: torch.Tensor) -> dict:
    """name: logits [n,classes] of every way out, on the CPU."""
    net.eval()
    with torch.no_grad():
        parts = [{name: net.heads[name](value) for name, value in net.features(normalise(part)).items()} for part in pixels.split(68)]
    return {name: torch.cat([part[name] for part in parts]).float().cpu() for name in net.exits}


def blend(settings: Settings, x, y, s, chance: np.random.Generator, generator):
    """Mixup, or now and then the left part of one leaf with the right part of another."""
    other = torch.randperm(len(x), generator=generator, device=x.device)
    if chance.random() < settings.cutmix:
        share = float(chance.uniform(0.3, 0.7))
        cut = round(share * x.shape[3])
        x, share = torch.cat([x[:, :, :, :cut], x[other][:, :, :, cut:]], dim=3), cut / x.shape[3]
    else:
        share = float(chance.beta(settings.mixup, settings.mixup)) if settings.mixup > 0 else 1.0
        x = share * x + (1 - share) * x[other]
    return x, share * y + (1 - share) * y[other], share * s + (1 - share) * s[other]


def loss_of(settings: Settings, heads: dict, deepest: str, y, s, leaves: int) -> torch.Tensor:
    total = 0.0
    taught = F.softmax(heads[deepest][0].detach(), dim=1)
    for name, (logits, stresses) in heads.items():
        likely = F.log_softmax(logits, dim=1)
        total = total - (y * likely).sum(dim=1).mean()
        total = total + settings.stress * F.binary_cross_entropy_with_logits(stresses[:leaves], s)
        if name != deepest and settings.teach > 0:
            total = total - settings.teach * (taught * likely).sum(dim=1).mean()
    return total


def train(net: Net, settings: Settings, split, pictures, val, history: list, say=print) -> Net:
    """Answers the moving average of the weights at the end; what happened on the way is added to `history`."""
    pixels, classes, flags = split
    device = pixels.device
    generator = torch.Generator(device).manual_seed(settings.seed)
    drawn, chance = torch.Generator().manual_seed(settings.seed), np.random.default_rng(settings.seed)
    augment = Augment(generator, settings.strength)
    net.to(memory_format=data.MEMORY)
    others = Others(augment, pictures)
    hot = F.one_hot(classes, len(CLASSES)).float()
    nothing = F.one_hot(torch.tensor([len(CLASSES) - 1]), len(CLASSES)).float().to(device)
    # Biases are not decayed; the weights are, which also keeps single channels from growing beyond what int8 can hold.
    groups = [{"params": [p for name, p in net.named_parameters() if name.endswith("weight")], "weight_decay": settings.decay},
              {"params": [p for name, p in net.named_parameters() if name.endswith("bias")], "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=settings.rate)
    per_epoch = len(classes) // settings.batch
    deepest = max(net.exits, key=net.exits.get)
    average, step, started = copy.deepcopy(net), 0, time.time()
    smooth = lambda y: (1 - settings.smoothing) * y + settings.smoothing / y.shape[1]  # noqa: E731
    warm, steps = 2 * per_epoch, settings.epochs * per_epoch
    for epoch in range(settings.epochs):
        net.train()
        total = torch.zeros((), device=device)
        order = balanced_order(classes.cpu(), settings.power, drawn)[: per_epoch * settings.batch]
        for index in order.to(device).split(settings.batch):
            factor = (step + 1) / warm if step < warm else 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
            for group in optimiser.param_groups:
                group["lr"] = settings.rate * factor
            leaves = pixels[index]
            if settings.others:
                strangers = others(leaves[: settings.others], step)
                x = normalise(augment(torch.cat([leaves.float(), strangers])))
            else:
                x = normalise(augment(leaves))
            mixed, y, s = blend(settings, x[: len(index)], hot[index], flags[index], chance, generator)
            y = torch.cat([smooth(y), nothing.expand(len(x) - len(index), -1)])
            heads = net.training_heads(torch.cat([mixed, x[len(index) :]]).contiguous(memory_format=data.MEMORY))
            loss = loss_of(settings, heads, deepest, y, smooth_flags(s), len(index))
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimiser.step()
            total += loss.detach()
            step += 1
            keep = min(settings.average, step / (step + 9))
            with torch.no_grad():
                for slow, fast in zip(average.parameters(), net.parameters()):
                    slow.lerp_(fast, 1 - keep)
        if epoch % 3 == 2 or epoch == settings.epochs - 1:
            seen = {name: (measure.summary(logits, val[1].cpu()), float(F.cross_entropy(logits, val[1].cpu())))
                    for name, logits in logits_of(average, val[0]).items()}
            history.append({"epoch": epoch + 1, "loss": round(float(total) / per_epoch, 4),
                            "val": {name: {"loss": round(loss, 4), "accuracy": round(found[0], 4)} for name, (found, loss) in seen.items()}})
            texts = "  ".join(f"{name} {a:.4f}/{m:.4f}/{w:.3f}" for name, ((a, m, w), _) in seen.items())
            say(f"epoch {epoch + 1:3d}/{settings.epochs}  loss {float(total) / per_epoch:.4f}  val accuracy/mean/worst: {texts}  "
                f"{(time.time() - started) / (epoch + 1):.1f} s an epoch")
    return average.eval()


def smooth_flags(flags: torch.Tensor) -> torch.Tensor:
    return 0.94 * flags + 0.03
