"""Photos as phones in fields take them, from the photos that there are; seeded, on whatever device the pixels are."""
import math
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

sys.path.append(str(Path(__file__).resolve().parents[1]))

from camera import CHROMA, LUMA, blurred, compressed
from data import HEIGHT, WIDTH


class Augment:
    """Random turns, crops, light, colour, blur and JPEG on a batch of pixels 0..255."""

    def __init__(self, generator: torch.Generator, strength: float = 1.0):
        self.generator, self.strength, self.device = generator, strength, generator.device

    def uniform(self, low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(*shape, generator=self.generator, device=self.device)

    def around(self, middle: float, spread: float, *shape: int) -> torch.Tensor:
        return middle + self.strength * self.uniform(-spread, spread, *shape)

    def chance(self, probability: float, *shape: int) -> torch.Tensor:
        return (torch.rand(*shape, generator=self.generator, device=self.device) < probability).float()

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.jpeg(self.blur(self.light(self.geometry(pixels.float()))))

    def geometry(self, x: torch.Tensor) -> torch.Tensor:
        """Flips, turns, zoom and shift in one resampling; outside the photo its edge is repeated."""
        n = len(x)
        angle = self.around(0, 20, n) * math.pi / 180
        # Mild zoom only: a tighter crop may cut away the one lesion that the label is about.
        zoom, stretch = self.around(0.98, 0.2, n), self.around(1, 0.07, n)
        flip_x, flip_y = 1 - 2 * self.chance(0.5, n), 1 - 2 * self.chance(0.5, n)
        ratio = HEIGHT / WIDTH
        across, down = zoom * stretch, zoom / stretch
        theta = torch.zeros(n, 2, 3, device=self.device)
        theta[:, 0, 0] = torch.cos(angle) * across * flip_x
        theta[:, 0, 1] = -torch.sin(angle) * down * flip_y * ratio
        theta[:, 1, 0] = torch.sin(angle) * across * flip_x / ratio
        theta[:, 1, 1] = torch.cos(angle) * down * flip_y
        theta[:, :, 2] = self.around(0, 0.12, n, 2)
        grid = F.affine_grid(theta, list(x.shape), align_corners=False)
        return F.grid_sample(x, grid, padding_mode="border", align_corners=False)

    def light(self, x: torch.Tensor) -> torch.Tensor:
        """Exposure, white balance, contrast, saturation, gamma and a shadow that falls across the leaf."""
        n = len(x)
        x = x * self.around(0.97, 0.3, n, 1, 1, 1) * self.around(1, 0.1, n, 3, 1, 1)
        middle = x.mean(dim=(1, 2, 3), keepdim=True)
        x = middle + (x - middle) * self.around(1, 0.3, n, 1, 1, 1)
        grey = x.mean(dim=1, keepdim=True)
        x = (grey + (x - grey) * self.around(1, 0.3, n, 1, 1, 1)).clamp(0, 255)
        x = 255 * (x / 255) ** self.around(1.02, 0.22, n, 1, 1, 1)
        across = torch.linspace(-1, 1, WIDTH, device=self.device).view(1, 1, 1, WIDTH) * self.around(0, 0.25, n, 1, 1, 1)
        down = torch.linspace(-1, 1, HEIGHT, device=self.device).view(1, 1, HEIGHT, 1) * self.around(0, 0.25, n, 1, 1, 1)
        x = x * (1 + self.chance(0.4, n, 1, 1, 1) * (across + down))
        noise = torch.randn(x.shape, generator=self.generator, device=self.device) * self.uniform(0, 6, n, 1, 1, 1)
        return (x + noise * self.chance(0.3, n, 1, 1, 1)).clamp(0, 255)

    def blur(self, x: torch.Tensor) -> torch.Tensor:
        """A third of the photos out of focus."""
        return blurred(x, 0.05 + self.chance(0.33, len(x)) * self.uniform(0.4, 1.2, len(x)))

    def jpeg(self, x: torch.Tensor) -> torch.Tensor:
        """A third of the photos compressed hard, as messengers and cheap cameras do: 8x8 cosines, rounded, colour at half size."""
        which = self.chance(0.33, len(x)).bool().nonzero().flatten()
        if len(which) == 0:
            return x
        quality = self.uniform(25, 85, len(which))
        red, green, blue = x[which].split(1, dim=1)
        luma = 0.299 * red + 0.587 * green + 0.114 * blue
        colour = F.avg_pool2d(torch.cat([(blue - luma) * 0.564, (red - luma) * 0.713], dim=1), 2)
        luma = compressed(luma - 128, quality, LUMA) + 128
        colour = F.interpolate(compressed(colour, quality, CHROMA), scale_factor=2, mode="bilinear", align_corners=False)
        blueness, redness = colour.split(1, dim=1)
        red, blue = luma + redness / 0.713, luma + blueness / 0.564
        green = (luma - 0.299 * red - 0.114 * blue) / 0.587
        return x.index_copy(0, which, torch.cat([red, green, blue], dim=1).clamp(0, 255))
