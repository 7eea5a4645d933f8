"""A small residual network of depthwise separable convolutions: nothing in it that an int8 kernel does not know."""
import torch
from torch import nn


def conv(inputs: int, outputs: int, kernel, stride=1, groups: int = 1, pad: bool = True, active: bool = True) -> nn.Sequential:
    kernel = (kernel, kernel) if isinstance(kernel, int) else kernel
    padding = tuple(k // 2 for k in kernel) if pad else 0
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([nn.ReLU()] if active else []))


class Block(nn.Module):
    """Depthwise, then pointwise; added to what came in where the shapes allow it."""

    def __init__(self, inputs: int, outputs: int, kernel, stride=1, pad: bool = True):
        super().__init__()
        self.same = inputs == outputs and stride == 1 and pad
        self.layers = nn.Sequential(conv(inputs, inputs, kernel, stride, groups=inputs, pad=pad),
                                    conv(inputs, outputs, 1, active=not self.same))
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(x + self.layers(x)) if self.same else self.layers(x)


class Net(nn.Module):
    """[n,1,frames,40] to logits [n,classes]. Time and pitch are halved until 5 bands are left; those are then merged by one
    convolution over all of them, after which only time is left to look along."""

    def __init__(self, classes: int, widths=(32, 56, 80, 96), depth=(1, 2, 2, 3), hop: int = 320, dropout: float = 0.1):
        super().__init__()
        first, second, third, last = widths
        self.body = nn.Sequential(
            conv(1, first, 5, stride=(2 if hop == 160 else 1, 2)),
            *[Block(first, first, 3) for _ in range(depth[0])],
            Block(first, second, 3, stride=(2, 2)), *[Block(second, second, 3) for _ in range(depth[1])],
            Block(second, third, 3, stride=(1, 2)), *[Block(third, third, 3) for _ in range(depth[2])],
            Block(third, last, (5, 5), pad=False), *[Block(last, last, (5, 1)) for _ in range(depth[3])],
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(dropout))
        self.head = nn.Linear(last, classes)

    def forward(self, x):
        return self.head(self.body(x))
