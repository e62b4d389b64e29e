# SPDX-License-Identifier: Apache-2.0
"""Localisation in a saved map: tracks the pose by scan matching, says when it doubts it, and finds the pose anywhere on the map
when it does not know it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from patrol.checks import Floats
from patrol.clock import nanoseconds
from patrol.errors import BadValue
from patrol.estimate import PoseEstimate
from patrol.geometry import IDENTITY2, Pose2
from patrol.grid import OccupancyGrid
from patrol.sensors import Scan
from slam.beam_walk import BeamWalk, seen_cells
from slam.config import LocaliserConfig
from slam.continuity import Continuity
from slam.map_files import SavedMap, load_map
from slam.motion import MotionModel, MotionStep
from slam.place_search import PlaceSearch, Sighting
from slam.relocaliser import Nearby
from slam.scan_check import ScanCheck
from slam.scan_matcher import Match, MatchTarget, information, inverse, match_points
from slam.scan_points import BodyRate, ScanPoints, points_from_scan, rate_during
from slam.surface import Surface, joined, surface_from_scan
from slam.trust_monitor import Trust, TrustMonitor
from slam.updates import ScanOutcome, SlamUpdate

_OCCUPIED_FROM = 50
_UNKNOWN_STD = (20.0, 20.0, math.pi)
_HIT_STD = (0.1, 0.1, 0.03)
_HINT_S = 1.0


class Localiser:
    """Knows a map and finds itself in it. The map never changes.

    ``start`` is the map pose of the base at the first scan; None makes the first scans search the whole map.
    """

    def __init__(self, saved: SavedMap, config: LocaliserConfig, base_from_lidar: Pose2, *, start: Pose2 | None) -> None:
        """Raises BadValue when the map holds no occupied place."""
        self._config, self._base_from_lidar, self._grid = config, base_from_lidar, saved.grid
        surface = lasting_surface(saved)
        self._target = MatchTarget.from_surface(surface, config.match.target_voxel_m)
        walk = BeamWalk(saved, config.trust, base_from_lidar)
        anywhere = BeamWalk(saved, config.trust, base_from_lidar, crosses_unknown=True)
        self._search = PlaceSearch(self._target, seen_points_m(saved), anywhere, config)
        self._monitor = TrustMonitor(walk, config.trust)
        self._continuity = Continuity(self._target, config.continuity, config.match)
        self._check = ScanCheck(config.scan.points_min)
        self._motion = MotionModel(config.motion)
        self._pose = start if start is not None else IDENTITY2
        self._covariance: Floats = np.diag(np.square(_HIT_STD if start is not None else _UNKNOWN_STD))
        self._poor_scans = 0 if start is not None else config.lost_after_scans
        self._fitted_scans, self._driven_m, self._turned_rad, self._distrusted_m = 0, 0.0, 0.0, 0.0
        self._has_jumped = self._is_denied = self._is_suspected = False
        self._nearby: Nearby | None = None
        self._estimate: PoseEstimate | None = None

    @classmethod
    def load(cls, folder: Path, config: LocaliserConfig, base_from_lidar: Pose2, *, start: Pose2 | None = None) -> Localiser:
        """Read the map that a ``Mapper`` saved. Raises BadInput when the folder holds no whole map."""
        return cls(load_map(folder), config, base_from_lidar, start=start)

    def stand_at(self, map_from_base: Pose2) -> None:
        """The base is known to stand there at the next scan."""
        self._pose, self._covariance, self._poor_scans = map_from_base, np.diag(np.square(_HIT_STD)), 0
        self._stand_anew()

    def hint(self, nearby: Nearby) -> None:
        """GNSS has the base there. It bounds the drift while no scan fits, and tells rival places apart while lost."""
        self._nearby = nearby

    @property
    def is_lost(self) -> bool:
        return self._poor_scans >= self._config.lost_after_scans

    def add_scan(self, scan: Scan, odom_from_base: Pose2, *, odom_at_end: Pose2 | None = None) -> SlamUpdate:
        """Take in one scan and where odometry has the base at its stamp; return where the base is in the map.

        ``odom_at_end``, the odometry at the last beam, undistorts the scan better than the rate of the step before it.

        Tracks from odometry; searches around the pose while the match is poor, and the whole map once lost.
        """
        verdict = self._check.check(scan, odom_from_base)
        if verdict.outcome is ScanOutcome.TIME_BACKWARDS:
            return self._refused(verdict.because)
        step = self._motion.step(scan.stamp_ns, odom_from_base)
        self._coast(step)
        self._hold(scan.stamp_ns)
        if verdict.outcome is not ScanOutcome.MATCHED:
            return self._answer(scan.stamp_ns, odom_from_base, verdict.outcome, 0.0, verdict.because)
        rate = step.rate if odom_at_end is None else rate_during(scan, odom_from_base, odom_at_end)
        points = points_from_scan(scan, self._base_from_lidar, rate, self._config.scan)
        sighting = Sighting(scan=scan, points=points, rate=rate, step=step, nearby=self._nearby)
        match = self._found(sighting) if self.is_lost else self._tracked(points, step)
        denial = self._denial(points, match)
        self._is_denied = self._is_denied or bool(denial)
        match = self._reconsidered(sighting, None if denial else match)
        judged = replace(self._judged(scan.stamp_ns, odom_from_base, match, denial), rate=rate)
        return self._trusted(scan, judged)

    def match_at(self, scan: Scan, rate: BodyRate, guess: Pose2) -> Match:
        """How the scan fits the map near ``guess``; nothing is remembered."""
        points = points_from_scan(scan, self._base_from_lidar, rate, self._config.scan)
        return match_points(points, self._target, guess, information(*_HIT_STD[1:]), self._config.match)

    def grid(self, stamp_ns: int) -> OccupancyGrid:
        """The saved grid."""
        grid = self._grid
        return OccupancyGrid(
            stamp_ns=stamp_ns,
            resolution_m=grid.resolution_m,
            origin_x_m=grid.origin_x_m,
            origin_y_m=grid.origin_y_m,
            cells=grid.cells,
        )

    def _coast(self, step: MotionStep) -> None:
        self._pose = self._pose @ step.last_from_base
        self._driven_m += IDENTITY2.distance_to(step.last_from_base)
        self._distrusted_m += IDENTITY2.distance_to(step.last_from_base)
        self._turned_rad += abs(step.last_from_base.yaw_rad)
        self._has_jumped = self._has_jumped or bool(step.because)
        self._continuity.moved(step)
        self._covariance = self._covariance + step.covariance

    def _hold(self, stamp_ns: int) -> None:
        """While no scan fits, the pose is kept near GNSS (the position update of a Kalman filter)."""
        nearby = self._nearby
        if nearby is None or not 0 <= stamp_ns - nearby.stamp_ns <= nanoseconds(_HINT_S):
            self._nearby = None
            return
        is_tracking = 0 < self._poor_scans < self._config.lost_after_scans
        if not is_tracking or np.linalg.eigvalsh(self._covariance[:2, :2])[-1] < nearby.std_m**2:
            return
        gain = self._covariance[:, :2] @ np.linalg.inv(self._covariance[:2, :2] + nearby.std_m**2 * np.eye(2))
        step = gain @ (nearby.position_m - (self._pose.x_m, self._pose.y_m))
        self._pose = Pose2(self._pose.x_m + step[0], self._pose.y_m + step[1], self._pose.yaw_rad + step[2])
        self._covariance = self._covariance - gain @ self._covariance[:2]
        self._nearby = None

    def _tracked(self, points: ScanPoints, step: MotionStep) -> Match | None:
        match = match_points(points, self._target, self._pose, inverse(step.covariance), self._config.match)
        is_blocked = self._search.holds(match, self._pose) and not self._monitor.is_contradicted
        if self._search.fits(match) or is_blocked:
            return match
        return self._search.near(points, self._pose, self._config.search_window_m, self._config.search_window_rad)

    def _found(self, sighting: Sighting) -> Match | None:
        """Look on the whole map; the place is told once enough speaks for it."""
        match = self._search.found(sighting, self._pose)
        if match is not None:
            self._stand_anew()
        return match

    def _reconsidered(self, sighting: Sighting, match: Match | None) -> Match | None:
        """While the pose is suspected: the place where the robot is instead, once enough speaks for that."""
        if match is None or self.is_lost:
            return match
        if self._is_denied and not self._is_suspected:
            self._suspect()
        if not self._is_suspected:
            return match
        elsewhere = self._search.elsewhere(sighting, match)
        if elsewhere is not None:
            self._stand_anew()
            return elsewhere
        self._is_denied = self._is_denied and not self._search.is_reassured
        return match

    def _suspect(self) -> None:
        """Look from now on whether the robot is elsewhere."""
        self._is_suspected = True
        self._search.begin(self._covariance, is_denied=self._is_denied)

    def _stand_anew(self) -> None:
        """The place was found by search."""
        self._fitted_scans, self._is_suspected, self._is_denied = 0, False, False
        self._monitor.forget()
        self._continuity.forget()

    def _trusted(self, scan: Scan, update: SlamUpdate) -> SlamUpdate:
        """The update with the monitor's opinion. What differs from the map may have changed, or is seen from elsewhere: that is
        looked into before it is believed. What the monitor holds for wrong for long is suspected; so is a pose that scans had
        contradicted before they fitted again, until nothing else fits as well."""
        if self.is_lost:
            return update
        verdict = self._monitor.look(scan, update.estimate.map_from_base, update.rate)
        differs = verdict.trust is Trust.MAP_DIFFERS
        if verdict.trust is not Trust.WRONG_PLACE:
            self._distrusted_m = 0.0
            self._is_suspected = self._is_suspected and (differs or self._is_denied or self._search.is_led)
        if not self._is_suspected and (differs or self._distrusted_m >= self._config.distrusted_m):
            self._suspect()
        doubt = update.estimate.doubt or verdict.because
        if not doubt and self._is_suspected:
            doubt = f"what was seen lately may be from elsewhere: {self._search.places or 'this is looked into'}"
        if not doubt:
            return replace(update, trust=verdict)
        self._estimate = replace(update.estimate, doubt=doubt)
        return replace(update, estimate=self._estimate, trust=verdict)

    def _denial(self, points: ScanPoints, match: Match | None) -> str:
        """Why the robot can not be believed to have driven to where the scan fits; empty where it can."""
        if match is None or self.is_lost:
            return ""
        share = self._continuity.share(points, match.target_from_base)
        leap_m = self._leap_m(match)
        if leap_m is not None:
            return f"it fits {leap_m:.1f} m from where the robot drove to"
        if share is not None and share < self._config.continuity.same_min:
            return f"it does not follow on the last one, of which it has {share:.0%}"
        return ""

    def _leap_m(self, match: Match) -> float | None:
        """How far the match lies from where odometry led, where that is too far to be believed; None where it is not."""
        leap = self._config.leap
        if self._fitted_scans < leap.after_scans:
            return None
        moved = self._pose.inverse() @ match.target_from_base
        leap_m = IDENTITY2.distance_to(moved)
        is_near = leap_m <= leap.m + leap.share * self._driven_m
        return None if is_near and abs(moved.yaw_rad) <= leap.rad + leap.share * self._turned_rad else leap_m

    def _judged(self, stamp_ns: int, odom_from_base: Pose2, match: Match | None, denial: str) -> SlamUpdate:
        if match is not None:
            self._pose, self._covariance, self._poor_scans = match.target_from_base, match.covariance, 0
            self._fitted_scans, self._driven_m, self._turned_rad = self._fitted_scans + 1, 0.0, 0.0
            self._has_jumped = False
            return self._answer(stamp_ns, odom_from_base, ScanOutcome.MATCHED, match.score, "")
        if self.is_lost:
            self._fitted_scans = 0
            self._covariance = np.maximum(self._covariance, np.diag(np.square(_UNKNOWN_STD)))
            because = f"lost: {self._search.places or 'the scan fits nowhere on the map well enough'}"
            return self._answer(stamp_ns, odom_from_base, ScanOutcome.LOST, 0.0, because)
        self._poor_scans += 1
        if self.is_lost:
            self._is_suspected = False
            self._search.begin(None if self._has_jumped else self._covariance, is_denied=self._is_denied)
        what = f"fits the map, but {denial}" if denial else "does not fit the map here"
        because = f"the scan {what} ({self._poor_scans} scans in a row)"
        return self._answer(stamp_ns, odom_from_base, ScanOutcome.POOR_MATCH, 0.0, because)

    def _answer(self, stamp_ns: int, odom_from_base: Pose2, outcome: ScanOutcome, score: float, doubt: str) -> SlamUpdate:
        self._estimate = PoseEstimate(
            stamp_ns=stamp_ns,
            map_from_odom=self._pose @ odom_from_base.inverse(),
            odom_from_base=odom_from_base,
            covariance=self._covariance,
            doubt=doubt,
        )
        return SlamUpdate(estimate=self._estimate, outcome=outcome, score=score)

    def _refused(self, because: str) -> SlamUpdate:
        last = self._estimate
        assert last is not None
        return SlamUpdate(estimate=replace(last, doubt=because), outcome=ScanOutcome.TIME_BACKWARDS, score=0.0)


def lasting_surface(saved: SavedMap) -> Surface:
    """What all keyframes saw, in map, without what the grid has found to be free since: people, vehicles that left."""
    surface = joined([surface_from_scan(frame.points).moved(frame.map_from_base) for frame in saved.keyframes])
    cells = saved.grid.rows_cols(surface.points_m)
    inside = saved.grid.contains(cells)
    near_occupied = _near_occupied(saved.grid)
    keep = inside.copy()
    keep[inside] = near_occupied[cells[inside, 0], cells[inside, 1]]
    if not keep.any():
        raise BadValue("grid: holds no occupied place")
    return Surface(
        points_m=surface.points_m[keep], normals=surface.normals[keep], across=surface.across[keep], along=surface.along[keep]
    )


def seen_points_m(saved: SavedMap) -> Floats:
    """All places (N, 2) m in map where something was seen more than once, though beams may pass there as well: fences, posts."""
    points_m: Floats = np.concatenate([frame.map_from_base.apply(frame.points.points_m) for frame in saved.keyframes])
    cells = saved.grid.rows_cols(points_m)
    inside = saved.grid.contains(cells)
    cells = cells[inside]
    return points_m[inside][seen_cells(saved)[cells[:, 0], cells[:, 1]]]


def _near_occupied(grid: OccupancyGrid) -> npt.NDArray[np.bool_]:
    """Cells (H, W) that are occupied or touch one that is."""
    occupied = (grid.cells >= _OCCUPIED_FROM).astype(np.uint8)
    near: npt.NDArray[np.bool_] = cv2.dilate(occupied, np.ones((3, 3), dtype=np.uint8)) > 0
    return near
