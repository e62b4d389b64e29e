# SPDX-License-Identifier: Apache-2.0
"""Segment lengths of people and where every segment goes for a posture.

Proportions after Drillis and Contini, 1966 (as printed by Winter). Each segment's frame sits at its upper joint: x forward,
y left, z up when standing; the head's and the torso's at their lower joint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from patrol.checks import Floats
from sim.bodies.base import PartPoses
from sim.bodies.gait import Limbs, Posture

HIP_HEIGHT, WAIST, NECK, SHOULDER_HEIGHT = 0.530, 0.052, 0.262, 0.224
SHOULDER_HALF, HIP_HALF = 0.107, 0.048
UPPER_ARM, FOREARM, THIGH, SHIN, SOLE = 0.178, 0.150, 0.245, 0.246, 0.039
HEEL_BACK, TOE_AHEAD = 0.045, 0.105
SEGMENTS = (
    *("pelvis", "torso", "head"),
    *("thigh_left", "thigh_right", "upper_arm_left", "upper_arm_right"),
    *("shin_left", "shin_right", "forearm_left", "forearm_right"),
    *("foot_left", "foot_right", "hand_left", "hand_right"),
)
"""Root to tip: the trunk, then the first, second and third segment of the four limbs."""
_FEET = slice(SEGMENTS.index("foot_left"), SEGMENTS.index("foot_right") + 1)
_OF_PELVIS_OR_TORSO = [0, 0, 1, 1]
_X, _Y, _Z = 0, 1, 2
_GENERATORS = np.array(
    (
        ((0.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)),
        ((0.0, 0.0, 1.0), (0.0, 0.0, 0.0), (-1.0, 0.0, 0.0)),
        ((0.0, -1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
    )
)
_SQUARES = _GENERATORS @ _GENERATORS
_AXES = (*(_Z,) * 3, *(_X,) * 3, *(_Y,) * 3, *(_X,) * 4, *(_Y,) * 4, *(_X,) * 4, *(_Y,) * 4, *(_Z,) * 4, *(_Y,) * 4)
_SINES, _VERSINES = _GENERATORS[list(_AXES)], _SQUARES[list(_AXES)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    """A person's stature and the breadth of shoulders and hips relative to the average."""

    stature_m: float
    breadth: float = 1.0
    _joints_m: Floats = field(init=False, repr=False, compare=False)
    """(14, 3) in the frames of the segments that they hang on: waist, neck; two hips and two shoulders, two knees and two elbows,
    two ankles and two wrists."""

    def __post_init__(self) -> None:
        hips = [(0.0, sign * HIP_HALF * self.breadth, 0.0) for sign in (1.0, -1.0)]
        shoulders = [(-0.004, sign * SHOULDER_HALF * self.breadth, SHOULDER_HEIGHT) for sign in (1.0, -1.0)]
        drops = [(0.0, 0.0, -length) for length in (THIGH, THIGH, UPPER_ARM, UPPER_ARM, SHIN, SHIN, FOREARM, FOREARM)]
        joints = np.array([(0.0, 0.0, WAIST), (0.0, 0.0, NECK), *hips, *shoulders, *drops])
        object.__setattr__(self, "_joints_m", joints * self.stature_m)

    def place(self, posture: Posture) -> PartPoses:
        """Every one of ``SEGMENTS`` in the actor frame, the lower sole on the ground at z = 0."""
        turns = _turns(_joint_angles(posture))
        trunk = turns[0:3] @ turns[3:6] @ turns[6:9]
        first = trunk[_OF_PELVIS_OR_TORSO] @ turns[9:13] @ turns[13:17]
        second = first @ turns[17:21] @ turns[21:25]
        third = second @ turns[25:29] @ turns[29:33]
        waist, neck = self._joints_m[:2]
        torso_at = trunk[0] @ waist
        first_at = _reached(trunk[_OF_PELVIS_OR_TORSO], self._joints_m[2:6])
        first_at[2:] += torso_at
        second_at = first_at + _reached(first, self._joints_m[6:10])
        third_at = second_at + _reached(second, self._joints_m[10:])
        places = np.concatenate(([np.zeros(3), torso_at, torso_at + trunk[1] @ neck], first_at, second_at, third_at))
        rotations = np.concatenate((trunk, first, second, third))
        places[:, 2] -= self._sole_m(rotations[_FEET], places[_FEET])
        return PartPoses(SEGMENTS, places, rotations)

    def _sole_m(self, rotations: Floats, places: Floats) -> float:
        """Height of the lowest of heels and toes of feet (2, 3, 3) at (2, 3)."""
        ends = np.array([(end * self.stature_m, 0.0, -SOLE * self.stature_m) for end in (-HEEL_BACK, TOE_AHEAD)])
        return float((rotations[:, 2] @ ends.T + places[:, 2, None]).min())


def _joint_angles(posture: Posture) -> Sequence[float]:
    """How far each of ``_AXES`` is turned, radians: of pelvis, torso and head about z, x and y; then of each level of the limbs
    about its two axes, left and right leg before left and right arm."""
    left, right = posture.left, posture.right
    lean, chest = posture.lean, posture.chest_yaw
    return (
        *(posture.pelvis_yaw, chest, 0.2 * chest),
        *(-posture.roll, 0.6 * posture.roll, 0.0),
        *(0.4 * lean, lean, 0.3 * lean),
        *(0.02, -0.02, _outward(left), -_outward(right)),
        *(-left.hip, -right.hip, -left.shoulder, -right.shoulder),
        *(0.0, 0.0, -0.07, 0.07),
        *(left.knee, right.knee, -left.elbow, -right.elbow),
        *(0.10, -0.10, 0.0, 0.0),
        *(-left.ankle, -right.ankle, -0.15, -0.15),
    )


def _outward(limbs: Limbs) -> float:
    return 0.14 if limbs.shoulder < 1.2 else 0.02


def _turns(angles_rad: Sequence[float]) -> Floats:
    """Rotations (33, 3, 3) about ``_AXES`` (Rodrigues' formula)."""
    angles = np.array(angles_rad)[:, None, None]
    turns: Floats = np.eye(3) + np.sin(angles) * _SINES + (1.0 - np.cos(angles)) * _VERSINES
    return turns


def _reached(rotations: Floats, offsets_m: Floats) -> Floats:
    """Offsets (N, 3) turned by rotations (N, 3, 3)."""
    turned: Floats = (rotations @ offsets_m[:, :, None])[:, :, 0]
    return turned
