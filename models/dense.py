"""A chain of dense layers over hashed n-grams as an ONNX graph: `input` [1, buckets] to `logits` [1, labels]."""
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def save_dense(path: Path, layers: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """layers: weights [in, out] and bias [out]; a Relu between two."""
    nodes, constants, value = [], [], "input"
    for index, (weights, bias) in enumerate(layers):
        last = index == len(layers) - 1
        out = "logits" if last else f"dense{index}"
        constants += [numpy_helper.from_array(np.ascontiguousarray(part, dtype=np.float32), f"{name}{index}") for name, part in (("weights", weights), ("bias", bias))]
        nodes.append(helper.make_node("Gemm", [value, f"weights{index}", f"bias{index}"], [out]))
        if not last:
            nodes.append(helper.make_node("Relu", [out], [f"relu{index}"]))
        value = f"relu{index}"
    graph = helper.make_graph(
        nodes, path.parent.name,
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, layers[0][0].shape[0]])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, layers[-1][0].shape[1]])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], producer_name="jiko")
    model.ir_version = 8
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def write_rows(path: Path, rows: list[tuple[str, str]]) -> None:
    """(label, text) as the table that `jiko eval` reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("label\ttext\n" + "".join(f"{label}\t{' '.join(text.split())}\n" for label, text in rows), encoding="utf-8")
    print(f"{path}: {len(rows)} texts")
