# SPDX-License-Identifier: Apache-2.0
"""What is offered says what it guarantees; what it says holds against an observer who has watched many laps."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from mission.games.game import Launch, Sight
from mission.games.guarantee import Mode, Offer, OfferConfig, offers
from mission.games.learned import LearnedObserver, Watched, best_accuracy, watch
from mission.games.site import game_from_graph
from mission.planning.graph import PatrolGraph
from patrol.errors import BadValue
from tests.mission.games.arenas import QUICK, SEED, cycle, scattered, star, star_round
from tests.mission.planning.graphs import graph_of, ring

CONFIG = OfferConfig(search=QUICK, detour_factor=3.0)
LAPS = 6000


@pytest.fixture(scope="module")
def found() -> dict[Mode, Offer]:
    """What is offered on a star of five leaves with attacks of 8, by mode, the best first."""
    return {offer.guarantee.mode: offer for offer in offers(star(5, 8), star_round(5), CONFIG)}


def test_a_round_that_catches_everything_is_the_only_offer_and_says_so() -> None:
    (offer,) = offers(star(3, 6), star_round(3), CONFIG)
    assert offer.guarantee.mode is Mode.ROUND
    assert offer.guarantee.is_certain
    assert offer.guarantee.worst_idleness_s == 6.0
    assert "every attack is caught" in " ".join(offer.guarantee.lines())


def test_what_counts_is_for_how_long_a_place_is_left_alone() -> None:
    """Five moves and five dwells of a tick: arrivals are 10 ticks apart, but while the patrol stands there nobody attacks."""
    ring_of_five = replace(cycle(5, 9, launch=Launch.DEPARTURE, sight=Sight.STATE), dwell_ticks=(1,) * 5)
    (offer,) = offers(ring_of_five, tuple(range(5)), CONFIG)
    assert offer.guarantee.is_certain
    assert offer.guarantee.worst_idleness_s == 10.0
    assert "no place is left alone for longer than one lasts" in offer.guarantee.lines()[-1]
    sooner = replace(ring_of_five, targets=tuple(replace(target, attack_ticks=8) for target in ring_of_five.targets))
    assert not any(one.guarantee.is_certain for one in offers(sooner, tuple(range(5)), CONFIG))


def test_every_mode_states_its_figures(found: dict[Mode, Offer]) -> None:
    told = {mode: offer.guarantee for mode, offer in found.items()}
    assert set(told) == set(Mode)
    assert told[Mode.ROUND].capture == 0.0
    assert told[Mode.ROUND].worst_idleness_s == 10.0
    assert told[Mode.DETOURS].capture_always == told[Mode.DETOURS].capture > 0.2
    assert told[Mode.FREE].capture > told[Mode.DETOURS].capture
    assert told[Mode.FREE].capture_always == 0.0
    assert 0.0 < told[Mode.FREE].wakes_a_day < 100.0
    for guarantee in told.values():
        assert math.isfinite(guarantee.worst_idleness_s)
        assert guarantee.average_idleness_s < guarantee.worst_idleness_s
        assert guarantee.capture <= guarantee.capture_bound + 1e-9
        text = " ".join(guarantee.lines())
        assert "no place goes unseen for longer than" in text
        assert "knows everything but the draws to come" in text
    assert "the guard sweeps" in " ".join(told[Mode.FREE].lines())


def test_the_offer_that_always_holds_comes_first(found: dict[Mode, Offer]) -> None:
    first, *rest = found.values()
    assert first.guarantee.mode is Mode.DETOURS
    assert all(offer.guarantee.capture_always == 0.0 for offer in rest)


@pytest.mark.parametrize("mode", [Mode.FREE, Mode.DETOURS])
def test_an_observer_of_many_laps_can_do_no_better_than_the_guarantee(found: dict[Mode, Offer], mode: Mode) -> None:
    offer, game = found[mode], star(5, 8)
    learned = LearnedObserver(game, watch(offer.patrol, 0, visits=LAPS, seed=SEED))
    fresh = watch(offer.patrol, 0, visits=LAPS, seed=SEED[::-1])
    tried, caught = learned.attack(fresh)
    assert tried >= 20
    assert caught / tried >= offer.guarantee.capture - 3.0 * 0.5 / tried**0.5
    assert learned.accuracy(fresh) <= best_accuracy(offer.patrol.walk) + 3.0 * 0.5 / LAPS**0.5


def test_the_same_observer_foretells_a_round_and_is_never_caught(found: dict[Mode, Offer]) -> None:
    """The check on the check: against what can be predicted, he wins."""
    plain, game = found[Mode.ROUND], star(5, 8)
    learned = LearnedObserver(game, watch(plain.patrol, 0, visits=600, seed=SEED))
    fresh = watch(plain.patrol, 0, visits=600, seed=SEED[::-1])
    tried, caught = learned.attack(fresh)
    assert tried > 20
    assert caught == 0
    assert learned.accuracy(fresh) > 0.99
    assert best_accuracy(plain.patrol.walk) == pytest.approx(1.0)


def test_an_observer_who_saw_too_little_has_no_plan() -> None:
    game = star(3, 4)
    with pytest.raises(BadValue, match="often enough"):
        LearnedObserver(game, Watched(places=(0, 1, 0), arrivals=(0, 1, 2))).plan_attack()
    assert LearnedObserver(game, Watched(places=(0, 1), arrivals=(0, 1))).foretell((3,)) is None


def test_a_target_that_weighs_little_is_not_given_up() -> None:
    """The best for the weights alone is to go to and fro before the heavy one; the patrol still comes everywhere."""
    plain = star(3, 4)
    heavy = replace(plain, targets=tuple(replace(t, weight=10.0 if t.place == 1 else 0.1) for t in plain.targets))
    free = next(each for each in offers(heavy, star_round(3), CONFIG) if each.guarantee.mode is Mode.FREE)
    assert set(free.patrol.walk.graph.place.tolist()) == {0, 1, 2, 3}
    assert free.guarantee.loss < 10.0 * 2 / 3


@pytest.mark.parametrize("seed", [1, 4, 9])
def test_any_game_gets_its_offers(seed: int) -> None:
    """Dwells, uneven weights, imperfect detection, one-way moves."""
    game = scattered(seed)
    around = tuple(range(game.places))
    quick = OfferConfig(search=QUICK.model_copy(update={"starts": 2, "descents": 20, "attempts": 0}))
    for offer in offers(game, around, quick):
        assert math.isfinite(offer.guarantee.worst_idleness_s)
        assert 0.0 <= offer.guarantee.capture_always <= offer.guarantee.capture <= 1.0
        assert len(watch(offer.patrol, around[0], visits=50, seed=SEED).places) == 51


def test_ticks_that_are_too_many_to_go_through_are_refused_by_name() -> None:
    village = graph_of({(0, 1): 2.0, (1, 2): 1e7})
    with pytest.raises(BadValue, match="attack_s: 6 s is too short beside"):
        offers(game_from_graph(village, 6.0), (0, 1, 2, 1))
    with pytest.raises(BadValue, match=r"tick_s: 0\.0001 s is too short for this attack and this round; take 0\.0012 s or more"):
        offers(game_from_graph(ring(5), 6.0, tick_s=1e-4), (0, 1, 2, 3, 4))


def test_the_observer_is_named() -> None:
    ring = cycle(5, 2, launch=Launch.ARRIVAL, sight=Sight.MOVE)
    names = {offer.guarantee.observer for offer in offers(ring, (0, 1, 2, 3, 4), CONFIG)}
    assert names == {"an observer who knows the strategy and sees the present move, and strikes as it has arrived"}


def test_a_site_in_metres_is_rounded_against_the_patrol() -> None:
    graph = PatrolGraph(
        name="three",
        vertex_names=("a", "b", "c"),
        points_m=np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 7.3]]),
        edges=np.array([[0, 1], [1, 2], [0, 2]]),
        lengths_m=np.array([10.0, 7.3, 12.4]),
    )
    game = game_from_graph(graph, 31.0, speed_mps=1.0, dwell_s=0.5, tick_s=1.0)
    assert [move.ticks for move in game.moves] == [10, 13, 10, 8, 13, 8]
    assert game.dwell_ticks == (1, 1, 1)
    assert {target.attack_ticks for target in game.targets} == {31}
    even = game_from_graph(graph, 30.0)
    assert even.tick_s == pytest.approx(30 / 120, abs=0.16)
    whole = game_from_graph(graph, {0: 29.7, 2: 31.0}, tick_s=0.1)
    assert sum(move.ticks for move in whole.moves) == 594
    assert [target.attack_ticks for target in whole.targets] == [297, 310]
    (certain,) = offers(game_from_graph(graph, 30.0, tick_s=0.1), (0, 1, 2), CONFIG)
    assert certain.guarantee.worst_idleness_s == pytest.approx(29.7)
