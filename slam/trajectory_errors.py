# SPDX-License-Identifier: Apache-2.0
"""Absolute trajectory error and relative pose error as the field defines them (Sturm et al., "A benchmark for the evaluation of
RGB-D SLAM systems", IROS 2012; alignment after Umeyama, PAMI 1991)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from patrol.checks import Floats
from patrol.errors import BadValue
from slam.stamped_poses import StampedPoses

ASSOCIATED_WITHIN_S = 0.01
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorSummary:
    """Root mean square, mean, standard deviation, median and maximum of ``count`` errors, in their unit."""

    rmse: float
    mean: float
    std: float
    median: float
    max: float
    count: int

    @classmethod
    def of(cls, errors: Floats) -> ErrorSummary:
        """Of errors (N,), N above 0."""
        return cls(
            rmse=float(np.sqrt(np.mean(errors**2))),
            mean=float(errors.mean()),
            std=float(errors.std()),
            median=float(np.median(errors)),
            max=float(errors.max()),
            count=int(errors.size),
        )


def associated(
    reference: StampedPoses, estimate: StampedPoses, *, within_s: float = ASSOCIATED_WITHIN_S
) -> tuple[StampedPoses, StampedPoses]:
    """Each pose of the shorter trajectory with the one of the other nearest in time. Raises BadValue when no two are near."""
    is_swapped = len(estimate) > len(reference)
    shorter, longer = (reference, estimate) if is_swapped else (estimate, reference)
    after = np.clip(np.searchsorted(longer.stamps_s, shorter.stamps_s), 1, max(len(longer) - 1, 1))
    after = np.minimum(after, len(longer) - 1)
    before = np.maximum(after - 1, 0)
    is_before = np.abs(shorter.stamps_s - longer.stamps_s[before]) <= np.abs(shorter.stamps_s - longer.stamps_s[after])
    rows = np.where(is_before, before, after)
    kept = np.flatnonzero(np.abs(longer.stamps_s[rows] - shorter.stamps_s) <= within_s)
    if kept.size == 0:
        raise BadValue(f"stamps_s: no two poses are within {within_s} s of each other")
    first, second = shorter.rows(kept), StampedPoses(stamps_s=shorter.stamps_s[kept], poses=longer.poses[rows[kept]])
    return (first, second) if is_swapped else (second, first)


def aligned(reference: StampedPoses, estimate: StampedPoses) -> StampedPoses:
    """``estimate`` brought onto ``reference`` (as many poses) by the rigid motion of least squares over the positions.

    Raises BadValue when the counts differ, or the positions do not tell a rotation.
    """
    _require_pairs(reference, estimate)
    centre_r, centre_e = reference.positions_m.mean(axis=0), estimate.positions_m.mean(axis=0)
    spread = (reference.positions_m - centre_r).T @ (estimate.positions_m - centre_e) / len(reference)
    left, strengths, right = np.linalg.svd(spread)
    if strengths[1] <= 1e-12 * max(strengths[0], 1e-300):
        raise BadValue("positions: lie on one line and tell no rotation")
    mirror = np.diag([1.0, 1.0, np.sign(np.linalg.det(left) * np.linalg.det(right))])
    motion = np.eye(4)
    motion[:3, :3] = left @ mirror @ right
    motion[:3, 3] = centre_r - motion[:3, :3] @ centre_e
    return StampedPoses(stamps_s=estimate.stamps_s, poses=motion @ estimate.poses)


def absolute_errors_m(reference: StampedPoses, estimate: StampedPoses) -> Floats:
    """Distance (N,) m between the positions of each pair, as they are."""
    _require_pairs(reference, estimate)
    errors: Floats = np.linalg.norm(reference.positions_m - estimate.positions_m, axis=1)
    return errors


def relative_errors(reference: StampedPoses, estimate: StampedPoses, pairs: Rows) -> tuple[Floats, Floats]:
    """Translation (P,) m and rotation (P,) rad of what is left between the motions of each pair (P, 2) of rows."""
    _require_pairs(reference, estimate)
    if len(pairs) == 0:
        raise BadValue("pairs: the trajectory is too short for one pair")
    truth, told = (_inverses(t.poses[pairs[:, 0]]) @ t.poses[pairs[:, 1]] for t in (reference, estimate))
    rest = _inverses(truth) @ told
    cos = np.clip(0.5 * (np.trace(rest[:, :3, :3], axis1=1, axis2=2) - 1.0), -1.0, 1.0)
    return np.linalg.norm(rest[:, :3, 3], axis=1), np.arccos(cos)


def pairs_by_path(trajectory: StampedPoses, every_m: float) -> Rows:
    """Rows (P, 2) of successive poses that lie ``every_m`` of path apart, from the first pose on."""
    steps = np.linalg.norm(np.diff(trajectory.positions_m, axis=0), axis=1)
    rows, path_m = [0], 0.0
    for row, step_m in enumerate(steps, start=1):
        path_m += float(step_m)
        if path_m >= every_m:
            rows.append(row)
            path_m = 0.0
    return np.array(list(pairwise(rows)), dtype=np.int64).reshape(-1, 2)


def pairs_by_count(trajectory: StampedPoses, every: int) -> Rows:
    """Rows (P, 2) of poses ``every`` apart, one after the other."""
    rows = np.arange(0, len(trajectory), every, dtype=np.int64)
    return np.column_stack((rows[:-1], rows[1:]))


def _inverses(poses: Floats) -> Floats:
    """Inverses (N, 4, 4) of rigid transforms, by their transposed rotations."""
    turned = poses[:, :3, :3].transpose(0, 2, 1)
    inverses = np.tile(np.eye(4), (len(poses), 1, 1))
    inverses[:, :3, :3] = turned
    inverses[:, :3, 3] = -np.einsum("nij,nj->ni", turned, poses[:, :3, 3])
    return inverses


def _require_pairs(reference: StampedPoses, estimate: StampedPoses) -> None:
    if len(reference) != len(estimate):
        raise BadValue(f"poses: {len(estimate)} for {len(reference)} of the reference")
