# SPDX-License-Identifier: Apache-2.0
"""Wheels that lie: they spin while the robot stands, or stand while it slides, with and without anything for the lidar to see."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.geometry import Pose2, Pose3, Twist2
from patrol.sensors import Imu, Odometry, PointCloud
from sim.robot import read_robot
from sim.scenario import FaultSpec, StartPose, read_scenario
from sim.simulator import Simulator
from slam.lio.cloud_check import CloudOutcome
from slam.lio.config import LioConfig, StandstillConfig
from slam.lio.odometry import LidarInertialOdometry, LioUpdate
from slam.lio.reckoning import Doubt
from slam.lio.standstill import Stillness
from tests.slam.lio.corridor import Ride
from tests.slam.lio.course import ROOT, START_NS, mounts

NOWHERE = Pose3(np.zeros(3), np.eye(3))


@dataclass(slots=True)
class Driven:
    """Errors along the corridor, m, and when the wheels were not believed, s."""

    errors_m: list[float] = field(default_factory=list)
    disbelieved_s: list[float] = field(default_factory=list)
    scale: float = 1.0


def drive(ride: Ride) -> Driven:
    odometry, driven = LidarInertialOdometry(LioConfig(), mounts(), NOWHERE), Driven()
    for event in ride.events():
        if not isinstance(event, PointCloud):
            odometry.add_reading(event)
            continue
        update = odometry.add_cloud(event)
        now_s = (update.stamp_ns - START_NS) * 1e-9
        assert update.outcome is CloudOutcome.REGISTERED
        driven.errors_m.append(float(update.odom_from_base.translation_m[0]) - ride.x_m(now_s) + ride.x_m(0.1))
        if Doubt.WHEELS_SLIP in update.doubts:
            driven.disbelieved_s.append(now_s)
    driven.scale = odometry.wheel_scale
    return driven


def ramp(now_s: float, *, from_s: float, over_s: float = 0.5) -> float:
    return min(max((now_s - from_s) / over_s, 0.0), 1.0)


def test_the_wheels_lead_where_the_lidar_tells_nothing() -> None:
    driven = drive(Ride(lasts_s=12.0, speed_mps=lambda at: ramp(at, from_s=1.0), wheels_mps=lambda at: ramp(at, from_s=1.0)))
    assert max(map(abs, driven.errors_m)) < 0.15
    assert driven.disbelieved_s == []
    assert driven.scale == pytest.approx(1.0, abs=0.03)


def test_wheels_that_spin_against_an_obstacle_in_a_bare_corridor_are_not_believed() -> None:
    """It runs into something at 4 s, stands for 7 s with the wheels turning on, and goes on at 11 s."""

    def speed_mps(at: float) -> float:
        return ramp(at, from_s=1.0) - ramp(at, from_s=4.0, over_s=0.1) + ramp(at, from_s=11.0)

    driven = drive(Ride(lasts_s=13.0, speed_mps=speed_mps, wheels_mps=lambda at: ramp(at, from_s=1.0)))
    assert max(map(abs, driven.errors_m)) < 0.2
    assert 4.0 < min(driven.disbelieved_s) < 4.5
    assert 11.0 < max(driven.disbelieved_s) < 12.0
    assert len(driven.disbelieved_s) > 32


def test_wheels_that_stand_while_the_robot_slides_are_not_believed() -> None:
    def wheels_mps(at: float) -> float:
        return ramp(at, from_s=1.0) * (0.0 if 4.0 < at < 6.0 else 1.0)

    driven = drive(Ride(lasts_s=8.0, speed_mps=lambda at: ramp(at, from_s=1.0), wheels_mps=wheels_mps))
    assert max(map(abs, driven.errors_m)) < 0.2
    assert min(driven.disbelieved_s) > 4.0
    assert 5.8 < max(driven.disbelieved_s) < 6.5


def test_a_robot_that_pushes_against_a_wall_on_wet_ground_stays_where_it_is() -> None:
    """In the simulator: into the outer wall, and against it with spinning wheels."""
    scenario = read_scenario(ROOT / "sim" / "scenarios" / "prison_yard.yaml")
    begin, wet = StartPose(x_m=-40.0, y_m=48.0, yaw_deg=90.0), FaultSpec(kind="slip", at_s=1.0, for_s=60.0)
    scenario = scenario.model_copy(update={"actors": (), "robot": begin, "faults": (wet,)})
    simulator = Simulator(scenario, read_robot(), seed=4, sensors=frozenset({"points", "imu", "odom"}))
    odometry = LidarInertialOdometry(LioConfig(), mounts(), Pose3.from_pose2(Pose2(-40.0, 48.0, np.pi / 2.0)))
    updates: list[LioUpdate] = []
    errors_m, wheels_m = [], 0.0
    for step in range(60):
        simulator.command(Twist2(forward_mps=1.2))
        measured = simulator.advance_s(0.1)
        for reading in (one for one in measured if isinstance(one, Imu | Odometry)):
            odometry.add_reading(reading)
            wheels_m = reading.odom_from_base.x_m if isinstance(reading, Odometry) else wheels_m
        for cloud in (one for one in measured if isinstance(one, PointCloud) and step % 2):
            updates.append(odometry.add_cloud(cloud))
            errors_m.append(updates[-1].odom_from_base.to_pose2().distance_to(simulator.truth().map_from_base))
    went_m = simulator.truth().map_from_base.y_m - begin.y_m
    simulator.close()
    assert wheels_m > went_m + 4.0
    assert max(errors_m) < 0.06
    assert all(Doubt.WHEELS_SLIP in update.doubts for update in updates[-15:])


def reading(at_s: float, force: float, turn: float = 0.0) -> Imu:
    return Imu(
        stamp_ns=START_NS + round(at_s * 1e9),
        frame_id="imu_link",
        angular_velocity_radps=np.array([0.0, 0.0, turn]),
        linear_acceleration_mps2=np.array([force, 0.0, 9.81]),
    )


def test_an_imu_is_still_only_after_a_window_without_a_change() -> None:
    stillness = Stillness(StandstillConfig())
    now_ns = START_NS
    for tick in range(60):
        still = stillness.at(now_ns)
        assert (still is None) == (tick <= 38)
        stillness.hear(reading(0.01 * tick, 0.1))
        now_ns = START_NS + tick * 10_000_000
    assert stillness.at(now_ns + 10**9) is None
    stillness.hear(reading(0.60, 3.0))
    assert stillness.at(now_ns + 10_000_000) is None


@settings(max_examples=30)
@given(st.floats(0.05, 3.0), st.floats(0.2, 20.0))
def test_whatever_shakes_is_not_still(size: float, rate_hz: float) -> None:
    stillness = Stillness(StandstillConfig())
    for tick in range(60):
        turn = size * np.sin(2.0 * np.pi * rate_hz * 0.01 * tick)
        stillness.hear(reading(0.01 * tick, 0.0, turn))
    assert stillness.at(START_NS + 590_000_000) is None
