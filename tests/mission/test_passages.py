# SPDX-License-Identifier: Apache-2.0
"""Passages too narrow for two robots: found in the site, and not entered without the team's word."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from shapely.geometry import box

from mission.executive import Executive, ExecutiveConfig
from mission.geofence import GeofenceConfig
from mission.passages import PassageConfig, ahead, passages_of
from mission.route import perimeter_route
from patrol.geometry import IDENTITY2, Pose2
from patrol.operations import CommandKind, Mission
from patrol.passages import PassagesHeld
from patrol.site import Building, Site
from tests.mission.kinematic import Drill, FlatWorld
from tests.mission.places import rectangle, room, waypoint

EAST = waypoint("EAST", 19.0, 4.5, 1)
NAME = "passage 1"


def yard(gap_m: float = 1.4, *, length_m: float = 3.0) -> Site:
    """Two halves with a gap of ``gap_m`` between two blocks."""
    low, high = 4.5 - 0.5 * gap_m, 4.5 + 0.5 * gap_m
    blocks = (rectangle(12.0 - length_m, 0.0, 12.0, low), rectangle(12.0 - length_m, high, 12.0, 9.0))
    buildings = tuple(
        Building(building_id=f"b{number}", name="", outline=block, height_m=3.0) for number, block in enumerate(blocks)
    )
    place = replace(room(waypoints=(EAST,)), perimeter=rectangle(0, 0, 24, 9), docks=())
    return replace(place, buildings=buildings)


def test_a_gap_that_lets_one_robot_through_is_a_passage() -> None:
    (passage,) = passages_of(yard())
    assert passage.name == NAME
    assert passage.area.covers(box(9.2, 4.2, 11.8, 4.8))
    assert passage.area.bounds[0] > 8.0
    assert passage.area.bounds[2] < 13.0


@pytest.mark.parametrize("gap_m", [0.5, 2.4])
def test_what_lets_two_or_none_through_is_none(gap_m: float) -> None:
    assert passages_of(yard(gap_m)) == ()


def test_two_gaps_without_room_to_wait_between_them_are_one() -> None:
    place = yard(length_m=1.5)
    for apart_m, count in ((3.0, 1), (9.0, 2)):
        walls = tuple(
            Building(building_id=f"w{index}", name="", outline=box(12.0 + apart_m, low, 13.5 + apart_m, high), height_m=2.0)
            for index, (low, high) in enumerate(((0.0, 3.8), (5.2, 9.0)))
        )
        assert len(passages_of(replace(place, buildings=(*place.buildings, *walls)))) == count


def test_a_passage_ahead_on_the_path() -> None:
    passages = passages_of(yard())
    path_m = np.column_stack((np.linspace(2.0, 20.0, 91), np.full(91, 4.5)))
    found = ahead(passages, path_m, Pose2(2.0, 4.5, 0.0), 12.0)
    assert found is not None
    assert found[1] == pytest.approx(passages[0].area.bounds[0] - 2.0, abs=0.3)
    assert ahead(passages, path_m, Pose2(2.0, 4.5, 0.0), 3.0) is None
    assert ahead(passages, path_m[40:], Pose2(10.0, 4.5, 0.0), 12.0) is None, "the robot is in it"
    assert ahead(passages, np.zeros((0, 2)), Pose2(2.0, 4.5, 0.0), 12.0) is None


def drill(wait_s: float) -> Drill:
    place = yard()
    mission = Mission(mission_id="m", name="M", route=perimeter_route(place), docks_after=False)
    config = ExecutiveConfig(geofence=GeofenceConfig(error_m=0.3), passages=PassageConfig(wait_s=wait_s))
    world = FlatWorld(place, start=Pose2(4.5, 4.5, 0.0), seed=0)
    run = Drill(world, Executive(config, place, [mission], base_from_lidar=IDENTITY2, in_team=True))
    run.order(CommandKind.START, "m")
    world.now_ns += 30_000_000_000
    return run


def test_a_robot_of_a_team_waits_before_a_passage_until_it_is_its_own() -> None:
    run = drill(60.0)
    assert not run.run(8.0, lambda decision: bool(decision.outcomes))
    assert run.decision is not None
    assert run.decision.state.why == f"Waiting before {NAME}: the team says nothing."
    assert run.world.pose.x_m < 7.0
    run.more["passages"] = PassagesHeld(stamp_ns=run.world.now_ns, refused={NAME: "rover-2 is in it"})
    assert "rover-2 is in it" in run.step().state.why
    run.more["passages"] = PassagesHeld(stamp_ns=run.world.now_ns - 5_000_000_000, held=frozenset({NAME}))
    assert run.step().state.why.startswith("Waiting before"), "an old word does not count"
    run.more["passages"] = PassagesHeld(stamp_ns=run.world.now_ns + 1_000_000_000, held=frozenset({NAME}))
    assert run.run(2.0, lambda _: run.world.pose.x_m > 7.2)


def test_a_passage_that_never_becomes_free_costs_the_stop() -> None:
    run = drill(3.0)
    assert run.run(15.0, lambda decision: bool(decision.outcomes))
    assert run.outcomes[0].because == f"{NAME} was not free within 3 s; the team says nothing"
