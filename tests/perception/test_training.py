# SPDX-License-Identifier: Apache-2.0
"""Training's own parts that need no torch: labels, crops, targets, and the score that is reported."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from patrol.errors import BadInput
from patrol.percepts import Box, Detection, Label
from patrol.sensors import Image
from perception.detectors.description import describe
from perception.training.architecture import OUTPUTS, STRIDES_PX, network
from perception.training.augment import CROP_PX, WHOLE_PX, Crop, Size, random_crop
from perception.training.evaluate import Judged, average_precision, judge, measure, mistakes
from perception.training.labelled import read_folder
from perception.training.targets import assign, cell_centres
from tests.perception.build import detection


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One picture with a bright person, a hidden one, and a thing of no class."""
    pixels = np.full((480, 640, 3), 40, dtype=np.uint8)
    pixels[200:300, 300:340] = 250
    cv2.imwrite(str(tmp_path / "a.png"), pixels)
    boxes = [
        {"label": "person", "box": [300, 200, 340, 300], "visible": 1.0, "pixels": 4000},
        {"label": "person", "box": [100, 200, 120, 260], "visible": 0.1, "pixels": 10},
        {"label": "object", "box": [10, 10, 60, 60], "visible": 1.0, "pixels": 100},
    ]
    (tmp_path / "labels.json").write_text(json.dumps({"images": [{"file": "a.png", "world": "depot", "boxes": boxes}]}))
    return tmp_path


def test_labels_are_read_and_hidden_things_do_not_count(folder: Path) -> None:
    (picture,) = read_folder(folder)
    assert picture.boxes.shape == (2, 4)
    assert picture.counted.tolist() == [True, False]
    assert picture.read().shape == (480, 640, 3)
    (folder / "labels.json").write_text('{"images": [{"boxes": []}]}')
    with pytest.raises(BadInput, match="file"):
        read_folder(folder)


@pytest.mark.parametrize("size_px", [CROP_PX, WHOLE_PX])
def test_crops_keep_boxes_on_their_things(folder: Path, size_px: Size) -> None:
    (picture,) = read_folder(folder)
    contrasts = []
    for seed in range(30):
        crop = random_crop(picture, picture, np.random.default_rng(seed), size_px)
        assert crop.size_px == size_px
        assert crop.pixels.shape == (size_px[1], size_px[0], 3)
        assert (crop.boxes >= 0.0).all()
        for x0, y0, x1, y1 in crop.boxes[crop.counted].astype(int).tolist():
            middle = crop.pixels[(y0 + y1) // 2, (x0 + x1) // 2].mean()
            contrasts.append(middle > np.median(crop.pixels))
    assert len(contrasts) > 20
    assert np.mean(contrasts) > 0.9


def test_whole_pictures_show_near_things_as_large_as_the_camera_does(folder: Path) -> None:
    labels = json.loads((folder / "labels.json").read_text())
    labels["images"][0]["boxes"] = [{"label": "person", "box": [200, 0, 440, 480], "visible": 1.0, "pixels": 60000}]
    (folder / "labels.json").write_text(json.dumps(labels))
    (picture,) = read_folder(folder)
    heights = {
        size_px: [
            float((crop.boxes[:, 3] - crop.boxes[:, 1]).max(initial=0.0))
            for crop in (random_crop(picture, picture, np.random.default_rng(seed), size_px) for seed in range(20))
        ]
        for size_px in (CROP_PX, WHOLE_PX)
    }
    assert max(heights[CROP_PX]) <= CROP_PX[1]
    assert np.median(heights[WHOLE_PX]) > 380


def test_plain_examples_are_made_of_the_cameras_own_pixels(folder: Path) -> None:
    (picture,) = read_folder(folder)

    def sharp(*, plain: bool) -> int:
        crops = [random_crop(picture, picture, np.random.default_rng(seed), WHOLE_PX, plain=plain) for seed in range(20)]
        return sum(len(np.unique(crop.pixels[:, :, 0])) <= 3 for crop in crops)

    assert sharp(plain=True) >= 12 > sharp(plain=False) >= 3


def test_low_things_are_shown_more_often_than_high_ones(folder: Path) -> None:
    labels = json.loads((folder / "labels.json").read_text())
    boxes = [[60, 300, 70, 320], [500, 60, 620, 460]]
    labels["images"][0]["boxes"] = [{"label": "person", "box": box, "visible": 1.0} for box in boxes]
    (folder / "labels.json").write_text(json.dumps(labels))
    (picture,) = read_folder(folder)
    crops = [random_crop(picture, picture, np.random.default_rng(seed), plain=True) for seed in range(80)]
    low = sum(bool((crop.counted & (crop.boxes[:, 3] - crop.boxes[:, 1] < 40.0)).any()) for crop in crops)
    high = sum(bool((crop.counted & (crop.boxes[:, 3] - crop.boxes[:, 1] > 100.0)).any()) for crop in crops)
    assert low > 1.5 * high > 0


def test_a_dark_picture_is_brightened_as_the_detector_does_it(folder: Path) -> None:
    picture = cv2.imread(str(folder / "a.png"))
    assert picture is not None
    cv2.imwrite(str(folder / "a.png"), picture // 8)
    (dark,) = read_folder(folder)
    crops = [random_crop(dark, dark, np.random.default_rng(seed), WHOLE_PX) for seed in range(6)]
    assert min(float(np.percentile(crop.pixels, 99.9)) for crop in crops) > 96.0
    assert describe("own").input.brighten


def test_every_counted_thing_gets_cells_and_hidden_ones_are_not_asked_for() -> None:
    sizes = np.array(
        [[100.0, 60.0, 106.0, 78.0], [20.0, 20.0, 60.0, 120.0], [100.0, 5.0, 300.0, 250.0], [200.0, 60.0, 220.0, 90.0]]
    )
    crop = Crop(
        pixels=np.zeros((CROP_PX[1], CROP_PX[0], 3), dtype=np.uint8),
        boxes=sizes,
        classes=np.array([0, 0, 1, 2]),
        counted=np.array([True, True, True, False]),
    )
    centres, strides = cell_centres(crop.size_px)
    targets = assign(crop, centres, strides)
    for index in range(3):
        own = (targets.boxes == sizes[index].astype(np.float32)).all(axis=1) & (targets.classes >= 0)
        assert own.sum() >= 2
        assert (targets.classes[own] == crop.classes[index]).all()
    assert set(strides[(targets.boxes == sizes[0].astype(np.float32)).all(axis=1)]) == {8.0}
    assert (targets.classes == -2).sum() > 0
    assert 2 not in targets.classes


def test_the_table_of_layers_fits_together() -> None:
    channels = {"image": 3}
    for layer in network():
        assert all(channels[name] == layer.channels_in for name in layer.inputs) or layer.op == "add"
        if layer.op == "add":
            assert {channels[name] for name in layer.inputs} == {layer.channels}
        channels[layer.name] = layer.channels
    assert all(channels[f"head{stride}"] == OUTPUTS for stride in STRIDES_PX)


def test_average_precision_of_known_rankings() -> None:
    perfect = Judged(scores=np.array([0.9, 0.8]), right=np.array([True, True]), wanted=2)
    half = Judged(scores=np.array([0.9, 0.8]), right=np.array([False, True]), wanted=2)
    assert average_precision([perfect]) == pytest.approx(1.0)
    assert average_precision([half]) == pytest.approx(0.25)
    assert math.isnan(average_precision([Judged(scores=np.zeros(0), right=np.zeros(0, dtype=np.bool_), wanted=0)]))


def test_a_second_box_on_one_thing_is_wrong_and_one_on_a_hidden_thing_is_left_out() -> None:
    truth = np.array([[0.0, 0.0, 10.0, 20.0], [50.0, 0.0, 60.0, 20.0]])
    boxes = np.array([[0.0, 0.0, 10.0, 20.0], [0.0, 0.0, 10.0, 19.0], [50.0, 0.0, 60.0, 20.0]])
    judged = judge(np.array([0.9, 0.8, 0.7]), boxes, truth, np.array([True, False]))
    assert judged.right.tolist() == [True, False]
    assert judged.wanted == 1


@dataclass(frozen=True)
class Says:
    """A detector that always finds a person in the same box."""

    box: Box
    score: float = 0.9

    def detect(self, image: Image) -> tuple[Detection, ...]:
        return (detection(self.box, image.stamp_ns, label=Label.PERSON, score=self.score),)


THERE = Box(x0_px=301.0, y0_px=202.0, x1_px=340.0, y1_px=300.0)
NOWHERE = Box(x0_px=500.0, y0_px=20.0, x1_px=540.0, y1_px=120.0)
ON_THE_HIDDEN_ONE = Box(x0_px=100.0, y0_px=200.0, x1_px=120.0, y1_px=258.0)


def test_measuring_a_detector_on_a_folder(folder: Path) -> None:
    scores = measure(Says(THERE), read_folder(folder))
    assert scores["person"] == pytest.approx(1.0)
    assert math.isnan(scores["vehicle"])
    assert math.isnan(measure(Says(THERE), read_folder(folder), height_min_px=150.0)["person"])


def test_mistakes_are_what_is_overlooked_and_what_is_not_there(folder: Path) -> None:
    (picture,) = read_folder(folder)
    person, false = picture.boxes[:1], np.array([[500.0, 20.0, 540.0, 120.0]])
    assert len(mistakes(Says(THERE), picture, score_min=0.3)) == 0
    np.testing.assert_array_equal(mistakes(Says(THERE, score=0.2), picture, score_min=0.3), person)
    np.testing.assert_array_equal(mistakes(Says(ON_THE_HIDDEN_ONE), picture, score_min=0.3), person)
    np.testing.assert_array_equal(mistakes(Says(NOWHERE), picture, score_min=0.3), np.concatenate([false, person]))


def test_windows_go_where_a_detector_went_wrong(folder: Path) -> None:
    pixels = np.full((480, 640, 3), 40, dtype=np.uint8)
    pixels[20:60, 580:620] = (0, 0, 250)
    cv2.imwrite(str(folder / "a.png"), pixels)
    (picture,) = read_folder(folder)

    def shown(hard: list[list[float]]) -> int:
        marked = replace(picture, hard=np.array(hard).reshape(-1, 4))
        crops = [random_crop(marked, marked, np.random.default_rng(seed), plain=True) for seed in range(60)]
        reds = [crop.pixels[:, :, 2].astype(int) - crop.pixels[:, :, 0] for crop in crops]
        return sum(bool((red > 80).any()) for red in reds)

    assert shown([[580, 20, 620, 60]]) > 20 + shown([])
