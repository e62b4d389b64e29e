# SPDX-License-Identifier: Apache-2.0
"""Teams played: losses, absences, alerts and narrow ways."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest

from mission.planning.metrics import worst_idleness_s
from mission.team.knowledge import AlertState
from mission.team.lanes import Lanes
from mission.team.patrol import TeamPatrol
from mission.team.play import Happening, PlayConfig
from mission.team.unit import Kind, TeamGround, Unit
from tests.mission.planning.graphs import graph_of, lattice, path, ring
from tests.mission.team.teams import STEADY, alert, all_ways, means_of, robots, team_on

LOSSY = STEADY.model_copy(update={"loss": 0.9})


def test_spacing_needs_no_messages() -> None:
    """Ninety in a hundred messages lost change nothing of a tour that all keep."""
    played = []
    for config in (STEADY, LOSSY):
        team = team_on(lattice(4, 5, 5.0), robots(3), config=config)
        card = team.begin((0, 7, 19))
        run = team.run(1800.0)
        assert worst_idleness_s(run.log, card.allocation.settled_s) <= card.allocation.guarantee_s + 1e-6
        assert len(run.plans) == 1
        played.append(run)
    for one, other in zip(played[0].log.visits_s, played[1].log.visits_s, strict=True):
        assert one == pytest.approx(other)


@pytest.mark.parametrize("seed", range(3))
def test_with_most_messages_lost_and_units_held_up_the_worst_stays_near_the_plan(seed: int) -> None:
    config = PlayConfig(loss=0.9, hold_s=2.0)
    team = team_on(lattice(4, 5, 6.0), robots(3), config=config, seed=seed)
    card = team.begin((0, 7, 19))
    run = team.run(3600.0)
    assert worst_idleness_s(run.log, card.allocation.settled_s) <= 1.2 * card.allocation.guarantee_s
    assert len(run.plans) == 1, "nobody was taken for lost"


def test_the_same_seeds_give_the_same_visits() -> None:
    logs = []
    for _ in range(2):
        team = team_on(ring(9, 4.0), robots(2), config=PlayConfig(loss=0.9), seed=5)
        team.begin((0, 4))
        logs.append(team.run(600.0, [alert("a", 3, 100.0)]).log)
    assert all(np.array_equal(one, other) for one, other in zip(logs[0].visits_s, logs[1].visits_s, strict=True))


@pytest.mark.parametrize("loss", [0.0, 0.9])
def test_who_falls_silent_is_replaced_and_who_comes_is_taken_in(loss: float) -> None:
    team = team_on(ring(12, 5.0), robots(3), config=STEADY.model_copy(update={"loss": loss}))
    first = team.begin((0, 4, 8))
    run = team.run(1500.0, [Happening(at_s=300.0, unit_id="r0"), Happening(at_s=900.0, unit_id="r0", joins=True)])
    teams = [members for members, _ in groupby(run.plans, key=lambda card: sorted(card.members))]
    assert teams == [["r0", "r1", "r2"], ["r1", "r2"], ["r0", "r1", "r2"]]
    assert len(run.plans) <= 5, "seldom do two plan"
    without = next(card for card in run.plans if len(card.members) == 2)
    again = next(card for card in run.plans if card.epoch > without.epoch and len(card.members) == 3)
    assert 330.0 <= without.begins_s <= 350.0, "30 s of silence, then at once"
    assert 900.0 <= again.begins_s <= 925.0
    assert first.allocation.guarantee_s == again.allocation.guarantee_s < without.allocation.guarantee_s
    alone = [spell for place in range(12) for spell in zip(*run.log.spells(place), strict=True)]
    settled_s = without.begins_s + without.allocation.settled_s
    inside = [until - since for since, until in alone if since >= settled_s and until < 900.0]
    assert max(inside) <= without.allocation.guarantee_s + 1e-6


@pytest.mark.parametrize(("loss", "seed"), [(0.0, 0), (0.9, 1), (0.9, 2)])
def test_alerts_are_attended_once_and_the_patrol_resumes_at_the_breakpoint_once(loss: float, seed: int) -> None:
    """A stream of alerts at random places and moments, and a unit that is lost in the middle."""
    random = np.random.default_rng(seed)
    team = team_on(ring(12, 5.0), robots(3), config=STEADY.model_copy(update={"loss": loss, "handle_s": 10.0}), seed=seed)
    team.begin((0, 4, 8))
    moments = np.sort(random.uniform(0.0, 1500.0, 8)).tolist()
    stream = [alert(f"a{number}", int(random.integers(12)), at_s) for number, at_s in enumerate(moments)]
    run = team.run(2400.0, [*stream, Happening(at_s=800.0, unit_id="r2")])
    assert all(card.state is AlertState.DONE for card in run.alerts.values())
    assert len(run.alerts) == 8
    for name, card in run.alerts.items():
        attended = [one for one in run.errands if one.because == name and one.reached_s is not None]
        assert [one.unit_id for one in attended] == [card.unit_id], "one unit was there, once"
        assert attended[0].place == card.place
    kept = [one for one in run.errands if one.unit_id != "r2"]
    assert all(one.reached_s is not None or run.alerts[one.because].unit_id != one.unit_id for one in kept)
    for one, after in zip(kept, [*kept[1:], None], strict=True):
        assert one.breakpoint is not None
        if one.resumed_s is None:
            assert after is not None, "it goes from one alert straight to the next, and on from the same place after that"
            assert (after.unit_id, after.breakpoint) == (one.unit_id, one.breakpoint)
            continue
        begun, ended = run.log.spells(one.breakpoint)
        assert not ((begun + 1e-6 < one.resumed_s) & (one.resumed_s < ended - 1e-6)).any(), "it was there when it resumed"
    assert len({(one.because, one.unit_id) for one in kept}) == len(kept)


def test_an_alert_of_a_unit_that_is_lost_on_the_way_goes_to_another() -> None:
    team = team_on(path(9, 20.0), robots(2), config=STEADY)
    team.begin((0, 8))
    run = team.run(900.0, [alert("a", 4, 10.0, unit_id="r0"), Happening(at_s=20.0, unit_id="r0")])
    (card,) = run.alerts.values()
    assert (card.state, card.unit_id, card.attempt) == (AlertState.DONE, "r1", 2)
    assert card.refused == {"r0"}


def test_an_alert_while_nobody_is_there_waits_for_the_first_who_comes() -> None:
    team = team_on(ring(6, 5.0), robots(2))
    team.begin((0, 3))
    lost = [Happening(at_s=60.0, unit_id="r0"), Happening(at_s=60.0, unit_id="r1"), Happening(at_s=70.0, unit_id="r1")]
    back = [Happening(at_s=300.0, unit_id=name, joins=True) for name in ("r0", "r1", "r1")]
    run = team.run(900.0, [*lost, alert("a", 2, 120.0), *back])
    assert run.alerts["a"].state is AlertState.DONE
    assert [errand.reached_s is not None and errand.reached_s > 300.0 for errand in run.errands if errand.because == "a"] == [
        True
    ]


def test_who_joins_waits_until_there_is_room() -> None:
    team = team_on(path(1), robots(2), room={0: 1})
    team.begin((0, 0), absent=["r1"])
    assert len(team.run(300.0, [Happening(at_s=60.0, unit_id="r1", joins=True)]).plans) == 1


def test_an_empty_battery_goes_to_the_dock_and_comes_back_to_its_breakpoint() -> None:
    units = [Unit(unit_id="r0", endurance_s=600.0), Unit(unit_id="r1", endurance_s=6000.0)]
    config = STEADY.model_copy(update={"charge_s": 200.0})
    team = team_on(ring(10, 5.0), units, config=config, dock=0)
    team.begin((0, 5))
    run = team.run(1100.0)
    charged = [one for one in run.errands if one.because == "charging" and one.unit_id == "r0"]
    assert [one.place for one in charged][:1] == [0]
    assert charged[0].resumed_s is not None
    assert charged[0].begun_s == pytest.approx(480.0, abs=5.0)
    assert [len(card.members) for card in run.plans][:3] == [2, 1, 2]


def test_two_robots_swap_in_a_corridor_with_one_bay() -> None:
    graph = path(5, 10.0)
    team = team_on(graph, robots(2), narrow=all_ways(graph), room={1: 2}, config=STEADY.model_copy(update={"handle_s": 5.0}))
    team.begin((0, 4))
    run = team.run(300.0, [alert("x", 4, 5.0, unit_id="r0"), alert("y", 0, 5.0, unit_id="r1")])
    assert run.passings >= 1
    assert {one.because: one.unit_id for one in run.errands if one.reached_s is not None} == {"x": "r0", "y": "r1"}
    assert all(one.reached_s is not None and one.reached_s <= 100.0 for one in run.errands)
    assert run.longest_wait_s <= 10.0


def test_without_a_bay_the_swap_is_refused_and_the_patrol_goes_on() -> None:
    graph = path(5, 10.0)
    team = team_on(graph, robots(2), narrow=all_ways(graph))
    team.begin((0, 4))
    run = team.run(600.0, [alert("x", 4, 5.0, unit_id="r0"), alert("y", 0, 5.0, unit_id="r1")])
    assert run.blocked > 0
    assert run.passings == 0
    assert all(one.reached_s is None for one in run.errands)


def test_eight_robots_in_a_corridor_are_never_kept_waiting_for_ten_seconds() -> None:
    """Half an hour of a corridor of 96 m that two robots can pass nowhere; the benchmark plays ten."""
    graph = path(17, 6.0)
    team = team_on(graph, robots(8), narrow=all_ways(graph), config=PlayConfig(radio_every_s=20.0, holds_per_h=0.0))
    card = team.begin(tuple(range(0, 16, 2)))
    run = team.run(1800.0)
    assert run.exchanges > 50
    assert run.longest_wait_s <= 10.0
    assert worst_idleness_s(run.log, card.allocation.settled_s) <= 1.5 * card.allocation.guarantee_s


def test_a_corridor_is_walked_as_planned_when_nine_in_ten_messages_are_lost() -> None:
    """Who waits for a robot that has not got its answer yet waits for that, and moves nobody aside."""
    graph = path(17, 6.0)
    config = PlayConfig(radio_every_s=20.0, holds_per_h=0.0, loss=0.9)
    team = team_on(graph, robots(8), narrow=all_ways(graph), config=config)
    card = team.begin(tuple(range(0, 16, 2)))
    run = team.run(1800.0)
    assert run.exchanges > 50
    assert run.passings == 0
    assert run.longest_wait_s <= 10.0
    assert worst_idleness_s(run.log, card.allocation.settled_s) <= 1.2 * card.allocation.guarantee_s


def test_a_drone_and_a_rover_share_the_ground() -> None:
    graph = graph_of({(index, (index + 1) % 10): 8.0 for index in range(10)})
    units = [Unit(unit_id="rover"), Unit(unit_id="eagle", kind=Kind.DRONE, speed_mps=4.0)]
    ground = TeamGround(graph=graph, ground_only=frozenset((0, 1, 2)))
    team = TeamPatrol(Lanes.of(graph, all_ways(graph)), means_of(ground, units), STEADY, seed=0)
    card = team.begin((0, 5))
    run = team.run(900.0)
    assert worst_idleness_s(run.log, card.allocation.settled_s) <= card.allocation.guarantee_s + 1e-6
    assert card.allocation.crews[0].units != card.allocation.crews[1].units


def test_who_stands_in_a_narrow_way_is_at_the_nearest_place() -> None:
    lanes = Lanes.of(path(3, 6.0), [(0, 1)], cell_m=1.2)
    cells = sorted(range(lanes.places, lanes.graph.count), key=lambda cell: lanes.length_m(0, cell))
    assert [lanes.place_near(place) for place in range(lanes.places)] == [0, 1, 2]
    assert [lanes.place_near(cell) for cell in cells] == [0, 0, 1, 1]
