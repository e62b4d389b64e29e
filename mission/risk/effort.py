# SPDX-License-Identifier: Apache-2.0
"""From weights to how often each place is visited: never below a floor, never more uneven than a cap, and part of it even."""

from __future__ import annotations

import numpy as np
from pydantic import Field, model_validator

from patrol.checks import Floats
from patrol.config import Config
from patrol.errors import BadValue

LEAST_UNIFORM = 0.1


class EffortConfig(Config):
    """``uniform``: the share of all visits that is spread evenly, a tenth at least. ``floor``: the least share of any place, as
    a part of an even share. ``cap``: the greatest ratio of any two places' visit rates."""

    uniform: float = Field(default=LEAST_UNIFORM, ge=LEAST_UNIFORM, le=1.0)
    floor: float = Field(default=0.3, gt=0.0, le=1.0)
    cap: float = Field(default=4.0, ge=1.0, le=100.0)

    @model_validator(mode="after")
    def _floor_fits(self) -> EffortConfig:
        if self.floor < self.uniform:
            raise ValueError("floor must be at least uniform, which every place gets anyway")
        return self


def visit_shares(weights: Floats, config: EffortConfig | None = None) -> Floats:
    """Shares (..., N) of all visits from ``weights`` (..., N): as near to proportional as floor, cap and even part allow.

    The part that is not even is proportional between two limits, the upper ``cap`` times the lower. Raises BadValue for
    weights that are negative, not finite, or all zero.
    """
    config = config or EffortConfig()
    weights = np.asarray(weights, dtype=np.float64)
    if not np.isfinite(weights).all() or weights.min(initial=0.0) < 0.0 or np.any(weights.sum(axis=-1) <= 0.0):
        raise BadValue("weights: must be finite, none below zero and not all zero")
    count = weights.shape[-1]
    even = 1.0 / count
    wanted = weights / weights.sum(axis=-1, keepdims=True)
    low = max(config.floor * even, _least_low(count, config.cap))
    clipped = _between(wanted, low, min(1.0, config.cap * low))
    shares: Floats = config.uniform * even + (1.0 - config.uniform) * clipped
    return shares


def _least_low(count: int, cap: float) -> float:
    """The lower limit at which one place may have the upper one and all others the lower, and the sum is one."""
    return 1.0 / (count - 1 + cap)


def _between(wanted: Floats, low: float, high: float) -> Floats:
    """Scale ``wanted`` (..., N) so that, cut off at ``low`` and ``high``, it adds up to one.

    The sum grows with the scale in straight pieces, which end where a place leaves the lower limit or meets the upper one; so
    the scale is found exactly, on the piece that crosses one.
    """
    positive = np.maximum(wanted, 1e-12)
    ends = np.sort(np.concatenate((low / positive, high / positive), axis=-1), axis=-1)
    sums = np.clip(ends[..., None] * positive[..., None, :], low, high).sum(axis=-1)
    above = np.clip((sums < 1.0).sum(axis=-1), 1, ends.shape[-1] - 1)[..., None]
    right, left = np.take_along_axis(ends, above, -1), np.take_along_axis(ends, above - 1, -1)
    top, bottom = np.take_along_axis(sums, above, -1), np.take_along_axis(sums, above - 1, -1)
    part = np.clip((1.0 - bottom) / np.maximum(top - bottom, 1e-300), 0.0, 1.0)
    cut = np.clip((left + part * (right - left)) * positive, low, high)
    exact: Floats = cut / cut.sum(axis=-1, keepdims=True)
    return exact
