# SPDX-License-Identifier: Apache-2.0
"""The pose graph: keyframes joined by measured relative poses, solved as they come by iSAM2 (Kaess et al., 2012) in GTSAM.

Loop closures carry a Cauchy kernel, so that a wrong one is overruled by the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import gtsam
import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from patrol.checks import Floats, frozen_array, require_all_finite
from patrol.errors import BadValue
from patrol.geometry import IDENTITY2, Pose2

_START_STD = (0.005, 0.005, 0.001)
_STD_FLOOR = (0.003, 0.003, 0.0005)
_CLOSURE_LENGTH_M = 0.5
_SETTLE_UPDATES = 3
_EDGE_STD_M, _EDGE_STD_RAD = 0.15, 0.05
_LENGTH_PER_STD_M, _LENGTH_PER_STD_RAD = 100.0, 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Measured pose of keyframe ``to_id`` in the frame of ``from_id``, covariance (3, 3) over x m, y m, yaw rad of that
    frame."""

    from_id: int
    to_id: int
    from_to: Pose2
    covariance: Floats
    is_closure: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "covariance", frozen_array("covariance", self.covariance, (3, 3)))
        require_all_finite("covariance", self.covariance)


class PoseGraph:
    """Poses of all keyframes in the map; keyframe 0 stands at the start."""

    def __init__(self, start: Pose2, robust_sigma: float) -> None:
        parameters = gtsam.ISAM2Params()
        parameters.setRelinearizeThreshold(0.005)
        parameters.relinearizeSkip = 1
        self._isam = gtsam.ISAM2(parameters)
        self._robust_sigma = robust_sigma
        self.edges: list[Edge] = []
        self._poses = [start]
        self._lengths: list[float] = []
        graph, values = gtsam.NonlinearFactorGraph(), gtsam.Values()
        graph.add(start_factor(start))
        values.insert(0, to_gtsam(start))
        self._isam.update(graph, values)

    @classmethod
    def restored(cls, poses: Sequence[Pose2], edges: Sequence[Edge], robust_sigma: float) -> PoseGraph:
        """The graph of saved ``poses`` (one at least) and ``edges``."""
        restored = cls(poses[0], robust_sigma)
        values = gtsam.Values()
        for keyframe_id, pose in enumerate(poses[1:], start=1):
            values.insert(keyframe_id, to_gtsam(pose))
        restored._poses = list(poses)
        restored._update(list(edges), values)
        return restored

    def __len__(self) -> int:
        return len(self._poses)

    def pose(self, keyframe_id: int) -> Pose2:
        """``map_from_base`` of a keyframe."""
        return self._poses[keyframe_id]

    def poses(self) -> tuple[Pose2, ...]:
        return tuple(self._poses)

    def add_keyframe(self, edge: Edge) -> None:
        """Append the keyframe ``edge.to_id``, joined to an earlier one."""
        pose = self._poses[edge.from_id] @ edge.from_to
        values = gtsam.Values()
        values.insert(edge.to_id, to_gtsam(pose))
        self._poses.append(pose)
        self._update([edge], values)

    def move_to(self, poses: Sequence[Pose2]) -> None:
        """Take over the poses of all keyframes as the final graph found them."""
        if len(poses) != len(self._poses):
            raise BadValue(f"poses: {len(poses)} for {len(self._poses)} keyframes")
        self._poses = list(poses)

    def close_loops(self, edges: list[Edge]) -> None:
        """Add loop closures and settle the whole graph."""
        self._update(edges, gtsam.Values())
        for _ in range(_SETTLE_UPDATES):
            self._isam.update()
        table = gtsam.utilities.extractPose2(self._isam.calculateEstimate())
        self._poses = [Pose2(float(x), float(y), float(yaw)) for x, y, yaw in table]

    def covariance(self, keyframe_id: int) -> Floats:
        """Covariance (3, 3) of a keyframe's pose over x m, y m, yaw rad in map."""
        local = self._isam.marginalCovariance(keyframe_id)
        return rotated_covariance(np.asarray(local), self._poses[keyframe_id].yaw_rad)

    def path_lengths_m(self, keyframe_id: int) -> Floats:
        """Length (N,) m of the shortest way through the graph from each keyframe: what drift between the two can grow on."""
        rows = np.array([edge.from_id for edge in self.edges])
        cols = np.array([edge.to_id for edge in self.edges])
        shape = (len(self._poses), len(self._poses))
        table = csr_matrix((np.array(self._lengths), (rows, cols)), shape=shape)
        lengths = dijkstra(table, directed=False, indices=[keyframe_id])
        return np.asarray(lengths[0], dtype=np.float64)

    def _update(self, edges: list[Edge], values: gtsam.Values) -> None:
        graph = gtsam.NonlinearFactorGraph()
        for edge in edges:
            self.edges.append(edge)
            self._lengths.append(_length_m(edge))
            graph.add(edge_factor(edge, self._robust_sigma))
        self._isam.update(graph, values)


def start_factor(start: Pose2) -> gtsam.PriorFactorPose2:
    """Keyframe 0 stands at ``start``."""
    return gtsam.PriorFactorPose2(0, to_gtsam(start), gtsam.noiseModel.Diagonal.Sigmas(np.array(_START_STD)))


def edge_factor(edge: Edge, robust_sigma: float) -> gtsam.BetweenFactorPose2:
    """The edge as a factor; a closure under a Cauchy kernel."""
    # GTSAM's error lives in the tangent space at the measured pose, so its axes are those of the keyframe ``to_id``.
    covariance = rotated_covariance(edge.covariance, -edge.from_to.yaw_rad) + np.diag(np.square(_STD_FLOOR))
    noise: gtsam.noiseModel.Base = gtsam.noiseModel.Gaussian.Covariance(covariance)
    if edge.is_closure:
        noise = gtsam.noiseModel.Robust.Create(gtsam.noiseModel.mEstimator.Cauchy.Create(robust_sigma), noise)
    return gtsam.BetweenFactorPose2(edge.from_id, edge.to_id, to_gtsam(edge.from_to), noise)


def _length_m(edge: Edge) -> float:
    """How much drift the edge lets in, as metres driven; an uncertain one counts as many."""
    if edge.is_closure:
        return _CLOSURE_LENGTH_M
    std_m = float(np.sqrt(max(edge.covariance[0, 0], edge.covariance[1, 1])))
    std_rad = float(np.sqrt(edge.covariance[2, 2]))
    doubt_m = max((std_m - _EDGE_STD_M) * _LENGTH_PER_STD_M, (std_rad - _EDGE_STD_RAD) * _LENGTH_PER_STD_RAD, 1e-3)
    return max(IDENTITY2.distance_to(edge.from_to), doubt_m)


def rotated_covariance(covariance: Floats, yaw_rad: float) -> Floats:
    """Covariance (3, 3) over x, y, yaw, with its axes turned by ``yaw_rad``."""
    cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
    turn = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])
    turned: Floats = turn @ covariance @ turn.T
    return turned


def to_gtsam(pose: Pose2) -> gtsam.Pose2:
    """The same pose in GTSAM's type."""
    return gtsam.Pose2(pose.x_m, pose.y_m, pose.yaw_rad)
