# SPDX-License-Identifier: Apache-2.0
"""Where a patrol has looked: rays cast over the site mark what the sensors could see, and when it was seen last."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydantic import Field

from mission.raster import Lattice, Mask
from patrol.checks import Bytes, Floats
from patrol.clock import NS_PER_S
from patrol.config import Config
from patrol.geometry import Pose2
from patrol.grid import OCCUPIED, OccupancyGrid
from patrol.sensors import CameraModel
from patrol.site import Site

NEVER_NS = np.iinfo(np.int64).min


class CoverageConfig(Config):
    """``occupied_from``: cells of the grid at least this occupied stop a look."""

    resolution_m: float = Field(default=0.5, gt=0)
    occupied_from: int = Field(default=65, ge=1, le=OCCUPIED)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldOfView:
    """What one sensor sees in the plane: a sector of ``hfov_rad`` around ``base_from_sensor``'s x axis out to ``reach_m``."""

    base_from_sensor: Pose2
    hfov_rad: float
    reach_m: float

    @classmethod
    def of_camera(cls, camera: CameraModel, reach_m: float = 20.0) -> FieldOfView:
        """What ``camera`` sees, as far as it tells people apart."""
        left, right = camera.rays([[0.0, camera.cy_px], [float(camera.width_px), camera.cy_px]])
        forward = camera.base_from_optical.rotation @ (0.0, 0.0, 1.0)
        at_m = camera.base_from_optical.translation_m
        return cls(
            base_from_sensor=Pose2(float(at_m[0]), float(at_m[1]), math.atan2(forward[1], forward[0])),
            hfov_rad=math.atan2(-left[0], left[2]) + math.atan2(right[0], right[2]),
            reach_m=reach_m,
        )


class CoverageMap:
    """One sensor's coverage of one site during one patrol."""

    def __init__(self, config: CoverageConfig, site: Site) -> None:
        self._config = config
        self.lattice = Lattice.around(site.perimeter, config.resolution_m, 1.0)
        buildings = self.lattice.fill([building.outline for building in site.buildings])
        self.to_see: Mask = self.lattice.fill([site.perimeter]) & ~buildings
        self._buildings = buildings
        self._opaque = buildings
        self._last_seen_ns = np.full(self.lattice.shape, NEVER_NS, dtype=np.int64)

    @property
    def last_seen_ns(self) -> npt.NDArray[np.int64]:
        """When each cell (rows, cols) was seen last, ``NEVER_NS`` where never; a copy."""
        return self._last_seen_ns.copy()

    @property
    def fraction(self) -> float:
        """Share 0..1 of the ground inside the perimeter and outside buildings that was seen."""
        seen = (self._last_seen_ns != NEVER_NS) & self.to_see
        return float(seen.sum() / max(int(self.to_see.sum()), 1))

    def set_grid(self, grid: OccupancyGrid) -> None:
        """Let what the map shows as occupied stop the look, besides the buildings of the site."""
        opaque = self._buildings.copy()
        cells = self.lattice.cells(grid.centres_m(np.argwhere(grid.cells >= self._config.occupied_from)))
        on = self.lattice.inside(cells)
        opaque[cells[on, 0], cells[on, 1]] = True
        self._opaque = opaque

    def seen_on(self, grid: OccupancyGrid) -> Mask:
        """Mask (H, W) on the cells of ``grid``: those whose centre was ever seen."""
        height, width = grid.cells.shape
        cells = self.lattice.cells(grid.centres_m(np.indices((height, width)).reshape(2, -1).T))
        on = self.lattice.inside(cells)
        seen = np.zeros(height * width, dtype=np.bool_)
        seen[on] = self._last_seen_ns[cells[on, 0], cells[on, 1]] != NEVER_NS
        return seen.reshape(height, width)

    def look(self, map_from_base: Pose2, view: FieldOfView, stamp_ns: int) -> None:
        """Mark what is seen from ``map_from_base``: each ray up to and including the first opaque cell."""
        map_from_sensor = map_from_base @ view.base_from_sensor
        rays = max(3, math.ceil(2.0 * view.hfov_rad * view.reach_m / self.lattice.resolution_m))
        angles = np.linspace(-0.5, 0.5, rays) * view.hfov_rad
        along = np.arange(0.0, view.reach_m, 0.5 * self.lattice.resolution_m)
        points = np.stack((np.cos(angles)[:, None] * along, np.sin(angles)[:, None] * along), axis=-1)
        cells = self.lattice.cells(map_from_sensor.apply(points.reshape(-1, 2)))
        on = self.lattice.inside(cells)
        row, col = np.where(on, cells[:, 0], 0), np.where(on, cells[:, 1], 0)
        stops = (self._opaque[row, col] | ~on).reshape(rays, -1)
        before: npt.NDArray[np.int64] = np.cumsum(stops, axis=1) - stops
        seen = (before == 0).ravel() & on
        self._last_seen_ns[row[seen], col[seen]] = np.maximum(self._last_seen_ns[row[seen], col[seen]], stamp_ns)

    def idleness_s(self, now_ns: int, since_ns: int) -> Floats:
        """Seconds (rows, cols) since each cell was seen, counted from ``since_ns`` where it never was; NaN outside."""
        last = np.where(self._last_seen_ns == NEVER_NS, since_ns, self._last_seen_ns)
        idle: Floats = np.where(self.to_see, (now_ns - last) / NS_PER_S, np.nan)
        return idle

    def picture(self) -> Bytes:
        """A picture (rows, cols, 3) BGR, north up: seen ground green, unseen ground amber, buildings grey, outside white."""
        canvas = np.full((*self.lattice.shape, 3), 255, dtype=np.uint8)
        seen = self._last_seen_ns != NEVER_NS
        canvas[self.to_see & ~seen] = (90, 190, 250)
        canvas[self.to_see & seen] = (120, 190, 110)
        canvas[self._buildings] = (130, 130, 130)
        return np.flipud(canvas).copy()
