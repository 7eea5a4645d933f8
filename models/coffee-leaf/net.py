"""The network: the first convolutions of an ImageNet MobileNetV2, ways out at several depths, and the way back to ONNX."""
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn as nn
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper


@dataclass
class Source:
    """One convolution as the source file has it; BatchNorm is folded in its weights."""

    weight: np.ndarray
    bias: np.ndarray
    stride: int
    pads: tuple  # top, left, bottom, right
    groups: int
    clipped: bool
    add: int | None  # the convolution whose output is added to this one's


class Net(nn.Module):
    """A straight run of convolutions with residuals, and a linear layer over the pooled output of each depth in `exits`.

    BatchNorm is folded in the source weights and stays so: training sees exactly the graph that is shipped.
    `stresses` are second heads used in training only: they must name every stress on the leaf, not just the worst one.
    """

    def __init__(self, source: Path, exits: dict, classes: int, stresses: int, drop: float = 0.2):
        super().__init__()
        self.exits, self.classes = exits, classes
        self.convs, self.pads, self.clipped, self.adds = nn.ModuleList(), [], [], []
        for one in read_convs(source)[: 1 + max(exits.values())]:
            top, left, bottom, right = one.pads
            symmetric = top == left == bottom == right
            conv = nn.Conv2d(one.weight.shape[1] * one.groups, one.weight.shape[0], one.weight.shape[2], one.stride,
                             padding=top if symmetric else 0, groups=one.groups)
            conv.weight.data, conv.bias.data = torch.from_numpy(one.weight), torch.from_numpy(one.bias)
            self.convs.append(conv)
            # TensorFlow's SAME pads right and bottom only at stride 2; the weights expect exactly that.
            self.pads.append(None if symmetric else (left, right, top, bottom))
            self.clipped.append(one.clipped)
            self.adds.append(one.add)
        widths = {name: self.convs[depth].out_channels for name, depth in exits.items()}
        self.heads = nn.ModuleDict({name: nn.Linear(width, classes) for name, width in widths.items()})
        self.stresses = nn.ModuleDict({name: nn.Linear(width, stresses) for name, width in widths.items()})
        self.drop = nn.Dropout(drop)

    def features(self, x: torch.Tensor, depth: int | None = None) -> dict:
        """The pooled output of every way out, up to `depth`."""
        found, earlier, kept = {}, {}, {add for add in self.adds if add is not None}
        for index, conv in enumerate(self.convs):
            if depth is not None and index > depth:
                break
            pads = self.pads[index]
            x = conv(x if pads is None else F.pad(x, pads))
            if self.adds[index] is not None:
                x = x + earlier[self.adds[index]]
            if self.clipped[index]:
                x = F.relu6(x)
            if index in kept:
                earlier[index] = x
            for name, at in self.exits.items():
                if at == index:
                    found[name] = x.mean(dim=(2, 3))
        return found

    def forward(self, x: torch.Tensor, exit: str) -> torch.Tensor:
        return self.heads[exit](self.features(x, self.exits[exit])[exit])

    def training_heads(self, x: torch.Tensor) -> dict:
        """name: (logits, stresses) of every way out."""
        found = {name: self.drop(value) for name, value in self.features(x).items()}
        return {name: (self.heads[name](value), self.stresses[name](value)) for name, value in found.items()}


def read_convs(source: Path) -> list:
    """The convolutions of a graph in which each follows the one before, with at most one earlier output added."""
    graph = onnx.load(str(source)).graph
    tensors = {tensor.name: numpy_helper.to_array(tensor).copy() for tensor in graph.initializer}
    convs, made_by = [], {}
    for node in graph.node:
        if node.op_type == "Conv":
            given = {item.name: helper.get_attribute_value(item) for item in node.attribute}
            made_by[node.output[0]] = len(convs)
            convs.append(Source(tensors[node.input[1]], tensors[node.input[2]], given["strides"][0], tuple(given["pads"]),
                                given["group"], False, None))
        elif node.op_type == "Clip" and node.input[0] in made_by:
            made_by[node.output[0]] = made_by[node.input[0]]
            convs[made_by[node.input[0]]].clipped = True
        elif node.op_type == "Add":
            last, earlier = sorted((made_by[name] for name in node.input), reverse=True)
            made_by[node.output[0]] = last
            convs[last].add = earlier
    return convs


def export(net: Net, exit: str, width: int, height: int) -> onnx.ModelProto:
    """The shipped graph of one way out, written node by node: the same weights give the same bytes, with nothing left to fold."""
    nodes, tensors, values = [], [], {}

    def constant(name: str, value) -> str:
        array = value.detach().cpu().contiguous().numpy() if torch.is_tensor(value) else np.array(value, np.float32)
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name))
        return name

    low, high = constant("clip.low", 0.0), constant("clip.high", 6.0)
    value = "image"
    for index in range(net.exits[exit] + 1):
        conv, pads, name = net.convs[index], net.pads[index], f"conv{index:02d}"
        size, stride, pad = conv.kernel_size[0], conv.stride[0], conv.padding[0]
        left, right, top, bottom = pads or (pad,) * 4
        inputs = [value, constant(f"{name}.weight", conv.weight), constant(f"{name}.bias", conv.bias)]
        value = f"{name}.conv"
        nodes.append(helper.make_node("Conv", inputs, [value], name, kernel_shape=[size, size], dilations=[1, 1],
                                      strides=[stride, stride], pads=[top, left, bottom, right], group=conv.groups))
        if net.adds[index] is not None:
            nodes.append(helper.make_node("Add", [value, values[net.adds[index]]], [f"{name}.add"], f"{name}.add"))
            value = f"{name}.add"
        if net.clipped[index]:
            nodes.append(helper.make_node("Clip", [value, low, high], [f"{name}.clip"], f"{name}.clip"))
            value = f"{name}.clip"
        values[index] = value
    nodes.append(helper.make_node("GlobalAveragePool", [value], ["pool"], "pool"))
    nodes.append(helper.make_node("Flatten", ["pool"], ["features"], "flatten", axis=1))
    head = ["features", constant("head.weight", net.heads[exit].weight), constant("head.bias", net.heads[exit].bias)]
    nodes.append(helper.make_node("Gemm", head, ["logits"], "head", transB=1))
    graph = helper.make_graph(
        nodes, "coffee-leaf",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, height, width])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, net.classes])], tensors)
    model = helper.make_model(graph, producer_name="jiko", opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def evaluate(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    """Runs the exported graph with numpy alone: an independent reading of the ONNX text to hold torch against."""
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    values["image"] = image.astype(np.float64)
    for node in model.graph.node:
        inputs = [values[name] for name in node.input]
        given = {item.name: helper.get_attribute_value(item) for item in node.attribute}
        values[node.output[0]] = OPERATORS[node.op_type](*inputs, **given)
    return values["logits"]


def _conv(x, weight, bias, kernel_shape, strides, pads, group, dilations):
    top, left, bottom, right = pads
    x = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
    step, size = strides[0], kernel_shape[0]
    rows, columns = (x.shape[2] - size) // step + 1, (x.shape[3] - size) // step + 1
    total = np.zeros((1, weight.shape[0], rows, columns))
    for i in range(size):
        for j in range(size):
            tap = x[:, :, i : i + rows * step : step, j : j + columns * step : step][:, :, :rows, :columns]
            kernel = weight[:, :, i, j].astype(np.float64)
            total += kernel.reshape(1, -1, 1, 1) * tap if group > 1 else np.einsum("oc,bcyx->boyx", kernel, tap, optimize=True)
    return total + bias.reshape(1, -1, 1, 1)


OPERATORS = {
    "Conv": _conv,
    "Add": lambda x, y: x + y,
    "Clip": np.clip,
    "GlobalAveragePool": lambda x: x.mean(axis=(2, 3), keepdims=True),
    "Flatten": lambda x, axis: x.reshape(x.shape[0], -1),
    "Gemm": lambda x, weight, bias, transB: x @ weight.T + bias,
}
