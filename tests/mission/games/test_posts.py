# SPDX-License-Identifier: Apache-2.0
"""Posts and gates: the schedule is an equilibrium, and what is drawn has the coverage that was computed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mission.games.draw import SecretDraw
from mission.games.posts import AttackerType, PostGame, best_reply, schedule, taken_apart
from patrol.errors import BadValue
from tests.mission.games.arenas import SEED


def kind(rng: np.random.Generator, posts: int, share: float = 1.0) -> AttackerType:
    return AttackerType(
        share=share,
        gains=rng.uniform(1, 9, posts),
        caught=-rng.uniform(1, 9, posts),
        lost=-rng.uniform(1, 9, posts),
        saved=rng.uniform(0, 4, posts),
    )


def plain(posts: int, units: int) -> PostGame:
    """What he gains we lose, everywhere the same."""
    attacker = AttackerType(share=1.0, gains=np.ones(posts), caught=np.zeros(posts), lost=-np.ones(posts), saved=np.zeros(posts))
    return PostGame(can_hold=np.ones((units, posts), dtype=np.bool_), attackers=(attacker,))


@pytest.mark.parametrize(("posts", "units"), [(4, 1), (5, 2), (3, 3)])
def test_equal_posts_are_held_equally(posts: int, units: int) -> None:
    found = schedule(plain(posts, units))
    assert found.coverage == pytest.approx([units / posts] * posts)
    assert found.worth == pytest.approx(units / posts - 1.0)
    assert found.least_coverage == pytest.approx(units / posts)


def test_a_valuable_post_is_held_until_he_is_indifferent() -> None:
    """Gains 3 and 1, nothing when caught, one unit: 3 (1 - c) = 1 - (1 - c) gives c = 3/4."""
    attacker = AttackerType(
        share=1.0, gains=np.array([3.0, 1.0]), caught=np.zeros(2), lost=np.array([-3.0, -1.0]), saved=np.zeros(2)
    )
    found = schedule(PostGame(can_hold=np.ones((1, 2), dtype=np.bool_), attackers=(attacker,)))
    assert found.coverage == pytest.approx([0.75, 0.25])
    assert found.worth == pytest.approx(-0.75)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), posts=st.integers(2, 5), units=st.integers(1, 3))
def test_no_other_coverage_is_worth_more_against_his_best_reply(seed: int, posts: int, units: int) -> None:
    rng = np.random.default_rng(seed)
    can_hold = rng.random((units, posts)) < 0.7
    game = PostGame(can_hold=can_hold, attackers=(kind(rng, posts),))
    found = schedule(game)
    attacker = game.attackers[0]
    assert best_reply(attacker, found.coverage) == found.attacked[0]
    for _ in range(40):
        held = np.zeros((units, posts))
        for assignment in range(6):
            free = set(range(posts))
            for unit in rng.permutation(units):
                options = [post for post in free if can_hold[unit, post]]
                if options and rng.random() < 0.9:
                    post = int(rng.choice(options))
                    free.discard(post)
                    held[unit, post] += 1 / 6
            assert assignment < 6
        coverage = held.sum(axis=0)
        post = best_reply(attacker, coverage)
        worth = coverage[post] * attacker.saved[post] + (1 - coverage[post]) * attacker.lost[post]
        assert worth <= found.worth + 1e-6


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_one_type_split_in_two_changes_nothing(seed: int) -> None:
    """The program for several types agrees with that for one."""
    rng = np.random.default_rng(seed)
    alone = kind(rng, 4)
    halves = tuple(
        AttackerType(share=0.5, gains=alone.gains, caught=alone.caught, lost=alone.lost, saved=alone.saved) for _ in range(2)
    )
    can_hold = np.ones((2, 4), dtype=np.bool_)
    one = schedule(PostGame(can_hold=can_hold, attackers=(alone,)))
    two = schedule(PostGame(can_hold=can_hold, attackers=halves))
    assert two.worth == pytest.approx(one.worth, abs=1e-5)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), units=st.integers(1, 4), posts=st.integers(1, 5))
def test_what_is_drawn_has_the_coverage_and_holds_no_post_twice(seed: int, units: int, posts: int) -> None:
    rng = np.random.default_rng(seed)
    held = rng.random((units, posts))
    held /= max(held.sum(axis=0).max(), held.sum(axis=1).max()) * rng.uniform(1.0, 1.5)
    drawn = np.zeros_like(held)
    for assignment in taken_apart(held):
        taken = [post for post in assignment.post_of if post >= 0]
        assert len(set(taken)) == len(taken)
        for unit, post in enumerate(assignment.post_of):
            if post >= 0:
                drawn[unit, post] += assignment.chance
    assert drawn == pytest.approx(held, abs=1e-6)


def test_draws_follow_the_schedule() -> None:
    found = schedule(plain(4, 1))
    drawn = [found.draw(SecretDraw(SEED), shift)[0] for shift in range(4000)]
    assert np.bincount(drawn) / 4000 == pytest.approx([0.25] * 4, abs=0.03)


def test_figures_that_make_no_sense_are_refused() -> None:
    with pytest.raises(BadValue, match="must not help"):
        AttackerType(share=1.0, gains=np.ones(1), caught=np.full(1, 2.0), lost=np.zeros(1), saved=np.ones(1))
    with pytest.raises(BadValue, match="add up to one"):
        PostGame(can_hold=np.ones((1, 1), dtype=np.bool_), attackers=(kind(np.random.default_rng(1), 1, share=0.5),))
    with pytest.raises(BadValue, match="figures for 2 posts"):
        PostGame(can_hold=np.ones((1, 2), dtype=np.bool_), attackers=(kind(np.random.default_rng(1), 1),))
