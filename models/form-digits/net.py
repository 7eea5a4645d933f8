"""A small net that reads a line: convolutions down to one row of 64 columns, each of which says a digit or nothing (CTC)."""
import numpy as np
import onnx
import torch
import torch.nn as nn
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper

from fields import HEIGHT, WIDTH

BLANK = 10  # after the ten digits
# out channels, kernel, stride, padding: height and width
LAYERS = [
    (16, (3, 3), (1, 1), (1, 1)),
    (24, (3, 3), (2, 2), (1, 1)),
    (24, (3, 3), (1, 1), (1, 1)),
    (48, (3, 3), (2, 2), (1, 1)),
    (48, (3, 3), (1, 1), (1, 1)),
    (64, (3, 3), (2, 1), (1, 1)),
    (64, (3, 3), (1, 1), (1, 1)),
    (96, (4, 3), (1, 1), (0, 1)),
    (96, (1, 3), (1, 1), (0, 1)),
]


class Net(nn.Module):
    def __init__(self, width: float = 1.0, drop: float = 0.1):
        super().__init__()
        self.convs, self.norms, before = nn.ModuleList(), nn.ModuleList(), 1
        for channels, kernel, stride, padding in LAYERS:
            channels = int(channels * width) // 8 * 8
            self.convs.append(nn.Conv2d(before, channels, kernel, stride, padding, bias=False))
            self.norms.append(nn.BatchNorm2d(channels))
            before = channels
        self.drop = nn.Dropout(drop)
        self.head = nn.Conv2d(before, BLANK + 1, 1)
        self.to(memory_format=torch.channels_last)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """pixels 0..255 [n,1,32,256] to logits [n,11,1,64]."""
        x = normalise(pixels)
        for conv, norm in zip(self.convs, self.norms):
            x = F.relu6(norm(conv(x)))
        return self.head(self.drop(x))

    def folded(self) -> list:
        """(weight, bias) of every convolution with its normalisation in it, the head last."""
        pairs = []
        for conv, norm in zip(self.convs, self.norms):
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            pairs.append((conv.weight * scale.view(-1, 1, 1, 1), norm.bias - norm.running_mean * scale))
        return [*pairs, (self.head.weight, self.head.bias)]


def normalise(pixels: torch.Tensor) -> torch.Tensor:
    return ((pixels.float() - 128) / 128).contiguous(memory_format=torch.channels_last)


def read(logits: torch.Tensor):
    """What the columns say: for each field the digits and how likely each is (its best column), as the app reads them."""
    likely, said = torch.softmax(logits.squeeze(2), dim=1).max(dim=1)
    answers = []
    for chances, columns in zip(likely.tolist(), said.tolist()):
        digits, sure, before = [], [], BLANK
        for digit, chance in zip(columns, chances):
            if digit != BLANK and digit != before:
                digits.append(digit)
                sure.append(chance)
            elif digit != BLANK:
                sure[-1] = max(sure[-1], chance)
            before = digit
        answers.append((digits, sure))
    return answers


def export(net: Net) -> onnx.ModelProto:
    """The shipped graph: normalisation folded, logits as [1,64,11]."""
    nodes, tensors = [], []

    def constant(name: str, value) -> str:
        array = value.detach().cpu().contiguous().numpy().astype(np.float32) if torch.is_tensor(value) else np.array(value)
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    low, high = constant("clip.low", np.float32(0)), constant("clip.high", np.float32(6))
    pairs, value = net.folded(), "image"
    for index, (weight, bias) in enumerate(pairs):
        last, name = index == len(pairs) - 1, f"conv{index}"
        _, kernel, stride, padding = LAYERS[index] if not last else (0, (1, 1), (1, 1), (0, 0))
        inputs = [value, constant(f"{name}.weight", weight), constant(f"{name}.bias", bias)]
        nodes.append(helper.make_node("Conv", inputs, [f"{name}.conv"], name, kernel_shape=list(kernel), dilations=[1, 1],
                                      strides=list(stride), pads=[*padding, *padding], group=1))
        value = f"{name}.conv"
        if not last:
            nodes.append(helper.make_node("Clip", [value, low, high], [f"{name}.clip"], f"{name}.clip"))
            value = f"{name}.clip"
    columns = WIDTH // 4
    shape = constant("shape", np.array([1, BLANK + 1, columns], np.int64))
    nodes.append(helper.make_node("Reshape", [value, shape], ["rows"], "rows"))
    nodes.append(helper.make_node("Transpose", ["rows"], ["logits"], "columns", perm=[0, 2, 1]))
    graph = helper.make_graph(
        nodes, "form-digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, HEIGHT, WIDTH])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, columns, BLANK + 1])], tensors)
    model = helper.make_model(graph, producer_name="jiko", opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model
