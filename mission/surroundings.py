# SPDX-License-Identifier: Apache-2.0
"""What is close to the robot now: a small distance field in ``base_link`` from the newest scan and the site file."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from mission.raster import Lattice
from patrol.checks import Bytes, Floats, Floats32
from patrol.geometry import Pose2

_HALF_SIZE_M = 6.0
_CELL_M = 0.1
_LATTICE = Lattice(resolution_m=_CELL_M, origin_x_m=-_HALF_SIZE_M, origin_y_m=-_HALF_SIZE_M, rows=120, cols=120)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mover:
    """Something that moves by itself: where it is and how fast, (2,) m and (2,) m/s in one frame."""

    position_m: tuple[float, float]
    velocity_mps: tuple[float, float]
    radius_m: float = 0.35

    def seen_from(self, map_from_base: Pose2) -> Mover:
        """The same mover, given in map, in ``base_link``; the velocity stays relative to the ground."""
        base_from_map = map_from_base.inverse()
        x, y = base_from_map.apply([self.position_m])[0]
        turn = Pose2(0.0, 0.0, base_from_map.yaw_rad)
        vx, vy = turn.apply([self.velocity_mps])[0]
        return Mover(position_m=(float(x), float(y)), velocity_mps=(float(vx), float(vy)), radius_m=self.radius_m)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteClearance:
    """Distance (rows, cols) m over ``lattice`` to what the site file forbids, much of which no lidar sees."""

    lattice: Lattice
    clearance_m: Floats32


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """``scan_clearance_m`` (120, 120) around the robot in ``base_link``, the site's own clearance around ``map_from_base``,
    and the movers in ``base_link``."""

    scan_clearance_m: Floats32
    site: SiteClearance
    map_from_base: Pose2
    movers: tuple[Mover, ...]

    def clearance_at(self, points_m: npt.ArrayLike) -> Floats:
        """Distance (N,) m to the nearest obstacle from points (N, 2) m in ``base_link``; off the scan's field only the site
        counts."""
        scanned = _LATTICE.sample(self.scan_clearance_m, points_m, _HALF_SIZE_M)
        fixed = self.site.lattice.sample(self.site.clearance_m, self.map_from_base.apply(points_m), 0.0)
        return np.minimum(scanned, fixed)

    def nearest_mover_m(self) -> float:
        """Distance from the robot's centre to the nearest mover's rim; infinite without movers."""
        return min((float(np.hypot(*mover.position_m)) - mover.radius_m for mover in self.movers), default=float("inf"))


def survey(points_base_m: Floats, map_from_base: Pose2, site: SiteClearance, movers_map: tuple[Mover, ...]) -> Surroundings:
    """The surroundings of a robot at ``map_from_base``: scan returns (N, 2) m in ``base_link``, and ``movers_map`` in map."""
    free = np.ones(_LATTICE.shape, dtype=np.uint8)
    cells = _LATTICE.cells(points_base_m)
    cells = cells[_LATTICE.inside(cells)]
    free[cells[:, 0], cells[:, 1]] = 0
    clearance = clearance_from(free, _CELL_M)
    movers = tuple(mover.seen_from(map_from_base) for mover in movers_map)
    return Surroundings(scan_clearance_m=clearance, site=site, map_from_base=map_from_base, movers=movers)


def clearance_from(free: Bytes, cell_m: float) -> Floats32:
    """Distance (rows, cols) m from each cell's centre to the edge of the nearest one that is not ``free`` (zero there)."""
    steps = cv2.distanceTransform(free, cv2.DIST_L2, cv2.DIST_MASK_5)
    clearance: Floats32 = np.maximum((steps - 0.5) * np.float32(cell_m), 0.0).astype(np.float32)
    return clearance
