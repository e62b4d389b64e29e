# SPDX-License-Identifier: Apache-2.0
"""Nobody leaves the robot unmasked; whatever is not known to be safe is covered."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.clock import nanoseconds
from patrol.estimate import PoseEstimate
from patrol.geometry import Pose2, Pose3
from patrol.percepts import Box, Label, TrackState
from patrol.sensors import Image
from patrol.site import PrivacyArea
from perception.anonymiser import Anonymiser, AnonymiserConfig, Looked, SafePicture
from perception.cover import cover_card
from perception.errors import MaskingFailed
from perception.masking import Method, mask_regions, require_masked
from perception.privacy import PrivacyConfig, PrivacyProjector
from perception.regions import RegionsConfig, body_regions
from tests.perception.build import CAMERA, FRAME, detection, estimate, noise_image, same_pixels, square, track

PERSON = Box(x0_px=300.0, y0_px=200.0, x1_px=340.0, y1_px=310.0)
METHODS: tuple[Method, ...] = ("pixelate", "blur", "silhouette", "figure")
WINDOWS = PrivacyArea(privacy_id="flat", name="Flat", outline=square(8.0, -2.0, 4.0), height_m=3.0)
PICTURE = noise_image(nanoseconds(1.0))


def looked(*boxes: Box, stamp_ns: int = nanoseconds(1.0)) -> Looked:
    return Looked(stamp_ns=stamp_ns, detections=tuple(detection(box, stamp_ns) for box in boxes), tracks=())


def inside(box: Box) -> tuple[slice, slice]:
    return slice(int(box.y0_px), int(box.y1_px)), slice(int(box.x0_px), int(box.x1_px))


@st.composite
def person_boxes(draw: st.DrawFn) -> Box:
    x, y = draw(st.floats(-20.0, 630.0)), draw(st.floats(-20.0, 470.0))
    width, height = draw(st.floats(4.0, 200.0)), draw(st.floats(8.0, 470.0))
    return Box(x0_px=x, y0_px=y, x1_px=max(x + width, 1.0), y1_px=max(y + height, 1.0))


@settings(max_examples=40, deadline=None)
@given(st.lists(person_boxes(), min_size=1, max_size=4), st.sampled_from(METHODS))
def test_every_detected_body_is_masked_and_the_rest_is_untouched(boxes: list[Box], method: Method) -> None:
    safe = Anonymiser(AnonymiserConfig(method=method), CAMERA).make_safe(PICTURE, looked(*boxes), None)
    assert safe.covered_because == ""
    regions = body_regions(looked(*boxes).detections, (), (640, 480), RegionsConfig())
    mask = np.zeros((480, 640), dtype=np.bool_)
    for x0, y0, x1, y1 in regions.tolist():
        mask[y0:y1, x0:x1] = True
    unchanged = same_pixels(PICTURE.pixels, safe.image.pixels)
    assert unchanged[~mask].all()
    for box in boxes:
        part = unchanged[inside(replace(box, x0_px=max(box.x0_px, 0.0), y0_px=max(box.y0_px, 0.0)))]
        assert part.size == 0 or part.mean() < 0.05


@pytest.mark.parametrize("method", METHODS)
def test_what_is_left_of_a_body_is_no_finer_than_a_block(method: Method) -> None:
    """The masked part is a function of the block averages alone: shuffling pixels within blocks changes nothing."""
    regions = np.array([[296, 192, 346, 312]])
    other = PICTURE.pixels.astype(np.uint8).copy()
    block = 10
    for top in range(192, 312, block):
        for left in range(296, 346, block):
            other[top : top + block, left : left + block] = other[top : top + block, left : left + block][::-1, ::-1]
    first = mask_regions(PICTURE.pixels.astype(np.uint8), regions, method)[192:312, 296:346]
    again = mask_regions(other, regions, method)[192:312, 296:346]
    assert np.abs(first.astype(int) - again.astype(int)).max() <= 1


@pytest.mark.parametrize("state", ["tentative", "confirmed", "coasting"])
def test_a_track_is_masked_even_when_the_detector_missed_the_person(state: TrackState) -> None:
    followed = replace(track(5.0, 0.0, nanoseconds(1.0), state=state), box=PERSON)
    seen = Looked(stamp_ns=nanoseconds(1.0), detections=(), tracks=(followed,))
    safe = Anonymiser(AnonymiserConfig(), CAMERA).make_safe(PICTURE, seen, None)
    assert same_pixels(PICTURE.pixels, safe.image.pixels)[inside(PERSON)].mean() < 0.05


def test_the_margin_of_an_unseen_track_grows() -> None:
    seen = replace(track(5.0, 0.0, nanoseconds(2.0)), box=PERSON)
    lost = replace(seen, state="coasting", last_seen_ns=nanoseconds(1.0))
    first, second = (body_regions((), (item,), (640, 480), RegionsConfig())[0] for item in (seen, lost))
    assert (second[:2] < first[:2]).all()
    assert (second[2:] > first[2:]).all()
    assert body_regions((), (replace(seen, state="ended"),), (640, 480), RegionsConfig()).shape == (0, 4)
    assert body_regions((detection(PERSON, label=Label.VEHICLE),), (), (640, 480), RegionsConfig()).shape == (0, 4)


def covers(safe: SafePicture, because: str) -> bool:
    """Whether the picture is a card that says why, and nothing of the scene."""
    card = cover_card(640, 480, safe.covered_because)
    return because in safe.covered_because and bool(np.array_equal(safe.image.pixels, card))


@pytest.mark.parametrize(
    ("image", "seen", "because"),
    [
        (PICTURE, None, "no answer"),
        (PICTURE, looked(stamp_ns=nanoseconds(0.5)), "late"),
        (noise_image(nanoseconds(1.0), size=(320, 240)), looked(), "another size"),
    ],
)
def test_what_is_not_known_to_be_safe_is_covered(image: Image, seen: Looked | None, because: str) -> None:
    safe = Anonymiser(AnonymiserConfig(), CAMERA).make_safe(image, seen, None)
    assert because in safe.covered_because
    assert np.array_equal(safe.image.pixels, cover_card(image.width_px, image.height_px, safe.covered_because))


def test_a_detector_that_only_suspects_many_people_covers_the_picture() -> None:
    faint = tuple(replace(detection(PERSON), stamp_ns=nanoseconds(1.0), score=0.11) for _ in range(41))
    anonymiser = Anonymiser(AnonymiserConfig(), CAMERA)
    unsure = Looked(stamp_ns=nanoseconds(1.0), detections=faint, tracks=())
    assert covers(anonymiser.make_safe(PICTURE, unsure, None), "suspects 41 people")
    assert anonymiser.make_safe(PICTURE, replace(unsure, detections=faint[:40]), None).covered_because == ""
    sure = tuple(replace(item, score=0.5) for item in faint)
    assert anonymiser.make_safe(PICTURE, replace(unsure, detections=sure), None).covered_because == ""


@pytest.mark.parametrize("method", ["silhouette", "figure"])
def test_a_drawn_person_tells_place_and_size_and_nothing_else(method: Method) -> None:
    """Two different people in two different pictures look the same once drawn; another place does not."""
    region, other = np.array([[296, 192, 346, 312]]), noise_image(nanoseconds(7.0)).pixels.astype(np.uint8)
    first, second = (mask_regions(pixels, region, method) for pixels in (PICTURE.pixels.astype(np.uint8), other))
    part = first[192:312, 296:346]
    assert np.array_equal(part, second[192:312, 296:346])
    assert len(np.unique(part.reshape(-1, 3), axis=0)) > 1, "somebody is drawn"


def test_a_fault_covers_whatever_else_holds_and_a_thermal_picture_is_never_shown() -> None:
    anonymiser = Anonymiser(AnonymiserConfig(), CAMERA)
    assert covers(anonymiser.make_safe(PICTURE, looked(), None, "the lens is dirty"), "the lens is dirty")
    thermal = Image(stamp_ns=PICTURE.stamp_ns, frame_id=FRAME, encoding="mono16", pixels=np.full((480, 640), 29000))
    assert covers(anonymiser.make_safe(thermal, looked(), None), "can not be masked")


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["none", "stale", "doubt", "endless error"]),
    st.lists(person_boxes(), max_size=2),
)
def test_without_a_sound_pose_private_areas_cover_everything(fault: str, boxes: list[Box]) -> None:
    poses: dict[str, PoseEstimate | None] = {
        "none": None,
        "stale": estimate(0),
        "doubt": estimate(nanoseconds(1.0), doubt="kidnapped"),
        "endless error": replace(estimate(nanoseconds(1.0)), covariance=np.full((3, 3), np.inf)),
    }
    anonymiser = Anonymiser(AnonymiserConfig(), CAMERA, (WINDOWS,))
    assert covers(anonymiser.make_safe(PICTURE, looked(*boxes), poses[fault]), "private areas")
    assert anonymiser.make_safe(PICTURE, looked(*boxes), estimate(nanoseconds(1.0))).covered_because == ""


def test_masking_that_changed_nothing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = PICTURE.pixels.astype(np.uint8)
    with pytest.raises(MaskingFailed, match=r"\(300, 200\)"):
        require_masked(pixels, pixels.copy(), np.array([[300, 200, 340, 310]]))
    flat = np.full_like(pixels, 80)
    require_masked(flat, flat.copy(), np.array([[300, 200, 340, 310]]))
    monkeypatch.setattr("perception.masking._METHODS", {"pixelate": lambda part: part})
    assert covers(Anonymiser(AnonymiserConfig(), CAMERA).make_safe(PICTURE, looked(PERSON), None), "masking failed")


@settings(max_examples=60, deadline=None)
@given(person_boxes(), st.integers(0, 479), st.integers(0, 639), st.sampled_from(METHODS))
def test_plain_scenes_with_sharp_edges_are_not_covered_by_mistake(box: Box, row: int, column: int, method: Method) -> None:
    pixels = np.full((480, 640, 3), 200, dtype=np.uint8)
    pixels[row:], pixels[:, column:] = 60, 110
    plain = Image(stamp_ns=PICTURE.stamp_ns, frame_id=FRAME, encoding="bgr8", pixels=pixels)
    assert Anonymiser(AnonymiserConfig(method=method), CAMERA).make_safe(plain, looked(box), None).covered_because == ""


@settings(max_examples=60, deadline=None)
@given(st.lists(person_boxes(), min_size=2, max_size=8), st.integers(0, 99), st.sampled_from(METHODS))
def test_crowds_in_a_real_looking_scene_are_not_covered_by_mistake(boxes: list[Box], seed: int, method: Method) -> None:
    coarse = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    pixels = np.asarray(cv2.resize(coarse, (640, 480), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    scene = Image(stamp_ns=PICTURE.stamp_ns, frame_id=FRAME, encoding="bgr8", pixels=pixels)
    assert Anonymiser(AnonymiserConfig(method=method), CAMERA).make_safe(scene, looked(*boxes), None).covered_because == ""


def test_where_regions_overlap_the_larger_blocks_stay() -> None:
    near, far = [100, 50, 250, 450], [140, 100, 170, 160]
    pixels = PICTURE.pixels.astype(np.uint8)
    alone = mask_regions(pixels, np.array([near]), "pixelate")
    for both in ([near, far], [far, near]):
        assert np.array_equal(mask_regions(pixels, np.array(both), "pixelate"), alone)


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0)),
    st.tuples(st.floats(-0.25, 0.25), st.floats(-0.25, 0.25), st.floats(-0.03, 0.03)),
    st.floats(-1.0, 1.0),
)
def test_a_private_point_stays_masked_wherever_the_robot_really_is(
    point: tuple[float, float, float], error: tuple[float, float, float], turn: float
) -> None:
    """The pose is wrong by up to 2.5 standard deviations; every point of the volume that is in view is masked."""
    believed = Pose2(0.0, 1.0, turn)
    true_base = believed @ Pose2(*error)
    mask = PrivacyProjector(CAMERA, (WINDOWS,), PrivacyConfig()).mask(estimate(base=believed, std_m=0.1, yaw_std=0.0125))
    on_map = np.array([[8.0 + 4.0 * point[0], -2.0 + 4.0 * point[1], 3.0 * point[2]]])
    optical_from_map = (Pose3.from_pose2(true_base) @ CAMERA.base_from_optical).inverse()
    u, v = CAMERA.project(optical_from_map.apply(on_map))[0]
    if np.isfinite(u) and 0 <= u < 640 and 0 <= v < 480:
        assert mask[int(v), int(u)] == 255


def test_a_private_area_behind_the_robot_masks_nothing_and_one_around_it_everything() -> None:
    behind = PrivacyArea(privacy_id="a", name="A", outline=square(-20.0, -2.0, 4.0), height_m=3.0)
    around = PrivacyArea(privacy_id="b", name="B", outline=square(-5.0, -5.0, 10.0), height_m=3.0)
    assert not PrivacyProjector(CAMERA, (behind,), PrivacyConfig()).mask(estimate()).any()
    assert (PrivacyProjector(CAMERA, (around,), PrivacyConfig()).mask(estimate()) == 255).all()


def test_a_worse_pose_masks_more() -> None:
    sure, unsure = (PrivacyProjector(CAMERA, (WINDOWS,), PrivacyConfig()).mask(estimate(std_m=std)) for std in (0.02, 0.5))
    assert (unsure >= sure).all()
    assert np.count_nonzero(unsure) > np.count_nonzero(sure)
    assert 0 < np.count_nonzero(sure) < sure.size // 2


def test_the_card_holds_its_words_at_any_size() -> None:
    for size in ((160, 120), (640, 480), (1280, 720)):
        card = cover_card(*size, "the person detector gave no answer")
        assert card.shape == (size[1], size[0], 3)
        assert len(np.unique(card.reshape(-1, 3), axis=0)) > 10
