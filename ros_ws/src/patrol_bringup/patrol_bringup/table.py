# SPDX-License-Identifier: Apache-2.0
"""The one table of processes. The supervisor starts from it, and so do the launch files.

Each row is one ROS node in an operating-system process of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from patrol.errors import BadValue


class Backend(StrEnum):
    """What stands behind the sensor topics."""

    SIMULATION = "simulation"
    GAZEBO = "gazebo"
    HARMONIC = "harmonic"
    REPLAY = "replay"
    ROBOT = "robot"


EVERY_BACKEND = frozenset(Backend)
DRIVEN = EVERY_BACKEND - {Backend.REPLAY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One row.

    ``takes`` names the settings that become the node's parameters. ``needs`` are started before it. ``used_with`` says with which
    backends it runs. ``optional`` rows run only when asked for. A dead process is started anew after ``first_wait_s``, twice that
    the next time, and so on up to ``longest_wait_s``. A row that ``ends`` is not started anew once it ended well. One that
    ``tells_time`` publishes ``/clock`` and does not use it. Where several robots patrol in one simulation, those ``of_each`` run
    for every robot, the others for the first only; those ``of_team`` run only where there are several. One that ``hears`` runs
    only where there are microphones that are to be listened to. ``niceness`` lets those on the way from sensor to wheels and to
    the screen go before those that can wait."""

    name: str
    module: str
    takes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    used_with: frozenset[Backend] = EVERY_BACKEND
    optional: bool = False
    ends: bool = False
    tells_time: bool = False
    niceness: int = 0
    of_each: bool = False
    of_team: bool = False
    hears: bool = False
    first_wait_s: float = 0.2
    longest_wait_s: float = 4.0


PROCESSES: tuple[Process, ...] = (
    Process(
        name="stop",
        module="patrol_ros.stop_node",
        takes=("state_folder",),
        used_with=DRIVEN,
        first_wait_s=0.05,
        longest_wait_s=1.0,
        of_each=True,
    ),
    Process(
        name="simulator",
        module="patrol_ros.simulator_node",
        takes=("scenario", "seed", "factor", "sensors", "hearing", "run_folder", "robots"),
        needs=("stop",),
        used_with=frozenset({Backend.SIMULATION}),
        tells_time=True,
        niceness=6,
    ),
    Process(
        name="gazebo",
        module="patrol_ros.gazebo_node",
        takes=("scenario", "seed", "factor", "sensors", "run_folder"),
        needs=("stop",),
        used_with=frozenset({Backend.GAZEBO}),
        tells_time=True,
    ),
    Process(
        name="replay",
        module="patrol_ros.replay_node",
        takes=("recording", "factor", "listeners"),
        used_with=frozenset({Backend.REPLAY}),
        ends=True,
        tells_time=True,
    ),
    Process(
        name="slam",
        module="patrol_ros.slam_node",
        takes=("site", "berth", "map_folder", "mapping", "state_folder", "slam_config"),
        of_each=True,
    ),
    Process(
        name="perception",
        module="patrol_ros.perception_node",
        takes=("site", "rules", "perception_config", "evidence_key", "run_folder"),
    ),
    Process(
        name="sound",
        module="patrol_ros.sound_node",
        takes=("site", "rules", "sound_config"),
        used_with=frozenset({Backend.SIMULATION, Backend.ROBOT}),
        niceness=2,
        hears=True,
    ),
    Process(
        name="mission",
        module="patrol_ros.mission_node",
        takes=(
            "site",
            "berth",
            "robots",
            "robot_id",
            "mission",
            "laps",
            "autostart",
            "driver",
            "state_folder",
            "mission_config",
            "belief_config",
        ),
        needs=("stop",),
        used_with=DRIVEN,
        of_each=True,
    ),
    Process(
        name="team",
        module="patrol_ros.team_node",
        niceness=2,
        takes=("site", "mission", "laps", "robots", "robot_id"),
        used_with=DRIVEN,
        of_each=True,
        of_team=True,
    ),
    Process(
        name="recorder",
        module="patrol_ros.recorder_node",
        niceness=8,
        takes=("run_folder", "site", "mission", "laps", "robot_id", "robot_name", "robots"),
        optional=True,
        of_each=True,
    ),
    Process(
        name="uplink",
        module="patrol_ros.uplink_node",
        takes=("site", "mission", "robot_id", "robot_name", "uplink_url", "uplink_token_file", "state_folder", "uplink_config"),
        optional=True,
        of_each=True,
    ),
)


def processes_for(
    backend: Backend, *, without: frozenset[str] = frozenset(), team: bool = False, further: bool = False, hearing: bool = False
) -> tuple[Process, ...]:
    """The rows to start, each after what it needs, but for the optional ones named in ``without``: for one robot; for the first
    of a ``team``; for a ``further`` one of it; with what listens if ``hearing``.

    Raises BadValue when ``without`` names a row that is not optional or not there.
    """
    optional = {row.name for row in PROCESSES if row.optional}
    if without - optional:
        raise BadValue(f"without: {', '.join(sorted(without - optional))} is not one of {', '.join(sorted(optional))}")
    rows = (row for row in PROCESSES if backend in row.used_with and row.name not in without and (hearing or not row.hears))
    return in_order(tuple(row for row in rows if (row.of_each or not further) and (team or further or not row.of_team)))


def in_order(rows: tuple[Process, ...]) -> tuple[Process, ...]:
    """The rows, each after the ones that it needs. Raises BadValue when they need each other in a circle."""
    names = {row.name for row in rows}
    ordered: list[Process] = []
    waiting = list(rows)
    while waiting:
        placed = {row.name for row in ordered}
        ready = [row for row in waiting if placed.issuperset(names.intersection(row.needs))]
        if not ready:
            raise BadValue(f"needs: {', '.join(row.name for row in waiting)} need each other in a circle")
        ordered += ready
        waiting = [row for row in waiting if row not in ready]
    return tuple(ordered)
