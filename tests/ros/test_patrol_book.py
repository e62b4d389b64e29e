# SPDX-License-Identifier: Apache-2.0
"""One book a patrol, also when a calendar begins several in one run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("patrol_msgs.msg", reason="the ROS interfaces are not built: make setup")

from mission.route import perimeter_route
from patrol.geometry import Pose2
from patrol.operations import Mission, MissionProgress, Mode, RobotState, WaypointOutcome
from patrol.promise import Promise
from patrol_ros.patrol_book import PatrolBook
from tests.mission.places import room, room_stops

S = 1_000_000_000
SITE = room(waypoints=room_stops())
MISSION = Mission(mission_id="m", name="M", route=perimeter_route(SITE), laps=2)
PROMISE = Promise(mode="round", worst_idleness_s=40.0, average_idleness_s=20.0)


def book(folder: Path) -> PatrolBook:
    return PatrolBook(folder, SITE, {"m": MISSION}, robot_id="rover", robot_name="Rover", promise=lambda _: PROMISE)


def state(at_s: int, mode: Mode, fraction: float) -> RobotState:
    progress = MissionProgress(mission_id="m", lap=0, leg=0, legs=3, waypoint_id="A", fraction=fraction, time_left_s=0.0)
    return RobotState(
        stamp_ns=at_s * S,
        mode=mode,
        why="",
        map_from_base=Pose2(0.0, 0.0, 0.0),
        position_std_m=0.1,
        speed_mps=0.0,
        charge=0.9,
        progress=progress,
    )


def visit(at_s: int, lap: int) -> WaypointOutcome:
    return WaypointOutcome(lap=lap, leg=0, waypoint_id="A", outcome="reached", because="", started_ns=0, ended_ns=at_s * S)


def patrol(kept: PatrolBook, begins_s: int) -> None:
    kept.take_state(state(begins_s, Mode.PATROLLING, 0.0))
    for lap, after_s in enumerate((10, 40)):
        kept.take_outcome(visit(begins_s + after_s, lap))
    kept.take_state(state(begins_s + 50, Mode.DOCKING, 1.0))
    kept.take_state(state(begins_s + 60, Mode.DOCKED, 1.0))


def told(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "report.json").read_text("utf-8"))
    return found


def test_each_patrol_of_a_run_has_its_own_report(tmp_path: Path) -> None:
    kept = book(tmp_path)
    kept.take_state(state(1, Mode.DOCKED, 1.0))
    assert not (tmp_path / "patrol.jsonl").exists()
    patrol(kept, 10)
    assert kept.is_done
    patrol(kept, 1000)
    assert told(tmp_path)["started_ns"] == 10 * S
    second = told(tmp_path / "patrol-2")
    assert (second["started_ns"], second["waypoints_reached"]) == (1000 * S, 2)
    guarantee = second["guarantee"]
    assert isinstance(guarantee, dict)
    assert (guarantee["measured_worst_s"], guarantee["kept"]) == (30.0, True)


def test_a_recorder_that_starts_anew_goes_on_in_the_open_book_only(tmp_path: Path) -> None:
    first = book(tmp_path)
    patrol(first, 10)
    first.take_state(state(1000, Mode.PATROLLING, 0.0))
    first.take_outcome(visit(1010, 0))
    again = book(tmp_path)
    assert not again.is_done
    again.take_outcome(visit(1040, 1))
    again.take_state(state(1060, Mode.DOCKED, 1.0))
    assert told(tmp_path / "patrol-2")["waypoints_reached"] == 2
    assert book(tmp_path).is_done
    assert told(tmp_path)["waypoints_reached"] == 2
