"""What a cheap camera and a messenger do to a picture, on a batch of pixels 0..255 and on whatever device it is."""
import math

import torch
import torch.nn.functional as F


def blurred(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
    """Every picture of x [n,c,h,w] out of focus by its own sigma [n] (at most about 1.5 pixels; 0.05 leaves it sharp)."""
    n, channels, height, width = x.shape
    kernel = torch.exp(-torch.arange(-3, 4, device=x.device).float() ** 2 / (2 * sigma.view(n, 1) ** 2))
    kernel = (kernel / kernel.sum(dim=1, keepdim=True)).repeat_interleave(channels, dim=0)
    soft = F.pad(x.reshape(1, n * channels, height, width), (3, 3, 3, 3), mode="replicate")
    soft = F.conv2d(soft, kernel.view(n * channels, 1, 1, 7), groups=n * channels)
    return F.conv2d(soft, kernel.view(n * channels, 1, 7, 1), groups=n * channels).view(x.shape)


def compressed(plane: torch.Tensor, quality: torch.Tensor, table: torch.Tensor) -> torch.Tensor:
    """plane [n,c,h,w], around 0, as JPEG of `quality` [n] (1..100) gives it back: 8x8 cosines, rounded. h and w are multiples of 8."""
    n, channels, height, width = plane.shape
    quality = quality.view(n, 1, 1, 1, 1, 1)
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50)
    steps = (table.to(plane.device) * scale).round().clamp(1, 255)
    cosines = COSINES.to(plane.device)
    blocks = plane.reshape(n, channels, height // 8, 8, width // 8, 8).permute(0, 1, 2, 4, 3, 5)
    waves = ((cosines @ blocks @ cosines.T) / steps).round() * steps
    return (cosines.T @ waves @ cosines).permute(0, 1, 2, 4, 3, 5).reshape(plane.shape)


def _cosines() -> torch.Tensor:
    """The orthonormal 8x8 cosine transform of JPEG."""
    k, n = torch.arange(8).view(8, 1).float(), torch.arange(8).view(1, 8).float()
    table = torch.cos(math.pi * (2 * n + 1) * k / 16) / 2
    table[0] /= math.sqrt(2)
    return table


COSINES = _cosines()
# The quantisation tables that the JPEG standard gives as examples and that most cameras scale.
LUMA = torch.tensor([
    [16, 11, 10, 16, 24, 40, 51, 61], [12, 12, 14, 19, 26, 58, 60, 55], [14, 13, 16, 24, 40, 57, 69, 56],
    [14, 17, 22, 29, 51, 87, 80, 62], [18, 22, 37, 56, 68, 109, 103, 77], [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101], [72, 92, 95, 98, 112, 100, 103, 99]]).float()
CHROMA = torch.tensor([
    [17, 18, 24, 47, 99, 99, 99, 99], [18, 21, 26, 66, 99, 99, 99, 99], [24, 26, 56, 99, 99, 99, 99, 99],
    [47, 66, 99, 99, 99, 99, 99, 99], *[[99] * 8] * 4]).float()
