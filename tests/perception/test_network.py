# SPDX-License-Identifier: Apache-2.0
"""The network that is trained and the network that is shipped are the same. Runs where torch and onnx are installed."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from perception.detectors.onnx_model import OnnxModel
from perception.training.augment import CROP_PX
from perception.training.targets import cell_centres


def test_the_written_network_answers_as_the_trained_one(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="training's own environment is not this one")
    pytest.importorskip("onnx", reason="training's own environment is not this one")
    torch_net = importlib.import_module("perception.training.torch_net")
    onnx_graph = importlib.import_module("perception.training.onnx_graph")
    torch.manual_seed(3)
    parts = torch_net.build_parts()
    batch = np.random.default_rng(1).uniform(0, 255, (1, 3, CROP_PX[1], CROP_PX[0])).astype(np.float32)
    with torch.no_grad():
        for _ in range(3):
            torch_net.forward(parts.train(), torch.from_numpy(batch))
        expected = torch_net.forward(parts.eval(), torch.from_numpy(batch)).numpy()
    onnx_graph.write_onnx({name: value.numpy() for name, value in parts.state_dict().items()}, tmp_path / "net.onnx")
    answered = OnnxModel(tmp_path / "net.onnx").run(batch)["levels"]
    assert answered.shape == (1, len(cell_centres(CROP_PX)[0]), 7)
    np.testing.assert_allclose(answered, expected, atol=2e-3)
