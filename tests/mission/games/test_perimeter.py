# SPDX-License-Identifier: Apache-2.0
"""Perimeter patrol by a turn probability: the closed form, other beats against counting, and the same figures as the games."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from mission.games.capture import Evaluator
from mission.games.game import Launch, Move, PatrolGame, Sight, Target
from mission.games.idleness import mean_idleness_ticks
from mission.games.perimeter import Perimeter, detection_polynomials, find_p, monte_carlo, value
from patrol.errors import BadValue


@pytest.mark.parametrize("attack", [2, 3, 4, 5, 8, 13])
def test_half_the_beat_has_a_closed_form(attack: int) -> None:
    rule = find_p(Perimeter(between=2 * attack, attack_ticks=attack))
    assert rule.p_exact == Fraction(attack - 1, attack)
    assert rule.capture_exact == Fraction(attack - 1, attack) ** (attack - 1) / attack
    assert rule.segment in (attack, attack + 1)


@pytest.mark.parametrize(("between", "attack", "turn"), [(6, 4, 1), (9, 6, 2), (10, 7, 1), (7, 5, 3)])
def test_polynomials_agree_with_counting(between: int, attack: int, turn: int) -> None:
    perimeter = Perimeter(between=between, attack_ticks=attack, turn_ticks=turn)
    counted = monte_carlo(perimeter, 0.7, runs=60_000, rng=np.random.default_rng(3))
    computed = [float(value(each, Fraction(7, 10))) for each in detection_polynomials(perimeter)]
    assert counted == pytest.approx(computed, abs=4 * 0.5 / 60_000**0.5)


@pytest.mark.parametrize(("between", "attack", "turn"), [(6, 4, 1), (9, 6, 2), (11, 7, 1), (21, 19, 1)])
def test_no_other_p_is_better(between: int, attack: int, turn: int) -> None:
    perimeter = Perimeter(between=between, attack_ticks=attack, turn_ticks=turn)
    rule = find_p(perimeter)
    polynomials = detection_polynomials(perimeter)
    others = [min(value(each, Fraction(part, 1999)) for each in polynomials) for part in range(2000)]
    assert rule.capture >= float(max(others))
    assert rule.capture == pytest.approx(float(min(value(each, Fraction(rule.p)) for each in polynomials)), abs=1e-12)


def test_the_game_on_the_same_ring_has_the_same_detection() -> None:
    """The walk of one robot relative to its beat, evaluated by the machinery of the games."""
    perimeter = Perimeter(between=8, attack_ticks=5)
    walk = perimeter.walk(0.6)
    moves = [Move(start=a, end=b, ticks=1) for a in range(8) for b in ((a - 1) % 8, a, (a + 1) % 8)]
    targets = tuple(Target(place=place, attack_ticks=5) for place in range(8))
    game = PatrolGame(dwell_ticks=(0,) * 8, moves=tuple(moves), targets=targets, launch=Launch.ARRIVAL, sight=Sight.STATE)
    by_step, _ = Evaluator(game, walk.graph).by_step(walk.chance)
    ahead = int(np.flatnonzero(walk.graph.heads == 0)[0])
    computed = [float(value(each, 0.6)) for each in detection_polynomials(perimeter)]
    assert by_step[ahead, 1:] == pytest.approx(computed, abs=1e-12)
    assert mean_idleness_ticks(game, walk) > 4.0


def test_a_long_attack_needs_no_turning_and_a_short_one_can_not_be_helped() -> None:
    assert find_p(Perimeter(between=6, attack_ticks=6)).p == 1.0
    assert Perimeter(between=6, attack_ticks=6).is_certain
    assert find_p(Perimeter(between=9, attack_ticks=3)).capture == 0.0
    assert Perimeter(between=4, attack_ticks=4).walk(1.0).graph.steps == 8
    with pytest.raises(BadValue, match="perimeter"):
        Perimeter(between=1, attack_ticks=3)
