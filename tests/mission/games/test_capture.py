# SPDX-License-Identifier: Apache-2.0
"""Capture probabilities: against fractions, against play, and their derivatives against differences."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mission.games.capture import Evaluator
from mission.games.draw import SecretDraw
from mission.games.exact import exact_value
from mission.games.game import Launch, Move, PatrolGame, Sight, Target
from mission.games.play import DrawnPatrol, PlayState
from mission.games.problem import Problem, best_class, hopeful, worst_loss
from mission.games.states import Memory, Walk, closed_classes, restricted, stationary, unfold
from patrol.errors import BadValue
from tests.mission.games.arenas import SEED, cycle, scattered, star

VIEWS = [(launch, sight) for launch in Launch for sight in Sight]


def drawn_walk(game: PatrolGame, memory: Memory, seed: int) -> Walk:
    """A walk with chances of small denominators, one closed class."""
    graph = unfold(game, memory)
    parts = np.random.default_rng(seed).integers(1, 5, size=graph.steps).astype(np.float64)
    walk = Walk(graph=graph, chance=parts / np.bincount(graph.tails, weights=parts)[graph.tails])
    return restricted(walk, closed_classes(graph, walk.chance > 0)[0])


def fractions_of(walk: Walk) -> tuple[Fraction, ...]:
    return tuple(Fraction(float(chance)).limit_denominator(400) for chance in walk.chance)


@pytest.mark.parametrize(("launch", "sight"), VIEWS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_numbers_are_those_of_fractions(launch: Launch, sight: Sight, seed: int) -> None:
    game = scattered(seed, launch=launch, sight=sight)
    walk = drawn_walk(game, Memory(places=seed % 2, counters=1 + seed % 2), seed)
    capture, loss = exact_value(game, walk.graph, fractions_of(walk))
    assert worst_loss(game, walk) == pytest.approx(float(loss), abs=1e-12)
    assert 0 <= capture <= 1


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), view=st.sampled_from(VIEWS), counters=st.integers(1, 2))
def test_derivatives_are_the_slopes_of_the_values(seed: int, view: tuple[Launch, Sight], counters: int) -> None:
    game = scattered(seed, launch=view[0], sight=view[1])
    walk = drawn_walk(game, Memory(counters=counters), seed)
    problem = Problem(game, walk.graph, np.arange(walk.graph.steps))
    rng = np.random.default_rng(seed)
    looked = problem.look(walk.chance)
    weights = rng.random(looked.caught.shape)
    slope = problem.slopes(looked, weights, np.arange(len(game.targets))).sum(axis=1)
    push = rng.normal(size=walk.graph.steps)
    push -= (np.bincount(walk.graph.tails, weights=push) / np.bincount(walk.graph.tails))[walk.graph.tails]
    push *= walk.chance.min() / np.abs(push).max() if np.abs(push).max() > 0 else 0.0

    def height(ahead: float) -> float:
        return float((problem.look(walk.chance + ahead * push).caught * weights).sum())

    assert slope @ push == pytest.approx((height(1e-4) - height(-1e-4)) / 2e-4, rel=1e-5, abs=1e-7)


def test_play_catches_as_often_as_computed() -> None:
    """Attack place 0 whenever the patrol sets off along one move; the share caught is the computed probability."""
    game = scattered(3)
    walk = drawn_walk(game, Memory(), 3)
    sure = PatrolGame(dwell_ticks=game.dwell_ticks, moves=game.moves, targets=(Target(place=0, attack_ticks=9),))
    by_step, _ = Evaluator(sure, walk.graph).by_step(walk.chance)
    rng = np.random.default_rng(5)
    step = int(np.argmin(np.abs(by_step[:, 0] - 0.5)))
    caught = 0
    runs = 4000
    for _ in range(runs):
        state, left = int(walk.graph.heads[step]), 9 - int(walk.graph.travel[step])
        while left >= 0 and walk.graph.place[state] != 0:
            out = np.flatnonzero(walk.graph.tails == state)
            taken = int(rng.choice(out, p=walk.chance[out]))
            left -= int(walk.graph.travel[taken]) + game.dwell_ticks[walk.graph.place[state]]
            state = int(walk.graph.heads[taken])
        caught += left >= 0
    assert caught / runs == pytest.approx(by_step[step, 0], abs=4 * 0.5 / runs**0.5)


@pytest.mark.parametrize("launch", list(Launch))
def test_how_much_longer_than_any_attack_a_move_takes_changes_nothing(launch: Launch) -> None:
    """A move of hundreds of millions of ticks takes no memory either."""
    plain = scattered(3, launch=launch)
    looked = []
    for far in (plain.horizon + 1, 300_000_000):
        game = replace(plain, moves=(replace(plain.moves[0], ticks=far), *plain.moves[1:]))
        walk = drawn_walk(game, Memory(), 3)
        problem = Problem(game, walk.graph, np.arange(walk.graph.steps))
        view = problem.look(walk.chance)
        looked.append((view.caught, problem.slopes(view, np.ones(view.caught.shape), np.arange(len(game.targets)))))
    assert np.array_equal(looked[0][0], looked[1][0])
    assert np.array_equal(looked[0][1], looked[1][1])


def test_an_arrival_on_the_last_tick_catches() -> None:
    game = star(3, 4)
    walk = drawn_walk(game, Memory(), 0)
    even = Walk(graph=walk.graph, chance=1.0 / np.bincount(walk.graph.tails)[walk.graph.tails])
    assert worst_loss(game, even) == pytest.approx(2 / 3)
    assert worst_loss(star(3, 2), even) == pytest.approx(1.0)
    assert worst_loss(star(3, 3), even) == pytest.approx(2 / 3)


def test_steps_that_can_never_be_caught_are_left_out() -> None:
    game = cycle(6, 3, launch=Launch.DEPARTURE, sight=Sight.STATE)
    assert hopeful(game, unfold(game, Memory())) is None
    game = star(3, 4)
    graph = unfold(game, Memory(places=1))
    kept = hopeful(game, graph)
    assert kept is not None
    assert kept.steps == graph.steps


def test_the_best_closed_class_is_kept() -> None:
    """Two rings joined one way: the patrol may settle in the one that holds the target."""
    moves = [Move(start=a, end=b, ticks=1) for a, b in ((0, 1), (1, 0), (0, 2), (2, 3), (3, 2))]
    game = PatrolGame(dwell_ticks=(0,) * 4, moves=tuple(moves), targets=(Target(place=3, attack_ticks=2),))
    graph = unfold(game, Memory())
    walk, loss = best_class(game, Walk(graph=graph, chance=1.0 / np.bincount(graph.tails)[graph.tails]))
    assert sorted(walk.graph.place.tolist()) == [2, 3]
    assert loss == 0.0


def test_large_and_small_graphs_have_the_same_shares(monkeypatch: pytest.MonkeyPatch) -> None:
    walk = drawn_walk(scattered(7), Memory(places=1, counters=2), 7)
    dense = stationary(walk)
    monkeypatch.setattr("mission.games.states._DENSE_STATES", 0)
    assert stationary(walk) == pytest.approx(dense, abs=1e-12)


def test_games_that_make_no_sense_are_refused() -> None:
    target = Target(place=0, attack_ticks=2)
    with pytest.raises(BadValue, match="leads away"):
        PatrolGame(dwell_ticks=(0, 0), moves=(Move(start=0, end=1, ticks=1),), targets=(target,))
    with pytest.raises(BadValue, match="takes no time"):
        PatrolGame(dwell_ticks=(0,), moves=(Move(start=0, end=0, ticks=0),), targets=(target,))
    with pytest.raises(BadValue, match="each known"):
        PatrolGame(dwell_ticks=(0,), moves=(Move(start=0, end=0, ticks=1),), targets=(Target(place=4, attack_ticks=2),))
    with pytest.raises(BadValue, match="not above zero"):
        Target(place=0, attack_ticks=0)
    with pytest.raises(BadValue, match="detection"):
        Target(place=0, attack_ticks=1, detection=0.0)
    graph = unfold(star(2, 2), Memory())
    with pytest.raises(BadValue, match="not one in sum"):
        Walk(graph=graph, chance=np.full(graph.steps, 0.9))
    with pytest.raises(BadValue, match="counters"):
        Memory(counters=0)


def test_a_state_can_be_stored_and_taken_up() -> None:
    game = star(3, 4)
    patrol = DrawnPatrol(game, drawn_walk(game, Memory(places=1), 1))
    draw = SecretDraw(SEED)
    now = patrol.begin(0)
    for _ in range(5):
        now = patrol.next_node(now, draw).after
    again = PlayState(place=now.place, state=now.state, now=now.now, since=now.since, draw=now.draw)
    assert patrol.next_node(again, SecretDraw(SEED)) == patrol.next_node(now, draw)
