# SPDX-License-Identifier: Apache-2.0
"""A likelihood field and an exhaustive search for a scan in it by branch and bound.

The search is that of Hess et al., "Real-time loop closure in 2D LIDAR SLAM" (ICRA 2016), with whole batches of candidates
scored at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from patrol.checks import Floats, Floats32
from patrol.geometry import Pose2

_LOOKUPS_MAX = 2_000_000
_BATCH = 256
_HITS_MAX = 200_000
Ints = npt.NDArray[np.int32]
Candidates = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchWindow:
    """Poses within ``half_m`` and ``half_rad`` of ``centre``."""

    centre: Pose2
    half_x_m: float
    half_y_m: float
    half_rad: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """Poses within ``radius_m`` and ``half_rad`` of ``pose``."""

    pose: Pose2
    radius_m: float
    half_rad: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """The best pose found and its score: the mean likelihood, 0 to 1, of the scan's points."""

    pose: Pose2
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """What counts as another place than a better one, facing within ``rad`` the same way: it is ``same_m`` away, and, since
    places beside one another see the same things, up to ``beside_m`` it fits nearly as well, by ``beside_share``."""

    same_m: float
    rad: float
    beside_m: float
    beside_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHits:
    """All poses (N, 3), x m, y m, yaw rad, that fit nearly as well as the best, and their scores (N,), the best first.
    ``is_whole``: the search came to its end, so that there are no others."""

    poses: Floats
    scores: Floats
    is_whole: bool

    def apart(self, away: Apart, count_max: int) -> tuple[list[SearchHit], bool]:
        """The best, the best apart from it, and so on, ``count_max`` at most; and whether these are all that there are."""
        found: list[SearchHit] = []
        left = np.arange(len(self.scores))
        while left.size and len(found) < count_max:
            best, score = Pose2(*(float(part) for part in self.poses[left[0]])), float(self.scores[left[0]])
            found.append(SearchHit(pose=best, score=score))
            is_same = _near(self.poses[left], best, away.same_m, away.rad)
            is_beside = _near(self.poses[left], best, away.beside_m, away.rad)
            left = left[~is_same & ~(is_beside & (self.scores[left] < away.beside_share * score))]
        return found, self.is_whole and not left.size


class LikelihoodField:
    """Likelihood, 0 to 1, that a return lies at a place: a Gaussian of the distance to the nearest obstacle.

    Level n of its pyramid holds, per cell, the maximum over the 2ⁿ by 2ⁿ cells from there upwards.
    """

    def __init__(self, obstacles_m: Floats, *, resolution_m: float, std_m: float, levels: int) -> None:
        """Build from obstacle points (N, 2) m, N above 0."""
        margin = 2**levels + math.ceil(3.0 * std_m / resolution_m)
        self._resolution_m = resolution_m
        self._origin = np.floor(obstacles_m.min(axis=0) / resolution_m).astype(np.int64) - margin
        cells = np.floor(obstacles_m / resolution_m).astype(np.int64) - self._origin
        width, height = cells.max(axis=0) + margin + 1
        free = np.full((int(height), int(width)), 255, dtype=np.uint8)
        free[cells[:, 1], cells[:, 0]] = 0
        distance_m = cv2.distanceTransform(free, cv2.DIST_L2, 5) * resolution_m
        field: Floats32 = np.exp(-0.5 * (distance_m / std_m) ** 2).astype(np.float32)
        self._pyramid = [_without_border(field)]
        for level in range(1, levels + 1):
            self._pyramid.append(_widened(self._pyramid[-1], 2 ** (level - 1)))

    @property
    def top_level(self) -> int:
        return len(self._pyramid) - 1

    def bounds_m(self) -> tuple[float, float, float, float]:
        """Lowest x and y, highest x and y of the field, in metres."""
        height, width = self._pyramid[0].shape
        low, resolution = self._origin, self._resolution_m
        low_x_m, low_y_m = float(low[0] * resolution), float(low[1] * resolution)
        return low_x_m, low_y_m, low_x_m + width * resolution, low_y_m + height * resolution

    def search(
        self, points_m: Floats, window: SearchWindow, score_min: float, *, but: Sequence[Exclusion] = ()
    ) -> SearchHit | None:
        """The best pose in ``window`` for points (N, 2) m of the base, or None when none scores above ``score_min``.

        Poses near those of ``but`` do not count: what is found then is the best rival.
        """
        search = _BestSearch(self._pyramid, self._origin, self._resolution_m, points_m, window)
        return search.run(score_min, but)

    def search_all(self, points_m: Floats, window: SearchWindow, score_min: float, share: float) -> SearchHits:
        """Every pose in ``window`` where points (N, 2) m of the base score above ``score_min`` and above ``share`` of what they
        score at the best. Given up after 200 000: then they fit nearly everywhere."""
        search = _AllSearch(self._pyramid, self._origin, self._resolution_m, points_m, window)
        return search.run(score_min, share)


def _without_border(field: Floats32) -> Floats32:
    """Zero on the outermost cells, so that a clipped index reads zero."""
    field[[0, -1], :] = 0.0
    field[:, [0, -1]] = 0.0
    return field


def _widened(field: Floats32, by: int) -> Floats32:
    """Cell-wise maximum of the field and its copies moved by ``by`` cells towards lower indices."""
    wide = field.copy()
    np.maximum(wide[:, :-by], field[:, by:], out=wide[:, :-by])
    tall = wide.copy()
    np.maximum(tall[:-by], wide[by:], out=tall[:-by])
    return tall


def _near(poses: Floats, pose: Pose2, within_m: float, within_rad: float) -> npt.NDArray[np.bool_]:
    """Mask (N,) of the poses (N, 3) that stand near ``pose``."""
    turn = np.abs(np.remainder(poses[:, 2] - pose.yaw_rad + math.pi, 2.0 * math.pi) - math.pi)
    near: npt.NDArray[np.bool_] = (np.hypot(poses[:, 0] - pose.x_m, poses[:, 1] - pose.y_m) < within_m) & (turn < within_rad)
    return near


class _Search:
    """A branch-and-bound search. A candidate is (yaw index, column offset, row offset) relative to the window's centre."""

    def __init__(
        self, pyramid: list[Floats32], origin: npt.NDArray[np.int64], resolution_m: float, points_m: Floats, window: SearchWindow
    ) -> None:
        self._pyramid, self._resolution_m, self._window = pyramid, resolution_m, window
        reach_m = max(float(np.quantile(np.hypot(points_m[:, 0], points_m[:, 1]), 0.9)), 10 * resolution_m)
        half_steps = math.ceil(window.half_rad / (resolution_m / reach_m))
        offsets = np.linspace(-window.half_rad, window.half_rad, 2 * half_steps + 1) if half_steps else np.zeros(1)
        self._yaws = window.centre.yaw_rad + offsets
        cos, sin = np.cos(self._yaws)[:, None], np.sin(self._yaws)[:, None]
        x = cos * points_m[:, 0] - sin * points_m[:, 1] + window.centre.x_m
        y = sin * points_m[:, 0] + cos * points_m[:, 1] + window.centre.y_m
        self._cols: Ints = (np.floor(x / resolution_m) - origin[0]).astype(np.int32)
        self._rows: Ints = (np.floor(y / resolution_m) - origin[1]).astype(np.int32)
        self._half_cols = math.ceil(window.half_x_m / resolution_m)
        self._half_rows = math.ceil(window.half_y_m / resolution_m)
        self._bound = 0.0

    def _take(self, candidates: Candidates, scores: Floats) -> None:
        """Look at candidates (N, 3) of the finest level, the best first, and raise the bound below which none counts."""
        raise NotImplementedError

    def _search(self) -> None:
        widest = max(1, 2 * max(self._half_cols, self._half_rows))
        level = min(len(self._pyramid) - 1, max(0, math.floor(math.log2(widest)) - 1))
        block = 2**level
        cols = np.arange(-self._half_cols, self._half_cols + 1, block)
        rows = np.arange(-self._half_rows, self._half_rows + 1, block)
        grid = np.meshgrid(np.arange(self._yaws.size), cols, rows, indexing="ij")
        self._descend(np.column_stack([axis.ravel() for axis in grid]), level)

    def _descend(self, candidates: Candidates, level: int) -> None:
        scores = self._scores(candidates, level)
        order = np.argsort(-scores, kind="stable")
        if level == 0:
            self._take(candidates[order], scores[order])
            return
        half = 2 ** (level - 1)
        for start in range(0, order.size, _BATCH):
            batch = order[start : start + _BATCH]
            batch = batch[scores[batch] > self._bound]
            if batch.size == 0:
                return
            children = [candidates[batch] + (0, dc, dr) for dc in (0, half) for dr in (0, half)]
            self._descend(np.concatenate(children), level - 1)

    def _poses(self, candidates: Candidates) -> Floats:
        """x m, y m, yaw rad (N, 3) of the candidates."""
        centre = self._window.centre
        x_m = centre.x_m + candidates[:, 1] * self._resolution_m
        y_m = centre.y_m + candidates[:, 2] * self._resolution_m
        return np.column_stack((x_m, y_m, self._yaws[candidates[:, 0]]))

    def _scores(self, candidates: Candidates, level: int) -> Floats:
        """Upper bound (level 0: value) of the score of every candidate (N, 3)."""
        field = self._pyramid[level]
        height, width = field.shape
        flat, points = field.ravel(), self._cols.shape[1]
        scores = np.empty(len(candidates))
        chunk = max(1, _LOOKUPS_MAX // points)
        for start in range(0, len(candidates), chunk):
            yaw, col, row = (candidates[start : start + chunk, axis].astype(np.int32) for axis in range(3))
            cols = np.clip(self._cols[yaw] + col[:, None], 0, width - 1)
            rows = np.clip(self._rows[yaw] + row[:, None], 0, height - 1)
            scores[start : start + chunk] = flat[rows * np.int32(width) + cols].mean(axis=1)
        return scores


class _BestSearch(_Search):
    """Keeps the best candidate that is away from all of ``but``."""

    def run(self, score_min: float, but: Sequence[Exclusion]) -> SearchHit | None:
        self._bound, self._but = score_min, but
        self._best: Candidates | None = None
        self._search()
        if self._best is None:
            return None
        x_m, y_m, yaw_rad = (float(part) for part in self._poses(self._best)[0])
        return SearchHit(pose=Pose2(x_m, y_m, yaw_rad), score=self._bound)

    def _take(self, candidates: Candidates, scores: Floats) -> None:
        if self._but:
            poses, keep = self._poses(candidates), np.ones(len(candidates), dtype=np.bool_)
            for exclusion in self._but:
                keep &= ~_near(poses, exclusion.pose, exclusion.radius_m, exclusion.half_rad)
            candidates, scores = candidates[keep], scores[keep]
        if scores.size and scores[0] > self._bound:
            self._bound, self._best = float(scores[0]), candidates[:1]


class _AllSearch(_Search):
    """Keeps all candidates above a share of the best score."""

    def run(self, score_min: float, share: float) -> SearchHits:
        self._bound = self._kept_above = score_min
        self._share, self._count = share, 0
        self._found: list[tuple[Candidates, Floats]] = [(np.empty((0, 3), dtype=np.int64), np.empty(0))]
        self._search()
        candidates, scores = (np.concatenate(parts) for parts in zip(*self._found, strict=True))
        order = np.argsort(-scores, kind="stable")
        order = order[scores[order] > self._kept_above]
        return SearchHits(poses=self._poses(candidates[order]), scores=scores[order], is_whole=self._count <= _HITS_MAX)

    def _take(self, candidates: Candidates, scores: Floats) -> None:
        count = int(np.searchsorted(-scores, -self._bound))
        if not count:
            return
        self._found.append((candidates[:count], scores[:count]))
        self._count += count
        self._kept_above = max(self._kept_above, self._share * float(scores[0]))
        self._bound = self._kept_above if self._count <= _HITS_MAX else math.inf
