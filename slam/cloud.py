# SPDX-License-Identifier: Apache-2.0
"""The coloured 3D cloud of the site: revolutions as pieces that follow the pose graph, averaged per voxel, coloured from the
camera pictures they project into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrol.checks import Bytes, Floats, Floats32
from patrol.clock import seconds
from patrol.geometry import Pose3
from patrol.sensors import CameraModel, Image, PointCloud
from slam.config import CloudConfig
from slam.scan_points import BodyRate, group_means, moved_back, voxel_groups

_OFFSET = 1 << 20
_BITS = 21
_SHADE_CELL_PX = 8
_SHADE_DEPTH_M = 0.4
_GREY = 128
_COLUMNS = 11
_MOVED_RAD = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraView:
    """A colour picture (bgr8), its camera, and where the base stood when it was taken, seen from the base of the revolution."""

    image: Image
    camera: CameraModel
    base_from_then: Pose3


@dataclass(frozen=True, slots=True, kw_only=True)
class ColouredCloud:
    """``points_m`` (N, 3) float32 in map and ``rgb`` (N, 3) uint8; grey where no picture has seen the point."""

    points_m: npt.NDArray[np.float32]
    rgb: Bytes

    def __len__(self) -> int:
        return len(self.points_m)


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudPiece:
    """One revolution, thinned: ``points_m`` (N, 3) in base_link at ``stamp_ns``, ``rgb`` (N, 3), ``seen`` (N,) by a picture, and
    where the lidar stood."""

    stamp_ns: int
    points_m: Floats32
    rgb: Bytes
    seen: npt.NDArray[np.bool_]
    origin_m: Floats


def points_in_base(cloud: PointCloud, base_from_lidar: Pose3, rate: BodyRate, config: CloudConfig) -> Floats:
    """Points (N, 3) m in base_link at the cloud's stamp, the base moving at ``rate``; those too near, too far or not finite left
    out."""
    distance = np.linalg.norm(cloud.points_m, axis=1)
    with np.errstate(invalid="ignore"):
        keep = (distance >= config.range_min_m) & (distance <= config.range_max_m)
    points: Floats = base_from_lidar.apply(cloud.points_m[keep])
    points[:, :2] = moved_back(points[:, :2], rate, cloud.time_s[keep].astype(np.float64))
    return points


def piece_of(
    points_m: Floats, stamp_ns: int, base_from_lidar: Pose3, config: CloudConfig, *, view: CameraView | None = None
) -> CloudPiece:
    """Thin undistorted points (N, 3) m in base_link, and colour them. A picture that is older or younger than the config allows
    gives no colour."""
    near = np.linalg.norm(points_m - base_from_lidar.translation_m, axis=1) <= config.range_max_m
    points, rgb, seen = points_m[near], np.zeros((0, 3)), np.zeros(0)
    if len(points):
        group, count = voxel_groups(points, config.voxel_m)
        points = group_means(points, group, count)
        rgb, seen = np.full((len(points), 3), float(_GREY)), np.zeros(len(points))
    if len(points) and view is not None and abs(seconds(view.image.stamp_ns - stamp_ns)) <= config.image_age_max_s:
        colours, seen = _colours(points, view)
        rgb = np.where(seen[:, None] > 0.0, colours, rgb)
    return CloudPiece(
        stamp_ns=stamp_ns,
        points_m=points.astype(np.float32),
        rgb=np.round(rgb).astype(np.uint8),
        seen=seen > 0.0,
        origin_m=base_from_lidar.translation_m,
    )


class CloudMapper:
    """Collects pieces, each at a pose; when the poses move, the cloud moves with them.

    Keeps at most ``voxels_max`` voxels: when they are full, new places are left out and ``left_out`` counts them. Of more than
    ``pieces_max`` pieces the oldest stay where they are.
    """

    def __init__(self, config: CloudConfig) -> None:
        self._config = config
        self._pieces: list[CloudPiece] = []
        self._poses: list[Pose3] = []
        self._fixed = self._drawn = _Voxels.empty()
        self._drawn_count = self._fixed_count = 0
        self.left_out = 0

    def __len__(self) -> int:
        return self._fixed_count + len(self._pieces)

    def add(self, piece: CloudPiece, map_from_base: Pose3) -> None:
        """Take in one revolution."""
        self._pieces.append(piece)
        self._poses.append(map_from_base)
        over = len(self._pieces) - self._config.pieces_max
        if over > 0:
            self._fixed = self._fixed.with_pieces(self._pieces[:over], self._poses[:over], self._config.voxel_m)
            self._fixed_count += over
            self._drawn_count = max(self._drawn_count - over, 0)
            del self._pieces[:over], self._poses[:over]

    def stamps_ns(self) -> tuple[int, ...]:
        """Stamps of the pieces that can be moved."""
        return tuple(piece.stamp_ns for piece in self._pieces)

    def move_to(self, poses: Mapping[int, Pose3]) -> None:
        """Put pieces where the graph has them now, by their stamps; those not named stay."""
        news = [poses.get(piece.stamp_ns, old) for piece, old in zip(self._pieces, self._poses, strict=True)]
        if any(_is_moved(old, new, self._config.voxel_m) for old, new in zip(self._poses, news, strict=True)):
            self._drawn_count, self._drawn = 0, self._fixed
            self._poses = news

    def cloud(self) -> ColouredCloud:
        """The mean place and colour of every voxel so far."""
        sums = self._composed()
        points = sums[:, :3] / sums[:, 3:4]
        return ColouredCloud(points_m=points.astype(np.float32), rgb=_mean_colours(sums))

    def preview(self, points_max: int) -> ColouredCloud:
        """At most ``points_max`` of the points themselves, an even part of every piece where it stands now: nothing is averaged,
        so that it costs milliseconds however large the cloud is."""
        whole = len(self._fixed.keys) + sum(len(piece.points_m) for piece in self._pieces)
        step = max(-(-whole // max(points_max - len(self._pieces), 1)), 1)
        kept = self._fixed.sums[::step]
        points, colours = [kept[:, :3] / kept[:, 3:4]], [_mean_colours(kept)]
        for number, (piece, pose) in enumerate(zip(self._pieces, self._poses, strict=True)):
            part = slice(number % step, None, step)
            points.append(pose.apply(piece.points_m[part]))
            colours.append(piece.rgb[part])
        return ColouredCloud(points_m=np.concatenate(points).astype(np.float32), rgb=np.concatenate(colours))

    def views(self) -> Floats:
        """For each point of ``cloud``, the mean direction (N, 3) towards the lidar that saw it."""
        towards = self._composed()[:, 8:11]
        units: Floats = towards / np.maximum(np.linalg.norm(towards, axis=1, keepdims=True), 1e-9)
        return units

    def _composed(self) -> Floats:
        if self._drawn_count < len(self._pieces):
            old = self._drawn.keys
            news = slice(self._drawn_count, None)
            drawn = self._drawn.with_pieces(self._pieces[news], self._poses[news], self._config.voxel_m)
            over = len(drawn.keys) - self._config.voxels_max
            if over > 0:
                drawn = drawn.without_newest(old, over)
                self.left_out += over
            self._drawn, self._drawn_count = drawn, len(self._pieces)
        return self._drawn.sums


@dataclass(frozen=True, slots=True, kw_only=True)
class _Voxels:
    """Sums (N, 11) by voxel: place, count, colour, colours counted, direction towards the lidar. ``keys`` (N,) are sorted."""

    keys: npt.NDArray[np.int64]
    sums: Floats

    @classmethod
    def empty(cls) -> _Voxels:
        return cls(keys=np.zeros(0, dtype=np.int64), sums=np.zeros((0, _COLUMNS)))

    def with_pieces(self, pieces: Sequence[CloudPiece], poses: Sequence[Pose3], voxel_m: float) -> _Voxels:
        tables = [_table(piece, pose) for piece, pose in zip(pieces, poses, strict=True)]
        keys = np.concatenate([self.keys, *(_voxel_keys(table[:, :3], voxel_m) for table in tables)])
        unique, group = np.unique(keys, return_inverse=True)
        table = np.concatenate([self.sums, *tables])
        sums = [np.bincount(group, weights=table[:, column], minlength=unique.size) for column in range(_COLUMNS)]
        return _Voxels(keys=unique, sums=np.column_stack(sums))

    def without_newest(self, old: npt.NDArray[np.int64], over: int) -> _Voxels:
        """Leave out ``over`` voxels that are not among the ``old``."""
        new = np.flatnonzero(~np.isin(self.keys, old, assume_unique=True))
        keep = np.ones(len(self.keys), dtype=bool)
        keep[new[len(new) - over :]] = False
        return _Voxels(keys=self.keys[keep], sums=self.sums[keep])


def _mean_colours(sums: Floats) -> Bytes:
    """Red, green, blue (N, 3) of voxels; grey where no picture has seen one."""
    rgb = np.where(sums[:, 7:8] > 0, sums[:, 4:7] / np.maximum(sums[:, 7:8], 1.0), _GREY)
    return np.round(rgb).astype(np.uint8)


def _table(piece: CloudPiece, map_from_base: Pose3) -> Floats:
    points = map_from_base.apply(piece.points_m)
    towards = map_from_base.apply(piece.origin_m[None, :]) - points
    towards /= np.maximum(np.linalg.norm(towards, axis=1, keepdims=True), 1e-9)
    seen = piece.seen.astype(np.float64)
    return np.column_stack((points, np.ones(len(points)), piece.rgb * seen[:, None], seen, towards))


def _is_moved(old: Pose3, new: Pose3, voxel_m: float) -> bool:
    """Whether a pose moved by enough to be seen in the cloud."""
    shift_m = float(np.linalg.norm(new.translation_m - old.translation_m))
    return shift_m > 0.25 * voxel_m or float(np.abs(new.rotation - old.rotation).max()) > _MOVED_RAD


def _voxel_keys(points_m: Floats, voxel_m: float) -> npt.NDArray[np.int64]:
    """One number (N,) per voxel; unique within about a million voxels of the origin."""
    cells = np.floor(points_m / voxel_m).astype(np.int64) + _OFFSET
    keys: npt.NDArray[np.int64] = (cells[:, 0] << 2 * _BITS) | (cells[:, 1] << _BITS) | cells[:, 2]
    return keys


def _colours(points_m: Floats, view: CameraView) -> tuple[Floats, Floats]:
    """Colour (N, 3) as red, green, blue and 1 where the picture sees the point (N,), 0 where it is outside or hidden."""
    base_from_optical = view.base_from_then @ view.camera.base_from_optical
    optical = base_from_optical.inverse().apply(points_m)
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
