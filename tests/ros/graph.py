# SPDX-License-Identifier: Apache-2.0
"""A graph of real processes, and a node that listens to it."""

from __future__ import annotations

import importlib
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import rclpy
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor

from app.supervise import Job, Report, Supervisor
from app.supervise_stack import stack_jobs
from patrol_bringup.environment import node_environment
from patrol_bringup.settings import RunSettings
from patrol_ros.link import Closing, Link

ROOT = Path(__file__).resolve().parents[2]
WITHIN_S = 90.0
NAMESPACE = "rover"
LIGHT_SENSORS = "scan,odom,battery"
_KEPT = 400


class Probe:
    """Keeps what was heard on topics of the table, the newest last."""

    def __init__(self, node: Any) -> None:
        self.node = node
        self.link = Link(node, Closing())
        self.heard: dict[str, list[Any]] = defaultdict(list)

    def listen(self, *names: str) -> None:
        for name in names:
            self.link.subscribe(name, partial(self._keep, name))

    def newest(self, name: str) -> Any:
        return self.heard[name][-1] if self.heard[name] else None

    def _keep(self, name: str, message: Any) -> None:
        self.heard[name] = [*self.heard[name][-_KEPT:], message]


class Graph:
    """Processes under the supervisor, and the probe."""

    def __init__(self, supervisor: Supervisor, probe: Probe) -> None:
        self.supervisor, self.probe = supervisor, probe

    def until(self, condition: Callable[[], object]) -> bool:
        """Keep the processes running until the condition holds; false when it never does."""
        deadline_s = time.monotonic() + WITHIN_S
        while time.monotonic() < deadline_s:
            self.supervisor.poll()
            if condition():
                return True
            time.sleep(0.02)
        return False

    def until_s(self, duration_s: float) -> None:
        """Keep the processes running for so long."""
        ends_s = time.monotonic() + duration_s
        while time.monotonic() < ends_s:
            self.supervisor.poll()
            time.sleep(0.02)

    def report(self, name: str) -> Report:
        return next(report for report in self.supervisor.reports() if report.name == name)

    def call(self, service_type: str, service: str, request: Any) -> Any:
        """The answer of a service. Raises AssertionError when none comes."""
        client = self.probe.node.create_client(_interface(service_type), service)
        assert self.until(client.service_is_ready), service
        future = client.call_async(request)
        assert self.until(future.done), service
        return future.result()


@contextmanager
def running(settings: RunSettings, *names: str, domain_id: int, logs: Path, more: tuple[Job, ...] = ()) -> Iterator[Graph]:
    """The named processes of the table on a domain of their own, after the jobs in ``more``."""
    environment = node_environment(os.environ, domain_id=domain_id, log_folder=logs)
    jobs = [*more, *(job for job in stack_jobs(settings, domain_id=domain_id) if job.name in names)]
    before = dict(os.environ)
    os.environ.update(environment)
    context = Context()
    rclpy.init(context=context, domain_id=domain_id)
    node: Any = rclpy.create_node("probe", namespace=f"/{NAMESPACE}", context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)
    ending = threading.Event()
    thread = threading.Thread(target=_serve, args=(executor, ending), daemon=True)
    thread.start()
    try:
        with Supervisor(jobs, log_folder=logs) as supervisor:
            yield Graph(supervisor, Probe(node))
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


def _interface(name: str) -> Any:
    package, kind, short = name.split("/")
    return getattr(importlib.import_module(f"{package}.{kind}"), short)
