# SPDX-License-Identifier: Apache-2.0
"""Wherever the robot is, as far as its pose may be wrong, private volumes are masked; and not much else is."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon, box

from patrol.checks import Floats
from patrol.geometry import Pose2, Pose3
from patrol.sensors import CameraModel
from patrol.site import PrivacyArea
from perception.privacy import Mask, PrivacyConfig, PrivacyProjector
from tests.perception.build import CAMERA, FRAME, LOOKING_FORWARD, estimate

CONFIG = PrivacyConfig()
OFFICE = PrivacyArea(privacy_id="office", name="Office", outline=box(26.6, 13.6, 45.4, 26.4), height_m=6.6)
BENT = PrivacyArea(
    privacy_id="bent",
    name="Bent",
    outline=Polygon([(0.0, 0.0), (14.0, 0.0), (14.0, 3.0), (3.0, 3.0), (3.0, 11.0), (0.0, 11.0)]),
    height_m=2.5,
)
TILTED = CameraModel.from_hfov(
    FRAME,
    640,
    480,
    math.radians(75.0),
    Pose3.from_xyz_rpy(0.2, 0.0, 0.9, 0.0, 0.35, 0.3) @ Pose3(np.zeros(3), LOOKING_FORWARD.rotation),
)


def filled(area: PrivacyArea, random: np.random.Generator) -> Floats:
    """Points (N, 3) m in and on a volume."""
    west, south, east, north = area.outline.bounds
    flat = np.column_stack((random.uniform(west, east, 600), random.uniform(south, north, 600)))
    flat = flat[shapely.contains_xy(area.outline, flat[:, 0], flat[:, 1])]
    flat = np.vstack((flat, shapely.get_coordinates(area.outline.exterior.segmentize(0.1))))
    heights = random.choice([0.0, 0.5, 1.0], len(flat)) * area.height_m
    return np.column_stack((flat, heights))


def off_by(random: np.random.Generator, axes: int) -> Floats:
    """A direction in so many axes, up to three standard deviations long, often as long."""
    way = random.normal(size=axes)
    error: Floats = way / np.linalg.norm(way) * 3.0 * min(random.uniform(0.0, 1.5), 1.0)
    return error


def shown(mask: Mask, camera: CameraModel, base: Pose3, points_m: Floats) -> int:
    """How many of the points a camera on a robot at ``base`` sees where the mask is open."""
    pixels = camera.project((base @ camera.base_from_optical).inverse().apply(points_m))
    pixels = np.floor(pixels[np.isfinite(pixels).all(axis=1)])
    held = pixels[((pixels >= 0) & (pixels < (camera.width_px, camera.height_px))).all(axis=1)].astype(int)
    return int(np.count_nonzero(mask[held[:, 1], held[:, 0]] == 0))


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 2**32 - 1), st.sampled_from([OFFICE, BENT]), st.sampled_from([CAMERA, TILTED]),
    st.floats(0.02, 0.6), st.floats(0.0, 0.06),
)  # fmt: skip
def test_nothing_private_shows_from_any_pose_that_may_be_true(
    seed: int, area: PrivacyArea, camera: CameraModel, std_m: float, yaw_std: float
) -> None:
    random = np.random.default_rng(seed)
    at = shapely.get_coordinates(area.outline.exterior.interpolate(random.uniform(0.0, area.outline.length)))[0]
    away = random.normal(size=2) * random.choice([0.5, 3.0, 15.0])
    x_m, y_m = (at + away).tolist()
    believed = Pose2(x_m, y_m, math.atan2(-away[1], -away[0]) + random.uniform(-0.9, 0.9))
    mask = PrivacyProjector(camera, (area,), CONFIG).mask(estimate(base=believed, std_m=std_m, yaw_std=yaw_std))
    points = filled(area, random)
    for _ in range(8):
        east_m, north_m = std_m * off_by(random, 2)
        yaw = yaw_std * off_by(random, 1)[0]
        roll, pitch = math.radians(CONFIG.attitude_std_deg) * off_by(random, 2)
        true = Pose3.from_xyz_rpy(x_m + east_m, y_m + north_m, 0.0, roll, pitch, believed.yaw_rad + yaw)
        assert shown(mask, camera, true, points) == 0


@pytest.mark.parametrize(("std_m", "yaw_std_deg"), [(0.1, 1.5), (0.24, 0.2), (0.24, 1.7)])
def test_the_way_ahead_beside_a_long_wall_stays_to_be_seen(std_m: float, yaw_std_deg: float) -> None:
    """Two metres beside the office, along it: an unsure heading moves its far end by metres, and the wall beside by little."""
    base = Pose2(47.4, 14.0, math.pi / 2.0)
    mask = PrivacyProjector(CAMERA, (OFFICE,), CONFIG).mask(estimate(base=base, std_m=std_m, yaw_std=math.radians(yaw_std_deg)))
    hidden = float(np.mean(mask == 255))
    assert 0.3 < hidden < 0.75
    assert not mask[:, 600:].any()


def test_a_camera_that_may_be_inside_sees_nothing_and_the_heading_does_not_bring_it_there() -> None:
    gap_m = OFFICE.outline.distance(Point(48.0, 20.0))
    for std_m, all_of_it in ((1.1 * gap_m / 3.0, True), (0.5 * gap_m / 3.0, False)):
        mask = PrivacyProjector(CAMERA, (OFFICE,), CONFIG).mask(estimate(base=Pose2(48.0, 20.0, 0.0), std_m=std_m, yaw_std=0.03))
        assert bool((mask == 255).all()) is all_of_it
        assert mask.any() == all_of_it, "it looks away from the office"
