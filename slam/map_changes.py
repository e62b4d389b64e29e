# SPDX-License-Identifier: Apache-2.0
"""What changed: every beam of a lap against the approved baseline, as counts of hits and passes per cell.

A cell has appeared when beams keep ending in it where the baseline has it free; it has vanished when they keep passing through
what the baseline holds, square enough to it to be sure, from where the baseline's own beams met it. Neither follows from one
scan, from a grazing beam or from a place that the baseline never saw. A beam that does not return passed the air near by; of what
stands farther off it tells that the first thing on its way is gone, where the baseline's own beams returned from it.
(Hits and passes as in the reflection maps of Hähnel, "Mapping with Mobile Robots", 2004.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto

import cv2
import numpy as np
import numpy.typing as npt

from patrol.checks import Floats, Floats32
from patrol.clock import seconds
from patrol.estimate import PoseEstimate
from patrol.geometry import IDENTITY2, Pose2
from patrol.sensors import Scan
from slam.config import ChangeConfig
from slam.held_counts import REACH_M, Counts, HeldCounts, Mask, Weights, once
from slam.map_files import SavedMap
from slam.scan_points import BodyRate, undistorted_points

_OCCUPIED_FROM, _FREE_UP_TO = 65, 25
_SEEN_MIN, _HELD_MIN, _PASSED_MIN = 2, 3, 3
_LINE_WINDOW = 9
_LINE_RATIO = 0.15
_STEP_CELLS, _NEAREST_M = 0.7, 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The approved map at ``cell_m``: what it holds, what it knows to be free, metres to the nearest cell where anything was ever
    seen, the normals (H, W, 2) of lines (zero where a cell lies on none), and what a beam tells against each cell it holds."""

    cell_m: float
    origin_m: Floats
    held: Mask
    free: Mask
    away_m: Floats
    normals: Floats
    weights: Weights

    @classmethod
    def of(cls, saved: SavedMap, config: ChangeConfig, base_from_lidar: Pose2) -> Baseline:
        """What the map holds, each cell with the distances at which its own scans did not pass through it: low things are met
        from some distances only, and a van that left meanwhile from none. Nobody can miss that. In open ground no beam returns,
        and the grid stays as it was; free is also what several of its scans passed, and in which no beam of them ended."""
        whole = cls._coarsened(saved, config)
        watch = ChangeWatch(whole, config, base_from_lidar)
        for keyframe in saved.keyframes:
            stamp_ns, pose = keyframe.scan.stamp_ns, keyframe.map_from_base
            sure = PoseEstimate(stamp_ns=stamp_ns, map_from_odom=pose, odom_from_base=IDENTITY2, covariance=np.zeros((3, 3)))
            watch.look(keyframe.scan, sure, keyframe.rate)
        passed = (watch.passes >= _PASSED_MIN) & (watch.hits == 0) & ~whole.held
        return replace(whole, free=whole.free | passed, weights=Weights.by(watch.held, config))

    @classmethod
    def _coarsened(cls, saved: SavedMap, config: ChangeConfig) -> Baseline:
        """A cell is held when any part of it is, and free when some part is and none is held. Around the grid is a margin: in
        open ground beams pass beyond it.

        What a grazing beam told counts as seen, though the grid may have it free: a fence is thin.
        """
        grid = saved.grid
        per_cell = max(1, round(config.cell_m / grid.resolution_m))
        size_m = per_cell * grid.resolution_m
        margin = per_cell * round(config.no_return_m / size_m)
        height, width = (-(-size // per_cell) * per_cell + 2 * margin for size in grid.cells.shape)
        cells = np.full((height, width), -1, dtype=np.int8)
        cells[margin : margin + grid.cells.shape[0], margin : margin + grid.cells.shape[1]] = grid.cells
        blocks = cells.reshape(height // per_cell, per_cell, width // per_cell, per_cell)
        held = (blocks >= _OCCUPIED_FROM).any(axis=(1, 3))
        free = np.logical_and(((blocks >= 0) & (blocks <= _FREE_UP_TO)).any(axis=(1, 3)), ~held)
        origin_m = np.array((grid.origin_x_m, grid.origin_y_m)) - margin * grid.resolution_m
        counts = _seen_counts(saved, held.shape, origin_m, size_m)
        held, seen = np.logical_or(held, counts >= _HELD_MIN), np.logical_or(held, counts >= _SEEN_MIN)
        away = cv2.distanceTransform(np.where(seen, 0, 255).astype(np.uint8), cv2.DIST_L2, 5) * size_m
        return cls(
            cell_m=size_m,
            origin_m=origin_m,
            held=held,
            free=free,
            away_m=away.astype(np.float64),
            normals=_normals(held),
            weights=Weights.unknown(int(held.sum())),
        )

    def rows_cols(self, points_m: Floats) -> npt.NDArray[np.int64]:
        """Row and column (N, 2) of points (N, 2) m in map; may lie outside."""
        return np.floor((points_m - self.origin_m) / self.cell_m).astype(np.int64)[:, ::-1]

    def contains(self, cells: npt.NDArray[np.int64]) -> Mask:
        """Mask (N,) of cells that lie on the grid."""
        row, col = cells[:, 0], cells[:, 1]
        height, width = self.held.shape
        inside: Mask = (row >= 0) & (row < height) & (col >= 0) & (col < width)
        return inside


class _End(Enum):
    """What became of a beam: it came back, from farther than is looked, or not at all."""

    MET = auto()
    FAR = auto()
    LOST = auto()


class ChangeWatch:
    """Takes the scans of a lap with their poses; ``appeared`` and ``vanished`` say which cells changed. ``hits`` and ``passes``
    (H, W) count looks in which beams ended in each cell and went on behind it, ``held`` how they fared at what the map holds."""

    def __init__(self, baseline: Baseline, config: ChangeConfig, base_from_lidar: Pose2) -> None:
        self.baseline, self._config, self._base_from_lidar = baseline, config, base_from_lidar
        shape = baseline.held.shape
        self.hits, self.passes = (np.zeros(shape, dtype=np.int32) for _ in range(2))
        self.held = HeldCounts(baseline.held, config.pool_m, baseline.cell_m)
        self._last: tuple[int, Pose2] | None = None

    def look(self, scan: Scan, estimate: PoseEstimate, rate: BodyRate | None = None) -> bool:
        """Take one scan; whether it counted. It does not while the pose is in doubt, nor so near the last one that both would
        tell the same."""
        pose, config = estimate.map_from_base, self._config
        if estimate.doubt or estimate.position_std_m > config.position_std_max_m:
            return False
        has_moved = self._last is None or self._last[1].distance_to(pose) >= config.every_m
        if not has_moved and self._last is not None and seconds(scan.stamp_ns - self._last[0]) < config.every_s:
            return False
        self._last = (scan.stamp_ns, pose)
        for end, ranges in _ends(scan, has_moved=has_moved).items():
            taken = replace(scan, ranges_m=ranges)
            points, origins = undistorted_points(taken, self._base_from_lidar, rate or BodyRate(), range_max_m=REACH_M)
            if len(points):
                self._count(pose.apply(points), pose.apply(origins), end)
        return True

    @property
    def appeared(self) -> Mask:
        """Cells (H, W) where beams end now and the baseline is free."""
        config, around = self._config, self.hits + self.passes
        new = self.baseline.free & (self.baseline.away_m >= config.away_min_m) & (self.hits >= config.hits_min)
        mask: Mask = new & (self.hits >= config.hit_share_min * around)
        return mask

    @property
    def crossings(self) -> Counts:
        """Looks (H, W) in which beams crossed each cell that the baseline holds, from where it should have been met."""
        return np.asarray(self.held.grid(self._crossed()), dtype=np.int32)

    @property
    def vanished(self) -> Mask:
        """Cells (H, W) that the baseline holds and beams now cross: enough speaks against each and those around it."""
        config, held = self._config, self.held
        against = self.baseline.weights.against(held, config)
        is_gone = (held.most_around(np.maximum(held.pooled(against), 0.0)) >= config.gone_nats) & (against > 0.0)
        is_gone &= held.most_around(self._crossed()) >= config.crossings_min
        mask: Mask = held.grid(is_gone) > 0
        return mask & ~self._still_there()

    def _crossed(self) -> Counts:
        """Looks (M,) in which beams crossed each held cell and that told something."""
        weights, held = self.baseline.weights, self.held
        return np.asarray(((weights.passed > 0) * held.passed + (weights.lost > 0) * held.lost).sum(axis=0), dtype=np.int32)

    def _still_there(self) -> Mask:
        """Cells (H, W) of small things that beams still end on or beside: a pole a few centimetres off its place is not gone,
        whichever of its cells the beams now miss."""
        config, baseline = self._config, self.baseline
        _, found, boxes, _ = cv2.connectedComponentsWithStats(baseline.held.astype(np.uint8))
        labels = np.asarray(found, dtype=np.int64)
        sizes_m = boxes[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1) * baseline.cell_m
        around = cv2.dilate(labels.astype(np.float32), np.ones((5, 5), np.uint8)).astype(np.int64)
        hits = np.bincount(around.ravel(), weights=self.hits.ravel(), minlength=len(boxes))
        crossings = np.zeros(len(boxes))
        np.maximum.at(crossings, labels.ravel(), self.crossings.ravel())
        still = (sizes_m <= config.small_m) & (hits > config.still_share_min * crossings)
        still[0] = False
        mask: Mask = still[labels]
        return mask

    def _count(self, ends_m: Floats, starts_m: Floats, end: _End) -> None:
        """One scan's beams: where each ends, if it does, and every cell that it passes on the way, once a scan."""
        baseline, config = self.baseline, self._config
        beams, lengths = ends_m - starts_m, np.linalg.norm(ends_m - starts_m, axis=1)
        if end is _End.MET:
            cells = baseline.rows_cols(ends_m)
            is_inside = baseline.contains(cells)
            ended, away = np.ravel_multi_index(tuple(cells[is_inside].T), baseline.held.shape), lengths[is_inside]
            self.hits.ravel()[once(ended[away <= config.range_max_m], self.hits.size)] += 1
            self.held.add_met(ended, away)
        directions = beams / np.maximum(lengths, 1e-9)[:, None]
        steps = np.arange(_NEAREST_M, REACH_M, _STEP_CELLS * baseline.cell_m)
        beam, step = np.nonzero(steps[None, :] < (lengths - config.behind_m)[:, None])
        passed = baseline.rows_cols(starts_m[beam] + directions[beam] * steps[step, None])
        inside = baseline.contains(passed)
        flat = np.ravel_multi_index(tuple(passed[inside].T), baseline.held.shape)
        away, beam = steps[step[inside]], beam[inside]
        met = baseline.held.ravel()[flat]
        first_m = np.full(len(beams), np.inf)
        np.minimum.at(first_m, beam[met], away[met])
        sure_m = np.minimum(config.no_return_m, first_m[beam]) if end is _End.LOST else config.range_max_m
        self.passes.ravel()[once(flat[away < sure_m], self.passes.size)] += 1
        flat, away, beam = flat[met], away[met], beam[met]
        normals = baseline.normals.reshape(-1, 2)[flat]
        square = np.abs(np.einsum("ij,ij->i", normals, directions[beam]))
        sure = (square >= config.square_min) | ~normals.any(axis=1)
        sure &= lengths[beam] - away >= config.beyond_m
        if end is _End.LOST:
            sure &= away <= first_m[beam] + config.lost_behind_m
            self.held.add_lost(flat[sure], away[sure])
        else:
            self.held.add_passed(flat[sure], away[sure])


def _seen_counts(saved: SavedMap, shape: tuple[int, ...], origin_m: Floats, cell_m: float) -> npt.NDArray[np.int64]:
    """How many keyframes saw something in each cell (H, W)."""
    counts = np.zeros(shape, dtype=np.int64)
    for keyframe in saved.keyframes:
        points = keyframe.map_from_base.apply(keyframe.points.points_m)
        cells = np.floor((points - origin_m) / cell_m).astype(np.int64)[:, ::-1]
        cells = cells[((cells >= 0) & (cells < shape)).all(axis=1)]
        counts[tuple(np.unique(cells, axis=0).T)] += 1
    return counts


def _ends(scan: Scan, *, has_moved: bool) -> dict[_End, Floats32]:
    """Ranges (N,) m up to which the beams passed through the air, by what became of them; NaN for the others. While the robot
    stands somebody may cover the lidar for long: beams that are lost then say no more than those of the first look."""
    ranges, is_far = scan.ranges_m, scan.valid() & (scan.ranges_m > REACH_M)
    nothing, reach_m = np.float32(np.nan), np.float32(min(REACH_M, scan.range_max_m))
    return {
        _End.MET: np.where(is_far, nothing, ranges),
        _End.FAR: np.where(is_far, reach_m, nothing),
        _End.LOST: np.where(np.isposinf(ranges) & has_moved, reach_m, nothing),
    }


def _normals(held: Mask) -> Floats:
    """Normals (H, W, 2) as x and y of held cells whose neighbours lie on a line; zero elsewhere (second moments, box filters)."""
    rows, cols = (np.asarray(axis, dtype=np.float64) for axis in np.indices(held.shape))
    weight = held.astype(np.float64)

    def mean(values: Floats) -> Floats:
        summed = cv2.boxFilter(values * weight, cv2.CV_64F, (_LINE_WINDOW, _LINE_WINDOW), normalize=False)
        return np.asarray(summed / np.maximum(count, 1.0), dtype=np.float64)

    count = cv2.boxFilter(weight, cv2.CV_64F, (_LINE_WINDOW, _LINE_WINDOW), normalize=False)
    mean_x, mean_y = mean(cols), mean(rows)
    xx, yy, xy = mean(cols * cols) - mean_x * mean_x, mean(rows * rows) - mean_y * mean_y, mean(cols * rows) - mean_x * mean_y
    angle, middle = 0.5 * np.arctan2(2.0 * xy, xx - yy), 0.5 * (xx + yy)
    spread = np.hypot(0.5 * (xx - yy), xy)
    is_line = held & (count >= 3) & (middle - spread < _LINE_RATIO * (middle + spread))
    return np.stack((-np.sin(angle), np.cos(angle)), axis=-1) * is_line[:, :, None]
