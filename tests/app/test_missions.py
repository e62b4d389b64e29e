# SPDX-License-Identifier: Apache-2.0
"""``patrol mission`` and ``patrol risk``: prepared, weighed, signed and told, on a small site."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import cli
from mission.calendar.plan import read_calendar
from mission.duties import read_duties
from mission.mission_file import read_mission_file
from mission.risk.book import place_weights, read_register, seen_from
from mission.risk.effort import EffortConfig
from patrol.errors import PatrolError
from patrol.geometry import Pose2
from patrol.site_file import read_site
from tests.house.files import ROOT
from tests.patrol import site_text

NIGHT = "name: Night\nmode: unpredictable\nlaps: 3\nrisk: site.risk.jsonl\nunpredictable: {attack_s: 100, search_starts: 1}\n"
DEPOT = ROOT / "config" / "missions" / "depot"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with two waypoints, and a mission that is drawn on it."""
    folder = tmp_path_factory.mktemp("missions")
    site_text.write(folder, site_text.site())
    (folder / "night.yaml").write_text(NIGHT, "utf-8")
    return folder


def site_path(folder: Path) -> Path:
    return next(folder.glob("*.geojson"))


def run(*words: str | Path, code: int = 0) -> str:
    done = CliRunner().invoke(cli, [str(word) for word in words])
    assert done.exit_code == code, f"{done.output} {done.exception}"
    return done.output


def add(folder: Path, *more: str | Path, code: int = 0) -> str:
    words: list[str | Path] = [
        "risk",
        "add",
        folder / "site.risk.jsonl",
        "--site",
        site_path(folder),
        "--key",
        folder / "risk.key",
    ]
    report = ["--report-id", "r1", "--kind", "waypoint", "--subject", "second", "--source", "fence_alarm", "--strength", "2"]
    return run(*words, *report, "--by", "duty manager", "--because", "two alarms in a week", *more, code=code)


def test_a_mission_is_weighed_prepared_and_told(folder: Path) -> None:
    told = add(folder)
    assert "#0 waypoint second: +2 (fence_alarm), add by duty manager: two alarms in a week" in told
    prepared = run("mission", "prepare", folder / "night.yaml", "--site", site_path(folder), "--seconds", "2")
    assert "no place goes unseen for longer than" in prepared
    assert "weights from site.risk.jsonl, change 1" in prepared
    assert "waypoint second +2 (fence_alarm)" in prepared
    kept = json.loads(next(folder.glob("night.*.walk.json")).read_text("utf-8"))
    weights = {kept["places"][place]["name"]: weight for place, _, weight, _ in kept["targets"]}
    assert weights["second"] > weights["first"]
    assert sum(weights.values()) == pytest.approx(2.0)
    shown = run("mission", "show", folder / "night.yaml", "--site", site_path(folder))
    assert "Night (night): 1 lap(s) of" in shown
    assert "No calendar" in shown
    site = read_site(site_path(folder))
    assert "night" in read_duties(folder / "night.yaml", site).drawn


def test_every_change_is_signed_and_a_forged_one_is_found(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    register = tmp_path / "site.risk.jsonl"
    add(tmp_path)
    run("risk", "withdraw", register, "r1", "--by", "duty manager", "--because", "mended", "--key", tmp_path / "risk.key")
    assert "every signature is good" in run("risk", "show", register)
    other = tmp_path / "other.key"
    with pytest.raises(PatrolError, match="is not the key"):
        CliRunner().invoke(
            cli,
            ["risk", "withdraw", str(register), "r1", "--by", "x", "--because", "y", "--key", str(other)],
            catch_exceptions=False,
        )
    lines = register.read_text("utf-8").splitlines()
    register.write_text("\n".join([lines[0].replace("2.0", "9.0"), *lines[1:]]) + "\n", "utf-8")
    with pytest.raises(PatrolError, match="change 0: the signature is not good"):
        CliRunner().invoke(cli, ["risk", "show", str(register)], catch_exceptions=False)


def test_weights_stay_within_floor_and_cap(folder: Path) -> None:
    site = read_site(site_path(folder))
    places = {"first": Pose2(-40.0, -40.0, 0.0), "second": Pose2(-40.0, 40.0, 0.0), "third": Pose2(0.0, -35.0, 0.0)}
    weights = place_weights(read_register(folder / "none.jsonl"), site, places, 0)
    assert list(weights.values()) == pytest.approx([1.0, 1.0, 1.0])
    kinds = {subject.kind.value for subject in seen_from("first", Pose2(-20.0, 0.0, 0.0), site)}
    assert kinds >= {"waypoint", "zone"}
    assert EffortConfig().cap == 4.0


def test_the_behaviour_tree_is_printed() -> None:
    told = run("mission", "tree")
    assert "[o] robot" in told
    assert "drive the leg" in told
    assert "wait for a mission" in told


def test_the_shipped_night_mission_and_its_calendar_can_be_read() -> None:
    file = read_mission_file(DEPOT / "night.yaml")
    assert file.mode == "unpredictable"
    assert file.calendar is not None
    calendar = read_calendar(DEPOT / file.calendar, time_zone="Europe/Berlin", missions=frozenset({"night"}))
    assert len(calendar.file.entries) == 2


def test_what_is_promised_of_the_shipped_round_is_told() -> None:
    told = run("mission", "show", ROOT / "config" / "missions" / "perimeter.yaml")
    assert "mode round: no stop goes unseen for longer than a lap of" in told


def test_a_drawn_mission_that_was_not_prepared_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "night.yaml").write_text((DEPOT / "night.yaml").read_text("utf-8"), "utf-8")
    with pytest.raises(PatrolError, match="patrol mission prepare"):
        CliRunner().invoke(
            cli,
            ["simulate", "--mission", str(tmp_path / "night.yaml"), "--folder", str(tmp_path / "run")],
            catch_exceptions=False,
        )
    assert not (tmp_path / "run").exists()


def test_the_commands_of_the_page_on_risk(tmp_path: Path) -> None:
    register = tmp_path / "depot.risk.jsonl"
    words = ["--report-id", "fence-7", "--kind", "zone", "--subject", "north_strip", "--source", "fence_alarm", "--strength", "2"]
    who: list[str | Path] = [
        "--days",
        "14",
        "--by",
        "duty manager",
        "--because",
        "two alarms in a week",
        "--key",
        tmp_path / "risk.key",
    ]
    assert "zone north_strip: +2" in run("risk", "add", register, *words, *who)
    assert "zone north_strip: 3" in run("risk", "show", register)
    assert (tmp_path / "risk.key").stat().st_mode & 0o077 == 0
