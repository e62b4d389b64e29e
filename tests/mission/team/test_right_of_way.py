# SPDX-License-Identifier: Apache-2.0
"""Narrow passages in a live team: never two robots in one, whatever is lost; and everybody gets through in the end."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mission.team.knowledge import Knowledge, Report, fork_key
from mission.team.right_of_way import RightOfWay, RightOfWayConfig, Wish
from mission.team.unit import Duty, TeamGround
from mission.team.wire import TeamWire
from patrol.errors import BadInput
from patrol.passages import PassagesHeld
from tests.mission.team.teams import means_of, robots
from tests.mission.team.test_mate import ring

STEP_S = 0.25
NARROW = (40.0, 60.0)
HALL, CELLAR = "hall", "cellar"


@dataclass
class Robot:
    """Goes to and fro on a line through the passage; it enters only where the passage was its own within the last second."""

    way: RightOfWay
    unit_id: str
    at_m: float
    goal_m: float
    speed_mps: float = 1.0
    knowledge: Knowledge = field(default_factory=Knowledge)
    told: PassagesHeld | None = None
    duty: Duty = Duty.PATROL
    crossings: int = 0
    clock_off_s: float = 0.0
    is_silent: bool = False
    count: int = 0

    @property
    def is_inside(self) -> bool:
        return NARROW[0] <= self.at_m <= NARROW[1]

    def wish(self) -> Wish:
        heads_in = self.duty is Duty.PATROL and (self.goal_m - self.at_m) * (50.0 - self.at_m) > 0.0
        near = min(abs(self.at_m - edge) for edge in NARROW) <= 12.0
        return Wish(wants=HALL if heads_in and near else "", inside=HALL if self.is_inside else "")

    def think(self, now_s: float) -> None:
        own_s = now_s + self.clock_off_s
        report = Report(unit_id=self.unit_id, count=self.count, stamp_s=own_s, duty=self.duty, at=0, ready_s=own_s)
        self.count += 1
        self.knowledge = self.knowledge.merged(Knowledge(reports={self.unit_id: report}))
        told, self.told = self.way.step(self.knowledge, self.wish(), own_s)
        self.knowledge = self.knowledge.merged(told)

    def drive(self) -> None:
        if self.duty is not Duty.PATROL and not self.is_inside:
            return
        step_m = min(self.speed_mps * STEP_S, abs(self.goal_m - self.at_m)) * (1.0 if self.goal_m > self.at_m else -1.0)
        enters = not self.is_inside and NARROW[0] <= self.at_m + step_m <= NARROW[1]
        if enters and (self.told is None or HALL not in self.told.held):
            return
        self.crossings += self.is_inside and not NARROW[0] <= self.at_m + step_m <= NARROW[1]
        self.at_m += step_m
        if self.at_m == self.goal_m:
            self.goal_m = 100.0 - self.goal_m


class Corridor:
    """Robots on both sides of one passage; their words cross the wire, or are lost."""

    def __init__(self, count: int, *, loss: float, seed: int = 3, clocks_s: float = 0.0) -> None:
        units = robots(count, 1.0)
        self.wire = TeamWire(ring(6), means_of(TeamGround(graph=ring(6)), units).units, (HALL, CELLAR))
        self.random, self.loss, self.now_s = np.random.default_rng(seed), loss, 1_000_000.0
        names = [unit.unit_id for unit in units]
        self.robots = [
            Robot(
                way=RightOfWay(name, names, (HALL, CELLAR)),
                unit_id=name,
                at_m=2.0 * number if number % 2 == 0 else 100.0 - 2.0 * number,
                goal_m=100.0 if number % 2 == 0 else 0.0,
                clock_off_s=float(self.random.uniform(-clocks_s, clocks_s)),
            )
            for number, name in enumerate(names)
        ]
        self.most_inside = 0
        self.most_held = 0

    def run(self, duration_s: float) -> None:
        for _ in range(round(duration_s / STEP_S)):
            self.now_s += STEP_S
            live = [robot for robot in self.robots if not robot.is_silent]
            for robot in live:
                robot.think(self.now_s)
            words = {robot.unit_id: self.wire.knowledge(self.wire.text(robot.knowledge)) for robot in live}
            for listener, speaker in itertools.permutations(live, 2):
                if self.random.random() >= self.loss:
                    listener.knowledge = listener.knowledge.merged(words[speaker.unit_id])
            for robot in live:
                robot.drive()
            self.most_inside = max(self.most_inside, sum(robot.is_inside for robot in self.robots))
            held = sum(robot.told is not None and HALL in robot.told.held for robot in live)
            self.most_held = max(self.most_held, held)


@pytest.mark.parametrize("loss", [0.0, 0.9])
def test_two_robots_swap_sides_again_and_again(loss: float) -> None:
    corridor = Corridor(2, loss=loss)
    corridor.run(700.0)
    assert (corridor.most_inside, corridor.most_held) == (1, 1)
    assert min(robot.crossings for robot in corridor.robots) >= 4


def test_several_robots_share_a_corridor_though_most_words_are_lost() -> None:
    corridor = Corridor(5, loss=0.9, clocks_s=3.0)
    corridor.run(500.0)
    assert (corridor.most_inside, corridor.most_held) == (1, 1)
    assert min(robot.crossings for robot in corridor.robots) >= 1, "nobody starves"


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.0, 0.97), st.data())
def test_it_is_never_two_robots_own_whatever_is_lost_and_whoever_begins_anew(seed: int, loss: float, data: st.DataObject) -> None:
    corridor = Corridor(3, loss=loss, seed=seed, clocks_s=0.9)
    for _ in range(4):
        corridor.run(data.draw(st.floats(1.0, 30.0)))
        robot = data.draw(st.sampled_from(corridor.robots))
        change = data.draw(st.sampled_from(("forgets", "falls silent", "leaves", "nothing")))
        if change == "forgets":
            names = [one.unit_id for one in corridor.robots]
            robot.way, robot.knowledge, robot.told = RightOfWay(robot.unit_id, names, (HALL, CELLAR)), Knowledge(), None
            robot.count = round(corridor.now_s)
        elif change == "falls silent":
            robot.is_silent = True
        elif change == "leaves":
            robot.duty = Duty.CHARGING
    corridor.run(60.0)
    assert corridor.most_inside <= 1


def test_a_robot_that_docks_hands_its_forks_over_and_one_that_falls_silent_keeps_them() -> None:
    corridor = Corridor(2, loss=0.5)
    first, second = corridor.robots
    first.duty = Duty.CHARGING
    corridor.run(30.0)
    first.is_silent = True
    corridor.run(400.0)
    assert second.crossings >= 3, "the other one goes on alone"
    silent = Corridor(2, loss=0.0)
    first, second = silent.robots
    second.speed_mps = 0.3
    silent.run(45.0)
    assert first.is_inside
    first.is_silent = True
    silent.run(200.0)
    assert second.crossings == 0
    assert second.told is not None
    assert second.told.refused == {HALL: "r0 is in it"}


def test_nobody_is_let_in_before_everybody_was_heard_of() -> None:
    alone = Corridor(2, loss=0.0)
    alone.robots[1].is_silent = True
    alone.run(60.0)
    assert alone.robots[0].told is not None
    assert alone.robots[0].told.refused == {HALL: "r1 was not heard of yet"}
    assert not alone.robots[0].is_inside


def test_who_does_not_go_in_goes_to_the_end_of_the_queue() -> None:
    corridor = Corridor(2, loss=0.0)
    first, second = corridor.robots
    first.speed_mps = 0.0
    first.at_m = 39.0
    corridor.run(40.0)
    assert first.told is not None
    assert first.told.held == {HALL}
    corridor.run(RightOfWayConfig().lease_s + 60.0)
    assert second.crossings == 1


def test_foreign_forks_are_refused() -> None:
    corridor = Corridor(2, loss=0.0)
    corridor.run(1.0)
    known = corridor.robots[0].knowledge
    assert corridor.wire.knowledge(corridor.wire.text(known)).claims == dict(known.claims)
    for key in (fork_key("attic", "r0", "r1"), fork_key(HALL, "r0", "r7")):
        with pytest.raises(BadInput, match="forks"):
            corridor.wire.knowledge(corridor.wire.text(replace(known, forks={key: 1})))
