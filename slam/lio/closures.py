# SPDX-License-Identifier: Apache-2.0
"""Loop closure: earlier key scans near by the graph, or alike by their look, are registered as submaps and must fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import small_gicp

from patrol.checks import Floats
from patrol.geometry import Pose3
from slam.lio.config import ClosureConfig, RegistrationConfig
from slam.lio.graph import Edge3
from slam.lio.local_map import borne_information, information_of, matrix_of, pose_of
from slam.lio.places import alike
from slam.lio.rotations import turn_of
from slam.lio.surfaces import Surfaces

_TURN_TRIED_RAD = 0.3
_NEIGHBOURS = 12
_ITERATIONS_MAX = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyScan:
    """``odom_from_base`` is the pose by odometry: smooth, drifting, never corrected. ``path_m`` is the distance travelled until
    then, ``points_m`` (N, 3) m the thinned cloud in base_link, ``look`` how the place looks from above."""

    id: int
    stamp_ns: int
    odom_from_base: Pose3
    path_m: float
    points_m: Floats
    look: Floats


class LoopCloser3:
    """Searches and verifies; the graph decides in the end."""

    def __init__(self, config: ClosureConfig, registration: RegistrationConfig) -> None:
        self._config, self._registration = config, registration
        self.key_scans: list[KeyScan] = []

    def add(self, key_scan: KeyScan) -> None:
        """Take in the next key scan."""
        self.key_scans.append(key_scan)

    def find(self, key_scan: KeyScan, poses: Sequence[Pose3]) -> list[Edge3]:
        """Closures from earlier key scans to ``key_scan``; ``poses`` are those of the graph."""
        edges = []
        for earlier, turn_rad in self._candidates(key_scan, poses):
            edge = self._verified(earlier, key_scan, poses, turn_rad)
            if edge is not None:
                edges.append(edge)
        return edges

    def _candidates(self, key_scan: KeyScan, poses: Sequence[Pose3]) -> list[tuple[KeyScan, float | None]]:
        """The earlier key scan nearest by the graph, with no turn; and those most alike within the drift, with theirs."""
        config, here = self._config, poses[key_scan.id].translation_m
        known = [one for one in self.key_scans if key_scan.path_m - one.path_m > config.path_gap_m]
        if not known:
            return []
        away_m = np.array([float(np.linalg.norm(poses[one.id].translation_m - here)) for one in known])
        reach_m = np.array([self._reach_m(one, key_scan) for one in known])
        nearest = int(away_m.argmin())
        chosen: list[tuple[KeyScan, float | None]] = []
        if away_m[nearest] < config.radius_m:
            chosen.append((known[nearest], None))
        rows = [int(row) for row in np.flatnonzero(away_m < reach_m) if int(row) != nearest]
        looks = sorted(((*alike(known[row].look, key_scan.look), row) for row in rows), reverse=True)
        for score, turn_rad, row in looks[: config.candidates_max - len(chosen)]:
            if score >= config.alike_min:
                chosen.append((known[row], turn_rad))
        return chosen

    def _reach_m(self, earlier: KeyScan, later: KeyScan) -> float:
        """How far two key scans of one place may be apart: what drift can have done on the way between them."""
        config = self._config
        return min(config.radius_m + config.drift_per_m * (later.path_m - earlier.path_m), config.radius_max_m)

    def _verified(self, earlier: KeyScan, later: KeyScan, poses: Sequence[Pose3], turn_rad: float | None) -> Edge3 | None:
        """The measured edge, where one guess leads to a fit."""
        config = self._config
        target = self._submap(earlier, config.submap_key_scans, before=later)
        source = self._submap(later, config.query_key_scans, before=None)
        cloud, tree = small_gicp.preprocess_points(target, config.thin_m, _NEIGHBOURS, 1)
        moving, _ = small_gicp.preprocess_points(source, config.thin_m, _NEIGHBOURS, 1)
        by_graph = poses[earlier.id].inverse() @ poses[later.id]
        guesses = [by_graph]
        if turn_rad is not None and abs(_wrapped(turn_rad - by_graph.to_pose2().yaw_rad)) > _TURN_TRIED_RAD:
            guesses = [Pose3.from_xyz_rpy(0.0, 0.0, 0.0, 0.0, 0.0, turn_rad)]
        allowed_m = self._reach_m(earlier, later)
        for guess in guesses:
            found, fits = self._fitted(cloud, tree, moving, guess)
            pose = pose_of(np.asarray(found.T_target_source))
            shift_m = float(np.linalg.norm((by_graph.inverse() @ pose).translation_m))
            if fits and shift_m <= allowed_m:
                return self._edge(earlier, later, pose, self._information(found, target, moving, pose))
        return None

    def _information(self, found: Any, target_m: Floats, moving: Any, pose: Pose3) -> Floats:
        """What the fit tells: between two smooth walls nothing of the way along them."""
        registration = self._registration
        surfaces, points = Surfaces(registration), np.asarray(moving.points(), dtype=np.float64)[:, :3]
        surfaces.insert(target_m, target_m)
        claimed = information_of(found, moving, registration.point_std_m)
        return borne_information(claimed, surfaces.tell(points, pose), len(points), registration)

    def _fitted(self, cloud: Any, tree: Any, moving: Any, guess: Pose3) -> tuple[Any, bool]:
        """Register coarse to fine; the result, and whether enough of the points are about where the target has some, and enough
        of those lie on it."""
        matrix, found = matrix_of(guess), None
        for gate_m in self._config.gates_m:
            found = small_gicp.align(
                cloud, moving, tree, matrix, max_correspondence_distance=gate_m, num_threads=1, max_iterations=_ITERATIONS_MAX
            )
            matrix = np.asarray(found.T_target_source)
        points = pose_of(matrix).apply(np.asarray(moving.points())[:, :3])
        _, squared = tree.batch_nearest_neighbor_search(np.column_stack((points, np.ones(len(points)))))
        away_m, config = np.sqrt(np.asarray(squared)), self._config
        over, on = (float(np.mean(away_m <= within_m)) for within_m in (config.overlaps_within_m, config.fits_within_m))
        return found, over >= config.overlap_min and on >= config.fit_min * over

    def _submap(self, middle: KeyScan, around: int, before: KeyScan | None) -> Floats:
        """Points (N, 3) m of the key scans around ``middle``, in its base; none that is part of the other side."""
        last = len(self.key_scans) if before is None else before.id - around
        rows = range(max(middle.id - around, 0), max(min(middle.id + around + 1, last), middle.id + 1))
        middle_from_odom = middle.odom_from_base.inverse()
        parts = [(middle_from_odom @ self.key_scans[row].odom_from_base).apply(self.key_scans[row].points_m) for row in rows]
        return np.concatenate(parts)

    def _edge(self, earlier: KeyScan, later: KeyScan, pose: Pose3, information: Floats) -> Edge3:
        config = self._config
        floor = np.diag([config.std_floor_rad**-2] * 3 + [config.std_floor_m**-2] * 3)
        softened: Floats = np.asarray(np.linalg.solve(floor + information, floor @ information), dtype=np.float64)
        return Edge3(from_id=earlier.id, to_id=later.id, from_to=pose, information=0.5 * (softened + softened.T), is_closure=True)


def is_far(one: Pose3, two: Pose3, *, step_m: float, turn_rad: float) -> bool:
    """Whether two poses are a step or a turn apart."""
    moved = one.inverse() @ two
    return bool(np.linalg.norm(moved.translation_m) >= step_m or np.linalg.norm(turn_of(moved.rotation)) >= turn_rad)


def _wrapped(angle_rad: float) -> float:
    return float(np.arctan2(np.sin(angle_rad), np.cos(angle_rad)))
