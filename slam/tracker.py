# SPDX-License-Identifier: Apache-2.0
"""Scan-to-local-map tracking: odometry by laser, over a window of the latest keyframes."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from patrol.checks import Floats
from patrol.geometry import IDENTITY2, Pose2, wrap_angle
from slam.config import MatchConfig, TrackConfig
from slam.keyframe import Keyframe, local_target
from slam.likelihood import LikelihoodField, SearchWindow
from slam.motion import MotionStep
from slam.pose_graph import rotated_covariance
from slam.rivals import Decision, Ground, decided, searched_places
from slam.scan_matcher import Match, MatchTarget, information, inverse, match_points
from slam.scan_points import ScanPoints
from slam.updates import ScanOutcome

_OVERLAP_MIN = 0.2
_SEARCH_POINTS = 150
_SEARCH_SCORE_MIN = 0.3
_SEARCH_GAIN_MIN = 0.2
_GUESS_GAIN_MIN = 0.12
_TORN_SIGMAS, _TORN_GAIN_MIN = 3.0, -0.01
_FAR_SHARE_MIN = 0.65
_RIVAL_SHARE = 0.1
_UNTOLD_STD = (10.0, 10.0, 3.0)
_ANYWHERE = (1.0, 1.0, 10.0)
_SURELY = information(10.0, 1.0)
_HIT_VARIANCE = (0.04, 0.04, 0.01)
_ANEW_SCORE_MIN, _ANEW_OVERLAP_MIN, _ANEW_HALF_RAD = 0.75, 0.5, 0.5 * math.pi
_SIGMAS = 3.0
_PRIOR_STD_FLOOR = (1e-4, 1e-4, 1e-5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracked:
    """``track_from_base`` with its covariance (3, 3) since the last keyframe, in the track's axes.

    ``outcome`` is POOR_MATCH where the scan fits nowhere well and AMBIGUOUS where it fits elsewhere as well; ``because`` says so
    in words. ``is_matched``: a match is gone on from, an ambiguous one with a covariance that holds its rivals. ``is_broken``:
    none was for so long that the track can only go on elsewhere.
    """

    track_from_base: Pose2
    covariance: Floats
    match_covariance: Floats
    score: float
    outcome: ScanOutcome = ScanOutcome.MATCHED
    because: str = ""
    is_matched: bool = True
    is_broken: bool = False


class Tracker:
    """Keeps ``track_from_base``, which never jumps back and is never corrected, and what it has not been sure of since the last
    keyframe."""

    def __init__(self, config: TrackConfig, match: MatchConfig) -> None:
        self._config, self._match = config, match
        self._window: deque[Keyframe] = deque(maxlen=config.window_keyframes)
        self._target: MatchTarget | None = None
        self._field: LikelihoodField | None = None
        self._covariance: Floats = np.zeros((3, 3))
        self._coasted_s = self._coasted_m = 0.0
        self._coasted_scans = 0
        self.track_from_base = self._by_odometry = IDENTITY2

    def stand_at(self, track_from_base: Pose2) -> None:
        """The base is known to stand there: a map is taken up again."""
        self.track_from_base = self._by_odometry = track_from_base

    def track(self, points: ScanPoints, step: MotionStep) -> Tracked:
        """Move on by one scan: match it from where odometry puts it; where that fails try the other places it may be; else
        coast."""
        guess = self.track_from_base @ step.last_from_base
        predicted = self._predicted(step)
        if self._target is None:
            return self._coasted(guess, step, predicted, "")
        prior = predicted if self._coasted_s > 0.0 else self._step_covariance(step)
        if self._is_open(prior, step):
            decision = self._weighed(points, guess, predicted)
            overlap_min, score_min = self._config.open_overlap_min, self._config.open_score_min
        else:
            decision = self._followed(points, step, prior, predicted)
            overlap_min, score_min = _OVERLAP_MIN, self._config.score_poor
        match = decision.match
        if match.score < score_min or match.overlap < overlap_min:
            share = match.score * match.overlap
            return self._coasted(guess, step, predicted, f"only {share:.0%} of the scan fits the local map")
        if not decision.is_made:
            return self._coasted(guess, step, predicted, decision.doubt, outcome=ScanOutcome.AMBIGUOUS)
        self._believe()
        self._by_odometry = guess
        self.track_from_base = match.target_from_base
        self._covariance = inverse(match.prior_share * inverse(predicted) + match.told + _SURELY) + decision.spread
        return Tracked(
            track_from_base=self.track_from_base,
            covariance=self._covariance,
            match_covariance=match.covariance,
            score=match.score,
            outcome=ScanOutcome.AMBIGUOUS if decision.doubt else ScanOutcome.MATCHED,
            because=decision.doubt,
        )

    def _is_open(self, prior: Floats, step: MotionStep) -> bool:
        """Whether so little is known of the motion that the scan may lie well away from where it is guessed."""
        known = np.minimum(prior.diagonal(), step.loose.diagonal())
        return bool(max(known[0], known[1]) > self._config.open_std_m**2 or known[2] > self._config.open_std_rad**2)

    def _followed(self, points: ScanPoints, step: MotionStep, prior: Floats, predicted: Floats) -> Decision:
        """The match next to where odometry has the base; where it is poor, the best of those from the other places it may be. A
        fair one that yields to another is a rival of it: the covariance holds both, so that a loop may still tell."""
        guess = self.track_from_base @ step.last_from_base
        match = self._matched(points, guess, prior)
        if _pull(match, guess, prior) > _TORN_SIGMAS:
            match = self._better(match, self._matched(points, guess, prior + step.loose), _TORN_GAIN_MIN)
        if match.score >= self._config.score_sure:
            return Decision(match=match)
        for other in (self._by_odometry @ step.last_from_base, self.track_from_base @ step.carried_on):
            match = self._better(match, self._matched(points, other, prior), _GUESS_GAIN_MIN)
        spread: Floats = np.zeros((3, 3))
        if match.score < self._config.score_sure:
            found = self._searched(points, guess, predicted)
            if found is not None and _is_believable(found, guess, predicted):
                near, match = match, self._better(match, found, _SEARCH_GAIN_MIN)
                if match is found and near.score >= self._config.score_min:
                    away = _away(near, found.target_from_base)
                    spread = _RIVAL_SHARE * np.outer(away, away)
        if match.score < self._config.score_sure and (step.dt_s > self._config.gap_s or step.because):
            match = self._better(match, self._found_anew(points, guess, predicted), _GUESS_GAIN_MIN)
        return Decision(match=match, spread=spread)

    def _weighed(self, points: ScanPoints, guess: Pose2, predicted: Floats) -> Decision:
        """The best of all places that the scan may lie at, with what speaks for the others."""
        assert self._target is not None
        window = self._window_about(guess, predicted)
        window = replace(window, half_rad=min(window.half_rad, _ANEW_HALF_RAD))
        places = searched_places(self._field_of_window(), _thinned(points), window)
        loose = predicted + np.diag(_HIT_VARIANCE)
        matches = [self._matched(points, place, loose) for place in (guess, self.track_from_base, *places)]
        ground = Ground(keyframes=tuple(self._window), target=self._target, voxel_m=self._match.target_voxel_m)
        return decided(points, matches, ground, guess=guess, prior=predicted)

    def blind(self, step: MotionStep, because: str) -> Tracked:
        """Move on by odometry alone: the scan can not be used."""
        return self._coasted(self.track_from_base @ step.last_from_base, step, self._predicted(step), because)

    def add_keyframe(self, keyframe: Keyframe, *, is_broken: bool = False) -> None:
        """Slide the local map on; a broken track starts it over."""
        if is_broken:
            self._window.clear()
        self._window.append(keyframe)
        self._target = local_target(self._window, IDENTITY2, self._match.target_voxel_m)
        self._field = None
        self._covariance = np.zeros((3, 3))
        self._believe()

    def _believe(self) -> None:
        """From here on nothing has been coasted."""
        self._coasted_s = self._coasted_m = 0.0
        self._coasted_scans = 0

    def _predicted(self, step: MotionStep) -> Floats:
        """Covariance of the pose since the last keyframe, before the scan is looked at."""
        return self._covariance + self._step_covariance(step)

    def _step_covariance(self, step: MotionStep) -> Floats:
        turned = rotated_covariance(step.covariance, self.track_from_base.yaw_rad)
        return np.asarray(turned + np.diag(np.square(_PRIOR_STD_FLOOR)), dtype=np.float64)

    def _matched(self, points: ScanPoints, guess: Pose2, predicted: Floats) -> Match:
        assert self._target is not None
        return match_points(points, self._target, guess, inverse(predicted), self._match)

    def _better(self, match: Match, other: Match | None, gain_min: float) -> Match:
        """The other match only when it fits well, and better than the one next to odometry."""
        if other is None or other.score < max(self._config.score_min, match.score + gain_min):
            return match
        return other if other.overlap >= _OVERLAP_MIN else match

    def _searched(self, points: ScanPoints, guess: Pose2, predicted: Floats) -> Match | None:
        """The best match around the guess, as far as it is uncertain."""
        hit = self._field_of_window().search(_thinned(points), self._window_about(guess, predicted), _SEARCH_SCORE_MIN)
        return self._matched(points, hit.pose, predicted + np.diag(_HIT_VARIANCE)) if hit else None

    def _found_anew(self, points: ScanPoints, guess: Pose2, predicted: Floats) -> Match | None:
        """The match at any heading up to a quarter turn from odometry's, after a time in which the robot may have turned unseen:
        only one that leaves no doubt. A half turn is never believed here, since corridors look alike both ways."""
        window = replace(self._window_about(guess, predicted), half_rad=_ANEW_HALF_RAD)
        field, thinned = self._field_of_window(), _thinned(points)
        hit = field.search(thinned, window, _SEARCH_SCORE_MIN)
        if hit is None:
            return None
        match = self._matched(points, hit.pose, predicted + np.diag(_HIT_VARIANCE))
        return match if match.score >= _ANEW_SCORE_MIN and match.overlap >= _ANEW_OVERLAP_MIN else None

    def _window_about(self, guess: Pose2, predicted: Floats) -> SearchWindow:
        config = self._config
        std_m, std_rad = math.sqrt(max(predicted[0, 0], predicted[1, 1])), math.sqrt(predicted[2, 2])
        half_m = min(max(config.search_window_m, _SIGMAS * std_m), config.search_window_max_m)
        half_rad = min(max(config.search_window_rad, _SIGMAS * std_rad), math.pi)
        return SearchWindow(centre=guess, half_x_m=half_m, half_y_m=half_m, half_rad=half_rad)

    def _field_of_window(self) -> LikelihoodField:
        assert self._target is not None
        if self._field is None:
            self._field = LikelihoodField(self._target.points_m, resolution_m=0.1, std_m=0.15, levels=5)
        return self._field

    def _may_have_moved_m(self, step: MotionStep) -> float:
        moved_m = math.hypot(step.last_from_base.x_m, step.last_from_base.y_m)
        if not self._is_open(step.covariance, step):
            return moved_m
        return max(moved_m, math.sqrt(max(step.covariance[0, 0], step.covariance[1, 1])))

    def _coasted(
        self,
        guess: Pose2,
        step: MotionStep,
        predicted: Floats,
        because: str,
        *,
        outcome: ScanOutcome = ScanOutcome.POOR_MATCH,
    ) -> Tracked:
        self._covariance = predicted
        self._coasted_s += step.dt_s
        self._coasted_scans += 1
        self._coasted_m += self._may_have_moved_m(step)
        self.track_from_base = self._by_odometry = guess
        config = self._config
        is_far = self._coasted_s > config.break_after_s or self._coasted_m > config.break_after_m
        is_broken = bool(because) and is_far and self._coasted_scans >= config.break_after_scans
        return Tracked(
            track_from_base=guess,
            covariance=predicted,
            match_covariance=predicted,
            score=0.0 if because else 1.0,
            outcome=outcome if because else ScanOutcome.MATCHED,
            because=because,
            is_matched=not because,
            is_broken=is_broken,
        )


def _pull(match: Match, guess: Pose2, prior: Floats) -> float:
    """How hard the scan still pulls at the match where the guess holds it back, in its own standard deviations."""
    held = match.prior_share * inverse(prior) @ _away(match, guess)
    return math.sqrt(float(held @ np.linalg.solve(match.told + np.diag(_ANYWHERE), held)))


def _is_believable(match: Match, guess: Pose2, prior: Floats) -> bool:
    """Whether it lies within what odometry leaves open, or most of the scan fits there and the scan itself tells so: one of
    little but what stands close about the robot fits in many places, turned any way."""
    away = _away(match, guess)
    if float(away @ np.linalg.solve(prior, away)) <= _SIGMAS**2:
        return True
    told = np.linalg.inv(match.told + np.diag(1.0 / np.square(_UNTOLD_STD)))
    off, held, seen = np.square(away), _SIGMAS**2 * prior.diagonal(), _SIGMAS**2 * told.diagonal()
    is_told = not bool(((off > held) & (off < seen)).any())
    return is_told and match.score * match.overlap >= _FAR_SHARE_MIN


def _away(match: Match, guess: Pose2) -> Floats:
    """From the guess to the match (3,): m, m, rad."""
    found = match.target_from_base
    away: Floats = np.array([found.x_m - guess.x_m, found.y_m - guess.y_m, wrap_angle(found.yaw_rad - guess.yaw_rad)])
    return away


def _thinned(points: ScanPoints) -> Floats:
    return points.points_m[:: max(1, len(points) // _SEARCH_POINTS)]
