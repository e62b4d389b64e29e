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
from slam.lio.surfaces import Surfaces, Told, anywhere, observed

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
    made of. ``whole_m`` (N, 3) m are the points before."""

    def __init__(self, points_m: Floats, config: RegistrationConfig) -> None:
        self.whole_m = points_m
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
        self._surfaces = Surfaces(config)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def insert(self, cloud: ThinCloud, odom_from_body: Pose3) -> None:
        """Take in a key scan."""
        self._voxels.insert(cloud.native, matrix_of(odom_from_body))
        self._surfaces.insert(odom_from_body.apply(cloud.whole_m), odom_from_body.apply(cloud.points_m()))
        self._count += 1

    def match(self, cloud: ThinCloud, guess: Pose3) -> Match:
        """Register a cloud, beginning at ``guess``; where no surface bears what registration claims, the pose stays there."""
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
        claimed = information_of(found, cloud.native, config.point_std_m)
        pose, information = self._borne(cloud.points_m(), guess, pose_of(np.asarray(found.T_target_source)), claimed)
        return Match(
            odom_from_body=pose,
            information=information,
            overlap=float(found.num_inliers) / max(len(cloud), 1),
            converged=bool(found.converged),
        )

    def _borne(self, points_m: Floats, guess: Pose3, found: Pose3, claimed: Floats) -> tuple[Pose3, Floats]:
        """The pose and its information (6, 6) as far as surfaces bear them; along other directions the guess, and no information
        (after Zhang, Kaess and Singh, "On degeneracy of optimization-based state estimation problems", ICRA 2016)."""
        free = _unborne(self._surfaces.tell(points_m, found), len(points_m), self._config)
        if free is None:
            return found, claimed
        shift_m = found.rotation.T @ (found.translation_m - guess.translation_m)
        return Pose3(found.translation_m - found.rotation @ (free @ shift_m), found.rotation), _held(claimed, free)


def borne_information(claimed: Floats, told: Told, count: int, config: RegistrationConfig) -> Floats:
    """The information (6, 6) that is claimed for ``count`` points, without the directions along which it is not borne."""
    free = _unborne(told, count, config)
    return claimed if free is None else _held(claimed, free)


def _held(claimed: Floats, free: Floats) -> Floats:
    held = np.eye(6)
    held[3:, 3:] -= free
    information: Floats = held @ claimed @ held
    return 0.5 * (information + information.T)


def _unborne(told: Told, count: int, config: RegistrationConfig) -> Floats | None:
    """The projection (3, 3) on the directions in the body along which surfaces tell next to nothing, whatever the heading; None
    without any, or when too few points lie on something proven to say so."""
    surfaces = config.surfaces
    if told.share < surfaces.proven_min:
        return None
    turn, both, shift = told.information[:3, :3], told.information[:3, 3:], told.information[3:, 3:]
    values, axes = np.linalg.eigh(shift - both.T @ np.linalg.pinv(turn, hermitian=True) @ both)
    weak = axes[:, values < surfaces.borne_min * told.share * count / config.point_std_m**2]
    return weak @ weak.T if weak.size else None


def information_of(found: Any, cloud: Any, point_std_m: float) -> Floats:
    """Information (6, 6) over turn and shift in the body of what small_gicp found for ``cloud``; ``point_std_m`` is the deviation
    of one point across its surface. What any surface would tell in any direction is taken off."""
    points: Floats = np.asarray(cloud.points(), dtype=np.float64)[:, :3]
    free = anywhere(points, np.full(len(points), _FREE_INFORMATION * float(found.num_inliers) / max(len(points), 1)))
    return observed(np.asarray(found.H) - free) / (_PLANE_INFORMATION * point_std_m**2)


def pose_of(matrix: Floats) -> Pose3:
    """The pose in a matrix (4, 4)."""
    return Pose3(matrix[:3, 3].copy(), matrix[:3, :3].copy())


def matrix_of(pose: Pose3) -> Floats:
    """The matrix (4, 4) of a pose."""
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = pose.rotation, pose.translation_m
    return matrix
