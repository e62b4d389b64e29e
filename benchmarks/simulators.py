# SPDX-License-Identifier: Apache-2.0
"""The embedded simulator and Gazebo 11 in one run: the same world, robots and sensors; how fast, and at what cost.

For 1, 4 and 8 robots, with the lidar only and with cameras: simulated seconds per second of wall time, and processor seconds per
simulated second of everything that simulates (bridge and ``gzserver`` with its X server included). Each figure is the median of
several runs. Gazebo holds all robots in one world and is stepped as the bridge steps it; the embedded simulator has one robot
per world, so that several robots are several worlds stepped in turn.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import psutil

from benchmarks.figures import tell
from patrol.clock import NS_PER_S, nanoseconds, seconds
from patrol.geometry import Pose2, Twist2
from patrol.site_file import read_site
from sim.gazebo.backends import Flavour
from sim.gazebo.errors import GazeboLost
from sim.gazebo.host import join
from sim.gazebo.installation import find_installation
from sim.gazebo.messages import Messages
from sim.gazebo.run_folder import run_folder
from sim.gazebo.scenery import write_scenery
from sim.gazebo.server import WORLD_FILE, Server
from sim.gazebo.session import Session
from sim.gazebo.simulator import sensor_rates
from sim.gazebo.warm_up import warm_up
from sim.gazebo.world_sdf import WorldPlan, world_name, write_world
from sim.robot import read_robot
from sim.scenario import SCENARIOS, Scenario, StartPose, read_scenario
from sim.sdf import read_world
from sim.simulator import Simulator
from sim.stage import TICK_NS
from sim.weather import weather_at

_SENSORS = {
    "lidar": frozenset({"points", "scan", "odom", "imu"}),
    "cameras": frozenset({"points", "scan", "odom", "imu", "camera", "thermal"}),
}
_DRIVE = Twist2(forward_mps=0.5, turn_radps=0.3)
_COUNTED = frozenset({"gzserver", "Xvfb"})
_CPUCLOCK_SCHED = 2  # of Linux' clock ids of processes, clock_getcpuclockid(3)
Advance = Callable[[int], None]


def starts(count: int) -> tuple[Pose2, ...]:
    """Where the robots stand: in the depot's loading yard, four metres apart."""
    return tuple(Pose2(-8.0 + 4.0 * (index % 4), -12.0 - 4.0 * (index // 4), 0.0) for index in range(count))


@contextmanager
def embedded(scenario: Scenario, count: int, sensors: frozenset[str]) -> Iterator[tuple[Advance, list[int]]]:
    """One simulator for each robot."""
    robots = [
        Simulator(
            scenario.model_copy(update={"robot": StartPose(x_m=start.x_m, y_m=start.y_m, yaw_deg=0.0)}),
            read_robot(),
            seed=index,
            sensors=sensors,
        )
        for index, start in enumerate(starts(count))
    ]

    def advance(duration_ns: int) -> None:
        for _ in range(duration_ns // (5 * TICK_NS)):
            for robot in robots:
                robot.command(_DRIVE)
                robot.advance(5 * TICK_NS)

    try:
        yield advance, [os.getpid()]
    finally:
        for robot in robots:
            robot.close()


@contextmanager
def gazebo(scenario: Scenario, count: int, sensors: frozenset[str]) -> Iterator[tuple[Advance, list[int]]]:
    """All robots in one world, each with a session that hears all of its sensors; the first one steps."""
    installation, site = find_installation(), read_site(scenario.site)
    names = {f"rover_{index}": start for index, start in enumerate(starts(count))}
    plan = WorldPlan(
        world=scenario.world,
        datum=site.datum,
        weather=weather_at(scenario.weather, site.datum, scenario.start_ns),
        robot=read_robot(),
        robots=names,
        sensors=sensors,
    )
    sessions: list[Session] = []
    messages = Messages(installation.descriptors)
    with run_folder() as folder:
        scenery = write_scenery(read_world(plan.world), folder, Server.uri_of(installation, folder))
        plan = replace(plan, scenery=scenery)
        (folder / WORLD_FILE).write_text(write_world(plan, Flavour.GAZEBO_11), "utf-8")
        with Server(installation, folder, seed=1, cameras=True) as server:
            rates = sensor_rates(read_robot(), sensors)
            try:
                for name in names:
                    heard = frozenset(rates)
                    sessions += [join(messages, server, world=world_name(scenario.world), robot=name, sensors=heard)]
                warm_up(sessions, rates)
                yield lambda duration_ns: _step(sessions, duration_ns, rates), [os.getpid(), *_processes_of(server)]
            finally:
                for session in sessions:
                    session.close()


def _processes_of(server: Server) -> list[int]:
    """Gazebo and its X server. Raises GazeboLost when one of them is not there."""
    below = {process.name(): process.pid for process in psutil.Process(server.pid).children(recursive=True)}
    missing = _COUNTED - below.keys()
    if missing:
        raise GazeboLost(f"no process is called {' or '.join(sorted(missing))}")
    return [below[name] for name in sorted(_COUNTED)]


def _step(sessions: list[Session], duration_ns: int, rates: Mapping[str, float]) -> None:
    """Step, and hold Gazebo to its sensors' rates. Raises GazeboLost when it left out a fifth of what a sensor should say."""
    heard: Counter[str] = Counter()
    for _ in range(duration_ns // TICK_NS):
        heard.update(_turn(sessions))
    for sensor, rate_hz in rates.items():
        wanted = rate_hz * seconds(duration_ns) * len(sessions)
        if heard[sensor] < 0.8 * wanted - len(sessions):
            raise GazeboLost(f"{sensor}: {heard[sensor]} of {wanted:.0f} messages")


def _turn(sessions: list[Session]) -> list[str]:
    """One tick; returns which sensors spoke."""
    for session in sessions:
        session.drive(_DRIVE.forward_mps, _DRIVE.turn_radps)
    sessions[0].step_to(sessions[0].now_ns // TICK_NS * TICK_NS + TICK_NS)
    return [heard.sensor for session in sessions for heard in session.take()]


def measure(advance: Advance, pids: list[int], *, simulated_s: float, runs: int) -> tuple[float, float]:
    """Real-time factor and processor seconds per simulated second: medians over ``runs``, after a warm-up."""
    advance(nanoseconds(1.0))
    factors, costs = [], []
    for _ in range(runs):
        before_s, began_s = cpu_s(pids), time.perf_counter()
        advance(nanoseconds(simulated_s))
        factors.append(simulated_s / (time.perf_counter() - began_s))
        costs.append((cpu_s(pids) - before_s) / simulated_s)
    return statistics.median(factors), statistics.median(costs)


def cpu_s(pids: Iterable[int]) -> float:
    """Processor time that these processes have used, with the threads that have ended, to the nanosecond: the times in ``/proc``
    count in hundredths, which a short run does not fill. Raises OSError when one of them is gone."""
    return sum(time.clock_gettime_ns((~pid << 3) | _CPUCLOCK_SCHED) for pid in pids) / NS_PER_S


def _significant(value: float) -> float:
    """To four digits, so that what is small does not become zero."""
    return float(f"{value:.4g}")


def _figures(
    opening: AbstractContextManager[tuple[Advance, list[int]]], what: str, *, simulated_s: float, runs: int
) -> tuple[float | None, float | None]:
    """What ``measure`` says, to four digits; None and a word on the terminal where Gazebo does not last."""
    try:
        with opening as (advance, pids):
            factor, cost = measure(advance, pids, simulated_s=simulated_s, runs=runs)
    except GazeboLost as error:
        sys.stderr.write(f"{what} robots: {str(error).splitlines()[0]}\n")
        return None, None
    return _significant(factor), _significant(cost)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", type=Path, default=SCENARIOS / "depot_quiet.yaml")
    parser.add_argument("--robots", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    find_installation()
    scenario = read_scenario(arguments.scenario)
    metrics: dict[str, float | None] = {}
    for kind, sensors in _SENSORS.items():
        for count in arguments.robots:
            figures = {}
            for name, opened in (("embedded", embedded), ("gazebo", gazebo)):
                figures[name] = _figures(
                    opened(scenario, count, sensors),
                    f"{name}, {kind}, {count}",
                    simulated_s=arguments.seconds,
                    runs=arguments.runs,
                )
                factor, cost = figures[name]
                metrics[f"{name}_{kind}_{count}_robots_real_time_factor"] = factor
                metrics[f"{name}_{kind}_{count}_robots_cpu_s_per_s"] = cost
            ours, theirs = figures["embedded"][0], figures["gazebo"][0]
            metrics[f"{kind}_{count}_robots_factor_ratio"] = _significant(ours / theirs) if ours and theirs else None
    tell("simulators", metrics, cpus=os.cpu_count(), simulated_s=seconds(nanoseconds(arguments.seconds)))


if __name__ == "__main__":
    main()
