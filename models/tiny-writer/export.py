"""The trained writer as an ONNX graph that takes one step, checked against torch; and its alphabet as a tokenizer.json."""
import json
import sys
from pathlib import Path

import numpy as np
import onnx
import torch

sys.path.append(str(Path(__file__).resolve().parents[1]))
from net import HEADS, LAYERS, LENGTH, WIDTH, Step
from plot import save_curves

HERE = Path(__file__).resolve().parent
MEMORY = [f"{which}.{layer}" for layer in range(LAYERS) for which in ("keys", "values")]


def save_model(net, path: Path) -> None:
    step = Step(net).eval()
    past = [torch.zeros(1, HEADS, LENGTH, WIDTH // HEADS) for _ in MEMORY]
    torch.onnx.export(step, (torch.zeros(1, 1, dtype=torch.long), torch.zeros(1, 1, dtype=torch.long), *past), str(path), opset_version=17,
                      input_names=["token", "position", *[f"past.{name}" for name in MEMORY]],
                      output_names=["logits", "attention", *[f"present.{name}" for name in MEMORY]])
    model = onnx.load(str(path))
    del model.graph.value_info[:]
    for node in model.graph.node:
        node.doc_string = ""
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def tokenizer(alphabet) -> dict:
    """In the Hugging Face layout: byte pairs with no pairs, so that every character is a token of its own."""
    tags = [{"id": alphabet.number[f"<{tag}>"], "content": f"<{tag}>", "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
            for tag in alphabet.tags]
    unknown = {"id": 0, "content": "<unknown>", "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [unknown, *tags], "normalizer": {"type": "NFC"},
            "pre_tokenizer": None, "post_processor": None, "decoder": {"type": "Fuse"},
            "model": {"type": "BPE", "dropout": None, "unk_token": "<unknown>", "continuing_subword_prefix": None, "end_of_word_suffix": None,
                      "fuse_unk": False, "byte_fallback": False, "vocab": alphabet.number, "merges": []}}


def finish(net, alphabet, history, temperature: float, held: dict[str, float]) -> None:
    """Writes model.onnx, tokenizer.json and metrics.json here."""
    save_model(net, HERE / "model.onnx")
    (HERE / "tokenizer.json").write_text(json.dumps(tokenizer(alphabet), ensure_ascii=False, indent=0) + "\n")
    (HERE / "metrics.json").write_text(json.dumps({"heldOutBitsPerCharacter": {tag: round(value, 3) for tag, value in held.items()}, "temperature": temperature, "history": history,
                                                   "parameters": sum(p.numel() for p in net.parameters())}, indent=1) + "\n")
    save_curves(HERE / "loss.svg", "bits a character by step", {name: [(one["step"], one[key]) for one in history] for name, key in (("train", "train"), ("held out", "held"))})
    print("held out, bits a character:", {tag: round(value, 2) for tag, value in held.items()}, "mean", round(float(np.mean(list(held.values()))), 3))
