"""Clips as other people, phones and rooms would have made them; and clips of nothing, and of words that are no words."""
import math

import torch
import torch.nn.functional as F

from data import RATE, SAMPLES, Features

BABBLES, NOISES = 256, 512


def active(clips: torch.Tensor):
    """First and last sample of the word in each clip: where 20 ms are louder than 1/18 of the loudest 20 ms."""
    level = clips.float().unfold(1, 320, 160).pow(2).mean(2).sqrt()
    loud = level > level.amax(1, keepdim=True) / 18
    index = torch.arange(loud.shape[1], device=clips.device)
    first = torch.where(loud, index, 10**6).amin(1)
    last = torch.where(loud, index, -1).amax(1)
    return first * 160, last * 160 + 320


class Augment:
    def __init__(self, clips: torch.Tensor, classes: torch.Tensor, generator: torch.Generator, hop: int):
        self.generator, self.device = generator, clips.device
        self.clips, self.classes = clips.float() / 32768, classes
        self.first, self.last = active(clips)
        self.features = Features(hop).to(clips.device)
        self.store = None

    def uniform(self, low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(*shape, generator=self.generator, device=self.device)

    def integer(self, below: int, *shape: int) -> torch.Tensor:
        return torch.randint(below, shape, generator=self.generator, device=self.device)

    # -- sounds ------------------------------------------------------------------------------------------------------

    def words(self, index: torch.Tensor) -> torch.Tensor:
        """Faster or slower (and so higher or lower), earlier or later; each in one linear resampling."""
        n = len(index)
        speed = torch.exp(self.uniform(-0.16, 0.16, n, 1))
        centre = ((self.first[index] + self.last[index]) / 2).float().unsqueeze(1)
        # The word may move as far as its active part stays inside.
        half = ((self.last[index] - self.first[index]).float().unsqueeze(1) / speed / 2).clamp(max=SAMPLES / 2 - 400)
        target = torch.lerp(half, SAMPLES - half, self.uniform(0, 1, n, 1))
        home = torch.lerp(centre, target, self.uniform(0, 1, n, 1) * 0.8).clamp(min=half, max=SAMPLES - half)
        at = centre + (torch.arange(SAMPLES, device=self.device) - home) * speed
        return sample(self.clips[index], at)

    def noise(self, n: int) -> torch.Tensor:
        """White to brown noise, half of it swelling, some with a hum; of power 1."""
        spectrum = torch.fft.rfft(torch.randn(n, SAMPLES, generator=self.generator, device=self.device))
        hertz = torch.arange(spectrum.shape[1], device=self.device).clamp(min=20).float()
        sound = torch.fft.irfft(spectrum * hertz ** -self.uniform(0, 1.1, n, 1), SAMPLES)
        time = torch.arange(SAMPLES, device=self.device) / RATE
        swell = 1 + self.uniform(0, 0.9, n, 1) * torch.sin(2 * math.pi * (self.uniform(0.5, 6, n, 1) * time + self.uniform(0, 1, n, 1)))
        sound = unit(torch.where(self.uniform(0, 1, n, 1) < 0.5, sound * swell, sound))
        pitch = self.uniform(45, 400, n, 1)
        hum = sum(self.uniform(0, 1, n, 1) * torch.sin(2 * math.pi * (k * pitch * time + self.uniform(0, 1, n, 1))) for k in (1, 2, 3, 5))
        return unit(sound + torch.where(self.uniform(0, 1, n, 1) < 0.25, 1.0, 0.0) * unit(hum) * self.uniform(0.3, 2, n, 1))

    def babble(self, n: int, voices: int = 6) -> torch.Tensor:
        """Several other people talking at once; of power 1."""
        index = self.integer(len(self.clips), n * voices)
        sounds = self.words(index).view(n, voices, SAMPLES)
        shift = self.integer(SAMPLES, n, voices, 1)
        sounds = sounds.gather(2, (torch.arange(SAMPLES, device=self.device) + shift) % SAMPLES)
        return unit((sounds * torch.exp(self.uniform(-1, 1, n, voices, 1))).sum(1))

    def any_noise(self, n: int) -> torch.Tensor:
        """Of power 1: a third babble, the rest noise; out of a store that is made once, each turned to another start."""
        if self.store is None:
            self.store = torch.cat([self.babble(BABBLES), *[self.noise(NOISES // 4) for _ in range(4)]])
        which = torch.where(self.uniform(0, 1, n) < 1 / 3, self.integer(BABBLES, n), BABBLES + self.integer(NOISES, n))
        turn = (torch.arange(SAMPLES, device=self.device) + self.integer(SAMPLES, n, 1)) % SAMPLES
        return self.store[which].gather(1, turn)

    def silence(self, n: int) -> torch.Tensor:
        """No word: noise from loud to nearly nothing; one in twelve is digital silence."""
        level = 10 ** (self.uniform(-75, -12, n, 1) / 20)
        return self.any_noise(n) * level * (self.uniform(0, 1, n, 1) > 1 / 12)

    def nonsense(self, n: int) -> torch.Tensor:
        """Words that are no words: `UNKNOWN_RECIPES` in turn. (The start of one word and the end of another, in this order, could
        be a word: Arabic numbers share endings. So ends come first.)"""
        parts = [recipe(self, n // len(UNKNOWN_RECIPES) + 1) for recipe in UNKNOWN_RECIPES]
        return torch.cat(parts)[torch.randperm(len(parts) * (n // len(parts) + 1), generator=self.generator, device=self.device)[:n]]

    def placed(self, n: int) -> torch.Tensor:
        return self.words(self.integer(len(self.clips), n))

    # -- as the network hears them ---------------------------------------------------------------------------------------

    def heard(self, sounds: torch.Tensor, noisy: float = 0.75) -> torch.Tensor:
        """Noise, another voice's pitch colour, another microphone, masked stripes: features of what a phone might have heard."""
        n = len(sounds)
        power = sounds.pow(2).mean(1, keepdim=True)
        # Never none at all: what is cut out or moved has digital silence around it, which must not give it away.
        wanted = self.uniform(0, 1, n, 1) < noisy
        decibels = torch.where(wanted, self.uniform(0, 30, n, 1), self.uniform(30, 60, n, 1))
        sounds = sounds + self.any_noise(n) * torch.sqrt(power * 10 ** (-decibels / 10))
        sounds = (sounds * 10 ** (self.uniform(-14, 10, n, 1) / 20)).clamp(-1, 1)
        powers = warp(self.features.powers(sounds), torch.exp(self.uniform(-0.1, 0.1, n, 1)))
        bands = torch.linspace(-1, 1, powers.shape[2], device=self.device)
        colour = self.uniform(-1.2, 1.2, n, 1) * bands + self.uniform(-0.8, 0.8, n, 1) * torch.cos(
            math.pi * (self.uniform(0.5, 3, n, 1) * bands + self.uniform(0, 2, n, 1)))
        x = self.features.normalise(powers * torch.exp(colour).unsqueeze(1))
        return self.masked(self.masked(x, 2, 14), 3, 7)

    def masked(self, x: torch.Tensor, axis: int, widest: int) -> torch.Tensor:
        """Up to two stripes of a clip replaced by its mean."""
        length = x.shape[axis]
        widest = min(widest, length // 6)
        at = torch.arange(length, device=self.device)
        hide = torch.zeros(len(x), length, dtype=torch.bool, device=self.device)
        for _ in range(2):
            width = self.integer(widest + 1, len(x), 1)
            start = (self.uniform(0, 1, len(x), 1) * (length - width)).long()
            hide |= (at >= start) & (at < start + width)
        hide = hide.view(len(x), 1, *((length, 1) if axis == 2 else (1, length)))
        return torch.where(hide, x.mean(dim=(1, 2, 3), keepdim=True), x)


def sample(clips: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """Clips read at fractional places, zero outside."""
    low = at.floor()
    part = at - low
    low = low.long() + 1
    padded = F.pad(clips, (1, 1))
    left = padded.gather(1, low.clamp(0, SAMPLES + 1))
    right = padded.gather(1, (low + 1).clamp(0, SAMPLES + 1))
    return left + (right - left) * part


def unit(sounds: torch.Tensor) -> torch.Tensor:
    return sounds / sounds.pow(2).mean(1, keepdim=True).sqrt().clamp(min=1e-9)


def warp(powers: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """Bands stretched along pitch, as by a longer or shorter throat."""
    bands = powers.shape[2]
    at = (torch.arange(bands, device=powers.device) * factor).clamp(0, bands - 1)
    low = at.floor().long().clamp(max=bands - 2)
    part = (at - low).unsqueeze(1)
    index = low.unsqueeze(1).expand(-1, powers.shape[1], -1)
    left, right = powers.gather(2, index), powers.gather(2, index + 1)
    return left + (right - left) * part


def faded(sounds: torch.Tensor) -> torch.Tensor:
    """Eight milliseconds in and out, so that no cut clicks."""
    ramp = torch.linspace(0, 1, 128, device=sounds.device)
    shape = torch.ones(SAMPLES, device=sounds.device)
    shape[:128], shape[-128:] = ramp, ramp.flip(0)
    return sounds * shape


def pieces(sounds: torch.Tensor, first: torch.Tensor, last: torch.Tensor, order, backwards: bool = False) -> torch.Tensor:
    """The active part of each sound cut into len(order) equal pieces, put back in another order."""
    count = len(order)
    n = len(sounds)
    time = torch.arange(SAMPLES, device=sounds.device).expand(n, -1)
    length = ((last - first).float() / count).unsqueeze(1).clamp(min=1)
    start = first.unsqueeze(1).float()
    which = ((time - start) / length).floor().clamp(0, count - 1)
    inside = (time - start) - which * length
    source = torch.tensor(order, device=sounds.device)[which.long()].float()
    place = (length - 1 - inside) if backwards else inside
    at = torch.where((time >= start) & (time < start + count * length), start + source * length + place, torch.full_like(inside, -9.0))
    edge = torch.minimum(inside, length - inside).clamp(0, 96) / 96  # six milliseconds in and out at every cut
    return sample(sounds, at) * edge


def end_then_start(augment: Augment, n: int) -> torch.Tensor:
    """The second half of one word, then the first half of another."""
    a, b = augment.placed(n), augment.placed(n)
    return join(a, b, later_first=True)


def join(a: torch.Tensor, b: torch.Tensor, later_first: bool) -> torch.Tensor:
    (fa, la), (fb, lb) = active(a), active(b)
    middle_a, middle_b = (fa + la) // 2, (fb + lb) // 2
    from_a, until_a = (middle_a, la) if later_first else (fa, middle_a)
    from_b, until_b = (fb, middle_b) if later_first else (middle_b, lb)
    time = torch.arange(SAMPLES, device=a.device).expand(len(a), -1)
    start = ((SAMPLES - (until_a - from_a) - (until_b - from_b)) // 2).clamp(min=0).unsqueeze(1)
    turn = start + (until_a - from_a).unsqueeze(1)
    end = turn + (until_b - from_b).unsqueeze(1)
    in_a, in_b = (time >= start) & (time < turn), (time >= turn) & (time < end)
    at_a = (time - start + from_a.unsqueeze(1)).clamp(0, SAMPLES - 1)
    at_b = (time - turn + from_b.unsqueeze(1)).clamp(0, SAMPLES - 1)
    edge = torch.where(in_a, torch.minimum(time - start, turn - time), torch.minimum(time - turn, end - time)).clamp(0, 96) / 96
    return (a.gather(1, at_a) * in_a + b.gather(1, at_b) * in_b) * edge


def backwards(augment: Augment, n: int) -> torch.Tensor:
    return augment.placed(n).flip(1)


def shuffled(augment: Augment, n: int) -> torch.Tensor:
    """A word in four pieces, in an order that keeps no two neighbours."""
    sounds = augment.placed(n)
    return pieces(sounds, *active(sounds), (2, 0, 3, 1))


def fragment(augment: Augment, n: int) -> torch.Tensor:
    """A third of a word: its first or its last part."""
    sounds = augment.placed(n)
    first, last = active(sounds)
    third = (last - first) // 3
    front = augment.uniform(0, 1, n) < 0.5
    time = torch.arange(SAMPLES, device=sounds.device).expand(n, -1)
    start, end = torch.where(front, first, last - third).unsqueeze(1), torch.where(front, first + third, last).unsqueeze(1)
    return sounds * (torch.minimum(time - start, end - time).clamp(0, 96) / 96)


UNKNOWN_RECIPES = (end_then_start, backwards, shuffled, fragment)


# Never trained on: what refusing is measured with.

def thirds_backwards(augment: Augment, n: int) -> torch.Tensor:
    """Each third of a word played backwards in its place."""
    sounds = augment.placed(n)
    return pieces(sounds, *active(sounds), (0, 1, 2), backwards=True)


def two_at_once(augment: Augment, n: int) -> torch.Tensor:
    """Two different words, equally loud, at the same time."""
    one, other = augment.integer(len(augment.clips), 2, 3 * n)
    different = (augment.classes[one] != augment.classes[other]).nonzero()[:n, 0]
    return (unit(augment.words(one[different])) + unit(augment.words(other[different]))) * 0.05


def in_three(augment: Augment, n: int) -> torch.Tensor:
    """A word in three pieces, turned round: last, first, middle."""
    sounds = augment.placed(n)
    return pieces(sounds, *active(sounds), (2, 0, 1))


HELD_OUT_RECIPES = (thirds_backwards, two_at_once, in_three)
