# SPDX-License-Identifier: Apache-2.0
"""Motion undistortion: every point is taken to where it stood in the body at one moment, by the motion during the revolution."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats, frozen_array, require_all_finite
from patrol.errors import BadValue
from patrol.geometry import Pose3
from slam.lio.rotations import turn_of


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyMotion:
    """Poses of a body in a fixed frame at moments: ``times_s`` (K,), rising, ``rotations`` (K, 3, 3) and ``translations_m``
    (K, 3). Between two moments the body turns about one axis at one rate and moves in a straight line."""

    times_s: Floats
    rotations: Floats
    translations_m: Floats

    def __post_init__(self) -> None:
        count = np.asarray(self.times_s).size
        object.__setattr__(self, "times_s", frozen_array("times_s", self.times_s, (None,)))
        object.__setattr__(self, "rotations", frozen_array("rotations", self.rotations, (count, 3, 3)))
        object.__setattr__(self, "translations_m", frozen_array("translations_m", self.translations_m, (count, 3)))
        require_all_finite("times_s", self.times_s)
        if count == 0 or (np.diff(self.times_s) <= 0).any():
            raise BadValue("times_s: is empty or does not rise")

    @classmethod
    def of(cls, times_s: Floats, poses: tuple[Pose3, ...]) -> BodyMotion:
        """Of poses, one a moment."""
        return cls(
            times_s=times_s,
            rotations=np.array([pose.rotation for pose in poses]),
            translations_m=np.array([pose.translation_m for pose in poses]),
        )


def undistorted(points_m: Floats, times_s: Floats, motion: BodyMotion) -> Floats:
    """Points (N, 3) m of the body at their own ``times_s`` (N,), in the body at the last moment of ``motion``.

    Before the first and after the last moment the body goes on as in the interval beside. One moment alone: it stood still.
    """
    last_from_fixed = motion.rotations[-1].T
    if motion.times_s.size < 2:
        return np.array(points_m, dtype=np.float64)
    steps_s = np.diff(motion.times_s)
    row = np.clip(np.searchsorted(motion.times_s, times_s, side="right") - 1, 0, steps_s.size - 1)
    share = (times_s - motion.times_s[row]) / steps_s[row]
    turns = np.array([turn_of(a.T @ b) for a, b in zip(motion.rotations[:-1], motion.rotations[1:], strict=True)])
    here = _turned(points_m, turns, row, share)
    last_from_knot = last_from_fixed @ motion.rotations[:-1]
    offsets = (motion.translations_m[:-1] - motion.translations_m[-1]) @ last_from_fixed.T
    slopes = np.diff(motion.translations_m, axis=0) @ last_from_fixed.T
    moved: Floats = np.matmul(last_from_knot[row], here[:, :, None])[:, :, 0] + offsets[row] + share[:, None] * slopes[row]
    return moved


def _turned(points_m: Floats, turns_rad: Floats, row: np.ndarray[tuple[int], np.dtype[np.intp]], share: Floats) -> Floats:
    """Each point turned by ``share`` of its interval's rotation vector (Rodrigues' formula)."""
    angles = np.linalg.norm(turns_rad, axis=1)
    axes = (turns_rad / np.maximum(angles, 1e-12)[:, None])[row]
    angle = angles[row] * share
    sine, rest = np.sin(angle)[:, None], (1.0 - np.cos(angle))[:, None]
    crossed = np.cross(axes, points_m)
    turned: Floats = points_m + sine * crossed + rest * np.cross(axes, crossed)
    return turned
