# SPDX-License-Identifier: Apache-2.0
"""Robots that drive by themselves as one team: points on a plane that go where they are assigned, and words that get lost."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import pytest

from mission.planning.graph import PatrolGraph
from mission.team.knowledge import AlertState
from mission.team.mate import Mate, MateConfig, Own
from mission.team.roster import LIVE
from mission.team.unit import Duty, TeamGround
from mission.team.wire import TeamWire
from patrol.assignment import Assignment
from patrol.clock import seconds
from patrol.geometry import Pose2
from patrol.operations import RouteWaypoint
from tests.mission.team.teams import means_of, robots

STEP_S = 0.25
SPEED_MPS = 1.0


def ring(count: int, radius_m: float = 40.0) -> PatrolGraph:
    """Stops round a yard."""
    angles = 2.0 * np.pi * np.arange(count) / count
    points = radius_m * np.column_stack((np.cos(angles), np.sin(angles)))
    edges = np.array(sorted({(min(i, (i + 1) % count), max(i, (i + 1) % count)) for i in range(count)}))
    lengths = np.hypot(*(points[edges[:, 0]] - points[edges[:, 1]]).T)
    names = tuple(f"w{number}" for number in range(count))
    return PatrolGraph(name="yard", vertex_names=names, points_m=points, edges=edges, lengths_m=lengths)


@dataclass
class Robot:
    """Drives straight to the open stop of what it was assigned; a little faster than plans take it to be."""

    mate: Mate
    at_m: tuple[float, float]
    patrols: bool = True
    docks: bool = False
    is_lost: bool = False
    assignment: Assignment | None = None
    visited: list[tuple[float, str]] = field(default_factory=list)

    def drive(self, now_s: float) -> None:
        given = self.assignment
        if given is None or given.is_over or not self.patrols or seconds(given.stops[0].not_before_ns) > now_s:
            return
        stop = given.stops[0]
        away_m = math.hypot(stop.pose.x_m - self.at_m[0], stop.pose.y_m - self.at_m[1])
        if away_m <= 0.5:
            self.visited.append((now_s, stop.waypoint_id))
            self.mate.settled(stop.waypoint_id, "reached", now_s)
            return
        share = min(1.0, 1.15 * SPEED_MPS * STEP_S / away_m)
        self.at_m = (
            self.at_m[0] + share * (stop.pose.x_m - self.at_m[0]),
            self.at_m[1] + share * (stop.pose.y_m - self.at_m[1]),
        )


class Team:
    """``run`` lets time pass; words are written, lost or read."""

    def __init__(self, count: int, places: int = 12, *, loss: float = 0.0, laps: int = 0) -> None:
        graph, units = ring(places), robots(count, SPEED_MPS)
        self.means = means_of(TeamGround(graph=graph), units, config=LIVE)
        self.wire = TeamWire(graph, self.means.units)
        stops = [
            RouteWaypoint(waypoint_id=name, pose=Pose2(float(x), float(y), 0.0))
            for name, (x, y) in zip(graph.vertex_names, graph.points_m, strict=True)
        ]
        config = MateConfig(handle_s=0.0)
        self.robots = [
            Robot(
                mate=Mate(unit, self.means, graph, stops, mission_id="round", laps=laps, config=config),
                at_m=(42.0, 2.0 * number),
            )
            for number, unit in enumerate(units)
        ]
        self.places, self.now_s, self.loss, self.random = places, 1_000_000.0, loss, np.random.default_rng(5)

    def run(self, duration_s: float) -> None:
        for _ in range(round(duration_s / STEP_S)):
            self.now_s += STEP_S
            there = [robot for robot in self.robots if not robot.is_lost]
            for robot in there:
                own = Own(position_m=robot.at_m, charge=0.8, is_patrolling=robot.patrols, is_docking=robot.docks)
                robot.assignment = robot.mate.step(self.now_s, own)
            words = {id(robot): self.wire.text(robot.mate.knowledge) for robot in there}
            for listener in there:
                for speaker in there:
                    if listener is not speaker and self.random.random() >= self.loss:
                        listener.mate.hear(self.wire.knowledge(words[id(speaker)]))
            for robot in there:
                robot.drive(self.now_s)

    def far_place(self) -> int:
        """The place that is farthest from every robot."""
        at_m = np.array([robot.at_m for robot in self.robots])
        away_m = np.hypot(*(ring(self.places).points_m[:, None, :] - at_m[None, :, :]).transpose(2, 0, 1)).min(axis=1)
        return int(np.argmax(away_m))

    def visits(self, since_s: float) -> list[tuple[float, str]]:
        return sorted(visit for robot in self.robots for visit in robot.visited if visit[0] >= since_s)

    def worst_gap_s(self, since_s: float) -> float:
        """The longest that a place went unseen between ``since_s`` and now."""
        seen = {f"w{place}": [since_s] for place in range(self.places)}
        for at_s, name in self.visits(since_s):
            seen[name].append(at_s)
        return max(float(np.diff([*times, self.now_s]).max()) for times in seen.values())


@pytest.mark.parametrize("loss", [0.0, 0.9])
def test_two_robots_share_the_round_and_keep_the_plan_s_guarantee(loss: float) -> None:
    team = Team(2, loss=loss)
    team.run(120.0)
    plans = [robot.mate.knowledge.plan for robot in team.robots]
    assert all(plan is not None and plan.members == {"r0", "r1"} for plan in plans)
    settled_s, guarantee_s = team.now_s, plans[0].allocation.guarantee_s if plans[0] is not None else 0.0
    team.run(500.0)
    assert all(len(robot.visited) > 10 for robot in team.robots)
    assert team.worst_gap_s(settled_s) <= 1.2 * guarantee_s
    lap_m = float(ring(team.places).lengths_m.sum())
    assert guarantee_s < 0.6 * lap_m / SPEED_MPS, "one robot alone would need the whole lap"


def test_a_robot_that_falls_silent_is_replaced_within_two_seconds_of_being_missed() -> None:
    team = Team(2)
    team.run(150.0)
    team.robots[1].is_lost = True
    team.run(LIVE.lost_after_s + 2.0)
    plan = team.robots[0].mate.knowledge.plan
    assert plan is not None
    assert plan.members == {"r0"}
    since_s = team.now_s
    team.run(350.0)
    assert {name for _, name in team.visits(since_s)} == {f"w{place}" for place in range(team.places)}


def test_a_robot_that_goes_to_charge_is_planned_around_within_two_seconds_and_comes_back_to_its_breakpoint_once() -> None:
    team = Team(2)
    team.run(150.0)
    gone = team.robots[1]
    broke_off = gone.assignment.stops[0].waypoint_id if gone.assignment is not None else ""
    gone.patrols, gone.docks = False, True
    team.run(2.0)
    assert [robot.mate.knowledge.plan.members for robot in team.robots if robot.mate.knowledge.plan is not None] == [{"r0"}] * 2
    assert gone.mate.duty is Duty.CHARGING
    team.run(30.0)
    gone.patrols, gone.docks = True, False
    before = len(gone.visited)
    team.run(2.0)
    assert all(plan is not None and plan.members == {"r0", "r1"} for plan in (r.mate.knowledge.plan for r in team.robots))
    assert gone.assignment is not None
    assert gone.assignment.stops[0].waypoint_id == broke_off
    assert "broke off" in gone.assignment.because
    team.run(100.0)
    assert gone.visited[before][1] == broke_off
    assert gone.mate.errands == ("charging",)


@pytest.mark.parametrize("loss", [0.0, 0.8])
def test_an_alert_sends_one_robot_once_and_its_round_goes_on_at_the_breakpoint(loss: float) -> None:
    team = Team(3, loss=loss)
    team.run(150.0)
    raised_s, far = team.now_s, team.far_place()
    next_stops = {id(robot): robot.assignment.stops[0].waypoint_id for robot in team.robots if robot.assignment is not None}
    x_m, y_m = ring(team.places).points_m[far].tolist()
    team.robots[0].mate.raise_alert("intruder", (x_m + 1.0, y_m), raised_s)
    team.run(130.0)
    assert {r.mate.knowledge.alerts["intruder"].state for r in team.robots} == {AlertState.DONE}
    (went,) = [robot for robot in team.robots if "intruder" in robot.mate.errands]
    assert went.mate.errands.count("intruder") == 1
    after = [name for at_s, name in went.visited if at_s > raised_s]
    at = after.index(f"w{far}")
    broke_off = next_stops[id(went)]
    assert after[:at] in ([], [broke_off]), "nothing comes before the alert but the stop that it was just reaching"
    if not after[:at]:
        assert after[at + 1] == broke_off
    assert all(robot.mate.duty is Duty.PATROL for robot in team.robots)


def with_one_sent() -> tuple[Team, Robot]:
    """Two robots of which one has just been sent to an alert, and that one."""
    team = Team(2)
    team.run(150.0)
    x_m, y_m = ring(team.places).points_m[team.far_place()].tolist()
    team.robots[0].mate.raise_alert("intruder", (x_m, y_m), team.now_s)
    team.run(1.0)
    return team, next(robot for robot in team.robots if robot.mate.duty is Duty.DISPATCHED)


def test_one_that_can_not_get_there_leaves_the_alert_to_another() -> None:
    team, sent = with_one_sent()
    assert sent.assignment is not None
    sent.mate.settled(sent.assignment.stops[0].waypoint_id, "missed", team.now_s)
    team.run(120.0)
    other = next(robot for robot in team.robots if robot is not sent)
    assert "intruder" in other.mate.errands
    assert other.mate.knowledge.alerts["intruder"].state is AlertState.DONE


def test_a_patrol_of_so_many_rounds_is_over_when_every_stop_was_visited_so_often() -> None:
    team = Team(2, laps=2)
    team.run(40.0)
    assert not any(robot.assignment is not None and robot.assignment.is_over for robot in team.robots)
    team.run(700.0)
    assert all(robot.assignment is not None and robot.assignment.is_over for robot in team.robots)
    names = [name for robot in team.robots for _, name in robot.visited]
    assert min(names.count(f"w{place}") for place in range(team.places)) == 2


def test_a_held_robot_keeps_its_beat_for_a_while() -> None:
    team = Team(2)
    team.run(150.0)
    before = team.robots[0].mate.knowledge.plan
    team.robots[1].patrols = False
    team.run(5.0)
    team.robots[1].patrols = True
    team.run(5.0)
    assert team.robots[0].mate.knowledge.plan is before
    team.robots[1].patrols = False
    team.run(15.0)
    after = team.robots[0].mate.knowledge.plan
    assert after is not None
    assert after.members == {"r0"}
    assert team.robots[1].mate.duty is Duty.AWAY


def test_the_one_that_is_sent_has_stops_throughout_though_the_other_stops_meanwhile() -> None:
    team, sent = with_one_sent()
    other = next(robot for robot in team.robots if robot is not sent)
    other.patrols = False
    for _ in range(1200):
        team.run(STEP_S)
        assert sent.assignment is not None
        assert len(sent.assignment.stops) > 1, "the last stop that a mission has is its end"
    assert sent.mate.duty is Duty.PATROL
