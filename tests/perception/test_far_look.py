# SPDX-License-Identifier: Apache-2.0
"""The second look at what is far: where it looks, and what becomes of what the two looks say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from patrol.checks import Floats32
from patrol.percepts import Box, Detection, Label
from patrol.sensors import Image
from perception.detectors.description import ModelInput, ModelOutput, describe
from perception.detectors.far_look import FarLook, joined, strip_of
from perception.detectors.network_detector import OWN, NetworkDetector
from perception.detectors.picking import Selection

FAR = FarLook(rows=0.25, scale=1.5, height_max=0.15, sure=0.7, alone=0.8)


def picture(width_px: int = 640, height_px: int = 480) -> Image:
    rows = np.repeat(np.arange(height_px, dtype=np.uint16) % 256, width_px * 3).astype(np.uint8)
    return Image(stamp_ns=5, frame_id="camera_optical_frame", encoding="bgr8", pixels=rows.reshape(height_px, width_px, 3))


def seen(box: tuple[float, float, float, float], score: float, label: Label = Label.PERSON) -> Detection:
    x0, y0, x1, y1 = box
    rectangle = Box(x0_px=x0, y0_px=y0, x1_px=x1, y1_px=y1)
    return Detection(stamp_ns=5, frame_id="camera_optical_frame", source="camera", label=label, score=score, box=rectangle)


def both(whole: Sequence[Detection], closer: Sequence[Detection]) -> list[tuple[Label, float, tuple[float, ...]]]:
    found = joined(whole, closer, FAR, strip_of(picture(), FAR, 640), overlap_max=0.45, score_min=0.1)
    boxes = [(item.box.x0_px, item.box.y0_px, item.box.x1_px, item.box.y1_px) for item in found]
    return [
        (item.label, round(item.score, 6), tuple(round(value, 6) for value in box))
        for item, box in zip(found, boxes, strict=True)
    ]


@pytest.mark.parametrize("height_px", [480, 481, 7])
def test_the_strip_is_the_middle_of_the_picture(height_px: int) -> None:
    image = picture(height_px=height_px)
    part, rows, _, _ = strip_of(image, FAR, 640)
    np.testing.assert_array_equal(part.pixels, image.pixels[rows.start : rows.stop])
    assert abs((rows.start + rows.stop) - height_px) <= 1
    assert part.height_px == len(rows) == max(round(0.25 * height_px), 1)


def test_what_both_looks_see_is_one_thing_between_them() -> None:
    whole, closer = seen((100.0, 220.0, 120.0, 260.0), 0.4), seen((102.0, 40.0, 122.0, 80.0), 0.8)
    ((label, score, box),) = both([whole], [closer])
    assert label is Label.PERSON
    assert score == pytest.approx(0.7 * 0.8 + 0.3 * 0.4)
    assert box == pytest.approx((100.0 + 2.0 * 0.8, 220.0, 120.0 + 2.0 * 0.8, 260.0))


def test_what_one_look_sees_is_believed_less_and_never_lost() -> None:
    whole, closer = seen((100.0, 220.0, 120.0, 260.0), 0.11), seen((300.0, 40.0, 315.0, 70.0), 0.5)
    assert both([whole], [closer]) == [
        (Label.PERSON, 0.8 * 0.5, (300.0, 220.0, 315.0, 250.0)),
        (Label.PERSON, 0.1, (100.0, 220.0, 120.0, 260.0)),
    ]


@pytest.mark.parametrize("box", [(100.0, 120.0, 140.0, 240.0), (100.0, 200.0, 140.0, 290.0), (100.0, 170.0, 115.0, 200.0)])
def test_of_what_is_large_or_reaches_out_of_the_strip_the_first_look_alone_tells(box: tuple[float, float, float, float]) -> None:
    x0, y0, x1, y1 = box
    within = (x0, max(y0 - 180.0, 2.0), x1, min(y1 - 180.0, 118.0))
    assert both([seen(box, 0.4)], [seen(within, 0.9)])[-1] == (Label.PERSON, 0.4, box)


@pytest.mark.parametrize("box", [(5.0, 0.5, 20.0, 30.0), (5.0, 90.0, 20.0, 119.5), (5.0, 10.0, 40.0, 100.0)])
def test_what_the_strip_cuts_off_or_is_large_is_not_taken_from_it(box: tuple[float, float, float, float]) -> None:
    assert both([], [seen(box, 0.9)]) == []


def test_a_faint_box_beside_two_things_joins_one_and_leaves_the_other() -> None:
    sure, other = seen((515.0, 67.0, 531.0, 106.0), 0.8), seen((503.0, 72.0, 522.0, 99.0), 0.3)
    faint = seen((501.0, 248.0, 531.0, 281.0), 0.2)
    scores = sorted(score for _, score, _ in both([faint], [sure, other]))
    assert scores == pytest.approx([0.8 * 0.3, 0.7 * 0.8 + 0.3 * 0.2])


def test_kinds_are_not_joined() -> None:
    box, again = (100.0, 220.0, 120.0, 250.0), (100.0, 40.0, 120.0, 70.0)
    found = both([seen(box, 0.5, Label.ANIMAL)], [seen(again, 0.6)])
    assert [(label, score) for label, score, _ in found] == [(Label.PERSON, 0.48), (Label.ANIMAL, 0.4)]


class Looks:
    """A network that says something else each time: lists of boxes with scores (N, 5), all of people."""

    def __init__(self, *answers: list[tuple[float, ...]]) -> None:
        self._answers = iter(answers)
        self.shown_px: list[tuple[int, ...]] = []

    def run(self, batch: Floats32) -> dict[str, Floats32]:
        self.shown_px.append(batch.shape[:1:-1])
        boxes = np.array(next(self._answers), dtype=np.float32).reshape(-1, 5)
        return {"boxes": boxes, "labels": np.zeros(len(boxes), dtype=np.float32)}


DESCRIBED = describe(OWN).model_copy(
    update={
        "input": ModelInput(width_px=640, brighten=False, far=FAR),
        "output": ModelOutput(family="listed", boxes="boxes", labels="labels"),
    }
)


@pytest.mark.parametrize(
    ("size_px", "shown_px"), [((640, 480), (960, 192)), ((1280, 960), (960, 192)), ((1280, 720), (1120, 160))]
)
def test_the_strip_is_shown_larger_and_its_boxes_come_back(size_px: tuple[int, int], shown_px: tuple[int, int]) -> None:
    x_px, y_px = shown_px[0] / 2, shown_px[1] / 2
    network = Looks([], [(x_px - 20.0, y_px - 30.0, x_px + 20.0, y_px + 30.0, 0.9)])
    (found,) = NetworkDetector(DESCRIBED, network, Selection(score_min=0.1, overlap_max=0.5)).detect(picture(*size_px))
    assert network.shown_px[1] == shown_px
    assert found.box.x0_px + found.box.x1_px == pytest.approx(size_px[0])
    assert found.box.y0_px + found.box.y1_px == pytest.approx(size_px[1], abs=1.0)
    assert found.box.width_px == pytest.approx(40.0 * size_px[0] / shown_px[0], rel=1e-3)
    assert found.score == pytest.approx(0.72)


def test_only_a_stretched_picture_can_be_looked_at_in_parts() -> None:
    with pytest.raises(ValueError, match="far: only"):
        ModelInput(width_px=640, fit="letterbox", far=FAR)
