# SPDX-License-Identifier: Apache-2.0
"""Point-to-line scan matching against a local map (Censi, "An ICP variant using a point-to-line metric", ICRA 2008), with a
robust kernel that tightens as the match converges (Geman-McClure), and a motion prior that yields when contradicted (Cauchy).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from patrol.checks import Floats
from patrol.geometry import Pose2
from slam.config import MatchConfig
from slam.scan_points import ScanPoints, group_means, voxel_groups
from slam.surface import Surface, line_fit

_LONE_RADIUS_M = 0.5
_BACKFACE = 0.2
_CONVERGED_M = 2e-4
_CONVERGED_RAD = 2e-5
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchTarget:
    """A local map to match against: ``points_m`` (N, 2) m and their ``normals`` (N, 2) towards where they were seen from.

    ``across`` and ``along`` (N,) weigh an error along the normal and along the line: (1, 0) where the surroundings form a line,
    (b, b) with a small b where they form none, (0, 0) where there are too few of them to tell.
    """

    points_m: Floats
    normals: Floats
    across: Floats
    along: Floats
    tree: cKDTree[None]

    @classmethod
    def from_surface(cls, surface: Surface, voxel_m: float) -> MatchTarget:
        """Average the elements that share a voxel and face the same quarter, so that the sides of a thin wall stay apart."""
        quarter = np.floor(np.arctan2(surface.normals[:, 1], surface.normals[:, 0]) / (0.5 * math.pi)) + 2.5
        group, count = voxel_groups(np.column_stack((surface.points_m, quarter * voxel_m)), voxel_m)
        points, normals = group_means(surface.points_m, group, count), group_means(surface.normals, group, count)
        weights = group_means(np.column_stack((surface.across, surface.along)), group, count)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
        tree = cKDTree(points, balanced_tree=False)
        _tell_lone(points, normals, weights, tree)
        return cls(points_m=points, normals=normals, across=weights[:, 0], along=weights[:, 1], tree=tree)


def _tell_lone(points_m: Floats, normals: Floats, weights: Floats, tree: cKDTree[None]) -> None:
    """Elements that no single scan could tell the surroundings of, a tree trunk or a wall far off, by what all scans saw beside
    them. Changes ``normals`` (N, 2) and ``weights`` (N, 2) in place."""
    lone = np.flatnonzero(weights[:, 0] == 0.0)
    if not lone.size:
        return
    fit = line_fit(tree, points_m, points_m[lone], _LONE_RADIUS_M)
    is_behind = np.einsum("ij,ij->i", fit.normals, normals[lone]) < 0.0
    normals[lone] = np.where(is_behind[:, None], -fit.normals, fit.normals)
    weights[lone] = np.column_stack((fit.across, fit.along))


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """``target_from_base`` with covariance (3, 3) over x m, y m, yaw rad in the target's frame.

    ``overlap`` is the share of points that have a target near which faces them, ``score`` the share of those that lie on it.
    ``told`` (3, 3) is the information of the scan alone, without the guess; ``prior_share`` what is left of the guess's.
    """

    target_from_base: Pose2
    covariance: Floats
    overlap: float
    score: float
    told: Floats
    prior_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Share of the points with a target near that faces them, and share of those that lie on its line."""

    overlap: float
    score: float


def match_points(scan: ScanPoints, target: MatchTarget, guess: Pose2, prior_information: Floats, config: MatchConfig) -> Match:
    """Align ``scan`` with ``target`` from ``guess``, which counts as a measurement with ``prior_information`` (3, 3)."""
    state = np.array([guess.x_m, guess.y_m, guess.yaw_rad])
    first = state.copy()
    gate, kernel, share = config.gate_start_m, config.kernel_start_m, 1.0
    for _ in range(config.iterations_max):
        hessian, gradient = _normal_equations(scan, target, state, gate, kernel)
        told = hessian / config.point_std_m**2
        share = _kept_share(state - first, prior_information, config.prior_sigmas)
        hessian = told + share * prior_information
        gradient = gradient / config.point_std_m**2 + share * prior_information @ (state - first)
        step = -np.linalg.solve(hessian, gradient)
        state += step
        settled = gate == config.gate_end_m and kernel == config.kernel_end_m
        if settled and math.hypot(step[0], step[1]) < _CONVERGED_M and abs(step[2]) < _CONVERGED_RAD:
            break
        gate = max(config.gate_end_m, gate * config.shrink)
        kernel = max(config.kernel_end_m, kernel * config.shrink)
    pose = Pose2(float(state[0]), float(state[1]), float(state[2]))
    fit = agreement(scan, target, pose, config)
    covariance: Floats = np.linalg.inv(hessian).astype(np.float64)
    return Match(target_from_base=pose, covariance=covariance, overlap=fit.overlap, score=fit.score, told=told, prior_share=share)


def _kept_share(moved: Floats, prior_information: Floats, sigmas: float) -> float:
    """What is left of the guess's weight when the scan moves the pose away from it (Cauchy): wheels slip, scans do not."""
    return float(1.0 / (1.0 + moved @ prior_information @ moved / sigmas**2))


def _normal_equations(
    scan: ScanPoints, target: MatchTarget, state: Floats, gate_m: float, kernel_m: float
) -> tuple[Floats, Floats]:
    """Gauss-Newton's JᵀWJ (3, 3) and JᵀWr (3,), rotating about the base."""
    cos, sin = math.cos(state[2]), math.sin(state[2])
    turn = np.array([[cos, sin], [-sin, cos]])
    arms = scan.points_m @ turn
    distance, index = nearest(target, arms + state[:2], gate_m)
    found = np.flatnonzero(np.isfinite(distance))
    index, arms = index[found], arms[found]
    normals = target.normals[index]
    front = np.einsum("ij,ij->i", normals, scan.rays[found] @ turn) < _BACKFACE
    errors = arms + state[:2] - target.points_m[index]
    across = np.einsum("ij,ij->i", normals, errors)
    along = normals[:, 0] * errors[:, 1] - normals[:, 1] * errors[:, 0]
    share_along = target.along[index]
    squared = across**2 + np.where(share_along > 0, along**2, 0.0)
    weight = front * (kernel_m**2 / (kernel_m**2 + squared)) ** 2
    jac_across = np.column_stack((normals, normals[:, 1] * arms[:, 0] - normals[:, 0] * arms[:, 1]))
    jac_along = np.column_stack((-normals[:, 1], normals[:, 0], normals[:, 0] * arms[:, 0] + normals[:, 1] * arms[:, 1]))
    weighted_across, weighted_along = jac_across.T * (weight * target.across[index]), jac_along.T * (weight * share_along)
    hessian = weighted_across @ jac_across + weighted_along @ jac_along
    return hessian, weighted_across @ across + weighted_along @ along


def nearest(target: MatchTarget, points_m: Floats, within_m: float) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Distance (N,) m and row (N,) of the element nearest to each point; infinite where none is within reach."""
    distance, index = target.tree.query(points_m, distance_upper_bound=within_m)
    return np.asarray(distance, dtype=np.float64), np.asarray(index, dtype=np.int64)


def agreement(scan: ScanPoints, target: MatchTarget, pose: Pose2, config: MatchConfig) -> Agreement:
    """How well the scan fits at ``pose``."""
    front, inlier = _fit(scan, target, pose, config)
    if not front.any():
        return Agreement(overlap=0.0, score=0.0)
    return Agreement(overlap=float(front.sum() / len(scan)), score=float(inlier.sum() / front.sum()))


def lies_on(scan: ScanPoints, target: MatchTarget, pose: Pose2, config: MatchConfig) -> Mask:
    """Points (N,) of the scan that lie on the target when it is taken at ``pose``."""
    return _fit(scan, target, pose, config)[1]


def _fit(scan: ScanPoints, target: MatchTarget, pose: Pose2, config: MatchConfig) -> tuple[Mask, Mask]:
    """Points (N,) that have a target near which faces them, and those of them that lie on it."""
    points = pose.apply(scan.points_m)
    distance, index = nearest(target, points, config.gate_start_m)
    found = np.flatnonzero(np.isfinite(distance))
    normals = target.normals[index[found]]
    rays = Pose2(0.0, 0.0, pose.yaw_rad).apply(scan.rays[found])
    faces = np.einsum("ij,ij->i", normals, rays) < _BACKFACE
    errors = points[found] - target.points_m[index[found]]
    across = np.abs(np.einsum("ij,ij->i", normals, errors))
    lies = faces & (across < config.inlier_m) & (distance[found] < 3.0 * config.inlier_m)
    front, inlier = (np.zeros(len(scan), dtype=np.bool_) for _ in range(2))
    front[found], inlier[found] = faces, lies
    return front, inlier


def inverse(matrix: Floats) -> Floats:
    """Covariance of an information matrix, or the other way round."""
    return np.asarray(np.linalg.inv(matrix), dtype=np.float64)


def information(std_m: float, std_rad: float) -> npt.NDArray[np.float64]:
    """Information matrix (3, 3) of an isotropic planar pose measurement."""
    return np.diag([std_m**-2, std_m**-2, std_rad**-2])
