# SPDX-License-Identifier: Apache-2.0
"""How beams fared at what a map holds: how often they met it, passed through it or were lost there, by distance; and how much a
beam that passes on a later lap tells against it.

A thing that is low or thin is met from some distances only, and one that shines badly from no great distance. The map's own
scans say from which: where they always met it, one that passes weighs ``log(p / q)``, p being how often a beam passes where
nothing is left, q how often the map's own did. Where they often passed, it weighs nothing. Beams at neighbouring cells stand for
one another, so counts are pooled over half a metre.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter1d

from patrol.checks import Floats
from slam.config import ChangeConfig

BAND_M, BANDS = 2.0, 15
REACH_M = BAND_M * BANDS
_NEAR_CELLS = 2.0
_TOLD_MIN = 3.0
_ABOUT_BANDS = 2
_PASS_IF_GONE = 0.95
_PRIOR_TOLD, _PRIOR_PASSED = 2.0, 0.4
Cells = npt.NDArray[np.int64]
Counts = npt.NDArray[np.int32]
Mask = npt.NDArray[np.bool_]


def band_of(away_m: Floats) -> Cells:
    """The band (N,) of 2 m of each distance (N,) m."""
    return np.minimum(away_m / BAND_M, BANDS - 1).astype(np.int64)


def once(rows: Cells, size: int) -> Cells:
    """Each of ``rows`` (N,), all below ``size``, once and in order."""
    marked = np.zeros(size, dtype=np.bool_)
    marked[rows] = True
    return np.flatnonzero(marked)


class HeldCounts:
    """Looks (BANDS, M) in which beams ``met`` each of the M held cells, ``passed`` it, or were ``lost``: did not return, it
    being the first on their way. A beam that ends within two cells of a held cell has met the nearest."""

    def __init__(self, held: Mask, pool_m: float, cell_m: float) -> None:
        self._shape, self.cells = held.shape, np.flatnonzero(held)
        size = 2 * round(0.5 * pool_m / cell_m) + 1
        self._window = (size, size)
        self._own = np.full(held.size, -1, dtype=np.int64)
        self._own[self.cells] = np.arange(self.cells.size)
        away, nearest = cv2.distanceTransformWithLabels(
            np.where(held, 0, 255).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
        )
        rows = np.full(int(nearest.max()) + 1, -1, dtype=np.int64)
        rows[nearest.ravel()[self.cells]] = self._own[self.cells]
        self._near = np.where(away.ravel() <= _NEAR_CELLS, rows[nearest.ravel()], -1)
        self.met, self.passed, self.lost = (np.zeros((BANDS, self.cells.size), dtype=np.int32) for _ in range(3))

    def add_met(self, flat: Cells, away_m: Floats) -> None:
        """One scan's beams that ended in the cells ``flat`` (N,) of the grid, ``away_m`` (N,) from the lidar."""
        self._add(self.met, self._near[flat], away_m)

    def add_passed(self, flat: Cells, away_m: Floats) -> None:
        """One scan's beams that went on behind those cells."""
        self._add(self.passed, self._own[flat], away_m)

    def add_lost(self, flat: Cells, away_m: Floats) -> None:
        """One scan's beams that did not return, for the first that they should have met."""
        self._add(self.lost, self._own[flat], away_m)

    def pooled(self, values: npt.NDArray[np.number]) -> Floats:
        """Sums (M,) over the held cells within the window around each."""
        summed = cv2.boxFilter(self.grid(values), cv2.CV_64F, self._window, normalize=False, borderType=cv2.BORDER_CONSTANT)
        return np.asarray(summed.ravel()[self.cells], dtype=np.float64)

    def most_around(self, values: npt.NDArray[np.number]) -> Floats:
        """The largest (M,) among the held cells within the window around each; ``values`` are not negative."""
        widened = cv2.dilate(self.grid(values), np.ones(self._window, np.uint8))
        return np.asarray(widened.ravel()[self.cells], dtype=np.float64)

    def grid(self, values: npt.NDArray[np.number] | Mask) -> Floats:
        """Values (M,) of the held cells on the grid (H, W), zero elsewhere."""
        spread = np.zeros(self._own.size)
        spread[self.cells] = values
        return spread.reshape(self._shape)

    def _add(self, counts: Counts, rows: Cells, away_m: Floats) -> None:
        keys = band_of(away_m[rows >= 0]) * self.cells.size + rows[rows >= 0]
        counts.ravel()[once(keys, counts.size)] += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What one beam tells against each of M held cells, by its band of distance (BANDS, M), in nats: one that ``passed``, and one
    that was ``lost``. ``rate`` is the share of the map's own that passed or were lost."""

    passed: Floats
    lost: Floats
    rate: Floats

    @classmethod
    def unknown(cls, cells: int) -> Weights:
        """Before anything is known: every beam tells alike."""
        same = np.ones((BANDS, cells))
        return cls(passed=same, lost=same, rate=1.0 - same)

    @classmethod
    def by(cls, counts: HeldCounts, config: ChangeConfig) -> Weights:
        """By what the map's own beams did. From a distance at which none of them came by, a thing that they seldom passed is
        taken to be met if it was from nearly there: it may be low. A beam that is lost there says nothing."""
        met, through = (np.stack([counts.pooled(band) for band in kind]) for kind in (counts.met, counts.passed + counts.lost))
        told = met + through
        rate = (through + _PRIOR_PASSED) / (told + _PRIOR_TOLD)
        overall = (through.sum(axis=0) + _PRIOR_PASSED) / (told.sum(axis=0) + _PRIOR_TOLD)
        is_told = told >= _TOLD_MIN
        is_met = is_told & (rate <= config.passed_often)
        beside = maximum_filter1d(is_met.astype(np.uint8), 2 * _ABOUT_BANDS + 1, axis=0, mode="constant") > 0
        assumed = np.where(beside & (overall <= config.passed_often), config.passed_unseen, 1.0)
        rate = np.where(is_told, rate, assumed)
        passed = _nats(rate, config)
        return cls(passed=passed, lost=np.where(is_told, passed, 0.0), rate=rate)

    def against(self, counts: HeldCounts, config: ChangeConfig) -> Floats:
        """What a lap's beams tell against each held cell (M,), in nats; below zero where they still meet it. Beams that are lost
        all over the site at about such a distance, in rain, say the less."""
        lost_weight = np.where(self.lost > 0.0, _nats(self.rate + self._lost_everywhere(counts)[:, None], config), 0.0)
        told = (self.passed * counts.passed + lost_weight * counts.lost).sum(axis=0)
        return np.asarray(told - config.met_nats * counts.met.sum(axis=0), dtype=np.float64)

    def _lost_everywhere(self, counts: HeldCounts) -> Floats:
        """The share (BANDS,) of a lap's beams that are lost, of all that should be met at about each distance."""
        lost, told = (
            np.convolve(np.where(self.lost > 0.0, kind, 0).sum(axis=1), np.ones(2 * _ABOUT_BANDS + 1), "same")
            for kind in (counts.lost, counts.lost + counts.met + counts.passed)
        )
        share: Floats = lost / np.maximum(told, 1.0)
        return share


def _nats(rate: Floats, config: ChangeConfig) -> Floats:
    """The weight of one beam that passes where ``rate`` of the map's own did."""
    weight: Floats = np.log(_PASS_IF_GONE / np.maximum(rate, config.passed_least))
    return np.where(rate <= config.passed_often, weight, 0.0)
