# SPDX-License-Identifier: Apache-2.0
"""A pose carried on to the picture is where the robot is by then, as surely as it says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.clock import nanoseconds
from patrol.estimate import PoseEstimate
from patrol.geometry import IDENTITY2, Pose2, Pose3, wrap_angle
from patrol.site import PrivacyArea
from perception.anonymiser import Anonymiser, AnonymiserConfig, Looked
from perception.carried_pose import CarryConfig, PoseCarrier
from perception.pose_trail import PoseTrail
from tests.perception.build import CAMERA, noise_image, same_pixels, square

SHARP = np.eye(3) * 1e-6


def arc(speed_mps: float, turn_radps: float, at_s: float) -> Pose2:
    """Where a robot is that drives a circle from the origin."""
    if abs(turn_radps) < 1e-9:
        return Pose2(speed_mps * at_s, 0.0, 0.0)
    yaw, radius = turn_radps * at_s, speed_mps / turn_radps
    return Pose2(radius * math.sin(yaw), radius * (1.0 - math.cos(yaw)), yaw)


def posed(at_s: float, pose: Pose2, map_from_odom: Pose2 = IDENTITY2) -> PoseEstimate:
    return PoseEstimate(stamp_ns=nanoseconds(at_s), map_from_odom=map_from_odom, odom_from_base=pose, covariance=SHARP)


@settings(deadline=None, max_examples=60)
@given(st.floats(-1.0, 1.5), st.floats(-1.2, 1.2), st.floats(0.0, 0.3), st.sampled_from([0.05, 0.1, 0.2]))
def test_steady_driving_is_carried_on_exactly(speed: float, turn: float, age_s: float, gap_s: float) -> None:
    carrier = PoseCarrier(CarryConfig())
    for at_s in (0.0, gap_s):
        carrier.carried(posed(at_s, arc(speed, turn, at_s)), nanoseconds(at_s))
    carried = carrier.carried(posed(gap_s, arc(speed, turn, gap_s)), nanoseconds(gap_s + age_s))
    there = arc(speed, turn, gap_s + age_s)
    assert carried is not None
    assert carried.map_from_base.distance_to(there) < 0.01
    assert abs(wrap_angle(carried.map_from_base.yaw_rad - there.yaw_rad)) < 1e-6


def test_the_error_of_a_changing_drive_lies_within_three_standard_deviations() -> None:
    """It was standing, and begins to turn as quickly as the drive can."""
    carrier, config = PoseCarrier(CarryConfig()), CarryConfig()
    for at_s in (0.0, 0.1):
        carrier.carried(posed(at_s, IDENTITY2), nanoseconds(at_s))
    carried = carrier.carried(posed(0.1, IDENTITY2), nanoseconds(0.25))
    turned = 0.5 * config.turn_acceleration_radps2 * 0.15**2
    assert carried is not None
    assert turned <= 3.0 * math.sqrt(carried.covariance[2, 2])
    assert carried.covariance[2, 2] > SHARP[2, 2]


def test_odometry_carries_a_pose_through_a_turn_that_begins() -> None:
    """It stood when the last pose was taken, and has begun to turn as quickly as the drive can; with odometry nothing of that is
    in doubt, without it all is."""
    config = CarryConfig()

    def yaw(at_s: float) -> float:
        return 0.5 * config.turn_acceleration_radps2 * max(at_s, 0.0) ** 2

    off, doubts = [], []
    for hears in (True, False):
        trail = PoseTrail()
        carrier = PoseCarrier(config, trail)
        for number in range(-10, 13):
            if hears:
                trail.hear(nanoseconds(0.02 * number), Pose2(0.0, 0.0, yaw(0.02 * number)))
        for at_s in (-0.1, 0.0):
            carried = carrier.carried(posed(at_s, IDENTITY2), nanoseconds(0.25))
        assert carried is not None
        off.append(abs(carried.map_from_base.yaw_rad - yaw(0.25)))
        doubts.append(3.0 * math.sqrt(carried.covariance[2, 2]))
    assert off[0] < doubts[0] < 0.01
    assert 0.08 < off[1] < doubts[1]


def test_before_two_poses_have_shown_the_motion_the_most_counts() -> None:
    carried = PoseCarrier(CarryConfig()).carried(posed(0.0, IDENTITY2), nanoseconds(0.1))
    assert carried is not None
    assert 3.0 * math.sqrt(carried.covariance[2, 2]) == pytest.approx(0.12, rel=0.01)
    assert 3.0 * carried.position_std_m == pytest.approx(0.15, rel=0.01)


def test_what_needs_no_carrying_or_can_not_be_carried_stays_as_it_is() -> None:
    carrier, pose = PoseCarrier(CarryConfig()), posed(1.0, IDENTITY2)
    assert carrier.carried(None, 0) is None
    assert carrier.carried(pose, nanoseconds(1.0)) is pose
    assert carrier.carried(pose, nanoseconds(1.6)) is pose


def test_a_private_area_stays_hidden_in_a_turn_although_the_poses_come_late() -> None:
    """Turning at 1 rad/s, poses a tenth of a second old: with the last pose as it is the area shows, carried on it does not."""
    area = PrivacyArea(privacy_id="flat", name="Flat", outline=square(8.0, -2.0, 4.0), height_m=3.0)
    anonymiser, carrier = Anonymiser(AnonymiserConfig(), CAMERA, (area,)), PoseCarrier(CarryConfig())
    start = Pose2(0.0, 0.0, -0.4)
    for at_s in (0.0, 0.1, 0.2):
        late = posed(at_s, start @ arc(0.0, 1.0, at_s))
        carrier.carried(late, late.stamp_ns)
    image = noise_image(nanoseconds(0.3))
    truly = start @ arc(0.0, 1.0, 0.3)
    optical_from_map = (Pose3.from_pose2(truly) @ CAMERA.base_from_optical).inverse()
    sides = np.array([[x, y, z] for x in (8.0, 12.0) for y in (-2.0, 0.0, 2.0) for z in (0.3, 1.5, 3.0)])
    pixels = CAMERA.project(optical_from_map.apply(sides)).astype(int)
    held = pixels[((pixels >= 0) & (pixels < (640, 480))).all(axis=1)]
    looked = Looked(stamp_ns=image.stamp_ns, detections=(), tracks=())
    shown = []
    for estimate in (late, carrier.carried(late, image.stamp_ns)):
        safe = anonymiser.make_safe(image, looked, estimate)
        assert safe.covered_because == ""
        shown.append(int(same_pixels(image.pixels, safe.image.pixels)[held[:, 1], held[:, 0]].sum()))
    assert len(held) > 5
    assert shown[0] > 0
    assert shown[1] == 0
