# SPDX-License-Identifier: Apache-2.0
"""What the robot does when things go wrong: people who step out, a fence with a wrong position, and how long it takes to stand
when a link, a sensor or a process falls silent. Everything in lockstep; seconds are simulated ones.

python benchmarks/supervision.py
python benchmarks/supervision.py --people 10000 --fence 1000
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

from app.paths import SCENARIOS
from benchmarks.figures import tell
from mission.executive import Executive, ExecutiveConfig
from mission.route import perimeter_route
from mission.stop_guard import StopGuardConfig
from patrol.clock import nanoseconds
from patrol.geometry import IDENTITY2, STOPPED, Twist2
from patrol.operations import CommandKind, Mission, Mode
from patrol.sensors import Odometry
from sim.simulator import Simulator
from tests.mission.fence_runs import breaches
from tests.mission.kinematic import STEP_NS, Drill, FlatWorld
from tests.mission.places import room, room_stops
from tests.mission.stepping_out import drawn, run

ABOVE_MPS = 0.25
Metrics = dict[str, float | int | None]


def people(count: int, peers: int) -> Metrics:
    """Somebody steps out, ``count`` times; and the same scenes for a guard that looks only at what it sees."""
    speeds = [run(drawn(seed), StopGuardConfig()).contact_mps for seed in range(count)]
    blind = [run(drawn(seed), StopGuardConfig(edge_m=1e6)).contact_mps for seed in range(peers)]
    return {
        "person_runs": count,
        "person_contacts": sum(speed is not None for speed in speeds),
        "person_contacts_above_0.25_mps": sum(speed is not None and speed > ABOVE_MPS for speed in speeds),
        "person_contact_worst_mps": round(max((speed for speed in speeds if speed is not None), default=0.0), 3),
        "peer_runs": peers,
        "peer_contacts_above_0.25_mps": sum(speed is not None and speed > ABOVE_MPS for speed in blind),
    }


def fence(count: int) -> Metrics:
    """Robots driven straight at the fence, and along it, with a position that is 2 m wrong."""
    site = room()
    return {
        "fence_runs": count,
        "fence_breaches": breaches(site, count, error_m=2.0, seed=1),
        "peer_fence_breaches": breaches(site, count, error_m=2.0, seed=1, allowed_m=0.0),
    }


def driving() -> Drill:
    """A robot on its way in a small yard."""
    site = room(waypoints=room_stops())
    world = FlatWorld(site, start=site.docks[0].pose, seed=0)
    mission = Mission(mission_id="m", name="M", route=perimeter_route(site), laps=5)
    drill = Drill(world, Executive(ExecutiveConfig(), site, [mission], base_from_lidar=IDENTITY2))
    drill.more["link_up"] = True
    drill.order(CommandKind.START, "m")
    drill.run(6.0, lambda _: drill.world.twist.forward_mps > 0.9)
    return drill


def until(drill: Drill, holds: Callable[[], bool], step: Callable[[], object], limit_s: float = 30.0) -> float:
    """Simulated seconds until ``holds``. Raises SystemExit when that takes longer than ``limit_s``."""
    begun_ns = drill.world.now_ns
    while not holds():
        step()
        if drill.world.now_ns - begun_ns > nanoseconds(limit_s):
            raise SystemExit(f"nothing happened within {limit_s:g} s")
    return (drill.world.now_ns - begun_ns) / 1e9


def silences() -> Metrics:
    """How long until the wheels are told to stand."""
    return {
        "lidar_silent_s": _lidar(),
        "slam_frozen_s": _frozen_slam(),
        "mission_frozen_s": _frozen_mission(),
        "teleop_silent_s": _teleop(),
        "stop_process_killed_s": _killed_stop(),
        **_lost_link(),
    }


def _stands(drill: Drill) -> bool:
    return drill.guarded is not None and drill.guarded.twist == STOPPED


def _lidar() -> float:
    drill = driving()
    drill.lidar_is_silent = True
    return until(drill, lambda: _stands(drill), drill.step)


def _frozen_slam() -> float:
    drill = driving()
    drill.slam_is_frozen = True
    return until(drill, lambda: _stands(drill), drill.step)


def _frozen_mission() -> float:
    drill = driving()
    return until(drill, lambda: _stands(drill), drill.step_without_mission)


def _teleop() -> float:
    drill = driving()
    drill.order(CommandKind.TELEOP)
    for _ in range(40):
        drill.steer(Twist2(0.5))
        drill.step()
    if _stands(drill):
        raise SystemExit("the hand control did not drive")
    return until(drill, lambda: _stands(drill), drill.step)


def _lost_link() -> Metrics:
    """The link goes 3 m before a waypoint: the leg is ended, the robot holds, and goes home."""
    drill = driving()
    waypoint = drill.world.site.waypoints[0].pose
    drill.run(60.0, lambda _: drill.world.pose.distance_to(waypoint) < 3.0)
    drill.more["link_up"] = False
    begun_ns = drill.world.now_ns
    held_s = until(drill, lambda: drill.executive.situation.mode is Mode.HELD, drill.step)
    reached = sum(one.outcome == "reached" for one in drill.outcomes)
    until(drill, lambda: drill.executive.situation.mode is Mode.DOCKING, drill.step)
    docks_s = (drill.world.now_ns - begun_ns) / 1e9
    return {"link_lost_held_s": held_s, "link_lost_legs_ended": reached, "link_lost_docks_s": docks_s}


def _killed_stop() -> float:
    """From the last command to the wheels until the wheels slow down, in the embedded simulator."""
    simulator = Simulator.open(SCENARIOS / "depot_quiet.yaml", seed=1, sensors=frozenset({"odom"}))
    try:
        for _ in range(60):
            simulator.command(Twist2(1.0))
            newest = simulator.advance(STEP_NS)[-1]
        if not isinstance(newest, Odometry):
            raise SystemExit("no odometry")
        cruise_mps, killed_ns = newest.twist.forward_mps, simulator.now_ns
        while simulator.now_ns - killed_ns < nanoseconds(2.0):
            for measured in simulator.advance(nanoseconds(0.01)):
                if isinstance(measured, Odometry) and measured.twist.forward_mps < 0.95 * cruise_mps:
                    return (simulator.now_ns - killed_ns) / 1e9
    finally:
        simulator.close()
    raise SystemExit("the wheels did not stop")


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=500)
    parser.add_argument("--peers", type=int, default=100)
    parser.add_argument("--fence", type=int, default=1000)
    chosen = parser.parse_args()
    metrics = {**silences(), **fence(chosen.fence), **people(chosen.people, chosen.peers)}
    tell("supervision", metrics)


if __name__ == "__main__":
    main()
