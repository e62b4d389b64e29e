# SPDX-License-Identifier: Apache-2.0
"""Networks in OpenVINO's own format, or ONNX, run by OpenVINO on the CPU."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import openvino

from patrol.checks import Floats32
from perception.errors import DetectorFailed, ModelMissing

_SIZES_MAX = 4


class OpenVinoModel:
    """A network that takes any input size: it is compiled anew for each, and the last few stay compiled.

    ``exact`` keeps 32-bit arithmetic, so that every machine gives the same answer; without it a CPU with bfloat16 units uses
    them, at twice the speed. Its threads may run on any core: pinned, those of two networks would share the first.
    """

    def __init__(self, path: Path, tensors: Sequence[str] = (), *, threads: int = 1, exact: bool = True) -> None:
        """Open ``path`` and answer with ``tensors``, named after outputs or inner nodes (none: all outputs). Raises
        ModelMissing when the file is absent, is not a network, or has no such tensor."""
        if not path.is_file():
            raise ModelMissing(f"{path}: no such file")
        self._core = openvino.Core()
        self._options = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "ENABLE_CPU_PINNING": False,
            **({"INFERENCE_PRECISION_HINT": "f32"} if exact else {}),
        }
        try:
            self._model = _answering(self._core.read_model(str(path)), tensors, path)
        except RuntimeError as error:
            raise ModelMissing(f"{path}: is not a network that can be run: {error}") from error
        self._tensors = tuple(tensors)
        self._requests: dict[tuple[int, ...], openvino.InferRequest] = {}

    def run(self, batch: Floats32) -> dict[str, Floats32]:
        """Outputs by name for ``batch`` (1, 3, H, W) float32. Raises DetectorFailed."""
        try:
            request = self._request(batch.shape)
            request.infer([batch])
        except RuntimeError as error:
            raise DetectorFailed(f"network: {error}") from error
        names = self._tensors or [_name(output) for output in self._model.outputs]
        return {name: np.array(request.get_output_tensor(index).data, np.float32) for index, name in enumerate(names)}

    def _request(self, shape: tuple[int, ...]) -> openvino.InferRequest:
        """The compiled network for an input of ``shape``."""
        if shape not in self._requests:
            if len(self._requests) == _SIZES_MAX:
                self._requests.pop(next(iter(self._requests)))
            self._model.reshape(list(shape))
            compiled = self._core.compile_model(self._model, "CPU", self._options)
            self._requests[shape] = compiled.create_infer_request()
        return self._requests[shape]


def _answering(model: openvino.Model, tensors: Sequence[str], path: Path) -> openvino.Model:
    """The part of ``model`` that ``tensors`` need."""
    if not tensors:
        return model
    by_name = {node.get_friendly_name(): node.output(0) for node in model.get_ops() if node.get_output_size()}
    by_name |= {name: output for output in model.outputs for name in output.get_names()}
    missing = [name for name in tensors if name not in by_name]
    if missing:
        raise ModelMissing(f"{path}: has no tensor {', '.join(missing)}")
    return openvino.Model([by_name[name] for name in tensors], model.get_parameters())


def _name(output: openvino.Output) -> str:
    name: str = min(output.get_names())
    return name
