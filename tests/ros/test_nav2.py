# SPDX-License-Identifier: Apache-2.0
"""The port to Nav2 against a stand-in of its action server, built from the same definitions and spoken to over DDS."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("nav2_msgs.action", reason="the ROS interfaces are not built: make setup")

import rclpy
from geometry_msgs.msg import Twist
from nav2_msgs.action import NavigateToPose
from rclpy.action.server import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.context import Context
from rclpy.executors import MultiThreadedExecutor

from mission.body import Body
from mission.costmap import Costmap, CostmapConfig
from mission.lookout import View
from mission.navigator import Goal, Navigator, NavigatorConfig
from mission.surroundings import survey
from patrol.geometry import STOPPED, Pose2
from patrol_bringup.environment import node_environment
from patrol_ros.conversions.geometry import path_to_ros
from patrol_ros.link import Closing, Link
from patrol_ros.nav2_port import Nav2Port
from tests.mission.places import room

pytestmark = pytest.mark.ros
DOMAIN, WITHIN_S = 91, 60.0
_SERVER: Any = ActionServer


class StandIn:
    """Accepts goals, feeds back, and ends each as it is told to."""

    def __init__(self, node: Any) -> None:
        self.goals: list[Any] = []
        self.cancelled = threading.Event()
        self.accepts = True
        self.ends: str = ""
        self._twist = node.create_publisher(Twist, "nav2/cmd_vel", 10)
        self.plan = node.create_publisher(type(path_to_ros(0, [])), "nav2/plan", 10)
        self._server = _SERVER(
            node,
            NavigateToPose,
            "navigate_to_pose",
            execute_callback=self._execute,
            goal_callback=lambda _: GoalResponse.ACCEPT if self.accepts else GoalResponse.REJECT,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )

    def _execute(self, handle: Any) -> Any:
        self.goals.append(handle.request)
        result = NavigateToPose.Result()
        deadline_s = time.monotonic() + WITHIN_S
        while time.monotonic() < deadline_s:
            handle.publish_feedback(NavigateToPose.Feedback(distance_remaining=7.5))
            self._twist.publish(Twist())
            if handle.is_cancel_requested:
                handle.canceled()
                self.cancelled.set()
                return result
            if self.ends == "aborted":
                result.error_code, result.error_msg = 9003, "no valid path"
                handle.abort()
                return result
            if self.ends == "succeeded":
                handle.succeed()
                return result
            time.sleep(0.05)
        raise AssertionError("nobody ended the goal")


class Bench:
    """The port with its navigator, and the stand-in."""

    def __init__(self, node: Any, server: StandIn | None) -> None:
        costmap = Costmap(CostmapConfig(), room())
        self.clearance = costmap.site_clearance
        self.navigator = Nav2Port(Link(node, Closing())).driver(Navigator(NavigatorConfig(), Body(), costmap))
        self.server = server

    def drive(self) -> Any:
        pose = Pose2(3.0, 3.0, 0.0)
        around = survey(np.zeros((0, 2)), pose, self.clearance, ())
        now_ns = time.time_ns()
        view = View(now_ns=now_ns, dt_s=0.02, pose=pose, twist=STOPPED, around=around)
        return self.navigator.drive(Goal(name="A", pose=Pose2(20.0, 3.0, 1.0), reach_m=0.5, speed_mps=1.0), view)

    def until(self, holds: Callable[[Any], object]) -> Any:
        deadline_s = time.monotonic() + WITHIN_S
        while time.monotonic() < deadline_s:
            step = self.drive()
            if holds(step):
                return step
            time.sleep(0.02)
        raise AssertionError(self.drive().why)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    before = dict(os.environ)
    os.environ.update(node_environment(os.environ, domain_id=DOMAIN, log_folder=tmp_path))
    context = Context()
    rclpy.init(context=context, domain_id=DOMAIN)
    node: Any = rclpy.create_node("bench", context=context)
    executor = MultiThreadedExecutor(num_threads=4, context=context)
    executor.add_node(node)
    ending = threading.Event()
    server = StandIn(node)
    made = Bench(node, server)
    thread = threading.Thread(target=_serve, args=(executor, ending), daemon=True)
    thread.start()
    try:
        yield made
    finally:
        ending.set()
        thread.join(5.0)
        node.destroy_node()
        context.shutdown()
        os.environ.clear()
        os.environ.update(before)


def _serve(executor: Any, ending: threading.Event) -> None:
    while not ending.is_set():
        executor.spin_once(timeout_sec=0.1)


def test_a_goal_is_accepted_followed_and_given_up(bench: Bench) -> None:
    server = bench.server
    assert server is not None
    bench.until(lambda _: server.goals and bench.navigator.planned_length_m is not None)
    assert bench.navigator.planned_length_m == 7.5
    pose = server.goals[0].pose
    assert (pose.header.frame_id, pose.pose.position.x) == ("map", 20.0)
    assert pose.pose.orientation.z == pytest.approx(np.sin(0.5))
    server.plan.publish(path_to_ros(0, [Pose2(3.0, 3.0, 0.0), Pose2(20.0, 3.0, 0.0)]))
    bench.until(lambda _: len(bench.navigator.path_m) == 2)
    bench.navigator.halt()
    assert server.cancelled.wait(WITHIN_S)
    assert len(bench.navigator.path_m) == 0


def test_a_goal_that_nav2_gives_up_fails_in_its_words(bench: Bench) -> None:
    server = bench.server
    assert server is not None
    server.ends = "aborted"
    step = bench.until(lambda step: step.arrival == "failed")
    assert step.why == "Nav2 gave up: no valid path (A, 3 attempts)"
    assert len(server.goals) == 3


def test_a_goal_that_is_refused_fails(bench: Bench) -> None:
    server = bench.server
    assert server is not None
    server.accepts = False
    assert bench.until(lambda step: step.arrival == "failed").why == "Nav2 refused the goal (A, 3 attempts)"
    assert server.goals == []
