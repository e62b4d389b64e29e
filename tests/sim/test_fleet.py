# SPDX-License-Identifier: Apache-2.0
"""Several robots in one world: each drives and measures by itself, sees the other, and can not drive through it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from patrol.geometry import STOPPED, Pose2, Twist2
from patrol.sensors import Battery, Odometry, Scan
from sim.robot import read_robot
from sim.simulator import MATE_SENSORS, Simulator
from tests.sim.stand import yard_scenario

ROBOT = read_robot()
SECOND_NS = 1_000_000_000
AHEAD = Pose2(3.0, 0.0, math.pi)


@pytest.fixture
def pair(tmp_path: Path) -> Simulator:
    """The second robot stands three metres before the first one and faces it."""
    scenario = yard_scenario(tmp_path, robot={"x_m": 0.0, "y_m": 0.0, "yaw_deg": 0.0})
    return Simulator(scenario, ROBOT, seed=3, sensors=MATE_SENSORS, others=(AHEAD,))


def drive(sim: Simulator, first: Twist2, second: Twist2, duration_s: float) -> None:
    for _ in range(round(duration_s * 10)):
        sim.command(first)
        sim.command(second, number=1)
        sim.advance(SECOND_NS // 10)


def test_each_robot_drives_by_its_own_commands(pair: Simulator) -> None:
    drive(pair, STOPPED, Twist2(forward_mps=-0.5, left_mps=0.0, turn_radps=0.0), 3.0)
    truth = pair.truth()
    assert truth.map_from_base.distance_to(Pose2(0.0, 0.0, 0.0)) < 0.02
    (other,) = truth.others
    assert other.x_m > AHEAD.x_m + 0.8
    assert abs(other.y_m) < 0.05


def test_each_robot_measures_for_itself_and_sees_the_other(pair: Simulator) -> None:
    scans = []
    for _ in range(5):
        scans += [each for each in pair.advance(SECOND_NS // 10) if isinstance(each, Scan)]
    mate = pair.taken(1)
    assert {type(each) for each in mate} >= {Scan, Odometry}
    assert [each.stamp_ns for each in mate] == sorted(each.stamp_ns for each in mate)
    assert pair.taken(1) == ()
    for scan in (scans[-1], next(each for each in mate if isinstance(each, Scan))):
        ahead = scan.ranges_m[np.abs(scan.angle_min_rad + scan.angle_step_rad * np.arange(len(scan.ranges_m))) < 0.05]
        assert 1.8 < float(ahead.min()) < 3.0, "the other robot's hull stands between"


def test_robots_do_not_drive_through_one_another(pair: Simulator) -> None:
    drive(pair, Twist2(forward_mps=0.6, left_mps=0.0, turn_radps=0.0), STOPPED, 7.0)
    truth = pair.truth()
    (other,) = truth.others
    assert truth.contact_count > 0
    assert any(name.startswith("robot_1/") for name in truth.contacts)
    assert truth.map_from_base.distance_to(other) > 0.5


def test_the_berth_of_another_robot_charges_it(pair: Simulator) -> None:
    drive(pair, STOPPED, STOPPED, 2.0)
    assert [each.current_a > 0.0 for each in pair.taken(1) if isinstance(each, Battery)][-1]


def test_a_world_with_one_robot_measures_what_it_did_before_there_could_be_more(tmp_path: Path) -> None:
    alone = Simulator(yard_scenario(tmp_path), ROBOT, seed=3, sensors=frozenset({"odom"}))
    assert alone.advance(SECOND_NS)
    assert alone.truth().others == ()
