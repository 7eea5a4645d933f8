"""The network: the first blocks of an ImageNet MobileNetV1 taken from an ONNX file, a new head, and the way back to ONNX."""
from pathlib import Path

import numpy as np
import onnx
import torch
import torch.nn as nn
import torch.nn.functional as F
from onnx import TensorProto, helper, numpy_helper


class Net(nn.Module):
    """Stem and `blocks` depthwise-separable blocks, global average pooling, one linear layer.

    BatchNorm is folded in the source weights and stays so: training sees exactly the graph that is shipped.
    `stresses` is a second head used in training only: it must name every stress on the leaf, not just the worst one.
    """

    def __init__(self, source: Path, blocks: int, classes: int, stresses: int):
        super().__init__()
        self.convs, self.pads = nn.ModuleList(), []
        for weight, bias, stride, pads, groups in read_convs(source)[: 1 + 2 * blocks]:
            top, left, bottom, right = pads
            symmetric = top == left == bottom == right
            conv = nn.Conv2d(weight.shape[1] * groups, weight.shape[0], weight.shape[2], stride,
                             padding=top if symmetric else 0, groups=groups)
            conv.weight.data, conv.bias.data = torch.from_numpy(weight), torch.from_numpy(bias)
            self.convs.append(conv)
            # TensorFlow's SAME pads right and bottom only at stride 2; the weights expect exactly that.
            self.pads.append(None if symmetric else (left, right, top, bottom))
        self.width = self.convs[-1].out_channels
        self.head, self.stresses = nn.Linear(self.width, classes), nn.Linear(self.width, stresses)
        self.drop = nn.Dropout(0.2)
        self.to(memory_format=torch.channels_last)  # twice as fast as planes on the CPU

    def features(self, x: torch.Tensor) -> torch.Tensor:
        for conv, pads in zip(self.convs, self.pads):
            x = F.relu6(conv(x if pads is None else F.pad(x, pads)))
        return x.mean(dim=(2, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.features(x))

    def training_heads(self, x: torch.Tensor):
        features = self.drop(self.features(x))
        return self.head(features), self.stresses(features)


def read_convs(source: Path):
    """(weight, bias, stride, pads, groups) of each Conv of a straight-line graph, in order."""
    graph = onnx.load(str(source)).graph
    tensors = {tensor.name: numpy_helper.to_array(tensor).copy() for tensor in graph.initializer}
    convs = []
    for node in graph.node:
        if node.op_type == "Conv":
            given = {item.name: helper.get_attribute_value(item) for item in node.attribute}
            convs.append((tensors[node.input[1]], tensors[node.input[2]], given["strides"][0], given["pads"], given["group"]))
    return convs


def export(net: Net, width: int, height: int) -> onnx.ModelProto:
    """The shipped graph, written node by node: the same weights give the same bytes, with nothing left to fold."""
    nodes, tensors = [], []

    def constant(name: str, value) -> str:
        array = value.detach().contiguous().numpy() if torch.is_tensor(value) else np.array(value, np.float32)
        tensors.append(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name))
        return name

    low, high = constant("clip.low", 0.0), constant("clip.high", 6.0)
    value = "image"
    for index, (conv, pads) in enumerate(zip(net.convs, net.pads)):
        name = "stem" if index == 0 else f"block{(index + 1) // 2}.{'depthwise' if index % 2 else 'pointwise'}"
        size, stride, pad = conv.kernel_size[0], conv.stride[0], conv.padding[0]
        left, right, top, bottom = pads or (pad,) * 4
        inputs = [value, constant(f"{name}.weight", conv.weight), constant(f"{name}.bias", conv.bias)]
        nodes.append(helper.make_node("Conv", inputs, [f"{name}.conv"], name, kernel_shape=[size, size], dilations=[1, 1],
                                      strides=[stride, stride], pads=[top, left, bottom, right], group=conv.groups))
        nodes.append(helper.make_node("Clip", [f"{name}.conv", low, high], [name], f"{name}.clip"))
        value = name
    nodes.append(helper.make_node("GlobalAveragePool", [value], ["pool"], "pool"))
    nodes.append(helper.make_node("Flatten", ["pool"], ["features"], "flatten", axis=1))
    head = ["features", constant("head.weight", net.head.weight), constant("head.bias", net.head.bias)]
    nodes.append(helper.make_node("Gemm", head, ["logits"], "head", transB=1))
    graph = helper.make_graph(
        nodes, "coffee-leaf",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, height, width])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, net.head.out_features])], tensors)
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
    "Clip": np.clip,
    "GlobalAveragePool": lambda x: x.mean(axis=(2, 3), keepdims=True),
    "Flatten": lambda x, axis: x.reshape(x.shape[0], -1),
    "Gemm": lambda x, weight, bias, transB: x @ weight.T + bias,
}
