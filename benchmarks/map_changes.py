# SPDX-License-Identifier: Apache-2.0
"""What share of changes on simulated sites is found, and how many false findings a lap gives.

    python -m benchmarks.map_changes --laps 6 --sites depot prison --seeds 1 2

Each site is mapped by one lap. Each further lap is driven in a world with five changes, one of a kind, put in at places that the
seed chooses: a new object, a missing one, a hole of 0.5 m in the fence, an open gate, a parked vehicle that moved. The lidar is
the simulator's; the pose comes from the localiser, with odometry that drifts. The first lap after mapping has no change. The last
line is one JSON object; what was missed or made up is told before it.
"""

from __future__ import annotations

import argparse
import logging
import math
from dataclasses import dataclass, field, replace
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
log = logging.getLogger(__name__)
_STEP_M, _SPEED_MPS = 0.24, 1.2
_CORNER_M = 1.5
_HOLE_M = 0.5
_HOLE_SEEN_WITHIN_M = 6.0
_FOUND_WITHIN_M = 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Premises:
    """A site, the way driven through it (corners, m in map; the first is the last), what can be changed (names of models or
    links in its world), and how far from its middle a new object may stand."""

    name: str
    way_m: tuple[tuple[float, float], ...]
    fences: tuple[str, ...]
    gates: tuple[str, ...]
    vehicles: tuple[str, ...]
    removable: tuple[str, ...]
    half_m: tuple[float, float]


DEPOT = Premises(
    name="depot",
    way_m=(
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
    ),
    fences=("fence_south_west", "fence_south_east", "fence_east_south", "fence_east_north", "fence_north", "fence_west"),
    gates=("main_gate", "service_gate"),
    vehicles=("car_0", "car_1", "car_2", "car_3"),
    removable=("pallets_4", "pallets_5", "pallets_6", "container_2", "fuel_tank", "container_3"),
    half_m=(58.5, 38.5),
)
PRISON = Premises(
    name="prison",
    way_m=(
        (33, -47),
        (66.6, -47),
        (67, 0),
        (66.6, 47),
        (-66.6, 47),
        (-67, 0),
        (-66.6, -47),
        (31, -47),
        (33, -44),
        (33, -34),
        (34, -5),
        (52, -4),
        (54, 5),
        (-54, 5),
        (-50, -8),
        (0, -13),
        (26, -24),
        (33, -36),
        (33, -46),
    ),
    fences=("fence_south_west", "fence_south_east", "fence_east", "fence_north", "fence_west"),
    gates=("lock_inner_gate",),
    vehicles=("kitchen_van",),
    removable=("store", "benches/link/wood_0", "benches/link/wood_2", "inner_gate_slid_open"),
    half_m=(68.5, 48.5),
)
PREMISES = {premises.name: premises for premises in (DEPOT, PRISON)}


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


def way(premises: Premises) -> tuple[Pose2, ...]:
    """Poses every 24 cm, corners rounded."""
    corners = np.array(premises.way_m, dtype=np.float64)
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


def review(premises: Premises, saved: SavedMap, baseline: Baseline, lap: Lap) -> tuple[tuple[Finding, ...], float]:
    """The findings of a lap, and the largest error of the pose, in m."""
    mount, config = read_robot().base_from_lidar.to_pose2(), ChangeConfig()
    localiser = Localiser(saved, LocaliserConfig(), mount, start=lap.true_poses[0])
    watch = ChangeWatch(baseline, config, mount)
    worst_m = 0.0
    for scan, odom, truth in zip(lap.scans, lap.odometry, lap.true_poses, strict=True):
        update = localiser.add_scan(scan, odom)
        watch.look(scan, update.estimate, update.rate)
        worst_m = max(worst_m, update.estimate.map_from_base.distance_to(truth))
    return findings_of(watch, read_site(ROOT / "config" / "sites" / f"{premises.name}.geojson"), config), worst_m


class Injector:
    """Changes a world, a kind at a time."""

    def __init__(self, premises: Premises, world: World, poses: tuple[Pose2, ...], rng: np.random.Generator) -> None:
        self._premises, self._parts, self._rng = premises, list(world.collisions), rng
        self._world, self._way = world, np.array([(pose.x_m, pose.y_m) for pose in poses])
        self.injected: list[Injected] = []

    def world(self) -> World:
        return replace(self._world, collisions=tuple(self._parts))

    def new_object(self) -> None:
        """A crate or a cabinet beside the way."""
        while True:
            here = self._way[self._rng.integers(len(self._way))] + self._rng.uniform(-5.0, 5.0, 2)
            is_inside = bool((np.abs(here) < self._premises.half_m).all())
            if is_inside and self._away_from_way(here) > 1.2 and self._is_free(here, 1.2):
                break
        width_m, depth_m = self._rng.uniform(0.4, 1.2, 2)
        pose = Pose3.from_xyz_rpy(float(here[0]), float(here[1]), 0.6, 0.0, 0.0, float(self._rng.uniform(0.0, 3.0)))
        shape = Shape(kind="box", size_m=(float(width_m), float(depth_m), 1.2))
        self._parts.append(Collision(name="crate/link/wood_0", surface="wood", world_from_shape=pose, shape=shape))
        self._note(FindingKind.NEW_OBJECT, (here,), 0.6)

    def missing_object(self) -> None:
        self._note(FindingKind.MISSING_OBJECT, (self._taken(str(self._rng.choice(self._premises.removable))),), 3.0)

    def gate_open(self) -> None:
        self._note(FindingKind.GATE_OPEN, (self._taken(f"{self._rng.choice(self._premises.gates)}/link/fence_0"),), 3.0)

    def vehicle_moved(self) -> None:
        """A parked car, moved to where nothing stands."""
        name = str(self._rng.choice(self._premises.vehicles))
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
        self._note(FindingKind.VEHICLE_MOVED, (after, before), 2.0)

    def fence_hole(self) -> None:
        """A gap of 0.5 m, cut from top to bottom."""
        name = f"{self._rng.choice(self._premises.fences)}/link/fence_0"
        fence = next(part for part in self._parts if part.name == name)
        length_m, depth_m, height_m = fence.shape.size_m
        while True:
            gap = float(self._rng.uniform(-0.5 * length_m + 3.0, 0.5 * length_m - 3.0))
            middle_m = fence.world_from_shape.apply([[gap, 0.0, 0.0]])[0, :2]
            if self._away_from_way(middle_m) < _HOLE_SEEN_WITHIN_M:
                break
        self._parts.remove(fence)
        for low, high in ((-0.5 * length_m, gap - 0.5 * _HOLE_M), (gap + 0.5 * _HOLE_M, 0.5 * length_m)):
            pose = fence.world_from_shape @ Pose3.from_xyz_rpy(0.5 * (low + high), 0.0, 0.0, 0.0, 0.0, 0.0)
            shape = Shape(kind="box", size_m=(high - low, depth_m, height_m))
            self._parts.append(replace(fence, world_from_shape=pose, shape=shape))
        self._note(FindingKind.FENCE_HOLE, (middle_m,), 0.3)

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


def matched(injected: list[Injected], findings: tuple[Finding, ...]) -> tuple[list[bool], list[bool], list[Finding]]:
    """Of each change whether it was found, and under its kind; and the findings that belong to no change."""
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
    return found, typed, [finding for row, finding in enumerate(findings) if row not in used]


@dataclass(slots=True, kw_only=True)
class Tally:
    """What came of all laps so far."""

    found: list[tuple[FindingKind, bool, bool]] = field(default_factory=list)
    false: list[int] = field(default_factory=list)
    quiet: list[int] = field(default_factory=list)
    worst_m: float = 0.0

    def add_lap(self, injected: list[Injected], findings: tuple[Finding, ...], where: str) -> None:
        found, typed, unused = matched(injected, findings)
        for item, is_found, is_typed in zip(injected, found, typed, strict=True):
            self.found.append((item.kind, is_found, is_typed))
            if not is_typed:
                log.info("%s: %s at %s %s", where, item.kind, item.places_m, "is called otherwise" if is_found else "is missed")
        for finding in unused:
            log.info("%s: false: %s", where, finding.sentence)
        self.false.append(len(unused))

    def figures(self) -> dict[str, float | int | None]:
        kinds = {
            f"found_share_{kind.name.lower()}": _share([is_found for item, is_found, _ in self.found if item is kind])
            for kind in FindingKind
        }
        return {
            "laps": len(self.false),
            "injected": len(self.found),
            "found_share": _share([is_found for _, is_found, _ in self.found]),
            "typed_share": _share([is_typed for _, _, is_typed in self.found]),
            **kinds,
            "false_per_lap": round(float(np.mean(self.false + self.quiet)), 3),
            "false_most_in_a_lap": max(self.false + self.quiet),
            "false_in_unchanged_laps": sum(self.quiet),
            "pose_error_max_m": round(self.worst_m, 3),
        }


def _share(values: list[bool]) -> float | None:
    return round(float(np.mean(values)), 4) if values else None


def run_site(premises: Premises, seed: int, laps: int, tally: Tally) -> None:
    """Map a site, drive it once unchanged, then ``laps`` times with five changes each."""
    world, poses = read_world(ROOT / "sim" / "worlds" / f"{premises.name}.sdf"), way(premises)
    saved = mapped(drive(world, poses, seed=seed))
    baseline = Baseline.of(saved, ChangeConfig(), read_robot().base_from_lidar.to_pose2())
    for lap in range(-1, laps):
        injector = Injector(premises, world, poses, np.random.default_rng(1000 * seed + lap + 1))
        if lap >= 0:
            for inject in (
                injector.fence_hole,
                injector.gate_open,
                injector.missing_object,
                injector.vehicle_moved,
                injector.new_object,
            ):
                inject()
        findings, error_m = review(premises, saved, baseline, drive(injector.world(), poses, seed=1000 * seed + 500 + lap))
        tally.worst_m = max(tally.worst_m, error_m)
        where = f"{premises.name}, seed {seed}, lap {lap}"
        if lap < 0:
            tally.quiet.append(len(findings))
            for finding in findings:
                log.info("%s: false: %s", where, finding.sentence)
        else:
            tally.add_lap(injector.injected, findings, where)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--laps", type=int, default=6, help="laps with five changes each, per site and seed")
    parser.add_argument("--sites", nargs="+", choices=sorted(PREMISES), default=["depot", "prison"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[1])
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    tally = Tally()
    for name in chosen.sites:
        for seed in chosen.seeds:
            run_site(PREMISES[name], seed, chosen.laps, tally)
    tell("map_changes", tally.figures())


if __name__ == "__main__":
    main()
