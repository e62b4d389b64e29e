# SPDX-License-Identifier: Apache-2.0
"""Global relocalisation: the whole map is searched by branch and bound, rival places are kept side by side and followed while the
robot moves (multi-hypothesis tracking after Jensfelt and Kristensen, T-RA 2001)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats
from patrol.geometry import Pose2, wrap_angle
from slam.config import MatchConfig, RelocaliseConfig
from slam.likelihood import Exclusion, LikelihoodField, SearchHit, SearchWindow
from slam.motion import MotionStep
from slam.scan_matcher import Match, MatchTarget, information, inverse, match_points
from slam.scan_points import ScanPoints

_LEVELS = 7
_HIT_STD_M, _HIT_STD_RAD = 0.2, 0.06
_NEARBY_SIGMAS = 4.0
_STEP_STD_FLOOR_M, _STEP_STD_FLOOR_RAD = 0.03, 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis:
    """One place where the robot may stand, by its ``number``; ``merit`` is how well it fitted of late, 0 to 1."""

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

    def __init__(self, target: MatchTarget, config: RelocaliseConfig, match: MatchConfig) -> None:
        self._target, self._config, self._match = target, config, match
        self._field = LikelihoodField(target.points_m, resolution_m=config.resolution_m, std_m=config.std_m, levels=_LEVELS)
        self._hypotheses: list[Hypothesis] = []
        self._since_search_s = math.inf
        self._numbered = 0

    @property
    def hypotheses(self) -> tuple[Hypothesis, ...]:
        """The places that are left, the best first."""
        return tuple(self._hypotheses)

    def forget(self) -> None:
        """Start over at the next scan."""
        self._hypotheses, self._since_search_s = [], math.inf

    def add(self, points: ScanPoints, step: MotionStep, nearby: Nearby | None = None) -> None:
        """Follow the rivals through ``step``, or look for some. Rivals away from where GNSS has the robot are given up for
        those that are there."""
        self._since_search_s += step.dt_s
        if self._hypotheses:
            self._hypotheses = self._kept([self._followed(rival, points, step) for rival in self._hypotheses])
        elif self._since_search_s >= self._config.again_after_s:
            self._since_search_s = 0.0
            self._hypotheses = self._kept(self._found(points))
        if nearby is not None:
            held = [rival for rival in self._hypotheses if nearby.holds(rival.match.target_from_base)]
            self._hypotheses = held or self._hypotheses

    def _found(self, points: ScanPoints) -> list[Hypothesis]:
        """The best place on the whole map, and those away from it that fit nearly as well."""
        config = self._config
        thinned = points.points_m[:: max(1, len(points) // config.points)]
        low_x, low_y, high_x, high_y = self._field.bounds_m()
        window = SearchWindow(
            centre=Pose2(0.5 * (low_x + high_x), 0.5 * (low_y + high_y), 0.0),
            half_x_m=0.5 * (high_x - low_x),
            half_y_m=0.5 * (high_y - low_y),
            half_rad=math.pi,
        )
        hits: list[SearchHit] = []
        score_min = config.score_min
        while len(hits) < config.hypotheses_max:
            beside = [Exclusion(pose=hit.pose, radius_m=config.away_m, half_rad=config.away_rad) for hit in hits]
            hit = self._field.search(thinned, window, score_min, but=beside)
            if hit is None:
                break
            hits.append(hit)
            score_min = max(config.score_min, config.search_share * hits[0].score)
        prior = information(_HIT_STD_M, _HIT_STD_RAD)
        matches = [match_points(points, self._target, hit.pose, prior, self._match) for hit in hits]
        first, self._numbered = self._numbered, self._numbered + len(matches)
        return [
            Hypothesis(number=first + row, match=match, merit=match.score * match.overlap) for row, match in enumerate(matches)
        ]

    def _followed(self, rival: Hypothesis, points: ScanPoints, step: MotionStep) -> Hypothesis:
        guess = rival.match.target_from_base @ step.last_from_base
        floor = np.diag([_STEP_STD_FLOOR_M**2, _STEP_STD_FLOOR_M**2, _STEP_STD_FLOOR_RAD**2])
        match = match_points(points, self._target, guess, inverse(step.covariance + floor), self._match)
        merit = rival.merit + self._config.follow * (match.score * match.overlap - rival.merit)
        return Hypothesis(number=rival.number, match=match, merit=merit)

    def _kept(self, rivals: list[Hypothesis]) -> list[Hypothesis]:
        """Those that fit, away from better ones, and nearly as well as the best."""
        kept: list[Hypothesis] = []
        for rival in sorted(rivals, key=lambda item: -item.merit):
            if rival.merit < self._config.score_min * self._config.score_min:
                continue
            is_rival = not kept or rival.merit > self._config.rival_share * kept[0].merit
            if is_rival and not any(self._is_same(rival.match.target_from_base, other.match.target_from_base) for other in kept):
                kept.append(rival)
        return kept

    def _is_same(self, first: Pose2, second: Pose2) -> bool:
        turn = abs(wrap_angle(first.yaw_rad - second.yaw_rad))
        return first.distance_to(second) < self._config.together_m and turn < self._config.away_rad
