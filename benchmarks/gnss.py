# SPDX-License-Identifier: Apache-2.0
"""GNSS and SLAM together on drives through yards and a building: pose error, jumps, and what a spoofed receiver can do.

    python -m benchmarks.gnss --seeds 1

The simulator's lidar drives round the depot, and through the prison's yard and cell block; odometry drifts. The receiver has
white noise and a drift that lasts a minute, reflections near walls that it does not know of, and wild or no fixes under a roof.
Then its fixes are drawn away at 1, 0.3 and 0.1 m/s. Three ways to use them, in the same run and on the same measurements: this
project's, no GNSS at all, and the usual loose coupling (a Kalman filter that believes each fix as much as the receiver says). All
map as they go. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from shapely.geometry import Point
from shapely.ops import unary_union

from benchmarks.figures import tell
from benchmarks.site_drives import Lap, drive
from patrol.checks import Floats
from patrol.geometry import Pose2
from patrol.local_frame import LocalFrame
from patrol.sensors import Fix
from patrol.site import Site
from patrol.site_file import read_site
from sim.robot import read_robot
from sim.sdf import read_world
from slam.config import SessionConfig
from slam.gnss.fix_gate import FixUse
from slam.mapper import Mapper
from slam.session import MapPlaces, SlamSession

ROOT = Path(__file__).resolve().parents[1]
_STEP_M, _CORNER_M, _PERIOD_S = 0.24, 3.0, 0.2
_WAYS: dict[str, tuple[tuple[float, float], ...]] = {
    "depot": ((39.6, -36.0), (54.5, -36), (56.6, -1), (55, 35.5), (-30, 36.6), (-55.5, 36), (-56.6, 2), (-55, -36), (38, -36.6)),
    "prison": (
        (26, -40), (30, -33), (0, -20), (-56, -6), (-57, 21), (-3, 21),
        (-2, 2), (-56, -2), (-57, 21), (-3, 21), (0, -20), (29, -34),
    ),
}  # fmt: skip
_SPOOF_AT_S, _SPOOF_FOR_S, _SPOOF_END_S = 90.0, 60.0, 40.0
_RAMPS_MPS = (1.0, 0.3, 0.1)
_WHITE_M, _DRIFT_M, _DRIFT_S = 0.35, 0.6, 60.0
_WALL_M, _REFLECTION_M, _REFLECTION_S = 5.0, 2.0, 8.0
_WILD_M, _WILD_S = 8.0, 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """A lap with its site."""

    site: Site
    lap: Lap

    def until(self, end_s: float) -> Drive:
        """Its beginning."""
        rows = round(end_s / _PERIOD_S)
        lap = self.lap
        return replace(
            self, lap=replace(lap, scans=lap.scans[:rows], true_poses=lap.true_poses[:rows], odometry=lap.odometry[:rows])
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The poses that one way of using GNSS told, one a scan, (N, 3) x m, y m, yaw rad, and how many fixes counted outside."""

    poses: Floats
    used: int = 0
    wall_s: float = 0.0

    def errors_m(self, truth: Floats) -> Floats:
        return np.asarray(np.hypot(*(self.poses[:, :2] - truth[: len(self.poses), :2]).T))

    def jump_m(self, truth: Floats) -> float:
        """The largest step between two scans that the robot did not make."""
        steps = np.diff(self.poses[:, :2], axis=0) - np.diff(truth[: len(self.poses), :2], axis=0)
        return float(np.hypot(*steps.T).max())


def recorded(name: str, seed: int) -> Drive:
    """Drive along the way of a site."""
    world = read_world(ROOT / "sim" / "worlds" / f"{name}.sdf")
    return Drive(site=read_site(ROOT / "config" / "sites" / f"{name}.geojson"), lap=drive(world, _poses(_WAYS[name]), seed=seed))


def fixes_of(ride: Drive, seed: int) -> list[Fix]:
    """What an honest receiver says at each scan's stamp."""
    rng, frame = np.random.default_rng(seed), LocalFrame(ride.site.datum)
    houses = unary_union([building.outline for building in ride.site.buildings])
    drift, reflection, wild = rng.normal(0.0, _DRIFT_M, 2), np.zeros(2), rng.normal(0.0, _WILD_M, 2)
    fixes, indoors_s = [], 0.0
    for scan, pose in zip(ride.lap.scans, ride.lap.true_poses, strict=True):
        drift = _kept(drift, _DRIFT_M, _DRIFT_S, rng)
        reflection = _kept(reflection, _REFLECTION_M, _REFLECTION_S, rng)
        wild = _kept(wild, _WILD_M, _WILD_S, rng)
        away_m = float(houses.distance(Point(pose.x_m, pose.y_m)))
        indoors_s = indoors_s + _PERIOD_S if away_m == 0.0 else 0.0
        error = drift + rng.normal(0.0, _WHITE_M, 2) + max(0.0, 1.0 - away_m / _WALL_M) * reflection
        error = error + wild if indoors_s else error
        stated_m = math.hypot(_WHITE_M, _DRIFT_M) * (2.0 if indoors_s else 1.0)
        fixes.append(_fix(scan.stamp_ns, frame, np.array([pose.x_m, pose.y_m]) + error, stated_m, valid=indoors_s < 5.0))
    return fixes


def spoofed(ride: Drive, fixes: list[Fix], ramp_mps: float, heading_rad: float) -> list[Fix]:
    """The same fixes, drawn away for a minute from ``_SPOOF_AT_S`` on, and honest again afterwards."""
    frame, out = LocalFrame(ride.site.datum), []
    for row, fix in enumerate(fixes):
        since_s = row * _PERIOD_S - _SPOOF_AT_S
        drawn = fix
        if 0.0 <= since_s < _SPOOF_FOR_S:
            east_north = frame.to_map(np.array([fix.longitude_deg, fix.latitude_deg, 0.0]))[:2]
            away = ramp_mps * since_s * np.array([math.cos(heading_rad), math.sin(heading_rad)])
            stated_m = math.sqrt(fix.covariance_m2[0, 0])
            drawn = _fix(fix.stamp_ns, frame, east_north + away, stated_m, valid=fix.valid)
        out.append(drawn)
    return out


def told_by_session(ride: Drive, fixes: list[Fix] | None, start: Pose2) -> Told:
    """This project's SLAM, mapping, with or without GNSS."""
    config, mount = SessionConfig(), read_robot().base_from_lidar.to_pose2()
    session = SlamSession(Mapper(config.mapper, mount, start), config, mount, MapPlaces())
    if fixes is not None:
        session.know_site(ride.site, is_start_known=True)
    poses, used, began_s = [], 0, time.process_time()
    for row, (scan, odom) in enumerate(zip(ride.lap.scans, ride.lap.odometry, strict=True)):
        verdict = session.add_fix(fixes[row], odom) if fixes is not None else None
        used += verdict is not None and verdict.use is FixUse.USED
        pose = session.add_scan(scan, odom).estimate.map_from_base
        poses.append((pose.x_m, pose.y_m, pose.yaw_rad))
    return Told(poses=np.array(poses), used=used, wall_s=time.process_time() - began_s)


def told_by_filter(alone: Told, fixes: list[Fix], site: Site) -> Told:
    """Loose coupling: SLAM's motion predicts, every valid fix corrects, each as sure as it says."""
    frame = LocalFrame(site.datum)
    state, covariance = alone.poses[0].copy(), np.diag([0.01, 0.01, 1e-4])
    told = []
    for row, fix in enumerate(fixes[: len(alone.poses)]):
        if row:
            before, now = (Pose2(*map(float, alone.poses[index])) for index in (row - 1, row))
            moved = Pose2(*map(float, state)) @ (before.inverse() @ now)
            cross = np.eye(3)
            cross[:2, 2] = (-(moved.y_m - state[1]), moved.x_m - state[0])
            state = np.array([moved.x_m, moved.y_m, moved.yaw_rad])
            covariance = cross @ covariance @ cross.T + np.diag([1e-4, 1e-4, 1e-6])
        if fix.valid:
            fix_m = frame.to_map(np.array([fix.longitude_deg, fix.latitude_deg, 0.0]))[:2]
            gain = covariance[:, :2] @ np.linalg.inv(covariance[:2, :2] + fix.covariance_m2[:2, :2])
            state = state + gain @ (fix_m - state[:2])
            covariance = covariance - gain @ covariance[:2]
        told.append(state)
    return Told(poses=np.array(told))


def _rides(seeds: int) -> Iterator[tuple[str, int, Drive]]:
    for seed in range(1, seeds + 1):
        for name in _WAYS:
            yield name, seed, recorded(name, seed)


def compared(name: str, seed: int, ride: Drive) -> dict[str, float]:
    """All figures of one drive."""
    truth = np.array([(pose.x_m, pose.y_m, pose.yaw_rad) for pose in ride.lap.true_poses])
    start, fixes = ride.lap.true_poses[0], fixes_of(ride, seed)
    tilted = start @ Pose2(0.1, -0.05, math.radians(1.0))
    alone, aided = told_by_session(ride, None, start), told_by_session(ride, fixes, start)
    figures = _errors("no_gnss", alone, truth) | _errors("aided", aided, truth)
    figures |= _errors("filter", told_by_filter(alone, fixes, ride.site), truth)
    figures |= {"fixes_used": aided.used, "cost_ratio": aided.wall_s / alone.wall_s}
    figures |= _errors("no_gnss_dock_off", told_by_session(ride, None, tilted), truth)
    figures |= _errors("aided_dock_off", told_by_session(ride, fixes, tilted), truth)
    short = ride.until(_SPOOF_AT_S + _SPOOF_FOR_S + _SPOOF_END_S)
    for ramp_mps in _RAMPS_MPS:
        false = spoofed(short, fixes[: len(short.lap.scans)], ramp_mps, heading_rad=1.0 + seed)
        drawn, by_filter = told_by_session(short, false, start), told_by_filter(alone, false, ride.site)
        rows = len(drawn.poses)
        honest = told_by_filter(alone, fixes, ride.site)
        figures[f"spoof_{ramp_mps:g}_moved_m"] = _moved(drawn, aided, rows)
        figures[f"spoof_{ramp_mps:g}_filter_moved_m"] = _moved(by_filter, honest, rows)
        figures[f"spoof_{ramp_mps:g}_jump_m"] = drawn.jump_m(truth)
    sys.stderr.write(f"{name} {seed}: { {key: round(value, 3) for key, value in figures.items()} }\n")
    return figures


def _errors(name: str, told: Told, truth: Floats) -> dict[str, float]:
    errors = told.errors_m(truth)
    return {
        f"{name}_median_m": float(np.median(errors)),
        f"{name}_max_m": float(errors.max()),
        f"{name}_jump_m": told.jump_m(truth),
    }


def _moved(one: Told, other: Told, rows: int) -> float:
    """How far a lie moved the pose, at most."""
    return float(np.hypot(*(one.poses[:rows, :2] - other.poses[:rows, :2]).T).max())


def _kept(value: Floats, std_m: float, time_s: float, rng: np.random.Generator) -> Floats:
    """One step of a first-order Gauss-Markov process."""
    keep = math.exp(-_PERIOD_S / time_s)
    return keep * value + math.sqrt(1.0 - keep * keep) * rng.normal(0.0, std_m, 2)


def _fix(stamp_ns: int, frame: LocalFrame, east_north: Floats, std_m: float, *, valid: bool) -> Fix:
    longitude, latitude, altitude = frame.to_wgs84(np.array([*east_north, 0.0]))
    return Fix(
        stamp_ns=stamp_ns,
        latitude_deg=float(latitude),
        longitude_deg=float(longitude),
        altitude_m=float(altitude),
        covariance_m2=np.diag([std_m**2, std_m**2, 4.0 * std_m**2]),
        valid=valid,
    )


def _poses(way: tuple[tuple[float, float], ...]) -> tuple[Pose2, ...]:
    """Poses every 24 cm along the corners, which are rounded."""
    corners = np.array(way, dtype=np.float64)
    lengths = np.linalg.norm(np.diff(corners, axis=0), axis=1)
    marks = np.arange(0.0, lengths.sum(), _STEP_M)
    path = np.concatenate(([0.0], np.cumsum(lengths)))
    width = round(2.0 * _CORNER_M / _STEP_M) // 2 * 2 + 1
    lines = [np.interp(marks, path, corners[:, axis]) for axis in range(2)]
    x, y = (np.convolve(np.pad(line, width // 2, mode="edge"), np.ones(width) / width, "valid") for line in lines)
    yaw = np.arctan2(np.gradient(y), np.gradient(x))
    return tuple(Pose2(float(a), float(b), float(c)) for a, b, c in zip(x, y, yaw, strict=True))


def main() -> None:
    """Drive and tell; of several drives each figure is the worst, medians are medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1)
    chosen = parser.parse_args()
    rows = [(name, compared(name, seed, ride)) for name, seed, ride in _rides(chosen.seeds)]
    figures: dict[str, float | int | None] = {}
    for name in _WAYS:
        own = [row for site, row in rows if site == name]
        for key in own[0]:
            values = [row[key] for row in own]
            figures[f"{name}_{key}"] = round(float(np.median(values) if key.endswith("median_m") else max(values)), 3)
    tell("gnss", figures, seeds=chosen.seeds)


if __name__ == "__main__":
    main()
