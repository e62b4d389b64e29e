# SPDX-License-Identifier: Apache-2.0
"""Networks as ONNX files, run by ONNX Runtime on the CPU."""

from __future__ import annotations

from pathlib import Path

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from patrol.checks import Floats32
from perception.errors import DetectorFailed, ModelMissing

_ORT_FAULTS: tuple[type[Exception], ...] = (
    ort_errors.EPFail,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)


class OnnxModel:
    """An ONNX network, on one CPU thread unless told otherwise, so that it shares the machine."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        """Open ``path``. Raises ModelMissing when it is absent or not a network."""
        if not path.is_file():
            raise ModelMissing(f"{path}: no such file")
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except _ORT_FAULTS as error:
            raise ModelMissing(f"{path}: is not a network that can be run: {error}") from error
        self._input = self._session.get_inputs()[0].name
        self._outputs = [output.name for output in self._session.get_outputs()]

    def run(self, batch: Floats32) -> dict[str, Floats32]:
        """Outputs by name for ``batch`` (1, 3, H, W) float32. Raises DetectorFailed."""
        try:
            values = self._session.run(self._outputs, {self._input: batch})
        except _ORT_FAULTS as error:
            raise DetectorFailed(f"network: {error}") from error
        return dict(zip(self._outputs, values, strict=True))
