# SPDX-License-Identifier: Apache-2.0
"""The parts beside SLAM in its node: when a lap is whole, the stamp of a serialised message, a thread that died."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("patrol_msgs.msg", reason="the ROS interfaces are not built: make setup")

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from rclpy.serialization import serialize_message
from sensor_msgs.msg import PointCloud2

from patrol.operations import MissionProgress, Mode, RobotState
from patrol_ros.conversions.clouds import coloured_cloud_to_ros
from patrol_ros.lap_watch import LapWatch
from patrol_ros.slam_cloud import _stamp_of
from patrol_ros.slot import Worker

PROGRESS = MissionProgress(mission_id="m", lap=0, leg=0, legs=4, waypoint_id="W0", fraction=0.0, time_left_s=9.0)


def state(lap: int, *, fraction: float = 0.5, mode: Mode = Mode.PATROLLING, mission_id: str = "m") -> RobotState:
    return RobotState(
        stamp_ns=1,
        mode=mode,
        why="",
        map_from_base=None,
        position_std_m=0.1,
        speed_mps=0.0,
        charge=1.0,
        progress=replace(PROGRESS, lap=lap, fraction=fraction, mission_id=mission_id),
    )


def test_the_second_lap_ends_the_first() -> None:
    watch = LapWatch()
    assert [watch.is_round(state(lap)) for lap in (0, 0, 1, 1)] == [False, False, True, True]


def test_a_lap_joined_half_way_does_not_count() -> None:
    watch = LapWatch()
    assert [watch.is_round(state(lap)) for lap in (2, 2, 3)] == [False, False, True]


def test_a_mission_done_is_a_round_once_the_robot_rests() -> None:
    watch = LapWatch()
    assert not watch.is_round(state(0, fraction=1.0))
    assert watch.is_round(state(0, fraction=1.0, mode=Mode.DOCKED))
    assert not LapWatch().is_round(replace(state(0), progress=None))


def test_another_mission_begins_another_round() -> None:
    watch = LapWatch()
    assert not watch.is_round(state(0))
    assert not watch.is_round(state(3, mission_id="other"))
    assert watch.is_round(state(4, mission_id="other"))


@settings(deadline=None)
@given(st.integers(0, 2**31 * 10**9 - 1))
def test_a_stamp_is_read_off_a_serialised_message(stamp_ns: int) -> None:
    message = coloured_cloud_to_ros(stamp_ns, "map", np.zeros((2, 3)), np.zeros((2, 3), dtype=np.uint8))
    assert isinstance(message, PointCloud2)
    assert _stamp_of(serialize_message(message)) == stamp_ns


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_whose_thread_died_says_so() -> None:
    def fail(_item: int) -> None:
        raise SystemExit

    worker: Worker[int] = Worker("frail", fail)
    assert worker.trouble == ""
    worker.offer(1)
    worker._thread.join(5.0)
    assert "died" in worker.trouble
    worker.close()
    assert worker.trouble == ""
