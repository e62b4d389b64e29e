# SPDX-License-Identifier: Apache-2.0
"""The whole chain: pictures in; tracks, alerts and safe pictures out."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from shapely.geometry import LineString

from patrol.clock import ManualClock, nanoseconds
from patrol.geometry import STOPPED, Pose2, Pose3
from patrol.percepts import Box, Detection, Label
from patrol.sensors import CameraModel, Image, Odometry, PointCloud
from patrol.site import Fence
from perception.detector import DetectorConfig
from perception.errors import DetectorFailed
from perception.pipeline import Perception, PerceptionConfig, Percepts
from tests.perception.build import (
    CAMERA,
    STEP_NS,
    Scripted,
    data,
    estimate,
    noise_image,
    person_box,
    same_pixels,
    site,
    square,
    zone,
)
from tests.perception.test_anonymiser import WINDOWS

LIDAR = Pose3.from_xyz_rpy(0.0, 0.0, 0.65, 0.0, 0.0, 0.0)
DEPOT = site(zone("store", square(5.0, -5.0, 10.0)))


def drive(perception: Perception, count: int, speed_mps: float = 0.5) -> list[Percepts]:
    """A robot that drives forward, with one picture each tenth of a second."""
    return [
        perception.on_image(
            noise_image(number * STEP_NS, seed=number), estimate(number * STEP_NS, Pose2(0.1 * speed_mps * number, 0.0, 0.0))
        )
        for number in range(count)
    ]


def standing_person(count: int, speed_mps: float = 0.5) -> list[list[Box]]:
    return [[person_box(10.0, 0.5, base=Pose2(0.1 * speed_mps * number, 0.0, 0.0))] for number in range(count)]


def test_an_intruder_before_a_driving_robot_is_reported_once_within_a_second() -> None:
    percepts = drive(Perception(PerceptionConfig(), CAMERA, DEPOT, detector=Scripted(standing_person(30))), 30)
    alerts = [alert for item in percepts for alert in item.alerts]
    assert len(alerts) == 1
    assert alerts[0].stamp_ns <= nanoseconds(1.0)
    assert math.dist(alerts[0].ground.position_m, (10.0, 0.5)) < 0.8
    assert percepts[-1].tracks[0].ground is not None
    assert np.hypot(*percepts[-1].tracks[0].ground.velocity_mps) < 0.3


FENCE = LineString([(7.0, -20.0), (7.0, 20.0)])


@pytest.mark.parametrize(("fences", "alerts"), [((Fence(fence_id="inner", name="Inner fence", line=FENCE),), 1), ((), 0)])
def test_somebody_behind_a_fence_of_the_site_is_told_and_a_stain_on_a_wall_that_it_does_not_have_is_not(
    fences: tuple[Fence, ...], alerts: int
) -> None:
    strip = replace(site(zone("strip", square(7.0, -5.0, 10.0))), fences=fences)
    detector = Scripted([[person_box(11.0, 0.5)]] * 20)
    perception = Perception(PerceptionConfig(), CAMERA, strip, detector=detector, base_from_lidar=LIDAR)
    across, up = np.meshgrid(np.arange(-3.0, 3.01, 0.05), np.arange(-0.6, 2.0, 0.15))
    returned = np.column_stack((np.full(across.size, 7.0), across.ravel(), up.ravel())).astype(np.float32)
    told = 0
    for number in range(20):
        pose = estimate(number * STEP_NS)
        perception.on_cloud(
            PointCloud(
                stamp_ns=number * STEP_NS,
                frame_id="lidar_link",
                points_m=returned,
                intensity=np.zeros(len(returned), dtype=np.float32),
                ring=np.zeros(len(returned), dtype=np.uint8),
                time_s=np.zeros(len(returned), dtype=np.float32),
            ),
            pose,
        )
        told += len(perception.on_image(noise_image(number * STEP_NS, seed=number), pose).alerts)
    assert told == alerts


def tracks_in_a_turn(odometry_hz: int) -> int:
    """How many tracks there are of somebody 10 m beside a robot that begins to turn. Its estimates come 0.2 s late."""

    def base(at_s: float) -> Pose2:
        return Pose2(0.0, 0.0, -min(1.5 * max(at_s - 1.0, 0.0) ** 2, 0.5))

    numbers = range(2, 24)
    seen = [[person_box(10.0, 2.0, base=base(0.1 * number))] for number in numbers]
    perception = Perception(PerceptionConfig(), CAMERA, detector=Scripted(seen))
    ids = set[int]()
    for number in numbers:
        for at_s in np.arange(0.1 * number - 0.1, 0.1 * number, 1.0 / odometry_hz).tolist() if odometry_hz else ():
            perception.on_odometry(Odometry(stamp_ns=nanoseconds(at_s), odom_from_base=base(at_s), twist=STOPPED))
        late = estimate((number - 2) * STEP_NS, base(0.1 * number - 0.2))
        percepts = perception.on_image(noise_image(number * STEP_NS, seed=number), late)
        ids |= {track.track_id for track in percepts.tracks}
    return len(ids)


def test_who_stands_beside_a_robot_that_begins_to_turn_is_one_by_odometry() -> None:
    assert tracks_in_a_turn(odometry_hz=50) == 1
    assert tracks_in_a_turn(odometry_hz=0) > 1, "the turn is not hard enough to tell anything"


def test_the_alerts_picture_is_the_safe_one() -> None:
    percepts = drive(Perception(PerceptionConfig(), CAMERA, DEPOT, detector=Scripted(standing_person(10))), 10)
    number, alert = next((n, alert) for n, item in enumerate(percepts) for alert in item.alerts)
    picture = cv2.imdecode(np.frombuffer(alert.picture_jpeg, dtype=np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    box = percepts[number].tracks[0].box
    assert box is not None
    part = (slice(int(box.y0_px) + 6, int(box.y1_px) - 6), slice(int(box.x0_px) + 6, int(box.x1_px) - 6))
    assert np.abs(picture[part].astype(int) - percepts[number].safe.pixels[part].astype(int)).mean() < 12.0
    assert np.abs(picture[part].astype(int) - noise_image(seed=number).pixels[part].astype(int)).mean() > 30.0


@pytest.mark.parametrize("error", [DetectorFailed("out of memory"), RuntimeError("?"), ValueError("?"), IndexError("?")])
def test_a_failing_detector_covers_that_picture_and_nothing_else(error: Exception) -> None:
    answers: list[list[Box] | Exception] = [*standing_person(12)]
    answers[6] = error
    percepts = drive(Perception(PerceptionConfig(), CAMERA, DEPOT, detector=Scripted(answers)), 12)
    assert [bool(item.covered_because) for item in percepts] == [number == 6 for number in range(12)]
    assert "person detector failed" in percepts[6].covered_because
    assert not same_pixels(noise_image(seed=6).pixels, percepts[6].safe.pixels).any()
    assert {track.track_id for item in percepts for track in item.tracks} == {1}


def test_a_missed_person_stays_masked() -> None:
    answers: list[list[Box]] = standing_person(12)
    answers[8] = []
    percepts = drive(Perception(PerceptionConfig(), CAMERA, DEPOT, detector=Scripted(answers)), 12)
    where = standing_person(12)[8][0]
    part = (slice(int(where.y0_px), int(where.y1_px)), slice(int(where.x0_px), int(where.x1_px)))
    assert percepts[8].tracks[0].state == "coasting"
    assert same_pixels(noise_image(seed=8).pixels, percepts[8].safe.pixels)[part].mean() < 0.02


def test_a_picture_out_of_order_is_covered_and_changes_nothing() -> None:
    perception = Perception(PerceptionConfig(), CAMERA, DEPOT, detector=Scripted(standing_person(10)))
    drive(perception, 5)
    late = perception.on_image(noise_image(2 * STEP_NS), estimate(2 * STEP_NS))
    assert "older" in late.covered_because
    assert late.tracks == ()


def test_a_replay_that_begins_again_starts_anew() -> None:
    perception = Perception(PerceptionConfig(), CAMERA, DEPOT, detector=Scripted(standing_person(30) + standing_person(30)))
    first = [alert.alert_id for item in drive(perception, 30) for alert in item.alerts]
    again = drive(perception, 30)
    assert [alert.alert_id for item in again for alert in item.alerts] == first
    assert all(item.covered_because == "" for item in again)


def test_a_slow_detector_covers() -> None:
    clock = ManualClock()

    class Slow:
        def detect(self, image: Image) -> tuple[Detection, ...]:
            clock.advance_to(clock.now_ns() + nanoseconds(image.stamp_ns * 1e-9 * 4.0))
            return ()

    percepts = drive(Perception(PerceptionConfig(), CAMERA, DEPOT, detector=Slow(), clock=clock), 6)
    assert [bool(item.covered_because) for item in percepts] == [False, False, False, True, True, True]


def test_a_lost_pose_keeps_tracks_in_the_picture_and_covers_only_private_sites() -> None:
    plain = Perception(PerceptionConfig(), CAMERA, DEPOT, detector=Scripted(standing_person(10, 0.0)))
    private = Perception(PerceptionConfig(), CAMERA, site(private=[WINDOWS]), detector=Scripted(standing_person(10, 0.0)))
    for number in range(10):
        stale = estimate(0) if number >= 6 else None
        seen = plain.on_image(noise_image(number * STEP_NS), stale)
        hidden = private.on_image(noise_image(number * STEP_NS), stale)
        assert seen.covered_because == ""
        assert hidden.covered_because != ""
    assert [(track.state, track.ground) for track in seen.tracks] == [("confirmed", None)]


def test_a_camera_alone_gives_tracks() -> None:
    perception = Perception(PerceptionConfig(), CAMERA, detector=Scripted(standing_person(5, 0.0)))
    percepts = [perception.on_image(noise_image(number * STEP_NS), None) for number in range(5)]
    assert [track.state for track in percepts[-1].tracks] == ["confirmed"]
    assert percepts[-1].alerts == ()


def test_the_same_pictures_give_the_same_bytes() -> None:
    first, second = (
        drive(Perception(PerceptionConfig(), CAMERA, DEPOT, detector=Scripted(standing_person(12))), 12) for _ in "ab"
    )
    ids = [
        [(alert.alert_id, alert.reason, alert.picture_jpeg) for item in run for alert in item.alerts] for run in (first, second)
    ]
    assert ids[0] == ids[1]
    assert len(ids[0]) == 1
    assert all(np.array_equal(a.safe.pixels, b.safe.pixels) for a, b in zip(first, second, strict=True))


def test_pedestrians_of_a_real_video_are_followed_and_masked() -> None:
    """PETS 2009 S2.L1: at the 40th picture several people walk about; boxes stand on them and stay on them."""
    video = cv2.VideoCapture(str(data("perception", "PETS09-S2L1", "vtest_480x360_795f.avi")))
    config = PerceptionConfig(detector=DetectorConfig(detector="omz-2004", models=data("perception", "models")))
    mount = Pose3.from_xyz_rpy(0.0, 0.0, 6.0, -math.pi / 2.0, 0.0, -math.pi / 2.0)
    camera = CameraModel.from_hfov("camera_optical_frame", 480, 360, math.radians(50.0), mount)
    perception = Perception(config, camera)
    ids: list[set[int]] = []
    for number in range(40):
        pixels = np.asarray(video.read()[1], dtype=np.uint8)
        percepts = perception.on_image(
            Image(stamp_ns=number * STEP_NS, frame_id=camera.frame_id, encoding="bgr8", pixels=pixels), None
        )
        people = [track for track in percepts.tracks if track.label is Label.PERSON and track.state == "confirmed"]
        ids.append({track.track_id for track in people})
        assert percepts.covered_because == ""
    assert len(ids[-1]) >= 4
    assert len(ids[-1] & ids[20]) >= 3
    for track in people:
        assert track.box is not None
        part = (
            slice(max(int(track.box.y0_px), 0), int(track.box.y1_px)),
            slice(max(int(track.box.x0_px), 0), int(track.box.x1_px)),
        )
        assert same_pixels(pixels, percepts.safe.pixels)[part].mean() < 0.2
