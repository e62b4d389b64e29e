# SPDX-License-Identifier: Apache-2.0
"""The costmap: where the robot may drive and what it costs, from the site, the occupancy grid and the newest scans.

What the site file says is lethal from the start. What a scan hits is remembered for a short while; where a later scan looks
through, a remembered hit is gone at once, and so is a ghost that a passer-by left in the grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import Field
from shapely import get_parts
from shapely.geometry import Polygon

from mission.cabin import cabins_of
from mission.raster import Lattice, Mask
from mission.route import standing_on, upper_ground
from mission.surroundings import SiteClearance, clearance_from
from mission.sweep import Sweep
from patrol.checks import Floats, Floats32
from patrol.clock import nanoseconds
from patrol.config import Config
from patrol.geometry import Pose2
from patrol.grid import OccupancyGrid
from patrol.site import Site

_NEVER = np.iinfo(np.int64).min // 2
FORBIDDEN = np.float32(1e6)
"""Weight of free cells too close to an obstacle; obstacles themselves weigh infinitely much."""


_LEAVING_WEIGHT = 50.0
"""Added in a zone that the robot is leaving, so that it takes the shortest way out."""
_DOORWAY_M = 0.5
"""What stands this close to the line of a door belongs to the door."""
_AGAINST = -0.1
"""Cosine between travel and a zone's one direction from which it goes against it."""


class CostmapConfig(Config):
    """``forbidden_m``: least clearance of the robot's centre; ``comfort_m``: clearance from which nothing is charged."""

    resolution_m: float = Field(default=0.2, gt=0)
    margin_m: float = Field(default=2.0, gt=0)
    forbidden_m: float = Field(default=0.45, ge=0)
    comfort_m: float = Field(default=1.6, gt=0)
    comfort_weight: float = Field(default=6.0, ge=0)
    unknown_weight: float = Field(default=0.5, ge=0)
    usual_speed_mps: float = Field(default=1.2, gt=0)
    hit_memory_s: float = Field(default=3.0, gt=0)
    see_through_m: float = Field(default=8.0, gt=0)
    occupied_from: int = Field(default=60, ge=1, le=100)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneLayers:
    """Zones changed at run time, outlines in map: ``closed`` to driving, ``left`` by a robot that stands inside, ``slow`` with
    their limits in m/s, ``one_way`` with their direction of travel in rad from +x of map."""

    closed: tuple[Polygon, ...] = ()
    left: tuple[Polygon, ...] = ()
    slow: tuple[tuple[Polygon, float], ...] = ()
    one_way: tuple[tuple[Polygon, float], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CostField:
    """One picture of the costmap. ``clearance_m`` (rows, cols): distance to the nearest obstacle; ``weight`` (rows, cols):
    cost per metre, at least 1, infinite where the robot's centre must not be; ``one_way_rad`` (rows, cols): the one direction
    of travel, NaN where every direction goes; None without one-way zones."""

    lattice: Lattice
    clearance_m: Floats32
    weight: Floats32
    one_way_rad: Floats32 | None = None

    def clearance_at(self, points_m: npt.ArrayLike) -> Floats:
        """Clearance (N,) m at points (N, 2) m in map; zero off the lattice."""
        return self.lattice.sample(self.clearance_m, points_m, 0.0)

    def weight_at(self, points_m: npt.ArrayLike) -> Floats:
        """Cost per metre (N,) at points (N, 2) m in map; infinite off the lattice."""
        return self.lattice.sample(self.weight, points_m, np.inf)

    def is_against_at(self, points_m: npt.ArrayLike, heading_rad: float) -> Mask:
        """Mask (N,) of the points (N, 2) m in map where driving along ``heading_rad`` goes against a one-way zone."""
        if self.one_way_rad is None:
            return np.zeros(len(np.asarray(points_m)), dtype=np.bool_)
        return goes_against(self.lattice.sample(self.one_way_rad, points_m, np.nan), heading_rad)


def goes_against(one_way_rad: npt.NDArray[np.floating], heading_rad: float) -> Mask:
    """Where a step along ``heading_rad`` goes against the one direction of travel (NaN: none)."""
    against: Mask = np.cos(one_way_rad - heading_rad) < _AGAINST
    return against


class Costmap:
    """Keeps the layers and draws a ``CostField`` when asked. Within ``fence_margin_m`` of the perimeter the robot's centre must
    not be, since its position may be wrong."""

    def __init__(self, config: CostmapConfig, site: Site, *, fence_margin_m: float = 0.0) -> None:
        self._config = config
        self._site = site
        self.lattice = Lattice.around(site.perimeter, config.resolution_m, config.margin_m)
        inside = self.lattice.fill([site.perimeter])
        self.floor = 0
        self._file_lethal: Mask = self._lethal_on(0)
        depth_m = clearance_from(inside.astype(np.uint8), config.resolution_m)
        self._by_the_fence: Mask = inside & (depth_m < fence_margin_m)
        lines = (*(door.line for door in site.doors), *(cabin.doorway for cabin in cabins_of(site)))
        self._doorways: Mask = self.lattice.fill(line.buffer(_DOORWAY_M) for line in lines)
        self.set_zones(ZoneLayers())
        self._forget()

    def _forget(self) -> None:
        """Nothing was measured yet."""
        self._occupied = np.zeros(self.lattice.shape, dtype=np.bool_)
        self._unknown = np.ones(self.lattice.shape, dtype=np.bool_)
        self._hit_ns = np.full(self.lattice.shape, _NEVER, dtype=np.int64)
        self._free_ns = np.full(self.lattice.shape, _NEVER, dtype=np.int64)

    def set_floor(self, floor: int) -> None:
        """The robot is on ``floor``: what was measured on another one is forgotten. Zones changed at run time hold everywhere."""
        if floor != self.floor:
            self.floor = floor
            self._file_lethal = self._lethal_on(floor)
            self.set_zones(self._zones)
            self._forget()

    def _lethal_on(self, floor: int) -> Mask:
        """Cells (rows, cols) that the site file closes."""
        inside = self.lattice.fill([self._site.perimeter])
        if floor == 0:
            lethal: Mask = ~inside | self.lattice.fill(standing_on(self._site))
            return lethal
        ground = get_parts(upper_ground(self._site, floor))
        upper: Mask = ~(inside & self.lattice.fill(part for part in ground if isinstance(part, Polygon)))
        return upper

    def set_zones(self, zones: ZoneLayers) -> None:
        """Take over zones that were changed at run time, on top of the site file's."""
        self._zones = zones
        self.site_lethal: Mask = self._file_lethal | self.lattice.fill(zones.closed)
        site_clearance_m = clearance_from((~self.site_lethal).astype(np.uint8), self._config.resolution_m)
        self.site_clearance = SiteClearance(lattice=self.lattice, clearance_m=site_clearance_m)
        self._left = self.lattice.fill(zones.left)
        self._slow_mps = np.full(self.lattice.shape, np.inf, dtype=np.float32)
        for outline, limit_mps in (*((area.outline, area.limit_mps) for area in self._site.slow_areas), *zones.slow):
            cells = self.lattice.fill([outline])
            self._slow_mps[cells] = np.minimum(self._slow_mps[cells], limit_mps)
        self._one_way_rad: Floats32 | None = None
        if zones.one_way:
            self._one_way_rad = np.full(self.lattice.shape, np.nan, dtype=np.float32)
            for outline, heading_rad in zones.one_way:
                self._one_way_rad[self.lattice.fill([outline])] = heading_rad

    def set_grid(self, grid: OccupancyGrid) -> None:
        """Take over a new occupancy grid; its occupied cells may be smaller than the costmap's and still count."""
        occupied = np.zeros(self.lattice.shape, dtype=np.bool_)
        rows_cols = np.argwhere(grid.cells >= self._config.occupied_from)
        cells = self.lattice.cells(grid.centres_m(rows_cols))
        on = self.lattice.inside(cells)
        occupied[cells[on, 0], cells[on, 1]] = True
        self._occupied = occupied
        self._unknown = self._unknown_from(grid)

    def add_sweep(self, sweep: Sweep) -> None:
        """Mark what a scan hits and what it sees through."""
        hits = self.lattice.cells(sweep.points_m())
        hits = hits[self.lattice.inside(hits)]
        self._mark_seen_through(sweep)
        self._hit_ns[hits[:, 0], hits[:, 1]] = sweep.stamp_ns + 1

    def obstacles(self, now_ns: int) -> Mask:
        """Cells (rows, cols) that hold something: the site's own, the grid's unless looked through lately, and fresh hits. What
        stands in a doorway is the door's own leaf: it opens when it is asked to."""
        recent = now_ns - nanoseconds(self._config.hit_memory_s)
        hit = (self._hit_ns >= recent) & (self._hit_ns > self._free_ns)
        looked_through = (self._free_ns >= recent) & ~hit
        return self.site_lethal | (((self._occupied & ~looked_through) | hit) & ~self._doorways)

    def field(self, now_ns: int) -> CostField:
        """Inflate the obstacles of ``now_ns``: exact distances by a distance transform, cost rising as clearance shrinks."""
        config = self._config
        free = (~self.obstacles(now_ns)).astype(np.uint8)
        clearance = clearance_from(free, config.resolution_m)
        nearness = np.clip((config.comfort_m - clearance) / (config.comfort_m - config.forbidden_m), 0.0, 1.0)
        weight = 1.0 + config.comfort_weight * nearness**2 + config.unknown_weight * self._unknown
        weight *= np.maximum(config.usual_speed_mps / self._slow_mps, 1.0)
        weight[self._left] += _LEAVING_WEIGHT
        weight[(clearance < config.forbidden_m) | self._by_the_fence] = FORBIDDEN
        weight[free == 0] = np.inf
        return CostField(
            lattice=self.lattice, clearance_m=clearance, weight=weight.astype(np.float32), one_way_rad=self._one_way_rad
        )

    def speed_limit_at(self, pose: Pose2) -> float:
        """The slow areas' limit at ``pose`` in m/s; infinite outside them."""
        return float(self.lattice.sample(self._slow_mps, [(pose.x_m, pose.y_m)], np.inf)[0])

    def _unknown_from(self, grid: OccupancyGrid) -> Mask:
        lattice = self.lattice
        x = lattice.origin_x_m + (np.arange(lattice.cols) + 0.5) * lattice.resolution_m
        y = lattice.origin_y_m + (np.arange(lattice.rows) + 0.5) * lattice.resolution_m
        col = np.floor((x - grid.origin_x_m) / grid.resolution_m).astype(np.int64)
        row = np.floor((y - grid.origin_y_m) / grid.resolution_m).astype(np.int64)
        col_on, row_on = (col >= 0) & (col < grid.cells.shape[1]), (row >= 0) & (row < grid.cells.shape[0])
        unknown = np.ones(lattice.shape, dtype=np.bool_)
        unknown[np.ix_(row_on, col_on)] = grid.cells[np.ix_(row[row_on], col[col_on])] < 0
        return unknown

    def _mark_seen_through(self, sweep: Sweep) -> None:
        reach = np.minimum(sweep.ranges_m, self._config.see_through_m) - self._config.resolution_m
        rim = self.lattice.cells(sweep.ends_m(np.maximum(reach, 0.0)))
        if len(rim) < 3:
            return
        low, high = np.maximum(rim.min(axis=0), 0), np.minimum(rim.max(axis=0) + 1, self.lattice.shape)
        if (high <= low).any():
            return
        canvas = np.zeros(high - low, dtype=np.uint8)
        cv2.fillPoly(canvas, [(rim - low)[:, ::-1].astype(np.int32)], 1)
        window = self._free_ns[low[0] : high[0], low[1] : high[1]]
        window[canvas.astype(np.bool_)] = sweep.stamp_ns
