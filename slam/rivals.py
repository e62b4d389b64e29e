# SPDX-License-Identifier: Apache-2.0
"""Where a scan lies when nothing says how the base moved: every place that fits is weighed against the others, and what can not
be decided widens the covariance of what is chosen (the hypotheses of a correlative search, as in Olson, "Real-time correlative
scan matching", ICRA 2009, each made exact by point-to-line matching).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from patrol.checks import Floats
from patrol.geometry import Pose2, wrap_angle
from slam.beam_check import Sight, contradicted_m, sights_of
from slam.keyframe import Keyframe
from slam.likelihood import Exclusion, LikelihoodField, SearchWindow
from slam.scan_matcher import Match, MatchTarget, inverse
from slam.scan_points import ScanPoints
from slam.surface import surface_from_scan

_PLACES_MAX = 4
_SCORE_MIN, _SCORE_SHARE = 0.3, 0.6
_AWAY_M, _AWAY_RAD = 0.6, 0.25
_SAME_M, _SAME_RAD = 0.25, 0.1
_LATEST = 6
_CONTRADICTED_FREE_M, _MERIT_PER_M, _CONTRADICTED_MAX_M = 0.3, 0.4, 3.0
_NATS_PER_MERIT = 10.0
_DOUBT_SHARE, _DOUBT_STD_M, _DOUBT_STD_RAD = 0.05, 0.25, 0.1
_OPEN_STD_M, _OPEN_STD_RAD = 1.0, 0.35


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The match that is chosen. ``spread`` (3, 3) is what the rivals add to its covariance; ``doubt`` says what the strongest
    is, where they add much (else empty)."""

    match: Match
    spread: Floats = field(default_factory=lambda: np.zeros((3, 3)))
    doubt: str = ""

    @property
    def is_made(self) -> bool:
        """Whether enough speaks for the match to go on from it; else the next scan may tell."""
        is_small = max(self.spread[0, 0], self.spread[1, 1]) < _OPEN_STD_M**2 and self.spread[2, 2] < _OPEN_STD_RAD**2
        return bool(not self.doubt or is_small)


def searched_places(likelihood: LikelihoodField, points_m: Floats, window: SearchWindow) -> list[Pose2]:
    """The best places of the window for points (N, 2) m of the base, away from one another, the best first."""
    found: list[Pose2] = []
    score_min = _SCORE_MIN
    while len(found) < _PLACES_MAX:
        but = [Exclusion(pose=pose, radius_m=_AWAY_M, half_rad=_AWAY_RAD) for pose in found]
        hit = likelihood.search(points_m, window, score_min, but=but)
        if hit is None:
            break
        score_min = max(score_min, _SCORE_SHARE * hit.score)
        found.append(hit.pose)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a scan is laid on: the latest keyframes and the target made of them, in the track's frame."""

    keyframes: Sequence[Keyframe]
    target: MatchTarget
    voxel_m: float

    def contradicted_m(self, points: ScanPoints, track_from_base: Pose2, seen: MatchTarget) -> float:
        """Length of wall that the beams of the scan pass through, or those of the keyframes on walls that the scan has ``seen``
        from its base."""
        there = contradicted_m([Sight(target_from_base=track_from_base, points=points)], self.target)
        back = contradicted_m(sights_of(self.keyframes[-_LATEST:], track_from_base.inverse()), seen)
        return max(there, back)


def decided(points: ScanPoints, matches: Sequence[Match], ground: Ground, *, guess: Pose2, prior: Floats) -> Decision:
    """The best of ``matches`` of a scan (one at least) from where the base may be: ``guess`` with covariance ``prior`` (3, 3)."""
    places = _apart(matches)
    if len(places) == 1:
        return Decision(match=places[0])
    seen = MatchTarget.from_surface(surface_from_scan(points), ground.voxel_m)
    nats = np.array([_nats(points, match, ground, seen) - 0.5 * _squared(match, guess, prior) for match in places])
    shares = np.exp(nats - nats.max())
    shares /= shares.sum()
    row = int(np.argmax(shares))
    aways = np.array([_away(places[row], match) for match in places])
    spread: Floats = np.einsum("n,ni,nj->ij", shares, aways, aways)
    return Decision(match=places[row], spread=spread, doubt=_doubt(spread, shares, aways))


def _nats(points: ScanPoints, match: Match, ground: Ground, seen: MatchTarget) -> float:
    """Logarithm of how likely the scan is there."""
    wrong_m = ground.contradicted_m(points, match.target_from_base, seen)
    wrong_m = min(max(wrong_m - _CONTRADICTED_FREE_M, 0.0), _CONTRADICTED_MAX_M)
    return _NATS_PER_MERIT * (merit(match) - _MERIT_PER_M * wrong_m)


def merit(match: Match) -> float:
    """Share of all points that lie on the target."""
    return match.overlap * match.score


def _apart(matches: Sequence[Match]) -> list[Match]:
    """The matches without those that ended where a better one did."""
    kept: list[Match] = []
    for match in sorted(matches, key=merit, reverse=True):
        aways = [_away(other, match) for other in kept]
        if all(math.hypot(away[0], away[1]) > _SAME_M or abs(away[2]) > _SAME_RAD for away in aways):
            kept.append(match)
    return kept


def _away(match: Match, other: Match) -> Floats:
    """How far another match is from this one (3,): x m, y m, yaw rad in the target's frame."""
    first, second = match.target_from_base, other.target_from_base
    turn = wrap_angle(second.yaw_rad - first.yaw_rad)
    return np.array([second.x_m - first.x_m, second.y_m - first.y_m, turn])


def _squared(match: Match, guess: Pose2, prior: Floats) -> float:
    """Mahalanobis distance of a match from the guess, squared."""
    found = match.target_from_base
    away = np.array([found.x_m - guess.x_m, found.y_m - guess.y_m, wrap_angle(found.yaw_rad - guess.yaw_rad)])
    return float(away @ inverse(prior) @ away)


def _doubt(spread: Floats, shares: Floats, aways: Floats) -> str:
    is_small = max(spread[0, 0], spread[1, 1]) < _DOUBT_STD_M**2 and spread[2, 2] < _DOUBT_STD_RAD**2
    if is_small or shares.max() > 1.0 - _DOUBT_SHARE:
        return ""
    order = np.argsort(-shares)
    away = aways[order[1]]
    distance_m, turn_deg = math.hypot(away[0], away[1]), math.degrees(abs(away[2]))
    return f"the scan fits {distance_m:.1f} m and {turn_deg:.0f}° away as well: {shares[order[0]]:.0%} to {shares[order[1]]:.0%}"
