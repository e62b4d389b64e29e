# SPDX-License-Identifier: Apache-2.0
"""Drawn patrols: the bound on every gap, the secret draw, and what a round with detours promises."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mission.games.detours import bounded_detours, detour_graph
from mission.games.draw import SecretDraw
from mission.games.game import PatrolGame
from mission.games.guard import least_limit, make_guard
from mission.games.idleness import mean_idleness_ticks, overdue_rates, visit_rates, worst_gap_ticks
from mission.games.learned import Watched, watch
from mission.games.optimise import search_on
from mission.games.play import DrawnPatrol
from mission.games.problem import worst_loss
from mission.games.states import Memory, Walk, unfold
from patrol.errors import BadValue
from tests.mission.games.arenas import QUICK, SEED, cycle, star, star_round


def even_walk(game: PatrolGame, memory: Memory) -> Walk:
    graph = unfold(game, memory)
    return Walk(graph=graph, chance=1.0 / np.bincount(graph.tails)[graph.tails])


def worst_seen(game: PatrolGame, watched: Watched) -> int:
    """The longest gap of any target, the one before its first visit and the one that is still open included."""
    arrivals, worst = np.array(watched.arrivals), 0
    for target in game.targets:
        times = arrivals[np.array(watched.places) == target.place]
        worst = max(worst, int(np.diff(np.concatenate(([0], times, [arrivals[-1]]))).max()))
    return worst


@settings(max_examples=25, deadline=None)
@given(leaves=st.integers(2, 6), spare=st.integers(0, 12), start=st.integers(0, 6), number=st.integers(0, 255))
def test_a_guarded_patrol_never_leaves_a_gap_over_its_limit(leaves: int, spare: int, start: int, number: int) -> None:
    game = star(leaves, 4)
    limit = least_limit(game, star_round(leaves)) + spare
    patrol = DrawnPatrol(game, even_walk(game, Memory()), make_guard(game, star_round(leaves), limit))
    watched = watch(patrol, min(start, leaves), visits=400, seed=bytes([number]) * 32)
    assert worst_seen(game, watched) <= limit


def test_without_the_guard_the_same_draws_leave_longer_gaps() -> None:
    game = star(6, 4)
    limit = least_limit(game, star_round(6))
    free = watch(DrawnPatrol(game, even_walk(game, Memory())), 0, visits=1500, seed=SEED)
    held = watch(DrawnPatrol(game, even_walk(game, Memory()), make_guard(game, star_round(6), limit)), 0, visits=1500, seed=SEED)
    assert worst_seen(game, free) > 2 * limit
    assert worst_seen(game, held) <= limit


def test_a_guarded_patrol_says_why_it_sweeps() -> None:
    game = star(4, 4)
    limit = least_limit(game, star_round(4))
    patrol = DrawnPatrol(game, even_walk(game, Memory()), make_guard(game, star_round(4), limit))
    draw, now, reasons = SecretDraw(SEED), patrol.begin(0), set[str]()
    for _ in range(300):
        following = patrol.next_node(now, draw)
        reasons.add(following.because.split(" of ")[0].split(",")[0])
        now = following.after
    assert reasons == {
        "drawn with a chance",
        "the draw would leave a place unseen for too long",
        "a place has gone unseen for long",
    }


def test_the_guard_wakes_no_more_often_than_stated() -> None:
    game = star(4, 4)
    guard = make_guard(game, star_round(4), 2 * least_limit(game, star_round(4)))
    patrol = DrawnPatrol(game, even_walk(game, Memory()), guard)
    draw, now, wakes = SecretDraw(SEED), patrol.begin(0), 0
    for _ in range(8000):
        following = patrol.next_node(now, draw)
        wakes += following.because.startswith("the draw would leave")
        now = following.after
    stated = float(overdue_rates(game, patrol.walk, guard.sleeps_up_to()).sum())
    assert 10 < wakes <= stated * now.now * 1.2


def test_guards_that_can_not_be_kept_are_refused() -> None:
    game = star(3, 4)
    with pytest.raises(BadValue, match="too tight"):
        make_guard(game, star_round(3), least_limit(game, star_round(3)) - 1)
    with pytest.raises(BadValue, match="never visits target 3"):
        make_guard(game, (0, 1, 0, 2), 50)
    with pytest.raises(BadValue, match="no move leads"):
        make_guard(game, (1, 2, 3), 50)
    with pytest.raises(BadValue, match="too few"):
        SecretDraw(b"short")
    assert "seed hidden" in repr(SecretDraw(SEED))


def test_draws_follow_their_chances_and_their_seed() -> None:
    draw = SecretDraw(SEED)
    picked = [draw.choice(number, (0.2, 0.0, 0.5, 0.3)) for number in range(8000)]
    assert np.bincount(picked, minlength=4) / 8000 == pytest.approx([0.2, 0.0, 0.5, 0.3], abs=0.02)
    assert picked[:50] == [SecretDraw(SEED).choice(number, (0.2, 0.0, 0.5, 0.3)) for number in range(50)]
    assert picked[:50] != [SecretDraw(SEED[::-1]).choice(number, (0.2, 0.0, 0.5, 0.3)) for number in range(50)]
    with pytest.raises(BadValue, match="nothing to choose"):
        draw.choice(0, (0.0, 0.0))


def test_a_round_is_as_idle_as_it_is_long() -> None:
    game = star(4, 4)
    graph = detour_graph(game, star_round(4), longest_ticks=0)
    walk = Walk(graph=graph, chance=np.ones(graph.steps))
    assert worst_gap_ticks(game, walk) == 8
    assert mean_idleness_ticks(game, walk) == pytest.approx(4.0)
    assert visit_rates(game, walk) == pytest.approx([1 / 8] * 4)
    assert overdue_rates(game, walk, np.full(4, 7)) == pytest.approx([1 / 8] * 4)
    assert overdue_rates(game, walk, np.full(4, 8)) == pytest.approx([0.0] * 4)


def test_idleness_of_an_even_walk_on_a_star_is_geometric() -> None:
    """A leaf is drawn every second tick with the chance 1/3: E[gap] = 6, E[gap²] = 60, so idleness is 5 on average."""
    game = star(3, 4)
    walk = even_walk(game, Memory())
    assert worst_gap_ticks(game, walk) == float("inf")
    assert mean_idleness_ticks(game, walk) == pytest.approx(5.0)
    assert overdue_rates(game, walk, np.array([10, 10, 10])) == pytest.approx([(2 / 3) ** 5 / 6] * 3)


def test_idleness_on_average_is_what_a_long_patrol_shows() -> None:
    game = cycle(5, 3)
    walk = even_walk(game, Memory(places=1))
    watched = watch(DrawnPatrol(game, walk), 0, visits=20_000, seed=SEED)
    squares = 0.0
    for place in range(5):
        times = [0, *(at for where, at in zip(watched.places, watched.arrivals, strict=True) if where == place)]
        squares += sum((b - a) ** 2 for a, b in pairwise(times))
    assert squares / 2 / 5 / watched.arrivals[-1] == pytest.approx(mean_idleness_ticks(game, walk), rel=0.05)


@settings(max_examples=12, deadline=None)
@given(leaves=st.integers(3, 5), longest=st.integers(0, 6), number=st.integers(0, 255))
def test_a_round_with_detours_keeps_its_bound_whatever_is_drawn(leaves: int, longest: int, number: int) -> None:
    game = star(leaves, 4)
    graph = detour_graph(game, star_round(leaves), longest_ticks=longest)
    walk = Walk(graph=graph, chance=1.0 / np.bincount(graph.tails)[graph.tails])
    bound = worst_gap_ticks(game, walk)
    assert 2 * leaves <= bound < float("inf")
    watched = watch(DrawnPatrol(game, walk), 0, visits=600, seed=bytes([number]) * 32)
    assert worst_seen(game, watched) <= bound


def test_detours_catch_what_the_round_does_not_and_stay_within_the_bound_asked_for() -> None:
    game = star(5, 8)
    graph = bounded_detours(game, star_round(5), 34)
    found = search_on(game, graph, QUICK)
    plain = detour_graph(game, star_round(5), longest_ticks=0)
    assert worst_loss(game, Walk(graph=plain, chance=np.ones(plain.steps))) == 1.0
    assert found.loss < 0.8
    assert 10 < worst_gap_ticks(game, found.walk) <= 34
    assert bounded_detours(game, star_round(5), 10).steps == 10
