# SPDX-License-Identifier: Apache-2.0
"""The pose graph: keyframes joined by measured relative poses, solved as they come by iSAM2 (Kaess et al., 2012) in GTSAM.

Loop closures carry a Cauchy kernel, so that a wrong one is overruled by the others.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass

import gtsam
import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from patrol.checks import Floats, frozen_array, require_all_finite
from patrol.errors import BadValue
from patrol.geometry import IDENTITY2, Pose2

log = logging.getLogger(__name__)
_START_STD = (0.005, 0.005, 0.001)
_STD_FLOOR = (0.001, 0.001, 0.0001)
_LASTING = 0.15
"""Share of a match's variance that lasts: each keyframe is matched with two dozen before it at once, so that their errors do not
add up as in a chain of strangers. It weighs all edges alike, against what does not come from scans (GNSS, the start)."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionFactor:
    """A keyframe was measured to be at ``position_m`` (2,) m in map, covariance (2, 2) m². ``kernel`` is the deviation from which
    on it counts less (Cauchy); ``stamp_ns`` the time of the measurement."""

    keyframe_id: int
    stamp_ns: int
    position_m: Floats
    covariance: Floats
    kernel: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "position_m", frozen_array("position_m", self.position_m, (2,)))
        object.__setattr__(self, "covariance", frozen_array("covariance", self.covariance, (2, 2)))
        require_all_finite("position_m", self.position_m)
        require_all_finite("covariance", self.covariance)


class PoseGraph:
    """Poses of all keyframes in the map; keyframe 0 stands at the start."""

    def __init__(self, start: Pose2, robust_sigma: float) -> None:
        self._isam = _solver()
        self._robust_sigma = robust_sigma
        self.edges: list[Edge] = []
        self._positions: dict[int, PositionFactor] = {}
        self._start, self._start_std, self._start_row = start, _START_STD, 0
        self._start_kernel: float | None = None
        self._poses = [start]
        self._lengths: list[float] = []
        graph, values = gtsam.NonlinearFactorGraph(), gtsam.Values()
        graph.add(start_factor(start))
        values.insert(0, to_gtsam(start))
        self._isam.update(graph, values)

    @classmethod
    def restored(
        cls, poses: Sequence[Pose2], edges: Sequence[Edge], robust_sigma: float, positions: Sequence[PositionFactor] = ()
    ) -> PoseGraph:
        """The graph of saved ``poses`` (one at least), ``edges`` and measured ``positions``."""
        restored = cls(poses[0], robust_sigma)
        values = gtsam.Values()
        for keyframe_id, pose in enumerate(poses[1:], start=1):
            values.insert(keyframe_id, to_gtsam(pose))
        restored._poses = list(poses)
        restored._update(list(edges), values)
        if positions:
            restored.add_positions(positions)
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

    @property
    def positions(self) -> tuple[PositionFactor, ...]:
        """The measured positions that count."""
        return tuple(self._positions.values())

    def prior_factors(self) -> list[gtsam.NonlinearFactor]:
        """What holds the graph in the map: the start, and the measured positions."""
        return [start_factor(self._start, self._start_std, kernel=self._start_kernel), *map(position_factor, self.positions)]

    def loosen_start(self, std_m: float, std_rad: float) -> None:
        """The start is known that well only, if it is not wrong altogether; to be said once positions are measured, which then
        hold the map as well."""
        graph = gtsam.NonlinearFactorGraph()
        self._start_std, self._start_kernel = (std_m, std_m, std_rad), self._robust_sigma
        graph.add(start_factor(self._start, self._start_std, kernel=self._start_kernel))
        result = self._isam.update(graph, gtsam.Values(), [self._start_row])
        self._start_row = int(result.getNewFactorsIndices()[0])

    def add_positions(
        self, factors: Sequence[PositionFactor], *, retract_since_ns: int | None = None, follow_m: float = 0.0
    ) -> None:
        """Add measured positions of keyframes, take back those measured at ``retract_since_ns`` or later, and settle the whole
        graph. The poses follow once one of them would move by ``follow_m``."""
        stale = [
            row for row, kept in self._positions.items() if retract_since_ns is not None and kept.stamp_ns >= retract_since_ns
        ]
        graph = gtsam.NonlinearFactorGraph()
        for factor in factors:
            graph.add(position_factor(factor))
        result = self._isam.update(graph, gtsam.Values(), stale)
        for row in stale:
            del self._positions[row]
        self._positions.update(zip(map(int, result.getNewFactorsIndices()), factors, strict=True))
        self._settle(follow_m)

    def close_loops(self, edges: list[Edge]) -> bool:
        """Add loop closures and settle the whole graph; whether that could be solved. Closures with which it can not be are left
        out, and the graph stays as it was."""
        kept = len(self.edges)
        try:
            self._update(edges, gtsam.Values())
            self._settle()
        except RuntimeError as error:
            log.warning("%d closures are left out: %s", len(edges), str(error).strip().partition("\n")[0])
            del self.edges[kept:], self._lengths[kept:]
            self._rebuild()
            return False
        return True

    def _rebuild(self) -> None:
        """Start the solver over from where the keyframes are, with a factorisation that bears ill-conditioned graphs."""
        graph, values = gtsam.NonlinearFactorGraph(), gtsam.Values()
        graph.add(start_factor(self._start, self._start_std, kernel=self._start_kernel))
        for edge in self.edges:
            graph.add(edge_factor(edge, self._robust_sigma))
        for factor in self.positions:
            graph.add(position_factor(factor))
        for keyframe_id, pose in enumerate(self._poses):
            values.insert(keyframe_id, to_gtsam(pose))
        self._isam = _solver("QR")
        rows = list(map(int, self._isam.update(graph, values).getNewFactorsIndices()))
        self._start_row = rows[0]
        self._positions = dict(zip(rows[1 + len(self.edges) :], self.positions, strict=True))

    def _settle(self, follow_m: float = 0.0) -> None:
        for _ in range(_SETTLE_UPDATES):
            self._isam.update()
        table = gtsam.utilities.extractPose2(self._isam.calculateEstimate())
        now = np.array([(pose.x_m, pose.y_m) for pose in self._poses])
        if follow_m == 0.0 or np.hypot(*(table[:, :2] - now).T).max() >= follow_m:
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


def _solver(factorization: str = "CHOLESKY") -> gtsam.ISAM2:
    parameters = gtsam.ISAM2Params()
    parameters.setRelinearizeThreshold(0.005)
    parameters.relinearizeSkip = 1
    parameters.setFactorization(factorization)
    return gtsam.ISAM2(parameters)


def start_factor(
    start: Pose2, std: tuple[float, float, float] = _START_STD, *, kernel: float | None = None
) -> gtsam.PriorFactorPose2:
    """Keyframe 0 stands at ``start``, known as well as ``std`` says over x m, y m, yaw rad; under a Cauchy ``kernel``, a start
    that all else contradicts is let go."""
    noise: gtsam.noiseModel.Base = gtsam.noiseModel.Diagonal.Sigmas(np.array(std))
    if kernel is not None:
        noise = gtsam.noiseModel.Robust.Create(gtsam.noiseModel.mEstimator.Cauchy.Create(kernel), noise)
    return gtsam.PriorFactorPose2(0, to_gtsam(start), noise)


def position_factor(factor: PositionFactor) -> gtsam.PoseTranslationPrior2D:
    """The measured position as a factor under a Cauchy kernel."""
    # GTSAM's error of a translation lives in the axes of the keyframe's pose, so that the covariance is taken as round.
    std_m = float(np.sqrt(max(np.linalg.eigvalsh(factor.covariance)[-1], _STD_FLOOR[0] ** 2)))
    plain = gtsam.noiseModel.Isotropic.Sigma(2, std_m)
    noise = gtsam.noiseModel.Robust.Create(gtsam.noiseModel.mEstimator.Cauchy.Create(factor.kernel), plain)
    return gtsam.PoseTranslationPrior2D(factor.keyframe_id, np.asarray(factor.position_m), noise)


def edge_factor(edge: Edge, robust_sigma: float) -> gtsam.BetweenFactorPose2:
    """The edge as a factor; a closure under a Cauchy kernel."""
    # GTSAM's error lives in the tangent space at the measured pose, so its axes are those of the keyframe ``to_id``.
    covariance = rotated_covariance(edge.covariance, -edge.from_to.yaw_rad) + np.diag(np.square(_STD_FLOOR))
    noise: gtsam.noiseModel.Base = gtsam.noiseModel.Gaussian.Covariance(_LASTING * covariance)
    if edge.is_closure:
        kernel = gtsam.noiseModel.mEstimator.Cauchy.Create(robust_sigma / math.sqrt(_LASTING))
        noise = gtsam.noiseModel.Robust.Create(kernel, noise)
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
