# SPDX-License-Identifier: Apache-2.0
"""What an actor's body is to the simulator: parts that it places, temperatures that the thermal camera sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import mujoco

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

    def limb_poses(self, world_from_actor: Pose3, speed_mps: float, phase_rad: float) -> dict[str, Pose3]:
        """World pose of every part, ``collision`` included; a pure function.

        ``phase_rad`` grows by 2π per stride (two steps), with the distance walked, or with time for what only sways. An actor
        frame high above the ground (a fence being climbed) has z > 0.15 m.
        """
        ...
