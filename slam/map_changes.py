# SPDX-License-Identifier: Apache-2.0
"""What changed: every beam of a lap against the approved baseline, as counts of hits and passes per cell.

A cell has appeared when beams keep ending in it where the baseline has it free; it has vanished when they keep passing through
what the baseline holds, square enough to it to be sure. Neither follows from one scan, from a grazing beam or from a place that
the baseline never saw. What is low or thin is met from some distances only; from those it can go missing, and from no others.
(Hits and passes as in the reflection maps of Hähnel, "Mapping with Mobile Robots", 2004.)
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from patrol.checks import Floats, Floats32
from patrol.clock import seconds
from patrol.estimate import PoseEstimate
from patrol.geometry import IDENTITY2, Pose2
from patrol.sensors import Scan
from slam.config import ChangeConfig
from slam.map_files import SavedMap
from slam.scan_points import BodyRate, undistorted_points

_OCCUPIED_FROM, _FREE_UP_TO = 65, 25
_SEEN_MIN, _HELD_MIN = 2, 3
_POROUS_MIN, _POROUS_SHARE = 2, 0.5
_BAND_M, _BANDS = 2.0, 15
_ALL_BANDS = (1 << _BANDS) - 1
_SOLID_HITS_MIN, _SOLID_PASSED_MAX = 3, 0.1
_LINE_WINDOW = 9
_LINE_RATIO = 0.15
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The approved map at ``cell_m``: what it holds, what it knows to be free, metres to the nearest cell where anything was ever
    seen, the normals (H, W, 2) of lines (zero where a cell lies on none). ``solid`` (H, W) has a bit for every 2 m of distance
    from which beams can not pass a cell that is held; ``is_low`` marks those that have not all bits."""

    cell_m: float
    origin_m: Floats
    held: Mask
    free: Mask
    away_m: Floats
    normals: Floats
    solid: npt.NDArray[np.int32]
    is_low: Mask

    @classmethod
    def of(cls, saved: SavedMap, config: ChangeConfig, base_from_lidar: Pose2) -> Baseline:
        """What the map holds, each cell from the distances at which its own scans did not pass through it: low things are met
        from some distances only, and a van that left meanwhile from none. Nobody can miss that."""
        whole = cls._coarsened(saved, config.cell_m)
        counts = _BandCounts(whole.held)
        watch = ChangeWatch(whole, config, base_from_lidar, counts)
        for keyframe in saved.keyframes:
            stamp_ns, pose = keyframe.scan.stamp_ns, keyframe.map_from_base
            sure = PoseEstimate(stamp_ns=stamp_ns, map_from_odom=pose, odom_from_base=IDENTITY2, covariance=np.zeros((3, 3)))
            watch.look(keyframe.scan, sure, keyframe.rate)
        porous = whole.held & (watch.crossings >= _POROUS_MIN) & (watch.crossings >= _POROUS_SHARE * watch.hits)
        solid = np.where(porous, counts.solid(), whole.solid)
        return replace(whole, held=whole.held & (solid > 0), solid=solid.astype(np.int32), is_low=porous & (solid > 0))

    @classmethod
    def _coarsened(cls, saved: SavedMap, cell_m: float) -> Baseline:
        """A cell is held when any part of it is, and free when some part is and none is held.

        What a grazing beam told counts as seen, though the grid may have it free: a fence is thin.
        """
        grid = saved.grid
        per_cell = max(1, round(cell_m / grid.resolution_m))
        height, width = (-(-size // per_cell) * per_cell for size in grid.cells.shape)
        cells = np.full((height, width), -1, dtype=np.int8)
        cells[: grid.cells.shape[0], : grid.cells.shape[1]] = grid.cells
        blocks = cells.reshape(height // per_cell, per_cell, width // per_cell, per_cell)
        held = (blocks >= _OCCUPIED_FROM).any(axis=(1, 3))
        free = np.logical_and(((blocks >= 0) & (blocks <= _FREE_UP_TO)).any(axis=(1, 3)), ~held)
        size_m = per_cell * grid.resolution_m
        origin_m = np.array((grid.origin_x_m, grid.origin_y_m))
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
            solid=np.full(held.shape, _ALL_BANDS, dtype=np.int32),
            is_low=np.zeros_like(held),
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


class _BandCounts:
    """How often beams ended in each held cell, and passed it, by their distance."""

    def __init__(self, held: Mask) -> None:
        self._shape, self._cells = held.shape, np.flatnonzero(held)
        self._row = np.full(held.size, -1, dtype=np.int64)
        self._row[self._cells] = np.arange(self._cells.size)
        self._hits, self._crossings = (np.zeros((_BANDS, self._cells.size), dtype=np.int32) for _ in range(2))

    def add(self, flat: npt.NDArray[np.int64], away_m: Floats, *, is_hit: bool) -> None:
        """One scan's beams: the cells (N,) that they ended in or passed, and how far away each was."""
        counts, rows = self._hits if is_hit else self._crossings, self._row[flat]
        keys = _band(away_m[rows >= 0]) * self._cells.size + rows[rows >= 0]
        counts.ravel()[_once(keys, counts.size)] += 1

    def solid(self) -> npt.NDArray[np.int32]:
        """A bit (H, W) for every band of distance from which beams ended in the cell and next to none passed."""
        is_solid = (self._hits >= _SOLID_HITS_MIN) & (self._crossings <= _SOLID_PASSED_MAX * self._hits)
        bits = (is_solid * (1 << np.arange(_BANDS, dtype=np.int32))[:, None]).sum(axis=0)
        found = np.zeros(self._row.size, dtype=np.int32)
        found[self._cells] = bits
        return found.reshape(self._shape)


def _band(away_m: Floats) -> npt.NDArray[np.int64]:
    """The band (N,) of each distance (N,) m."""
    return np.minimum(away_m / _BAND_M, _BANDS - 1).astype(np.int64)


class ChangeWatch:
    """Takes the scans of a lap with their poses; ``appeared`` and ``vanished`` say which cells changed."""

    def __init__(
        self, baseline: Baseline, config: ChangeConfig, base_from_lidar: Pose2, bands: _BandCounts | None = None
    ) -> None:
        self.baseline, self._config, self._base_from_lidar, self._bands = baseline, config, base_from_lidar, bands
        shape = baseline.held.shape
        self.hits, self.passes, self.crossings = (np.zeros(shape, dtype=np.int32) for _ in range(3))
        self._last: tuple[int, Pose2] | None = None

    def look(self, scan: Scan, estimate: PoseEstimate, rate: BodyRate | None = None) -> bool:
        """Take one scan; whether it counted. It does not while the pose is in doubt, nor so near the last one that both would
        tell the same."""
        pose, config = estimate.map_from_base, self._config
        if estimate.doubt or estimate.position_std_m > config.position_std_max_m or not self._is_new(scan.stamp_ns, pose):
            return False
        self._last = (scan.stamp_ns, pose)
        for ranges, is_hit in ((scan.ranges_m, True), (_passing(scan, config), False)):
            taken = replace(scan, ranges_m=ranges)
            points, origins = undistorted_points(taken, self._base_from_lidar, rate or BodyRate(), range_max_m=config.range_max_m)
            if len(points):
                self._count(pose.apply(points), pose.apply(origins), is_hit=is_hit)
        return True

    @property
    def appeared(self) -> Mask:
        """Cells (H, W) where beams end now and the baseline is free."""
        config, around = self._config, self.hits + self.passes
        new = self.baseline.free & (self.baseline.away_m >= config.away_min_m) & (self.hits >= config.hits_min)
        mask: Mask = new & (self.hits >= config.hit_share_min * around)
        return mask

    @property
    def vanished(self) -> Mask:
        """Cells (H, W) that the baseline holds and beams now cross."""
        config = self._config
        wanted = np.where(self.baseline.is_low, config.crossings_low_min, config.crossings_min)
        mask: Mask = np.logical_and(self.baseline.held, self.crossings >= wanted)
        return mask & (self.hits <= config.left_share_max * self.crossings) & ~self._still_there()

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

    def _is_new(self, stamp_ns: int, pose: Pose2) -> bool:
        if self._last is None:
            return True
        moved = self._last[1].distance_to(pose) >= self._config.every_m
        return moved or seconds(stamp_ns - self._last[0]) >= self._config.every_s

    def _count(self, ends_m: Floats, starts_m: Floats, *, is_hit: bool) -> None:
        """One scan's beams: where each ends, if it does, and every cell that it passes on the way, once a scan."""
        baseline, config = self.baseline, self._config
        beams, lengths = ends_m - starts_m, np.linalg.norm(ends_m - starts_m, axis=1)
        if is_hit:
            cells = baseline.rows_cols(ends_m)
            is_inside = baseline.contains(cells)
            ended = np.ravel_multi_index(tuple(cells[is_inside].T), baseline.held.shape)
            self.hits.ravel()[_once(ended, self.hits.size)] += 1
            if self._bands is not None:
                self._bands.add(ended, lengths[is_inside], is_hit=True)
        directions = beams / np.maximum(lengths, 1e-9)[:, None]
        steps = np.arange(0.3, config.range_max_m, 0.7 * baseline.cell_m)
        beam, step = np.nonzero(steps[None, :] < (lengths - config.behind_m)[:, None])
        passed = baseline.rows_cols(starts_m[beam] + directions[beam] * steps[step, None])
        inside = baseline.contains(passed)
        flat = np.ravel_multi_index(tuple(passed[inside].T), baseline.held.shape)
        self.passes.ravel()[_once(flat, self.passes.size)] += 1
        met = baseline.held.ravel()[flat]
        flat, beam, step = flat[met], beam[inside][met], step[inside][met]
        normals = baseline.normals.reshape(-1, 2)[flat]
        square = np.abs(np.einsum("ij,ij->i", normals, directions[beam]))
        is_blob = ~normals.any(axis=1)
        sure = (is_blob | (square >= config.square_min)) & (lengths[beam] - steps[step] >= config.beyond_m)
        sure &= (baseline.solid.ravel()[flat] >> _band(steps[step])) & 1 > 0
        if self._bands is not None:
            self._bands.add(flat[sure], steps[step[sure]], is_hit=False)
        self.crossings.ravel()[_once(flat[sure], self.crossings.size)] += 1


def _once(rows: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    """Each of ``rows`` (N,), all below ``size``, once and in order."""
    marked = np.zeros(size, dtype=np.bool_)
    marked[rows] = True
    return np.flatnonzero(marked)


def _seen_counts(saved: SavedMap, shape: tuple[int, ...], origin_m: Floats, cell_m: float) -> npt.NDArray[np.int64]:
    """How many keyframes saw something in each cell (H, W)."""
    counts = np.zeros(shape, dtype=np.int64)
    for keyframe in saved.keyframes:
        points = keyframe.map_from_base.apply(keyframe.points.points_m)
        cells = np.floor((points - origin_m) / cell_m).astype(np.int64)[:, ::-1]
        cells = cells[((cells >= 0) & (cells < shape)).all(axis=1)]
        counts[tuple(np.unique(cells, axis=0).T)] += 1
    return counts


def _passing(scan: Scan, config: ChangeConfig) -> Floats32:
    """Ranges (N,) m up to which the other beams passed through the air: those that did not return, and those that ended out of
    range; NaN for the rest."""
    is_far = scan.valid() & (scan.ranges_m > config.range_max_m)
    ends = np.where(np.isposinf(scan.ranges_m), np.float32(config.no_return_m), np.float32(np.nan))
    return np.where(is_far, np.float32(config.range_max_m), ends)


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
