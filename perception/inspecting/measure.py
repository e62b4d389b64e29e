# SPDX-License-Identifier: Apache-2.0
"""Size and temperature of one thing."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from patrol.checks import Floats
from patrol.geometry import Pose2
from patrol.percepts import Box
from patrol.sensors import CameraModel, Image

_VOXEL_M = 0.05
_MOST_VOXELS = 20_000
_LOOKS_LEAST = 2
_GAP_CELLS = 5
_WARMEST_QUANTILE, _HEIGHT_QUANTILE = 0.97, 0.98


@dataclass(frozen=True, slots=True, kw_only=True)
class Cylinder:
    """Where a thing is: an upright cylinder about ``middle_m`` (2,) m in map."""

    middle_m: Floats
    radius_m: float
    height_m: float

    def box_in(self, camera: CameraModel, map_from_base: Pose2) -> Box | None:
        """Its box in the camera's picture, cut at the edges; None where it is not in the picture."""
        angles = np.linspace(0.0, 2.0 * math.pi, 12, endpoint=False)
        rim = self.middle_m + self.radius_m * np.column_stack((np.cos(angles), np.sin(angles)))
        low = map_from_base.inverse().apply(rim)
        corners = np.vstack([np.column_stack((low, np.full(len(low), z_m))) for z_m in (0.0, self.height_m)])
        pixels = camera.project(camera.base_from_optical.inverse().apply(corners))
        if not np.isfinite(pixels).all():
            return None
        limits = np.array((camera.width_px, camera.height_px), dtype=np.float64)
        (x0, y0), (x1, y1) = np.clip(pixels.min(axis=0), 0.0, limits), np.clip(pixels.max(axis=0), 0.0, limits)
        return Box(x0_px=x0, y0_px=y0, x1_px=x1, y1_px=y1) if x1 - x0 >= 1.0 and y1 - y0 >= 1.0 else None


def heat_of(thermal: Image, box: Box) -> tuple[float, float | None]:
    """The warmest part of the box and, in kelvin, what surrounds it left and right on the same rows (None where the box takes
    up the whole width). ``thermal`` is mono16 in centikelvin."""
    kelvin = thermal.pixels.astype(np.float64) / 100.0
    top, bottom = math.floor(box.y0_px), max(math.ceil(box.y1_px), math.floor(box.y0_px) + 1)
    left, right = math.floor(box.x0_px), max(math.ceil(box.x1_px), math.floor(box.x0_px) + 1)
    rows, width = kelvin[top:bottom], right - left
    beside = np.concatenate(
        (rows[:, max(left - 2 * width, 0) : max(left - 1, 0)], rows[:, right + 1 : right + 2 * width]), axis=1
    )
    warmest = float(np.quantile(rows[:, left:right], _WARMEST_QUANTILE))
    return warmest, float(np.median(beside)) if beside.size else None


class Points:
    """Returns of the lidar from one thing, of all looks together, thinned to one per 5 cm."""

    def __init__(self) -> None:
        self._looks: Counter[tuple[int, int, int]] = Counter()

    def add(self, points_m: Floats) -> None:
        """Take in the returns (N, 3) m in map of one look."""
        cells = np.unique(np.floor(points_m / _VOXEL_M).astype(np.int64), axis=0)
        if len(self._looks) + len(cells) <= _MOST_VOXELS:
            self._looks.update((int(x), int(y), int(z)) for x, y, z in cells)

    def size_m(self, ground_z_m: float, least: int) -> tuple[float, float, float] | None:
        """Length, width and height of the upright box that holds what stands together and more than one look met; None of fewer
        than ``least`` such places."""
        met = [cell for cell, looks in self._looks.items() if looks >= _LOOKS_LEAST]
        if len(met) < least:
            return None
        cells = _together(np.array(sorted(met), dtype=np.int64))
        if len(cells) < least:
            return None
        points = (cells.astype(np.float64) + 0.5) * _VOXEL_M
        (_, sides, _) = cv2.minAreaRect(points[:, :2].astype(np.float32))
        height_m = float(np.quantile(points[:, 2], _HEIGHT_QUANTILE)) - ground_z_m
        return float(max(sides)), float(min(sides)), max(height_m, 0.0)


def _together(cells: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Of the cells (N, 3) those of the largest group that touches on the ground plan, but for gaps of four cells."""
    low = cells[:, :2].min(axis=0) - _GAP_CELLS
    plan = np.zeros(cells[:, :2].max(axis=0) - low + _GAP_CELLS + 1, dtype=np.uint8)
    column, row = (cells[:, :2] - low).T
    plan[column, row] = 1
    side = 2 * (_GAP_CELLS // 2) + 1
    _, labels = cv2.connectedComponents(cv2.dilate(plan, np.ones((side, side), dtype=np.uint8)), connectivity=8)
    of_cell = labels[column, row]
    largest: npt.NDArray[np.int64] = cells[of_cell == np.bincount(of_cell).argmax()]
    return largest
