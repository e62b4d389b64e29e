# SPDX-License-Identifier: Apache-2.0
"""Games whose values are known, found from scratch and proven in fractions; and bounds that nothing exceeds."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mission.games.bound import least_loss
from mission.games.exact import rationalised
from mission.games.game import Launch, Move, PatrolGame, Sight, Target
from mission.games.history import history_capture
from mission.games.optimise import search
from mission.games.problem import worst_loss
from mission.games.states import Memory
from mission.games.symmetry import automorphisms
from tests.mission.games.arenas import QUICK, cycle, scattered, star, star_round
from tests.mission.games.test_capture import drawn_walk

KNOWN = [
    (star(3, 4), Memory(), Fraction(1, 3)),
    (star(3, 4), Memory(places=1), Fraction(1, 2)),
    (star(4, 4), Memory(places=1), Fraction(1, 3)),
    (star(3, 6), Memory(places=1), Fraction(1)),
    (cycle(5, 2), Memory(), Fraction(1, 4)),
    (cycle(5, 2), Memory(places=1, counters=2), Fraction(1, 3)),
    (cycle(5, 2, sight=Sight.STATE), Memory(places=1), Fraction(1, 4)),
    (cycle(7, 3), Memory(places=1, counters=3), Fraction(1, 4)),
    (cycle(4, 4, launch=Launch.DEPARTURE, sight=Sight.STATE), Memory(places=1), Fraction(1)),
]


@pytest.mark.parametrize(("game", "memory", "value"), KNOWN)
def test_known_values_are_found_exactly(game: PatrolGame, memory: Memory, value: Fraction) -> None:
    found = search(game, memory, QUICK)
    exact = rationalised(game, found.walk, found.orbit)
    assert exact is not None
    assert exact.capture == value
    assert found.loss == pytest.approx(1.0 - float(value), abs=1e-9)
    assert 1.0 - least_loss(game) >= float(value) - 1e-9


def test_the_same_seed_finds_the_same_strategy() -> None:
    first, second = (search(star(4, 6), Memory(places=1), QUICK) for _ in range(2))
    assert np.array_equal(first.walk.chance, second.walk.chance)
    assert first.loss == pytest.approx(4 / 9, abs=1e-9)


def test_a_known_round_is_found_where_it_is_best() -> None:
    """Attacks as long as the round: leaning towards it, one start is enough."""
    game = star(5, 10)
    found = search(game, Memory(places=1), QUICK.model_copy(update={"starts": 1}), round_places=star_round(5))
    assert found.loss == pytest.approx(0.0, abs=1e-9)


def test_heavier_targets_are_guarded_better() -> None:
    plain = star(3, 4)
    heavy = replace(plain, targets=(replace(plain.targets[0], weight=3.0), *plain.targets[1:]))
    found = search(heavy, Memory(), QUICK)
    chance = {int(found.walk.graph.place[h]): c for h, c in zip(found.walk.graph.heads, found.walk.chance, strict=True) if c < 1}
    assert chance[1] > 0.5 > chance[2]
    assert found.loss < worst_loss(heavy, search(plain, Memory(), QUICK).walk) - 0.1


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), launch=st.sampled_from(list(Launch)), sight=st.sampled_from(list(Sight)))
def test_no_strategy_beats_the_bound(seed: int, launch: Launch, sight: Sight) -> None:
    game = scattered(seed, launch=launch, sight=sight)
    walk = drawn_walk(game, Memory(places=1), seed)
    assert worst_loss(game, walk) >= least_loss(game) - 1e-9


@pytest.mark.parametrize(("game", "value"), [(star(3, 4), 1 / 2), (star(4, 4), 1 / 3), (cycle(5, 2), 1 / 3), (star(3, 6), 1.0)])
def test_the_bound_is_tight_on_small_games(game: PatrolGame, value: float) -> None:
    assert 1.0 - least_loss(game) == pytest.approx(value, abs=1e-9)


def test_a_target_that_no_move_leads_to_is_lost() -> None:
    moves = tuple(Move(start=a, end=b, ticks=1) for a, b in ((0, 1), (1, 0), (2, 0)))
    targets = tuple(Target(place=place, attack_ticks=9, weight=float(place), detection=0.5) for place in (1, 2))
    assert least_loss(PatrolGame(dwell_ticks=(0, 0, 0), moves=moves, targets=targets)) == 2.0


def test_a_bound_by_counting_holds_where_paths_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = least_loss(star(5, 6))
    least_loss.cache_clear()
    monkeypatch.setattr("mission.games.bound._MOST_LABELS", 1)
    counted = least_loss(star(5, 6))
    least_loss.cache_clear()
    assert 0.0 < counted <= exact + 1e-9


def test_symmetries_of_rings_and_stars() -> None:
    assert len(automorphisms(star(4, 4))) >= 2
    generators = automorphisms(cycle(5, 2))
    moved = {permutation[0] for permutation in generators}
    assert moved - {0}
    lopsided = star(3, 4)
    uneven = tuple(replace(target, weight=float(target.place)) for target in lopsided.targets)
    assert automorphisms(replace(lopsided, targets=uneven)) == []


def test_hidden_memory_hides_nothing_from_one_who_has_watched_from_the_start() -> None:
    """The ring's 1/3 holds against an observer of the present move; one who counts the moves in a run foresees the turn."""
    found = search(cycle(5, 2), Memory(places=1, counters=2), QUICK)
    watched = history_capture(cycle(5, 2), found.walk)
    assert watched.at_most < 1 / 3 - 0.01
    star_walk = search(star(3, 4), Memory(places=1), QUICK).walk
    exact = history_capture(star(3, 4), star_walk)
    assert exact.is_exact
    assert exact.at_least == pytest.approx(0.5)


def test_history_is_bracketed_when_beliefs_do_not_end() -> None:
    game = cycle(5, 2)
    walk = drawn_walk(game, Memory(counters=2), 4)
    bracket = history_capture(game, walk, most_beliefs=60)
    assert bracket.beliefs == 60
    assert bracket.at_least <= bracket.at_most
