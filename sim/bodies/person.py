# SPDX-License-Identifier: Apache-2.0
"""A person who walks, climbs, crouches, sits or lies: sixteen rigid segments on mocap bodies, moved by the gait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import mujoco
import numpy as np

from patrol.checks import Floats
from patrol.geometry import Pose3
from patrol.percepts import Label
from sim.bodies.appearance import Look
from sim.bodies.base import COLLISION_PART, PartPoses
from sim.bodies.gait import Posture, climbing, crouching, sitting, walking
from sim.bodies.person_build import build_person
from sim.bodies.pieces import Build
from sim.bodies.skeleton import SEGMENTS, Skeleton
from sim.bodies.wheelchair import FOOTREST_M

_CLIMBING_ABOVE_M = 0.15
_ORIGIN = (np.eye(3), np.zeros(3))
_ON_FOOTRESTS = np.array((0.0, 0.0, FOOTREST_M))
_ON_THE_BACK = np.array(((0.0, 0.0, -1.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0)))
"""Lays a standing person down: the head points back, the face up."""


@dataclass(frozen=True, slots=True)
class Person:
    """See ``sim.bodies.base.Body``. Segments that carry something (``bag``) hang on a segment of the skeleton."""

    name: str
    look: Look
    _build: Build = field(init=False)
    _skeleton: Skeleton = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_build", build_person(self.look))
        object.__setattr__(self, "_skeleton", Skeleton(stature_m=self.look.stature_m, breadth=self.look.breadth))

    @property
    def label(self) -> Label | None:
        return Label.PERSON

    @property
    def height_m(self) -> float:
        return self.look.height_m

    @property
    def radius_m(self) -> float:
        return 0.55 * self.look.stature_m if self.look.bearing != "sitting" else max(0.62, 0.45 * self.look.stature_m)

    @property
    def temperatures_k(self) -> Mapping[str, float]:
        return self._build.temperatures_k

    def add_to(self, spec: mujoco.MjSpec) -> None:
        self._build.add_to(spec, self.name)

    def limb_poses(self, world_from_actor: Pose3, speed_mps: float, phase_rad: float) -> PartPoses:
        off_ground = float(world_from_actor.translation_m[2]) > _CLIMBING_ABOVE_M
        posture = climbing(phase_rad) if off_ground else self._posture(speed_mps, phase_rad)
        placed = self._equipped(self._skeleton.place(posture))
        turns, places = placed.rotations, placed.positions_m
        if self.look.bearing == "lying":
            turns, places = _ON_THE_BACK @ turns, places @ _ON_THE_BACK.T + np.array((0.5, 0.0, 0.075)) * self.look.stature_m
        rotations: Floats = world_from_actor.rotation @ turns
        return PartPoses(placed.parts, places @ world_from_actor.rotation.T + world_from_actor.translation_m, rotations)

    def _equipped(self, segments: PartPoses) -> PartPoses:
        """The segments, and what stands or hangs on them, in the actor frame."""
        turns, places = segments.rotations, segments.positions_m
        sits = self.look.bearing == "sitting"
        if sits:
            places = places + _ON_FOOTRESTS
        more: dict[str, tuple[Floats, Floats]] = {COLLISION_PART: _ORIGIN}
        if sits:
            more["chair"] = _ORIGIN
        if self.look.bag == "backpack":
            torso = SEGMENTS.index("torso")
            more["bag"] = (turns[torso], places[torso])
        elif self.look.bag == "holdall":
            more["bag"] = (np.eye(3), places[SEGMENTS.index("hand_right")])
        return PartPoses(
            (*segments.parts, *more),
            np.concatenate((places, [at for _, at in more.values()])),
            np.concatenate((turns, [turn for turn, _ in more.values()])),
        )

    def _posture(self, speed_mps: float, phase_rad: float) -> Posture:
        if self.look.bearing == "sitting":
            return sitting(phase_rad, speed_mps)
        if self.look.bearing == "crouching":
            return crouching(phase_rad)
        if self.look.bearing == "lying":
            return walking(0.0, 0.0)
        posture = walking(phase_rad, speed_mps)
        return replace(posture, lean=posture.lean + self.look.stoop_rad) if self.look.stoop_rad else posture
