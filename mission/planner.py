# SPDX-License-Identifier: Apache-2.0
"""The global planner: the cheapest way over the costmap, pulled taut at any angle and smoothed.

Dijkstra (1959) over eight neighbours finds the way through; shortcuts along lines that cost no more make it any-angle, as in
Theta* (Nash et al., 2007); a moving average rounds its corners where there is room.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import Field
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from mission.costmap import FORBIDDEN, CostField, goes_against
from mission.raster import Cells
from patrol.checks import Floats, Floats32
from patrol.config import Config
from patrol.geometry import Pose2

_ESCAPE_WEIGHT = np.float32(50.0)
# Headings of the eight steps, in the order of the neighbour table: row - 1 first, column - 1 first; rows grow with y.
_HEADINGS_RAD = tuple(math.atan2(row, col) for row, col in ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)))


class PlannerConfig(Config):
    """``goal_slack_m``: how far from a goal that is taken up a plan may end; ``escape_m``: how far the robot may be inside
    forbidden space at the start; ``step_m``: distance between path points;
    ``window_m``: how far beyond start and goal a way is looked for first."""

    goal_slack_m: float = Field(default=2.0, ge=0)
    escape_m: float = Field(default=1.5, ge=0)
    step_m: float = Field(default=0.2, gt=0)
    window_m: float = Field(default=15.0, ge=0)
    smooth_m: float = Field(default=0.8, ge=0)
    shortcut_tolerance: float = Field(default=1.02, ge=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``path_m`` (N, 2) in map from the robot to the goal; ``gap_m`` is what is missing to the goal itself."""

    path_m: Floats
    length_m: float
    gap_m: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NoPlan:
    because: str


class Planner:
    """Plans over ``CostField`` pictures; keeps the neighbour table of the last shape."""

    def __init__(self, config: PlannerConfig) -> None:
        self._config = config
        self._shape = (0, 0)
        self._neighbours: npt.NDArray[np.int32] = np.zeros((0, 8), dtype=np.int32)

    def plan(self, field: CostField, start: Pose2, goal: Pose2) -> Plan | NoPlan:
        """The way from ``start`` to ``goal`` (map). A goal that is taken up gives a plan to the nearest place within the
        slack; a start in forbidden space is left by the shortest way. Says why when there is no way."""
        lattice = field.lattice
        ends = lattice.cells([(start.x_m, start.y_m), (goal.x_m, goal.y_m)])
        if not lattice.inside(ends).all():
            return NoPlan(because="start or goal lies outside the site")
        field = self._opened_at_start(field, start)
        cells = self._cheapest(field, ends)
        if cells is None:
            return NoPlan(because="no free way leads to the goal")
        corners = lattice.centres_m(cells)
        corners[0] = (start.x_m, start.y_m)
        gap = float(np.hypot(*(corners[-1] - (goal.x_m, goal.y_m))))
        if gap < 1.5 * lattice.resolution_m:
            corners[-1], gap = (goal.x_m, goal.y_m), 0.0
        path = self._smoothed(self._pulled_taut(corners, field), field)
        return Plan(path_m=path, length_m=path_length_m(path), gap_m=gap)

    def _cheapest(self, field: CostField, ends: Cells) -> Cells | None:
        """Rows and columns (N, 2) of the cheapest way; looked for near both ends first, and then all over the site."""
        resolution_m = field.lattice.resolution_m
        spare, slack = int(self._config.window_m / resolution_m), int(self._config.goal_slack_m / resolution_m)
        shape = np.array(field.lattice.shape)
        window = (np.maximum(ends.min(axis=0) - spare, 0), np.minimum(ends.max(axis=0) + spare + 1, shape), 0)
        for low, high, slack_cells in (window, (np.zeros_like(shape), shape, slack)):
            part = np.s_[low[0] : high[0], low[1] : high[1]]
            one_way_rad = None if field.one_way_rad is None else field.one_way_rad[part]
            weight = field.weight[part]
            reached_cost, came_from = self._search(weight, one_way_rad, ends[0] - low)
            target = _nearest_reached(reached_cost, ends[1] - low, slack_cells)
            if target is not None:
                cells: Cells = _walk_back(came_from, target, weight.shape[1]) + low
                return cells
        return None

    def _opened_at_start(self, field: CostField, start: Pose2) -> CostField:
        """The field with forbidden space closed, but for what lies around a robot that stands in it."""
        weight = np.where(field.weight >= FORBIDDEN, np.float32(np.inf), field.weight)
        lattice = field.lattice
        row, col = lattice.cells([(start.x_m, start.y_m)])[0]
        if not np.isfinite(weight[row, col]):
            reach = int(np.ceil(self._config.escape_m / lattice.resolution_m))
            near = np.s_[max(row - reach, 0) : row + reach + 1, max(col - reach, 0) : col + reach + 1]
            weight[near] = np.where(field.weight[near] == FORBIDDEN, _ESCAPE_WEIGHT, weight[near])
            weight[row, col] = _ESCAPE_WEIGHT
        return replace(field, weight=weight)

    def _search(
        self, weight: Floats32, one_way_rad: Floats32 | None, start: npt.NDArray[np.int64]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]]:
        rows, cols = weight.shape
        if self._shape != weight.shape:
            self._shape, self._neighbours = (rows, cols), _neighbour_table(rows, cols)
        flat = weight.astype(np.float64)
        flat[[0, -1], :] = np.inf
        flat[:, [0, -1]] = np.inf
        flat = flat.ravel()
        diagonal = np.sqrt(2.0)
        steps = np.array([diagonal, 1.0, diagonal, 1.0, 1.0, diagonal, 1.0, diagonal])
        costs = 0.5 * (flat[:, None] + flat[self._neighbours]) * steps
        if one_way_rad is not None:
            for column, heading_rad in enumerate(_HEADINGS_RAD):
                against = goes_against(one_way_rad, heading_rad).ravel()
                costs[against | against[self._neighbours[:, column]], column] = np.inf
        pointers = np.arange(flat.size + 1, dtype=np.int32) * 8
        graph = csr_array((costs.ravel(), self._neighbours.ravel(), pointers), shape=(flat.size, flat.size))
        source = np.array([start[0] * cols + start[1]])
        reached, came_from = dijkstra(graph, indices=source, return_predecessors=True)
        return reached[0].reshape(rows, cols), came_from[0]

    def _pulled_taut(self, corners: Floats, field: CostField) -> Floats:
        """Greedy shortcuts: from each kept point on to the farthest one whose straight line costs no more than the way."""
        along = np.concatenate(([0.0], np.cumsum(_segment_costs(corners, field))))
        kept, here, last = [0], 0, len(corners) - 1
        while here < last:
            ahead, stride = here + 1, 2
            while stride > 1 or ahead + 1 <= last:
                trial = min(ahead + stride, last)
                if trial > ahead and self._line_is_good(corners[here], corners[trial], along[trial] - along[here], field):
                    ahead, stride = trial, stride * 2
                elif stride == 1:
                    break
                else:
                    stride //= 2
            kept.append(ahead)
            here = ahead
        return corners[kept]

    def _line_is_good(self, start: Floats, end: Floats, budget: float, field: CostField) -> bool:
        cost = float(_segment_costs(np.vstack((start, end)), field)[0])
        return cost <= budget * self._config.shortcut_tolerance and not _goes_against(start, end, field)

    def _smoothed(self, corners: Floats, field: CostField) -> Floats:
        path = resampled(corners, self._config.step_m)
        width = 2 * int(0.5 * self._config.smooth_m / self._config.step_m) + 1
        if len(path) <= width or width < 3:
            return path
        padded = np.vstack((np.repeat(path[:1], width // 2, axis=0), path, np.repeat(path[-1:], width // 2, axis=0)))
        rounded = cv2.blur(padded, (1, width))[width // 2 : -(width // 2)]
        rounded[0], rounded[-1] = path[0], path[-1]
        keep = field.weight_at(rounded) > field.weight_at(path) + 1.0
        rounded[keep] = path[keep]
        return np.asarray(rounded, dtype=np.float64)


def _goes_against(start: Floats, end: Floats, field: CostField) -> bool:
    """Whether the straight line drives against a one-way zone anywhere."""
    if field.one_way_rad is None:
        return False
    along = end - start
    samples = max(2, int(np.ceil(float(np.hypot(*along)) / (0.5 * field.lattice.resolution_m))) + 1)
    points = start + np.linspace(0.0, 1.0, samples)[:, None] * along
    return bool(field.is_against_at(points, math.atan2(along[1], along[0])).any())


def path_length_m(path_m: Floats) -> float:
    """Length of a path (N, 2) m."""
    return float(np.hypot(*np.diff(path_m, axis=0).T).sum())


def resampled(corners_m: Floats, step_m: float) -> Floats:
    """The polyline (N, 2) m with points every ``step_m`` at most, evenly spaced, both ends kept."""
    along = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(corners_m, axis=0).T))))
    count = max(2, int(np.ceil(along[-1] / step_m)) + 1)
    at = np.linspace(0.0, along[-1], count)
    return np.column_stack((np.interp(at, along, corners_m[:, 0]), np.interp(at, along, corners_m[:, 1])))


def _segment_costs(points_m: Floats, field: CostField) -> Floats:
    """Cost (N-1,) of each straight segment, the weight sampled every half cell."""
    lengths = np.hypot(*np.diff(points_m, axis=0).T)
    samples = max(2, int(np.ceil(lengths.max(initial=0.0) / (0.5 * field.lattice.resolution_m))) + 1)
    share = np.linspace(0.0, 1.0, samples)[:, None, None]
    points = points_m[None, :-1] * (1.0 - share) + points_m[None, 1:] * share
    weights = field.weight_at(points.reshape(-1, 2)).reshape(samples, -1)
    costs: Floats = weights.mean(axis=0) * lengths
    return costs


def _nearest_reached(reached_cost: npt.NDArray[np.float64], goal: Cells, slack: int) -> Cells | None:
    """The goal's row and column (2,) if it was reached, else those of the nearest reached cell within ``slack`` cells."""
    row, col = goal
    low = np.array([max(row - slack, 0), max(col - slack, 0)])
    near = np.argwhere(np.isfinite(reached_cost[low[0] : row + slack + 1, low[1] : col + slack + 1])) + low
    if not len(near):
        return None
    away = np.hypot(near[:, 0] - row, near[:, 1] - col)
    best = int(away.argmin())
    return near[best] if away[best] <= slack else None


def _neighbour_table(rows: int, cols: int) -> npt.NDArray[np.int32]:
    offsets = np.array([-cols - 1, -cols, -cols + 1, -1, 1, cols - 1, cols, cols + 1])
    flat = np.arange(rows * cols)[:, None] + offsets
    table: npt.NDArray[np.int32] = np.clip(flat, 0, rows * cols - 1).astype(np.int32)
    return table


def _walk_back(came_from: npt.NDArray[np.int32], target: npt.NDArray[np.int64], cols: int) -> npt.NDArray[np.int64]:
    cell, cells = int(target[0] * cols + target[1]), []
    while cell >= 0:
        cells.append(divmod(cell, cols))
        cell = int(came_from[cell])
    return np.array(cells[::-1], dtype=np.int64)
