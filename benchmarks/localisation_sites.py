# SPDX-License-Identifier: Apache-2.0
"""Localisation on whole sites, for its benchmark: places to begin at, a robot carried off, hours with people about."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from shapely.geometry import Point

from benchmarks.site_drives import PERIOD_S, PREMISES, ROOT, Premises, away_from_box, driven, mapped, way, world_of
from patrol.checks import Floats
from patrol.geometry import Pose2
from patrol.site_file import read_site
from sim.robot import read_robot
from sim.sdf import World
from slam.config import LocaliserConfig
from slam.localiser import Localiser
from slam.map_files import SavedMap
from slam.relocaliser import Nearby
from tests.slam.raycaster import Step, box, cast

_ASIDE_M, _ROOM_M, _SEARCH_S = 1.5, 0.5, 60.0
_KNOWN_S, _AFTER_S, _CARRIED_MIN_M = 6.0, 10.0, 15.0
_RIGHT_WITHIN_M = 0.3
_PEOPLE, _WALK_MPS, _NEAR_M, _FAR_M = 6, 1.2, 0.7, 15.0
_SHOULDERS_M, _DEPTH_M, _SWERVE_RAD = 0.4, 0.3, 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A site as it is, and its map by one lap."""

    premises: Premises
    world: World
    saved: SavedMap
    poses: tuple[Pose2, ...]

    @classmethod
    def of(cls, name: str, seed: int, keep: Path | None) -> Ground:
        """Drive the lap, or read the map from ``keep``."""
        premises = PREMISES[name]
        return cls(premises=premises, world=world_of(premises), saved=mapped(premises, seed, keep), poses=way(premises))

    def anywhere(self, rng: np.random.Generator, lasts_s: float) -> tuple[Pose2, ...]:
        """A stretch of the way, driven either way round and up to 1.5 m beside it, clear of everything."""
        count = round(lasts_s / PERIOD_S)
        while True:
            first, aside_m = int(rng.integers(len(self.poses) - count)), float(rng.uniform(-_ASIDE_M, _ASIDE_M))
            beside = [pose @ Pose2(0.0, aside_m, 0.0) for pose in self.poses[first : first + count]]
            if rng.random() < 0.5:
                beside = [pose @ Pose2(0.0, 0.0, math.pi) for pose in reversed(beside)]
            if all(self._is_clear(pose) for pose in beside[::5]):
                return tuple(beside)

    def _is_clear(self, pose: Pose2) -> bool:
        here = np.array((pose.x_m, pose.y_m))
        solid = (part for part in self.world.collisions if not part.name.startswith("ground"))
        return all(away_from_box(part, here) > _ROOM_M for part in solid)


def stretches(ground: Ground, count: int, seed: int) -> Iterator[Iterator[Step]]:
    """Drives of a minute at most from ``count`` places."""
    for number in range(count):
        rng = np.random.default_rng((seed, number))
        yield driven(ground.world, ground.anywhere(rng, _SEARCH_S), seed=seed * 1000 + number)


class Sky:
    """GNSS fixes, ``std_m`` off per axis, wherever no building of the site stands over the robot."""

    def __init__(self, premises: Premises, std_m: float, seed: int) -> None:
        site = read_site(ROOT / "config" / "sites" / f"{premises.name}.geojson")
        self._roofs = [building.outline for building in site.buildings]
        self._std_m, self._rng = std_m, np.random.default_rng(seed)

    def fix(self, step: Step) -> Nearby | None:
        """What the receiver tells while the robot is at the step."""
        here = step.true_pose
        if any(roof.covers(Point(here.x_m, here.y_m)) for roof in self._roofs):
            return None
        off_m = self._rng.normal(0.0, self._std_m, 2)
        return Nearby(stamp_ns=step.scan.stamp_ns, position_m=np.array((here.x_m, here.y_m)) + off_m, std_m=self._std_m)


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedOff:
    """A robot that was carried elsewhere: seconds to the first doubt, and until the right place was told without one (None: not
    within ten), and for how many seconds a wrong place was told without any."""

    noticed_s: float | None
    found_s: float | None
    wrong_s: float


def carried_off(ground: Ground, seed: int) -> CarriedOff:
    """Drive six seconds here, then ten where the robot was carried to; odometry knows nothing of the carrying."""
    rng = np.random.default_rng(seed)
    here = ground.anywhere(rng, _KNOWN_S + _AFTER_S)
    there = ground.anywhere(rng, _KNOWN_S + _AFTER_S)
    while here[-1].distance_to(there[-1]) < _CARRIED_MIN_M:
        there = ground.anywhere(rng, _KNOWN_S + _AFTER_S)
    known = round(_KNOWN_S / PERIOD_S)
    before = list(driven(ground.world, here, seed=seed))[:known]
    localiser = Localiser(ground.saved, LocaliserConfig(), read_robot().base_from_lidar.to_pose2(), start=here[0])
    for step in before:
        localiser.add_scan(step.scan, step.odom_from_base, odom_at_end=step.odom_at_end)
    after = list(driven(ground.world, there, seed=seed + 1))[known:]
    odom_from_odom = before[-1].odom_from_base @ after[0].odom_from_base.inverse()
    told: list[tuple[bool, float]] = []
    for step in after:
        at_end = None if step.odom_at_end is None else odom_from_odom @ step.odom_at_end
        update = localiser.add_scan(step.scan, odom_from_odom @ step.odom_from_base, odom_at_end=at_end)
        told.append((bool(update.estimate.doubt), update.estimate.map_from_base.distance_to(step.true_pose)))
    noticed = [row for row, (is_doubting, _) in enumerate(told) if is_doubting]
    found = [row for row, (is_doubting, off_m) in enumerate(told) if not is_doubting and off_m <= _RIGHT_WITHIN_M]
    wrong = sum(not is_doubting and off_m > _RIGHT_WITHIN_M for is_doubting, off_m in told)
    return CarriedOff(
        noticed_s=noticed[0] * PERIOD_S if noticed else None,
        found_s=found[0] * PERIOD_S if found else None,
        wrong_s=wrong * PERIOD_S,
    )


class Crowd:
    """People who walk about the robot: they come up to 0.7 m, and who is 15 m away comes back from elsewhere."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._places, self._headings = np.full((_PEOPLE, 2), np.inf), rng.uniform(-math.pi, math.pi, _PEOPLE)

    def walk(self, robot: Pose2) -> Floats:
        """Their outlines (N, 4) m, one step later."""
        rng, middle = self._rng, np.array((robot.x_m, robot.y_m))
        self._headings += rng.normal(0.0, _SWERVE_RAD, _PEOPLE)
        self._places += PERIOD_S * _WALK_MPS * np.column_stack((np.cos(self._headings), np.sin(self._headings)))
        away_m = np.linalg.norm(self._places - middle, axis=1)
        for row in np.flatnonzero((away_m < _NEAR_M) | ~(away_m < _FAR_M)):
            angle, reach_m = rng.uniform(-math.pi, math.pi), rng.uniform(2.0, _FAR_M)
            self._places[row] = middle + reach_m * np.array((math.cos(angle), math.sin(angle)))
        return np.vstack([box(x - 0.5 * _SHOULDERS_M, y - 0.5 * _DEPTH_M, _SHOULDERS_M, _DEPTH_M) for x, y in self._places])


def met(step: Step, people: Floats, base_from_lidar: Pose2) -> Step:
    """The scan with people (N, 4) in it."""
    scan = step.scan
    near = cast(people, step.true_pose @ base_from_lidar, scan.angles_rad()).astype(np.float32)
    return replace(step, scan=replace(scan, ranges_m=np.where(near < scan.ranges_m, near, scan.ranges_m)))


def doubts_in(ground: Ground, hours: float, seed: int) -> tuple[int, float, float]:
    """Round after round of the unchanged site with people about, localised: how often the pose came into doubt, hours driven,
    and the largest error of the pose, in m."""
    rng, mount = np.random.default_rng(seed), read_robot().base_from_lidar.to_pose2()
    localiser = Localiser(ground.saved, LocaliserConfig(), mount, start=ground.poses[0])
    crowd, doubts, was_doubting, worst_m = Crowd(rng), 0, False, 0.0
    poses = _rounds(ground.poses, round(hours * 3600.0 / PERIOD_S))
    for step in driven(ground.world, poses, seed=seed):
        update = localiser.add_scan(
            met(step, crowd.walk(step.true_pose), mount).scan, step.odom_from_base, odom_at_end=step.odom_at_end
        )
        doubts += bool(update.estimate.doubt) and not was_doubting
        was_doubting = bool(update.estimate.doubt)
        worst_m = max(worst_m, update.estimate.map_from_base.distance_to(step.true_pose))
    return doubts, len(poses) * PERIOD_S / 3600.0, worst_m


def _rounds(poses: Sequence[Pose2], count: int) -> list[Pose2]:
    """``count`` poses along the way, there and back again, so that no step is a leap."""
    back = [pose @ Pose2(0.0, 0.0, math.pi) for pose in reversed(poses)]
    both = [*poses, *_turned(poses[-1], back[0]), *back, *_turned(back[-1], poses[0])]
    return [both[row % len(both)] for row in range(count)]


def _turned(before: Pose2, after: Pose2) -> list[Pose2]:
    """On the spot, at 1 rad/s."""
    turn = math.remainder(after.yaw_rad - before.yaw_rad, 2.0 * math.pi)
    steps = max(2, math.ceil(abs(turn) / PERIOD_S))
    return [Pose2(before.x_m, before.y_m, before.yaw_rad + turn * row / steps) for row in range(1, steps)]
