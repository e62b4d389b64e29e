# SPDX-License-Identifier: Apache-2.0
"""A scan laid out in map, each beam from where the lidar was when that beam was fired."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mission.raster import Mask
from patrol.checks import Floats
from patrol.geometry import Pose2
from patrol.sensors import Scan


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """``origins_m`` (N, 2) and unit ``directions`` (N, 2) of the beams in map, ``ranges_m`` (N,) with infinity where nothing
    came back and zero where the beam is broken, and ``hit`` (N,): which returned within the sensor's limits and no speck."""

    stamp_ns: int
    origins_m: Floats
    directions: Floats
    ranges_m: Floats
    hit: Mask

    def ends_m(self, reach_m: Floats) -> Floats:
        """Points (N, 2) m in map at ``reach_m`` (N,) along the beams."""
        return self.origins_m + self.directions * reach_m[:, None]

    def points_m(self) -> Floats:
        """Returns (M, 2) m in map."""
        points: Floats = (self.origins_m + self.directions * np.where(self.hit, self.ranges_m, 0.0)[:, None])[self.hit]
        return points


def sweep_from_scan(scan: Scan, map_from_lidar: Pose2, end: Pose2 | None = None) -> Sweep:
    """Lay ``scan`` out in map. The lidar was at ``map_from_lidar`` for the first beam and at ``end`` for the last one (None:
    it stood); in between it moved evenly."""
    count = scan.ranges_m.size
    share = np.linspace(0.0, 1.0, count) if count > 1 else np.zeros(count)
    last = map_from_lidar.inverse() @ end if end is not None else Pose2(0.0, 0.0, 0.0)
    yaw = scan.angles_rad() + map_from_lidar.yaw_rad + last.yaw_rad * share
    origins = map_from_lidar.apply(np.column_stack((last.x_m * share, last.y_m * share)))
    ranges = np.where(np.isnan(scan.ranges_m), 0.0, scan.ranges_m.astype(np.float64))
    directions = np.column_stack((np.cos(yaw), np.sin(yaw)))
    return Sweep(stamp_ns=scan.stamp_ns, origins_m=origins, directions=directions, ranges_m=ranges, hit=scan.supported())
