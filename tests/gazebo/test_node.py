# SPDX-License-Identifier: Apache-2.0
"""The node: the same topics as the embedded simulator's, a robot that obeys, and what happens when Gazebo dies."""

from __future__ import annotations

import os
import secrets
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

pytest.importorskip("patrol_msgs.msg", reason="the ROS interfaces are not built: make setup")

from geometry_msgs.msg import Twist

from patrol.topics import TOPICS, Side
from patrol_bringup.settings import RunSettings
from patrol_bringup.table import Backend
from patrol_ros.conversions.stamps import stamp_from_ros
from sim.gazebo.installation import Installation
from tests.ros.graph import NAMESPACE, ROOT, Graph, running

pytestmark = [pytest.mark.gazebo, pytest.mark.ros, pytest.mark.timeout(600)]
# Microphones are listened to only where somebody asks for them.
ROWS = tuple(
    row for row in TOPICS if (row.publisher is Side.BACKEND and row.name != "audio") or row.name in ("tf", "diagnostics")
)


def settings(folder: Path, backend: Backend, sensors: str = "") -> RunSettings:
    return RunSettings(
        backend=backend,
        run_folder=folder,
        robot_id=NAMESPACE,
        scenario=ROOT / "sim" / "scenarios" / "depot_quiet.yaml",
        sensors=sensors,
        factor=1.0,
    )


def published(graph: Graph) -> dict[str, tuple[Any, ...]]:
    """Type and quality of service of every topic that a backend must publish, as the graph has them."""
    found = {}
    for row in ROWS:
        name = row.name if row.name.startswith("/") else f"/{NAMESPACE}/{row.name}"
        for info in graph.probe.node.get_publishers_info_by_topic(name):
            if info.node_name != "probe":
                qos = info.qos_profile
                found[row.name] = (info.topic_type, qos.reliability, qos.durability)
    return found


def heard_table(folder: Path, backend: Backend) -> tuple[dict[str, tuple[Any, ...]], dict[str, str]]:
    """What a backend publishes, and the frame of each kind of message."""
    folder.mkdir()
    names = [row.name for row in ROWS]
    node = "gazebo" if backend is Backend.GAZEBO else "simulator"
    with running(settings(folder, backend), node, domain_id=1 + secrets.randbelow(100), logs=folder / "logs") as graph:
        graph.probe.listen(*names)
        heard = graph.probe.heard
        assert graph.until(lambda: all(heard[name] for name in names)), {name: len(heard[name]) for name in names}
        frames = {name: heard[name][-1].header.frame_id for name in names if hasattr(heard[name][-1], "header")}
        frames["odom child"] = heard["odom"][-1].child_frame_id
        frames["tf_static"] = " ".join(sorted(each.child_frame_id for each in heard["tf_static"][-1].transforms))
        return published(graph), frames


@pytest.mark.usefixtures("gazebo")
def test_topics_types_qualities_and_frames_are_those_of_the_embedded_simulator(tmp_path: Path) -> None:
    embedded = heard_table(tmp_path / "embedded", Backend.SIMULATION)
    gazebo = heard_table(tmp_path / "gazebo", Backend.GAZEBO)
    assert set(embedded[0]) == {row.name for row in ROWS}
    assert gazebo == embedded


def gazebo_processes(graph: Graph) -> list[psutil.Process]:
    pid = graph.report("gazebo").pid
    assert pid is not None
    below = psutil.Process(pid).children(recursive=True)
    return [process for process in below if process.name() in ("gzserver", "Xvfb") and process.status() != psutil.STATUS_ZOMBIE]


def test_the_robot_obeys_and_a_lost_gazebo_is_said_and_started_anew(tmp_path: Path, gazebo: Installation) -> None:
    assert gazebo.descriptors.is_file()
    asked = settings(tmp_path, Backend.GAZEBO, sensors="odom,imu")
    with running(asked, "gazebo", domain_id=1 + secrets.randbelow(100), logs=tmp_path / "logs") as graph:
        probe = graph.probe
        probe.listen("/clock", "odom", "diagnostics")
        order = probe.link.publisher("cmd_vel")
        ahead = Twist()
        ahead.linear.x = 0.6

        def drives() -> bool:
            order.publish(ahead)
            return probe.newest("odom") is not None and probe.newest("odom").pose.pose.position.x > 0.5

        assert graph.until(drives)
        assert graph.until(lambda: abs(probe.newest("odom").twist.twist.linear.x) < 0.03), "commands ceased"
        before_ns = stamp_from_ros(probe.newest("/clock").clock)
        (server,) = (process for process in gazebo_processes(graph) if process.name() == "gzserver")
        os.kill(server.pid, signal.SIGKILL)
        assert graph.until(lambda: "lost" in says(probe)), says(probe)
        probe.heard["odom"].clear()
        assert graph.until(lambda: not says(probe) and probe.newest("odom") is not None)
        assert stamp_from_ros(probe.newest("/clock").clock) < before_ns + 10**9
        assert graph.report("gazebo").restarts == 0, "the node itself lived on"
        assert abs(probe.newest("odom").twist.twist.linear.x) < 0.03
        left = gazebo_processes(graph)
    deadline_s = time.monotonic() + 10.0
    while any(is_running(process) for process in left) and time.monotonic() < deadline_s:
        time.sleep(0.1)
    assert [process for process in left if is_running(process)] == []


def is_running(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def says(probe: Any) -> str:
    """What the node says is wrong; empty when nothing is."""
    newest = probe.newest("diagnostics")
    return "" if newest is None else next((each.message for each in newest.status if each.level != b"\x00"), "")
