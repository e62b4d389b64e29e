# SPDX-License-Identifier: Apache-2.0
"""The final graph: every keyframe matched with the submaps that it can see from where the graph has it, and all poses solved at
once (Levenberg-Marquardt in GTSAM). Closures that disagree with what the rest says are left out of the second solution
(a truncated least squares in two steps, after Yang et al., "Graduated non-convexity", RA-L 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import gtsam
import numpy as np

from patrol.checks import Floats
from patrol.geometry import Pose2
from slam.config import LoopConfig, MatchConfig
from slam.keyframe import Keyframe, Submap
from slam.pose_graph import Edge, PoseGraph, edge_factor, rotated_covariance, to_gtsam
from slam.scan_matcher import information, match_points

_GUESS_STD_M = 0.1
_GUESS_STD_RAD = 0.03
_REACH_SHARE = 0.6
_OUTLIER_SIGMAS = 4.0
_SHARED_EVIDENCE = 4.0
_ITERATIONS_MAX = 30
_KEYFRAMES_MIN = 3
_STD_FLOOR = (0.02, 0.02, 0.005)


def dense_edges(
    keyframes: Sequence[Keyframe], submaps: Sequence[Submap], poses: Sequence[Pose2], *, loop: LoopConfig, match: MatchConfig
) -> list[Edge]:
    """Edges from the anchors of nearby submaps to each keyframe that the submap does not hold itself.

    Neighbours in one another's submaps share what they saw, so that their covariance is widened.
    """
    if not submaps:
        return []
    anchors = np.array([(poses[s.anchor.id].x_m, poses[s.anchor.id].y_m) for s in submaps])
    prior = information(_GUESS_STD_M, _GUESS_STD_RAD)
    edges = []
    for keyframe in keyframes:
        here = poses[keyframe.id]
        away_m = np.hypot(anchors[:, 0] - here.x_m, anchors[:, 1] - here.y_m)
        reach_m = max(loop.radius_m * _REACH_SHARE, keyframe.reach_m)
        near = [int(row) for row in np.argsort(away_m) if away_m[row] < reach_m and keyframe.id not in submaps[row].ids]
        for row in near[: loop.dense_submaps]:
            anchor = submaps[row].anchor
            found = match_points(keyframe.points, submaps[row].target, poses[anchor.id].inverse() @ here, prior, match)
            if found.overlap >= loop.near_overlap_min and found.score >= loop.near_score_min:
                covariance = _SHARED_EVIDENCE * found.covariance
                pose = found.target_from_base
                edges.append(Edge(from_id=anchor.id, to_id=keyframe.id, from_to=pose, covariance=covariance, is_closure=True))
    return edges


def solved(
    poses: Sequence[Pose2], edges: Sequence[Edge], priors: Sequence[gtsam.NonlinearFactor], *, robust_sigma: float
) -> tuple[Pose2, ...]:
    """All poses at once: first with robust closures, then without those that the first solution puts far off. ``priors`` hold the
    graph in the map."""
    first = _solution(poses, edges, priors, robust_sigma)
    kept = [edge for edge in edges if not edge.is_closure or _sigmas(edge, first) < _OUTLIER_SIGMAS]
    return _solution(first, kept, priors, robust_sigma)


def _solution(
    poses: Sequence[Pose2], edges: Sequence[Edge], priors: Sequence[gtsam.NonlinearFactor], robust_sigma: float
) -> tuple[Pose2, ...]:
    graph, values = gtsam.NonlinearFactorGraph(), gtsam.Values()
    for prior in priors:
        graph.add(prior)
    for edge in edges:
        graph.add(edge_factor(edge, robust_sigma))
    for keyframe_id, pose in enumerate(poses):
        values.insert(keyframe_id, to_gtsam(pose))
    parameters = gtsam.LevenbergMarquardtParams()
    parameters.setMaxIterations(_ITERATIONS_MAX)
    result = gtsam.LevenbergMarquardtOptimizer(graph, values, parameters).optimize()
    table = gtsam.utilities.extractPose2(result)
    return tuple(Pose2(float(x), float(y), float(yaw)) for x, y, yaw in table)


def _sigmas(edge: Edge, poses: Sequence[Pose2]) -> float:
    """Mahalanobis distance of an edge from where the poses have it."""
    rest = edge.from_to.inverse() @ (poses[edge.from_id].inverse() @ poses[edge.to_id])
    error: Floats = np.array([rest.x_m, rest.y_m, rest.yaw_rad])
    covariance = rotated_covariance(edge.covariance, -edge.from_to.yaw_rad) + np.diag(np.square(_STD_FLOOR))
    return float(np.sqrt(error @ np.linalg.solve(covariance, error)))


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphProblem:
    """All that the final graph is made from, as it was at one moment: it can be solved in any thread while mapping goes on."""

    poses: tuple[Pose2, ...]
    edges: tuple[Edge, ...]
    priors: tuple[gtsam.NonlinearFactor, ...]
    keyframes: tuple[Keyframe, ...]
    submaps: tuple[Submap, ...]

    @classmethod
    def of(cls, graph: PoseGraph, keyframes: Sequence[Keyframe], submaps: Sequence[Submap]) -> GraphProblem:
        return cls(
            poses=graph.poses(),
            edges=tuple(graph.edges),
            priors=tuple(graph.prior_factors()),
            keyframes=tuple(keyframes),
            submaps=tuple(submaps),
        )


def settled(problem: GraphProblem, *, loop: LoopConfig, match: MatchConfig) -> tuple[Pose2, ...]:
    """The final poses of all keyframes."""
    poses = problem.poses
    if len(poses) < _KEYFRAMES_MIN:
        return poses
    for _ in range(loop.dense_rounds):
        dense = dense_edges(problem.keyframes, problem.submaps, poses, loop=loop, match=match)
        poses = solved(poses, [*problem.edges, *dense], problem.priors, robust_sigma=loop.robust_sigma)
    return poses
