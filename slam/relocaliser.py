# SPDX-License-Identifier: Apache-2.0
"""Global relocalisation: the whole map is searched by branch and bound, rival places are kept side by side and followed while the
robot moves (multi-hypothesis tracking after Jensfelt and Kristensen, T-RA 2001)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats
from patrol.geometry import IDENTITY2, Pose2, wrap_angle
from patrol.sensors import Scan
from slam.config import MatchConfig, RelocaliseConfig
from slam.likelihood import Apart, LikelihoodField, SearchHit, SearchWindow
from slam.motion import MotionStep
from slam.scan_matcher import Match, MatchTarget, information, inverse, match_points
from slam.scan_points import ScanPoints
from slam.trail import Trail

_LEVELS = 7
_HIT_STD_M, _HIT_STD_RAD = 0.2, 0.06
_NEARBY_SIGMAS = 4.0
_STEP_STD_FLOOR_M, _STEP_STD_FLOOR_RAD = 0.03, 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """One place where the robot may stand, by its ``number``; ``merit`` is how well scans fitted on
    the way there, 0 to 1."""

    number: int
    match: Match
    merit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearby:
    """GNSS has the base near ``position_m`` (2,) m in map, ``std_m`` per axis."""

    stamp_ns: int
    position_m: Floats
    std_m: float

    def holds(self, pose: Pose2) -> bool:
        """Whether the pose may be the place."""
        return math.dist(self.position_m, (pose.x_m, pose.y_m)) <= _NEARBY_SIGMAS * self.std_m


class Relocaliser:
    """Takes scans while the pose is unknown, and tells the places where they fit."""

    def __init__(self, target: MatchTarget, seen_m: Floats, config: RelocaliseConfig, match: MatchConfig) -> None:
        self._target, self._config, self._match = target, config, match
        points_m = np.concatenate((target.points_m, seen_m))
        self._field = LikelihoodField(points_m, resolution_m=config.resolution_m, std_m=config.std_m, levels=_LEVELS)
        self._numbered = 0
        self.forget()

    @property
    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """The places that are left, the best first."""
        return tuple(self._hypotheses)

    @property
    def is_crowded(self) -> bool:
        """Whether what was seen fits at more places than can be followed. Then none of them is told: the right one may be any."""
        return self._is_crowded

    def forget(self) -> None:
        """Start over at the next scan."""
        self._hypotheses: list[Hypothesis] = []
        self._is_crowded = False
        self._since_search_s = self._since_search_m = math.inf

    def add(self, scan: Scan, points: ScanPoints, step: MotionStep, trail: Trail, nearby: Nearby | None = None) -> None:
        """Follow the rivals through ``step``, or look where what was seen along the ``trail`` fits. Rivals away from where GNSS
        has the robot are given up for those that are there."""
        self._since_search_s += step.dt_s
        self._since_search_m += IDENTITY2.distance_to(step.last_from_base)
        self._hypotheses = self._kept([self._followed(rival, points, step) for rival in self._hypotheses])
        if self._is_search_due():
            self._since_search_s = self._since_search_m = 0.0
            self._look_for(scan, points, trail, nearby)
        if nearby is not None:
            held = [rival for rival in self._hypotheses if nearby.holds(rival.match.target_from_base)]
            self._hypotheses = held or self._hypotheses

    def _is_search_due(self) -> bool:
        config = self._config
        if self._is_crowded:
            return self._since_search_m >= config.crowded_m or self._since_search_s >= config.crowded_s
        again_m = config.search_again_m if self._hypotheses else 0.0
        return self._since_search_m >= again_m and self._since_search_s >= config.again_after_s

    def _look_for(self, scan: Scan, points: ScanPoints, trail: Trail, nearby: Nearby | None) -> None:
        """Put the places that the search finds to those that are known, unless there are too many."""
        hits, is_all = self._hits(trail.sample_m(points, self._config.resolution_m, self._config.points), nearby)
        self._is_crowded = not is_all
        if self._is_crowded:
            self._hypotheses = []
            return
        prior = information(_HIT_STD_M, _HIT_STD_RAD)
        for hit in hits:
            match = match_points(points, self._target, hit.pose, prior, self._match)
            if not self._is_known(match.target_from_base):
                way = [before for _, before in trail.way_to(match.target_from_base, scan, self._target)]
                merit = sum(map(_merit, [match, *way])) / (1 + len(way))
                self._hypotheses.append(Hypothesis(number=self._numbered, match=match, merit=merit))
                self._numbered += 1
        self._hypotheses = self._kept(self._hypotheses)

    def _hits(self, points_m: Floats, nearby: Nearby | None) -> tuple[list[SearchHit], bool]:
        """Where points (N, 2) m of the base fit, and whether that is everywhere where they do: near where GNSS has the robot, or
        else on the whole map."""
        config = self._config
        away = Apart(same_m=config.away_m, rad=config.away_rad, beside_m=config.beside_m, beside_share=config.beside_share)
        for window in self._windows(nearby):
            found = self._field.search_all(points_m, window, config.score_min, config.search_share)
            hits, is_all = found.apart(away, config.hypotheses_max)
            if hits:
                return hits, is_all
        return [], True

    def _windows(self, nearby: Nearby | None) -> Iterator[SearchWindow]:
        if nearby is not None:
            x_m, y_m = (float(part) for part in nearby.position_m)
            half_m = _NEARBY_SIGMAS * nearby.std_m
            yield SearchWindow(centre=Pose2(x_m, y_m, 0.0), half_x_m=half_m, half_y_m=half_m, half_rad=math.pi)
        low_x, low_y, high_x, high_y = self._field.bounds_m()
        yield SearchWindow(
            centre=Pose2(0.5 * (low_x + high_x), 0.5 * (low_y + high_y), 0.0),
            half_x_m=0.5 * (high_x - low_x),
            half_y_m=0.5 * (high_y - low_y),
            half_rad=math.pi,
        )

    def _followed(self, rival: Hypothesis, points: ScanPoints, step: MotionStep) -> Hypothesis:
        guess = rival.match.target_from_base @ step.last_from_base
        floor = np.diag([_STEP_STD_FLOOR_M**2, _STEP_STD_FLOOR_M**2, _STEP_STD_FLOOR_RAD**2])
        match = match_points(points, self._target, guess, inverse(step.covariance + floor), self._match)
        share = min(1.0, IDENTITY2.distance_to(step.last_from_base) / self._config.follow_m)
        merit = rival.merit + share * (_merit(match) - rival.merit)
        return Hypothesis(number=rival.number, match=match, merit=merit)

    def _kept(self, rivals: list[Hypothesis]) -> list[Hypothesis]:
        """Those that fit, and nearly as well as the best: places beside one another see the same things, so that of those the one
        that fits worse is soon the wrong one."""
        kept: list[Hypothesis] = []
        for rival in sorted(rivals, key=lambda item: -item.merit):
            merit_min = max([self._config.score_min**2, *(self._share(rival, other) * other.merit for other in kept)])
            if rival.merit >= merit_min:
                kept.append(rival)
        return kept

    def _share(self, rival: Hypothesis, better: Hypothesis) -> float:
        """How well the rival has to fit, as a share of how well the better one does."""
        config, first, second = self._config, rival.match.target_from_base, better.match.target_from_base
        if abs(wrap_angle(first.yaw_rad - second.yaw_rad)) >= config.away_rad:
            return config.rival_share
        distance_m = first.distance_to(second)
        if distance_m < config.together_m:
            return math.inf
        return config.beside_share if distance_m < config.beside_m else config.rival_share

    def _is_known(self, pose: Pose2) -> bool:
        """Whether the place is one of the hypotheses."""
        config, known = self._config, [rival.match.target_from_base for rival in self._hypotheses]
        return any(
            pose.distance_to(other) < config.together_m and abs(wrap_angle(pose.yaw_rad - other.yaw_rad)) < config.away_rad
            for other in known
        )


def _merit(match: Match) -> float:
    """Share of all points that lie on the map."""
    return match.score * match.overlap
