# SPDX-License-Identifier: Apache-2.0
"""How much of the open ground of a site was seen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from evidence.record import Seen
from patrol.grid import OCCUPIED
from patrol.site import Site

_LARGEST_SIDE_CELLS = 1600
_MARGIN_SHARE = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundRaster:
    """The site's rectangle as cells, row 0 at the lowest y: ``open_ground`` (inside the perimeter, no building), ``seen`` and
    ``occupied`` (H, W) bool. The corner of cell (0, 0) lies at (``x0_m``, ``y0_m``) in map."""

    x0_m: float
    y0_m: float
    cell_m: float
    open_ground: npt.NDArray[np.bool_]
    seen: npt.NDArray[np.bool_]
    occupied: npt.NDArray[np.bool_]

    @property
    def open_m2(self) -> float:
        return float(self.open_ground.sum()) * self.cell_m**2

    @property
    def seen_m2(self) -> float:
        return float((self.open_ground & self.seen).sum()) * self.cell_m**2


def rasterise(site: Site, seen: Seen | None) -> GroundRaster:
    """Lay the site's polygons and the robot's grid over one raster. Ground that the robot's grid does not reach is unseen."""
    west_m, south_m, east_m, north_m = site.perimeter.bounds
    margin_m = max(3.0, _MARGIN_SHARE * (east_m - west_m), _MARGIN_SHARE * (north_m - south_m))
    x0_m, y0_m, x1_m, y1_m = west_m - margin_m, south_m - margin_m, east_m + margin_m, north_m + margin_m
    fine_m = 0.1 if seen is None else seen.grid.resolution_m
    cell_m = max(fine_m, (x1_m - x0_m) / _LARGEST_SIDE_CELLS, (y1_m - y0_m) / _LARGEST_SIDE_CELLS)
    width, height = math.ceil((x1_m - x0_m) / cell_m), math.ceil((y1_m - y0_m) / cell_m)
    x_m, y_m = x0_m + (np.arange(width) + 0.5) * cell_m, y0_m + (np.arange(height) + 0.5) * cell_m
    across_m, up_m = np.meshgrid(x_m, y_m)
    buildings = shapely.union_all([building.outline for building in site.buildings])
    ground = shapely.difference(site.perimeter, buildings)
    shapely.prepare(ground)
    open_ground = shapely.contains_xy(ground, across_m, up_m)
    was_seen, occupied = _sample(seen, np.column_stack((across_m.ravel(), up_m.ravel())))
    shape = (height, width)
    return GroundRaster(
        x0_m=x0_m,
        y0_m=y0_m,
        cell_m=cell_m,
        open_ground=np.asarray(open_ground, dtype=np.bool_),
        seen=was_seen.reshape(shape),
        occupied=occupied.reshape(shape),
    )


def _sample(seen: Seen | None, points_m: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Seen and occupied (N,) at points (N, 2) m."""
    was_seen, occupied = np.zeros(len(points_m), dtype=np.bool_), np.zeros(len(points_m), dtype=np.bool_)
    if seen is not None:
        cells = seen.grid.rows_cols(points_m)
        inside = seen.grid.contains(cells)
        row, col = cells[inside, 0], cells[inside, 1]
        was_seen[inside] = seen.mask[row, col]
        occupied[inside] = seen.grid.cells[row, col] > OCCUPIED // 2
    return was_seen, occupied
