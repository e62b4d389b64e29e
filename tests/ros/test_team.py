# SPDX-License-Identifier: Apache-2.0
"""Two robots as real processes in one simulated world: a namespace each, one plan for both, an e-stop for one of them."""

from __future__ import annotations

import json
import os
import secrets
import signal
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

pytest.importorskip("patrol_msgs.msg", reason="the ROS interfaces are not built: make setup")

from patrol_msgs.srv import SendCommand

from app.supervise_stack import stack_jobs
from patrol.percepts import GroundPosition
from patrol_bringup.settings import RunSettings
from patrol_ros.conversions import percepts
from patrol_ros.conversions.stamps import stamp_from_ros, stamp_to_ros
from tests.perception.test_fleet_tracks import alert, track
from tests.ros.graph import LIGHT_SENSORS, NAMESPACE, ROOT, Graph, running

pytestmark = [pytest.mark.ros, pytest.mark.timeout(600)]
MATE = "rover_2"
OF_EACH = ("stop", "slam", "mission", "team")
NEAR_M = np.array([50.0, -30.0])
"""Where both see somebody, in map: a short way from where they stand."""


class Pair:
    """The graph, and the newest of some topics of each robot."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.newest: dict[str, dict[str, Any]] = defaultdict(dict)
        graph.probe.listen("/clock")
        self.alerts: set[str] = set()
        graph.probe.link.subscribe("/team", self.hear_word)
        for robot in (NAMESPACE, MATE):
            link = graph.probe.link.of(robot)
            for name in ("robot_state", "stop_state", "scan", "tf_static"):
                link.subscribe(name, partial(self.newest[robot].__setitem__, name))

    @property
    def now_ns(self) -> int:
        return stamp_from_ros(self.graph.probe.newest("/clock").clock)

    def hear_word(self, message: Any) -> None:
        self.alerts.update(each["alert_id"] for each in json.loads(message.knowledge)["alerts"])

    def why(self, robot: str) -> str:
        state = self.newest[robot].get("robot_state")
        return state.why if state is not None else ""

    def mode(self, robot: str) -> str:
        state = self.newest[robot].get("robot_state")
        return state.mode if state is not None else ""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("team")
    first = RunSettings(
        run_folder=folder,
        robot_id=NAMESPACE,
        robots=f"{NAMESPACE},{MATE}",
        site=ROOT / "config" / "sites" / "depot.geojson",
        mission=ROOT / "config" / "missions" / "perimeter.yaml",
        scenario=ROOT / "sim" / "scenarios" / "depot_quiet.yaml",
        sensors=LIGHT_SENSORS,
        autostart=True,
    )
    domain_id = 1 + secrets.randbelow(100)
    jobs = stack_jobs(first.for_mate(MATE, "Rover 2", 1), domain_id=domain_id)
    mates = tuple(job for job in jobs if job.name.removeprefix(f"{MATE}.") in OF_EACH)
    assert len(mates) == len(OF_EACH)
    with running(first, "simulator", *OF_EACH, domain_id=domain_id, logs=folder / "logs", more=mates) as graph:
        yield Pair(graph)


def assert_one_goes_where_both_see_somebody(pair: Pair) -> None:
    """Each robot's perception tells of the same person under a number and an incident of its own; one robot goes, once."""
    speak = {
        robot: {name: pair.graph.probe.link.of(robot).publisher(name) for name in ("tracks", "alerts")}
        for robot in (NAMESPACE, MATE)
    }

    def says() -> bool:
        for number, robot in enumerate(speak):
            now_ns = pair.now_ns
            seen = track(7 + number, now_ns, NEAR_M + 0.2 * number, np.zeros(2))
            speak[robot]["tracks"].publish(percepts.tracks_to_ros(now_ns, "map", (seen,)))
        return any("sent by the team to an alert" in pair.why(robot) for robot in speak)

    for _ in range(20):
        says()
        pair.graph.until_s(0.1)
    for number, robot in enumerate(speak):
        told = replace(
            alert(f"a{number}", 7 + number, pair.now_ns),
            ground=GroundPosition(position_m=NEAR_M, velocity_mps=np.zeros(2), covariance_m2=np.eye(2)),
        )
        speak[robot]["alerts"].publish(percepts.alert_to_ros(told))
        pair.graph.until_s(1.0)
    assert pair.graph.until(says), {robot: pair.why(robot) for robot in speak}
    pair.graph.until_s(2.0)
    assert len([robot for robot in speak if "sent by the team to an alert" in pair.why(robot)]) == 1
    assert set(pair.alerts) == {"incident a0"}


def is_alone(pair: Pair) -> bool:
    """Whether the first follows a plan without the other."""
    return "team's plan" in pair.why(NAMESPACE) and MATE not in pair.why(NAMESPACE)


def test_both_follow_one_plan_and_one_of_them_can_be_stopped_alone(pair: Pair) -> None:
    robots = (NAMESPACE, MATE)
    assert pair.graph.until(lambda: all("team's plan" in pair.why(robot) for robot in robots)), pair.newest
    assert all(pair.newest[robot]["scan"].header.frame_id == "lidar_link" for robot in robots)
    assert all(other in pair.why(robot) for robot, other in (robots, robots[::-1])), "they share a beat"
    assert_one_goes_where_both_see_somebody(pair)
    now_ns = pair.now_ns
    expires = stamp_to_ros(now_ns + 60 * 10**9)
    request = SendCommand.Request(command_id="halt", kind="estop", expires=expires, issued_by="test")
    assert pair.graph.call("patrol_msgs/srv/SendCommand", f"/{MATE}/stop/send_command", request).accepted
    assert pair.graph.until(lambda: pair.mode(MATE) == "estopped"), pair.why(MATE)
    assert pair.newest[MATE]["stop_state"].estop_latched
    assert not pair.newest[NAMESPACE]["stop_state"].estop_latched
    assert any(pair.graph.until(lambda: is_alone(pair)) for _ in range(4)), "whoever was sent to the alert is there first"


def test_the_first_goes_on_while_the_team_s_node_is_killed_and_started_anew(pair: Pair) -> None:
    pid = pair.graph.report("team").pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert pair.graph.until(lambda: pair.graph.report("team").restarts == 1)
    assert pair.graph.until(lambda: pair.graph.report("team").pid not in (None, pid))
    assert pair.mode(NAMESPACE) in ("patrolling", "held")
