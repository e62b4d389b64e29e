# SPDX-License-Identifier: Apache-2.0
"""Several robots on a closed perimeter, after Agmon, Kaminka and Kraus (JAIR 42, 2011): all turn or all go on, by one draw.

The robots are ``d`` segments apart and move as one. Each tick they go one segment straight on with probability p, or turn about,
which takes ``turn_ticks``. An attack on a segment takes ``t`` ticks; the attacker knows p and sees the robots and their heading.
The detection probability of each segment is a polynomial in p with whole coefficients, so the best p, where the least of these
polynomials is greatest, is found from exact figures.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.optimize import brentq

from mission.games.states import StateGraph, Walk
from patrol.checks import Floats
from patrol.errors import BadValue

Polynomial = tuple[int, ...]
"""Whole coefficients, the constant first."""
_GRID = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Perimeter:
    """``between``: segments from one robot to the next (d); ``attack_ticks``: how long an attack takes (t). Raises BadValue for
    fewer than two segments, or times that are not above zero."""

    between: int
    attack_ticks: int
    turn_ticks: int = 1

    def __post_init__(self) -> None:
        if self.between < 2 or self.attack_ticks < 1 or self.turn_ticks < 1:
            raise BadValue(f"perimeter: {self.between} segments, attack {self.attack_ticks}, turn {self.turn_ticks} ticks")

    @property
    def is_certain(self) -> bool:
        """Whether going straight on already catches every attack."""
        return self.attack_ticks >= self.between

    def walk(self, p: float) -> Walk:
        """The walk of one robot of the team relative to its beat, for the other figures: states are segment and heading."""
        straight, turn = (1.0, 0.0) if p >= 1.0 else (p, 1.0 - p)
        rows = []
        for segment in range(self.between):
            for heading, ahead in ((0, 1), (1, -1)):
                tail = 2 * segment + heading
                rows.append((tail, 2 * ((segment + ahead) % self.between) + heading, 1, straight))
                rows.append((tail, 2 * segment + 1 - heading, self.turn_ticks, turn))
        taken = [row for row in sorted(rows) if row[3] > 0.0]
        steps = np.array([row[:3] for row in taken], dtype=np.int64)
        graph = StateGraph(
            place=np.repeat(np.arange(self.between), 2),
            tails=steps[:, 0],
            heads=steps[:, 1],
            travel=steps[:, 2],
            labels=tuple(((state // 2,), state % 2) for state in range(2 * self.between)),
        )
        return Walk(graph=graph, chance=np.array([row[3] for row in taken]))


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnRule:
    """The best probability ``p`` to go straight on, the least detection probability ``capture`` with it, the ``segment`` where
    it is met. ``p_exact`` and ``capture_exact`` are fractions when the best p is rational, else None."""

    p: float
    capture: float
    segment: int
    p_exact: Fraction | None
    capture_exact: Fraction | None


def detection_polynomials(perimeter: Perimeter) -> tuple[Polynomial, ...]:
    """For each segment 1 .. d - 1 ahead of a robot, the probability that it is seen within the attack, as a polynomial in p.

    The robots have just arrived and have not yet drawn; segment d is where the next robot stands.
    """
    return tuple(_detection(perimeter, segment) for segment in range(1, perimeter.between))


def find_p(perimeter: Perimeter) -> TurnRule:
    """The p that makes the least detection probability greatest (FindP of the paper), to the last digit of a float, and in
    fractions where it is rational."""
    polynomials = detection_polynomials(perimeter)
    if perimeter.is_certain:
        return TurnRule(p=1.0, capture=1.0, segment=perimeter.between - 1, p_exact=Fraction(1), capture_exact=Fraction(1))
    p = max(_candidates(perimeter), key=lambda each: float(_least(polynomials, each)[0]))
    exact = _rational(polynomials, p)
    capture, segment = _least(polynomials, Fraction(p) if exact is None else exact)
    return TurnRule(
        p=p if exact is None else float(exact),
        capture=float(capture),
        segment=segment,
        p_exact=exact,
        capture_exact=None if exact is None else capture,
    )


def value(polynomial: Polynomial, p: Fraction | float) -> Fraction | float:
    """The polynomial at p, by Horner's rule."""
    result: Fraction | float = 0 * p
    for coefficient in reversed(polynomial):
        result = result * p + coefficient
    return result


def monte_carlo(perimeter: Perimeter, p: float, *, runs: int, rng: np.random.Generator) -> Floats:
    """Detection probabilities (d - 1,) as counted in ``runs`` drawn patrols: a check that shares nothing with the above."""
    d, t = perimeter.between, perimeter.attack_ticks
    seen = np.zeros((runs, d), dtype=np.bool_)
    at, heading = np.zeros(runs, dtype=np.int64), np.ones(runs, dtype=np.int64)
    busy = np.zeros(runs, dtype=np.int64)
    for _ in range(t):
        free = busy == 0
        straight = free & (rng.random(runs) < p)
        turning = free & ~straight
        busy[turning] = perimeter.turn_ticks
        at[straight] = (at[straight] + heading[straight]) % d
        seen[np.arange(runs)[straight], at[straight]] = True
        busy[busy > 0] -= 1
        done = (busy == 0) & ~straight
        heading[done] *= -1
    share: Floats = seen[:, 1:].mean(axis=0)
    return share


def _detection(perimeter: Perimeter, segment: int) -> Polynomial:
    """Mass by state as polynomials; what arrives at the segment is caught and leaves."""
    waiting: dict[int, dict[tuple[int, int], list[int]]] = defaultdict(dict)
    waiting[0][0, 1] = [1]
    caught = [0] * (perimeter.attack_ticks + 2)
    for now in range(perimeter.attack_ticks):
        for (at, heading), mass in waiting.pop(now, {}).items():
            onward = (at + heading) % perimeter.between
            if onward == segment:
                _accumulate(caught, [0, *mass])
            else:
                _put(waiting[now + 1], (onward, heading), [0, *mass])
            turned = [a - b for a, b in zip([*mass, 0], [0, *mass], strict=True)]
            _put(waiting[now + perimeter.turn_ticks], (at, -heading), turned)
    return tuple(caught)


def _accumulate(into: list[int], mass: list[int]) -> None:
    into.extend([0] * (len(mass) - len(into)))
    for power, coefficient in enumerate(mass):
        into[power] += coefficient


def _put(layer: dict[tuple[int, int], list[int]], state: tuple[int, int], mass: list[int]) -> None:
    _accumulate(layer.setdefault(state, []), mass)


def _least(polynomials: tuple[Polynomial, ...], p: Fraction | float) -> tuple[Fraction, int]:
    """The least value and its segment, exactly: a float is taken as the fraction that it is."""
    exact = p if isinstance(p, Fraction) else Fraction(p)
    values = [Fraction(value(polynomial, exact)) for polynomial in polynomials]
    least = min(values)
    return least, values.index(least) + 1


def _candidates(perimeter: Perimeter) -> list[float]:
    """Every p where the lower envelope may peak: peaks of the polynomials and their crossings, found between grid points."""
    polynomials = detection_polynomials(perimeter)
    heights = np.array([[_height(each, part) for part in range(_GRID + 1)] for each in polynomials])
    lowest = heights.argmin(axis=0)
    peaks = [0.0, 1.0]
    for index in range(1, _GRID):
        if heights[:, index].min() < max(heights[:, index - 1].min(), heights[:, index + 1].min()):
            continue
        near = {int(lowest[k]) for k in (index - 1, index, index + 1)}
        peaks += _peaks(polynomials, near, (index - 1) / _GRID, (index + 1) / _GRID)
    return peaks


def _peaks(polynomials: tuple[Polynomial, ...], near: set[int], left: float, right: float) -> list[float]:
    """Every p in between where the lower envelope of those ``near`` may peak; more are taken in until none of the others is lower
    where it does."""
    while True:
        some = [polynomials[one] for one in sorted(near)]
        found = [left, right]
        for first, polynomial in enumerate(some):
            found += _root(_slope(polynomial), left, right)
            for other in some[:first]:
                found += _root(_less(other, polynomial), left, right)
        highest = max(found, key=lambda p: _least(tuple(some), p)[0])
        lowest = _least(polynomials, highest)[1] - 1
        if lowest in near:
            return found
        near = near | {lowest}


def _height(polynomial: Polynomial, part: int) -> float:
    """The polynomial at ``part`` of the grid, in whole numbers."""
    result, power = 0, 1
    for coefficient in reversed(polynomial):
        result = result * part + coefficient * power
        power *= _GRID
    return float(Fraction(result * _GRID, power))


def _slope(polynomial: Polynomial) -> Polynomial:
    return tuple(power * coefficient for power, coefficient in enumerate(polynomial))[1:]


def _less(first: Polynomial, second: Polynomial) -> Polynomial:
    length = max(len(first), len(second))
    padded = [each + (0,) * (length - len(each)) for each in (first, second)]
    return tuple(a - b for a, b in zip(*padded, strict=True))


def _root(polynomial: Polynomial, left: float, right: float) -> list[float]:
    """A root between, if the ends differ in sign; the values are exact, so cancellation does not hide it."""

    def height(p: float) -> float:
        return float(value(polynomial, Fraction(p)))

    if height(left) * height(right) >= 0.0:
        return [p for p in (left, right) if height(p) == 0.0]
    return [float(brentq(height, left, right, xtol=1e-15, rtol=4 * np.finfo(float).eps))]


def _rational(polynomials: tuple[Polynomial, ...], p: float) -> Fraction | None:
    """The fraction of a small denominator that p stands for, if it is no worse than p."""
    for limit in (1, 10, 100, 1000):
        near = Fraction(p).limit_denominator(limit)
        if math.isclose(float(near), p, abs_tol=1e-7) and _least(polynomials, near)[0] >= _least(polynomials, p)[0]:
            return near
    return None
