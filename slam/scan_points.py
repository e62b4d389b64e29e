# SPDX-License-Identifier: Apache-2.0
"""From a scan to points in ``base_link``: undistorted, thinned, each with the direction it was seen from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrol.checks import Floats
from patrol.geometry import Pose2
from patrol.sensors import Scan
from slam.config import ScanConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanPoints:
    """``points_m`` (N, 2) m in base_link and ``rays`` (N, 2), unit vectors from the laser towards each of them."""

    points_m: Floats
    rays: Floats

    def __len__(self) -> int:
        return len(self.points_m)

    @property
    def reach_m(self) -> float:
        """Median distance of the points from the base; 0 when there are none."""
        return float(np.median(np.hypot(self.points_m[:, 0], self.points_m[:, 1]))) if len(self) else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyRate:
    """How fast the base moved while the scan was taken: (x m/s, y m/s, yaw rad/s) in base_link."""

    x_mps: float = 0.0
    y_mps: float = 0.0
    yaw_radps: float = 0.0


def rate_during(scan: Scan, first: Pose2, last: Pose2) -> BodyRate:
    """The mean rate between the poses at the first and at the last beam; still when the scan takes no time."""
    duration_s = scan.beam_step_s * (scan.ranges_m.size - 1)
    if duration_s <= 0.0:
        return BodyRate()
    moved = first.inverse() @ last
    return BodyRate(x_mps=moved.x_m / duration_s, y_mps=moved.y_m / duration_s, yaw_radps=moved.yaw_rad / duration_s)


def points_from_scan(scan: Scan, base_from_lidar: Pose2, rate: BodyRate, config: ScanConfig) -> ScanPoints:
    """Valid returns of ``scan`` as they stood in base_link at its stamp (that of its first beam)."""
    points, origins = undistorted_points(scan, base_from_lidar, rate, range_max_m=config.range_max_m)
    if len(points) == 0:
        return ScanPoints(points_m=points, rays=points)
    group, count = voxel_groups(points, config.voxel_m)
    thinned = group_means(points, group, count)
    rays = thinned - group_means(origins, group, count)
    return ScanPoints(points_m=thinned, rays=rays / np.maximum(np.linalg.norm(rays, axis=1, keepdims=True), 1e-9))


def undistorted_points(scan: Scan, base_from_lidar: Pose2, rate: BodyRate, *, range_max_m: float) -> tuple[Floats, Floats]:
    """Returns (N, 2) m in base_link at the scan's stamp, and the laser's place (N, 2) m when each was measured."""
    keep = scan.valid() & (scan.ranges_m <= range_max_m)
    ranges, angles = scan.ranges_m[keep].astype(np.float64), scan.angles_rad()[keep]
    points = base_from_lidar.apply(np.column_stack((ranges * np.cos(angles), ranges * np.sin(angles))))
    origins = np.broadcast_to((base_from_lidar.x_m, base_from_lidar.y_m), points.shape)
    if scan.beam_step_s == 0.0:
        return points, origins
    after_s = np.flatnonzero(keep).astype(np.float64) * scan.beam_step_s
    return moved_back(points, rate, after_s), moved_back(origins, rate, after_s)


def moved_back(points_m: Floats, rate: BodyRate, after_s: Floats) -> Floats:
    """Take points measured ``after_s`` (N,) s later back to base_link at the stamp, at constant ``rate``."""
    yaw = rate.yaw_radps * after_s
    cos, sin = np.cos(yaw), np.sin(yaw)
    half_cos, half_sin = np.cos(0.5 * yaw), np.sin(0.5 * yaw)
    x = cos * points_m[:, 0] - sin * points_m[:, 1] + after_s * (half_cos * rate.x_mps - half_sin * rate.y_mps)
    y = sin * points_m[:, 0] + cos * points_m[:, 1] + after_s * (half_sin * rate.x_mps + half_cos * rate.y_mps)
    return np.column_stack((x, y))


def voxel_groups(points_m: Floats, voxel_m: float) -> tuple[npt.NDArray[np.int64], int]:
    """Group index (N,) of points (N, D) that share a voxel, and the number of groups, in the order of the voxels' keys."""
    cells = np.floor(points_m / voxel_m).astype(np.int64)
    cells -= cells.min(axis=0)
    keys = cells[:, 0]
    for axis in range(1, cells.shape[1]):
        keys = keys * (cells[:, axis].max() + 1) + cells[:, axis]
    unique, group = np.unique(keys, return_inverse=True)
    return group, int(unique.size)


def group_means(values: Floats, group: npt.NDArray[np.int64], count: int) -> Floats:
    """Mean (count, D) of the rows (N, D) of each group."""
    sizes = np.bincount(group, minlength=count)
    sums = [np.bincount(group, weights=values[:, axis], minlength=count) for axis in range(values.shape[1])]
    means: Floats = np.column_stack(sums) / sizes[:, None]
    return means
