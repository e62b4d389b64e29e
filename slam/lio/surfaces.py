# SPDX-License-Identifier: Apache-2.0
"""What the surroundings really tell of a pose: surfaces and edges proven by all points seen in a place, over several key scans.

A registration that takes each point's surface from a few neighbours of one revolution believes the lidar's own pattern: rings on
a smooth wall look like edges, which travel with the robot. Here a place counts across its surface alone, and only once its points
spread along it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrol.checks import Floats
from patrol.geometry import Pose3
from slam.lio.config import RegistrationConfig

_Rows = npt.NDArray[np.int64]
_SIDE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """``information`` (6, 6) over turn (rad) and shift (m) in the body; ``share`` is that of the points which lie on something
    proven."""

    information: Floats
    share: float


class Surfaces:
    """Sums of the points per voxel, and what they are the surface of; places not seen for ``key_scans_kept`` are forgotten."""

    def __init__(self, config: RegistrationConfig) -> None:
        self._config, self._voxel_m = config.surfaces, config.voxel_m
        self._weight, self._kept = config.point_std_m**-2, config.key_scans_kept
        self._count = 0
        self._keys: _Rows = np.zeros(0, dtype=np.int64)
        self._sums: Floats = np.zeros((0, 10))
        self._thinned: _Rows = np.zeros(0, dtype=np.int64)
        self._seen: _Rows = np.zeros(0, dtype=np.int64)
        self._middle: Floats = np.zeros((0, 3))
        self._across: Floats = np.zeros((0, 2, 3))
        self._doubt: Floats = np.zeros(0)

    def insert(self, points_m: Floats, thin_m: Floats) -> None:
        """Take in a key scan in the frame of the map: all its points (N, 3) m, and thinned to a few a voxel (M, 3) m, which is
        what an edge must be made of: points of one ring close together prove none."""
        self._count += 1
        keys, places = np.unique(self._keys_of(points_m), return_inverse=True)
        new = np.setdiff1d(keys, self._keys, assume_unique=True)
        if new.size:
            self._extend(new)
        rows = np.searchsorted(self._keys, keys)
        moments = _moments(points_m)
        sums = [np.bincount(places, column, len(keys)) for column in moments.T]
        self._sums[rows] += np.stack(sums, axis=1)
        thin = self._keys_of(thin_m)
        self._thinned[rows] += np.searchsorted(np.sort(thin), keys, side="right") - np.searchsorted(np.sort(thin), keys)
        self._seen[rows] = self._count
        self._settle(rows)
        if self._count % self._kept == 0:
            self._select(np.flatnonzero(self._seen > self._count - self._kept))

    def tell(self, points_m: Floats, map_from_body: Pose3) -> Told:
        """What points (N, 3) m of the body tell about its pose near ``map_from_body``."""
        there = map_from_body.apply(points_m)
        if not len(self._keys) or not len(points_m):
            return Told(information=np.zeros((6, 6)), share=0.0)
        keys = self._keys_of(there)
        rows = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        across, off_m = self._across[rows], there - self._middle[rows]
        error_m = np.einsum("nkj,nj->nk", across, off_m)
        known = (self._keys[rows] == keys) & (across[:, 0] != 0.0).any(axis=1)
        close = known & (np.abs(error_m) < self._config.gate_m).all(axis=1)
        body, normals = points_m[close], across[close] @ map_from_body.rotation
        jacobian = np.concatenate((np.cross(body[:, None, :], normals), normals), axis=2)
        flat = jacobian.reshape(-1, 6)
        noise = anywhere(body, self._doubt[rows[close]])
        information = self._weight * (flat.T @ flat - self._config.noise_share * noise)
        return Told(information=observed(information), share=float(np.mean(close)))

    def _keys_of(self, points_m: Floats) -> _Rows:
        cells = np.floor(points_m / self._voxel_m).astype(np.int64) + _SIDE // 2
        keys: _Rows = (cells[:, 0] * _SIDE + cells[:, 1]) * _SIDE + cells[:, 2]
        return keys

    def _extend(self, new: _Rows) -> None:
        count = len(new)
        order = np.argsort(np.concatenate((self._keys, new)), kind="stable")
        self._keys = np.concatenate((self._keys, new))
        self._sums = np.concatenate((self._sums, np.zeros((count, 10))))
        self._thinned = np.concatenate((self._thinned, np.zeros(count, dtype=np.int64)))
        self._seen = np.concatenate((self._seen, np.zeros(count, dtype=np.int64)))
        self._middle = np.concatenate((self._middle, np.zeros((count, 3))))
        self._across = np.concatenate((self._across, np.zeros((count, 2, 3))))
        self._doubt = np.concatenate((self._doubt, np.zeros(count)))
        self._select(order)

    def _select(self, rows: npt.NDArray[np.integer]) -> None:
        self._keys, self._sums, self._seen = self._keys[rows], self._sums[rows], self._seen[rows]
        self._thinned = self._thinned[rows]
        self._middle, self._across, self._doubt = self._middle[rows], self._across[rows], self._doubt[rows]

    def _settle(self, rows: _Rows) -> None:
        """Judge voxels anew: across a plane one direction counts, across an edge two, else none."""
        config = self._config
        count = np.maximum(self._sums[rows, 0], 1.0)
        middle = self._sums[rows, 1:4] / count[:, None]
        xx, xy, xz, yy, yz, zz = (self._sums[rows, 4:] / count[:, None]).T
        second = np.stack((np.stack((xx, xy, xz), -1), np.stack((xy, yy, yz), -1), np.stack((xz, yz, zz), -1)), axis=1)
        spread, axes = np.linalg.eigh(second - middle[:, :, None] * middle[:, None, :])
        std = np.sqrt(np.maximum(spread, 1e-8))
        thin, wide = std < config.thick_max_m, std > config.spread_min_m
        plane = (self._sums[rows, 0] >= config.points_min) & thin[:, 0] & wide[:, 1]
        edge = (self._thinned[rows] >= config.edge_points_min) & thin[:, 1] & wide[:, 2]
        across = np.zeros((len(rows), 2, 3))
        across[plane | edge, 0] = axes[plane | edge, :, 0]
        across[edge, 1] = axes[edge, :, 1]
        along = np.where(edge, std[:, 2], std[:, 1])
        self._middle[rows], self._across[rows] = middle, across
        self._doubt[rows] = (std[:, 0] / along) ** 2 / count


def _moments(points_m: Floats) -> Floats:
    """Per point (N, 10): one, itself, and its six products."""
    x, y, z = points_m.T
    moments: Floats = np.stack((np.ones(len(points_m)), x, y, z, x * x, x * y, x * z, y * y, y * z, z * z), axis=1)
    return moments


def anywhere(points_m: Floats, weights: Floats) -> Floats:
    """Information (6, 6) that points (N, 3) would have if each told its place in every direction with its weight (N,)."""
    total = weights @ points_m
    second = points_m.T @ (weights[:, None] * points_m)
    information = np.zeros((6, 6))
    information[:3, :3] = np.trace(second) * np.eye(3) - second
    x, y, z = total
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    information[:3, 3:], information[3:, :3] = cross, cross.T
    information[3:, 3:] = weights.sum() * np.eye(3)
    return information


def observed(information: Floats) -> Floats:
    """The information (6, 6) without the directions that have none."""
    size = np.sqrt(np.maximum(np.einsum("ii->i", information), 1e-9))
    values, vectors = np.linalg.eigh(information / np.outer(size, size))
    scaled = vectors * size[:, None]
    kept: Floats = (scaled * np.maximum(values, 0.0)) @ scaled.T
    return kept
