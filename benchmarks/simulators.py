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
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.figures import tell
from patrol.clock import nanoseconds, seconds
from patrol.geometry import Pose2, Twist2
from patrol.site_file import read_site
from sim.gazebo.backends import Flavour
from sim.gazebo.errors import GazeboLost
from sim.gazebo.installation import find_installation
from sim.gazebo.messages import Messages
from sim.gazebo.server import WORLD_FILE, Server
from sim.gazebo.session import Session
from sim.gazebo.simulator import sensor_rates
from sim.gazebo.world_sdf import WorldPlan, world_name, write_world
from sim.robot import read_robot
from sim.scenario import SCENARIOS, Scenario, StartPose, read_scenario
from sim.simulator import Simulator
from sim.stage import TICK_NS
from sim.weather import weather_at

_SENSORS = {
    "lidar": frozenset({"points", "scan", "odom", "imu"}),
    "cameras": frozenset({"points", "scan", "odom", "imu", "camera", "thermal"}),
}
_DRIVE = Twist2(forward_mps=0.5, turn_radps=0.3)
_UP_WITHIN_S = 180.0
Advance = Callable[[int], None]


def starts(count: int) -> tuple[Pose2, ...]:
    """Where the robots stand: in the depot's loading yard, four metres apart."""
    return tuple(Pose2(-8.0 + 4.0 * (index % 4), -12.0 - 4.0 * (index // 4), 0.0) for index in range(count))


@contextmanager
def embedded(scenario: Scenario, count: int, sensors: frozenset[str]) -> Iterator[tuple[Advance, list[psutil.Process]]]:
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
        yield advance, [psutil.Process()]
    finally:
        for robot in robots:
            robot.close()


@contextmanager
def gazebo(scenario: Scenario, count: int, sensors: frozenset[str]) -> Iterator[tuple[Advance, list[psutil.Process]]]:
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
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / WORLD_FILE).write_text(write_world(plan, Flavour.GAZEBO_11), "utf-8")
        with Server(installation, Path(folder), seed=1, cameras=True) as server:
            sessions += _joined(Messages(installation.descriptors), server, names, scenario, sensors)
            processes = [psutil.Process(), *psutil.Process(server.pid).children(recursive=True)]
            rates = sensor_rates(read_robot(), sensors)
            _warm_up(sessions, rates)
            try:
                yield lambda duration_ns: _step(sessions, duration_ns, rates), processes
            finally:
                for session in sessions:
                    session.close()


def _joined(
    messages: Messages, server: Server, names: dict[str, Pose2], scenario: Scenario, sensors: frozenset[str]
) -> list[Session]:
    heard = frozenset(sensor_rates(read_robot(), sensors))
    world, deadline_s = world_name(scenario.world), time.monotonic() + _UP_WITHIN_S
    while time.monotonic() < deadline_s:
        sessions: list[Session] = []
        try:
            for name in names:
                sessions += [Session(messages, server.port, world=world, robot=name, sensors=heard, alive=server.check)]
            if all(session.wait_until_ready(10.0) for session in sessions):
                return sessions
        except GazeboLost:
            server.check()
            time.sleep(0.5)
        for session in sessions:
            session.close()
    raise GazeboLost(f"Gazebo did not come up within {_UP_WITHIN_S:g} s")


def _warm_up(sessions: list[Session], rates: Mapping[str, float]) -> None:
    """Until every sensor of every robot has spoken: before that Gazebo draws nothing, and costs nothing."""
    deadline_s = time.monotonic() + _UP_WITHIN_S
    while any(session.newest_ns(sensor) is None for session in sessions for sensor in rates):
        _turn(sessions)
        if time.monotonic() > deadline_s:
            raise GazeboLost("not every sensor speaks")


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


def measure(advance: Advance, processes: list[psutil.Process], *, simulated_s: float, runs: int) -> tuple[float, float]:
    """Real-time factor and processor seconds per simulated second: medians over ``runs``, after a warm-up."""
    advance(nanoseconds(1.0))
    factors, costs = [], []
    for _ in range(runs):
        before, began = _cpu_s(processes), time.perf_counter()
        advance(nanoseconds(simulated_s))
        factors.append(simulated_s / (time.perf_counter() - began))
        costs.append((_cpu_s(processes) - before) / simulated_s)
    return statistics.median(factors), statistics.median(costs)


def _cpu_s(processes: list[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes if process.is_running()]
    return sum(each.user + each.system for each in times)


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
    metrics: dict[str, float] = {}
    for kind, sensors in _SENSORS.items():
        for count in arguments.robots:
            for name, opened in (("embedded", embedded), ("gazebo", gazebo)):
                with opened(scenario, count, sensors) as (advance, processes):
                    factor, cost = measure(advance, processes, simulated_s=arguments.seconds, runs=arguments.runs)
                metrics[f"{name}_{kind}_{count}_robots_real_time_factor"] = round(factor, 3)
                metrics[f"{name}_{kind}_{count}_robots_cpu_s_per_s"] = round(cost, 3)
            ratio = metrics[f"embedded_{kind}_{count}_robots_real_time_factor"]
            metrics[f"{kind}_{count}_robots_factor_ratio"] = round(
                ratio / metrics[f"gazebo_{kind}_{count}_robots_real_time_factor"], 2
            )
    tell("simulators", metrics, cpus=os.cpu_count(), simulated_s=seconds(nanoseconds(arguments.seconds)))


if __name__ == "__main__":
    main()
