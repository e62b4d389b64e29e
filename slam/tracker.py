# SPDX-License-Identifier: Apache-2.0
"""Scan-to-local-map tracking: odometry by laser, over a window of the latest keyframes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats
from patrol.geometry import IDENTITY2, Pose2
from slam.config import MatchConfig, TrackConfig
from slam.keyframe import Keyframe, local_target
from slam.likelihood import LikelihoodField, SearchWindow
from slam.motion import MotionStep
from slam.scan_matcher import Match, MatchTarget, match_points
from slam.scan_points import ScanPoints

_OVERLAP_MIN = 0.2
_SEARCH_POINTS = 150
_SEARCH_SCORE_MIN = 0.3
_SEARCH_GAIN_MIN = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """``track_from_base`` with the covariance (3, 3) of the match, or of odometry since the last match when ``because`` says
    why no match was believed."""

    track_from_base: Pose2
    covariance: Floats
    score: float
    because: str = ""


class Tracker:
    """Keeps ``track_from_base``, which never jumps back and is never corrected."""

    def __init__(self, config: TrackConfig, match: MatchConfig) -> None:
        self._config, self._match = config, match
        self._window: deque[Keyframe] = deque(maxlen=config.window_keyframes)
        self._target: MatchTarget | None = None
        self._field: LikelihoodField | None = None
        self._coast_covariance: Floats = np.zeros((3, 3))
        self.track_from_base = self._by_odometry = IDENTITY2

    def stand_at(self, track_from_base: Pose2) -> None:
        """The base is known to stand there: a map is taken up again."""
        self.track_from_base = self._by_odometry = track_from_base

    def track(self, points: ScanPoints, step: MotionStep) -> Tracked:
        """Move on by one scan: match it from where odometry puts it; search around there when that fails; else coast."""
        guess = self.track_from_base @ step.last_from_base
        if self._target is None:
            return self._coasted(guess, step, 1.0, "")
        match = match_points(points, self._target, guess, step.information, self._match)
        if match.score < self._config.score_min:
            match = self._better(match, self._late(points, step))
        if match.score < self._config.score_min:
            match = self._better(match, self._searched(points, guess, step))
        if match.score < self._config.score_poor or match.overlap < _OVERLAP_MIN:
            return self._coasted(guess, step, match.score, f"only {match.score:.0%} of the scan fits the local map")
        self._coast_covariance = np.zeros((3, 3))
        self._by_odometry = guess
        self.track_from_base = match.target_from_base
        return Tracked(track_from_base=self.track_from_base, covariance=match.covariance, score=match.score)

    def blind(self, step: MotionStep, because: str) -> Tracked:
        """Move on by odometry alone: the scan can not be used."""
        return self._coasted(self.track_from_base @ step.last_from_base, step, 0.0, because)

    def add_keyframe(self, keyframe: Keyframe) -> None:
        """Slide the local map on."""
        self._window.append(keyframe)
        self._target = local_target(self._window, IDENTITY2, self._match.target_voxel_m)
        self._field = None

    def _better(self, match: Match, searched: Match | None) -> Match:
        """The searched match only when it fits well, and much better than the one next to odometry."""
        if searched is None or searched.score < max(self._config.score_min, match.score + _SEARCH_GAIN_MIN):
            return match
        return searched

    def _late(self, points: ScanPoints, step: MotionStep) -> Match:
        """Match from where odometry leads when it had only reported the last step late."""
        assert self._target is not None
        guess = self._by_odometry @ step.last_from_base
        return match_points(points, self._target, guess, step.information, self._match)

    def _searched(self, points: ScanPoints, guess: Pose2, step: MotionStep) -> Match | None:
        assert self._target is not None
        if self._field is None:
            self._field = LikelihoodField(self._target.points_m, resolution_m=0.1, std_m=0.15, levels=4)
        window = SearchWindow(
            centre=guess,
            half_x_m=self._config.search_window_m,
            half_y_m=self._config.search_window_m,
            half_rad=self._config.search_window_rad + self._config.search_window_rad_per_s * step.dt_s,
        )
        thinned = points.points_m[:: max(1, len(points) // _SEARCH_POINTS)]
        hit = self._field.search(thinned, window, _SEARCH_SCORE_MIN)
        return match_points(points, self._target, hit.pose, 0.01 * step.information, self._match) if hit else None

    def _coasted(self, guess: Pose2, step: MotionStep, score: float, because: str) -> Tracked:
        self._coast_covariance = self._coast_covariance + np.linalg.inv(step.information)
        self.track_from_base = self._by_odometry = guess
        return Tracked(track_from_base=guess, covariance=self._coast_covariance, score=score, because=because)
