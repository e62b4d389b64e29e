# SPDX-License-Identifier: Apache-2.0
"""Laps of simulated sites with the simulator's lidar, and the maps made from them: what several benchmarks drive."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from patrol.checks import Floats
from patrol.geometry import Pose2
from patrol.sensors import Scan
from sim.lidar import SpinningLidar
from sim.robot import read_robot
from sim.sdf import Collision, World, read_world
from sim.weather import Weather
from slam.config import MapperConfig
from slam.map_files import YAML_NAME, SavedMap, load_map, save_map
from slam.mapper import Mapper
from tests.slam.raycaster import Step

ROOT = Path(__file__).resolve().parents[1]
STEP_M, SPEED_MPS = 0.24, 1.2
PERIOD_S = STEP_M / SPEED_MPS
_CORNER_M = 1.5


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
class Lap:
    """The scans of one lap, where each was taken, and what odometry said."""

    scans: tuple[Scan, ...]
    true_poses: tuple[Pose2, ...]
    odometry: tuple[Pose2, ...]


def way(premises: Premises) -> tuple[Pose2, ...]:
    """Poses every 24 cm, corners rounded."""
    corners = np.array(premises.way_m, dtype=np.float64)
    lengths = np.linalg.norm(np.diff(corners, axis=0), axis=1)
    marks = np.arange(0.0, lengths.sum(), STEP_M)
    path = np.concatenate(([0.0], np.cumsum(lengths)))
    x, y = (np.interp(marks, path, corners[:, axis]) for axis in range(2))
    width = round(2.0 * _CORNER_M / STEP_M)
    kernel = np.ones(width) / width
    x, y = (np.convolve(np.pad(line, width // 2, mode="edge"), kernel, "same")[width // 2 : -(width // 2)] for line in (x, y))
    yaw = np.arctan2(np.gradient(y), np.gradient(x))
    return tuple(Pose2(float(a), float(b), float(c)) for a, b, c in zip(x, y, yaw, strict=True))


def driven(world: World, poses: Sequence[Pose2], *, seed: int) -> Iterator[Step]:
    """The simulator's lidar along ``poses``, one scan each; odometry is 1 % long and turns a little too far."""
    rng = np.random.default_rng(seed)
    robot = read_robot()
    lidar = SpinningLidar(robot.lidar, world, rng)
    weather, odom = Weather(), Pose2(0.0, 0.0, 0.0)
    for row, pose in enumerate(poses):
        after = poses[min(row + 1, len(poses) - 1)]
        share = SPEED_MPS / robot.lidar.rate_hz / STEP_M
        step = pose.inverse() @ after
        end = pose @ Pose2(share * step.x_m, share * step.y_m, share * step.yaw_rad)
        yaw_end = pose.yaw_rad + math.remainder(end.yaw_rad - pose.yaw_rad, 2.0 * math.pi)
        trail = np.array([[pose.x_m, pose.y_m, 0, 0, 0, pose.yaw_rad], [end.x_m, end.y_m, 0, 0, 0, yaw_end]], dtype=np.float64)
        stamp_ns = round((1.0 + row * PERIOD_S) * 1e9)
        scan = lidar.scan(lidar.revolve(trail, stamp_ns, (), weather))
        noise = rng.normal(1.01, 0.02)
        told = Pose2(step.x_m * noise, step.y_m * noise, step.yaw_rad * 1.02 + rng.normal(0.0, 0.001))
        at_end = odom @ Pose2(share * told.x_m, share * told.y_m, share * told.yaw_rad)
        yield Step(scan=scan, odom_from_base=odom, true_pose=pose, odom_at_end=at_end)
        odom = odom @ told


def drive(world: World, poses: tuple[Pose2, ...], *, seed: int) -> Lap:
    """All of ``driven``."""
    steps = tuple(driven(world, poses, seed=seed))
    return Lap(scans=tuple(step.scan for step in steps), true_poses=poses, odometry=tuple(step.odom_from_base for step in steps))


def away_from_box(part: Collision, here: Floats) -> float:
    """How far a place (2,) m is from a box or cylinder, seen from above; 0 inside, inf for other shapes."""
    local = part.world_from_shape.inverse().apply([[here[0], here[1], part.world_from_shape.translation_m[2]]])[0, :2]
    size = part.shape.size_m
    half = np.array([size[0], size[1] if part.shape.kind == "box" else size[0]]) * (0.5 if part.shape.kind == "box" else 1.0)
    return float(np.linalg.norm(np.maximum(np.abs(local) - half, 0.0))) if part.shape.kind in ("box", "cylinder") else math.inf


def world_of(premises: Premises) -> World:
    """The site as the simulator has it."""
    return read_world(ROOT / "sim" / "worlds" / f"{premises.name}.sdf")


def mapped(premises: Premises, seed: int, keep: Path | None) -> SavedMap:
    """The map of one lap of the unchanged site. It is kept in ``keep``, and read from there by the next run."""
    folder = None if keep is None else keep / f"{premises.name}-{seed}"
    if folder is not None and (folder / YAML_NAME).is_file():
        return load_map(folder)
    poses = way(premises)
    mapper = Mapper(MapperConfig(), read_robot().base_from_lidar.to_pose2(), poses[0])
    for step in driven(world_of(premises), poses, seed=seed):
        mapper.add_scan(step.scan, step.odom_from_base, odom_at_end=step.odom_at_end)
    mapper.settle()
    saved = mapper.saved()
    if folder is not None:
        save_map(folder, saved)
    return saved
