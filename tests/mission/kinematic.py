# SPDX-License-Identifier: Apache-2.0
"""A flat world for tests: a unicycle with limited acceleration, a scan cast against polygons and walking discs, and the
executive and the stop guard in the loop. No physics, no pictures; a lap takes seconds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from shapely.geometry import Point, Polygon
from shapely.ops import unary_union

from mission.executive import Executive
from mission.facts.fact import Observed
from mission.inputs import Decision, ExecutiveInputs, HandControl
from mission.stop_guard import Guarded, StopGuard, StopGuardConfig
from patrol.checks import Floats
from patrol.estimate import PoseEstimate
from patrol.geometry import IDENTITY2, STOPPED, Pose2, Twist2
from patrol.operations import Command, CommandAnswer, CommandKind, WaypointOutcome
from patrol.sensors import Battery, Odometry, Scan
from patrol.site import Site

STEP_NS = 50_000_000
BEAMS = 360
HALF_LENGTH_M, HALF_WIDTH_M = 0.35, 0.26
FAR_NS = 10**18


@dataclass(kw_only=True)
class Walker:
    """A disc that walks a loop of points. A ``careful`` one stops when the robot is just in front of it."""

    loop_m: Floats
    speed_mps: float
    careful: bool = True
    radius_m: float = 0.25
    at_m: Floats = field(init=False)
    goal: int = 1

    def __post_init__(self) -> None:
        self.at_m = np.array(self.loop_m[0], dtype=np.float64)

    def advance(self, dt_s: float, robot: Pose2) -> None:
        ahead = self.loop_m[self.goal] - self.at_m
        away = float(np.hypot(*ahead))
        if away < 0.1:
            self.goal = (self.goal + 1) % len(self.loop_m)
            return
        step = ahead / away * min(self.speed_mps * dt_s, away)
        to_robot = np.array([robot.x_m, robot.y_m]) - self.at_m
        in_front = float(np.hypot(*to_robot)) < 1.0 and float(to_robot @ ahead) > 0.0
        if not (self.careful and in_front):
            self.at_m = self.at_m + step


class FlatWorld:
    """The robot, the walkers and the obstacles; truth for the test, sensors for the robot."""

    def __init__(self, site: Site, *, start: Pose2, seed: int, walkers: list[Walker] | None = None) -> None:
        self.random = np.random.default_rng(seed)
        self.pose = start
        self.twist = STOPPED
        self.now_ns = 1_000_000_000
        self.walkers = walkers or []
        self.extra: list[Polygon] = []
        self.site = site
        self.closest_m = math.inf
        self.contact_speeds_mps: list[float] = []
        self._walls = _edges([site.perimeter, *(building.outline for building in site.buildings)])
        self._solid = unary_union([building.outline for building in site.buildings])

    def advance(self, command: Twist2) -> None:
        """One step of 50 ms towards ``command``."""
        dt = STEP_NS / 1e9
        speed = _towards(self.twist.forward_mps, command.forward_mps, 1.5 * dt)
        turn = _towards(self.twist.turn_radps, command.turn_radps, 4.0 * dt)
        self.twist = Twist2(speed, 0.0, turn)
        half = self.pose.yaw_rad + 0.5 * turn * dt
        x, y = self.pose.x_m + speed * dt * math.cos(half), self.pose.y_m + speed * dt * math.sin(half)
        self.pose = Pose2(x, y, self.pose.yaw_rad + turn * dt)
        for walker in self.walkers:
            walker.advance(dt, self.pose)
        self.now_ns += STEP_NS
        self._note_contacts()

    def scan(self) -> Scan:
        """A full turn of ``BEAMS`` beams from the robot's middle with 1 cm of noise."""
        angles = -math.pi + np.arange(BEAMS) * 2.0 * math.pi / BEAMS
        edges = np.vstack((self._walls, _edges(self.extra))) if self.extra else self._walls
        ranges = _cast(self.pose, angles, edges)
        for walker in self.walkers:
            ranges = np.minimum(ranges, _cast_disc(self.pose, angles, walker.at_m, walker.radius_m))
        ranges = np.where(ranges < 40.0, ranges + self.random.normal(0.0, 0.01, BEAMS), np.inf)
        return Scan(
            stamp_ns=self.now_ns,
            frame_id="lidar_link",
            angle_min_rad=-math.pi,
            angle_step_rad=2.0 * math.pi / BEAMS,
            range_min_m=0.1,
            range_max_m=40.0,
            ranges_m=np.maximum(ranges, 0.11).astype(np.float32),
        )

    def estimate(self, *, doubt: str = "") -> PoseEstimate:
        noisy = Pose2(
            self.pose.x_m + self.random.normal(0.0, 0.02),
            self.pose.y_m + self.random.normal(0.0, 0.02),
            self.pose.yaw_rad + self.random.normal(0.0, 0.005),
        )
        covariance = np.diag([4e-4, 4e-4, 2.5e-5])
        return PoseEstimate(
            stamp_ns=self.now_ns, map_from_odom=IDENTITY2, odom_from_base=noisy, covariance=covariance, doubt=doubt
        )

    def _note_contacts(self) -> None:
        base_from_map = self.pose.inverse()
        for walker in self.walkers:
            x, y = np.abs(base_from_map.apply([walker.at_m])[0])
            gap = math.hypot(max(x - HALF_LENGTH_M, 0.0), max(y - HALF_WIDTH_M, 0.0)) - walker.radius_m
            self.closest_m = min(self.closest_m, gap)
            if gap <= 0.0:
                self.contact_speeds_mps.append(abs(self.twist.forward_mps))
        body = Polygon(self.pose.apply([(0.35, 0.26), (-0.35, 0.26), (-0.35, -0.26), (0.35, -0.26)]))
        inside = self.site.perimeter.contains(Point(self.pose.x_m, self.pose.y_m))
        if not inside or body.intersects(self._solid) or any(body.intersects(extra) for extra in self.extra):
            self.contact_speeds_mps.append(abs(self.twist.forward_mps))
            self.closest_m = min(self.closest_m, 0.0)


class Drill:
    """Runs the executive and the guard in a flat world."""

    def __init__(self, world: FlatWorld, executive: Executive) -> None:
        self.world = world
        self.executive = executive
        self.guard = StopGuard(StopGuardConfig(), IDENTITY2)
        self.outcomes: list[WaypointOutcome] = []
        self.decision: Decision | None = None
        self.guarded: Guarded | None = None
        self.trail_m: list[tuple[float, float]] = []
        self.charge = 0.9
        self.doubt = ""
        self.facts: tuple[Observed, ...] = ()
        self.more: dict[str, Any] = {}
        self.blind = False
        self.lidar_is_silent = False
        self.slam_is_frozen = False
        self.socket_is_live = True
        self._scan: Scan | None = None
        self._estimate: PoseEstimate | None = None
        self._steps = 0
        self._commands = 0

    def order(self, kind: CommandKind, mission_id: str = "") -> CommandAnswer:
        self._commands += 1
        command = Command(command_id=f"c{self._commands}", kind=kind, expires_ns=FAR_NS, issued_by="anna", mission_id=mission_id)
        return self.executive.accept(command, self.world.now_ns)

    def steer(self, twist: Twist2) -> None:
        """A hand control that asks for ``twist`` now."""
        self.more["teleop"] = HandControl(twist=twist, stamp_ns=self.world.now_ns)

    def step_without_mission(self) -> None:
        """One turn of 50 ms in which the mission process is frozen: the stop guard and the world go on."""
        self._sense()
        self.guarded = self.guard.step(self.world.now_ns)
        self.world.advance(self.guarded.twist)

    def _sense(self) -> None:
        if self._steps % 2 == 0 and not self.blind:
            scan = self.world.scan()
            if not self.lidar_is_silent:
                self._scan = scan
                self.guard.on_scan(scan)
            if not self.slam_is_frozen and not self.lidar_is_silent:
                self._estimate = self.world.estimate(doubt=self.doubt)
        self._steps += 1

    def battery(self) -> Battery:
        """What the battery reports: it charges at a live dock, and else it does not."""
        docks = [dock.pose for dock in self.world.site.docks]
        charges = self.socket_is_live and any(self.world.pose.distance_to(dock) < 0.6 for dock in docks)
        return Battery(stamp_ns=self.world.now_ns, charge=self.charge, voltage_v=25.0, current_a=4.0 if charges else -2.0)

    def step(self) -> Decision:
        """One turn of 50 ms; sensors come at 10 Hz."""
        world = self.world
        self._sense()
        given: dict[str, Any] = {
            "now_ns": world.now_ns,
            "estimate": self._estimate,
            "twist": world.twist,
            "driven": self.guarded.twist if self.guarded is not None else STOPPED,
            "scan": self._scan,
            "battery": self.battery(),
            "heard": (Odometry(stamp_ns=world.now_ns, odom_from_base=world.pose, twist=world.twist),),
            "facts": self.facts,
        }
        self.decision = self.executive.step(ExecutiveInputs(**(given | self.more)))
        self.outcomes.extend(self.decision.outcomes)
        self.guard.on_wanted(self.decision.twist, world.now_ns)
        self.guarded = self.guard.step(world.now_ns)
        world.advance(self.guarded.twist)
        self.trail_m.append((world.pose.x_m, world.pose.y_m))
        return self.decision

    def run(self, limit_s: float, until: Callable[[Decision], bool]) -> bool:
        """Step until ``until`` holds or ``limit_s`` of the world's time have gone by; whether it held."""
        return any(until(self.step()) for _ in range(round(limit_s * 1e9 / STEP_NS)))


def _edges(polygons: list[Polygon]) -> Floats:
    """Segments (M, 4): x, y of both ends, metres in map."""
    rows = []
    for polygon in polygons:
        ring = np.array(polygon.exterior.coords)[:, :2]
        rows.append(np.hstack((ring[:-1], ring[1:])))
    return np.vstack(rows)


def _cast(pose: Pose2, angles: Floats, edges: Floats) -> Floats:
    direction = np.column_stack((np.cos(angles + pose.yaw_rad), np.sin(angles + pose.yaw_rad)))
    start = edges[:, :2] - (pose.x_m, pose.y_m)
    along = edges[:, 2:] - edges[:, :2]
    cross = direction[:, :1] * along[:, 1] - direction[:, 1:] * along[:, 0]
    safe = np.where(np.abs(cross) < 1e-12, 1e-12, cross)
    ranges = (start[:, 0] * along[:, 1] - start[:, 1] * along[:, 0]) / safe
    share = (start[:, 0] * direction[:, 1:] - start[:, 1] * direction[:, :1]) / safe
    hit = (ranges > 0.0) & (share >= 0.0) & (share <= 1.0)
    nearest: Floats = np.where(hit, ranges, np.inf).min(axis=1)
    return nearest


def _cast_disc(pose: Pose2, angles: Floats, centre_m: Floats, radius_m: float) -> Floats:
    dx, dy = centre_m[0] - pose.x_m, centre_m[1] - pose.y_m
    cos, sin = np.cos(angles + pose.yaw_rad), np.sin(angles + pose.yaw_rad)
    along, beside = dx * cos + dy * sin, -dx * sin + dy * cos
    depth = radius_m**2 - beside**2
    hit = (depth > 0.0) & (along > 0.0)
    ranges: Floats = np.where(hit, along - np.sqrt(np.maximum(depth, 0.0)), np.inf)
    return ranges


def _towards(now: float, wanted: float, step: float) -> float:
    return min(max(wanted, now - step), now + step)
