"""What is measured while training: accuracy, also in noise, and what happens to sounds that are none of the words."""
import torch

from augment import HELD_OUT_RECIPES, UNKNOWN_RECIPES, Augment
from data import SILENCE, UNKNOWN, WORDS

KEPT = 0.95
DECIBELS = 10


def noisy(clips: torch.Tensor, classes: torch.Tensor, decibels: float, seed: int = 10) -> torch.Tensor:
    """Every clip with noise of its own at this ratio of mean powers: a third babble of the same split, the rest white to brown."""
    generator = torch.Generator(clips.device).manual_seed(seed)
    augment = Augment(clips, classes, generator, 160)
    sounds = augment.clips
    noise = augment.any_noise(len(clips)) * torch.sqrt(sounds.pow(2).mean(1, keepdim=True) * 10 ** (-decibels / 10))
    return (sounds + noise).clamp(-1, 1)


def outside(clips: torch.Tensor, classes: torch.Tensor, count: int = 300, seed: int = 11) -> dict[str, torch.Tensor]:
    """Sounds that are no word, made from the clips of this split, by name of their recipe; with faint noise (-40 dB) under them,
    so that digital silence around what was cut out does not give it away."""
    augment = Augment(clips, classes, torch.Generator(clips.device).manual_seed(seed), 160)
    made = {recipe.__name__: recipe(augment, count) for recipe in (*UNKNOWN_RECIPES, *HELD_OUT_RECIPES)}
    power = {name: sounds.pow(2).mean(1, keepdim=True).sqrt() for name, sounds in made.items()}
    return {"silence": augment.silence(count), **{name: sounds + 0.01 * power[name] * augment.any_noise(count) for name, sounds in made.items()}}


HELD_OUT = [recipe.__name__ for recipe in HELD_OUT_RECIPES]


def known(logits: torch.Tensor, temperature: float = 1.0) -> torch.Tensor:
    """How sure of a word: 0 where silence or unknown wins."""
    scores = torch.softmax(logits / temperature, 1)
    best, which = scores.max(1)
    return torch.where((which == SILENCE) | (which == UNKNOWN), torch.zeros_like(best), best)


def threshold(logits: torch.Tensor, temperature: float = 1.0) -> float:
    """The confidence that 95 % of these (real words) reach."""
    return float(known(logits, temperature).quantile(1 - KEPT))


def accuracy(logits: torch.Tensor, classes: torch.Tensor) -> float:
    return float((logits.argmax(1) == classes).float().mean())


def worst(logits: torch.Tensor, classes: torch.Tensor) -> float:
    right = (logits.argmax(1) == classes).float()
    return min(float(right[classes == k].mean()) for k in range(len(WORDS)))


def calibration_error(logits: torch.Tensor, classes: torch.Tensor, temperature: float, bins: int = 15) -> float:
    scores, which = torch.softmax(logits / temperature, 1).max(1)
    right = (which == classes).float()
    bucket = (scores * bins).long().clamp(max=bins - 1)
    return float(sum((scores[bucket == k].sum() - right[bucket == k].sum()).abs() for k in range(bins)) / len(classes))


def best_temperature(logits: torch.Tensor, classes: torch.Tensor) -> float:
    """The one that makes these classes likeliest."""
    candidates = torch.logspace(-1, 1, 201)
    return float(min(candidates, key=lambda t: float(torch.nn.functional.cross_entropy(logits / t, classes))))
