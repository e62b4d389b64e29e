# SPDX-License-Identifier: Apache-2.0
"""Somebody steps out: the stop guard in lockstep with a robot that has wheels, a lidar with noise and a person who walks from
behind something, drawn from a seed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mission.stop_guard import StopGuard, StopGuardConfig
from patrol.checks import Floats
from patrol.geometry import IDENTITY2, Pose2, Twist2
from patrol.sensors import Scan

STEP_S = 0.05
BEAMS = 450
PERSON_M = 0.22
_HALF = (0.35, 0.26)
_WHEEL_DELAY = 2
_PAST_M = 1.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The robot drives along +x from the origin at ``cruise_mps``; boxes (low x, low y, high x, high y) m stand about; the
    person waits at ``start_m`` and walks to ``goal_m`` once the robot is within ``trigger_m`` of the crossing."""

    cruise_mps: float
    turn_radps: float
    boxes: tuple[tuple[float, float, float, float], ...]
    start_m: tuple[float, float]
    goal_m: tuple[float, float]
    walk_mps: float
    trigger_m: float
    brake_mps2: float
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Encounter:
    """What came of it: the gap at the closest, and the robot's speed at the first touch (None without one)."""

    closest_m: float
    contact_mps: float | None
    driven_m: float


def drawn(seed: int) -> Scene:
    """A scene: a person who stands in the open, or waits hidden beside a van or at a corner, near the robot's line."""
    rng = np.random.default_rng([seed, 4711])
    side = float(rng.choice([-1.0, 1.0]))
    crossing_m = float(rng.uniform(2.5, 5.0))
    beside_m = float(rng.uniform(0.65, 2.6))
    boxes: tuple[tuple[float, float, float, float], ...] = ()
    start = (crossing_m, side * (beside_m + PERSON_M))
    if rng.random() < 0.7:
        length, depth = float(rng.uniform(0.5, 4.5)), float(rng.uniform(0.4, 2.0))
        near, far = beside_m, beside_m + depth
        low, high = (near, far) if side > 0 else (-far, -near)
        end_m = crossing_m - PERSON_M - 0.05
        boxes = ((end_m - length, low, end_m, high),)
        start = (crossing_m, side * (beside_m + float(rng.uniform(0.0, depth)) + PERSON_M))
    if rng.random() < 0.3:
        wall = -side * float(rng.uniform(0.9, 3.0))
        boxes = (*boxes, (-5.0, min(wall, wall - side * 0.3), 14.0, max(wall, wall - side * 0.3)))
    return Scene(
        cruise_mps=float(rng.uniform(0.5, 1.5)),
        turn_radps=float(rng.uniform(-0.08, 0.08)),
        boxes=boxes,
        start_m=start,
        goal_m=(start[0] + float(rng.uniform(-1.5, 1.0)), -side * 3.0),
        walk_mps=float(rng.uniform(0.5, 1.6)),
        trigger_m=float(rng.uniform(0.2, 5.0)),
        brake_mps2=float(rng.uniform(1.0, 1.6)),
        seed=seed,
    )


def run(scene: Scene, config: StopGuardConfig, *, duration_s: float = 6.0) -> Encounter:
    """Drive until the touch, the end, or until the robot is past where the person comes from."""
    rng = np.random.default_rng([scene.seed, 815])
    guard = StopGuard(config, IDENTITY2)
    pose, speed, turn = Pose2(0.0, 0.0, 0.0), 0.0, 0.0
    person, goal = np.array(scene.start_m), np.array(scene.goal_m)
    walks, closest_m = False, math.inf
    orders: list[Twist2] = [Twist2()] * _WHEEL_DELAY
    for index in range(round(duration_s / STEP_S)):
        now_ns = 1_000_000_000 + round(index * STEP_S * 1e9)
        if index % 2 == 0:
            pending = scan(scene, pose, person, now_ns, rng)
        else:
            guard.on_scan(pending)
        guard.on_wanted(Twist2(scene.cruise_mps, 0.0, scene.turn_radps), now_ns)
        orders.append(guard.step(now_ns).twist)
        order = orders.pop(0)
        speed = min(max(order.forward_mps, speed - scene.brake_mps2 * STEP_S), speed + 1.5 * STEP_S)
        turn = min(max(order.turn_radps, turn - 3.0 * STEP_S), turn + 3.0 * STEP_S)
        pose = pose @ Pose2(speed * STEP_S, 0.0, turn * STEP_S)
        walks = walks or scene.start_m[0] - pose.x_m < scene.trigger_m
        if walks:
            way = goal - person
            left = float(np.hypot(*way))
            person = person + way / max(left, 1e-9) * min(scene.walk_mps * STEP_S, left)
        x, y = pose.inverse().apply([person])[0]
        gap = math.hypot(max(abs(x) - _HALF[0], 0.0), max(abs(y) - _HALF[1], 0.0)) - PERSON_M
        closest_m = min(closest_m, gap)
        if pose.x_m > scene.start_m[0] + _PAST_M:
            break
        if gap <= 0.0:
            return Encounter(closest_m=closest_m, contact_mps=abs(speed), driven_m=pose.x_m)
    return Encounter(closest_m=closest_m, contact_mps=None, driven_m=pose.x_m)


def scan(scene: Scene, pose: Pose2, person: Floats, now_ns: int, rng: np.random.Generator) -> Scan:
    """What the lidar at the robot's middle sees, with 15 mm of noise; it is delivered a step later."""
    angles = -math.pi + np.arange(BEAMS) * 2.0 * math.pi / BEAMS
    bearing = angles + pose.yaw_rad
    ranges = np.full(BEAMS, np.inf)
    direction = np.column_stack((np.cos(bearing), np.sin(bearing)))
    for low_x, low_y, high_x, high_y in scene.boxes:
        with np.errstate(divide="ignore"):
            inverse = 1.0 / direction
        one = (np.array([low_x, low_y]) - (pose.x_m, pose.y_m)) * inverse
        two = (np.array([high_x, high_y]) - (pose.x_m, pose.y_m)) * inverse
        enter, leave = np.minimum(one, two).max(axis=1), np.maximum(one, two).min(axis=1)
        ranges = np.where((enter <= leave) & (enter > 0.0), np.minimum(ranges, enter), ranges)
    along = direction @ (person - (pose.x_m, pose.y_m))
    beside = direction @ np.array([-(person[1] - pose.y_m), person[0] - pose.x_m])
    depth = PERSON_M**2 - beside**2
    hit = (depth > 0.0) & (along > 0.0)
    ranges = np.minimum(ranges, np.where(hit, along - np.sqrt(np.maximum(depth, 0.0)), np.inf))
    ranges = np.where(ranges < 40.0, np.maximum(ranges + rng.normal(0.0, 0.015, BEAMS), 0.11), np.inf)
    return Scan(
        stamp_ns=now_ns,
        frame_id="lidar_link",
        angle_min_rad=-math.pi,
        angle_step_rad=2.0 * math.pi / BEAMS,
        range_min_m=0.1,
        range_max_m=40.0,
        ranges_m=ranges.astype(np.float32),
    )
