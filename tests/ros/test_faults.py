# SPDX-License-Identifier: Apache-2.0
"""Every process of the stack is killed during a patrol: the robot stands or goes on, and the process comes back."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

pytest.importorskip("patrol_msgs.msg", reason="the ROS interfaces are not built: make setup")

from patrol_bringup.settings import RunSettings
from patrol_ros.conversions.stamps import stamp_from_ros
from tests.ros.graph import NAMESPACE, ROOT, Graph, running

pytestmark = [pytest.mark.ros, pytest.mark.timeout(600)]
TOPICS = ("/clock", "odom", "localisation", "robot_state", "stop_state", "cmd_vel", "map", "diagnostics")
NAMES = ("stop", "simulator", "slam", "perception", "mission", "recorder", "uplink")
Tell = Callable[[str, object], None]
STANDING_MPS = 0.02
ZERO_WITHIN_S = 0.5
# What the wheels need from full speed once nobody drives them any more.
BRAKING_S = 1.5


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Graph]:
    folder = tmp_path_factory.mktemp("faults")
    token = folder / "token"
    token.write_text("a token that nobody asks for", "utf-8")
    settings = RunSettings(
        run_folder=folder / "patrol",
        robot_id=NAMESPACE,
        site=ROOT / "config" / "sites" / "depot.geojson",
        mission=ROOT / "config" / "missions" / "perimeter.yaml",
        scenario=ROOT / "sim" / "scenarios" / "depot_quiet.yaml",
        map_folder=folder / "patrol" / "map",
        sensors="scan,odom,battery,camera",
        autostart=True,
        uplink_url="ws://127.0.0.1:9/robot",
        uplink_token_file=token,
    )
    with running(settings, *NAMES, domain_id=1 + secrets.randbelow(100), logs=folder / "logs") as graph:
        graph.probe.listen(*TOPICS)
        assert graph.until(lambda: driving(graph)), graph.probe.newest("robot_state")
        yield graph


def driving(graph: Graph) -> bool:
    newest = graph.probe.newest("odom")
    return newest is not None and newest.twist.twist.linear.x > 0.3


def clock_s(graph: Graph) -> float:
    return stamp_from_ros(graph.probe.newest("/clock").clock) / 1e9


def kill(graph: Graph, *names: str) -> float:
    """Kill the processes; returns the simulated time of it."""
    graph.probe.heard["diagnostics"].clear()
    for name in names:
        pid = graph.report(name).pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    return clock_s(graph)


def passed_until(graph: Graph, killed_s: float, condition: Callable[[], object]) -> float:
    """Simulated seconds from the kill until the condition held."""
    assert graph.until(condition), graph.probe.newest("robot_state")
    return clock_s(graph) - killed_s


def is_back(graph: Graph, name: str) -> bool:
    """Whether the process was started anew and has spoken since."""
    spoken = {status.name for message in graph.probe.heard["diagnostics"] for status in message.status}
    return graph.report(name).restarts == 1 and name in spoken


def speed_mps(graph: Graph) -> float:
    return float(abs(graph.probe.newest("odom").twist.twist.linear.x))


def goes_on_or_says_why(graph: Graph) -> bool:
    state: Any = graph.probe.newest("robot_state")
    return driving(graph) or (state.mode == "held" and bool(state.why))


def test_without_the_mission_the_wheels_stand_and_the_patrol_is_taken_up_again(graph: Graph, record_property: Tell) -> None:
    leg = graph.probe.newest("robot_state").progress[0].leg
    killed_s = kill(graph, "mission")
    zero_s = passed_until(graph, killed_s, lambda: graph.probe.newest("cmd_vel").linear.x == 0.0)
    record_property("zero_s", zero_s)
    assert zero_s <= ZERO_WITHIN_S
    assert graph.until(lambda: is_back(graph, "mission"))
    assert graph.until(lambda: driving(graph)), graph.probe.newest("robot_state")
    assert graph.probe.newest("robot_state").progress[0].leg >= leg


def test_without_the_stop_path_the_wheels_stand(graph: Graph, record_property: Tell) -> None:
    killed_s = kill(graph, "stop")
    standing_s = passed_until(graph, killed_s, lambda: speed_mps(graph) < STANDING_MPS)
    record_property("standing_s", standing_s)
    assert standing_s <= ZERO_WITHIN_S + BRAKING_S
    assert graph.until(lambda: is_back(graph, "stop"))
    assert graph.until(lambda: driving(graph)), graph.probe.newest("robot_state")


def test_without_slam_the_robot_is_held_and_the_map_is_not_lost(graph: Graph, record_property: Tell) -> None:
    known = sum(cell >= 0 for cell in graph.probe.newest("map").data)
    graph.probe.heard["map"].clear()
    killed_s = kill(graph, "slam")
    zero_s = passed_until(graph, killed_s, lambda: graph.probe.newest("cmd_vel").linear.x == 0.0)
    record_property("zero_s", zero_s)
    assert zero_s <= 1.0 + ZERO_WITHIN_S
    assert graph.until(lambda: is_back(graph, "slam"))
    assert graph.until(lambda: graph.probe.heard["map"])
    assert sum(cell >= 0 for cell in graph.probe.newest("map").data) > 0.5 * known
    assert graph.until(lambda: driving(graph)), graph.probe.newest("robot_state")


def test_the_helpers_come_back_and_the_patrol_goes_on(graph: Graph) -> None:
    helpers = ("perception", "recorder", "uplink")
    kill(graph, *helpers)
    assert graph.until(lambda: goes_on_or_says_why(graph))
    assert graph.until(lambda: all(is_back(graph, name) for name in helpers))
    assert graph.until(lambda: driving(graph)), graph.probe.newest("robot_state")
    assert {graph.report(name).restarts for name in NAMES} == {0, 1}
    assert graph.report("simulator").restarts == 0
