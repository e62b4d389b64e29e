# SPDX-License-Identifier: Apache-2.0
"""Where the robot is while its pose is not known, or not believed: the home, where odometry has it since it was last known, and
the rivals that a search of the whole map finds.

A robot stays where it drove to unless it was carried off. That is rare, so much must speak for it: a rival is believed only when
the scans need many metres fewer of a changed site there than at the home, and fewer than at any other rival. On a site whose ends
look alike nothing speaks for the other end; then the robot stays where it was, and says what it doubts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from patrol.checks import Floats
from patrol.geometry import IDENTITY2, Pose2, wrap_angle
from patrol.sensors import Scan
from slam.beam_walk import BeamWalk
from slam.config import LocaliserConfig
from slam.likelihood import LikelihoodField, SearchWindow
from slam.motion import MotionStep
from slam.place_evidence import PlaceContest, Standing
from slam.relocaliser import Hypothesis, Nearby, Relocaliser
from slam.scan_matcher import Match, MatchTarget, information, inverse, match_points
from slam.scan_points import BodyRate, ScanPoints
from slam.trail import Trail

_FIELD_STD_M, _FIELD_LEVELS = 0.15, 6
_HIT_STD_M, _HIT_STD_RAD = 0.1, 0.03
_SIGMAS = 3.0
_HOME_STD_M, _HOME_STD_RAD = 0.1, 0.03
_HOME_SCORE_MIN = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One scan, its points straightened at ``rate``, the ``step`` that led to it, and where GNSS has the base, if it says."""

    scan: Scan
    points: ScanPoints
    rate: BodyRate
    step: MotionStep
    nearby: Nearby | None = None


class PlaceSearch:
    """Finds places on the map where scans fit, and weighs them against the home."""

    def __init__(self, target: MatchTarget, seen_m: Floats, walk: BeamWalk, config: LocaliserConfig) -> None:
        """``seen_m`` (N, 2) m are all places where things were seen, ``target`` those that last."""
        self._target, self._config = target, config
        self._field = LikelihoodField(
            target.points_m, resolution_m=config.field_resolution_m, std_m=_FIELD_STD_M, levels=_FIELD_LEVELS
        )
        self._relocaliser = Relocaliser(target, seen_m, config.relocalise, config.match)
        self._contest = PlaceContest(walk, config.evidence)
        self._home_covariance: Floats | None = None
        self._home: Match | None = None
        self._trail = Trail(config.trail, config.match)
        self._since_begin_m = 0.0
        self._is_denied = False

    def begin(self, home_covariance: Floats | None, *, is_denied: bool = False) -> None:
        """The pose is not known, or not believed, from now on. ``home_covariance`` (3, 3) is how far it may be off by odometry;
        None where odometry does not say where the robot is. ``is_denied``: scans contradicted the home, so that it is believed
        no sooner than any other place."""
        self._home_covariance, self._home = home_covariance, None
        self._since_begin_m = 0.0
        self._is_denied = is_denied
        self._trail.forget()
        self._relocaliser.forget()
        self._contest.forget()

    @property
    def places(self) -> str:
        """At how many places it could be, the home among them where the scans fit there; empty where there is none."""
        if self._relocaliser.is_crowded:
            return f"it could be at any of more than {self._config.relocalise.hypotheses_max} places"
        away = len(self._away(self._home)) if self._home is not None else len(self._relocaliser.hypotheses)
        count = away + (self._home is not None and self.fits(self._home))
        return "" if not count else "it could be at one place" if count == 1 else f"it could be at any of {count} places"

    @property
    def is_reassured(self) -> bool:
        """Whether no other place fits as well as the home by now, or the home was contradicted by nothing over a long way."""
        config, standing = self._config.evidence, self._contest.standing()
        is_long = self._since_begin_m >= config.reassured_m
        if self._relocaliser.is_crowded:
            return is_long and self._contest.supposed_at_home().contradicted_m < config.apart_m
        if standing is None or standing.over_home_m <= -config.apart_m:
            return True
        return is_long and standing.over_home_m <= 0.0

    @property
    def is_led(self) -> bool:
        """Whether another place explains what was seen better than the home does."""
        config, standing = self._config.evidence, self._contest.standing()
        if self._relocaliser.is_crowded:
            return self._contest.supposed_at_home().contradicted_m >= config.carried_off_m
        return standing is not None and standing.over_home_m >= config.apart_m

    def fits(self, match: Match) -> bool:
        """Whether enough of the scan lies on the map."""
        return match.score >= self._config.score_min and match.overlap >= self._config.overlap_min

    def holds(self, match: Match, led_to: Pose2) -> bool:
        """Whether little of the scan lies on the map, but nearly all that can, just where odometry ``led_to``: something large
        stands before the rest."""
        config, away = self._config.blocked, led_to.inverse() @ match.target_from_base
        is_there = IDENTITY2.distance_to(away) <= config.away_m and abs(away.yaw_rad) <= config.away_rad
        return is_there and self._is_held(match)

    def _is_held(self, match: Match) -> bool:
        config = self._config.blocked
        return match.score >= config.score_min and match.overlap >= config.overlap_min

    def near(self, points: ScanPoints, centre: Pose2, half_m: float, half_rad: float) -> Match | None:
        """The best fit within ``half_m`` and ``half_rad`` of ``centre``; None where none is good enough."""
        match = self._searched(points, centre, (half_m, half_rad), self._config.search_score_min)
        return match if match is not None and self.fits(match) else None

    def found(self, sighting: Sighting, home: Pose2) -> Match | None:
        """Where the robot is, by this scan and those before it; None while that is not decided. ``home`` is where odometry has
        it at this scan."""
        self._carry(sighting, home)
        self._home = self._at_home(sighting, home)
        standing = self._weighed(sighting, home)
        if self._home_covariance is None:
            return self._best_anywhere(standing)
        if standing is not None and self._is_carried_off(standing):
            return self._match_of(standing)
        return self._home if self._is_at_home(standing) else None

    def elsewhere(self, sighting: Sighting, tracked: Match) -> Match | None:
        """Where the robot is instead, while it is still followed, at ``tracked``, but not believed to be there; None where it is
        not known to be elsewhere."""
        self._carry(sighting, tracked.target_from_base)
        self._home = tracked
        standing = self._weighed(sighting, tracked.target_from_base)
        return self._match_of(standing) if standing is not None and self._is_carried_off(standing) else None

    def _carry(self, sighting: Sighting, home: Pose2) -> None:
        """The home has moved with odometry, unless that does not say where the robot is."""
        step, nearby = sighting.step, sighting.nearby
        step_m = IDENTITY2.distance_to(step.last_from_base)
        self._since_begin_m += step_m
        self._contest.moved(step.last_from_base)
        self._trail.add(sighting.scan, sighting.points, sighting.rate, step)
        if self._home_covariance is None:
            return
        self._home_covariance = self._home_covariance + step.covariance
        std_m, _ = self._home_std()
        is_denied = nearby is not None and not nearby.holds(home)
        if step.because or is_denied or std_m > self._config.evidence.home_std_max_m:
            self._home_covariance = None

    def _home_std(self) -> tuple[float, float]:
        covariance = self._home_covariance
        if covariance is None:
            return math.inf, math.inf
        return math.sqrt(float(np.linalg.eigvalsh(covariance[:2, :2])[-1])), math.sqrt(float(covariance[2, 2]))

    def _at_home(self, sighting: Sighting, home: Pose2) -> Match | None:
        """How the scan fits as near to the home as odometry leaves it open."""
        if self._home_covariance is None:
            return None
        floor = np.diag([_HOME_STD_M**2, _HOME_STD_M**2, _HOME_STD_RAD**2])
        match = match_points(sighting.points, self._target, home, inverse(self._home_covariance + floor), self._config.match)
        if self.fits(match) and self._is_near_home(match.target_from_base, home):
            return match
        std_m, std_rad = self._home_std()
        half = (
            min(_SIGMAS * max(std_m, _HOME_STD_M), self._config.search_window_m),
            min(_SIGMAS * max(std_rad, _HOME_STD_RAD), self._config.search_window_rad),
        )
        return self._searched(sighting.points, home, half, _HOME_SCORE_MIN)

    def _is_near_home(self, pose: Pose2, home: Pose2) -> bool:
        std_m, std_rad = self._home_std()
        turn = abs(wrap_angle(pose.yaw_rad - home.yaw_rad))
        return pose.distance_to(home) <= _SIGMAS * max(std_m, _HOME_STD_M) and turn <= _SIGMAS * max(std_rad, _HOME_STD_RAD)

    def _away(self, home: Match) -> list[Hypothesis]:
        """The rivals that are not the home itself."""
        config, here = self._config.relocalise, home.target_from_base
        return [
            rival
            for rival in self._relocaliser.hypotheses
            if rival.match.target_from_base.distance_to(here) > config.away_m
            or abs(wrap_angle(rival.match.target_from_base.yaw_rad - here.yaw_rad)) > config.away_rad
        ]

    def _weighed(self, sighting: Sighting, home: Pose2) -> Standing | None:
        """Follow the rivals, and weigh them against the home."""
        self._relocaliser.add(sighting.scan, sighting.points, sighting.step, self._trail, sighting.nearby)
        rivals = self._relocaliser.hypotheses if self._home is None else self._away(self._home)
        places = {rival.number: rival.match.target_from_base for rival in rivals}
        if self._home_covariance is not None:
            places[PlaceContest.HOME] = home if self._home is None else self._home.target_from_base
        way_to = partial(self._trail.way_to, scan=sighting.scan, target=self._target)
        self._contest.weigh(sighting.scan, sighting.rate, places, way_to)
        return self._contest.standing()

    def _best_anywhere(self, standing: Standing | None) -> Match | None:
        """Odometry says nothing: the place that leads the others, or the only one."""
        return self._match_of(standing) if standing is not None and self._leads(standing) else None

    def _leads(self, standing: Standing) -> bool:
        """Whether the best of the rivals leads the others, and little that was seen contradicts it."""
        config = self._config.evidence
        share_max = config.glance_share_max if self._is_glance else config.share_max
        is_plain = not standing.is_empty and standing.supposed.contradicted_share <= share_max
        return is_plain and standing.over_next_m >= config.apart_m

    @property
    def _is_glance(self) -> bool:
        """Whether the robot has hardly moved yet."""
        return self._trail.length_m < self._config.evidence.driven_m

    def _is_at_home(self, standing: Standing | None) -> bool:
        """Whether the scans fit at home, and no rival leads it; where they contradicted the home, it has to lead the rivals."""
        if self._home is None or not self.fits(self._home):
            return False
        if self._relocaliser.is_crowded:
            contradicted_m = self._contest.supposed_at_home().contradicted_m
            return not self._is_denied and contradicted_m < self._config.evidence.carried_off_m
        apart_m = self._config.evidence.apart_m
        return standing is None or standing.over_home_m < (-apart_m if self._is_denied else apart_m)

    def _is_carried_off(self, standing: Standing) -> bool:
        """Whether so much speaks for the best rival that the robot must have been carried there: very much at one glance, for
        one large thing before the robot makes a difference, or less over some metres."""
        config = self._config.evidence
        if not self._leads(standing):
            return False
        if standing.over_home_m >= config.glance_m:
            return True
        if self._is_glance:
            return False
        is_denied = self._is_denied or self._home is None or not (self.fits(self._home) or self._is_held(self._home))
        return standing.is_home_empty or standing.over_home_m >= (config.denied_m if is_denied else config.carried_off_m)

    def _match_of(self, standing: Standing) -> Match | None:
        merit_min = self._config.evidence.merit_min
        found = [r.match for r in self._relocaliser.hypotheses if r.number == standing.best and r.merit >= merit_min]
        return found[0] if found and self.fits(found[0]) else None

    def _searched(self, points: ScanPoints, centre: Pose2, half: tuple[float, float], score_min: float) -> Match | None:
        half_m, half_rad = half
        window = SearchWindow(centre=centre, half_x_m=half_m, half_y_m=half_m, half_rad=half_rad)
        thinned = points.points_m[:: max(1, len(points) // self._config.search_points)]
        hit = self._field.search(thinned, window, score_min)
        if hit is None:
            return None
        return match_points(points, self._target, hit.pose, information(_HIT_STD_M, _HIT_STD_RAD), self._config.match)
