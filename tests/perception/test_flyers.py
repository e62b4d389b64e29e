# SPDX-License-Identifier: Apache-2.0
"""Things in the air: found, followed, placed, and told apart."""

from __future__ import annotations

import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.thermal import looking_up, standing
from patrol.checks import Floats
from patrol.errors import BadValue
from patrol.estimate import PoseEstimate
from patrol.geometry import IDENTITY2, Pose2, Pose3
from patrol.percepts import Label, Track
from patrol.sensors import CameraModel, Image, PointCloud
from perception.flying.config import FlyingConfig, KindsConfig, SpotsConfig
from perception.flying.kinds import FlyerKind
from perception.flying.movers import MoverFinder
from perception.flying.paths import Rays, falling, stands_still_rad
from perception.flying.sighting import Sighting
from perception.flying.spots import counts, find_spots
from perception.flying.tracks import FIRST_ID, FlyerTracks
from perception.flying.watch import Flyer, FlyerWatch
from tests.perception.build import data

RATE_HZ = 30.0
UP = CameraModel.from_hfov("thermal", 320, 256, math.radians(24.0), looking_up())
AHEAD = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
CAMERA = CameraModel.from_hfov("camera", 640, 480, math.radians(75.0), Pose3(np.array([0.2, 0.0, 0.9]), AHEAD))
GRAVITY = np.array([0.0, 0.0, -9.81])
Path3 = Callable[[float], Floats]


def sky(number: int, *things: tuple[float, float, float, float]) -> Image:
    """A dull sky over a bright, rough ground; things are x px, y px, radius px, brightness."""
    random = np.random.default_rng(number)
    pixels = random.normal(90.0, 1.0, (256, 320))
    pixels[200:] = np.random.default_rng(1).integers(100, 250, (56, 320))
    y, x = np.mgrid[0:256, 0:320]
    for at_x, at_y, radius, bright in things:
        pixels += bright * np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / (2.0 * radius**2))
    stamp_ns = round(number * 1e9 / RATE_HZ)
    return Image(stamp_ns=stamp_ns, frame_id="thermal", encoding="mono8", pixels=np.clip(pixels, 0, 255).astype(np.uint8))


def watch(pictures: list[Image]) -> list[tuple[Flyer, ...]]:
    watcher = FlyerWatch(standing(KindsConfig().flutter_bird), thermal=UP)
    told = []
    for picture in pictures:
        watcher.on_thermal(picture, IDENTITY2)
        told.append(watcher.flyers())
    return told


def x_px(flyer: Flyer) -> float:
    ((x, _),) = UP.project([UP.base_from_optical.rotation.T @ flyer.item.last.direction]).tolist()
    return float(x)


def test_a_steady_shine_is_a_drone_and_a_beating_one_a_bird() -> None:
    pictures = [
        sky(n, (60.0 + n, 60.0, 3.0, 120.0), (240.0 - n, 120.0, 2.5, 90.0 + 45.0 * math.sin(2.0 * math.pi * 6.0 * n / RATE_HZ)))
        for n in range(40)
    ]
    seen = watch(pictures)
    assert {flyer.kind for flyer in seen[-1] if x_px(flyer) < 150.0} == {FlyerKind.DRONE}
    assert {flyer.kind for flyer in seen[-1] if x_px(flyer) > 150.0} == {FlyerKind.BIRD}
    assert seen[4] == (), "nothing is told before it was seen for a while"
    assert len({flyer.item.number for found in seen for flyer in found}) == 2


def test_a_large_one_is_an_aircraft() -> None:
    last = watch([sky(n, (100.0 + n, 90.0, 15.0, 150.0)) for n in range(20)])[-1]
    assert [flyer.kind for flyer in last] == [FlyerKind.AIRCRAFT]


def test_a_lamp_and_the_ground_are_not_told() -> None:
    assert [found for found in watch([sky(n, (100.0, 60.0, 3.0, 120.0)) for n in range(30)]) if found] == []


def test_a_thermal_picture_in_kelvin_is_told_above_what_is_around() -> None:
    kelvin = np.full((120, 160), 24500, dtype=np.uint16)
    kelvin[70:] = 29200
    kelvin[20, 60] = kelvin[100, 60] = 25000
    kelvin[100, 60] = 29700
    picture = counts(Image(stamp_ns=0, frame_id="thermal", encoding="mono16", pixels=kelvin)).astype(int)
    assert picture[20, 60] - picture[20, 90] == 25, "before a sky much colder than the ground"
    assert picture[100, 60] - picture[100, 90] == 25
    colour = Image(stamp_ns=0, frame_id="camera", encoding="bgr8", pixels=np.zeros((4, 4, 3), dtype=np.uint8))
    with pytest.raises(BadValue, match="bgr8"):
        counts(colour)


@pytest.mark.parametrize(("rails", "found"), [((), 1), ((67,), 1), ((55,), 1), ((55, 67), 0)])
def test_a_rail_on_one_side_hides_nothing(rails: tuple[int, ...], found: int) -> None:
    picture = np.full((120, 160), 60, dtype=np.uint8)
    picture[59:62, 78:83] = 200
    for row in rails:
        picture[row - 2 : row + 1] = 230
    small = [spot for spot in find_spots(picture, SpotsConfig(), warm_only=True) if spot.box.width_px < 20]
    assert len(small) == found


@pytest.mark.parametrize(("clip", "kind"), [("IR_DRONE_020", FlyerKind.DRONE), ("IR_BIRD_001", FlyerKind.BIRD)])
def test_a_real_clip_is_told_for_what_it_is(clip: str, kind: FlyerKind) -> None:
    capture = cv2.VideoCapture(str(data("perception", "thermal", f"{clip}.mp4")))
    pictures = []
    for number in range(70):
        grey = np.asarray(cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2GRAY), dtype=np.uint8)
        pictures.append(Image(stamp_ns=round(number * 1e9 / RATE_HZ), frame_id="thermal", encoding="mono8", pixels=grey))
    told = [flyer.kind for found in watch(pictures) for flyer in found]
    assert len(told) > 40
    assert told.count(kind) > 0.7 * len(told)


def seen_along(path: Path3, robot: Path3, *, count: int = 10, noise_rad: float = 0.001, seed: int = 0) -> list[Sighting]:
    """Sightings, ten a second, of what moves along ``path`` from a robot that moves along its own."""
    random, found = np.random.default_rng(seed), []
    for number in range(count):
        time_s = 0.1 * number
        way = path(time_s) - robot(time_s)
        direction = way / np.linalg.norm(way) + random.normal(0.0, noise_rad, 3)
        found.append(
            Sighting(
                stamp_ns=round(time_s * 1e9),
                source="camera",
                origin_m=robot(time_s),
                direction=direction / np.linalg.norm(direction),
                width_rad=0.02,
                height_rad=0.02,
                pixel_rad=0.005,
                shine=100.0,
                before_sky=True,
            )
        )
    return found


def driving(time_s: float) -> Floats:
    return np.array([0.8 * time_s, 0.0, 0.9])


@settings(max_examples=25, deadline=None)
@given(
    st.floats(8.0, 25.0),
    st.floats(-6.0, 6.0),
    st.floats(-9.0, 9.0),
    st.floats(-6.0, 1.0),
    st.floats(3.0, 7.0),
    st.integers(0, 99),
)
def test_gravity_tells_how_far_a_thrown_thing_is(
    ahead: float, left: float, across: float, inwards: float, up: float, seed: int
) -> None:
    start, velocity = np.array([ahead, left, 1.6]), np.array([inwards, across, up])

    def path(time_s: float) -> Floats:
        return start + velocity * time_s + 0.5 * GRAVITY * time_s**2

    seen = seen_along(path, driving, noise_rad=0.0005, seed=seed)
    fitted = falling(Rays.of(seen, slack_rad=0.001))
    assert fitted is not None
    place, _, covariance = fitted.at(0.9)
    off = place - path(0.9)
    assert off @ np.linalg.solve(covariance, off) < 25.0, "the covariance is honest"
    assert np.linalg.norm(off) < 0.15 * np.linalg.norm(path(0.9) - driving(0.9)) + 0.3


def test_a_robot_that_drives_past_a_lamp_knows_that_it_stands_still() -> None:
    lamp = seen_along(lambda _: np.array([12.0, 5.0, 6.0]), driving, count=20, noise_rad=0.0)
    flown = seen_along(lambda t: np.array([12.0, 5.0 - 3.0 * t, 6.0]), driving, count=20, noise_rad=0.0)
    assert stands_still_rad(Rays.of(lamp, slack_rad=0.0), nearest_m=4.0) < 1e-6
    assert stands_still_rad(Rays.of(flown, slack_rad=0.0), nearest_m=4.0) > 0.02


def view(time_s: float, robot: Pose2, place: Floats, radius_m: float = 0.3) -> Image:
    """A colour picture of an even sky with a dark ball at ``place`` (3,) m."""
    optical_from_odom = (Pose3.from_pose2(robot) @ CAMERA.base_from_optical).inverse()
    point = optical_from_odom.apply(place[None])
    ((x, y),) = CAMERA.project(point).tolist()
    pixels = np.full((480, 640, 3), 190, dtype=np.uint8)
    pixels[240:] = 80
    cv2.circle(
        pixels, (round(8 * x), round(8 * y)), round(8 * CAMERA.fx_px * radius_m / point[0, 2]), (40, 40, 40), -1, cv2.LINE_AA, 3
    )
    return Image(stamp_ns=round(time_s * 1e9), frame_id="camera", encoding="bgr8", pixels=pixels)


def fly(path: Path3, *, seconds: float = 2.5, turn_radps: float = 0.0, lidar: bool = False) -> list[tuple[Track, ...]]:
    """What is told of something that follows ``path``, from a robot that drives and turns."""
    tracks, told = FlyerTracks(FlyingConfig(), CAMERA, base_from_lidar=Pose3.from_xyz_rpy(0.0, 0.0, 0.65, 0.0, 0.0, 0.0)), []
    for number in range(round(10 * seconds)):
        time_s = 0.1 * number
        robot = Pose2(0.5 * time_s, 0.0, turn_radps * time_s)
        estimate = PoseEstimate(
            stamp_ns=round(time_s * 1e9),
            map_from_odom=Pose2(100.0, 50.0, 0.5),
            odom_from_base=robot,
            covariance=np.diag([0.01, 0.01, 1e-4]),
        )
        told.append(tracks.on_image(view(time_s, robot, path(time_s)), estimate))
        if lidar:
            tracks.on_cloud(cloud(time_s, robot, path(time_s)), robot)
    return told


def cloud(time_s: float, robot: Pose2, place: Floats) -> PointCloud:
    """One return from the thing, and one from the ground."""
    lidar_from_odom = (Pose3.from_pose2(robot) @ Pose3.from_xyz_rpy(0.0, 0.0, 0.65, 0.0, 0.0, 0.0)).inverse()
    points = lidar_from_odom.apply(np.array([place, [4.0, 0.0, 0.0]])).astype(np.float32)
    flat = np.zeros(2, dtype=np.float32)
    return PointCloud(
        stamp_ns=round(time_s * 1e9),
        frame_id="lidar",
        points_m=points,
        intensity=flat,
        ring=np.zeros(2, dtype=np.uint8),
        time_s=flat,
    )


def drone(time_s: float) -> Floats:
    return np.array([16.0, 5.0 - 3.0 * time_s, 4.5])


def surprise(track: Track, place: Floats) -> float:
    """Squared Mahalanobis distance of a track's place to where the thing is, in odom."""
    assert track.ground is not None
    off = track.ground.position_m - Pose2(100.0, 50.0, 0.5).apply(place[None, :2])[0]
    return float(off @ np.linalg.solve(track.ground.covariance_m2, off))


@pytest.mark.parametrize("turn_radps", [0.0, -0.15])
def test_a_rigid_thing_that_flies_is_a_drone_wherever_the_robot_looks(turn_radps: float) -> None:
    told = fly(drone, turn_radps=turn_radps)
    (last,) = told[-1]
    assert (last.label, last.state, last.track_id) == (Label.DRONE, "confirmed", FIRST_ID)
    assert last.score > 0.8
    assert surprise(last, drone(2.4)) < 9.0
    assert last.box is not None
    assert {track.track_id for tracks in told for track in tracks} == {FIRST_ID}


def test_a_beam_that_meets_it_tells_how_far_it_is() -> None:
    (blind,), (met,) = fly(drone)[-1], fly(drone, lidar=True)[-1]
    assert blind.ground is not None
    assert met.ground is not None
    assert np.linalg.eigvalsh(met.ground.covariance_m2).max() < 0.5 < np.linalg.eigvalsh(blind.ground.covariance_m2).max()
    assert surprise(met, drone(2.4)) < 9.0
    assert met.top_m == pytest.approx(4.8, abs=0.5)


def test_what_was_thrown_is_told_where_it_came_from_and_then_where_it_is() -> None:
    def path(time_s: float) -> Floats:
        return np.array([18.0, -6.0, 1.8]) + np.array([-3.0, 7.0, 6.5]) * time_s + 0.5 * GRAVITY * time_s**2

    told = [track for tracks in fly(path, seconds=1.3) for track in tracks]
    first, second = [track for track in told if track.label is Label.THROWN][:2]
    assert {track.label for track in told[-5:]} == {Label.THROWN}
    assert surprise(first, path(0.0)) < 16.0
    assert surprise(second, path(1e-9 * second.stamp_ns)) < 16.0
    assert second.ground is not None
    assert np.linalg.eigvalsh(second.ground.covariance_m2).max() < 4.0


def test_what_is_gone_is_told_once_as_ended() -> None:
    told = fly(lambda t: drone(t) if t < 1.5 else np.array([16.0, 60.0, 4.0]), seconds=2.5)
    states = [track.state for tracks in told for track in tracks]
    assert states.count("ended") == 1
    assert states[-1] == "ended"
    assert told[-1] == ()


def test_the_robots_own_motion_moves_nothing() -> None:
    rough = np.random.default_rng(3).integers(0, 256, (120, 400)).astype(np.uint8)
    wide = np.asarray(cv2.GaussianBlur(rough, (9, 9), 0), dtype=np.uint8)
    matrix = np.array([[200.0, 0.0, 160.0], [0.0, 200.0, 60.0], [0.0, 0.0, 1.0]])
    finder, found = MoverFinder(FlyingConfig().movers, matrix), []
    for number in range(4):
        turned = Pose3.from_xyz_rpy(0.0, 0.0, 0.0, 0.0, 0.02 * number, 0.0).rotation
        picture = wide[:, 4 * number : 4 * number + 320].copy()
        found.append(finder.find(picture, turned))
    assert found == [(), (), (), ()]
    picture = wide[:, 16:336].copy()
    picture[50:56, 100:106] = 255 - picture[50:56, 100:106] // 4
    (mover,) = finder.find(picture, Pose3.from_xyz_rpy(0.0, 0.0, 0.0, 0.0, 0.08, 0.0).rotation)
    assert mover.centre_px == pytest.approx((103.0, 53.0), abs=2.0)
