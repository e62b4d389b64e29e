# SPDX-License-Identifier: Apache-2.0
"""The coloured 3D cloud of the site: lidar points averaged per voxel, coloured from the camera pictures they project into."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrol.checks import Bytes, Floats
from patrol.clock import seconds
from patrol.geometry import Pose3
from patrol.sensors import CameraModel, Image, PointCloud
from slam.config import CloudConfig
from slam.scan_points import BodyRate, moved_back

_PENDING_MAX = 400_000
_OFFSET = 1 << 20
_BITS = 21
_SHADE_CELL_PX = 8
_SHADE_DEPTH_M = 0.4
_GREY = 128
_COLUMNS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraView:
    """A colour picture (bgr8), its camera, and where the base stood when it was taken."""

    image: Image
    camera: CameraModel
    map_from_base: Pose3


@dataclass(frozen=True, slots=True, kw_only=True)
class ColouredCloud:
    """``points_m`` (N, 3) float32 in map and ``rgb`` (N, 3) uint8; grey where no picture has seen the point."""

    points_m: npt.NDArray[np.float32]
    rgb: Bytes

    def __len__(self) -> int:
        return len(self.points_m)


class CloudMapper:
    """Collects lidar revolutions taken at known poses.

    Keeps at most ``voxels_max`` voxels: when they are full, new places are left out and ``left_out`` counts them.
    """

    def __init__(self, config: CloudConfig) -> None:
        self._config = config
        self._keys: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._sums: Floats = np.zeros((0, _COLUMNS))
        self._pending: list[tuple[npt.NDArray[np.int64], Floats]] = []
        self._pending_rows = 0
        self.left_out = 0

    def add(
        self, cloud: PointCloud, map_from_base: Pose3, base_from_lidar: Pose3, *, rate: BodyRate, view: CameraView | None = None
    ) -> None:
        """Take in one revolution from ``map_from_base`` at its stamp, moving at ``rate``, with a picture of about that time.

        A picture that is older or younger than the config allows gives no colour.
        """
        points = self._points_in_map(cloud, map_from_base, base_from_lidar, rate)
        if len(points) == 0:
            return
        rgb, seen = np.zeros((len(points), 3)), np.zeros(len(points))
        if view is not None and abs(seconds(view.image.stamp_ns - cloud.stamp_ns)) <= self._config.image_age_max_s:
            rgb, seen = _colours(points, view)
        table = np.column_stack((points, np.ones(len(points)), rgb, seen))
        self._pending.append(_summed(_voxel_keys(points, self._config.voxel_m), table))
        self._pending_rows += len(self._pending[-1][0])
        if self._pending_rows > _PENDING_MAX:
            self._merge()

    def cloud(self) -> ColouredCloud:
        """The mean place and colour of every voxel so far."""
        self._merge()
        points = self._sums[:, :3] / self._sums[:, 3:4]
        seen = self._sums[:, 7:8]
        rgb = np.where(seen > 0, self._sums[:, 4:7] / np.maximum(seen, 1.0), _GREY)
        return ColouredCloud(points_m=points.astype(np.float32), rgb=np.round(rgb).astype(np.uint8))

    def _points_in_map(self, cloud: PointCloud, map_from_base: Pose3, base_from_lidar: Pose3, rate: BodyRate) -> Floats:
        distance = np.linalg.norm(cloud.points_m, axis=1)
        with np.errstate(invalid="ignore"):
            keep = (distance >= self._config.range_min_m) & (distance <= self._config.range_max_m)
        points = base_from_lidar.apply(cloud.points_m[keep])
        points[:, :2] = moved_back(points[:, :2], rate, cloud.time_s[keep].astype(np.float64))
        return map_from_base.apply(points)

    def _merge(self) -> None:
        """Fold what is pending into the voxels."""
        if not self._pending:
            return
        keys = np.concatenate([self._keys, *(part for part, _ in self._pending)])
        sums = np.concatenate([self._sums, *(part for _, part in self._pending)])
        self._pending, self._pending_rows = [], 0
        old_keys = self._keys
        self._keys, self._sums = _summed(keys, sums)
        over = len(self._keys) - self._config.voxels_max
        if over > 0:
            self._drop_newest(old_keys, over)

    def _drop_newest(self, old_keys: npt.NDArray[np.int64], over: int) -> None:
        """Leave out ``over`` voxels that came last."""
        new = np.flatnonzero(~np.isin(self._keys, old_keys, assume_unique=True))
        keep = np.ones(len(self._keys), dtype=bool)
        keep[new[len(new) - over :]] = False
        self._keys, self._sums = self._keys[keep], self._sums[keep]
        self.left_out += over


def _voxel_keys(points_m: Floats, voxel_m: float) -> npt.NDArray[np.int64]:
    """One number (N,) per voxel; unique within about a million voxels of the origin."""
    cells = np.floor(points_m / voxel_m).astype(np.int64) + _OFFSET
    keys: npt.NDArray[np.int64] = (cells[:, 0] << 2 * _BITS) | (cells[:, 1] << _BITS) | cells[:, 2]
    return keys


def _summed(keys: npt.NDArray[np.int64], table: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """Sums of the rows (N, C) per distinct key, sorted by key."""
    unique, group = np.unique(keys, return_inverse=True)
    sums = [np.bincount(group, weights=table[:, column], minlength=unique.size) for column in range(table.shape[1])]
    return unique, np.column_stack(sums)


def _colours(points_m: Floats, view: CameraView) -> tuple[Floats, Floats]:
    """Colour (N, 3) as red, green, blue and 1 where the picture sees the point (N,), 0 where it is outside or hidden."""
    map_from_optical = view.map_from_base @ view.camera.base_from_optical
    optical = map_from_optical.inverse().apply(points_m)
    pixels = view.camera.project(optical)
    with np.errstate(invalid="ignore"):
        inside = (pixels >= 0).all(axis=1) & (pixels[:, 0] < view.image.width_px) & (pixels[:, 1] < view.image.height_px)
    rgb, seen = np.zeros((len(points_m), 3)), np.zeros(len(points_m))
    rows = np.flatnonzero(inside)
    col, row = pixels[rows, 0].astype(np.int64), pixels[rows, 1].astype(np.int64)
    cell = (row // _SHADE_CELL_PX) * (view.image.width_px // _SHADE_CELL_PX + 1) + col // _SHADE_CELL_PX
    nearest = np.full(int(cell.max(initial=0)) + 1, np.inf)
    np.minimum.at(nearest, cell, optical[rows, 2])
    shown = optical[rows, 2] < nearest[cell] + _SHADE_DEPTH_M
    rgb[rows[shown]] = view.image.pixels[row[shown], col[shown], ::-1].astype(np.float64)
    seen[rows[shown]] = 1.0
    return rgb, seen
