# SPDX-License-Identifier: Apache-2.0
"""What share of changes on a simulated site is found, and how many false findings a lap gives.

    python -m benchmarks.map_changes --laps 6

The depot is mapped by one lap along its fence. Each further lap is driven in a world with five changes, one of a kind, put in at
places that the seed chooses: a new object, a missing one, a hole of 0.5 m in the fence, an open gate, a parked car that moved.
The lidar is the simulator's; the pose comes from the localiser, with odometry that drifts. The first lap after mapping has no
change. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.figures import tell
from patrol.checks import Floats
from patrol.geometry import Pose2, Pose3
from patrol.sensors import Scan
from patrol.site_file import read_site
from sim.lidar import SpinningLidar
from sim.robot import read_robot
from sim.sdf import Collision, Shape, World, read_world
from sim.weather import Weather
from slam.config import ChangeConfig, LocaliserConfig, MapperConfig
from slam.findings import Finding, FindingKind, findings_of
from slam.localiser import Localiser
from slam.map_changes import Baseline, ChangeWatch
from slam.map_files import SavedMap
from slam.mapper import Mapper

ROOT = Path(__file__).resolve().parents[1]
_STEP_M, _SPEED_MPS = 0.24, 1.2
_CORNER_M = 1.5
_HOLE_M = 0.5
_FOUND_WITHIN_M = 1.2
_CARS = ("car_0", "car_1", "car_2", "car_3")
_MISSING = ("pallets_4", "pallets_5", "pallets_6", "container_2", "fuel_tank", "container_3")
_FENCES = ("fence_south_west", "fence_south_east", "fence_east_south", "fence_east_north", "fence_north", "fence_west")
_WAY = (
    (24, -36.6),
    (54.5, -36),
    (56.6, -1),
    (55, 35.5),
    (32, 36.6),
    (-30, 36.6),
    (-55.5, 36),
    (-56.6, 2),
    (-55, -36),
    (-8, -36.6),
    (25, -36.6),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """One change: what a finding must be called, and where it may be found (any of the places)."""

    kind: FindingKind
    places_m: tuple[tuple[float, float], ...]
    reach_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lap:
    """The scans of one lap, where each was taken, and what odometry said."""

    scans: tuple[Scan, ...]
    true_poses: tuple[Pose2, ...]
    odometry: tuple[Pose2, ...]


def way() -> tuple[Pose2, ...]:
    """Poses every 24 cm along the fence, corners rounded."""
    corners = np.array(_WAY, dtype=np.float64)
    lengths = np.linalg.norm(np.diff(corners, axis=0), axis=1)
    marks = np.arange(0.0, lengths.sum(), _STEP_M)
    path = np.concatenate(([0.0], np.cumsum(lengths)))
    x, y = (np.interp(marks, path, corners[:, axis]) for axis in range(2))
    width = round(2.0 * _CORNER_M / _STEP_M)
    kernel = np.ones(width) / width
    x, y = (np.convolve(np.pad(line, width // 2, mode="edge"), kernel, "same")[width // 2 : -(width // 2)] for line in (x, y))
    yaw = np.arctan2(np.gradient(y), np.gradient(x))
    return tuple(Pose2(float(a), float(b), float(c)) for a, b, c in zip(x, y, yaw, strict=True))


def drive(world: World, poses: tuple[Pose2, ...], *, seed: int) -> Lap:
    """One lap of the simulator's lidar; odometry is 1 % long and turns a little too far."""
    rng = np.random.default_rng(seed)
    robot = read_robot()
    lidar = SpinningLidar(robot.lidar, world, rng)
    weather = Weather()
    scans, odometry, odom = [], [], Pose2(0.0, 0.0, 0.0)
    for row, pose in enumerate(poses):
        after = poses[min(row + 1, len(poses) - 1)]
        share = _SPEED_MPS / robot.lidar.rate_hz / _STEP_M
        step = pose.inverse() @ after
        end = pose @ Pose2(share * step.x_m, share * step.y_m, share * step.yaw_rad)
        yaw_end = pose.yaw_rad + math.remainder(end.yaw_rad - pose.yaw_rad, 2.0 * math.pi)
        trail = np.array([[pose.x_m, pose.y_m, 0, 0, 0, pose.yaw_rad], [end.x_m, end.y_m, 0, 0, 0, yaw_end]], dtype=np.float64)
        stamp_ns = round((1.0 + row * _STEP_M / _SPEED_MPS) * 1e9)
        scans.append(lidar.scan(lidar.revolve(trail, stamp_ns, (), weather)))
        odometry.append(odom)
        noise = rng.normal(1.01, 0.02)
        odom = odom @ Pose2(step.x_m * noise, step.y_m * noise, step.yaw_rad * 1.02 + rng.normal(0.0, 0.001))
    return Lap(scans=tuple(scans), true_poses=poses, odometry=tuple(odometry))


def mapped(lap: Lap) -> SavedMap:
    """The baseline."""
    mapper = Mapper(MapperConfig(), read_robot().base_from_lidar.to_pose2(), lap.true_poses[0])
    for scan, odom in zip(lap.scans, lap.odometry, strict=True):
        mapper.add_scan(scan, odom)
    mapper.settle()
    return mapper.saved()


def review(saved: SavedMap, baseline: Baseline, lap: Lap) -> tuple[tuple[Finding, ...], float]:
    """The findings of a lap, and the largest error of the pose, in m."""
    mount, config = read_robot().base_from_lidar.to_pose2(), ChangeConfig()
    localiser = Localiser(saved, LocaliserConfig(), mount, start=lap.true_poses[0])
    watch = ChangeWatch(baseline, config, mount)
    worst_m = 0.0
    for scan, odom, truth in zip(lap.scans, lap.odometry, lap.true_poses, strict=True):
        update = localiser.add_scan(scan, odom)
        watch.look(scan, update.estimate, update.rate)
        worst_m = max(worst_m, update.estimate.map_from_base.distance_to(truth))
    return findings_of(watch, read_site(ROOT / "config" / "sites" / "depot.geojson"), config), worst_m


class Injector:
    """Changes a world, a kind at a time."""

    def __init__(self, world: World, poses: tuple[Pose2, ...], rng: np.random.Generator) -> None:
        self._parts, self._rng = list(world.collisions), rng
        self._world, self._way = world, np.array([(pose.x_m, pose.y_m) for pose in poses])
        self.injected: list[Injected] = []

    def world(self) -> World:
        return replace(self._world, collisions=tuple(self._parts))

    def new_object(self) -> None:
        """A crate or a cabinet beside the way."""
        while True:
            here = self._way[self._rng.integers(len(self._way))] + self._rng.uniform(-5.0, 5.0, 2)
            is_inside = abs(here[0]) < 58.5 and abs(here[1]) < 38.5
            if is_inside and self._away_from_way(here) > 1.2 and self._is_free(here, 1.2):
                break
        width_m, depth_m = self._rng.uniform(0.4, 1.2, 2)
        pose = Pose3.from_xyz_rpy(float(here[0]), float(here[1]), 0.6, 0.0, 0.0, float(self._rng.uniform(0.0, 3.0)))
        shape = Shape(kind="box", size_m=(float(width_m), float(depth_m), 1.2))
        self._parts.append(Collision(name="crate/link/wood_0", surface="wood", world_from_shape=pose, shape=shape))
        self._note(FindingKind.NEW_OBJECT, (here,), 0.6)

    def missing_object(self) -> None:
        self._note(FindingKind.MISSING_OBJECT, (self._taken(str(self._rng.choice(_MISSING))),), 3.0)

    def gate_open(self) -> None:
        self._note(
            FindingKind.GATE_OPEN,
            (self._taken(str(self._rng.choice(("main_gate/link/fence_0", "service_gate/link/fence_0")))),),
            3.0,
        )

    def vehicle_moved(self) -> None:
        """A parked car, moved to where nothing stands."""
        name = str(self._rng.choice(_CARS))
        parts = [part for part in self._parts if part.name.startswith(f"{name}/")]
        before = parts[0].world_from_shape.translation_m[:2]
        for part in parts:
            self._parts.remove(part)
        while True:
            shift = self._rng.uniform(-9.0, 9.0, 2)
            after = before + shift
            if np.linalg.norm(shift) > 1.0 and self._away_from_way(after) > 3.5 and self._is_free(after, 2.6):
                break
        for part in parts:
            moved = part.world_from_shape.translation_m + np.append(shift, 0.0)
            self._parts.append(replace(part, world_from_shape=Pose3(moved, part.world_from_shape.rotation)))
        self._note(FindingKind.VEHICLE_MOVED, (after,), 2.0)

    def fence_hole(self) -> None:
        """A gap of 0.5 m, cut from top to bottom."""
        name = f"{self._rng.choice(_FENCES)}/link/fence_0"
        fence = next(part for part in self._parts if part.name == name)
        length_m, depth_m, height_m = fence.shape.size_m
        gap = float(self._rng.uniform(-0.5 * length_m + 3.0, 0.5 * length_m - 3.0))
        self._parts.remove(fence)
        for low, high in ((-0.5 * length_m, gap - 0.5 * _HOLE_M), (gap + 0.5 * _HOLE_M, 0.5 * length_m)):
            pose = fence.world_from_shape @ Pose3.from_xyz_rpy(0.5 * (low + high), 0.0, 0.0, 0.0, 0.0, 0.0)
            shape = Shape(kind="box", size_m=(high - low, depth_m, height_m))
            self._parts.append(replace(fence, world_from_shape=pose, shape=shape))
        self._note(FindingKind.FENCE_HOLE, (fence.world_from_shape.apply([[gap, 0.0, 0.0]])[0, :2],), 0.3)

    def _taken(self, prefix: str) -> Floats:
        """Take away the parts whose name begins with ``prefix``; where they stood."""
        parts = [part for part in self._parts if part.name.startswith(prefix)]
        for part in parts:
            self._parts.remove(part)
        where: Floats = np.mean([part.world_from_shape.translation_m[:2] for part in parts], axis=0)
        return where

    def _note(self, kind: FindingKind, places: tuple[Floats, ...], reach_m: float) -> None:
        self.injected.append(Injected(kind=kind, places_m=tuple((float(x), float(y)) for x, y in places), reach_m=reach_m))

    def _away_from_way(self, here: Floats) -> float:
        return float(np.linalg.norm(self._way - here, axis=1).min())

    def _is_free(self, here: Floats, room_m: float) -> bool:
        """Whether nothing but the ground stands within ``room_m``."""
        return all(
            _away_from_box(part, here) > room_m for part in self._parts if not part.name.startswith(("ground", "tree"))
        ) and all(np.linalg.norm(np.array(place) - here) > room_m + 2.0 for item in self.injected for place in item.places_m)


def _away_from_box(part: Collision, here: Floats) -> float:
    local = part.world_from_shape.inverse().apply([[here[0], here[1], part.world_from_shape.translation_m[2]]])[0, :2]
    size = part.shape.size_m
    half = np.array([size[0], size[1] if part.shape.kind == "box" else size[0]]) * (0.5 if part.shape.kind == "box" else 1.0)
    return float(np.linalg.norm(np.maximum(np.abs(local) - half, 0.0))) if part.shape.kind in ("box", "cylinder") else math.inf


def matched(injected: list[Injected], findings: tuple[Finding, ...]) -> tuple[list[bool], list[bool], int]:
    """Of each change whether it was found, and under its kind; and the number of findings that belong to no change."""
    found, typed, used = [], [], set[int]()
    for item in injected:
        rows = [
            row
            for row, finding in enumerate(findings)
            if min(np.linalg.norm(finding.position_m - np.array(place)) for place in item.places_m)
            < item.reach_m + _FOUND_WITHIN_M
        ]
        used.update(rows)
        found.append(bool(rows))
        typed.append(any(findings[row].kind is item.kind for row in rows))
        if item.kind is FindingKind.VEHICLE_MOVED:
            used.update(row for row, finding in enumerate(findings) if finding.kind is FindingKind.VEHICLE_MOVED)
    return found, typed, len(findings) - len(used)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--laps", type=int, default=6, help="laps with five changes each")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    world, poses = read_world(ROOT / "sim" / "worlds" / "depot.sdf"), way()
    saved = mapped(drive(world, poses, seed=chosen.seed))
    baseline = Baseline.of(saved, ChangeConfig().cell_m)
    quiet, worst_m = review(saved, baseline, drive(world, poses, seed=chosen.seed + 1))
    found: list[bool] = []
    typed: list[bool] = []
    false = [len(quiet)]
    for lap in range(chosen.laps):
        rng = np.random.default_rng(1000 * chosen.seed + lap)
        injector = Injector(world, poses, rng)
        for inject in (
            injector.fence_hole,
            injector.gate_open,
            injector.missing_object,
            injector.vehicle_moved,
            injector.new_object,
        ):
            inject()
        findings, error_m = review(saved, baseline, drive(injector.world(), poses, seed=chosen.seed + 10 + lap))
        lap_found, lap_typed, lap_false = matched(injector.injected, findings)
        found, typed, worst_m = [*found, *lap_found], [*typed, *lap_typed], max(worst_m, error_m)
        false.append(lap_false)
    tell(
        "map_changes",
        {
            "laps": chosen.laps,
            "injected": len(found),
            "found_share": round(float(np.mean(found)), 4) if found else None,
            "typed_share": round(float(np.mean(typed)), 4) if typed else None,
            "false_per_lap": round(float(np.mean(false)), 3),
            "false_in_unchanged_lap": len(quiet),
            "pose_error_max_m": round(worst_m, 3),
        },
    )


if __name__ == "__main__":
    main()
