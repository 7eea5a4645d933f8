"""Form fields with handwritten numbers in them, made from single handwritten digits as a phone would see them."""
import math
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

sys.path.append(str(Path(__file__).resolve().parents[1]))

from camera import LUMA, blurred, compressed

HEIGHT, WIDTH, MOST = 32, 256, 8
PATCH_HEIGHT, PATCH_WIDTH = 32, 40  # room for one digit
MARGIN = 24  # the drawing is wider than the field, so that a digit may stand at its edge


class Fields:
    """Batches of fields, pixels 0..255 [n,1,32,256], and the digits in them. Seeded, on the device of the digits."""

    def __init__(self, digits: torch.Tensor, classes: torch.Tensor, seed: int, strength: float = 1.0, blank: float = 0.03):
        """`digits`: uint8 [m,28,28], ink is bright; `blank`: share of fields with nothing written in them."""
        self.digits, self.classes, self.strength, self.blank = digits, classes, strength, blank
        self.device = digits.device
        self.generator = torch.Generator(self.device).manual_seed(seed)

    def uniform(self, low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(*shape, generator=self.generator, device=self.device)

    def around(self, middle: float, spread: float, *shape: int) -> torch.Tensor:
        return middle + self.strength * self.uniform(-spread, spread, *shape)

    def chance(self, probability: float, *shape: int) -> torch.Tensor:
        return (torch.rand(*shape, generator=self.generator, device=self.device) < probability).float()

    def integers(self, low: int, high: int, *shape: int) -> torch.Tensor:
        return torch.randint(low, high, shape, generator=self.generator, device=self.device)

    def make(self, n: int, lengths: torch.Tensor | None = None, which: torch.Tensor | None = None):
        """(pixels, digits int [n,8], lengths [n], middles [n,8]). `which` [n,8] names the digit pictures to use."""
        if lengths is None:
            lengths = self.lengths(n)
        if which is None:
            which = self.integers(0, len(self.digits), n, MOST)
        places, size = self.places(n, lengths)
        ink = self.written(which, lengths, places, size)
        lines = self.printed(n, places, size)
        pixels, middles = self.photographed(ink, lines, places)
        return pixels, self.classes[which], lengths, middles

    def lengths(self, n: int) -> torch.Tensor:
        """How many digits stand in a field: one to eight, now and then none."""
        return self.integers(1, MOST + 1, n) * (1 - self.chance(self.blank, n)).long()

    def places(self, n: int, lengths: torch.Tensor):
        """Where the middles of the digits are, [n,8], and how high a digit is, [n]. Some touch, some stand in boxes of their own."""
        room = WIDTH - 20.0
        widest = (room / lengths.clamp(min=1)).clamp(max=34)
        pitch = torch.maximum(self.uniform(0.45, 1.0, n) * widest, torch.full((n,), 14.0, device=self.device))
        size = torch.minimum(self.uniform(16, 26, n), 1.3 * pitch)
        wide = pitch * (lengths - 1).clamp(min=0)
        free = (room - wide - 0.6 * size).clamp(min=0)
        at_left = self.chance(0.5, n)
        first = 10 + 0.3 * size + free * self.uniform(0, 1, n) * (at_left * 0.2 + (1 - at_left))
        wobble = self.around(0, 0.08, n, MOST) * pitch.view(n, 1)
        return first.view(n, 1) + pitch.view(n, 1) * torch.arange(MOST, device=self.device) + wobble, size

    def written(self, which, lengths, places, size) -> torch.Tensor:
        """Ink 0..1 [n,1,32,256]: every digit turned, slanted, stretched, bent, drawn with a thicker or a thinner pen."""
        n = len(which)
        picture = self.digits[which.flatten()].float().view(-1, 1, 28, 28) / 255
        count = len(picture)
        angle, slant = self.around(0, 9, count) * math.pi / 180, self.around(0, 0.2, count)
        scale = size.repeat_interleave(MOST) / 20 * self.around(1, 0.1, count)
        high, wide = scale * self.around(1, 0.08, count), scale * self.around(1, 0.15, count)
        theta = torch.zeros(count, 2, 3, device=self.device)
        theta[:, 0, 0] = angle.cos() / wide * PATCH_WIDTH / 28
        theta[:, 0, 1] = (angle.sin() + slant) / wide * PATCH_HEIGHT / 28
        theta[:, 1, 0] = -angle.sin() / high * PATCH_WIDTH / 28
        theta[:, 1, 1] = angle.cos() / high * PATCH_HEIGHT / 28
        corner = places.flatten() + MARGIN - PATCH_WIDTH / 2
        left = corner.floor()
        theta[:, 0, 2] = -theta[:, 0, 0] * (corner - left) * 2 / PATCH_WIDTH
        theta[:, 1, 2] = self.around(0, 2.0, count) / 14
        grid = F.affine_grid(theta, [count, 1, PATCH_HEIGHT, PATCH_WIDTH], align_corners=False)
        bend = F.interpolate(self.around(0, 0.09, count, 2, 4, 5), (PATCH_HEIGHT, PATCH_WIDTH), mode="bicubic", align_corners=True)
        ink = F.grid_sample(picture, grid + bend.permute(0, 2, 3, 1), align_corners=False)
        pen = self.around(0, 1.0, n).repeat_interleave(MOST).view(count, 1, 1, 1)
        thick, thin = F.max_pool2d(ink, 3, 1, 1), -F.max_pool2d(-ink, (2, 2), 1, 1)[:, :, :PATCH_HEIGHT, :PATCH_WIDTH]
        ink = torch.where(pen > 0, ink + pen * 0.7 * (thick - ink), ink - pen * 0.5 * (thin - ink))
        there = torch.arange(MOST, device=self.device) < lengths.view(n, 1)
        ink = ink * there.view(count, 1, 1, 1)
        drawing = torch.zeros(n, HEIGHT, WIDTH + 2 * MARGIN, device=self.device)
        columns = left.long().view(count, 1, 1) + torch.arange(PATCH_WIDTH, device=self.device)
        columns = columns.clamp(0, WIDTH + 2 * MARGIN - 1).expand(count, PATCH_HEIGHT, PATCH_WIDTH)
        ink = ink.view(n, MOST, PATCH_HEIGHT, PATCH_WIDTH).permute(0, 2, 1, 3).reshape(n, HEIGHT, MOST * PATCH_WIDTH)
        columns = columns.view(n, MOST, PATCH_HEIGHT, PATCH_WIDTH).permute(0, 2, 1, 3).reshape(n, HEIGHT, MOST * PATCH_WIDTH)
        drawing.scatter_add_(2, columns.contiguous(), ink.contiguous())
        return drawing[:, None, :, MARGIN : MARGIN + WIDTH].clamp(0, 1)

    def printed(self, n: int, places, size) -> torch.Tensor:
        """Print 0..1 [n,1,32,256]: a base line, a frame, a box for each digit, dots, or nothing."""
        down = torch.arange(HEIGHT, device=self.device).float().view(1, HEIGHT, 1)
        across = torch.arange(WIDTH, device=self.device).float().view(1, 1, WIDTH)
        stroke = lambda distance: (1.1 - distance.abs() / self.uniform(0.6, 1.4, n, 1, 1)).clamp(0, 1)  # noqa: E731
        low, high = self.uniform(26, 31, n, 1, 1), self.uniform(0, 4, n, 1, 1)
        dotted = 1 - self.chance(0.25, n, 1, 1) * ((across / self.uniform(2, 5, n, 1, 1)).floor() % 2)
        base = stroke(down - low) * dotted
        top = stroke(down - high)
        start, end = self.uniform(0, 8, n, 1, 1), self.uniform(244, 255, n, 1, 1)
        sides = torch.maximum(stroke(across - start), stroke(across - end))
        pitch = (places[:, 1] - places[:, 0]).view(n, 1, 1).clamp(min=14)
        walls = (across - places[:, 0].view(n, 1, 1) + pitch / 2) / pitch
        walls = stroke((walls - walls.round()) * pitch)
        between = ((down >= high) & (down <= low)).float()
        kind = self.integers(0, 10, n).view(n, 1, 1)
        frame = torch.maximum(torch.maximum(base, top), sides * between)
        boxes = torch.maximum(torch.maximum(base, top), walls * between)
        comb = torch.maximum(base, walls * ((down > low - 8) & (down <= low)).float())
        print_ = torch.where(kind < 3, torch.zeros_like(base), torch.where(kind < 5, base, torch.where(
            kind < 7, frame, torch.where(kind < 9, boxes, comb))))
        return print_.view(n, 1, HEIGHT, WIDTH)

    def photographed(self, ink, lines, places):
        """Paper, pen and print in some light, held askew, a shadow over it, out of focus, noisy, compressed; and where `places` are then."""
        n = len(ink)
        paper = self.uniform(110, 250, n, 1, 1, 1)
        pen = paper * self.uniform(0.05, 0.5, n, 1, 1, 1)
        print_ = paper * self.uniform(0.2, 0.9, n, 1, 1, 1)
        stain = F.interpolate(self.uniform(-8, 8, n, 1, 4, 16), (HEIGHT, WIDTH), mode="bilinear", align_corners=False)
        x = paper + stain
        x = x + lines * (print_ - x)
        x = x + ink * self.uniform(0.75, 1, n, 1, 1, 1) * (pen - x)
        angle = self.around(0, 2.5, n) * math.pi / 180
        zoom = self.uniform(0.95, 1.15, n)
        ratio = WIDTH / HEIGHT
        theta = torch.zeros(n, 2, 3, device=self.device)
        theta[:, 0, 0], theta[:, 0, 1] = angle.cos() * zoom, -angle.sin() * zoom / ratio
        theta[:, 1, 0], theta[:, 1, 1] = angle.sin() * ratio * zoom, angle.cos() * zoom * self.around(1, 0.06, n)
        theta[:, 0, 2], theta[:, 1, 2] = self.around(0, 0.015, n), self.around(0, 0.08, n)
        middles = ((2 * places + 1) / WIDTH - 1 - theta[:, 0, 2:]) / theta[:, 0, :1]
        middles = ((middles + 1) * WIDTH - 1) / 2
        grid = F.affine_grid(theta, [n, 1, HEIGHT, WIDTH], align_corners=False)
        x = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
        across = torch.linspace(-1, 1, WIDTH, device=self.device).view(1, 1, 1, WIDTH)
        down = torch.linspace(-1, 1, HEIGHT, device=self.device).view(1, 1, HEIGHT, 1)
        edge = across - self.uniform(-1, 1, n, 1, 1, 1) + down * self.uniform(-0.2, 0.2, n, 1, 1, 1)
        shadow = torch.sigmoid(edge * self.uniform(4, 40, n, 1, 1, 1) * (1 - 2 * self.chance(0.5, n, 1, 1, 1)))
        x = x * (1 - self.chance(0.4, n, 1, 1, 1) * self.uniform(0, 0.5, n, 1, 1, 1) * shadow)
        x = x * (1 + self.around(0, 0.2, n, 1, 1, 1) * across + self.around(0, 0.1, n, 1, 1, 1) * down)
        x = blurred(x, 0.05 + self.chance(0.5, n) * self.uniform(0.4, 0.9, n))
        noise = torch.randn(x.shape, generator=self.generator, device=self.device)
        x = x + noise * self.chance(0.5, n, 1, 1, 1) * self.uniform(0, 7, n, 1, 1, 1)
        squeezed = compressed(x - 128, self.uniform(30, 90, n), LUMA) + 128
        x = torch.where(self.chance(0.5, n, 1, 1, 1) > 0, squeezed, x)
        return x.clamp(0, 255), middles
