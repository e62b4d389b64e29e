# SPDX-License-Identifier: Apache-2.0
"""What the lidar tells now and then: things put down and taken away, and rain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from patrol.air import Sky
from patrol.checks import Floats
from patrol.clock import nanoseconds
from patrol.geometry import Pose2, Pose3
from patrol.percepts import Label, Track
from patrol.sensors import PointCloud
from perception.air_watch import AirConfig, AirWatch
from perception.lidar_look import LidarLook
from perception.pipeline import PerceptionConfig
from perception.still_things import StillThings, StillThingsConfig
from tests.perception.build import estimate, site, track

HEIGHT_M, COLUMNS = 0.65, 360
ELEVATIONS = np.radians(np.linspace(-15.0, 15.0, 16))
BASE_FROM_LIDAR = Pose3.from_xyz_rpy(0.0, 0.0, HEIGHT_M, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Pillar:
    """Something round that stands on the ground."""

    x_m: float
    y_m: float
    radius_m: float = 0.25
    height_m: float = 0.45


def revolution(things: Sequence[Pillar], at: tuple[float, float] = (0.0, 0.0)) -> Floats:
    """Returns (N, 3) in the lidar's frame, from flat ground and pillars, up to 40 m."""
    azimuth, elevation = np.meshgrid(np.linspace(-np.pi, np.pi, COLUMNS, endpoint=False), ELEVATIONS, indexing="ij")
    with np.errstate(divide="ignore"):
        reach = np.where(elevation < 0.0, HEIGHT_M / np.tan(np.abs(elevation)), np.inf)
    for thing in things:
        away, bearing = np.hypot(thing.x_m - at[0], thing.y_m - at[1]), np.arctan2(thing.y_m - at[1], thing.x_m - at[0])
        off = np.abs((azimuth - bearing + np.pi) % (2.0 * np.pi) - np.pi) * away
        front = away - np.sqrt(np.maximum(thing.radius_m**2 - off**2, 0.0))
        meets = (off <= thing.radius_m) & (HEIGHT_M + front * np.tan(elevation) <= thing.height_m) & (front < reach)
        reach = np.where(meets, front, reach)
    kept = reach <= 40.0
    reach, azimuth, elevation = reach[kept], azimuth[kept], elevation[kept]
    return np.column_stack((reach * np.cos(azimuth), reach * np.sin(azimuth), reach * np.tan(elevation)))


class Yard:
    """A robot that looks once a second."""

    def __init__(self) -> None:
        self.still = StillThings(StillThingsConfig())
        self._stamp_ns = 0

    def look(
        self, count: int, *things: Pillar, living: Sequence[Track] = (), at: tuple[float, float] = (0.0, 0.0), off_m: float = 0.0
    ) -> tuple[Track, ...]:
        """``off_m``: how far the robot believes to be east of where it is."""
        for _ in range(count):
            self._stamp_ns += nanoseconds(1.0)
            pose = Pose3.from_pose2(Pose2(at[0] + off_m, at[1], 0.0)) @ BASE_FROM_LIDAR
            self.still.look(revolution(things, at), pose, living, self._stamp_ns)
        return tuple(item for item in self.still.tracks(self._stamp_ns) if item.state == "confirmed")


PARCEL = Pillar(5.0, 1.0)


def test_a_thing_put_down_is_found_where_it_stands_and_taken_away_again() -> None:
    yard = Yard()
    assert yard.look(5) == ()
    (found,) = yard.look(4, PARCEL)
    assert found.label is Label.OBJECT
    assert found.ground is not None
    assert np.hypot(*(found.ground.position_m - (5.0, 1.0))) < 0.4
    (again,) = yard.look(10, PARCEL)
    assert again.track_id == found.track_id
    (gone,) = yard.look(5)
    assert gone.label is Label.MISSING
    assert gone.ground is not None
    assert np.hypot(*(gone.ground.position_m - (5.0, 1.0))) < 0.5


def test_what_stood_there_from_the_first_is_nothing_new() -> None:
    yard = Yard()
    assert yard.look(12, PARCEL) == ()
    assert yard.look(6, PARCEL, at=(1.5, 0.0)) == ()


@pytest.mark.parametrize("thing", [Pillar(5.0, 1.0, height_m=1.75), Pillar(5.0, 1.0, radius_m=1.6), Pillar(17.0, 1.0)],
                         ids=["tall", "large", "far"])  # fmt: skip
def test_what_is_tall_large_or_far_is_no_thing(thing: Pillar) -> None:
    yard = Yard()
    yard.look(5)
    assert yard.look(8, thing) == ()


def test_who_lives_is_no_thing() -> None:
    yard = Yard()
    yard.look(5)
    assert yard.look(6, PARCEL, living=[track(5.2, 1.2, 0)]) == ()


def test_a_post_that_the_pose_s_error_shifts_is_neither_new_nor_gone() -> None:
    yard, post = Yard(), Pillar(5.0, 1.0, radius_m=0.1, height_m=0.9)
    yard.look(15, post)
    assert yard.look(8, post, off_m=0.3) == ()


def test_a_thing_is_remembered_from_lap_to_lap_and_ground_that_is_far_back_is_forgotten() -> None:
    yard = Yard()
    yard.look(5)
    (found,) = yard.look(4, PARCEL)
    for step in range(1, 6):
        yard.look(2, PARCEL, at=(-8.0 * step, 0.0))
    (again,) = yard.look(3, PARCEL)
    assert again.track_id == found.track_id
    small = StillThings(StillThingsConfig(tiles_most=16))
    for step in range(40):
        pose = Pose3.from_pose2(Pose2(25.0 * step, 0.0, 0.0)) @ BASE_FROM_LIDAR
        small.look(revolution(()), pose, (), nanoseconds(step))
    assert small.tiles == 16


def test_only_a_passer_by_leaves_nothing_behind() -> None:
    yard = Yard()
    yard.look(5)
    for step in range(6):
        assert yard.look(1, Pillar(5.0, -3.0 + 1.2 * step, height_m=0.6)) == ()
    assert yard.look(5) == ()


def drops(count: int, seed: int = 0) -> Floats:
    """Lone returns near the robot."""
    random = np.random.default_rng(seed)
    way = random.normal(size=(count, 3))
    points: Floats = way / np.linalg.norm(way, axis=1)[:, None] * random.uniform(1.0, 7.0, (count, 1))
    return points


@pytest.mark.parametrize(("share", "sky"), [(0.0, Sky.CLEAR), (0.004, Sky.RAIN), (0.02, Sky.FOG)])
def test_rain_and_fog_are_told_from_lone_returns(share: float, sky: Sky) -> None:
    air, walls = AirWatch(AirConfig()), np.random.default_rng(1).uniform(-6.0, 6.0, (14000, 2))
    ground = np.column_stack((walls, np.full(len(walls), -0.65)))
    assert air.sky is None
    for seed in range(10):
        air.look(np.vstack((ground, drops(round(share * len(ground)), seed))))
    assert air.sky is sky


def test_a_lidar_look_takes_its_time_and_looks_away_while_the_robot_turns() -> None:
    look = LidarLook(PerceptionConfig(), BASE_FROM_LIDAR, site())
    empty, full = revolution(()), revolution((PARCEL,))
    for number in range(160):
        stamp_ns = nanoseconds(0.1 * number)
        points = full if number >= 60 else empty
        look.on_cloud(_cloud(points, stamp_ns), estimate(stamp_ns, Pose2(0.0, 0.0, 0.05 * number if number >= 60 else 0.0)))
        look.look()
    assert look.things((), nanoseconds(16.0)) == ()
    for number in range(160, 230):
        look.on_cloud(_cloud(full, nanoseconds(0.1 * number)), estimate(nanoseconds(0.1 * number), Pose2(0.0, 0.0, 0.0)))
        look.look()
    assert [item.label for item in look.things((), nanoseconds(23.0))] == [Label.OBJECT]
    assert look.sky is Sky.CLEAR


def _cloud(points: Floats, stamp_ns: int) -> PointCloud:
    count = len(points)
    return PointCloud(
        stamp_ns=stamp_ns,
        frame_id="lidar_link",
        points_m=points.astype(np.float32),
        intensity=np.ones(count, dtype=np.float32),
        ring=np.zeros(count, dtype=np.uint8),
        time_s=np.zeros(count, dtype=np.float32),
    )
