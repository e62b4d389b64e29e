# SPDX-License-Identifier: Apache-2.0
"""Segment lengths of people and where every segment goes for a posture.

Proportions after Drillis and Contini, 1966 (as printed by Winter). Each segment's frame sits at its upper joint: x forward,
y left, z up when standing; the head's and the torso's at their lower joint.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats
from sim.bodies.gait import Limbs, Posture

Placed = tuple[Floats, Floats]
"""Rotation (3, 3) and translation (3,) m of a segment in the actor frame."""

HIP_HEIGHT, WAIST, NECK, SHOULDER_HEIGHT = 0.530, 0.052, 0.262, 0.224
SHOULDER_HALF, HIP_HALF = 0.107, 0.048
UPPER_ARM, FOREARM, THIGH, SHIN, SOLE = 0.178, 0.150, 0.245, 0.246, 0.039
HEEL_BACK, TOE_AHEAD = 0.045, 0.105


@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    """A person's stature and the breadth of shoulders and hips relative to the average."""

    stature_m: float
    breadth: float = 1.0

    def place(self, posture: Posture) -> dict[str, Placed]:
        """Every segment in the actor frame, the lower sole on the ground at z = 0."""
        placed = self._hung(posture)
        lift = np.array((0.0, 0.0, -min(self._sole_m(placed[f"foot_{side}"]) for side in ("left", "right"))))
        return {name: (rotation, at + lift) for name, (rotation, at) in placed.items()}

    def _hung(self, posture: Posture) -> dict[str, Placed]:
        height = self.stature_m
        pelvis = (_turn_z(posture.pelvis_yaw) @ _turn_x(-posture.roll) @ _turn_y(0.4 * posture.lean), np.zeros(3))
        spine = _turn_z(posture.chest_yaw) @ _turn_x(0.6 * posture.roll) @ _turn_y(posture.lean)
        torso = (spine, pelvis[0] @ (0.0, 0.0, WAIST * height))
        neck = _turn_z(0.2 * posture.chest_yaw) @ _turn_y(0.3 * posture.lean)
        placed = {"pelvis": pelvis, "torso": torso, "head": (neck, _reach(torso, (0.0, 0.0, NECK * height)))}
        for side, sign, limbs in (("left", 1.0, posture.left), ("right", -1.0, posture.right)):
            placed.update(self._leg(pelvis, side, sign, limbs))
            placed.update(self._arm(torso, side, sign, limbs))
        return placed

    def _leg(self, pelvis: Placed, side: str, sign: float, limbs: Limbs) -> dict[str, Placed]:
        height = self.stature_m
        thigh_turn = pelvis[0] @ _turn_x(sign * 0.02) @ _turn_y(-limbs.hip)
        thigh = (thigh_turn, _reach(pelvis, (0.0, sign * HIP_HALF * height * self.breadth, 0.0)))
        shin = (thigh_turn @ _turn_y(limbs.knee), _reach(thigh, (0.0, 0.0, -THIGH * height)))
        foot_turn = shin[0] @ _turn_z(sign * 0.10) @ _turn_y(-limbs.ankle)
        foot = (foot_turn, _reach(shin, (0.0, 0.0, -SHIN * height)))
        return {f"thigh_{side}": thigh, f"shin_{side}": shin, f"foot_{side}": foot}

    def _arm(self, torso: Placed, side: str, sign: float, limbs: Limbs) -> dict[str, Placed]:
        height = self.stature_m
        outward = 0.14 if limbs.shoulder < 1.2 else 0.02
        arm_turn = torso[0] @ _turn_x(sign * outward) @ _turn_y(-limbs.shoulder)
        upper = (
            arm_turn,
            _reach(torso, (-0.004 * height, sign * SHOULDER_HALF * height * self.breadth, SHOULDER_HEIGHT * height)),
        )
        inward = _turn_x(-sign * 0.07)
        forearm = (arm_turn @ inward @ _turn_y(-limbs.elbow), _reach(upper, (0.0, 0.0, -UPPER_ARM * height)))
        hand = (forearm[0] @ _turn_y(-0.15), _reach(forearm, (0.0, 0.0, -FOREARM * height)))
        return {f"upper_arm_{side}": upper, f"forearm_{side}": forearm, f"hand_{side}": hand}

    def _sole_m(self, foot: Placed) -> float:
        """Height of the lower of heel and toe."""
        height = self.stature_m
        ends = (-HEEL_BACK, TOE_AHEAD)
        return min(float(_reach(foot, (end * height, 0.0, -SOLE * height))[2]) for end in ends)


def _reach(placed: Placed, offset_m: tuple[float, float, float]) -> Floats:
    point: Floats = placed[0] @ offset_m + placed[1]
    return point


def _turn_x(angle: float) -> Floats:
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array(((1.0, 0.0, 0.0), (0.0, cos, -sin), (0.0, sin, cos)))


def _turn_y(angle: float) -> Floats:
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array(((cos, 0.0, sin), (0.0, 1.0, 0.0), (-sin, 0.0, cos)))


def _turn_z(angle: float) -> Floats:
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array(((cos, -sin, 0.0), (sin, cos, 0.0), (0.0, 0.0, 1.0)))
