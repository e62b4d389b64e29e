# SPDX-License-Identifier: Apache-2.0
"""The local map that revolutions are registered with: a distribution of points per voxel (Koide et al., "Voxelized GICP", ICRA
2021), matched by small_gicp (Koide, JOSS 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import small_gicp

from patrol.checks import Floats
from patrol.geometry import Pose3
from slam.lio.config import RegistrationConfig

_PLANE_INFORMATION = 500.0
"""Information across the surface that small_gicp gives a pair of plane-like points: their variances are 0.001 each."""
_FREE_INFORMATION = 1.0
"""Up to this a pair has information along the surface as well, which says nothing of where it lies."""
_CLEAR_CACHE_EVERY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Where a cloud lies in the local map: its pose, the ``information`` (6, 6) over turn and shift in the body, and the share of
    its points that lie where the map has some."""

    odom_from_body: Pose3
    information: Floats
    overlap: float
    converged: bool


class ThinCloud:
    """A cloud thinned to one point a voxel, with the distribution around each point: what is registered, and what a local map is
    made of."""

    def __init__(self, points_m: Floats, config: RegistrationConfig) -> None:
        self.native: Any
        self.native, _ = small_gicp.preprocess_points(points_m, config.thin_m, config.neighbours, 1)

    def __len__(self) -> int:
        return int(self.native.size())

    def points_m(self) -> Floats:
        """(N, 3) m in the body."""
        points: Floats = np.asarray(self.native.points(), dtype=np.float64)[:, :3]
        return points


class LocalMap:
    """The latest key scans as one distribution per voxel; places not seen for a while are forgotten."""

    def __init__(self, config: RegistrationConfig) -> None:
        self._config = config
        self._voxels: Any = small_gicp.GaussianVoxelMap(config.voxel_m)
        self._voxels.set_lru(config.key_scans_kept, _CLEAR_CACHE_EVERY)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def insert(self, cloud: ThinCloud, odom_from_body: Pose3) -> None:
        """Take in a key scan."""
        self._voxels.insert(cloud.native, matrix_of(odom_from_body))
        self._count += 1

    def match(self, cloud: ThinCloud, guess: Pose3) -> Match:
        """Register a cloud, beginning at ``guess``."""
        config = self._config
        found = small_gicp.align(
            self._voxels,
            cloud.native,
            matrix_of(guess),
            max_correspondence_distance=config.gate_m,
            num_threads=config.threads,
            max_iterations=config.iterations_max,
            rotation_epsilon=config.step_rad,
            translation_epsilon=config.step_m,
        )
        return Match(
            odom_from_body=pose_of(np.asarray(found.T_target_source)),
            information=information_of(found, cloud.native, config.point_std_m),
            overlap=float(found.num_inliers) / max(len(cloud), 1),
            converged=bool(found.converged),
        )


def information_of(found: Any, cloud: Any, point_std_m: float) -> Floats:
    """Information (6, 6) over turn and shift in the body of what small_gicp found for ``cloud``; ``point_std_m`` is the deviation
    of one point across its surface. What any surface would tell in any direction is taken off."""
    points: Floats = np.asarray(cloud.points(), dtype=np.float64)[:, :3]
    free = _FREE_INFORMATION * float(found.num_inliers) / max(len(points), 1) * _anywhere(points)
    return _observed(np.asarray(found.H) - free) / (_PLANE_INFORMATION * point_std_m**2)


def _anywhere(points_m: Floats) -> Floats:
    """Information (6, 6) that points would have if each told its place in every direction alike."""
    total, second = points_m.sum(axis=0), points_m.T @ points_m
    information = np.zeros((6, 6))
    information[:3, :3] = np.trace(second) * np.eye(3) - second
    x, y, z = total
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    information[:3, 3:], information[3:, :3] = cross, cross.T
    information[3:, 3:] = len(points_m) * np.eye(3)
    return information


def _observed(information: Floats) -> Floats:
    """The information (6, 6) without the directions that have none."""
    size = np.sqrt(np.maximum(np.einsum("ii->i", information), 1e-9))
    values, vectors = np.linalg.eigh(information / np.outer(size, size))
    scaled = vectors * size[:, None]
    kept: Floats = (scaled * np.maximum(values, 0.0)) @ scaled.T
    return kept


def pose_of(matrix: Floats) -> Pose3:
    """The pose in a matrix (4, 4)."""
    return Pose3(matrix[:3, 3].copy(), matrix[:3, :3].copy())


def matrix_of(pose: Pose3) -> Floats:
    """The matrix (4, 4) of a pose."""
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = pose.rotation, pose.translation_m
    return matrix
