# SPDX-License-Identifier: Apache-2.0
"""How actors follow routes, wait for triggers, climb, drop things, and make way for the robot."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.geometry import Pose2
from sim.actors import Actor
from sim.bodies import make_body
from sim.scenario import ActorSpec

FAR = Pose2(500.0, 500.0, 0.0)
STEP_S = 0.05


def actor(**settings_: Any) -> Actor:
    spec = ActorSpec.model_validate({"name": "a", "kind": "guard", **settings_})
    return Actor(spec, make_body(spec.kind, spec.name, 1))


def play(who: Actor, duration_s: float, robot: Pose2 = FAR, begin_s: float = 0.0) -> list[tuple[Pose2, float]]:
    seen = []
    for step in range(round(duration_s / STEP_S)):
        who.step(begin_s + step * STEP_S, STEP_S, robot)
        seen.append((who.state.pose, who.state.z_m))
    return seen


def test_walks_its_route_at_its_speed_and_pauses() -> None:
    who = actor(route=[{"x_m": 0, "y_m": 0}, {"x_m": 6, "y_m": 0, "speed_mps": 1.5, "pause_s": 2.0}, {"x_m": 6, "y_m": 3}])
    places = play(who, 5.0)
    assert places[39][0].x_m == pytest.approx(3.0, abs=0.1)
    assert places[-1][0].y_m == pytest.approx(0.0, abs=1e-6)
    play(who, 6.0, begin_s=5.0)
    assert who.state.pose.y_m == pytest.approx(3.0, abs=0.03)
    assert who.state.done


def test_a_loop_comes_back_and_goes_on() -> None:
    who = actor(loop=True, route=[{"x_m": 0, "y_m": 0}, {"x_m": 4, "y_m": 0}])
    xs = [pose.x_m for pose, _ in play(who, 30.0)]
    turns = np.flatnonzero(np.diff(np.sign(np.array(xs) - 2.0)))
    assert len(turns) >= 4
    assert not who.state.done


def test_waits_for_its_time_and_for_the_robot() -> None:
    who = actor(start={"after_s": 2.0, "robot_within_m": 10.0}, route=[{"x_m": 0, "y_m": 0}, {"x_m": 9, "y_m": 0}])
    play(who, 4.0)
    assert not who.state.started
    play(who, 1.0, robot=Pose2(0.0, 8.0, 0.0), begin_s=1.0)
    assert not who.state.started
    play(who, 1.0, robot=Pose2(0.0, 8.0, 0.0), begin_s=5.0)
    assert who.state.started
    assert who.state.pose.x_m > 0.5


def test_climbs_over_in_an_arc() -> None:
    who = actor(kind="intruder", route=[{"x_m": 0, "y_m": 0}, {"x_m": 0, "y_m": 1, "speed_mps": 0.2, "climb_m": 2.0}])
    heights = [z_m for _, z_m in play(who, 8.0)]
    assert max(heights) == pytest.approx(2.0, abs=0.02)
    assert heights[-1] == 0.0
    assert who.state.done


def test_drops_a_package_where_it_stands() -> None:
    who = actor(route=[{"x_m": 0, "y_m": 0}, {"x_m": 2, "y_m": 0, "drops": "bag"}])
    dropped = []
    for step in range(80):
        who.step(step * STEP_S, STEP_S, FAR)
        if who.dropped is not None:
            dropped.append(who.dropped)
    assert len(dropped) == 1
    name, pose = dropped[0]
    assert name == "bag"
    assert math.hypot(pose.x_m - 2.0, pose.y_m) < 0.6


@given(offset_m=st.floats(-0.7, 0.7), distance_m=st.floats(2.5, 6.0))
@settings(max_examples=25, deadline=None)
def test_people_do_not_walk_into_a_standing_robot_and_get_past_it(offset_m: float, distance_m: float) -> None:
    who = actor(route=[{"x_m": 0, "y_m": 0}, {"x_m": 12, "y_m": 0}])
    robot = Pose2(distance_m, offset_m, 0.0)
    gaps = [pose.distance_to(robot) for pose, _ in play(who, 40.0, robot=robot)]
    assert min(gaps) > 0.44 + 0.3
    assert who.state.done


def test_a_van_stops_for_the_robot() -> None:
    who = actor(kind="van", route=[{"x_m": 0, "y_m": 0}, {"x_m": 30, "y_m": 0, "speed_mps": 4.0}])
    robot = Pose2(15.0, 0.0, 0.0)
    play(who, 20.0, robot=robot)
    assert who.state.pose.x_m < 15.0 - who.body.radius_m
    assert not who.state.done


def test_what_is_thrown_falls_as_things_fall() -> None:
    stone = actor(kind="thrown", route=[{"x_m": 0, "y_m": 0, "height_m": 1.6}, {"x_m": 9, "y_m": 0, "speed_mps": 6.0}])
    places = play(stone, 1.45)
    heights = np.array([z_m for _, z_m in places])
    falls = np.diff(heights, 2) / STEP_S**2
    assert falls == pytest.approx(np.full(len(falls), -9.81), abs=0.05)
    assert [pose.x_m for pose, _ in places[:3]] == pytest.approx([0.3, 0.6, 0.9])
    play(stone, 0.2, begin_s=1.45)
    assert stone.state.z_m == 0.0
    assert stone.state.done


def test_what_flies_keeps_between_the_heights_of_its_stops() -> None:
    drone = actor(
        kind="drone",
        route=[{"x_m": 0, "y_m": 0, "height_m": 8}, {"x_m": 20, "y_m": 0, "height_m": 4, "speed_mps": 5.0, "pause_s": 1.0}],
    )
    assert drone.state.z_m == 8.0
    assert play(drone, 2.0)[-1][1] == pytest.approx(6.0, abs=0.1)
    assert play(drone, 3.0, begin_s=2.0)[-1][1] == pytest.approx(4.0)
