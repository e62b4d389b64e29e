# SPDX-License-Identifier: Apache-2.0
"""Findings: changed cells as things a person can act on, each with its kind and its place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from patrol.checks import Floats, frozen_array
from patrol.site import Site
from slam.config import ChangeConfig
from slam.held_counts import Mask
from slam.map_changes import Baseline, ChangeWatch


class FindingKind(StrEnum):
    """What has changed."""

    NEW_OBJECT = "new object"
    MISSING_OBJECT = "missing object"
    FENCE_HOLE = "hole in a fence or wall"
    GATE_OPEN = "gate open"
    VEHICLE_MOVED = "parked vehicle moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One change: its middle ``position_m`` (2,) and extent ``size_m`` (length, width) in map; ``from_m`` (2,) where a vehicle
    stood before; ``near`` names the gate or fence; ``views`` is how many scans told it, at the best seen cell."""

    kind: FindingKind
    position_m: Floats
    size_m: tuple[float, float]
    views: int
    from_m: Floats | None = None
    near: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "position_m", frozen_array("position_m", self.position_m, (2,)))
        if self.from_m is not None:
            object.__setattr__(self, "from_m", frozen_array("from_m", self.from_m, (2,)))

    @property
    def sentence(self) -> str:
        """What a person reads."""
        x_m, y_m = self.position_m
        moved = f", from ({self.from_m[0]:.1f}, {self.from_m[1]:.1f})" if self.from_m is not None else ""
        near = f" at {self.near}" if self.near else ""
        return f"{self.kind}{near} at ({x_m:.1f}, {y_m:.1f}) m, {self.size_m[0]:.1f} by {self.size_m[1]:.1f} m{moved}"


@dataclass(frozen=True, slots=True)
class _Patch:
    """Connected changed cells: their middles (N, 2) m in map, middle (2,), size, axis (2,) along the longer side, views."""

    points_m: Floats
    middle_m: Floats
    size_m: tuple[float, float]
    axis: Floats
    views: int


def findings_of(watch: ChangeWatch, site: Site | None, config: ChangeConfig) -> tuple[Finding, ...]:
    """All findings of the lap so far, the largest first. ``site`` gives gates and the perimeter; None: lines of the map serve."""
    new = _patches(watch.appeared, watch.hits, watch.baseline, config)
    gone = _patches(watch.vanished, watch.crossings, watch.baseline, config)
    new, gone, found = _moved_vehicles(new, gone, config)
    found += [
        Finding(kind=FindingKind.NEW_OBJECT, position_m=patch.middle_m, size_m=patch.size_m, views=patch.views) for patch in new
    ]
    found += [_gone(patch, watch.baseline, site, config) for patch in gone]
    return tuple(sorted(found, key=lambda finding: -finding.size_m[0]))


def _patches(mask: Mask, views: npt.NDArray[np.int32], baseline: Baseline, config: ChangeConfig) -> list[_Patch]:
    """Changed cells that lie together, gaps of ``join_m`` closed; small ones left out."""
    reach = max(1, round(config.join_m / baseline.cell_m))
    joined = cv2.dilate(mask.astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    count, labels = cv2.connectedComponents(joined)
    found = []
    for label in range(1, count):
        rows, cols = np.nonzero((labels == label) & mask)
        if rows.size >= config.cells_min:
            patch = _patch(rows, cols, int(views[rows, cols].max()), baseline)
            if patch.size_m[0] >= config.size_min_m:
                found.append(patch)
    return found


def _patch(rows: npt.NDArray[np.int64], cols: npt.NDArray[np.int64], views: int, baseline: Baseline) -> _Patch:
    points = baseline.origin_m + (np.column_stack((cols, rows)) + 0.5) * baseline.cell_m
    offsets = points - points.mean(axis=0)
    axes = np.linalg.eigh(offsets.T @ offsets)[1][:, ::-1].T
    along = offsets @ axes.T
    low, high = along.min(axis=0), along.max(axis=0)
    middle = points.mean(axis=0) + 0.5 * (low + high) @ axes
    size = high - low + baseline.cell_m
    return _Patch(points, middle, (float(size[0]), float(size[1])), axes[0], views)


def _moved_vehicles(
    new: list[_Patch], gone: list[_Patch], config: ChangeConfig
) -> tuple[list[_Patch], list[_Patch], list[Finding]]:
    """Pairs of vehicle size, nearest first; what is left of both lists, and the pairs as findings."""
    low_m, high_m = config.vehicle_length_m
    pairs = sorted(
        (float(np.linalg.norm(one.middle_m - other.middle_m)), row, col)
        for row, one in enumerate(new)
        for col, other in enumerate(gone)
        if all(low_m <= patch.size_m[0] <= high_m and patch.size_m[1] >= config.vehicle_width_min_m for patch in (one, other))
    )
    found: list[Finding] = []
    used_new, used_gone = set[int](), set[int]()
    for away_m, row, col in pairs:
        if away_m > config.vehicle_moved_max_m or row in used_new or col in used_gone:
            continue
        used_new.add(row)
        used_gone.add(col)
        patch = new[row]
        found.append(
            Finding(
                kind=FindingKind.VEHICLE_MOVED,
                position_m=patch.middle_m,
                size_m=patch.size_m,
                views=patch.views,
                from_m=gone[col].middle_m,
            )
        )
    left_new = [patch for row, patch in enumerate(new) if row not in used_new]
    return left_new, [patch for col, patch in enumerate(gone) if col not in used_gone], found


def _gone(patch: _Patch, baseline: Baseline, site: Site | None, config: ChangeConfig) -> Finding:
    kind, near = FindingKind.MISSING_OBJECT, ""
    gate = _nearest(patch, _openings(site), config)
    fence = _nearest(patch, _fences(site), config)
    if gate:
        kind, near = FindingKind.GATE_OPEN, gate
    elif fence:
        kind, near = FindingKind.FENCE_HOLE, fence
    elif _goes_on(patch, baseline, config):
        kind = FindingKind.FENCE_HOLE
    return Finding(kind=kind, position_m=patch.middle_m, size_m=patch.size_m, views=patch.views, near=near)


def _openings(site: Site | None) -> dict[str, Floats]:
    """Gates and doors: the line (M, 2) m of each by its name."""
    if site is None:
        return {}
    gates = {gate.name or gate.gate_id: gate.line for gate in site.gates}
    doors = {door.name or door.door_id: door.line for door in site.doors}
    return {name: np.asarray(line.coords)[:, :2] for name, line in (gates | doors).items()}


def _fences(site: Site | None) -> dict[str, Floats]:
    """Inner fences and the perimeter: the line (M, 2) m of each by its name."""
    if site is None:
        return {}
    lines = {fence.name or fence.fence_id: np.asarray(fence.line.coords)[:, :2] for fence in site.fences}
    return lines | {"the perimeter": np.asarray(site.perimeter.exterior.coords)[:, :2]}


def _nearest(patch: _Patch, lines_m: dict[str, Floats], config: ChangeConfig) -> str:
    """Name of the line that the patch lies along; empty when it lies along none."""
    away = {name: float(_away_from_line(patch.points_m, line).mean()) for name, line in lines_m.items()}
    best = min(away, key=lambda name: away[name], default="")
    return best if best and away[best] <= config.line_within_m else ""


def _away_from_line(points_m: Floats, line_m: Floats) -> Floats:
    """Distance (N,) m of points to a polyline (M, 2)."""
    first, along = line_m[:-1], np.diff(line_m, axis=0)
    offset = points_m[:, None] - first[None]
    share = np.clip((offset * along).sum(axis=2) / np.maximum((along**2).sum(axis=1), 1e-12), 0.0, 1.0)
    away: Floats = np.linalg.norm(offset - share[:, :, None] * along, axis=2).min(axis=1)
    return away


def _goes_on(patch: _Patch, baseline: Baseline, config: ChangeConfig) -> bool:
    """Whether the baseline holds the same line on both sides of the gap."""
    half_m = 0.5 * patch.size_m[0]
    reaches = np.arange(half_m + baseline.cell_m, half_m + config.goes_on_m, 0.5 * baseline.cell_m)
    if patch.size_m[1] > config.line_width_max_m:
        return False
    return all(_held_share(patch.middle_m + sign * reaches[:, None] * patch.axis, baseline) >= 0.6 for sign in (-1.0, 1.0))


def _held_share(points_m: Floats, baseline: Baseline) -> float:
    cells = baseline.rows_cols(points_m)
    cells = cells[baseline.contains(cells)]
    return float((baseline.away_m[cells[:, 0], cells[:, 1]] <= 1.5 * baseline.cell_m).mean()) if len(cells) else 0.0


def same_place(finding: Finding, others: Sequence[Finding], within_m: float) -> bool:
    """Whether one of ``others`` is the same kind of finding at about the same place."""
    return any(
        other.kind is finding.kind and float(np.linalg.norm(other.position_m - finding.position_m)) <= within_m
        for other in others
    )
