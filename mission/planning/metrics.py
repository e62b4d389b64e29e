# SPDX-License-Identifier: Apache-2.0
"""What a patrol achieves, computed exactly from the times of its visits; nothing is sampled.

Idleness of a place is the time since its last visit; at time 0 it is zero everywhere. Times are seconds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from patrol.checks import Floats, frozen_array, require_positive
from patrol.errors import BadValue

WARM_UP_S = 50.0
ENTROPY_BIN_S = 1.0
_SAME_S = 1e-9
"""Times closer than this are the same moment."""


def _visits(name: str, visits_s: Sequence[npt.ArrayLike], end_s: float) -> tuple[Floats, ...]:
    """Checked, read-only times in ascending order. Raises BadValue for times outside 0 to ``end_s`` or out of order."""
    checked = []
    for vertex, times in enumerate(visits_s):
        array = np.asarray(frozen_array(f"{name}[{vertex}]", times, (None,)), dtype=np.float64)
        if array.size and not (array[0] >= 0.0 and array[-1] <= end_s and (np.diff(array) >= 0.0).all()):
            raise BadValue(f"{name}[{vertex}]: times must ascend from 0 to {end_s} s")
        checked.append(array)
    if not checked:
        raise BadValue(f"{name}: names no place")
    return tuple(checked)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VisitLog:
    """What happened from time 0 to ``horizon_s``: for each place the times (n,) s at which it was visited, ascending, and in
    ``departures_s`` when each of these visits ended; without it, visits last no time."""

    horizon_s: float
    visits_s: tuple[Floats, ...]
    departures_s: tuple[Floats, ...] | None = None

    def __post_init__(self) -> None:
        require_positive("horizon_s", self.horizon_s)
        object.__setattr__(self, "visits_s", _visits("visits_s", self.visits_s, self.horizon_s))
        if self.departures_s is not None:
            pairs = zip(self.visits_s, self.departures_s, strict=True)
            if any(left.shape != came.shape or (left < came).any() for came, left in pairs):
                raise BadValue("departures_s: each visit must end once, and not before it begins")

    def spells(self, place: int) -> tuple[Floats, Floats]:
        """When ``place`` was left alone (n,) s and until when (n,) s: from time 0, between visits, and to the horizon."""
        came = self.visits_s[place]
        left = came if self.departures_s is None else np.maximum.accumulate(self.departures_s[place])
        begun = np.minimum(np.concatenate(([0.0], left)), self.horizon_s)
        ended = np.maximum(np.concatenate((came, [self.horizon_s])), begun)
        return begun, ended

    def gaps_s(self, place: int, warm_up_s: float = 0.0) -> Floats:
        """Gaps between visits of ``place`` that end after the warm-up; the first begins at time 0, and the one that the
        horizon cuts off is left out."""
        begun, ended = (edge[:-1] for edge in self.spells(place))
        gaps: Floats = (ended - begun)[ended > warm_up_s]
        return gaps[gaps > _SAME_S]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VisitSchedule:
    """What repeats for ever: for each place the times (n,) s in 0 to ``period_s`` at which it is visited, ascending."""

    period_s: float
    visits_s: tuple[Floats, ...]

    def __post_init__(self) -> None:
        require_positive("period_s", self.period_s)
        object.__setattr__(self, "visits_s", _visits("visits_s", self.visits_s, self.period_s))

    def gaps_s(self, place: int) -> Floats:
        """Gaps between visits of ``place`` around the period; one infinite gap when it is never visited."""
        times = self.visits_s[place]
        if times.size == 0:
            return np.array([np.inf])
        gaps = np.diff(np.append(times, times[0] + self.period_s))
        return gaps[gaps > _SAME_S] if (gaps > _SAME_S).any() else gaps[:1]

    @property
    def worst_s(self) -> float:
        """The longest that any place goes unseen."""
        return max(float(self.gaps_s(place).max()) for place in range(len(self.visits_s)))

    @property
    def true_average_s(self) -> float:
        """Mean over time and places of the idleness."""
        squares = [float((self.gaps_s(place) ** 2).sum()) for place in range(len(self.visits_s))]
        return float(np.mean(squares)) / (2.0 * self.period_s)

    def log(self, horizon_s: float) -> VisitLog:
        """The schedule played from time 0 to ``horizon_s``."""
        rounds = np.arange(int(horizon_s // self.period_s) + 1) * self.period_s
        played = ((rounds[:, None] + times).ravel() for times in self.visits_s)
        return VisitLog(horizon_s=horizon_s, visits_s=tuple(times[times <= horizon_s] for times in played))


@dataclass(frozen=True, slots=True, kw_only=True)
class PatrolFigures:
    """The figures of one log; the warm-up is left out of all but the last two, which are defined over the whole log.

    ``p99_gap_s``: the smallest gap that 99 % of all gaps do not exceed. ``gap_entropy_bits``: entropy of the gaps of a place in
    bins of ``entropy_bin_s``, mean over places. ``monitor_average_s``: patrolling_sim's monitor: without the first visit of each
    place, the mean over places of the mean gap; it can not see clumping. ``right_endpoint_average_s``: mean idleness just before
    each visit, weighted with the time since the visit before; it overstates.
    """

    warm_up_s: float
    horizon_s: float
    true_average_s: float
    worst_s: float
    p99_gap_s: float
    gap_entropy_bits: float
    entropy_bin_s: float
    monitor_average_s: float
    right_endpoint_average_s: float


def measure(log: VisitLog, *, warm_up_s: float = WARM_UP_S, entropy_bin_s: float = ENTROPY_BIN_S) -> PatrolFigures:
    """Every figure of ``log``. Raises BadValue when the warm-up leaves nothing of it."""
    if not 0.0 <= warm_up_s < log.horizon_s:
        raise BadValue(f"warm_up_s: {warm_up_s!r} is not between 0 and the horizon of {log.horizon_s} s")
    gaps = [log.gaps_s(place, warm_up_s) for place in range(len(log.visits_s))]
    pooled = np.concatenate(gaps)
    return PatrolFigures(
        warm_up_s=warm_up_s,
        horizon_s=log.horizon_s,
        true_average_s=true_average_s(log, warm_up_s),
        worst_s=worst_idleness_s(log, warm_up_s),
        p99_gap_s=float(np.percentile(pooled, 99, method="inverted_cdf")) if pooled.size else log.horizon_s,
        gap_entropy_bits=float(np.mean([gap_entropy_bits(own, entropy_bin_s) for own in gaps])),
        entropy_bin_s=entropy_bin_s,
        monitor_average_s=monitor_average_s(log),
        right_endpoint_average_s=right_endpoint_average_s(log),
    )


def worst_idleness_s(log: VisitLog, warm_up_s: float = WARM_UP_S) -> float:
    """The largest idleness of any place at any time after the warm-up, the end of the log included."""
    worst = 0.0
    for place in range(len(log.visits_s)):
        begun, ended = log.spells(place)
        worst = max(worst, float((ended - begun)[ended > warm_up_s].max(initial=0.0)))
    return worst


def true_average_s(log: VisitLog, warm_up_s: float = 0.0) -> float:
    """Time integral of the mean idleness after the warm-up, divided by its duration."""
    area = 0.0
    for place in range(len(log.visits_s)):
        begun, ended = log.spells(place)
        counted = np.clip(warm_up_s, begun, ended)
        area += float(((ended - begun) ** 2 - (counted - begun) ** 2).sum()) / 2.0
    return area / (len(log.visits_s) * (log.horizon_s - warm_up_s))


def monitor_average_s(log: VisitLog) -> float:
    """The average that patrolling_sim's monitor reports; places visited fewer than twice are left out, as there."""
    means = [float(np.diff(times).mean()) for times in log.visits_s if times.size >= 2]
    return float(np.mean(means)) if means else log.horizon_s


def right_endpoint_average_s(log: VisitLog) -> float:
    """Σ (mean idleness just before a visit · time since the visit before), to the horizon, ÷ the horizon.

    Published figures end with the first visit at or after their nominal duration; ``play`` ends its logs there too."""
    events = np.unique(np.concatenate([*log.visits_s, np.array([log.horizon_s])]))
    events = events[events > 0.0]
    intervals = np.diff(np.concatenate(([0.0], events)))
    before = _idleness_just_before(log, events)
    return float((before / len(log.visits_s) * intervals).sum()) / log.horizon_s


def _idleness_just_before(log: VisitLog, events: Floats) -> Floats:
    """Sum (n,) s over the places of the idleness just before each of the moments ``events`` (n,) s: that is the number of spells
    under way times the moment, less the times at which they began."""
    spells = [log.spells(place) for place in range(len(log.visits_s))]
    begun, ended = np.concatenate([one for one, _ in spells]), np.concatenate([one for _, one in spells])
    by_end, by_begin = np.argsort(ended, kind="stable"), np.sort(begun)
    over = np.searchsorted(ended[by_end], events - _SAME_S)
    under_way = np.searchsorted(by_begin, events, side="right")
    summed_begin, summed_over = np.cumsum(np.append(0.0, by_begin)), np.cumsum(np.append(0.0, begun[by_end]))
    total: Floats = (under_way - over) * events - (summed_begin[under_way] - summed_over[over])
    return total


def gap_entropy_bits(gaps_s: Floats, bin_s: float = ENTROPY_BIN_S) -> float:
    """Entropy in bits of gaps (n,) s sorted into bins of ``bin_s``; a clockwork has zero."""
    if gaps_s.size == 0:
        return 0.0
    _, counts = np.unique(np.floor(gaps_s / bin_s + 0.5), return_counts=True)
    shares = counts / counts.sum()
    return max(0.0, -float((shares * np.log2(shares)).sum()))


def least_capture_probability(choices: Sequence[tuple[float, VisitSchedule]], attack_s: float) -> float:
    """The least chance, over all places and moments, that an attack of ``attack_s`` is met by a visit.

    The observer knows the schedules and how likely each is, but not which was drawn; with one schedule he knows everything,
    and the chance is 1 when no gap exceeds the attack and 0 otherwise. An attack that begins right after a visit is met by
    the next one when that comes within ``attack_s``, the end included. Raises BadValue for chances that do not add up to 1 or
    schedules of different periods.
    """
    periods = {schedule.period_s for _, schedule in choices}
    if abs(sum(chance for chance, _ in choices) - 1.0) > 1e-9 or any(chance < 0 for chance, _ in choices) or len(periods) != 1:
        raise BadValue("choices: chances must add up to 1 and all schedules must have one period")
    period_s = periods.pop()
    return min(_least_at(place, choices, period_s, attack_s) for place in range(len(choices[0][1].visits_s)))


def _least_at(place: int, choices: Sequence[tuple[float, VisitSchedule]], period_s: float, attack_s: float) -> float:
    """The chance drops only right after a visit of some schedule, so those moments are all that need to be tried."""
    moments = np.unique(np.concatenate([schedule.visits_s[place] for _, schedule in choices]))
    if moments.size == 0:
        return 0.0
    chance = np.zeros(moments.size)
    for share, schedule in choices:
        times = schedule.visits_s[place]
        if times.size:
            unrolled = np.concatenate((times, times + period_s, times[:1] + 2 * period_s))
            following = unrolled[np.searchsorted(unrolled, moments + _SAME_S, side="right")]
            chance += share * (following - moments <= attack_s + _SAME_S)
    return float(chance.min())


def capture_after_wait(gaps_s: Floats, attack_s: float) -> float:
    """The least share of gaps (n,) s that meets an attack of ``attack_s``, for an observer who sees visits but no schedule.

    He waits ``w`` after a visit and strikes if none came: min over w of P(gap ≤ w + attack | gap > w), from the gaps' own shares.
    """
    if gaps_s.size == 0:
        return 0.0
    ordered = np.sort(gaps_s)
    waits = np.concatenate(([0.0], ordered[:-1]))
    above = ordered.size - np.searchsorted(ordered, waits, side="right")
    met = np.searchsorted(ordered, waits + attack_s + _SAME_S, side="right") - np.searchsorted(ordered, waits, side="right")
    return float((met[above > 0] / above[above > 0]).min(initial=1.0))


def capture_at_random_moment(log: VisitLog, attack_s: float, warm_up_s: float = WARM_UP_S) -> float:
    """The chance that an attack of ``attack_s`` is met which begins at a random moment at the place where that is least."""
    least = 1.0
    for place in range(len(log.visits_s)):
        begun, ended = log.spells(place)
        counted = np.clip(warm_up_s, begun, ended)
        missed = np.maximum(0.0, ended - attack_s - counted)
        least = min(least, 1.0 - float(missed.sum()) / (log.horizon_s - warm_up_s))
    return least


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stream:
    """Visits of one robot: ``places`` (n,), ``came_s`` (n,), ``left_s`` (n,); times in any order."""

    places: npt.NDArray[np.int64]
    came_s: Floats
    left_s: Floats


def idle_spells(
    horizon_s: float, places: int, streams: Sequence[Stream], ages_s: Floats | None = None
) -> tuple[npt.NDArray[np.int64], Floats, Floats]:
    """Which place (n,) was left alone when (n,) s and until when (n,) s, from time 0 to the horizon, in the order of places: the
    spells of ``merged_log`` at once, for searches that judge many plans. ``ages_s`` (N,) is how long each place has been left
    alone at time 0 already, by default not at all."""
    span_s = 2.0 ** math.ceil(math.log2(2.0 * horizon_s + 1.0))  # a power of two, so that multiples divide without remainder
    every = np.arange(places) * span_s
    came = np.concatenate([every, *(stream.places * span_s + np.minimum(stream.came_s, horizon_s) for stream in streams)])
    left = np.concatenate([every, *(stream.places * span_s + np.minimum(stream.left_s, horizon_s) for stream in streams)])
    order = np.argsort(came, kind="stable")
    begun = np.maximum.accumulate(left[order])
    of_place = came[order] // span_s
    last = np.append(of_place[1:] != of_place[:-1], True)
    ended = np.maximum(np.where(last, of_place * span_s + horizon_s, np.roll(came[order], -1)), begun) - of_place * span_s
    begun -= of_place * span_s
    if ages_s is not None:
        begun[np.append(True, last[:-1])] -= ages_s
    return of_place.astype(np.int64), begun, ended


def merged_log(horizon_s: float, places: int, streams: Sequence[Stream]) -> VisitLog:
    """One log of several robots' visits; what lies beyond the horizon is cut."""
    where = np.concatenate([stream.places for stream in streams])
    came = np.concatenate([stream.came_s for stream in streams])
    left = np.concatenate([stream.left_s for stream in streams])
    order = np.lexsort((came, where))
    order = order[came[order] <= horizon_s]
    where, came, left = where[order], came[order], np.minimum(left[order], horizon_s)
    limits = list(pairwise(np.searchsorted(where, np.arange(places + 1)).tolist()))
    return VisitLog(
        horizon_s=horizon_s,
        visits_s=tuple(came[low:high] for low, high in limits),
        departures_s=tuple(left[low:high] for low, high in limits),
    )


def least_capture_of_log(log: VisitLog, attack_s: float, warm_up_s: float = WARM_UP_S) -> float:
    """The least chance that an attack of ``attack_s`` is met, for an observer who knows every visit of ``log``: 1 when no place
    is left alone for longer after the warm-up, 0 otherwise."""
    return 1.0 if worst_idleness_s(log, warm_up_s) <= attack_s + _SAME_S else 0.0
