# SPDX-License-Identifier: Apache-2.0
"""Simulator, stop path, SLAM and mission as real processes that exchange real messages."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("patrol_msgs.msg", reason="the ROS interfaces are not built: make setup")

from patrol_msgs.action import Patrol
from patrol_msgs.srv import SendCommand
from rclpy.action.client import ActionClient

from patrol_bringup.settings import RunSettings
from patrol_ros.conversions.stamps import stamp_from_ros, stamp_to_ros
from tests.ros.graph import LIGHT_SENSORS, NAMESPACE, ROOT, Graph, running

pytestmark = [pytest.mark.ros, pytest.mark.timeout(600)]
ACTION_CLIENT: Any = ActionClient
TOPICS = ("/clock", "scan", "odom", "localisation", "robot_state", "stop_state", "cmd_vel", "map", "tf_static", "diagnostics")


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    folder = tmp_path_factory.mktemp("stack")
    settings = RunSettings(
        run_folder=folder,
        robot_id=NAMESPACE,
        site=ROOT / "config" / "sites" / "depot.geojson",
        mission=ROOT / "config" / "missions" / "perimeter.yaml",
        scenario=ROOT / "sim" / "scenarios" / "depot_quiet.yaml",
        sensors=LIGHT_SENSORS,
    )
    names = ("stop", "simulator", "slam", "mission")
    with running(settings, *names, domain_id=1 + secrets.randbelow(100), logs=folder / "logs") as graph:
        graph.probe.listen(*TOPICS)
        yield graph


def send(graph: Graph, service: str, kind: str, command_id: str) -> Any:
    now_ns = stamp_from_ros(graph.probe.newest("/clock").clock)
    request = SendCommand.Request(command_id=command_id, kind=kind, expires=stamp_to_ros(now_ns + 60 * 10**9), issued_by="test")
    return graph.call("patrol_msgs/srv/SendCommand", service, request)


def kill(graph: Graph, name: str) -> None:
    pid = graph.report(name).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)


def test_sensors_pose_and_state_arrive(graph: Graph) -> None:
    heard = graph.probe.heard
    assert graph.until(lambda: all(heard[name] for name in TOPICS)), {name: len(heard[name]) for name in TOPICS}
    assert len(graph.probe.newest("scan").ranges) == 900
    assert graph.probe.newest("odom").child_frame_id == "base_link"
    assert graph.probe.newest("localisation").header.frame_id == "map"
    frames = {transform.child_frame_id for transform in graph.probe.newest("tf_static").transforms}
    assert {"lidar_link", "camera_optical_frame", "thermal_optical_frame"} <= frames


def test_the_mission_waits_for_a_start(graph: Graph) -> None:
    assert graph.until(lambda: graph.probe.newest("robot_state") is not None)
    assert graph.probe.newest("robot_state").mode in {"idle", "docked", "held"}
    assert graph.probe.newest("cmd_vel").linear.x == 0.0


def test_the_patrol_action_drives_and_can_be_cancelled(graph: Graph) -> None:
    feedback: list[Any] = []
    client = ACTION_CLIENT(graph.probe.node, Patrol, "patrol")
    assert graph.until(client.server_is_ready)
    assert graph.until(lambda: not graph.probe.newest("localisation").doubt)
    sent = client.send_goal_async(Patrol.Goal(mission_id="nowhere"), feedback_callback=feedback.append)
    assert graph.until(sent.done)
    assert not sent.result().accepted
    sent = client.send_goal_async(Patrol.Goal(mission_id="perimeter"), feedback_callback=feedback.append)
    assert graph.until(sent.done)
    goal = sent.result()
    assert goal.accepted
    assert graph.until(lambda: feedback and graph.probe.newest("cmd_vel").linear.x > 0.1)
    assert feedback[-1].feedback.progress.mission_id == "perimeter"
    cancelled = goal.cancel_goal_async()
    assert graph.until(cancelled.done)
    result = goal.get_result_async()
    assert graph.until(result.done)
    assert result.result().result.outcome == "aborted"
    assert {outcome.outcome for outcome in result.result().result.outcomes} == {"pre-empted"}
    assert graph.until(lambda: graph.probe.newest("cmd_vel").linear.x == 0.0)


def test_a_killed_node_comes_back_and_the_pose_goes_on(graph: Graph) -> None:
    before = graph.probe.newest("localisation")
    later_ns = stamp_from_ros(before.header.stamp) + 10**9
    kill(graph, "slam")
    assert graph.until(lambda: graph.report("slam").restarts == 1)
    assert graph.until(lambda: stamp_from_ros(graph.probe.newest("localisation").header.stamp) > later_ns)
    after = graph.probe.newest("localisation")
    assert after.map_from_odom.x == pytest.approx(before.map_from_odom.x, abs=0.5)
    assert after.map_from_odom.y == pytest.approx(before.map_from_odom.y, abs=0.5)


def test_an_estop_outlives_the_stop_path(graph: Graph) -> None:
    assert send(graph, "stop/send_command", "estop", "stop-1").accepted
    assert graph.until(lambda: graph.probe.newest("stop_state").estop_latched)
    assert graph.until(lambda: graph.probe.newest("robot_state").mode == "estopped")
    kill(graph, "stop")
    graph.probe.heard["stop_state"].clear()
    assert graph.until(lambda: graph.report("stop").restarts == 1)
    graph.probe.heard["stop_state"].clear()
    assert graph.until(lambda: graph.probe.heard["stop_state"])
    assert graph.probe.newest("stop_state").estop_latched


def test_a_reset_takes_two_steps(graph: Graph) -> None:
    assert graph.until(lambda: graph.probe.newest("stop_state").state == "estopped"), "latched, and running again"
    refused = send(graph, "send_command", "estop_reset", "reset-0")
    assert not refused.accepted
    assert "armed" in refused.because
    assert send(graph, "send_command", "estop_arm_reset", "arm-1").accepted
    assert send(graph, "send_command", "estop_reset", "reset-1").accepted
    assert graph.until(lambda: not graph.probe.newest("stop_state").estop_latched)
    assert graph.until(lambda: graph.probe.newest("robot_state").mode != "estopped")


def test_an_unknown_command_is_refused_in_words(graph: Graph) -> None:
    answer = send(graph, "send_command", "dance", "dance-1")
    assert not answer.accepted
    assert "dance" in answer.because


def test_when_the_robot_begins_anew_so_does_the_stack(graph: Graph) -> None:
    heard = graph.probe.heard
    began_ns = stamp_from_ros(heard["/clock"][0].clock)
    kill(graph, "simulator")
    assert graph.until(lambda: graph.report("simulator").restarts == 1)
    for name in ("localisation", "robot_state", "cmd_vel", "/clock"):
        heard[name].clear()
    assert graph.until(lambda: all(heard[name] for name in ("localisation", "robot_state", "cmd_vel")))
    assert graph.until(lambda: stamp_from_ros(graph.probe.newest("localisation").header.stamp) < began_ns + 60 * 10**9)
    assert graph.until(lambda: not graph.probe.newest("localisation").doubt)
