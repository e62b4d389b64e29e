# SPDX-License-Identifier: Apache-2.0
"""Logs of drives that never were: four kinds of place, many kinds of laser, odometry with every vice. Seeded; truth is known.

Used where one log proves nothing: the same parameters must serve them all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats
from patrol.geometry import Pose2
from patrol.sensors import Scan
from slam.carmen import CarmenLog, CarmenRecord
from slam.relations import Relation
from slam.trajectory import Trajectory
from tests.slam.raycaster import box, cast

MOUNT = Pose2(0.15, 0.0, 0.0)
_ROBOT_TURN_RADPS = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Laser:
    """``beams`` over ``fov_deg``, from right to left, ``rate_hz`` times a second; ``is_sweeping``: each beam at its time."""

    beams: int = 181
    fov_deg: float = 180.0
    range_max_m: float = 30.0
    rate_hz: float = 5.0
    noise_m: float = 0.015
    step_m: float = 0.01
    is_sweeping: bool = False

    def angles_rad(self) -> Floats:
        half = 0.5 * math.radians(self.fov_deg)
        return np.linspace(-half, half, self.beams, endpoint=self.fov_deg < 360.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheels:
    """What is wrong with odometry: wrong scale, a turn that was not made, noise, slips in bursts, a late clock, silence."""

    scale: float = 1.01
    turn_scale: float = 1.02
    turn_per_m_rad: float = 0.002
    noise: float = 0.03
    slip_share: float = 0.0
    late_s: float = 0.0
    frozen_share: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drive:
    """One log with its truth."""

    log: CarmenLog
    truth: Trajectory
    walls: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Walls (N, 4) m and the corners (M, 2) m of the way driven through them."""

    walls: Floats
    way_m: Floats


def offices(rng: np.random.Generator) -> Place:
    """A ring corridor of 2.2 m with offices on both sides, their doors open or shut, desks within; driven twice, with visits."""
    walls = [box(0, 0, 46, 30), box(8, 8, 30, 14)]
    for x in np.arange(2.0, 42.0, 4.5):
        walls += [_row(x, 5.8, 4.5, rng, upper=True), _row(x, 24.2, 4.5, rng, upper=False)]
        for base, depth in ((0.0, 5.8), (24.2, 5.8)):
            walls.append(np.array([[x, base, x, base + depth]]))
            walls += [_clutter(rng, x + 0.5, base + 1.0, 3.2, 3.2) for _ in range(2)]
    walls += [_column(5.8, y, 4.0, rng) for y in np.arange(6.5, 22.0, 4.0)]
    walls += [_column(40.2, y, 4.0, rng) for y in np.arange(6.5, 22.0, 4.0)]
    ring = [(6.9, 6.9), (39.1, 6.9), (39.1, 23.1), (6.9, 23.1)]
    return Place(walls=np.vstack(walls), way_m=np.array([*ring, *ring, *ring[:2], ring[0], ring[3]]))


def long_corridors(rng: np.random.Generator) -> Place:
    """A loop of 330 m through corridors of 3 m, with a pillar or a door niche here and there, and a crossing in the middle."""
    walls = [box(0, 0, 110, 60), box(3, 3, 50.5, 54), box(56.5, 3, 50.5, 54)]
    for x in np.arange(6.0, 105.0, 9.0):
        walls += [box(x + rng.uniform(0, 4), 0.0, 0.9, 0.12), box(x + rng.uniform(0, 4), 59.85, 0.9, 0.15)]
    for y in np.arange(6.0, 55.0, 9.0):
        walls += [box(0.0, y + rng.uniform(0, 4), 0.15, 0.9), box(109.88, y + rng.uniform(0, 4), 0.12, 0.9)]
        walls += [box(53.5, y + rng.uniform(0, 4), 0.1, 0.8)]
    outer = [
        (1.5, 1.5),
        (108.5, 1.5),
        (108.5, 58.5),
        (1.5, 58.5),
        (1.5, 1.5),
        (55.0, 1.5),
        (55.0, 58.5),
        (1.5, 58.5),
        (1.5, 30.0),
    ]
    return Place(walls=np.vstack(walls), way_m=np.array(outer))


def hall(rng: np.random.Generator) -> Place:
    """An exhibition hall of 40 by 30 m full of stands."""
    walls = [box(0, 0, 40, 30)]
    for x in np.arange(5.0, 36.0, 7.5):
        walls += [box(x, y, rng.uniform(1.5, 3.5), rng.uniform(1.2, 3.0)) for y in (5.0, 12.5, 20.0)]
    way = [(2, 2), (38, 2), (38, 10.5), (2.5, 10.5), (2.5, 18), (38, 18), (38, 27), (2, 27), (2, 2), (20, 2), (38, 2), (38, 10.5)]
    return Place(walls=np.vstack(walls), way_m=np.array(way, dtype=np.float64))


def yard(rng: np.random.Generator) -> Place:
    """Outdoors: buildings, tree trunks, parked cars, and much nothing; 120 by 90 m, driven round twice."""
    walls = [box(30, 25, 40, 18), box(85, 30, 20, 35), box(20, 62, 45, 14), box(-15, -15, 6, 80)]
    walls += [_turned(rng.uniform(-5, 115), rng.uniform(-5, 95), 0.4, 0.4, rng.uniform(0, 1.5)) for _ in range(60)]
    walls += [_turned(rng.uniform(10, 110), 6.0 + rng.uniform(0, 3), 4.3, 1.8, rng.uniform(-0.2, 0.2)) for _ in range(8)]
    ring = [(10, 17), (78, 17), (78, 52), (12, 52)]
    return Place(walls=np.vstack(walls), way_m=np.array([*ring, *ring, ring[0], ring[1]], dtype=np.float64))


PLACES: dict[str, Callable[[np.random.Generator], Place]] = {
    "offices": offices,
    "long_corridors": long_corridors,
    "hall": hall,
    "yard": yard,
}


def make_drive(place: str, laser: Laser, wheels: Wheels, *, seed: int, speed_mps: float = 0.6, limit_s: float = 1e9) -> Drive:
    """Drive through ``place``; nothing but the seed decides."""
    rng = np.random.default_rng(seed)
    scene = PLACES[place](rng)
    path = _driven(scene.way_m, speed_mps, 1.0 / laser.rate_hz)
    path = path[: round(limit_s * laser.rate_hz)]
    stamps = np.round((100.0 + np.arange(len(path)) / laser.rate_hz) * 1e9).astype(np.int64)
    poses = [Pose2(float(x), float(y), float(yaw)) for x, y, yaw in path]
    walkers = rng.uniform(scene.walls[:, :2].min(axis=0), scene.walls[:, :2].max(axis=0), (6, 2))
    odometry = _odometry(poses, wheels, laser.rate_hz, rng)
    records = tuple(
        CarmenRecord(stamp_ns=int(stamp), scan=scan, odom_from_base=odom)
        for stamp, odom, scan in zip(stamps, odometry, _scans(scene.walls, poses, stamps, laser, walkers, rng), strict=True)
    )
    log = CarmenLog(source=f"{place}-{seed}", base_from_lidar=MOUNT, records=records)
    return Drive(log=log, truth=Trajectory.from_poses(stamps.tolist(), poses), walls=scene.walls)


def relations_of(truth: Trajectory, *, seed: int, count: int = 400) -> tuple[Relation, ...]:
    """Pairs of stamps as the public relations have them: half close in time, half the same place much later."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, len(truth), 40 * count)
    pairs: list[tuple[int, int]] = []
    half_s = 2.0e9
    for row in rows[:count]:
        later = truth.nearest(int(truth.stamps_ns[row] + half_s))
        if later > row:
            pairs.append((int(row), later))
    local = len(pairs)
    for row in rows[count:]:
        away = np.hypot(*(truth.poses[:, :2] - truth.poses[row, :2]).T)
        seen = np.flatnonzero((away < 1.5) & (np.abs(truth.stamps_ns - truth.stamps_ns[row]) > 40e9))
        if seen.size:
            pairs.append((int(row), int(rng.choice(seen))))
        if len(pairs) >= 2 * local:
            break
    return tuple(
        Relation(from_ns=int(truth.stamps_ns[a]), to_ns=int(truth.stamps_ns[b]), from_to=truth.pose(a).inverse() @ truth.pose(b))
        for a, b in pairs
    )


def _row(x: float, y: float, width: float, rng: np.random.Generator, *, upper: bool) -> Floats:
    """A stretch of corridor wall with a door of 0.9 m, open or set back a little."""
    door = x + rng.uniform(0.5, width - 1.5)
    parts = [[x, y, door, y], [door + 0.9, y, x + width, y]]
    if rng.random() < 0.6:
        back = y - 0.12 if upper else y + 0.12
        parts += [[door, back, door + 0.9, back], [door, y, door, back], [door + 0.9, y, door + 0.9, back]]
    return np.array(parts)


def _column(x: float, y: float, height: float, rng: np.random.Generator) -> Floats:
    return _row(y, x, height, rng, upper=x < 20)[:, [1, 0, 3, 2]]


def _clutter(rng: np.random.Generator, x: float, y: float, width: float, depth: float) -> Floats:
    return _turned(
        x + rng.uniform(0, width), y + rng.uniform(0, depth), rng.uniform(0.4, 1.5), rng.uniform(0.4, 0.9), rng.uniform(0, 3)
    )


def _turned(x: float, y: float, width: float, depth: float, yaw: float) -> Floats:
    corners = box(-0.5 * width, -0.5 * depth, width, depth)
    pose = Pose2(float(x), float(y), float(yaw))
    return np.hstack((pose.apply(corners[:, :2]), pose.apply(corners[:, 2:])))


def _driven(way_m: Floats, speed_mps: float, dt_s: float) -> Floats:
    """Poses (N, 3): along the corners, turning on a small radius, the speed never quite steady."""
    rows: list[tuple[float, float, float]] = []
    x, y = way_m[0]
    yaw = math.atan2(*(way_m[1] - way_m[0])[::-1])
    goal, time_s = 1, 0.0
    while goal < len(way_m):
        to_goal = way_m[goal] - (x, y)
        if math.hypot(*to_goal) < 0.8:
            goal += 1
            continue
        error = math.remainder(math.atan2(to_goal[1], to_goal[0]) - yaw, 2.0 * math.pi)
        turn = float(np.clip(2.0 * error, -_ROBOT_TURN_RADPS, _ROBOT_TURN_RADPS))
        slow = 0.15 if abs(error) > 0.5 else 1.0
        speed = speed_mps * slow * (1.0 + 0.2 * math.sin(0.3 * time_s))
        yaw += turn * dt_s
        x, y = x + speed * math.cos(yaw) * dt_s, y + speed * math.sin(yaw) * dt_s
        rows.append((x, y, yaw + 0.04 * math.sin(1.1 * time_s)))
        time_s += dt_s
    return np.array(rows)


def _odometry(poses: list[Pose2], wheels: Wheels, rate_hz: float, rng: np.random.Generator) -> list[Pose2]:
    """Odometry at every scan. Noise falls with the rate, so that drift over a second does not depend on it."""
    odom, out = Pose2(0.0, 0.0, 0.0), []
    slip, frozen = 1.0, False
    every = max(1, round(rate_hz))
    for row, pose in enumerate(poses):
        if row % every == 0:
            slip = float(rng.choice([0.4, 1.5])) if rng.random() < wheels.slip_share else 1.0
            frozen = bool(rng.random() < wheels.frozen_share)
        if row:
            moved = poses[row - 1].inverse() @ pose
            length = math.hypot(moved.x_m, moved.y_m)
            jitter = wheels.noise * math.sqrt(rate_hz / 5.0)
            scale = 0.0 if frozen else slip * wheels.scale * (1.0 + rng.normal(0.0, jitter))
            turn = 0.0 if frozen else moved.yaw_rad * wheels.turn_scale * (1.0 + rng.normal(0.0, jitter))
            odom = odom @ Pose2(moved.x_m * scale, moved.y_m * scale, turn + wheels.turn_per_m_rad * length)
        out.append(odom)
    late = round(wheels.late_s * rate_hz)
    return out[:1] * late + out[: len(out) - late] if late >= 0 else out[-late:] + out[-1:] * -late


def _scans(
    walls: Floats,
    poses: list[Pose2],
    stamps: np.ndarray[tuple[int], np.dtype[np.int64]],
    laser: Laser,
    walkers: Floats,
    rng: np.random.Generator,
) -> list[Scan]:
    angles = laser.angles_rad()
    beam_step_s = 1.0 / laser.rate_hz / laser.beams if laser.is_sweeping else 0.0
    out = []
    for row, pose in enumerate(poses):
        walkers += rng.normal(0.0, 0.6 / math.sqrt(laser.rate_hz), walkers.shape)
        people = np.vstack([_turned(x, y, 0.35, 0.35, 0.0) for x, y in walkers])
        near = _near(np.vstack((walls, people)), pose, laser.range_max_m)
        after = poses[min(row + 1, len(poses) - 1)]
        ranges = _swept(near, pose, after, angles) if laser.is_sweeping else cast(near, pose @ MOUNT, angles)
        ranges = ranges + rng.normal(0.0, laser.noise_m, laser.beams)
        ranges = np.round(ranges / laser.step_m) * laser.step_m
        ranges[rng.random(laser.beams) < 0.004] = np.inf
        out.append(
            Scan(
                stamp_ns=int(stamps[row]),
                frame_id="lidar_link",
                angle_min_rad=float(angles[0]),
                angle_step_rad=float(angles[1] - angles[0]),
                range_min_m=0.05,
                range_max_m=laser.range_max_m,
                ranges_m=np.where(ranges > laser.range_max_m, np.inf, ranges).astype(np.float32),
                beam_step_s=beam_step_s,
            )
        )
    return out


def _near(walls: Floats, pose: Pose2, range_m: float) -> Floats:
    """The walls whose box comes within range."""
    low, high = np.minimum(walls[:, :2], walls[:, 2:]), np.maximum(walls[:, :2], walls[:, 2:])
    here = np.array((pose.x_m, pose.y_m))
    away = np.maximum(np.maximum(low - here, here - high), 0.0)
    kept: Floats = walls[np.hypot(away[:, 0], away[:, 1]) <= range_m]
    return kept if len(kept) else walls[:1]


def _swept(walls: Floats, pose: Pose2, after: Pose2, angles: Floats, parts: int = 12) -> Floats:
    """Ranges of a scan that takes its whole period, in ``parts`` steps of motion."""
    step = pose.inverse() @ after
    ranges = np.empty(angles.size)
    for part, rows in enumerate(np.array_split(np.arange(angles.size), parts)):
        share = (part + 0.5) / parts
        there = pose @ Pose2(share * step.x_m, share * step.y_m, share * step.yaw_rad) @ MOUNT
        ranges[rows] = cast(walls, there, angles[rows])
    return ranges
