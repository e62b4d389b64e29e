# SPDX-License-Identifier: Apache-2.0
"""Detectors: decoding, choosing, and refusing."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from pydantic import ValidationError

from patrol.percepts import Label
from patrol.sensors import Image
from perception.detector import Detector, DetectorConfig, open_detector
from perception.detectors.anchors import decode_anchors
from perception.detectors.cells import decode_grid
from perception.detectors.onnx_model import OnnxModel
from perception.detectors.picking import Selection, pick
from perception.detectors.store import MODELS_VARIABLE
from perception.errors import DetectorFailed, ModelMissing
from tests.perception.build import FRAME, data, noise_image

SELECTION = Selection(score_min=0.3, overlap_max=0.5)
LABELS = (Label.PERSON, None, Label.VEHICLE)


def test_grid_cells_decode_to_centres_and_sizes() -> None:
    rows = np.zeros((16 + 4 + 1, 4), dtype=np.float32)
    rows[5] = (0.5, 0.5, np.log(2.0), np.log(4.0))
    boxes = decode_grid(rows, 32, 32)
    np.testing.assert_allclose(boxes[5], [12.0 - 8.0, 12.0 - 16.0, 12.0 + 8.0, 12.0 + 16.0], rtol=1e-6)
    np.testing.assert_allclose(boxes[-1], [-16.0, -16.0, 16.0, 16.0])
    with pytest.raises(ValueError, match="cells"):
        decode_grid(rows[:-1], 32, 32)


def test_anchors_decode_by_level_anchor_and_class() -> None:
    outputs = {}
    for level in range(5):
        size = 16 // 2**level
        for name, channels in (("cls", 9), ("ctr", 3), ("box", 12)):
            outputs[f"{name}{level}"] = np.full((1, channels, size, size), 0.0 if name == "box" else -20.0, dtype=np.float32)
    outputs["cls1"][0, 3 * 1 + 2, 3, 2] = outputs["ctr1"][0, 1, 3, 2] = 20.0
    boxes, scores = decode_anchors(outputs)
    best = np.unravel_index(scores.argmax(), scores.shape)
    assert best[1] == 2
    assert scores[best] == pytest.approx(1.0)
    np.testing.assert_allclose(boxes[best[0]], [32 - 64, 48 - 64, 32 + 64, 48 + 64])


def test_picking_cuts_drops_and_sorts() -> None:
    boxes = np.array(
        [[-10, 0, 50, 100], [0, 0, 52, 100], [200, 0, 260, 90], [300, 0, 360, 90], [5, 5, 5.2, 50]], dtype=np.float32
    )
    scores = np.array([[0.6, 0, 0], [0.9, 0, 0.2], [0.1, 0.95, 0.5], [0.2, 0, 0.1], [0.8, 0, 0]], dtype=np.float32)
    found = pick(noise_image(7), LABELS, SELECTION, boxes=boxes, scores=scores)
    assert [(item.label, round(item.score, 2)) for item in found] == [(Label.PERSON, 0.9), (Label.VEHICLE, 0.5)]
    assert (found[0].stamp_ns, found[0].frame_id, found[0].source) == (7, FRAME, "camera")


def test_the_own_detector_works_from_the_first_start() -> None:
    detector = open_detector(DetectorConfig())
    empty = Image(stamp_ns=0, frame_id=FRAME, encoding="bgr8", pixels=np.full((480, 640, 3), 120, dtype=np.uint8))
    assert [item for item in detector.detect(empty) if item.score > 0.4] == []
    grey = Image(stamp_ns=0, frame_id=FRAME, encoding="mono8", pixels=np.full((480, 640), 120, dtype=np.uint8))
    assert len(detector.detect(grey)) == len(detector.detect(empty))


@pytest.mark.parametrize("name", ["intruder_day.jpg", "intruder_night.jpg"])
def test_the_own_detector_finds_a_person_in_a_rendering(name: str) -> None:
    pixels = cv2.imread(str(Path(__file__).parent / "pictures" / name))
    assert pixels is not None
    image = Image(stamp_ns=0, frame_id=FRAME, encoding="bgr8", pixels=np.asarray(pixels, dtype=np.uint8))
    found = [item for item in open_detector(DetectorConfig()).detect(image) if item.score > 0.5]
    assert [item.label for item in found] == [Label.PERSON]


def test_a_thermal_picture_is_refused_not_called_empty() -> None:
    thermal = Image(stamp_ns=0, frame_id=FRAME, encoding="mono16", pixels=np.full((120, 160), 29000, dtype=np.uint16))
    with pytest.raises(DetectorFailed, match="mono16"):
        open_detector(DetectorConfig()).detect(thermal)


def test_missing_and_broken_models_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path))
    with pytest.raises(ModelMissing, match=r"yolox_nano\.onnx: no such file.*patrol models pull yolox-nano"):
        open_detector(DetectorConfig(detector="yolox-nano"))
    (tmp_path / "yolox_nano.onnx").write_bytes(b"not a network")
    with pytest.raises(ModelMissing, match="yolox_nano"):
        open_detector(DetectorConfig(detector="yolox-nano"))
    (tmp_path / "person-vehicle-bike-detection-2003.xml").write_text("<net/>", "ascii")
    with pytest.raises(ModelMissing, match=r"2003\.bin: no such file"):
        open_detector(DetectorConfig(detector="omz-2003"))
    (tmp_path / "broken.onnx").write_bytes(b"not a network")
    with pytest.raises(ModelMissing, match="broken"):
        OnnxModel(tmp_path / "broken.onnx")
    with pytest.raises(ValidationError, match=r"there are .*own.*oracle"):
        DetectorConfig(detector="oracle")
    with pytest.raises(ValidationError, match="detector"):
        DetectorConfig.model_validate({"detector": "../oracle"})


@pytest.mark.parametrize(("kind", "recall"), [("omz-2003", 0.8), ("omz-2004", 0.8), ("omz-2004-onnx", 0.8), ("yolox-nano", 0.6)])
def test_public_detectors_find_pedestrians_of_a_real_video(kind: str, recall: float) -> None:
    """TUD-Stadtmitte, every 30th picture: the share of labelled people under a box of IoU 0.5."""
    detector = open_detector(DetectorConfig.model_validate({"detector": kind, "models": data("perception", "models")}))
    folder = data("perception", "TUD-Stadtmitte")
    truth = np.loadtxt(folder / "gt.txt", delimiter=",")
    found = [_recall(detector, folder, truth, number) for number in range(1, 179, 30)]
    assert float(np.mean(found)) >= recall


def _recall(detector: Detector, folder: Path, truth: np.ndarray[tuple[int, ...], np.dtype[np.float64]], number: int) -> float:
    video = cv2.VideoCapture(str(folder / "TUD-Stadtmitte.mp4"))
    video.set(cv2.CAP_PROP_POS_FRAMES, number - 1)
    pixels = np.asarray(video.read()[1], dtype=np.uint8)
    image = Image(stamp_ns=number, frame_id=FRAME, encoding="bgr8", pixels=pixels)
    people = [item.box for item in detector.detect(image) if item.label is Label.PERSON and item.score > 0.25]
    rows = truth[(truth[:, 0] == number) & (truth[:, 6] > 0)][:, 2:6]
    hits = 0
    for x, y, width, height in rows.tolist():
        overlaps = [
            max(0.0, min(b.x1_px, x + width) - max(b.x0_px, x)) * max(0.0, min(b.y1_px, y + height) - max(b.y0_px, y))
            for b in people
        ]
        unions = [b.width_px * b.height_px + width * height - shared for b, shared in zip(people, overlaps, strict=True)]
        hits += any(shared / union >= 0.5 for shared, union in zip(overlaps, unions, strict=True))
    return hits / len(rows)
