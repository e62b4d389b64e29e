# SPDX-License-Identifier: Apache-2.0
"""The pose graph in space: key scans joined by measured relative poses, solved as they come by iSAM2 (Kaess et al., 2012).

Loop closures carry a Cauchy kernel, so that a wrong one is overruled by the others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import gtsam
import numpy as np

from patrol.checks import Floats, frozen_array, require_all_finite
from patrol.geometry import Pose3

_START_STD = (1e-4, 1e-4, 1e-4, 1e-3, 1e-3, 1e-3)
_SETTLE_UPDATES = 2
_ITERATIONS_MAX = 30
_OUTLIER_SIGMAS = 5.0
_INFORMATION_LEAST = 4e-2


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge3:
    """Measured pose of key scan ``to_id`` in the frame of ``from_id``. ``information`` (6, 6) over turn (rad) and shift (m) in
    the body of ``to_id``; a direction that is not known has none."""

    from_id: int
    to_id: int
    from_to: Pose3
    information: Floats
    is_closure: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "information", frozen_array("information", self.information, (6, 6)))
        require_all_finite("information", self.information)


class PoseGraph3:
    """Poses of all key scans in the map; key scan 0 stands at the start."""

    def __init__(self, start: Pose3, robust_sigma: float) -> None:
        parameters = gtsam.ISAM2Params()
        parameters.setRelinearizeThreshold(0.005)
        parameters.relinearizeSkip = 1
        parameters.setFactorization("QR")
        self._isam = gtsam.ISAM2(parameters)
        self._robust_sigma = robust_sigma
        self.edges: list[Edge3] = []
        self._poses = [start]
        graph, values = gtsam.NonlinearFactorGraph(), gtsam.Values()
        graph.add(_start_factor(start))
        values.insert(0, _to_gtsam(start))
        self._isam.update(graph, values)

    def __len__(self) -> int:
        return len(self._poses)

    def pose(self, key_id: int) -> Pose3:
        """``map_from_base`` of a key scan."""
        return self._poses[key_id]

    def poses(self) -> tuple[Pose3, ...]:
        return tuple(self._poses)

    def add_key_scan(self, edge: Edge3) -> None:
        """Append the key scan ``edge.to_id``, joined to an earlier one."""
        pose = self._poses[edge.from_id] @ edge.from_to
        values = gtsam.Values()
        values.insert(edge.to_id, _to_gtsam(pose))
        self._poses.append(pose)
        self._update([edge], values)

    def close_loops(self, edges: Sequence[Edge3]) -> None:
        """Add loop closures and settle the whole graph."""
        self._update(edges, gtsam.Values())
        for _ in range(_SETTLE_UPDATES):
            self._isam.update()
        self._poses = _poses_of(self._isam.calculateEstimate(), len(self._poses))

    def settle(self, edges: Sequence[Edge3]) -> None:
        """Solve all poses at once with ``edges`` besides: first with robust closures, then without those far off."""
        self.edges.extend(edges)
        first = self._solved(self.edges)
        self._poses = first
        kept = [edge for edge in self.edges if not edge.is_closure or self._sigmas(edge) < _OUTLIER_SIGMAS]
        self._poses = self._solved(kept)

    def _solved(self, edges: Sequence[Edge3]) -> list[Pose3]:
        graph, values = gtsam.NonlinearFactorGraph(), gtsam.Values()
        graph.add(_start_factor(self._poses[0]))
        for edge in edges:
            graph.add(_factor(edge, self._robust_sigma))
        for key_id, pose in enumerate(self._poses):
            values.insert(key_id, _to_gtsam(pose))
        parameters = gtsam.LevenbergMarquardtParams()
        parameters.setMaxIterations(_ITERATIONS_MAX)
        result = gtsam.LevenbergMarquardtOptimizer(graph, values, parameters).optimize()
        return _poses_of(result, len(self._poses))

    def _sigmas(self, edge: Edge3) -> float:
        """How far the poses have an edge from where it was measured, in its own standard deviations."""
        rest = edge.from_to.inverse() @ (self._poses[edge.from_id].inverse() @ self._poses[edge.to_id])
        error = np.asarray(gtsam.Pose3.Logmap(_to_gtsam(rest)))
        return math.sqrt(max(float(error @ edge.information @ error), 0.0))

    def _update(self, edges: Sequence[Edge3], values: gtsam.Values) -> None:
        graph = gtsam.NonlinearFactorGraph()
        for edge in edges:
            self.edges.append(edge)
            graph.add(_factor(edge, self._robust_sigma))
        self._isam.update(graph, values)


def _start_factor(start: Pose3) -> gtsam.PriorFactorPose3:
    return gtsam.PriorFactorPose3(0, _to_gtsam(start), gtsam.noiseModel.Diagonal.Sigmas(np.array(_START_STD)))


def _factor(edge: Edge3, robust_sigma: float) -> gtsam.BetweenFactorPose3:
    """The edge as a factor; a closure under a Cauchy kernel."""
    values, vectors = np.linalg.eigh(0.5 * (edge.information + edge.information.T))
    information = (vectors * np.maximum(values, _INFORMATION_LEAST)) @ vectors.T
    noise: gtsam.noiseModel.Base = gtsam.noiseModel.Gaussian.Information(0.5 * (information + information.T))
    if edge.is_closure:
        noise = gtsam.noiseModel.Robust.Create(gtsam.noiseModel.mEstimator.Cauchy.Create(robust_sigma), noise)
    return gtsam.BetweenFactorPose3(edge.from_id, edge.to_id, _to_gtsam(edge.from_to), noise)


def _to_gtsam(pose: Pose3) -> gtsam.Pose3:
    return gtsam.Pose3(gtsam.Rot3(pose.rotation), pose.translation_m)


def _poses_of(values: gtsam.Values, count: int) -> list[Pose3]:
    poses = [values.atPose3(key_id) for key_id in range(count)]
    return [Pose3(np.array(pose.translation()), np.array(pose.rotation().matrix())) for pose in poses]
