# SPDX-License-Identifier: Apache-2.0
"""Trained weights as an ONNX file, and back: the table of layers, with batch normalisation folded into the convolutions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto, helper, numpy_helper

from patrol.checks import Floats32
from patrol.errors import BadInput, Fault
from perception.training.architecture import OUTPUTS, PIXEL_MEAN, PIXEL_SCALE, STRIDES_PX, Layer, network

_OPSET = 17
_BN_EPSILON = 1e-5
Weights = dict[str, Floats32]


def write_onnx(weights: Weights, path: Path) -> None:
    """Write the network to ``path``; ``weights`` are the arrays of ``torch_net.build_parts`` by their names."""
    constants: Weights = {
        "mean": np.array(PIXEL_MEAN, dtype=np.float32),
        "scale": np.array(1.0 / PIXEL_SCALE, dtype=np.float32),
    }
    nodes = [
        helper.make_node("Sub", ["picture", "mean"], ["centred"]),
        helper.make_node("Mul", ["centred", "scale"], ["image"]),
    ]
    for layer in network():
        nodes += _nodes(layer, weights, constants)
    nodes += _rows()
    shapes = {"rows_shape": np.array([1, OUTPUTS, -1]), "twice": np.array([1, 1, 2, 2], dtype=np.float32)}
    stored = [numpy_helper.from_array(value, name) for name, value in {**constants, **shapes}.items()]
    graph = helper.make_graph(
        nodes,
        "own",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, "height", "width"])],
        [helper.make_tensor_value_info("levels", TensorProto.FLOAT, [1, "cells", OUTPUTS])],
        stored,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=9)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def read_onnx(path: Path) -> Weights:
    """The arrays of ``torch_net.build_parts`` by their names, out of a file that ``write_onnx`` wrote; what was folded into the
    convolutions stays there, and each normalisation only adds their bias. Raises BadInput naming what is wrong."""
    try:
        graph = onnx.load(str(path)).graph
    except (OSError, DecodeError) as error:
        raise BadInput(path, [Fault(field="(file)", value=path.name, because=f"can not be read: {error}")]) from error
    stored = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    weights: Weights = {}
    for layer in network():
        if layer.op in ("conv", "head"):
            kernel = _stored(stored, f"{layer.name}.w", (layer.channels, layer.channels_in, layer.kernel, layer.kernel), path)
            bias = _stored(stored, f"{layer.name}.b", (layer.channels,), path)
            weights |= _unfolded(layer.name, kernel, bias) if layer.op == "conv" else _headed(layer.name, kernel, bias)
    return weights


def _stored(stored: Weights, name: str, shape: tuple[int, ...], path: Path) -> Floats32:
    found = stored.get(name)
    if found is None or found.shape != shape:
        value = "missing" if found is None else str(found.shape)
        raise BadInput(path, [Fault(field=name, value=value, because=f"this network has {shape} here")])
    return found.copy()


def _headed(name: str, kernel: Floats32, bias: Floats32) -> Weights:
    return {f"{name}.weight": kernel, f"{name}.bias": bias}


def _unfolded(name: str, kernel: Floats32, bias: Floats32) -> Weights:
    """A convolution and a normalisation that does nothing but add ``bias``."""
    return {
        f"{name}.0.weight": kernel,
        f"{name}.1.weight": np.ones_like(bias),
        f"{name}.1.bias": bias,
        f"{name}.1.running_mean": np.zeros_like(bias),
        f"{name}.1.running_var": np.full_like(bias, 1.0 - _BN_EPSILON),
    }


def _nodes(layer: Layer, weights: Weights, constants: Weights) -> list[Any]:
    if layer.op == "up":
        return [helper.make_node("Resize", [layer.inputs[0], "", "twice"], [layer.name], mode="nearest", **_REPEAT)]
    if layer.op == "head":
        constants[f"{layer.name}.w"] = weights[f"{layer.name}.weight"]
        constants[f"{layer.name}.b"] = weights[f"{layer.name}.bias"]
        return [_convolution(layer, layer.name)]
    value = f"{layer.name}.sum" if layer.activate else layer.name
    if layer.op == "add":
        nodes = [helper.make_node("Add", list(layer.inputs), [value])]
    else:
        constants[f"{layer.name}.w"], constants[f"{layer.name}.b"] = _folded(layer.name, weights)
        nodes = [_convolution(layer, value)]
    return [*nodes, helper.make_node("Relu", [value], [layer.name])] if layer.activate else nodes


_REPEAT = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}


def _convolution(layer: Layer, output: str) -> Any:
    inputs = [layer.inputs[0], f"{layer.name}.w", f"{layer.name}.b"]
    pad = layer.kernel // 2
    size = {"kernel_shape": [layer.kernel] * 2, "strides": [layer.stride] * 2, "pads": [pad] * 4}
    return helper.make_node("Conv", inputs, [output], **size)


def _folded(name: str, weights: Weights) -> tuple[Floats32, Floats32]:
    """Weight and bias of the convolution with the normalisation that follows it worked in."""
    gain = weights[f"{name}.1.weight"] / np.sqrt(weights[f"{name}.1.running_var"] + _BN_EPSILON)
    kernel = weights[f"{name}.0.weight"] * gain[:, None, None, None]
    shift = weights[f"{name}.1.bias"] - weights[f"{name}.1.running_mean"] * gain
    return kernel.astype(np.float32), shift.astype(np.float32)


def _rows() -> list[Any]:
    """Every head as rows of cells, level after level: (1, N, OUTPUTS)."""
    nodes, rows = [], []
    for stride in STRIDES_PX:
        flat, row = f"flat{stride}", f"rows{stride}"
        nodes.append(helper.make_node("Reshape", [f"head{stride}", "rows_shape"], [flat]))
        nodes.append(helper.make_node("Transpose", [flat], [row], perm=[0, 2, 1]))
        rows.append(row)
    return [*nodes, helper.make_node("Concat", rows, ["levels"], axis=1)]
