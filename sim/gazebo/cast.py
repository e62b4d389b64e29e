# SPDX-License-Identifier: Apache-2.0
"""A scenario's actors in Gazebo: the motion of the embedded simulator, told to Gazebo as poses of the parts of each body."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from patrol.geometry import Pose2, Pose3
from sim.actors import Actor, move_all
from sim.gazebo.messages import Messages
from sim.robot import RobotModel

_PERSON_RADIUS_M = 0.25
_VEHICLE_SHARE = 0.35


class GazeboCast:
    """Moves the actors and says which of their parts must be told to Gazebo."""

    def __init__(self, actors: Sequence[Actor], robot: RobotModel) -> None:
        self.actors = tuple(actors)
        self._robot = robot
        self._told: dict[str, tuple[Pose2, float, float, float, bool]] = {}
        self._touching: frozenset[str] = frozenset()
        self.contact_count = 0

    def step(self, now_s: float, step_s: float, robot: Pose2) -> None:
        """Move every actor on."""
        move_all(self.actors, now_s, step_s, robot)
        self._note_contacts(robot)

    def moved(self, messages: Messages, world: str) -> list[Any]:
        """One ``Visual`` for every part of every actor that has moved since the last call."""
        told = []
        for actor in self.actors:
            state = actor.state
            now = (state.pose, state.z_m, state.speed_mps, state.phase_rad, state.visible)
            if self._told.get(actor.spec.name) == now:
                continue
            self._told[actor.spec.name] = now
            poses = actor.body.limb_poses(actor.world_from_actor, state.speed_mps, state.phase_rad)
            told += [_visual(messages, world, actor.spec.name, part, pose) for part, pose in poses.items() if part != "collision"]
        return told

    def forget(self) -> None:
        """Tell every part again at the next call."""
        self._told.clear()

    @property
    def touching(self) -> frozenset[str]:
        """The actors that the robot touches."""
        return self._touching

    def _note_contacts(self, robot: Pose2) -> None:
        """Gazebo draws actors and lets rays meet them, but gives them no physics: what touches is worked out here, between the
        chassis' rectangle and a circle around each actor."""
        touching = frozenset(
            actor.spec.name
            for actor in self.actors
            if actor.state.visible and actor.state.z_m < 1.0 and self._gap_m(actor, robot) < 0.0
        )
        self.contact_count += len(touching - self._touching)
        self._touching = touching

    def _gap_m(self, actor: Actor, robot: Pose2) -> float:
        there = robot.inverse() @ actor.state.pose
        length, width, _ = self._robot.body.size_m
        aside = math.hypot(max(abs(there.x_m) - 0.5 * length, 0.0), max(abs(there.y_m) - 0.5 * width, 0.0))
        radius = _VEHICLE_SHARE * actor.body.radius_m if actor.body.radius_m > 1.2 else _PERSON_RADIUS_M
        return aside - min(radius, actor.body.radius_m)


def _visual(messages: Messages, world: str, actor: str, part: str, pose: Pose3) -> Any:
    """Where the part of an actor whose model stands at the origin is drawn from now on."""
    visual = messages["Visual"](name=f"{actor}::{part}", parent_name=world)
    visual.pose.position.x, visual.pose.position.y, visual.pose.position.z = (float(value) for value in pose.translation_m)
    x, y, z, w = pose.quaternion_xyzw()
    turn = visual.pose.orientation
    turn.x, turn.y, turn.z, turn.w = float(x), float(y), float(z), float(w)
    return visual
