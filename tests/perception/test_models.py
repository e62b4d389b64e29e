# SPDX-License-Identifier: Apache-2.0
"""Descriptions of models, how their answers are read, and how their files get here."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from patrol.checks import Floats32
from patrol.errors import BadInput
from patrol.percepts import Label
from patrol.sensors import Image
from perception.detectors.decoding import decode
from perception.detectors.description import ModelDescription, ModelFile, ModelInput, ModelOutput, describe, descriptions
from perception.detectors.fitting import brightened, fit, input_size
from perception.detectors.network_detector import NetworkDetector
from perception.detectors.picking import Selection
from perception.detectors.store import FileState, PullFailed, check_file, pull
from perception.errors import DetectorFailed
from tests.perception.build import FRAME, noise_image

WEIGHTS = np.random.default_rng(3).bytes(200_000)


ASKED: list[str] = []


class Server(BaseHTTPRequestHandler):
    """Serves WEIGHTS; ``/cut`` breaks off half way, ``/plain`` knows no ranges."""

    def do_GET(self) -> None:
        wanted = self.headers.get("Range", "")
        ASKED.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.path != "/plain" else 0
        body = WEIGHTS[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.path == "/cut" else body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


@pytest.fixture
def address() -> Iterator[str]:
    ASKED.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def model(address: str, sha384: str = "") -> ModelDescription:
    """A model of one file; the address of a test is no https one."""
    digest = sha384 or hashlib.sha384(WEIGHTS).hexdigest()
    file = ModelFile.model_construct(name="w.onnx", sha384=digest, size_bytes=len(WEIGHTS), address=address)
    return describe("yolox-nano").model_copy(update={"files": (file,)})


def test_a_model_is_pulled_with_progress_and_only_once(tmp_path: Path, address: str) -> None:
    told: list[tuple[str, int, int]] = []
    pull(model(f"{address}/w"), tmp_path, lambda *step: told.append(step))
    assert (tmp_path / "w.onnx").read_bytes() == WEIGHTS
    assert told[-1] == ("w.onnx", len(WEIGHTS), len(WEIGHTS))
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    pull(model(f"{address}/w"), tmp_path, lambda *step: told.append(step))
    assert ASKED == [""]


@pytest.mark.parametrize(("path", "status"), [("w", "resumed"), ("plain", "anew")])
def test_a_broken_pull_goes_on_where_it_broke(tmp_path: Path, address: str, path: str, status: str) -> None:
    with pytest.raises(PullFailed, match="try again"):
        pull(model(f"{address}/cut"), tmp_path, lambda *_: None)
    assert check_file(tmp_path, model(address).files[0]) is FileState.PARTIAL
    have = (tmp_path / "w.onnx.part").stat().st_size
    assert 0 < have < len(WEIGHTS)
    pull(model(f"{address}/{path}"), tmp_path, lambda *_: None)
    assert ASKED[-1] == f"bytes={have}-"
    assert (tmp_path / "w.onnx").read_bytes() == WEIGHTS, status


def test_a_wrong_checksum_is_refused_and_the_file_thrown_away(tmp_path: Path, address: str) -> None:
    with pytest.raises(PullFailed, match="not the publisher's"):
        pull(model(f"{address}/w", "0" * 96), tmp_path, lambda *_: None)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "w.onnx").write_bytes(WEIGHTS + b"x")
    assert check_file(tmp_path, model(address).files[0]) is FileState.WRONG


def test_without_an_address_or_a_server_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(PullFailed, match="no address"):
        pull(model(""), tmp_path, lambda *_: None)
    with pytest.raises(PullFailed, match=r"127\.0\.0\.1"):
        pull(model("http://127.0.0.1:9/w"), tmp_path, lambda *_: None)


def test_the_projects_own_descriptions_are_whole() -> None:
    known = {item.name: item for item in descriptions()}
    assert {"own", "omz-2003", "omz-2004", "yolox-nano"} <= set(known)
    for item in known.values():
        assert Label.PERSON in item.classes
        assert item.licence == "Apache-2.0"
    assert len(known["yolox-nano"].classes) == 80
    assert all(file.address.startswith("https://") for name in ("omz-2003", "yolox-nano") for file in known[name].files)


def test_a_folder_may_describe_more_and_faults_are_named(tmp_path: Path) -> None:
    text = (
        "name: dfine-s\ntitle: D-FINE-S, COCO\npublisher: a lab\nlicence: Apache-2.0\nruntime: onnxruntime\n"
        "input: {fit: square, width_px: 640, colours: rgb, scale: [255, 255, 255]}\n"
        "output: {family: detr, boxes: pred_boxes, scores: logits, squash: sigmoid}\nlabels: coco80\n"
    )
    (tmp_path / "dfine-s.yaml").write_text(text, "utf-8")
    assert describe("dfine-s", tmp_path).output.family == "detr"
    assert "dfine-s" in {item.name for item in descriptions(tmp_path)}
    (tmp_path / "other.yaml").write_text(text, "utf-8")
    with pytest.raises(BadInput, match="is not the file's name"):
        describe("other", tmp_path)
    (tmp_path / "dfine-s.yaml").write_text(text.replace("detr", "oracle") + "extra: 1\n", "utf-8")
    with pytest.raises(BadInput, match="2 fault"):
        describe("dfine-s", tmp_path)
    with pytest.raises(BadInput, match="no description"):
        describe("../own", tmp_path)


class Answers:
    """A network that says the same whatever it is shown."""

    def __init__(self, tensors: dict[str, Floats32]) -> None:
        self.tensors = tensors
        self.shown: list[tuple[int, ...]] = []

    def run(self, batch: Floats32) -> dict[str, Floats32]:
        self.shown.append(batch.shape)
        return self.tensors


DETR = ModelDescription(
    name="d",
    title="d",
    publisher="d",
    licence="MIT",
    runtime="onnxruntime",
    input=ModelInput(fit="square", width_px=320, colours="rgb", brighten=False),
    output=ModelOutput(family="detr", boxes="pred_boxes", scores="logits", squash="sigmoid"),
    labels=(Label.PERSON, None, Label.VEHICLE),
)


def test_a_transformers_queries_become_detections() -> None:
    boxes = np.array([[[0.5, 0.5, 0.2, 0.4], [0.25, 0.25, 0.1, 0.1]]], dtype=np.float32)
    logits = np.array([[[3.0, -9.0, -9.0], [-9.0, 9.0, -9.0]]], dtype=np.float32)
    network = Answers({"pred_boxes": boxes, "logits": logits})
    (found,) = NetworkDetector(DETR, network, Selection(score_min=0.3, overlap_max=0.5)).detect(noise_image())
    assert network.shown == [(1, 3, 320, 320)]
    assert found.label is Label.PERSON
    assert (found.box.x0_px, found.box.y0_px, found.box.x1_px, found.box.y1_px) == pytest.approx((256.0, 144.0, 384.0, 336.0))
    assert found.score == pytest.approx(1.0 / (1.0 + np.exp(-3.0)), abs=1e-5)


def test_a_softmaxs_last_class_is_nothing() -> None:
    output = DETR.output.model_copy(update={"squash": "softmax"})
    tensors = {
        "pred_boxes": np.zeros((1, 2, 4), dtype=np.float32),
        "logits": np.array([[[5.0, 0, 0, 0], [0, 0, 0, 5.0]]], dtype=np.float32),
    }
    _, scores = decode(tensors, output, size_px=(10, 10), classes=3)
    assert scores[0, 0] > 0.95
    assert scores[1].max() < 0.02


def test_a_finished_list_and_raw_scores_are_read() -> None:
    listed = ModelOutput(family="listed", boxes="boxes", labels="labels")
    tensors = {"boxes": np.array([[1, 2, 3, 4, 0.81]], dtype=np.float32), "labels": np.array([2], dtype=np.float32)}
    boxes, scores = decode(tensors, listed, size_px=(10, 10), classes=3)
    np.testing.assert_allclose(boxes, [[1, 2, 3, 4]])
    np.testing.assert_allclose(scores, [[0, 0, 0.81]], rtol=1e-6)
    plain = ModelOutput(family="plain", boxes="boxes", scores="scores", score_power=0.5)
    tensors = {"boxes": boxes, "scores": np.array([[0.25, 0, 0.04]], dtype=np.float32)}
    np.testing.assert_allclose(decode(tensors, plain, size_px=(10, 10), classes=3)[1], [[0.5, 0, 0.2]], rtol=1e-6)
    with pytest.raises(DetectorFailed, match="family plain"):
        decode({"boxes": boxes}, plain, size_px=(10, 10), classes=3)
    with pytest.raises(DetectorFailed, match="classes"):
        decode(tensors, plain.model_copy(update={"family": "detr"}), size_px=(10, 10), classes=4)


def test_overlapping_boxes_vote_and_others_have_no_say() -> None:
    boxes = np.array([[100, 100, 140, 200], [104, 100, 144, 200], [108, 150, 300, 400]], dtype=np.float32)
    tensors = {"boxes": boxes, "scores": np.array([[0.8, 0, 0], [0.8, 0, 0], [0, 0, 0.7]], dtype=np.float32)}
    output = ModelOutput(family="plain", boxes="boxes", scores="scores", vote_from=0.6)
    described = DETR.model_copy(update={"output": output, "input": ModelInput(width_px=640, brighten=False)})
    found = NetworkDetector(described, Answers(tensors), Selection(score_min=0.3, overlap_max=0.5)).detect(noise_image())
    assert [round(item.box.x0_px) for item in found] == [102, 108]
    assert found[0].box.width_px == pytest.approx(40.0)


def test_inputs_keep_the_pictures_shape_and_area() -> None:
    assert input_size(640, 480, 640, 32) == (640, 480)
    assert input_size(480, 360, 640, 32) == (640, 480)
    width, height = input_size(1920, 1080, 640, 32)
    assert (width % 32, height % 32) == (0, 0)
    assert abs(width * height / (640 * 480) - 1.0) < 0.1
    assert abs(width / height / (16 / 9) - 1.0) < 0.1
    tall = fit(noise_image(size=(100, 200)), ModelInput(fit="letterbox", width_px=64, brighten=False))
    assert tall.batch.shape == (1, 3, 64, 64)
    assert float(tall.batch[0, :, :, 40:].max()) == 114.0
    np.testing.assert_allclose(tall.to_picture, 200 / 64)


def test_colours_mean_and_scale_are_as_described() -> None:
    pixels = np.zeros((64, 64, 3), dtype=np.uint8)
    pixels[..., 2] = 200
    image = Image(stamp_ns=0, frame_id=FRAME, encoding="bgr8", pixels=pixels)
    wanted = ModelInput(fit="square", width_px=64, colours="rgb", mean=(100.0, 0.0, 0.0), scale=(50.0, 1.0, 1.0))
    assert fit(image, wanted).batch[0, :, 5, 5].tolist() == [2.0, 0.0, 0.0]


def test_only_dark_pictures_are_amplified() -> None:
    lit = np.asarray(noise_image().pixels, dtype=np.uint8)
    assert brightened(lit) is lit
    dark = (lit * 0.06).astype(np.uint8)
    assert 150 < np.percentile(brightened(dark), 99) < 215
    assert brightened(np.zeros_like(lit)).max() == 0
