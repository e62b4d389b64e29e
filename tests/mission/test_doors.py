# SPDX-License-Identifier: Apache-2.0
"""Doors: the robot asks, waits in front, passes, lets the door close, and gives up in time when it does not open."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from shapely.geometry import LineString, Polygon

from mission.costmap import FORBIDDEN, Costmap, CostmapConfig
from mission.doors import DoorConfig, Doorkeeper
from mission.executive import Executive, ExecutiveConfig
from mission.geofence import GeofenceConfig
from mission.lookout import View
from mission.route import perimeter_route
from mission.surroundings import SiteClearance, survey
from patrol.clock import nanoseconds
from patrol.doors import DoorPosition, DoorRequest, DoorState
from patrol.geometry import IDENTITY2, STOPPED, Pose2
from patrol.operations import CommandKind, Mission
from patrol.site import Door, Fence, Site
from sim.doors import SimulatedDoors
from tests.mission.kinematic import Drill, FlatWorld
from tests.mission.places import rectangle, room, waypoint

DOOR = Door(door_id="hatch", name="Hatch", line=LineString([(12.0, 3.0), (12.0, 5.4)]), wait_s=20.0)
WALL = (
    Fence(fence_id="south", name="South", line=LineString([(12.0, 0.0), (12.0, 3.0)])),
    Fence(fence_id="north", name="North", line=LineString([(12.0, 5.4), (12.0, 9.0)])),
)
STOPS = (waypoint("EAST", 18.0, 4.2, 1), waypoint("WEST", 5.0, 4.2, 2))


def site() -> Site:
    """A narrow yard, parted by a wall with a door."""
    return replace(room(waypoints=STOPS), perimeter=rectangle(0, 0, 24, 9), buildings=(), fences=WALL, doors=(DOOR,))


def leaf() -> list[Polygon]:
    return [fence.line.buffer(0.1) for fence in WALL]


class Passage:
    """A robot that drives through the door; the leaf stands in the world for as long as the door is not open."""

    def __init__(self, doors: SimulatedDoors | None) -> None:
        place = site()
        self.world = FlatWorld(place, start=Pose2(4.0, 4.2, 0.0), seed=0)
        mission = Mission(mission_id="m", name="M", route=perimeter_route(place), docks_after=False)
        config = ExecutiveConfig(geofence=GeofenceConfig(error_m=0.3))
        self.run = Drill(self.world, Executive(config, place, [mission], base_from_lidar=IDENTITY2))
        self.doors = doors
        self.asked: list[DoorRequest] = []
        self.why: list[str] = []
        self.run.order(CommandKind.START, "m")

    def step(self) -> None:
        states = {} if self.doors is None else {state.door_id: state for state in self.doors.states(self.world.now_ns)}
        is_open = any(state.position == "open" for state in states.values())
        self.world.extra = [*leaf(), *([] if is_open else [DOOR.line.buffer(0.1)])]
        self.run.more["doors"] = states
        decision = self.run.step()
        self.why.append(decision.state.why)
        for request in decision.doors:
            self.asked.append(request)
            if self.doors is not None:
                self.doors.ask(request)

    def until(self, count: int, limit_s: float) -> None:
        for _ in range(round(limit_s / 0.05)):
            self.step()
            if len(self.run.outcomes) >= count:
                return
        raise AssertionError(f"{len(self.run.outcomes)} outcomes: {self.why[-1]}")


def test_the_robot_waits_for_the_door_and_passes_without_touching_it() -> None:
    passage = Passage(SimulatedDoors([DOOR], takes_s=6.0, holds_s=4.0))
    passage.until(2, 120.0)
    assert [(one.waypoint_id, one.outcome) for one in passage.run.outcomes] == [("EAST", "reached"), ("WEST", "reached")]
    assert passage.world.contact_speeds_mps == []
    assert any(why.startswith("Waiting for Hatch to open") for why in passage.why)
    wishes = [request.wish for request in passage.asked]
    assert wishes[0] == "open"
    assert "close" in wishes
    assert wishes.index("close") < len(wishes) - wishes[::-1].index("open"), "it asks again on the way back"


@pytest.mark.parametrize(("doors", "word"), [(None, "it said nothing"), (frozenset({"hatch"}), "its last word was fault")])
def test_a_door_that_does_not_open_costs_the_waypoint_and_no_more(doors: frozenset[str] | None, word: str) -> None:
    passage = Passage(None if doors is None else SimulatedDoors([DOOR], jammed=doors))
    passage.until(2, 120.0)
    east, west = passage.run.outcomes
    assert (east.outcome, west.outcome) == ("missed", "reached")
    assert east.because == f"Hatch did not open within 20 s; {word}"
    assert passage.world.contact_speeds_mps == []
    assert passage.asked[-1].wish == "close"


PATH = np.column_stack((np.linspace(0.0, 20.0, 101), np.full(101, 4.2)))


def view(x_m: float, now_s: float, dt_s: float = 0.05) -> View:
    around = survey(np.zeros((0, 2)), Pose2(x_m, 4.2, 0.0), _clear(), ())
    return View(now_ns=nanoseconds(now_s), dt_s=dt_s, pose=Pose2(x_m, 4.2, 0.0), twist=STOPPED, around=around)


def _clear() -> SiteClearance:
    return Costmap(CostmapConfig(), site()).site_clearance


def state(position: DoorPosition, at_s: float) -> dict[str, DoorState]:
    return {"hatch": DoorState(stamp_ns=nanoseconds(at_s), door_id="hatch", position=position)}


def ahead(x_m: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return PATH[PATH[:, 0] >= x_m]


def test_it_asks_in_time_and_again() -> None:
    keeper = Doorkeeper(DoorConfig(), (DOOR,))
    assert keeper.step(ahead(1.0), view(1.0, 1.0), {}).asks == ()
    first = keeper.step(ahead(5.0), view(5.0, 2.0), {})
    assert [request.wish for request in first.asks] == ["open"]
    assert first.waits == ""
    assert keeper.step(ahead(5.5), view(5.5, 2.5), {}).asks == ()
    assert [request.wish for request in keeper.step(ahead(6.0), view(6.0, 3.1), {}).asks] == ["open"]


@pytest.mark.parametrize(("position", "age_s", "waits"), [("open", 0.0, False), ("open", 3.5, True), ("moving", 0.0, True)])
def test_only_a_fresh_word_that_it_is_open_lets_the_robot_through(position: DoorPosition, age_s: float, *, waits: bool) -> None:
    keeper = Doorkeeper(DoorConfig(), (DOOR,))
    step = keeper.step(ahead(10.5), view(10.5, 10.0), state(position, 10.0 - age_s))
    assert (step.waits != "") == waits
    assert keeper.step(ahead(11.8), view(11.8, 10.1), state(position, 10.1 - age_s)).waits == "", "never stops in the doorway"


def test_a_door_behind_may_close_and_one_that_is_left_too() -> None:
    keeper = Doorkeeper(DoorConfig(), (DOOR,))
    keeper.step(ahead(11.0), view(11.0, 1.0), state("open", 1.0))
    assert [request.wish for request in keeper.step(ahead(13.5), view(13.5, 3.0), {}).asks] == ["close"]
    keeper.step(ahead(8.0), view(8.0, 5.0), {})
    assert [request.wish for request in keeper.leave(view(8.0, 6.0))] == ["close"]
    assert keeper.leave(view(8.0, 7.0)) == ()
    assert keeper.leave(None) == ()


def test_a_closed_leaf_does_not_close_the_plan() -> None:
    costmap = Costmap(CostmapConfig(), site())
    field = costmap.field(0)
    assert float(field.weight_at([(12.0, 4.2)])[0]) < float(FORBIDDEN)
    assert float(field.weight_at([(12.0, 7.0)])[0]) >= float(FORBIDDEN)


def test_a_simulated_door_opens_stays_and_closes_by_itself() -> None:
    doors = SimulatedDoors([DOOR], takes_s=2.0, holds_s=5.0)

    def position(at_s: float) -> str:
        return doors.states(nanoseconds(at_s))[0].position

    assert position(1.0) == "closed"
    doors.ask(DoorRequest(stamp_ns=nanoseconds(2.0), door_id="hatch", wish="open"))
    doors.ask(DoorRequest(stamp_ns=nanoseconds(2.0), door_id="other", wish="open"))
    assert [position(at_s) for at_s in (3.0, 4.0, 7.0, 8.0, 9.5)] == ["moving", "open", "open", "moving", "closed"]
    doors.ask(DoorRequest(stamp_ns=nanoseconds(10.0), door_id="hatch", wish="open"))
    assert position(12.5) == "open"
    doors.ask(DoorRequest(stamp_ns=nanoseconds(13.0), door_id="hatch", wish="close"))
    assert [position(13.5), position(15.5)] == ["moving", "closed"]
