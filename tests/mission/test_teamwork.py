# SPDX-License-Identifier: Apache-2.0
"""A robot's mission under its team's word: what is open changes, what was visited never does; two whole executives share a
round."""

from __future__ import annotations

import time

import pytest

from mission.executive import Executive, ExecutiveConfig
from mission.ledger import Ledger
from mission.route import perimeter_route
from mission.team.mate import Mate, own_of
from mission.team.roster import roster_of
from mission.team.wire import TeamWire
from mission.teamwork import FRESH_S, WAITS_S, Teamwork
from patrol.assignment import Assignment
from patrol.clock import nanoseconds, seconds
from patrol.errors import BadValue
from patrol.geometry import IDENTITY2, Pose2
from patrol.operations import CommandKind, Mission, Mode, Route, RouteWaypoint
from tests.mission.kinematic import Drill, FlatWorld
from tests.mission.places import room, room_stops

SITE = room(waypoints=room_stops())
A, B, C = (RouteWaypoint(waypoint_id=name, pose=Pose2(x, 0.0, 0.0)) for name, x in (("A", 1.0), ("B", 2.0), ("C", 3.0)))


def ledger(laps: int = 2) -> Ledger:
    mission = Mission(mission_id="m", name="M", route=Route(route_id="r", waypoints=(A, B, C)), laps=laps)
    return Ledger(mission=mission, leg_started_ns=0)


def given(*stops: RouteWaypoint, stamp_ns: int = 10, mission_id: str = "m", is_over: bool = False) -> Assignment:
    return Assignment(stamp_ns=stamp_ns, mission_id=mission_id, stops=stops, because="its beat", is_over=is_over)


def ids(of: Ledger) -> list[str]:
    return [stop.waypoint_id for stop in of.mission.route.waypoints]


def test_what_is_assigned_takes_the_place_of_what_is_open_and_nothing_else() -> None:
    begun = ledger().settled("reached", "", 5).settled("missed", "blocked", 8)
    after = Teamwork(in_team=True).followed(begun, given(C, B), 20)
    assert after is not None
    assert ids(after) == ["A", "B", "C", "B"]
    assert after.outcomes == begun.outcomes
    assert after.waypoint == C
    assert Teamwork(in_team=True).followed(after, given(C, B), 21) is after


def test_outcomes_of_later_laps_keep_their_stops() -> None:
    begun = ledger()
    for _ in range(4):
        begun = begun.settled("reached", "", 5)
    after = begun.assigned((B,))
    assert ids(after) == ["A", "B", "C", "A", "B"]
    assert not after.is_done


def test_old_words_words_of_other_missions_and_words_from_before_the_start_count_for_nothing() -> None:
    begun = ledger().settled("reached", "", 5)
    works = Teamwork(in_team=True)
    assert works.followed(begun, given(C, mission_id="other"), 20) is begun
    assert works.followed(begun, given(C), 10 + nanoseconds(FRESH_S) + 1) is begun
    assert works.followed(begun, given(C, stamp_ns=4), 20) is begun
    assert works.followed(begun, None, 20) is begun
    assert Teamwork(in_team=False).followed(begun, given(C), 20) is begun


def test_the_end_of_the_team_s_rounds_closes_the_ledger() -> None:
    works = Teamwork(in_team=True)
    done = works.followed(ledger().settled("reached", "", 5), given(is_over=True), 20)
    assert done is not None
    assert done.is_done
    assert [each.outcome for each in done.outcomes] == ["reached"]
    idle = works.followed(ledger(laps=1), given(is_over=True), 20)
    assert idle is not None
    assert {each.outcome for each in idle.outcomes} == {"pre-empted"}


def test_a_robot_in_a_team_waits_for_its_word_and_then_goes_by_itself() -> None:
    begun = Teamwork(in_team=True).begun(ledger(), 7)
    assert begun.waypoint.not_before_ns == 7 + nanoseconds(WAITS_S)
    assert Teamwork(in_team=False).begun(ledger(), 7) == ledger()


def test_an_assignment_without_stops_is_refused_until_the_end() -> None:
    with pytest.raises(BadValue, match="stops"):
        given()


class Sharing:
    """Two executives, each in a world of its own, and their mates."""

    def __init__(self) -> None:
        mission = Mission(mission_id="m", name="M", route=perimeter_route(SITE), laps=1, docks_after=False)
        self.roster = roster_of(SITE, mission, ("one", "two"), time.monotonic)
        self.wire = TeamWire(self.roster.made.graph, self.roster.means.units)
        self.drills: list[Drill] = []
        self.mates: list[Mate] = []
        for number, unit in enumerate(self.roster.means.units.values()):
            world = FlatWorld(SITE, start=SITE.docks[0].pose, seed=number)
            executive = Executive(ExecutiveConfig(), SITE, [mission], base_from_lidar=IDENTITY2, in_team=True)
            self.drills.append(Drill(world, executive))
            stops = self.roster.stops
            self.mates.append(Mate(unit, self.roster.means, self.roster.made.graph, stops, mission_id="m", laps=1))

    def step(self, number: int) -> None:
        """One turn; five times a turn of the team."""
        for drill, mate in zip(self.drills, self.mates, strict=True):
            decision = drill.step()
            for outcome in decision.outcomes:
                mate.settled(outcome.waypoint_id, outcome.outcome, seconds(drill.world.now_ns))
            if number % 5 == 0:
                drill.more["assignment"] = mate.step(seconds(drill.world.now_ns), own_of(decision.state, "m"))
        if number % 5 == 0:
            words = [self.wire.text(mate.knowledge) for mate in self.mates]
            self.mates[0].hear(self.wire.knowledge(words[1]))
            self.mates[1].hear(self.wire.knowledge(words[0]))


def test_two_executives_share_a_round_and_both_end_when_every_stop_was_visited() -> None:
    team = Sharing()
    for drill in team.drills:
        drill.order(CommandKind.START, "m")
    for number in range(20 * 200):
        team.step(number)
        if number > 200 and all(drill.decision is not None and drill.decision.state.mode is Mode.IDLE for drill in team.drills):
            break
    reached = [{each.waypoint_id for each in drill.outcomes if each.outcome == "reached"} for drill in team.drills]
    assert reached[0] | reached[1] == {stop.waypoint_id for stop in team.roster.stops}
    assert all(reached), "both take part"
    assert all(drill.decision is not None and drill.decision.mission_done for drill in team.drills)


def test_the_reason_that_an_operator_reads_names_the_team_s_promise() -> None:
    team = Sharing()
    for drill in team.drills:
        drill.order(CommandKind.START, "m")
    team.step(1)
    first = team.drills[0].decision
    assert first is not None
    assert "the team is planning" in first.state.why
    for number in range(2, 20 * 9):
        team.step(number)
    whys = [drill.decision.state.why for drill in team.drills if drill.decision is not None]
    assert all("team's plan" in why and "no stop unseen for over" in why for why in whys), whys
