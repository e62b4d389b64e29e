# SPDX-License-Identifier: Apache-2.0
"""Vehicles that drove and vehicles that only seem to: what the lidar tells of the places where they stood."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest

from patrol.checks import Floats
from patrol.clock import nanoseconds
from patrol.geometry import Pose2, Pose3
from patrol.percepts import Box, Detection, Label, Track
from patrol.sensors import Image, PointCloud
from perception.departures import DepartureConfig, Departures
from perception.lidar_look import LidarLook
from perception.pipeline import Perception, PerceptionConfig
from perception.rulebook.memory import Memory
from perception.rulebook.scene import Scene
from perception.rulebook.watch import Watch
from tests.perception.build import CAMERA, STEP_NS, detection, estimate, noise_image, site, square, track, zone

BASE_FROM_LIDAR = Pose3.from_xyz_rpy(0.0, 0.0, 0.65, 0.0, 0.0, 0.0)
FAR_M = 40.0


def _beams() -> Floats:
    """Directions (N, 3) of one revolution."""
    azimuth, elevation = np.meshgrid(np.radians(np.arange(0.0, 360.0, 0.8)), np.radians(np.arange(-15.0, 16.0, 2.0)))
    level = np.cos(elevation)
    return np.column_stack([part.ravel() for part in (level * np.cos(azimuth), level * np.sin(azimuth), np.sin(elevation))])


BEAMS = _beams()


@dataclass(frozen=True)
class Body:
    """A box with its middle at (x, y), along the map's axes, ``bottom_m`` to ``top_m`` above the ground."""

    x_m: float
    y_m: float
    length_m: float = 5.0
    width_m: float = 2.0
    bottom_m: float = 0.25
    top_m: float = 2.2

    def reach_m(self, at: tuple[float, float]) -> Floats:
        """How far beams (N,) from a lidar at ``at`` go until they meet it; infinite where they miss it."""
        half = np.array([0.5 * self.length_m, 0.5 * self.width_m])
        low = np.array([*(np.array([self.x_m, self.y_m]) - half - at), self.bottom_m - 0.65])
        high = np.array([*(np.array([self.x_m, self.y_m]) + half - at), self.top_m - 0.65])
        with np.errstate(divide="ignore", invalid="ignore"):
            first, second = low / BEAMS, high / BEAMS
        enters, leaves = np.minimum(first, second).max(axis=1), np.maximum(first, second).min(axis=1)
        return np.where((enters <= leaves) & (enters > 0.0), enters, np.inf)


def revolution(bodies: Sequence[Body], at: tuple[float, float]) -> Floats:
    """Returns (N, 3) m in the lidar's frame, from flat ground and bodies; it is at ``at`` and looks along the map's axes."""
    with np.errstate(divide="ignore"):
        reach = np.where(BEAMS[:, 2] < 0.0, -0.65 / BEAMS[:, 2], np.inf)
    for body in bodies:
        reach = np.minimum(reach, body.reach_m(at))
    kept = reach <= FAR_M
    return BEAMS[kept] * reach[kept, None]


class Drive:
    """A robot that looks once a second; a track stands where its nearest returns are, unless it is told otherwise."""

    def __init__(self) -> None:
        self.departures = Departures(DepartureConfig())
        self._memory = Memory(20.0)
        self._second = 0

    def look(self, bodies: Sequence[Body], at: tuple[float, float], *, followed: int = 0, std_m: float = 0.2) -> Track:
        """Look from ``at`` while the track is on ``bodies[followed]``, known to ``std_m``; the track as it is told."""
        self._second += 1
        stamp_ns = nanoseconds(float(self._second))
        seen = self._track(bodies[followed], at, stamp_ns, std_m)
        pose = Pose3.from_pose2(Pose2(*at, 0.0)) @ BASE_FROM_LIDAR
        self.departures.look(revolution(bodies, at), pose, (seen,), stamp_ns)
        (told,) = self.departures.told((seen,))
        self._memory.take_in((told,), stamp_ns)
        return told

    def moved_m(self, told: Track) -> tuple[float, float]:
        """How far it moved by its places alone, and as it is measured for the rules."""
        assert told.ground is not None
        by_place = self._memory.measures(replace(told, drove_m=None), told.ground, told.stamp_ns)["moved_m"]
        return by_place, self._memory.measures(told, told.ground, told.stamp_ns)["moved_m"]

    def _track(self, body: Body, at: tuple[float, float], stamp_ns: int, std_m: float) -> Track:
        reach = body.reach_m(at)
        near = np.argsort(reach)[: min(40, np.count_nonzero(np.isfinite(reach)))]
        place = np.array(at) + (BEAMS[near] * reach[near, None])[:, :2].mean(axis=0)
        return track(float(place[0]), float(place[1]), stamp_ns, label=Label.VEHICLE, std_m=std_m)


LORRY = Body(0.0, 12.0, length_m=11.8, width_m=2.5, bottom_m=0.9, top_m=3.8)


@pytest.mark.parametrize("lorry", [LORRY, replace(LORRY, bottom_m=0.4), replace(LORRY, y_m=5.0)], ids=["high", "skirted", "near"])
def test_a_parked_lorry_that_the_robot_drives_along_does_not_drive(lorry: Body) -> None:
    drive = Drive()
    for second in range(20):
        told = drive.look((lorry,), (-14.0 + 1.4 * second, 0.0))
    by_place, measured = drive.moved_m(told)
    assert by_place >= 4.0, "by its places alone it would have driven"
    assert measured == 0.0


def test_a_track_that_goes_over_to_the_next_parked_vehicle_does_not_drive() -> None:
    drive, parked = Drive(), (Body(8.0, 6.0), Body(15.0, 6.0), Body(15.0, -6.0))
    for second in range(12):
        told = drive.look(parked, (0.2 * second, 0.0), followed=second // 4)
    by_place, measured = drive.moved_m(told)
    assert by_place >= 4.0
    assert measured == 0.0


def test_a_place_between_two_vehicles_where_nothing_stands_was_not_left() -> None:
    departures, parked = Departures(DepartureConfig()), (Body(6.0, 6.0), Body(22.0, 6.0))
    for second, x_m in enumerate((6.0, 6.0, 13.5, 14.5, 22.0, 22.0)):
        tracks = (track(x_m, 5.2, nanoseconds(float(second)), label=Label.VEHICLE),)
        departures.look(
            revolution(parked, (10.0, 0.0)),
            Pose3.from_pose2(Pose2(10.0, 0.0, 0.0)) @ BASE_FROM_LIDAR,
            tracks,
            nanoseconds(float(second)),
        )
    assert [told.drove_m for told in departures.told(tracks)] == [0.0]


@pytest.mark.parametrize(
    ("start", "step"),
    [((4.0, 14.0), (2.0, 0.0)), ((28.0, 0.0), (-2.0, 0.0)), ((6.0, 0.0), (2.0, 0.0)), ((20.0, -9.0), (-1.5, 1.5))],
    ids=["across", "nearer", "farther", "aslant"],
)
@pytest.mark.parametrize("robot_mps", [0.0, 1.0])
def test_a_vehicle_that_drives_is_seen_to(start: tuple[float, float], step: tuple[float, float], robot_mps: float) -> None:
    drive, wall = Drive(), Body(60.0, 30.0, length_m=100.0, width_m=1.0, bottom_m=0.0, top_m=6.0)
    for second in range(8):
        van = Body(start[0] + second * step[0], start[1] + second * step[1])
        told = drive.look((van, wall), (0.0, -robot_mps * second))
        assert second or told.drove_m == 0.0
    by_place, measured = drive.moved_m(told)
    assert measured == pytest.approx(by_place, abs=2.5)
    assert measured >= 8.0


def test_a_vehicle_that_was_first_seen_far_away_and_badly_drives_all_the_same() -> None:
    drive = Drive()
    for second in range(8):
        told = drive.look((Body(28.0 - 2.0 * second, 0.0),), (0.0, 0.0), std_m=6.0 if second == 0 else 0.2)
    by_place, measured = drive.moved_m(told)
    assert by_place < 4.0, "its first place is not known well enough"
    assert measured >= 8.0


@pytest.mark.parametrize("distance_m", [26.0, 32.0])
def test_far_out_in_the_open_no_beam_tells_and_places_alone_count(distance_m: float) -> None:
    drive = Drive()
    for second in range(8):
        told = drive.look((Body(-7.0 + 2.0 * second, distance_m),), (0.0, 0.0))
    by_place, measured = drive.moved_m(told)
    assert told.drove_m is None
    assert measured == by_place >= 8.0


def test_a_lorry_parked_far_out_in_the_open_does_not_drive() -> None:
    drive = Drive()
    for second in range(20):
        told = drive.look((replace(LORRY, y_m=28.0),), (-14.0 + 1.4 * second, 0.0))
    assert drive.moved_m(told)[1] == 0.0


def test_what_the_lidar_never_met_is_told_by_its_places() -> None:
    drive = Drive()
    for second in range(8):
        told = drive.look((Body(-7.0 + 2.0 * second, 20.0),), (0.0, 0.0), std_m=0.8)
    assert told.drove_m is None
    assert drive.moved_m(told)[1] >= 8.0


def test_a_place_that_is_known_well_only_since_the_last_look_is_looked_at_before_it_counts() -> None:
    drive = Drive()
    for x_m in (-14.0, -12.6, -11.2):
        told = drive.look((LORRY,), (x_m, 0.0), std_m=0.6)
    assert told.drove_m is None
    (between,) = drive.departures.told((track(0.0, 11.0, told.stamp_ns + STEP_NS, label=Label.VEHICLE, std_m=0.4),))
    assert between.drove_m == 0.0
    assert drive.look((LORRY,), (-9.8, 0.0)).drove_m == 0.0


def test_what_drives_behind_something_is_not_seen_to() -> None:
    drive, shed = Drive(), Body(10.0, 6.0, length_m=30.0, width_m=1.0, bottom_m=0.0, top_m=6.0)
    for second in range(8):
        told = drive.look((Body(4.0 + 2.0 * second, 14.0), shed), (0.0, 0.0))
    by_place, measured = drive.moved_m(told)
    assert by_place > 12.0
    assert measured == 0.0


def test_rain_hides_no_departure_and_makes_none() -> None:
    rng, departures = np.random.default_rng(1), Departures(DepartureConfig())
    for second, x_m in enumerate((4.0, 4.0, 10.0)):
        points = revolution((Body(x_m, 10.0), LORRY_BEHIND), (0.0, 0.0))
        points *= np.where(rng.random(len(points)) < 0.06, rng.uniform(0.1, 0.9, len(points)), 1.0)[:, None]
        tracks = (
            track(x_m, 9.0, second * 10 * STEP_NS, label=Label.VEHICLE),
            track(4.0 + 5.0 * second, 17.8, second * 10 * STEP_NS, label=Label.VEHICLE, track_id=2),
        )
        departures.look(points, BASE_FROM_LIDAR, tracks, second * 10 * STEP_NS)
    van, lorry = departures.told(tracks)
    assert van.drove_m == pytest.approx(6.0 - 2.0 * np.sqrt(2.0) * 0.2)
    assert lorry.drove_m == 0.0


LORRY_BEHIND = Body(9.0, 19.0, length_m=24.0, width_m=2.5, bottom_m=0.4, top_m=3.8)


def test_only_vehicles_are_told_of_and_only_while_the_lidar_turns() -> None:
    look = LidarLook(PerceptionConfig(), BASE_FROM_LIDAR, None)
    tracks = (track(8.0, 0.0, 0, label=Label.VEHICLE), track(4.0, 4.0, 0, track_id=2))
    assert look.driven(tracks, 0) == tracks, "no revolution yet"
    look.on_cloud(cloud(revolution((), (0.0, 0.0)), 0.0, 0), estimate(0, doubt="lost"))
    look.look()
    assert [told.drove_m for told in look.driven(tracks, nanoseconds(2.0))] == [0.0, None], "nobody saw it drive"
    assert look.driven(tracks, nanoseconds(4.0)) == tracks, "the last revolution was long ago"


@pytest.mark.parametrize(("drove_m", "moved_m"), [(None, 9.0), (0.0, 0.0), (5.0, 5.0), (20.0, 20.0)])
def test_a_vehicle_has_moved_as_far_as_the_lidar_saw_it_drive(drove_m: float | None, moved_m: float) -> None:
    memory = Memory(20.0)
    for x_m in (0.0, 9.0):
        seen = replace(track(x_m, 0.0, int(x_m) * STEP_NS, label=Label.VEHICLE, std_m=0.0), drove_m=drove_m)
        memory.take_in((seen,), seen.stamp_ns)
    assert seen.ground is not None
    assert memory.measures(seen, seen.ground, seen.stamp_ns)["moved_m"] == pytest.approx(moved_m)


PICTURE = noise_image()
APRON = site(zone("apron", square(-50.0, -50.0, 100.0)))


class Sight:
    """Finds one vehicle in the picture, as far as the picture shows it."""

    def __init__(self) -> None:
        self.body, self.base = LORRY, Pose2(0.0, 0.0, 0.0)

    def detect(self, image: Image) -> tuple[Detection, ...]:
        body, share = self.body, np.linspace(-0.5, 0.5, 60)
        half = np.full(60, 0.5)
        edges = [(share, -half), (share, half), (-half, share), (half, share)]
        flat = np.concatenate([np.column_stack((body.x_m + x * body.length_m, body.y_m + y * body.width_m)) for x, y in edges])
        shown = np.concatenate([np.column_stack((flat, np.full(len(flat), z))) for z in (0.0, body.top_m)])
        in_base = Pose3.from_pose2(self.base.inverse()).apply(shown)
        pixels = CAMERA.project(CAMERA.base_from_optical.inverse().apply(in_base))
        pixels = pixels[(pixels[:, 0] >= 0.0) & (pixels[:, 0] <= 640.0)].clip(0.0, (640.0, 480.0))
        if len(pixels) < 8:
            return ()
        (left, top), (right, bottom) = pixels.min(axis=0), pixels.max(axis=0)
        box = Box(x0_px=float(left), y0_px=float(top), x1_px=float(right), y1_px=float(bottom))
        return (detection(box, image.stamp_ns, label=Label.VEHICLE),)


def turning(number: int) -> Pose2:
    """A robot that stands beside the nose of the lorry, turns along it for 2.5 s and stands again."""
    return Pose2(-5.9, -1.5, math.radians(14.0 + 70.0 * min(max(number - 12, 0) / 25.0, 1.0)))


def passing(number: int) -> Body:
    return Body(-5.0 + 0.2 * number, 12.0, bottom_m=0.0)


DOCK = Body(0.0, 6.0, length_m=0.7, width_m=0.3, bottom_m=0.0, top_m=0.9)


def docking(number: int) -> Pose2:
    """A robot that drives up to the dock, turns to and fro before it, and drives off backwards."""
    left = min(max(number - 26, 0), 12) / 12.0
    return Pose2(0.2, min(0.2 * number, 4.8, 0.2 * (58 - number)), math.pi / 2.0 + 0.5 * math.sin(2.0 * math.pi * left))


@pytest.mark.parametrize(
    ("robot", "vehicle", "told", "by_place"),
    [
        (turning, lambda _: replace(LORRY, bottom_m=0.0), 0, 1),
        (docking, lambda _: DOCK, 0, 0),
        (lambda _: Pose2(0.0, 0.0, math.pi / 2.0), passing, 1, 1),
    ],
    ids=["parked", "dock", "drives"],
)
def test_a_lorry_that_comes_into_the_picture_bit_by_bit_is_no_alert_nor_a_dock_and_a_van_that_drives_is_one(
    robot: Callable[[int], Pose2], vehicle: Callable[[int], Body], told: int, by_place: int
) -> None:
    sight = Sight()
    perception = Perception(PerceptionConfig(), CAMERA, APRON, detector=sight, base_from_lidar=BASE_FROM_LIDAR)
    watch, alerts, others = Watch(APRON), 0, 0
    for number in range(60):
        stamp_ns = number * STEP_NS
        sight.body, sight.base = vehicle(number), robot(number)
        pose = estimate(stamp_ns, sight.base)
        perception.on_cloud(
            cloud(revolution((sight.body,), (sight.base.x_m, sight.base.y_m)), sight.base.yaw_rad, stamp_ns), pose
        )
        percepts = perception.on_image(replace(PICTURE, stamp_ns=stamp_ns), pose)
        alerts += len(percepts.alerts)
        unranged = tuple(replace(track, drove_m=None) for track in percepts.tracks)
        others += len(watch.evaluate(Scene(stamp_ns=stamp_ns, tracks=unranged)))
    assert (alerts, others) == (told, by_place)


def cloud(points_m: Floats, yaw_rad: float, stamp_ns: int) -> PointCloud:
    """Returns (N, 3) m along the map's axes, as a lidar sees them that is turned by ``yaw_rad``."""
    turned = Pose3.from_pose2(Pose2(0.0, 0.0, -yaw_rad)).apply(points_m).astype(np.float32)
    count = len(turned)
    return PointCloud(
        stamp_ns=stamp_ns,
        frame_id="lidar_link",
        points_m=turned,
        intensity=np.zeros(count, dtype=np.float32),
        ring=np.zeros(count, dtype=np.uint8),
        time_s=np.zeros(count, dtype=np.float32),
    )
