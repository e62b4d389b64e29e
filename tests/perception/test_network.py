# SPDX-License-Identifier: Apache-2.0
"""The network that is trained and the network that is shipped are the same. Runs where torch and onnx are installed."""

from __future__ import annotations

import copy
import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from patrol.checks import Floats32
from patrol.errors import BadInput
from perception.detector import OWN_WEIGHTS
from perception.detectors.onnx_model import OnnxModel
from perception.training.augment import CROP_PX
from perception.training.targets import cell_centres

REASON = "training's own environment is not this one"


@pytest.fixture
def torch() -> Any:
    found = pytest.importorskip("torch", reason=REASON)
    found.manual_seed(3)
    return found


@pytest.fixture
def torch_net() -> Any:
    pytest.importorskip("torch", reason=REASON)
    return importlib.import_module("perception.training.torch_net")


@pytest.fixture
def onnx_graph() -> Any:
    pytest.importorskip("onnx", reason=REASON)
    return importlib.import_module("perception.training.onnx_graph")


def noise(seed: int) -> Floats32:
    """One picture (1, 3, H, W)."""
    return np.random.default_rng(seed).uniform(0, 255, (1, 3, CROP_PX[1], CROP_PX[0])).astype(np.float32)


def write(onnx_graph: Any, parts: Any, path: Path) -> Path:
    onnx_graph.write_onnx({name: value.detach().numpy() for name, value in parts.state_dict().items()}, path)
    return path


def test_the_written_network_answers_as_the_trained_one(tmp_path: Path, torch: Any, torch_net: Any, onnx_graph: Any) -> None:
    parts = torch_net.build_parts()
    batch = noise(1)
    with torch.no_grad():
        for _ in range(3):
            torch_net.forward(parts.train(), torch.from_numpy(batch))
        expected = torch_net.forward(parts.eval(), torch.from_numpy(batch)).numpy()
    answered = OnnxModel(write(onnx_graph, parts, tmp_path / "net.onnx")).run(batch)["levels"]
    assert answered.shape == (1, len(cell_centres(CROP_PX)[0]), 7)
    np.testing.assert_allclose(answered, expected, atol=2e-3)


def test_the_shipped_weights_can_be_read_back_settled_and_written_again(
    tmp_path: Path, torch: Any, torch_net: Any, onnx_graph: Any
) -> None:
    batch = noise(2)
    expected = OnnxModel(OWN_WEIGHTS).run(batch)["levels"]
    parts = torch_net.build_parts()
    weights = {name: torch.from_numpy(value) for name, value in onnx_graph.read_onnx(OWN_WEIGHTS).items()}
    parts.load_state_dict(weights)
    again = OnnxModel(write(onnx_graph, parts, tmp_path / "again.onnx")).run(batch)["levels"]
    np.testing.assert_allclose(again, expected, atol=2e-3)
    torch_net.settle(parts, [torch.from_numpy(noise(seed)) for seed in (2, 3)])
    settled = OnnxModel(write(onnx_graph, parts, tmp_path / "settled.onnx")).run(batch)["levels"]
    np.testing.assert_allclose(settled, expected, atol=2e-2)


def test_a_settled_network_in_training_answers_nearly_as_the_finished_one(torch: Any, torch_net: Any, onnx_graph: Any) -> None:
    parts = torch_net.build_parts()
    weights = onnx_graph.read_onnx(OWN_WEIGHTS)
    batch = torch.from_numpy(np.concatenate([noise(4), noise(5)]))

    def off() -> float:
        with torch.no_grad():
            finished = torch_net.forward(parts.eval(), batch)
            return float((torch_net.forward(copy.deepcopy(parts).train(), batch) - finished).abs().max())

    parts.load_state_dict({name: torch.from_numpy(value) for name, value in weights.items()})
    unsettled = off()
    torch_net.settle(parts, [batch])
    assert off() < 0.02 < 1.0 < unsettled


def test_a_file_that_is_no_such_network_is_refused(tmp_path: Path, onnx_graph: Any) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    with pytest.raises(BadInput, match=r"broken\.onnx"):
        onnx_graph.read_onnx(tmp_path / "broken.onnx")
    onnx = importlib.import_module("onnx")
    model = onnx.load(str(OWN_WEIGHTS))
    kept = [item for item in model.graph.initializer if item.name != "head16.b"]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    onnx.save(model, str(tmp_path / "headless.onnx"))
    with pytest.raises(BadInput, match=r"head16\.b"):
        onnx_graph.read_onnx(tmp_path / "headless.onnx")


def test_the_mean_of_two_weights_lies_between_them(tmp_path: Path, torch_net: Any, onnx_graph: Any) -> None:
    mix = importlib.import_module("perception.training.mix").mix
    other = write(onnx_graph, torch_net.build_parts(), tmp_path / "other.onnx")
    mixed = {}
    for share in (0.0, 0.25, 1.0):
        mix(OWN_WEIGHTS, other, share=share, out=tmp_path / "mixed.onnx")
        mixed[share] = onnx_graph.read_onnx(tmp_path / "mixed.onnx")["head8.weight"]
    ours, theirs = (onnx_graph.read_onnx(path)["head8.weight"] for path in (OWN_WEIGHTS, other))
    np.testing.assert_allclose(mixed[0.0], ours, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(mixed[1.0], theirs, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(mixed[0.25], 0.75 * ours + 0.25 * theirs, rtol=1e-4, atol=1e-6)
    assert np.abs(ours - theirs).max() > 0.01
