# SPDX-License-Identifier: Apache-2.0
"""People by their heat: found by night, left to the colour camera by day."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.geometry import Pose3
from patrol.percepts import Alert, Label
from patrol.sensors import CameraModel, Image
from perception.boxes import as_array, iou_matrix
from perception.heat import HeatConfig, HeatFinder
from perception.pipeline import Perception, PerceptionConfig
from tests.perception.build import CAMERA, FRAME, STEP_NS, Scripted, detection, estimate, person_box, site, square, zone

MOUNT = Pose3.from_xyz_rpy(0.2, -0.1, 0.9, -math.pi / 2.0, 0.0, -math.pi / 2.0)
THERMAL = CameraModel.from_hfov("thermal_optical_frame", 160, 120, math.radians(57.0), MOUNT)
AIR_K = 280.0


def thermal(
    x_m: float,
    y_m: float,
    *,
    height_m: float = 1.7,
    width_m: float = 0.45,
    warmer_k: float = 14.0,
    sky_rows: int = 60,
    stamp_ns: int = 0,
) -> Image:
    """A body that stands at (x, y) before a colder ground and a much colder sky; the latter is seen in the first ``sky_rows``."""
    kelvin = np.full((120, 160), AIR_K)
    kelvin[:sky_rows] -= 30.0
    corners = np.array([(x_m, y_m + side * width_m / 2.0, z) for side in (1, -1) for z in (0.0, height_m)])
    pixels = THERMAL.project(THERMAL.base_from_optical.inverse().apply(corners))
    (x0, y0), (x1, y1) = np.rint(pixels.min(axis=0)).astype(int), np.rint(pixels.max(axis=0)).astype(int)
    kelvin[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = AIR_K + warmer_k
    kelvin += np.random.default_rng(1).normal(0.0, 0.08, kelvin.shape)
    return Image(
        stamp_ns=stamp_ns, frame_id=THERMAL.frame_id, encoding="mono16", pixels=np.rint(kelvin * 100.0).astype(np.uint16)
    )


def dark(stamp_ns: int = 0, level: int = 12) -> Image:
    pixels = np.random.default_rng(2).integers(0, 2 * level, (480, 640, 3), dtype=np.uint8)
    return Image(stamp_ns=stamp_ns, frame_id=FRAME, encoding="bgr8", pixels=pixels)


def finder() -> HeatFinder:
    return HeatFinder(THERMAL, CAMERA, HeatConfig())


@settings(deadline=None)
@given(st.floats(4.0, 25.0), st.floats(-0.3, 0.3))
def test_a_person_is_found_and_shown_in_the_dark_colour_picture(range_m: float, bearing: float) -> None:
    x, y = range_m * math.cos(bearing), range_m * math.sin(bearing)
    heat = finder()
    (warm,) = heat.on_thermal(thermal(x, y))
    assert (warm.label, warm.source) == (Label.PERSON, "thermal")
    (shown,) = heat.add_to((), dark())
    assert iou_matrix(as_array([shown.box]), as_array([person_box(x, y)]))[0, 0] > 0.35


def test_a_body_before_the_sky_is_warm_by_its_ground_too() -> None:
    (warm,) = finder().on_thermal(thermal(25.0, 0.0, sky_rows=64))
    assert warm.label is Label.PERSON


@pytest.mark.parametrize(
    ("image", "labels"),
    [
        (thermal(8.0, 0.0, height_m=0.5, width_m=0.8), [Label.ANIMAL]),
        (thermal(8.0, 0.0, height_m=3.6, width_m=0.3), []),
        (thermal(8.0, 0.0, height_m=1.6, width_m=4.5), []),
        (thermal(8.0, 0.0, warmer_k=2.0), []),
        (thermal(25.0, 0.0, warmer_k=2.0, sky_rows=64), []),
    ],
    ids=["fox", "warm mast", "van", "hardly warm", "far post before the sky"],
)
def test_other_warm_things_are_not_people(image: Image, labels: list[Label]) -> None:
    assert [item.label for item in finder().on_thermal(image)] == labels


def test_heat_is_left_alone_by_day_when_old_and_where_the_camera_sees_the_person() -> None:
    heat = finder()
    assert heat.add_to((), dark()) == ()
    heat.on_thermal(thermal(10.0, 0.0))
    seen = (detection(person_box(10.0, 0.0)),)
    assert heat.add_to(seen, dark()) == seen
    assert heat.add_to((), dark(level=100)) == ()
    assert heat.add_to((), dark(stamp_ns=5 * STEP_NS)) == ()
    assert len(heat.add_to((), dark())) == 1
    with pytest.raises(ValueError, match="mono16"):
        heat.on_thermal(dark())


def test_an_intruder_in_the_dark_is_reported_by_heat_alone_and_masked() -> None:
    where = site(zone("store", square(5.0, -5.0, 10.0)))
    perception = Perception(PerceptionConfig(), CAMERA, where, detector=Scripted([]), thermal=THERMAL)
    alerts: list[Alert] = []
    for number in range(15):
        perception.on_thermal(thermal(10.0, 0.0, stamp_ns=number * STEP_NS))
        percepts = perception.on_image(dark(number * STEP_NS), estimate(number * STEP_NS))
        alerts += percepts.alerts
    assert len(alerts) == 1
    assert math.dist(alerts[0].ground.position_m, (10.0, 0.0)) < 1.5
    box = person_box(10.0, 0.0)
    part = (slice(int(box.y0_px), int(box.y1_px)), slice(int(box.x0_px), int(box.x1_px)))
    assert np.mean(percepts.safe.pixels[part] == dark().pixels[part]) < 0.2


def test_a_thermal_camera_that_is_known_only_later_is_used_from_then_on() -> None:
    perception = Perception(PerceptionConfig(), CAMERA, detector=Scripted([]))
    counts = []
    for number in range(4):
        if number == 2:
            perception.know_thermal(THERMAL)
        perception.on_thermal(thermal(10.0, 0.0, stamp_ns=number * STEP_NS))
        counts.append(len(perception.on_image(dark(number * STEP_NS), estimate(number * STEP_NS)).tracks))
    assert counts == [0, 0, 1, 1]


@pytest.mark.parametrize("range_m", [12.0, 20.0, 30.0])
def test_far_bodies_found_by_heat_are_as_far_off_as_their_covariance_says(range_m: float) -> None:
    perception = Perception(PerceptionConfig(), CAMERA, detector=Scripted([]), thermal=THERMAL)
    for number in range(10):
        perception.on_thermal(thermal(range_m, 1.0, stamp_ns=number * STEP_NS))
        percepts = perception.on_image(dark(number * STEP_NS), estimate(number * STEP_NS))
    (track,) = percepts.tracks
    assert track.ground is not None
    error = track.ground.position_m - np.array([range_m, 1.0])
    assert error @ np.linalg.solve(track.ground.covariance_m2, error) < 9.21
    assert math.sqrt(np.linalg.eigvalsh(track.ground.covariance_m2)[1]) < 0.25 * range_m
