# SPDX-License-Identifier: Apache-2.0
"""A node's edge to ROS: topics by the names of the table, parameters, timers, the clock and a clean end."""

from __future__ import annotations

import importlib
import logging
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import rclpy
from rclpy.clock import Clock, JumpThreshold
from rclpy.clock_type import ClockType
from rclpy.duration import Duration
from rclpy.experimental.events_executor import EventsExecutor
from rclpy.signals import SignalHandlerOptions
from rclpy.utilities import try_shutdown

from patrol import topics
from patrol.errors import PatrolError
from patrol_ros.hearing import LOOK_EVERY_S, Hearing
from patrol_ros.qos import profile

log = logging.getLogger(__name__)
# How often a node looks whether it was asked to end, and how long its callbacks may take to do so.
_LOOK_S = 0.1
_END_WITHIN_S = 1.0
_MOST_BACK_S = 1.0
DIAGNOSTICS = "diagnostics"
_JUMP: Any = JumpThreshold
Value = TypeVar("Value", str, bool, int, float)


class Closing:
    """What has to be ended when the node ends, newest first."""

    def __init__(self) -> None:
        self._steps: list[Callable[[], object]] = []

    def add(self, step: Callable[[], object]) -> None:
        self._steps.append(step)

    def run(self) -> None:
        while self._steps:
            self._steps.pop()()


def interface(name: str) -> Any:
    """The class of an interface such as ``sensor_msgs/msg/Image``."""
    package, kind, short = name.split("/")
    return getattr(importlib.import_module(f"{package}.{kind}"), short)


@dataclass(frozen=True, slots=True)
class Link:
    """What a node needs of ROS. ``node`` is an ``rclpy.node.Node``, whose own types are only half told. Topics are those of the
    node's own robot, unless ``namespace`` names another one's."""

    node: Any
    closing: Closing
    hearing: Hearing = field(default_factory=Hearing)
    namespace: str = ""

    def of(self, robot_id: str) -> Link:
        """The same node's edge to the topics of another robot."""
        return replace(self, namespace=f"/{robot_id}/")

    def now_ns(self) -> int:
        """The active clock: simulated when ``use_sim_time`` is set. Zero before the first ``/clock``."""
        return int(self.node.get_clock().now().nanoseconds)

    def parameter(self, name: str, default: Value) -> Value:
        """A parameter given at the start, or its default."""
        value: Value = self.node.declare_parameter(name, default).value
        return value

    def path(self, name: str) -> Path | None:
        """A parameter that names a file or folder; None when it is empty."""
        text = self.parameter(name, "")
        return Path(text) if text else None

    def publisher(self, name: str) -> Any:
        """Publish the topic ``name`` of the table, with its type and quality of service."""
        row = topics.topic(name)
        return self.node.create_publisher(interface(row.type), self._full(name), profile(row.qos))

    def subscribe(self, name: str, callback: Callable[[Any], None], *, raw: bool = False) -> None:
        """Hear the topic ``name`` of the table. A message that its type refuses is told once a second and left out."""
        row = topics.topic(name)
        guarded = self._guard(name, callback)
        self.node.create_subscription(interface(row.type), self._full(name), guarded, profile(row.qos), raw=raw)

    def every(self, period_s: float, callback: Callable[[], None]) -> None:
        """Call back at this period of the active clock."""
        self.node.create_timer(period_s, callback)

    def every_wall(self, period_s: float, callback: Callable[[], None]) -> None:
        """Call back at this period of wall time, also while simulated time stands still."""
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.node.create_timer(period_s, callback, clock=steady)

    def _full(self, name: str) -> str:
        return name if name.startswith("/") else self.namespace + name

    def _guard(self, name: str, callback: Callable[[Any], None]) -> Callable[[Any], None]:
        def guarded(message: Any) -> None:
            if name != DIAGNOSTICS:
                self.hearing.heard()
            try:
                callback(message)
            except PatrolError as error:
                self.node.get_logger().error(f"{name}: {error}", throttle_duration_sec=1.0)

        return guarded


def run_node(name: str, build: Callable[[Link], object]) -> None:
    """Start ROS, let ``build`` set the node up, and serve it until SIGINT or SIGTERM. Raises Deaf when nothing gets through."""
    with _started(name) as (link, executor, ending):
        build(link)
        others = _Others(link)
        while not ending.is_set():
            executor.spin_once(timeout_sec=_LOOK_S)
            others.check()


def run_looping_node(name: str, build: Callable[[Link], Callable[[Callable[[], bool]], None]]) -> None:
    """As ``run_node``, for a node with a loop of its own: ``build`` returns it. It runs on the main thread, callbacks on
    another; it is handed a question that it must ask often: whether to go on. An error in it ends the process."""
    with _started(name) as (link, executor, ending):
        loop = build(link)
        serving = threading.Thread(target=_serve, args=(executor, ending), name="ros", daemon=True)
        serving.start()
        try:
            loop(lambda: serving.is_alive() and not ending.is_set())
        finally:
            ending.set()
            serving.join(_END_WITHIN_S)


class _Others:
    """The other nodes: that they are there, and that they are heard."""

    def __init__(self, link: Link) -> None:
        self._link, self._name, self._looked_s = link, link.node.get_name(), 0.0
        link.subscribe(DIAGNOSTICS, self._on_diagnostics)

    def check(self) -> None:
        """Look once a second until it is known. Raises Deaf."""
        now_s, hearing = time.monotonic(), self._link.hearing
        if not hearing.is_proven and now_s - self._looked_s >= LOOK_EVERY_S:
            self._looked_s = now_s
            hearing.check(now_s, self._link.node.count_publishers(DIAGNOSTICS) - 1)

    def _on_diagnostics(self, message: Any) -> None:
        if any(status.name != self._name for status in message.status):
            self._link.hearing.heard()


class TimeWentBack(PatrolError):
    """The clock was set back by more than a second: the backend began anew, and so must this process."""


class _TimeJump:
    """Ends the node when simulated time goes back; who started it starts it anew with the state on disk."""

    def __init__(self, node: Any, ending: threading.Event) -> None:
        self._ending, self._back_s = ending, 0.0
        threshold = _JUMP(min_forward=None, min_backward=Duration(seconds=-_MOST_BACK_S), on_clock_change=False)
        self._handle = node.get_clock().create_jump_callback(threshold, post_callback=self._jumped)

    def check(self) -> None:
        """Raises TimeWentBack when it did."""
        if self._back_s:
            raise TimeWentBack(f"time went back by {self._back_s:.1f} s")

    def _jumped(self, jump: Any) -> None:
        self._back_s = -jump.delta.nanoseconds / 1e9
        self._ending.set()


class ThreadFailed(PatrolError):
    """A thread of the node failed in a way that nobody foresaw: half a node looks alive and is not."""


class _Threads:
    """Ends the node when one of its threads fails; who started it starts it anew with the state on disk."""

    def __init__(self, ending: threading.Event) -> None:
        self._ending, self._failed = ending, ""
        threading.excepthook = self._on_error

    def check(self) -> None:
        """Raises ThreadFailed when one did."""
        if self._failed:
            raise ThreadFailed(f"the thread {self._failed!r} failed")

    def _on_error(self, error: threading.ExceptHookArgs) -> None:
        if error.exc_type is SystemExit:
            return
        self._failed = "?" if error.thread is None else error.thread.name
        log.error("the thread %r failed", self._failed, exc_info=error.exc_value)
        self._ending.set()


@contextmanager
def _started(name: str) -> Iterator[tuple[Link, Any, threading.Event]]:
    """ROS up, and down again whatever happens. Signals only set the event, so that callbacks and threads end in good order."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    ending = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ending.set())
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    node: Any = rclpy.create_node(name)
    closing = Closing()
    closing.add(node.destroy_node)
    executor = EventsExecutor()
    executor.add_node(node)
    jump, threads = _TimeJump(node, ending), _Threads(ending)
    try:
        yield Link(node, closing), executor, ending
        jump.check()
        threads.check()
    finally:
        log.info("%s: ending", name)
        closing.run()
        try_shutdown()
        log.info("%s: ended", name)


def _serve(executor: Any, ending: threading.Event) -> None:
    while not ending.is_set():
        executor.spin_once(timeout_sec=_LOOK_S)
