# SPDX-License-Identifier: Apache-2.0
"""A body whose parts follow one function of speed and phase: vehicles, animals, trees, parcels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import mujoco
import numpy as np

from patrol.geometry import Pose3
from patrol.percepts import Label
from sim.bodies.base import COLLISION_PART, PartPoses
from sim.bodies.pieces import Build

IDENTITY3 = Pose3(np.zeros(3), np.eye(3))
Motion = Callable[[float, float], Mapping[str, Pose3]]
"""Poses in the actor frame of the parts that move, from speed in m/s and phase in rad."""


def still(speed_mps: float, phase_rad: float) -> Mapping[str, Pose3]:
    """The motion of what is rigid."""
    del speed_mps, phase_rad
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleBody:
    """See ``sim.bodies.base.Body``. Parts that ``motion`` leaves out stay put in the actor frame."""

    name: str
    label: Label | None
    height_m: float
    radius_m: float
    build: Build
    motion: Motion = still

    @property
    def temperatures_k(self) -> Mapping[str, float]:
        return self.build.temperatures_k

    def add_to(self, spec: mujoco.MjSpec) -> None:
        self.build.add_to(spec, self.name)

    def limb_poses(self, world_from_actor: Pose3, speed_mps: float, phase_rad: float) -> PartPoses:
        moved = self.motion(speed_mps, phase_rad)
        poses = {part: world_from_actor @ moved[part] if part in moved else world_from_actor for part in self.build.parts}
        poses[COLLISION_PART] = world_from_actor
        return PartPoses.of(poses)
