# SPDX-License-Identifier: Apache-2.0
"""Does what was seen from here contradict what was seen there? A beam that passes through a wall has not seen that wall: two
corridors alike are told apart by where one of them has an opening and the other has none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from patrol.checks import Floats
from patrol.geometry import Pose2
from slam.keyframe import Keyframe
from slam.scan_matcher import MatchTarget, nearest
from slam.scan_points import ScanPoints

_STEP_M = 0.15
_REACH_M = 0.12
_CLEAR_M = 0.5
_SQUARE_MIN = 0.5
_LINE_MIN = 0.5
_BEAMS_MAX = 800
_LENGTH_MAX_M = 20.0
_HELD_WITHIN_M = 0.25
_JOINED_M = 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What was seen from one place, as ``target_from_base`` has it."""

    target_from_base: Pose2
    points: ScanPoints


def sights_of(keyframes: Sequence[Keyframe], target_from_track: Pose2) -> list[Sight]:
    """What the keyframes saw, in another frame than the track's."""
    return [Sight(target_from_base=target_from_track @ k.track_from_base, points=k.points) for k in keyframes]


def contradicted_m(sights: Sequence[Sight], target: MatchTarget) -> float:
    """Length of the longest stretch of wall of ``target`` that beams of the sights pass through, squarely and well before they
    end, and on which none of them ends."""
    if not sights:
        return 0.0
    ends = np.concatenate([sight.target_from_base.apply(sight.points.points_m) for sight in sights])
    rays = np.concatenate([Pose2(0.0, 0.0, sight.target_from_base.yaw_rad).apply(sight.points.rays) for sight in sights])
    lengths = np.concatenate([np.linalg.norm(sight.points.points_m, axis=1) for sight in sights])
    step = max(1, lengths.size // _BEAMS_MAX)
    crossed = _crossed(ends[::step], rays[::step], lengths[::step], target)
    away, _ = cKDTree(ends).query(target.points_m[crossed], distance_upper_bound=_HELD_WITHIN_M)
    return _longest_m(target.points_m[crossed[np.isinf(away)]])


def _crossed(ends_m: Floats, rays: Floats, lengths_m: Floats, target: MatchTarget) -> npt.NDArray[np.int64]:
    """Rows of the walls' elements that are crossed. The beams end at (N, 2) m, came along unit vectors (N, 2) and are about (N,)
    m long."""
    back_m = np.arange(_CLEAR_M, _LENGTH_MAX_M, _STEP_M)
    beam, step = np.nonzero(back_m[None, :] < (lengths_m - _CLEAR_M)[:, None])
    distance, index = nearest(target, ends_m[beam] - rays[beam] * back_m[step, None], _REACH_M)
    near = np.flatnonzero(np.isfinite(distance))
    rows = index[near]
    square = np.abs(np.einsum("ij,ij->i", target.normals[rows], rays[beam[near]])) >= _SQUARE_MIN
    return np.unique(rows[square & (target.across[rows] >= _LINE_MIN)])


def _longest_m(points_m: Floats) -> float:
    """Extent of the largest group of points (N, 2) that lie together."""
    if len(points_m) < 2:
        return 0.0
    pairs = cKDTree(points_m).query_pairs(_JOINED_M, output_type="ndarray")
    table = csr_matrix((np.ones(len(pairs)), pairs.T), shape=(len(points_m), len(points_m)))
    _, group = connected_components(table, directed=False)
    extents = [np.ptp(points_m[group == number], axis=0) for number in np.unique(group)]
    return float(max(np.hypot(*extent) for extent in extents))
