# SPDX-License-Identifier: Apache-2.0
"""The ``patrol`` command: help, exit codes, and files that are refused whole before anything starts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console
from shapely.geometry import Point

from app.commands.summary import print_report
from app.inputs import read_inputs
from app.paths import SCENARIOS
from patrol.errors import BadInput
from tests.app.command import BEGAN_NS, DEPOT, PERIMETER, QUIET, Patrol, patrol_begun, scenario, site_without, written

RULES = ("rules", "rules check", "rules test")
COMMANDS = ("site", "site check", "audit", "audit verify", "demo", "simulate", "replay", "report", "centre", *RULES)
BAD_INPUT = 2


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(patrol: Patrol, command: str) -> None:
    answer = patrol(*command.split(), "--help")
    assert answer.code == 0
    assert f"patrol {command}" in answer.out
    assert answer.err == ""


def test_the_help_names_every_command(patrol: Patrol) -> None:
    words = patrol("--help").out.split()
    assert {command.split()[0] for command in COMMANDS} <= set(words)


@pytest.mark.parametrize("words", [["fly"], ["simulate", "--laps", "0"], ["demo", "--factor", "many"], ["replay"]])
def test_words_that_mean_nothing_are_refused(patrol: Patrol, words: list[str]) -> None:
    answer = patrol(*words)
    assert answer.code == BAD_INPUT
    assert "Error" in answer.err


def test_a_whole_site_is_told_in_figures(patrol: Patrol) -> None:
    answer = patrol("site", "check", DEPOT)
    assert answer.code == 0
    assert "ok. " in answer.out
    assert "2 gates" in answer.out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", ("line 1",)),
        ('{"type": "FeatureCollection"}', ("site", "features")),
        (None, ("(file)",)),
    ],
    ids=["not JSON", "half", "missing"],
)
def test_a_file_that_is_no_site_is_refused(patrol: Patrol, tmp_path: Path, text: str | None, words: tuple[str, ...]) -> None:
    path = tmp_path / "yard.geojson"
    if text is not None:
        written(path, text)
    answer = patrol("site", "check", path)
    assert answer.code == BAD_INPUT
    assert all(word in answer.err for word in (str(path), *words))


def test_every_fault_of_a_site_is_named_by_feature_and_field(patrol: Patrol, tmp_path: Path) -> None:
    data = json.loads(DEPOT.read_text("utf-8"))
    zone = next(feature for feature in data["features"] if feature["properties"]["kind"] == "zone")
    dock = next(feature for feature in data["features"] if feature["properties"]["kind"] == "dock")
    zone["properties"]["purpose"] = "[red]secret[/blue]"
    dock["properties"]["heading_deg"] = "north"
    answer = patrol("site", "check", written(tmp_path / "bad.geojson", json.dumps(data)))
    assert answer.code == BAD_INPUT
    assert all(word in answer.err for word in (zone["id"], "purpose", "[red]secret[/blue]", dock["id"], "heading_deg", "north"))


def test_a_site_without_a_perimeter_is_refused(patrol: Patrol, tmp_path: Path) -> None:
    answer = patrol("site", "check", site_without(tmp_path, "perimeter"))
    assert answer.code == BAD_INPUT
    assert "perimeter" in answer.err


BROKEN: dict[str, Callable[[Path], tuple[str, Path]]] = {
    "scenario is not YAML": lambda folder: ("--scenario", written(folder / "s.yaml", "name: [")),
    "scenario has an unknown key": lambda folder: ("--scenario", scenario(folder, wether="rain")),
    "scenario names no world": lambda folder: ("--scenario", scenario(folder, world="nowhere.sdf")),
    "world is no SDF": lambda folder: ("--scenario", scenario(folder, world=str(written(folder / "w.sdf", "<sdf><world")))),
    "site without a dock": lambda folder: ("--scenario", scenario(folder, site=str(site_without(folder, "dock")))),
    "mission has no such waypoint": lambda folder: ("--mission", written(folder / "m.yaml", "name: Round\nroute: [moon]")),
    "mission is too fast": lambda folder: ("--mission", written(folder / "m.yaml", "name: Round\nspeed_mps: 99")),
    "mission is missing": lambda folder: ("--mission", folder / "none.yaml"),
}
NAMED = {
    "scenario is not YAML": ("s.yaml", "line 1"),
    "scenario has an unknown key": ("scenario.yaml", "wether", "rain"),
    "scenario names no world": ("scenario.yaml", "world", "nowhere.sdf"),
    "world is no SDF": ("w.sdf",),
    "site without a dock": ("broken.geojson", "dock"),
    "mission has no such waypoint": ("m.yaml", "route.0", "moon"),
    "mission is too fast": ("m.yaml", "speed_mps", "99"),
    "mission is missing": ("none.yaml", "(file)"),
}


@pytest.mark.parametrize("command", ["simulate", "demo"])
@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_file_is_refused_whole_before_anything_starts(
    patrol: Patrol, tmp_path: Path, command: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.commands.demo.STATE", tmp_path / "state")
    option, path = BROKEN[fault](tmp_path)
    given = [path] if (command, option) == ("simulate", "--scenario") else [option, path]
    before = sorted(tmp_path.rglob("*"))
    answer = patrol(command, *given, "--folder", tmp_path / "run")
    assert answer.code == BAD_INPUT
    assert all(word in answer.err for word in NAMED[fault])
    assert sorted(tmp_path.rglob("*")) == before


def test_a_broken_map_leaves_no_folder_behind(patrol: Patrol, tmp_path: Path) -> None:
    (tmp_path / "map").mkdir()
    written(tmp_path / "map" / "map.yaml", "image: [")
    answer = patrol("simulate", "--map-folder", tmp_path / "map", "--folder", tmp_path / "run")
    assert answer.code == BAD_INPUT
    assert str(tmp_path / "map") in answer.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", ["simulate", "demo"])
def test_a_patrol_is_never_overwritten(patrol: Patrol, tmp_path: Path, command: str) -> None:
    log = written(tmp_path / "patrol.jsonl", "kept")
    answer = patrol(command, "--folder", tmp_path)
    assert answer.code == BAD_INPUT
    assert "holds a patrol already" in answer.err
    assert [path.name for path in tmp_path.iterdir()] == [log.name]
    assert log.read_text("utf-8") == "kept"


def test_a_file_is_no_folder(patrol: Patrol, tmp_path: Path) -> None:
    answer = patrol("simulate", "--folder", written(tmp_path / "taken", ""))
    assert answer.code == BAD_INPUT
    assert "is a file" in answer.err


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_shipped_scenario_can_be_patrolled(path: Path) -> None:
    inputs = read_inputs(path, PERIMETER)
    assert len(inputs.mission.route.waypoints) >= 4
    assert inputs.site.perimeter.contains(Point(inputs.start.x_m, inputs.start.y_m))


def begun(folder: Path, *, site_id: str = "depot") -> Path:
    """A patrol's folder whose log begins and whose robot then went silent."""
    log = patrol_begun(folder, site_id=site_id, stops=4)
    log.end(BEGAN_NS + 5_000_000_000, because="Lost [sight] of [/b] it.")
    return folder


def test_a_report_is_written_anew_and_told(patrol: Patrol, tmp_path: Path) -> None:
    answer = patrol("report", begun(tmp_path / "p"))
    assert answer.code == 0
    assert "Lost [sight] of [/b] it. 0 of 1 lap(s)" in answer.out
    assert json.loads((tmp_path / "p" / "report.json").read_text("utf-8"))["laps_planned"] == 1
    assert (tmp_path / "p" / "report.html").is_file()


def test_a_report_needs_a_log_and_the_right_site(patrol: Patrol, tmp_path: Path) -> None:
    nothing = patrol("report", tmp_path)
    assert nothing.code == BAD_INPUT
    assert str(tmp_path) in nothing.err
    wrong = patrol("report", begun(tmp_path / "p", site_id="prison"))
    assert wrong.code == BAD_INPUT
    assert "site_id" in wrong.err
    assert not (tmp_path / "p" / "report.json").exists()


@pytest.mark.parametrize(
    ("option", "text", "words"),
    [
        ("--perception-config", "detectr: {}", ("detectr",)),
        ("--perception-config", "detector: {detector: eyes}", ("detector.detector", "eyes")),
    ],
)
def test_a_broken_configuration_starts_no_replay(
    patrol: Patrol, tmp_path: Path, option: str, text: str, words: tuple[str, ...]
) -> None:
    log = written(tmp_path / "a.log", "")
    config = written(tmp_path / "config.yaml", text)
    answer = patrol("replay", log, "--folder", tmp_path / "run", option, config)
    assert answer.code == BAD_INPUT
    assert all(word in answer.err for word in (str(config), *words))
    assert not (tmp_path / "run").exists()


def test_a_recording_that_is_not_there_starts_no_replay(patrol: Patrol, tmp_path: Path) -> None:
    answer = patrol("replay", tmp_path / "none.mcap", "--folder", tmp_path / "run")
    assert answer.code == BAD_INPUT
    assert "none.mcap" in answer.err
    assert not (tmp_path / "run").exists()


def test_what_is_no_report_is_not_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="laps_planned"):
        print_report(Console(), written(tmp_path / "report.json", "{}"))


def test_the_quiet_depot_is_what_the_other_tests_break() -> None:
    assert read_inputs(QUIET, PERIMETER).scenario.actors == ()
