# SPDX-License-Identifier: Apache-2.0
"""What runs a network: ONNX Runtime, or OpenVINO where it is installed. Both answer with tensors by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from patrol.checks import Floats32
from perception.detectors.description import ModelDescription
from perception.detectors.onnx_model import OnnxModel
from perception.errors import ModelMissing


class Network(Protocol):
    """A network that was opened."""

    def run(self, batch: Floats32) -> dict[str, Floats32]:
        """Outputs by name for ``batch`` (1, 3, H, W) float32. Raises DetectorFailed."""


def open_network(described: ModelDescription, path: Path, *, threads: int = 1, exact: bool = True) -> Network:
    """Open the network at ``path``; ``exact`` keeps 32-bit arithmetic where the machine could do with less. Raises
    ModelMissing when a file is absent or is no network, or OpenVINO is needed and not installed."""
    for file in described.files[1:]:
        if not path.with_name(file.name).is_file():
            raise ModelMissing(f"{path.with_name(file.name)}: no such file")
    if described.runtime == "onnxruntime":
        return OnnxModel(path, threads=threads)
    try:
        from perception.detectors.openvino_model import OpenVinoModel
    except ImportError as error:
        raise ModelMissing(f"{described.name}: needs the package openvino: {error}") from error
    return OpenVinoModel(path, _tensors(described), threads=threads, exact=exact)


def _tensors(described: ModelDescription) -> Sequence[str]:
    """The tensors to read; none named: the model's own outputs."""
    output = described.output
    return [name for name in (output.boxes, output.scores, output.labels) if name]
