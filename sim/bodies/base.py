# SPDX-License-Identifier: Apache-2.0
"""What an actor's body is to the simulator: parts that it places, temperatures that the thermal camera sees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import mujoco
import numpy as np

from patrol.checks import Floats
from patrol.geometry import Pose3
from patrol.percepts import Label

VISIBLE_GROUP = 2
"""Geom group of what cameras and lidar see of an actor."""
COLLISION_GROUP = 4
"""Geom group of the one invisible geom per actor that the robot can bump into; never drawn."""
COLLISION_PART = "collision"
"""Part that carries the invisible collision geom."""
ACTOR_CONTYPE = 2
"""``contype`` of a collision geom (``conaffinity`` 0): it meets the robot and nothing else."""


class PartPoses(Mapping[str, Pose3]):
    """Poses of a body's parts in one frame as two arrays: ``positions_m`` (P, 3) and ``rotations`` (P, 3, 3), in the order of
    ``parts``. As a mapping it gives one pose by its part's name."""

    __slots__ = ("parts", "positions_m", "rotations")

    def __init__(self, parts: tuple[str, ...], positions_m: Floats, rotations: Floats) -> None:
        self.parts, self.positions_m, self.rotations = parts, positions_m, rotations

    @classmethod
    def of(cls, poses: Mapping[str, Pose3]) -> PartPoses:
        """From one pose per part."""
        places = np.stack([pose.translation_m for pose in poses.values()])
        return cls(tuple(poses), places, np.stack([pose.rotation for pose in poses.values()]))

    def __getitem__(self, part: str) -> Pose3:
        index = self.parts.index(part)
        return Pose3(self.positions_m[index], self.rotations[index])

    def __iter__(self) -> Iterator[str]:
        return iter(self.parts)

    def __len__(self) -> int:
        return len(self.parts)


class Body(Protocol):
    """One actor's body. It knows its shape and gait; it neither knows where it is nor what time it is.

    The actor frame stands on the ground under the body: x forward, y left, z up. Parts are MuJoCo mocap bodies named
    ``{name}/{part}`` directly under the world body; visible geoms are named ``{name}/{part}/{n}``, lie in ``VISIBLE_GROUP``
    and collide with nothing (``contype`` and ``conaffinity`` 0). The part ``collision`` holds one capsule or box in
    ``COLLISION_GROUP`` with ``contype`` ``ACTOR_CONTYPE``. Geoms are boxes, capsules, cylinders, spheres, ellipsoids or meshes;
    the lidar meets a mesh by its bounding box.
    """

    @property
    def name(self) -> str:
        """Unique within the scenario; no slash."""
        ...

    @property
    def label(self) -> Label | None:
        """What a detector should call it; None for scenery such as a tree."""
        ...

    @property
    def height_m(self) -> float:
        """Height above the actor frame's origin."""
        ...

    @property
    def radius_m(self) -> float:
        """Radius of a vertical cylinder around the actor frame's z axis that encloses the body in every gait phase."""
        ...

    @property
    def temperatures_k(self) -> Mapping[str, float]:
        """Surface temperature in kelvin per visible part (every part except ``collision``)."""
        ...

    def add_to(self, spec: mujoco.MjSpec) -> None:
        """Add the mocap bodies, geoms, materials and textures (all names start with ``{name}/``) to ``spec``."""
        ...

    def limb_poses(self, world_from_actor: Pose3, speed_mps: float, phase_rad: float) -> PartPoses:
        """World pose of every part, ``collision`` included; a pure function.

        ``phase_rad`` grows by 2π per stride (two steps), with the distance walked, or with time for what only sways. An actor
        frame high above the ground (a fence being climbed) has z > 0.15 m.
        """
        ...
