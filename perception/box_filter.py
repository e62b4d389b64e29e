# SPDX-License-Identifier: Apache-2.0
"""A Kalman filter for one box: centre and size, each with its own rate, each on its own.

Constant velocity with white acceleration (Bar-Shalom, Li, Kirubarajan, "Estimation with Applications to Tracking and
Navigation", 2001, ch. 6). Noise scales with the box's height, since what moves like a person moves in body heights, and along
the picture more than up and down it. The four components share no covariance, so all arithmetic is on arrays (4,): centre x,
centre y, width, height.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats
from patrol.percepts import Box
from perception.boxes import box_from_row

SIZE_MIN_PX = 2.0
_FIRST_SHARES = np.array([1.0, 0.55, 0.22, 0.22])


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxNoise:
    """Standard deviations in box heights: acceleration per s² of centre and size, measured centre and size, first rate per s,
    and the wobble per root second of a box around its body (a stride). ``upright`` is how much less things accelerate up and
    down; a first rate up and down, and of the size, is less as well. ``cut`` is how much worse a box is measured up and down than
    across: what stands before somebody cuts it off."""

    centre_acceleration: float = 0.5
    size_acceleration: float = 0.3
    upright: float = 0.3
    centre: float = 0.06
    size: float = 0.08
    first_rate: float = 0.8
    wobble: float = 0.10
    cut: float = 1.0


class BoxFilter:
    """Where a box is and how fast it moves, in px and px/s of one picture."""

    def __init__(self, box: Box, noise: BoxNoise) -> None:
        self._noise = noise
        self.value_px = _centre_and_size(box)
        self.rate_pxps = np.zeros(4)
        spread = self._measured_px(1.0)
        self._var, self._cov = spread**2, np.zeros(4)
        self._rate_var = (noise.first_rate * box.height_px * _FIRST_SHARES) ** 2
        upright = np.array([1.0, noise.upright, 1.0, noise.upright])
        self._acceleration = upright * np.array([noise.centre_acceleration] * 2 + [noise.size_acceleration] * 2)

    def predict(self, dt_s: float) -> None:
        """Move on by ``dt_s`` seconds."""
        height = self.value_px[3]
        power = (height * self._acceleration) ** 2
        wobble = (self._noise.wobble * height) ** 2 * dt_s
        self.value_px = self.value_px + self.rate_pxps * dt_s
        self._var = self._var + 2.0 * dt_s * self._cov + dt_s**2 * self._rate_var + power * dt_s**3 / 3.0 + wobble
        self._cov = self._cov + dt_s * self._rate_var + power * dt_s**2 / 2.0
        self._rate_var = self._rate_var + power * dt_s
        self.value_px[2:] = np.maximum(self.value_px[2:], SIZE_MIN_PX)

    def correct(self, box: Box, score: float) -> None:
        """Take in a detected ``box``; a faint one (low ``score``) weighs less (Du et al., "GIAOTracker", ICCVW 2021)."""
        total = self._var + self._measured_px(score) ** 2
        gain, rate_gain = self._var / total, self._cov / total
        error = _centre_and_size(box) - self.value_px
        self.value_px = self.value_px + gain * error
        self.rate_pxps = self.rate_pxps + rate_gain * error
        self._rate_var = self._rate_var - rate_gain * self._cov
        self._cov = (1.0 - gain) * self._cov
        self._var = (1.0 - gain) * self._var

    def move_to(self, row: Floats) -> None:
        """The camera moved: the predicted box is now at ``row`` (4,) left, top, right, bottom. Rates scale with the size."""
        moved = np.array([0.5 * (row[0] + row[2]), 0.5 * (row[1] + row[3]), row[2] - row[0], row[3] - row[1]])
        scale = moved[3] / self.value_px[3]
        slack = 0.05 * np.abs(moved - self.value_px)
        self.value_px, self.rate_pxps = moved, self.rate_pxps * scale
        self._var, self._cov = self._var * scale**2 + slack**2, self._cov * scale**2
        self._rate_var = self._rate_var * scale**2

    def lose_pace(self, dt_s: float, memory_s: float) -> None:
        """Unseen for another ``dt_s``: stop growing or shrinking, and slow down with the time constant ``memory_s``; who walks
        behind something may have stopped there."""
        self.rate_pxps = self.rate_pxps * np.array([1.0, 1.0, 0.0, 0.0]) * math.exp(-dt_s / memory_s)

    def row(self) -> Floats:
        """Left, top, right, bottom (4,) px; may lie outside the picture."""
        half = 0.5 * self.value_px[2:]
        edges: Floats = np.concatenate((self.value_px[:2] - half, self.value_px[:2] + half))
        return edges

    def box(self) -> Box:
        """The box as it is believed to be."""
        return box_from_row(self.row())

    def _measured_px(self, score: float) -> Floats:
        noise, height = self._noise, self.value_px[3]
        spread = np.array([noise.centre, noise.centre * noise.cut, noise.size, noise.size * noise.cut]) * height + 0.5
        faint: Floats = spread * (1.6 - score)
        return faint


def _centre_and_size(box: Box) -> Floats:
    return np.array([0.5 * (box.x0_px + box.x1_px), 0.5 * (box.y0_px + box.y1_px), box.width_px, box.height_px])
