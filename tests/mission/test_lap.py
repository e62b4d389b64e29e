# SPDX-License-Identifier: Apache-2.0
"""Whole rounds among people, in the flat world."""

from __future__ import annotations

import pytest

from mission.executive import Executive, ExecutiveConfig
from mission.route import perimeter_route
from patrol.geometry import IDENTITY2
from patrol.operations import CommandKind, Mission, Mode
from patrol.site import Site
from tests.mission.crowd import crowd
from tests.mission.kinematic import Drill, FlatWorld
from tests.mission.places import depot, room, room_stops


def round_of(site: Site, seed: int, people: int, *, careful: bool) -> Drill:
    world = FlatWorld(site, start=site.docks[0].pose, seed=seed, walkers=crowd(site, people, seed, careful=careful))
    mission = Mission(mission_id="m", name="M", route=perimeter_route(site))
    run = Drill(world, Executive(ExecutiveConfig(), site, [mission], base_from_lidar=IDENTITY2))
    run.order(CommandKind.START, "m")
    run.run(900.0, lambda decision: decision.state.mode in (Mode.DOCKED, Mode.IDLE))
    return run


def assert_all_accounted(run: Drill, count: int) -> None:
    assert [(one.lap, one.leg) for one in run.outcomes] == [(0, leg) for leg in range(count)]
    assert run.decision is not None
    assert run.decision.mission_done


def test_a_depot_round_among_ten_people_touches_nobody() -> None:
    run = round_of(depot(), 3, 10, careful=True)
    assert_all_accounted(run, 15)
    assert [one.outcome for one in run.outcomes].count("reached") >= 14
    assert run.world.contact_speeds_mps == []


@pytest.mark.parametrize("seed", range(4))
def test_a_crowded_room_is_patrolled_without_a_touch(seed: int) -> None:
    run = round_of(room(waypoints=room_stops()), seed, 3, careful=True)
    assert_all_accounted(run, 3)
    assert run.world.contact_speeds_mps == []


@pytest.mark.parametrize("seed", range(3))
def test_people_who_do_not_look_are_never_run_into(seed: int) -> None:
    """Somebody may walk into the robot; the robot never drives into somebody."""
    run = round_of(room(waypoints=room_stops()), seed, 3, careful=False)
    assert_all_accounted(run, 3)
    assert max(run.world.contact_speeds_mps, default=0.0) <= 0.25
