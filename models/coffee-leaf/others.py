"""What is not a coffee leaf, made while training: pictures of other things, noise, shapes, and leaves that are none any more."""
import torch
import torch.nn.functional as F

from data import HEIGHT, WIDTH


class Others:
    """Batches of pixels 0..255 that must be answered "not a leaf"."""

    def __init__(self, augment, pictures: torch.Tensor):
        self.augment, self.pictures = augment, pictures
        self.kinds = [self.photos, self.photos, self.noise, self.shapes, self.shuffled, self.strange]

    def integers(self, high: int, n: int) -> torch.Tensor:
        return torch.randint(high, (n,), generator=self.augment.generator, device=self.augment.device)

    def __call__(self, leaves: torch.Tensor, turn: int) -> torch.Tensor:
        """As many as there are `leaves`, all of one kind; kinds take turns."""
        return self.kinds[turn % len(self.kinds)](leaves.float())

    def photos(self, leaves: torch.Tensor) -> torch.Tensor:
        return self.pictures[self.integers(len(self.pictures), len(leaves))].float()

    def noise(self, leaves: torch.Tensor) -> torch.Tensor:
        """Clouds at every scale in a few colours: cloth, soil, grass out of focus, a lens that is covered."""
        n, a = len(leaves), self.augment
        x = torch.zeros(n, 3, HEIGHT, WIDTH, device=a.device)
        for level in range(6):
            grid = a.uniform(-1, 1, n, 3, 2**level, 2 ** (level + 1)) * a.uniform(0, 1, n, 1, 1, 1)
            x = x + F.interpolate(grid, (HEIGHT, WIDTH), mode="bilinear", align_corners=False)
        grey = x.mean(dim=1, keepdim=True)
        x = grey + (x - grey) * a.uniform(0, 1.2, n, 1, 1, 1)
        grain = torch.randn(x.shape, generator=a.generator, device=a.device) * a.uniform(0, 40, n, 1, 1, 1)
        return (a.uniform(20, 235, n, 3, 1, 1) + 70 * x + grain * a.chance(0.5, n, 1, 1, 1)).clamp(0, 255)

    def shapes(self, leaves: torch.Tensor) -> torch.Tensor:
        """Bars and blobs on a ground: paper with lines, tools, fingers."""
        n, a = len(leaves), self.augment
        x = self.noise(leaves) * 0.3 + a.uniform(40, 170, n, 3, 1, 1)
        down, across = (torch.linspace(-1, 1, size, device=a.device) for size in (HEIGHT, WIDTH))
        down, across = down.view(1, 1, HEIGHT, 1), 2 * across.view(1, 1, 1, WIDTH)
        for _ in range(6):
            angle = a.uniform(0, 3.1416, n, 1, 1, 1)
            u, v = across - a.uniform(-2, 2, n, 1, 1, 1), down - a.uniform(-1, 1, n, 1, 1, 1)
            long, wide = u * angle.cos() + v * angle.sin(), v * angle.cos() - u * angle.sin()
            long, wide = long / a.uniform(0.1, 2, n, 1, 1, 1), wide / a.uniform(0.02, 0.6, n, 1, 1, 1)
            round_ = a.chance(0.5, n, 1, 1, 1)
            inside = (round_ * (long**2 + wide**2) + (1 - round_) * torch.maximum(long.abs(), wide.abs())) < 1
            x = torch.where(inside, a.uniform(0, 255, n, 3, 1, 1), x)
        return x.clamp(0, 255)

    def shuffled(self, leaves: torch.Tensor) -> torch.Tensor:
        """Leaves cut into eight squares that are laid anew: the colours of a leaf, not its form."""
        n = len(leaves)
        side = HEIGHT // 2
        squares = leaves.view(n, 3, 2, side, 4, side).permute(0, 2, 4, 1, 3, 5).reshape(n, 8, 3, side, side)
        order = torch.rand(n, 8, generator=self.augment.generator, device=self.augment.device).argsort(dim=1)
        squares = squares.gather(1, order.view(n, 8, 1, 1, 1).expand_as(squares))
        if float(self.augment.uniform(0, 1, 1)) < 0.5:
            squares = squares.transpose(3, 4)
        return squares.view(n, 2, 4, 3, side, side).permute(0, 3, 1, 4, 2, 5).reshape(leaves.shape)

    def strange(self, leaves: torch.Tensor) -> torch.Tensor:
        """Leaves whose colours changed places, or inverted: the form of a leaf, not its colours."""
        turned = leaves.roll(1 if float(self.augment.uniform(0, 1, 1)) < 0.5 else 2, dims=1)
        return torch.where(self.augment.chance(0.2, len(leaves), 1, 1, 1) > 0, 255 - leaves, turned)
