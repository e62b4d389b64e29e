# SPDX-License-Identifier: Apache-2.0
"""The whole stack as real processes with the page open: does it hold real time, and what does each process cost?

The browser stands for the operator's machine: its processor time weighs on the figures, but is not counted among them.

python benchmarks/stack.py --seconds 60
python benchmarks/stack.py --seconds 60 --headless
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from app.paths import SCENARIOS
from benchmarks.figures import tell
from benchmarks.live import live, simulated
from patrol_bringup.table import Backend, processes_for
from patrol_ros.conversions.stamps import stamp_from_ros
from tests.ros.graph import Graph, running

TOPICS = ("/clock", "diagnostics", "robot_state", "localisation", "stop_state", "cmd_vel")
MOVING_MPS = 0.1
SETTLE_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """CPU seconds since the start and proportional memory of each process."""

    cpu_s: dict[str, float]
    pss_mb: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One run. ``up_s``: until the robot drives, from the first process's start. The rest is of the time after ``SETTLE_S`` more;
    ``pictures_hz`` counts safe pictures per simulated second."""

    up_s: float
    up_cpu_s: float
    pictures_hz: float
    wall_s: float
    simulated_s: float
    factors: tuple[float, ...]
    cpu_s: dict[str, float]
    pss_mb: dict[str, float]


class Counted:
    """Counts the messages of a topic from now on."""

    def __init__(self, graph: Graph, topic: str) -> None:
        self.count = 0
        graph.probe.link.subscribe(topic, self._hear, raw=True)

    def _hear(self, _cdr: bytes) -> None:
        self.count += 1


def usage(graph: Graph) -> Usage:
    """What the processes have used so far."""
    cpu_s, pss_mb = {}, {}
    for report in graph.supervisor.reports():
        if report.pid is not None:
            process = psutil.Process(report.pid)
            times = process.cpu_times()
            cpu_s[report.name] = times.user + times.system
            pss_mb[report.name] = process.memory_full_info().pss / 1e6
    return Usage(cpu_s=cpu_s, pss_mb=pss_mb)


def now_s(graph: Graph) -> float:
    """Simulated time."""
    clock = graph.probe.newest("/clock")
    return stamp_from_ros(clock.clock) / 1e9 if clock is not None else 0.0


def factors(graph: Graph) -> tuple[float, ...]:
    """The real-time factors that the simulator told."""
    told = []
    for message in graph.probe.heard["diagnostics"]:
        told += [
            float(value.value)
            for status in message.status
            if status.name == "simulator"
            for value in status.values
            if value.key == "real_time_factor"
        ]
    return tuple(told)


def measure(graph: Graph, *, seconds: float, began_s: float) -> Measured:
    """Wait until the robot drives, then watch it for ``seconds`` of simulated time."""
    graph.probe.listen(*TOPICS)
    moving = graph.until(lambda: graph.probe.heard["cmd_vel"] and graph.probe.newest("cmd_vel").linear.x > MOVING_MPS)
    if not moving:
        raise SystemExit(f"the robot did not drive: {graph.supervisor.reports()}")
    up_s, up_cpu_s = time.monotonic() - began_s, sum(usage(graph).cpu_s.values())
    _let_pass(graph, SETTLE_S)
    first, start_s, wall_s = usage(graph), now_s(graph), time.monotonic()
    graph.probe.heard["diagnostics"].clear()
    pictures = Counted(graph, "camera/image_safe")
    _let_pass(graph, seconds)
    last = usage(graph)
    return Measured(
        up_s=up_s,
        up_cpu_s=up_cpu_s,
        pictures_hz=pictures.count / (now_s(graph) - start_s),
        wall_s=time.monotonic() - wall_s,
        simulated_s=now_s(graph) - start_s,
        factors=factors(graph),
        cpu_s={name: last.cpu_s[name] - first.cpu_s.get(name, 0.0) for name in last.cpu_s},
        pss_mb=last.pss_mb,
    )


def _let_pass(graph: Graph, duration_s: float) -> None:
    """Let simulated time pass, at a quarter of real time or faster."""
    start_s, wall_s = now_s(graph), time.monotonic()
    while now_s(graph) - start_s < duration_s and time.monotonic() - wall_s < 4.0 * duration_s + 30.0:
        graph.supervisor.poll()
        time.sleep(0.2)


def run(folder: Path, given: argparse.Namespace) -> Measured:
    """One patrol in ``folder``, with the page open or without command centre and uplink."""
    settings, began_s = simulated(folder, scenario=given.scenario), time.monotonic()
    if not given.headless:
        with live(settings, folder) as stack:
            return measure(stack.graph, seconds=given.seconds, began_s=began_s)
    names = tuple(row.name for row in processes_for(Backend.SIMULATION, without=frozenset({"uplink"})))
    with running(settings, *names, domain_id=1 + secrets.randbelow(100), logs=settings.run_folder / "logs") as graph:
        return measure(graph, seconds=given.seconds, began_s=began_s)


def main() -> None:
    """Run and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="simulated")
    parser.add_argument("--scenario", type=Path, default=SCENARIOS / "depot_intruder.yaml")
    parser.add_argument("--headless", action="store_true", help="no command centre, no page")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stack-") as name:
        measured = run(Path(name), given)
    per_s = {name: spent_s / measured.simulated_s for name, spent_s in measured.cpu_s.items()}
    for name, share in sorted(per_s.items(), key=lambda item: -item[1]):
        sys.stderr.write(f"{name:12} {share:6.3f} CPU s per simulated s, {measured.pss_mb[name]:6.0f} MB\n")
    tell(
        "stack",
        {
            "driving_after_s": measured.up_s,
            "driving_after_cpu_s": measured.up_cpu_s,
            "simulated_s": measured.simulated_s,
            "pictures_per_simulated_s": measured.pictures_hz,
            "real_time_factor": measured.simulated_s / measured.wall_s,
            "real_time_factor_told_min": min(measured.factors, default=None),
            "cpu_s_per_simulated_s": sum(per_s.values()),
            **{f"{name}_cpu_s_per_simulated_s": share for name, share in per_s.items()},
            "memory_pss_mb": sum(measured.pss_mb.values()),
        },
        page=not given.headless,
        scenario=given.scenario.stem,
        processors=psutil.cpu_count(),
    )


if __name__ == "__main__":
    main()
