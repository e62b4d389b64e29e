# SPDX-License-Identifier: Apache-2.0
"""Actors: kinematic bodies that follow their routes, wait for their triggers, and make way for the robot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import mujoco
import numpy as np

from patrol.checks import Floats
from patrol.geometry import Pose2, Pose3, wrap_angle
from sim.actor_shapes import ActorShape, ActorTarget
from sim.bodies.base import Body
from sim.scenario import ActorSpec, Stop

_OUT_OF_SIGHT_Z_M = -60.0
_KEEP_CLEAR_M = 0.6
_LOOK_AHEAD_M = 1.6
_SIDE_STEP_MPS = 0.7
_STRIDE_M = 1.4
_TURN_RADPS = 3.5
_VEHICLE_TURN_RADPS = 0.8
_SWAY_RADPS = 1.6
_ROBOT_RADIUS_M = 0.44
_VEHICLES = ("car", "van")
_GRAVITY_MPS2 = 9.81
_TURNS_HZ = {"bird": 1.1, "drone": 0.7, "thrown": 1.4}
"""Phases a second of what is in the air: a bout of wing beats, a drone's swaying, a tumble."""


@dataclass(slots=True, kw_only=True)
class _State:
    """Where one actor is on its route. ``stop`` is the index of the stop it is going to."""

    pose: Pose2
    z_m: float = 0.0
    speed_mps: float = 0.0
    phase_rad: float = 0.0
    stop: int = 1
    leg_from: tuple[float, float, float] = (0.0, 0.0, 0.0)
    pause_until_s: float = 0.0
    started: bool = False
    done: bool = False
    visible: bool = True


class Actor:
    """One actor: its body, its route, and where it is now."""

    def __init__(self, spec: ActorSpec, body: Body) -> None:
        first = spec.route[0]
        self.spec, self.body = spec, body
        self.state = _State(
            pose=Pose2(first.x_m, first.y_m, _first_heading(spec)),
            z_m=first.height_m,
            leg_from=(first.x_m, first.y_m, first.height_m),
            visible=spec.hidden_until == "never",
        )
        self.velocity_mps: Floats = np.zeros(3)
        self.dropped: tuple[str, Pose2] | None = None

    @property
    def flies(self) -> bool:
        """Whether it is a thing of the air, and in the world now."""
        return self.state.visible and self.spec.kind in _TURNS_HZ

    @property
    def world_from_actor(self) -> Pose3:
        return self.before(0.0)

    def before(self, ahead_s: float) -> Pose3:
        """Where it was so long before the end of its last step, at most that step's length."""
        pose, state = self.state.pose, self.state
        if not state.visible:
            return Pose3.from_pose2(pose, _OUT_OF_SIGHT_Z_M)
        x_m, y_m, z_m = (float(value) for value in self.velocity_mps * ahead_s)
        return Pose3.from_pose2(Pose2(pose.x_m - x_m, pose.y_m - y_m, pose.yaw_rad), state.z_m - z_m)

    def appear(self, pose: Pose2) -> None:
        """Come into the world at ``pose``."""
        self.state.pose, self.state.visible = pose, True

    def step(self, now_s: float, step_s: float, robot: Pose2) -> None:
        """Move on by ``step_s``; ``now_s`` counts from the scenario's start."""
        before = np.array([self.state.pose.x_m, self.state.pose.y_m, self.state.z_m])
        self.dropped = None
        self._start_if_due(now_s, robot)
        self.state.speed_mps = 0.0
        if self.state.started and not self.state.done:
            self._follow(now_s, step_s, robot)
        self._swing(step_s)
        after = np.array([self.state.pose.x_m, self.state.pose.y_m, self.state.z_m])
        self.velocity_mps = (after - before) / step_s

    def _start_if_due(self, now_s: float, robot: Pose2) -> None:
        trigger, state = self.spec.start, self.state
        near = trigger.robot_within_m is None or state.pose.distance_to(robot) <= trigger.robot_within_m
        if state.started or now_s < trigger.after_s or not near or self.spec.hidden_until == "dropped":
            return
        state.started, state.visible = True, True
        state.pause_until_s = now_s + self.spec.route[0].pause_s
        state.done = len(self.spec.route) == 1

    def _follow(self, now_s: float, step_s: float, robot: Pose2) -> None:
        if now_s < self.state.pause_until_s:
            return
        goal = self.spec.route[self.state.stop]
        if self.spec.yields and self._makes_way(robot, step_s):
            return
        self._walk_towards(goal, step_s)
        if math.hypot(goal.x_m - self.state.pose.x_m, goal.y_m - self.state.pose.y_m) < 0.02:
            self._arrive(goal, now_s)

    def _walk_towards(self, goal: Stop, step_s: float) -> None:
        state = self.state
        dx, dy = goal.x_m - state.pose.x_m, goal.y_m - state.pose.y_m
        distance = math.hypot(dx, dy)
        wanted_yaw = math.atan2(dy, dx) if distance > 1e-6 else state.pose.yaw_rad
        error = wrap_angle(wanted_yaw - state.pose.yaw_rad)
        vehicle = self.spec.kind in _VEHICLES
        limit = (_VEHICLE_TURN_RADPS if vehicle else _TURN_RADPS) * step_s
        yaw = state.pose.yaw_rad + min(max(error, -limit), limit)
        eagerness = max(math.cos(error), 0.15 if vehicle else 0.05)
        way = min(goal.speed_mps * eagerness * step_s, distance)
        share = way / distance if distance > 0.0 else 0.0
        state.pose = Pose2(state.pose.x_m + share * dx, state.pose.y_m + share * dy, yaw)
        state.speed_mps = way / step_s
        state.z_m = self._height(goal)

    def _height(self, goal: Stop) -> float:
        """Height on the way to ``goal``: level by level, over an arc, or as something falls that was thrown."""
        x0, y0, z0 = self.state.leg_from
        length = math.hypot(goal.x_m - x0, goal.y_m - y0)
        done = math.hypot(self.state.pose.x_m - x0, self.state.pose.y_m - y0) / max(length, 1e-6)
        done = min(max(done, 0.0), 1.0)
        level = z0 + done * (goal.height_m - z0)
        if self.spec.kind == "thrown":
            return level + 0.5 * _GRAVITY_MPS2 * (length / goal.speed_mps) ** 2 * done * (1.0 - done)
        return level + goal.climb_m * math.sqrt(max(math.sin(math.pi * done), 0.0))

    def _arrive(self, goal: Stop, now_s: float) -> None:
        state = self.state
        state.z_m = goal.height_m
        state.pause_until_s = now_s + goal.pause_s
        state.leg_from = (goal.x_m, goal.y_m, goal.height_m)
        if goal.drops:
            self.dropped = (goal.drops, state.pose @ Pose2(0.35, -0.25, 0.0))
        if state.stop + 1 < len(self.spec.route):
            state.stop += 1
        elif self.spec.loop:
            state.stop = 0
        else:
            state.done = True
            state.visible = not self.spec.vanishes

    def _makes_way(self, robot: Pose2, step_s: float) -> bool:
        """Whether the actor spends this step on the robot: it stands still, or steps aside when the robot is in its way."""
        state = self.state
        if state.z_m > 0.0:
            return False
        dx, dy = robot.x_m - state.pose.x_m, robot.y_m - state.pose.y_m
        gap = math.hypot(dx, dy) - _ROBOT_RADIUS_M - (self.body.radius_m if self.spec.kind in _VEHICLES else 0.3)
        if gap > _LOOK_AHEAD_M:
            return False
        goal = self.spec.route[state.stop]
        bearing = wrap_angle(math.atan2(dy, dx) - math.atan2(goal.y_m - state.pose.y_m, goal.x_m - state.pose.x_m))
        if abs(bearing) > math.radians(75.0):
            return False
        if self.spec.kind in _VEHICLES:
            return True
        if gap < _KEEP_CLEAR_M:
            return self._back_off(dx, dy, gap, step_s)
        side = -1.0 if bearing >= 0.0 else 1.0
        away = math.atan2(dy, dx) + side * math.radians(90.0)
        self._side_step(away, step_s)
        return True

    def _back_off(self, dx: float, dy: float, gap: float, step_s: float) -> bool:
        if gap < 0.5 * _KEEP_CLEAR_M:
            self._side_step(math.atan2(-dy, -dx), step_s)
        return True

    def _side_step(self, direction_rad: float, step_s: float) -> None:
        pose, way = self.state.pose, _SIDE_STEP_MPS * step_s
        self.state.pose = Pose2(pose.x_m + way * math.cos(direction_rad), pose.y_m + way * math.sin(direction_rad), pose.yaw_rad)
        self.state.speed_mps = _SIDE_STEP_MPS

    def _swing(self, step_s: float) -> None:
        rate = _SWAY_RADPS if self.spec.kind == "tree" else 2.0 * math.pi * self.state.speed_mps / _STRIDE_M
        if self.state.z_m > 0.0:
            rate = 2.0 * math.pi * _TURNS_HZ.get(self.spec.kind, 0.8)
        self.state.phase_rad = math.fmod(self.state.phase_rad + rate * step_s, 2.0 * math.pi)


def _first_heading(spec: ActorSpec) -> float:
    if len(spec.route) == 1:
        return math.radians(spec.heading_deg)
    first, second = spec.route[0], spec.route[1]
    return math.atan2(second.y_m - first.y_m, second.x_m - first.x_m)


def move_all(actors: Sequence[Actor], now_s: float, step_s: float, *robots: Pose2) -> None:
    """Move every actor on, each with an eye on the robot nearest to it, and let what one of them put down appear."""
    for actor in actors:
        actor.step(now_s, step_s, min(robots, key=actor.state.pose.distance_to))
        if actor.dropped is not None:
            name, pose = actor.dropped
            next(other for other in actors if other.spec.name == name).appear(pose)


class Cast:
    """All actors of a scenario and their bodies in the compiled model."""

    def __init__(self, actors: Sequence[Actor], model: mujoco.MjModel, data: mujoco.MjData) -> None:
        self.actors = tuple(actors)
        self._data = data
        self._placed: dict[str, tuple[Pose2, float, float, float, bool, float]] = {}
        self._shapes = {actor.spec.name: ActorShape(model, actor.spec.name) for actor in actors}
        self._mocap = {
            actor.spec.name: [
                int(model.body(f"{actor.spec.name}/{part}").mocapid[0])
                for part in actor.body.limb_poses(actor.world_from_actor, 0.0, 0.0)
            ]
            for actor in actors
        }

    def step(self, now_s: float, step_s: float, *robots: Pose2) -> None:
        """Move every actor on."""
        move_all(self.actors, now_s, step_s, *robots)

    def place(self, *, near: Pose2, within_m: float, ahead_s: float = 0.0) -> None:
        """Put the parts of actors within ``within_m`` of ``near`` where they are, for physics and pictures; ``ahead_s`` before
        the end of their last step. Those that have not moved since they were last placed are left alone.
        """
        for actor in self.actors:
            state = actor.state
            if state.pose.distance_to(near) > within_m + actor.body.radius_m:
                continue
            late_s = ahead_s if actor.velocity_mps.any() else 0.0
            now = (state.pose, state.z_m, state.speed_mps, state.phase_rad, state.visible, late_s)
            if self._placed.get(actor.spec.name) == now:
                continue
            self._placed[actor.spec.name] = now
            poses = actor.body.limb_poses(actor.before(late_s), state.speed_mps, state.phase_rad)
            ids = self._mocap[actor.spec.name]
            self._data.mocap_pos[ids] = poses.positions_m
            for index, rotation in zip(ids, poses.rotations, strict=True):
                mujoco.mju_mat2Quat(self._data.mocap_quat[index], rotation.ravel())

    def targets(self, near_m: Floats, reach_m: float) -> tuple[ActorTarget, ...]:
        """What a lidar at ``near_m`` (2,) can meet within ``reach_m``."""
        found = []
        for actor in self.actors:
            pose = actor.state.pose
            if not actor.state.visible or math.hypot(pose.x_m - near_m[0], pose.y_m - near_m[1]) > reach_m + actor.body.radius_m:
                continue
            found.append(self._shapes[actor.spec.name].target(self._data, actor.velocity_mps))
        return tuple(found)
