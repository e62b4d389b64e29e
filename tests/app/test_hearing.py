# SPDX-License-Identifier: Apache-2.0
"""A patrol that listens: what it hears becomes events and alerts in its recording, and no sound leaves it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.lockstep import LockstepPlan, LockstepResult, run_lockstep
from app.paths import ROOT
from evidence.recorder import RECORDING_FILE
from evidence.recording import Recording
from patrol import wire
from patrol.topics import TOPICS
from patrol_bringup.settings import RunSettings, parameters
from patrol_bringup.table import PROCESSES, Backend, processes_for
from sim.scenario import SCENARIOS
from tests.app.command import PERIMETER, Patrol

GLASS = SCENARIOS / "depot_glass.yaml"
SENSORS = frozenset({"scan", "odom", "battery"})


@dataclass(frozen=True)
class Drive:
    folder: Path
    result: LockstepResult


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Drive:
    """Four seconds of a patrol near whose dock a window breaks."""
    folder = tmp_path_factory.mktemp("hearing") / "p"
    plan = LockstepPlan(scenario=GLASS, mission=PERIMETER, folder=folder, limit_s=4.0, sensors=SENSORS, hearing=True)
    return Drive(folder, run_lockstep(plan))


def test_a_breaking_window_raises_an_alert_with_its_direction(drive: Drive) -> None:
    alerts = [alert for alert in drive.result.alerts if alert.reason.rule == "glass breaks"]
    assert len(alerts) == 1
    sentence = alerts[0].reason.sentence
    heading = re.search(r"was heard from (\d{3})° \(± \d+°\)", sentence)
    assert heading is not None, sentence
    assert abs((int(heading[1]) - 26 + 180) % 360 - 180) < 15, "the window is 6 m east and 13 m north of the dock"
    assert alerts[0].position_uncertain


def test_the_recording_gives_the_same_alerts_again(drive: Drive, patrol: Patrol, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules: []\n", "utf-8")
    said = patrol("rules", "test", rules, drive.folder / RECORDING_FILE, "--json")
    assert said.code == 0, said
    told = json.loads(said.out)
    assert [alert["alert_id"] for alert in told["alerts"]] == [alert.alert_id for alert in drive.result.alerts]
    assert [alert["sentence"] for alert in told["alerts"]] == [alert.reason.sentence for alert in drive.result.alerts]


def test_the_recording_holds_events_and_no_sound(drive: Drive) -> None:
    kinds = {message.type for message in Recording(drive.folder / RECORDING_FILE).messages()}
    assert "patrol_msgs/msg/SoundEventArray" in kinds
    assert "patrol_msgs/msg/SoundBlock" not in kinds
    assert (drive.folder / RECORDING_FILE).stat().st_size < 4.0 * 16_000 * 4 * 2, "less than the sound alone would take"


def test_only_the_listener_listens_and_nothing_carries_sound_off_the_robot() -> None:
    nodes = ROOT / "ros_ws" / "src" / "patrol_ros" / "patrol_ros"
    listeners = [path.name for path in nodes.glob("*.py") if re.search(r"subscribe\(\s*\"audio\"", path.read_text("utf-8"))]
    assert listeners == ["sound_node.py"]
    (row,) = (row for row in TOPICS if row.type.endswith("/SoundBlock"))
    assert not row.is_recorded
    assert "audio" not in json.dumps(wire.FROM_ROBOT.json_schema()).lower()


def test_the_listener_runs_only_where_it_is_asked_for() -> None:
    assert "sound" not in {row.name for backend in Backend for row in processes_for(backend)}
    assert "sound" in {row.name for row in processes_for(Backend.SIMULATION, hearing=True)}
    assert "sound" in {row.name for row in processes_for(Backend.ROBOT, hearing=True)}
    simulator = next(row for row in PROCESSES if row.name == "simulator")
    assert parameters(simulator, RunSettings(run_folder=Path("/run"), hearing=True))["hearing"] is True
