# SPDX-License-Identifier: Apache-2.0
"""What a place looks like from above: the greatest height per ring and sector, compared at every heading (Kim and Kim, "Scan
Context", IROS 2018)."""

from __future__ import annotations

import numpy as np

from patrol.checks import Floats

_RINGS, _SECTORS, _REACH_M = 20, 60, 40.0
_GROUND_M = 0.3


def place_of(points_m: Floats) -> Floats:
    """Look (20, 60) of points (N, 3) m in base_link: heights above the ground, 0 where there is nothing."""
    look = np.zeros((_RINGS, _SECTORS))
    distance = np.hypot(points_m[:, 0], points_m[:, 1])
    kept = (distance < _REACH_M) & (points_m[:, 2] > _GROUND_M)
    ring = (distance[kept] * (_RINGS / _REACH_M)).astype(np.int64)
    angle = np.arctan2(points_m[kept, 1], points_m[kept, 0])
    sector = ((angle + np.pi) * (_SECTORS / (2.0 * np.pi))).astype(np.int64) % _SECTORS
    np.maximum.at(look, (ring, sector), points_m[kept, 2])
    return look


def alike(one: Floats, two: Floats) -> tuple[float, float]:
    """How alike two looks are (0 to 1), and the heading (rad) of the second body in the first.

    The mean cosine between sectors that hold something in either, at the best of all headings.
    """
    unit_one, unit_two = _unit(one), _unit(two)
    products = unit_one.T @ unit_two
    shifts = (np.arange(_SECTORS)[:, None] + np.arange(_SECTORS)[None, :]) % _SECTORS
    sums = products[np.arange(_SECTORS)[None, :], shifts].sum(axis=1)
    full_one, full_two = one.sum(axis=0) > 0.0, two.sum(axis=0) > 0.0
    either = np.logical_or(full_one[None, :], full_two[shifts]).sum(axis=1)
    scores = sums / np.maximum(either, 1)
    best = int(scores.argmax())
    turn = -best * (2.0 * np.pi / _SECTORS)
    return float(scores[best]), float(np.arctan2(np.sin(turn), np.cos(turn)))


def _unit(look: Floats) -> Floats:
    lengths = np.linalg.norm(look, axis=0)
    units: Floats = look / np.where(lengths > 0.0, lengths, 1.0)
    return units
