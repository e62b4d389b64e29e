# SPDX-License-Identifier: Apache-2.0
"""A small ray caster: rooms of line segments, seeded noise, odometry that drifts. For tests only."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats
from patrol.geometry import Pose2
from patrol.sensors import Scan
from slam.config import ScanConfig
from slam.keyframe import Keyframe
from slam.scan_points import BodyRate, points_from_scan
from slam.surface import surface_from_scan

BASE_FROM_LIDAR = Pose2(0.2, 0.0, 0.0)
PERIOD_S = 0.1


def room(corners: list[tuple[float, float]]) -> Floats:
    """Closed outline as segments (N, 4): x1, y1, x2, y2 in metres."""
    ends = np.array(corners, dtype=np.float64)
    return np.hstack((ends, np.roll(ends, -1, axis=0)))


def box(x_m: float, y_m: float, width_m: float, depth_m: float) -> Floats:
    """An upright box with its lower left corner at (x, y)."""
    return room([(x_m, y_m), (x_m + width_m, y_m), (x_m + width_m, y_m + depth_m), (x_m, y_m + depth_m)])


def hall() -> Floats:
    """A 24 by 16 m hall with a block in the middle, two niches and a few pillars: no two corners look alike."""
    outline = room(
        [(0, 0), (24, 0), (24, 10), (21, 10), (21, 12), (24, 12), (24, 16), (9, 16), (9, 14.5), (6, 14.5), (6, 16), (0, 16)]
    )
    inside = [box(8, 5.5, 8, 4.5), box(3, 11, 0.6, 0.6), box(19, 3, 0.8, 0.5), box(4, 3, 0.5, 1.2), box(18.5, 12.6, 1.0, 0.4)]
    return np.vstack([outline, *inside])


def cast(walls: Floats, map_from_lidar: Pose2, angles_rad: Floats) -> Floats:
    """Distance (N,) m along each beam to the nearest wall, inf where there is none."""
    directions = np.column_stack((np.cos(angles_rad + map_from_lidar.yaw_rad), np.sin(angles_rad + map_from_lidar.yaw_rad)))
    first = walls[:, :2] - (map_from_lidar.x_m, map_from_lidar.y_m)
    along = walls[:, 2:] - walls[:, :2]
    cross = directions[:, :1] * along[:, 1] - directions[:, 1:] * along[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = (first[:, 0] * along[:, 1] - first[:, 1] * along[:, 0]) / cross
        share = (first[:, 0] * directions[:, 1:] - first[:, 1] * directions[:, :1]) / cross
    hit = (share >= 0) & (share <= 1) & (distance > 0.05)
    nearest: Floats = np.where(hit, distance, np.inf).min(axis=1)
    return nearest


def scan_at(walls: Floats, map_from_base: Pose2, *, stamp_ns: int, rng: np.random.Generator, beams: int = 360) -> Scan:
    """A whole turn at once, 1 cm of noise, 12 m of range."""
    step = 2.0 * math.pi / beams
    angles = -math.pi + step * np.arange(beams, dtype=np.float64)
    ranges = cast(walls, map_from_base @ BASE_FROM_LIDAR, angles) + rng.normal(0.0, 0.01, beams)
    return Scan(
        stamp_ns=stamp_ns,
        frame_id="lidar_link",
        angle_min_rad=-math.pi,
        angle_step_rad=step,
        range_min_m=0.05,
        range_max_m=12.0,
        ranges_m=np.where(ranges > 12.0, np.inf, ranges).astype(np.float32),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One moment of a drive: what the robot measures, and where it really is. ``odom_at_end`` is the odometry at the last beam;
    None where all beams are of one moment."""

    scan: Scan
    odom_from_base: Pose2
    true_pose: Pose2
    odom_at_end: Pose2 | None = None


def lap(*, laps: float = 1.0, speed_mps: float = 1.0) -> list[Pose2]:
    """Poses, one a scan, along a rounded loop around the block of ``hall``."""
    count = round(laps * 44.0 / (speed_mps * PERIOD_S))
    turn = np.linspace(0.0, 2.0 * math.pi * laps, count)
    x, y = 12.0 + 8.5 * np.cos(turn - 0.5 * math.pi), 7.75 + 4.75 * np.sin(turn - 0.5 * math.pi)
    yaw = np.arctan2(np.gradient(y), np.gradient(x))
    return [Pose2(float(a), float(b), float(c)) for a, b, c in zip(x, y, yaw, strict=True)]


def drive(walls: Floats, poses: list[Pose2], *, seed: int) -> Iterator[Step]:
    """Scans along ``poses``, with odometry that turns 3 % too far and slips."""
    rng = np.random.default_rng(seed)
    odom = Pose2(0.0, 0.0, 0.0)
    for index, pose in enumerate(poses):
        if index:
            moved = poses[index - 1].inverse() @ pose
            slip = rng.normal(1.02, 0.05)
            odom = odom @ Pose2(moved.x_m * slip, moved.y_m * slip, moved.yaw_rad * 1.03 + rng.normal(0.0, 0.001))
        scan = scan_at(walls, pose, stamp_ns=round(index * PERIOD_S * 1e9) + 1, rng=rng)
        yield Step(scan=scan, odom_from_base=odom, true_pose=pose)


def keyframe_at(pose: Pose2, scan: Scan, *, drift: Pose2, path_m: float) -> Keyframe:
    """The keyframe of a scan taken standing at ``pose``, tracked with ``drift``; its stamp is its number."""
    points = points_from_scan(scan, BASE_FROM_LIDAR, BodyRate(), ScanConfig())
    return Keyframe(
        id=scan.stamp_ns,
        stamp_ns=scan.stamp_ns,
        track_from_base=drift @ pose,
        path_m=path_m,
        points=points,
        surface=surface_from_scan(points),
        scan=scan,
        rate=BodyRate(),
    )
