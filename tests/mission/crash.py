# SPDX-License-Identifier: Apache-2.0
"""A mission process that is killed at a chosen line, and its next life. Run as a program, it takes lives on standard input.

A life builds the real executive on the real file store, gives it commands as a client does that repeats each until it was
answered, and notes answers and outcomes as they leave. The waypoints lie where the robot stands, so each step settles one.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from mission.executive import Executive, ExecutiveConfig
from mission.store import FileStore
from patrol.geometry import IDENTITY2, Pose2
from patrol.operations import Accepted, Command, CommandKind, Mission, Route, RouteWaypoint, WaypointOutcome
from tests.mission.kinematic import Drill, FlatWorld
from tests.mission.places import room

WATCHED = ("mission/store.py", "mission/desk.py", "mission/executive.py", "mission/situation.py", "mission/ledger.py")
LEGS, LAPS = 4, 4
STEPS = 40
SCRIPT = (
    ("start", CommandKind.START, 0),
    ("pause", CommandKind.PAUSE, 4),
    ("resume", CommandKind.RESUME, 6),
    ("again", CommandKind.START, 7),
)
"""The name of each command, what it asks, and in which step it is first given; the last only while the mission runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What left a process before it ended: answers by command, and outcomes; how many lines it lived for; whether it ended by
    itself."""

    answers: dict[str, str]
    outcomes: tuple[tuple[int, int, str, int], ...]
    lines: int
    whole: bool


def live(folder: Path, kill_at: int) -> None:
    """One life in this process, killed at the ``kill_at``-th watched line, or never when that is 0."""
    site = room()
    world = FlatWorld(site, start=site.docks[0].pose, seed=0)
    stops = tuple(
        RouteWaypoint(waypoint_id=f"W{leg}", pose=Pose2(world.pose.x_m + 0.1 * leg, world.pose.y_m, 0.0)) for leg in range(LEGS)
    )
    mission = Mission(mission_id="m", name="M", route=Route(route_id="r", waypoints=stops), laps=LAPS, docks_after=False)
    told = os.open(folder / "told.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def tell(**line: Any) -> None:
        os.write(told, (json.dumps(line) + "\n").encode())

    lines = _die_at(kill_at) if kill_at else _count()
    store = FileStore(folder / "state" / "mission.json")
    drill = Drill(world, Executive(ExecutiveConfig(), site, [mission], base_from_lidar=IDENTITY2, store=store))
    answered = {line["command"] for line in told_in(folder) if "command" in line}
    for step in range(STEPS):
        for name, kind, at in SCRIPT:
            is_due = step >= at and name not in answered
            if is_due and (name != "again" or drill.executive.situation.is_open):
                command = Command(command_id=name, kind=kind, expires_ns=10**15, issued_by="crash", mission_id="m")
                answer = drill.executive.accept(command, world.now_ns)
                tell(command=name, answer="accepted" if isinstance(answer, Accepted) else answer.because)
                answered.add(name)
        for outcome in drill.step().outcomes:
            tell(outcome=_key(outcome))
    sys.settrace(None)
    tell(whole=True, lines=lines[0])


def _key(outcome: WaypointOutcome) -> tuple[int, int, str, int]:
    return outcome.lap, outcome.leg, outcome.outcome, outcome.ended_ns


def _count() -> list[int]:
    return _die_at(0)


def _die_at(kill_at: int) -> list[int]:
    """Count watched lines from now on, and be killed at that one."""
    seen = [0]

    def line(frame: FrameType, event: str, argument: Any) -> Any:
        del frame, argument
        if event == "line":
            seen[0] += 1
            if seen[0] == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
        return line

    def call(frame: FrameType, event: str, argument: Any) -> Any:
        del event, argument
        return line if frame.f_code.co_filename.endswith(WATCHED) else None

    sys.settrace(call)
    return seen


def told_in(folder: Path) -> list[dict[str, Any]]:
    path = folder / "told.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def life_of(lines: list[dict[str, Any]]) -> Life:
    """What the lines of one life say."""
    ends = [line for line in lines if "whole" in line]
    return Life(
        answers={line["command"]: line["answer"] for line in lines if "command" in line},
        outcomes=tuple((one[0], one[1], one[2], one[3]) for one in (line["outcome"] for line in lines if "outcome" in line)),
        lines=ends[0]["lines"] if ends else 0,
        whole=bool(ends),
    )


def main() -> None:
    """Read lines of a folder and a line to be killed at; live each in a child, and say how it ended."""
    for request in sys.stdin:
        name, kill_at = request.split()
        folder = Path(name)
        child = os.fork()
        if child == 0:
            live(folder, int(kill_at))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{-os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
