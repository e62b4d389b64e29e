# SPDX-License-Identifier: Apache-2.0
"""The report of a patrol that was stopped half-way, and what the recording is told of the run."""

from __future__ import annotations

import json
from pathlib import Path

from app.demo import DemoPlan, _report
from app.paths import MISSIONS, SCENARIOS, SITES
from patrol_bringup.settings import RunSettings, write_run_file
from tests.app.command import patrol_begun


def plan_in(folder: Path) -> DemoPlan:
    scenario, mission = SCENARIOS / "depot_quiet.yaml", MISSIONS / "perimeter.yaml"
    return DemoPlan(scenario=scenario, mission=mission, folder=folder, state=folder / "state")


def test_a_patrol_stopped_half_way_has_a_report(tmp_path: Path) -> None:
    patrol_begun(tmp_path, site_id="depot", stops=3)
    report = _report(plan_in(tmp_path))
    assert report is not None
    assert json.loads(report.read_text())["waypoints_reached"] == 0


def test_no_patrol_no_report(tmp_path: Path) -> None:
    assert _report(plan_in(tmp_path)) is None
    assert not list(tmp_path.iterdir())


def test_a_log_of_another_site_is_no_crash(tmp_path: Path) -> None:
    patrol_begun(tmp_path, site_id="prison", stops=3)
    assert _report(plan_in(tmp_path)) is None


def test_the_run_file_holds_settings_and_files(tmp_path: Path) -> None:
    settings = RunSettings(run_folder=tmp_path / "run", site=SITES / "depot.geojson", mission=MISSIONS, laps=3)
    told = json.loads(write_run_file(settings).read_text("utf-8"))
    assert told["settings"]["laps"] == 3
    assert told["settings"]["uplink_token_file"] is None
    assert told["files"]["mission/perimeter.yaml"] == (MISSIONS / "perimeter.yaml").read_text("utf-8")
    assert "site/depot.geojson" in told["files"]
