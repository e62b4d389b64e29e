# SPDX-License-Identifier: Apache-2.0
"""The nearest change that would have kept an alert silent: searched for, and tried on the rule itself before it is told.

Each candidate changes one thing: a measured value to just past its limit, the place by the shortest step on which a limit fails,
or the hour to when the rule no longer counts. Which is nearest is told by steps that mean about as much to a person: half a
second, half a metre, a tenth of certainty (a counterfactual in the sense of Wachter, Mittelstadt, Russell, 2017, with a weighted
distance).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from patrol.checks import Floats
from patrol.clock import NS_PER_S
from patrol.percepts import Threshold
from perception.rulebook.config import AnyRule
from perception.rulebook.scene import Measures, Observation

_STEPS: Mapping[str, float] = MappingProxyType(
    {
        "inside_probability": 0.1,
        "beyond_probability": 0.1,
        "score": 0.1,
        "hits": 3.0,
        "count": 1.0,
        "position_std_m": 0.3,
        "speed_mps": 0.5,
        "pace_mps": 0.5,
        "dwell_s": 0.5,
        "apart_s": 0.5,
        "cold_s": 0.5,
        "lying_s": 0.5,
        "moved_m": 0.5,
        "stood_s": 2.0,
        "unattended_s": 2.0,
        "level_db": 3.0,
        "bearing_std_deg": 5.0,
    }
)
_WHOLE = ("hits", "count")
_PLACE_STEP_M = 0.5
_FAR_M, _NEAR_ENOUGH_M = 64.0, 0.02
_DIRECTIONS = 32
_HOUR_STEP_S, _HOURS_AHEAD = 300.0, 24
_MINUTES_PER_STEP = 10.0
_COMPASS = ("east", "north-east", "north", "north-west", "west", "south-west", "south", "south-east")
_JUST = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that would have had to be otherwise. ``measure``: which value (``place_m`` and ``time_min`` are the place and the
    hour), from ``was`` to ``would_be``; ``steps`` is how much of a change that is; ``by_m`` (2,) in map, for a place."""

    measure: str
    was: float
    would_be: float
    steps: float
    by_m: tuple[float, float] | None = None

    @property
    def is_elsewhere(self) -> bool:
        """Whether it is another place or hour, and not a measured value."""
        return self.measure in ("place_m", "time_min")


def changes(rule: AnyRule, seen: Observation, *, counts_at: Callable[[int], bool], now_ns: int) -> tuple[Change, ...]:
    """All single changes that would have kept ``rule`` silent on ``seen``, the nearest first. ``counts_at`` says whether the rule
    and its place count at a time."""
    found = list(_of_values(rule, seen.measures))
    place = _of_place(rule, seen)
    hour = _of_hour(counts_at, now_ns)
    found += [item for item in (place, hour) if item is not None]
    return tuple(sorted(found, key=lambda item: (item.steps, item.measure)))


def is_silent(rule: AnyRule, measures: Measures) -> bool:
    """Whether some limit fails."""
    return any(test.margin < 0.0 for test in rule.tests(measures))


def said(change: Change) -> str:
    """The change in words: "if ..."."""
    if change.by_m is not None:
        east, north = change.by_m
        sector = round(math.atan2(north, east) / (math.pi / 4.0)) % len(_COMPASS)
        return f"it had stood {change.would_be:.1f} m further {_COMPASS[sector]}"
    if change.measure == "time_min":
        return f"it had been {abs(change.would_be):.0f} min {'later' if change.would_be > 0 else 'earlier'}"
    name, unit = NAMES[change.measure]
    if change.measure in _WHOLE:
        return f"{name} had been {change.would_be:.0f} (it was {change.was:.0f})"
    side = "below" if change.would_be < change.was else "above"
    return f"{name} had been {side} {change.would_be:.2f}{unit} (it was {change.was:.2f}{unit})"


NAMES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "inside_probability": ("the probability of being inside", ""),
        "beyond_probability": ("the probability of being beyond the line", ""),
        "dwell_s": ("the time inside", " s"),
        "hits": ("the number of pictures that show it", ""),
        "score": ("the detection score", ""),
        "speed_mps": ("the speed", " m/s"),
        "pace_mps": ("the pace over two seconds", " m/s"),
        "position_std_m": ("the uncertainty of the place", " m"),
        "cold_s": ("the time it stood still, as cold as what surrounds it,", " s"),
        "lying_s": ("the time on the ground", " s"),
        "moved_m": ("the way it surely made", " m"),
        "apart_s": ("the time after the one before", " s"),
        "count": ("the number of people", ""),
        "unattended_s": ("the time with nobody near", " s"),
        "stood_s": ("the time it stood there", " s"),
        "level_db": ("the level above the background", " dB"),
        "bearing_std_deg": ("the uncertainty of the bearing", "°"),
    }
)


def _of_values(rule: AnyRule, measured: Measures) -> Iterator[Change]:
    for test in rule.tests(measured):
        would_be = _just_past(test)
        if is_silent(rule, {**measured, test.name: would_be}):
            steps = abs(would_be - test.measured) / _STEPS[test.name]
            yield Change(measure=test.name, was=test.measured, would_be=would_be, steps=steps)


def _just_past(test: Threshold) -> float:
    """The nearest value on which the test fails: a whole number where the measure counts."""
    below = test.holds_when == "at least"
    if test.name in _WHOLE:
        return math.ceil(test.limit) - 1.0 if below else math.floor(test.limit) + 1.0
    slack = _JUST * max(abs(test.limit), 1.0)
    return test.limit - slack if below else test.limit + slack


def _of_place(rule: AnyRule, seen: Observation) -> Change | None:
    """The shortest step on which a limit fails, to within 2 cm, in the best of 32 directions."""
    best: tuple[float, Floats] | None = None
    for turn in np.arange(_DIRECTIONS) * (2.0 * np.pi / _DIRECTIONS):
        way = np.array([math.cos(turn), math.sin(turn)])
        reach = _FAR_M if best is None else best[0]
        length = _shortest(rule, seen, way, reach)
        if length is not None and (best is None or length < best[0] - _NEAR_ENOUGH_M):
            best = (length, way)
    if best is None:
        return None
    by = best[0] * best[1]
    return Change(measure="place_m", was=0.0, would_be=best[0], steps=best[0] / _PLACE_STEP_M, by_m=(float(by[0]), float(by[1])))


def _shortest(rule: AnyRule, seen: Observation, way: Floats, reach_m: float) -> float | None:
    """How far along ``way`` (2,) the rule first falls silent: doubling steps, then halving."""
    if seen.if_moved is None:
        return None
    low, high = 0.0, min(0.25, reach_m)
    while not is_silent(rule, seen.if_moved(high * way)):
        if high >= reach_m:
            return None
        low, high = high, min(2.0 * high, reach_m)
    while high - low > _NEAR_ENOUGH_M:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if is_silent(rule, seen.if_moved(middle * way)) else (middle, high)
    return high


def _of_hour(counts_at: Callable[[int], bool], now_ns: int) -> Change | None:
    """The nearest time of the next or last day, to within five minutes, at which the rule does not count."""
    for number in range(1, round(_HOURS_AHEAD * 3600.0 / _HOUR_STEP_S) + 1):
        for sign in (1, -1):
            offset_s = sign * number * _HOUR_STEP_S
            if not counts_at(now_ns + round(offset_s * NS_PER_S)):
                minutes = offset_s / 60.0
                return Change(measure="time_min", was=0.0, would_be=minutes, steps=abs(minutes) / _MINUTES_PER_STEP)
    return None
