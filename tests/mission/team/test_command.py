# SPDX-License-Identifier: Apache-2.0
"""``patrol team`` as a person meets it, and team files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from shapely.geometry import box

from app.paths import SITES
from mission.planning.site_graph import site_graph
from mission.team.narrow import narrow_ways
from mission.team.team_file import TeamFile, team_of
from mission.team.unit import Kind
from patrol.config import validate_config
from patrol.errors import BadInput
from patrol.geometry import Pose2
from patrol.site import Building, Datum, Site, Waypoint
from tests.app.command import run_patrol
from tests.mission.planning.graphs import path
from tests.mission.planning.test_graph_file import FIRST, HEADER, SECOND, THIRD, changed, written


def test_a_team_is_planned_played_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, HEADER, FIRST, SECOND, THIRD)
    words = ("team", file, "--robots", "2", "--loss", "0.9", "--minutes", "12", "--alerts-per-h", "10", "--seconds", "1")
    answer = run_patrol(monkeypatch, capsys, *words, "--lost", "robot-2@300", "--seed", "4", "--json")
    assert answer.code == 0, answer.err
    assert "Guarantee: no place goes unseen" in answer.out
    told = json.loads(answer.out.splitlines()[-1])
    assert told["worst_idleness_s"] >= told["lower_bound_s"] > 0.0
    assert set(told["without_s"]) == {"robot-1", "robot-2"}
    assert min(told["without_s"].values()) > told["worst_idleness_s"]
    assert told["plans"] >= 2
    assert "without robot-2" in answer.out
    assert told["alerts"] >= 1


def test_a_team_of_a_site_begins_at_its_dock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    team = tmp_path / "team.yaml"
    units = [{"unit_id": "rover", "speed_mps": 1.2, "endurance_min": 45}, {"unit_id": "eagle", "kind": "drone", "speed_mps": 5}]
    team.write_text(yaml.safe_dump({"units": units}), "utf-8")
    words = ("team", SITES / "depot.geojson", "--team", team, "--minutes", "5", "--seconds", "1", "--json")
    answer = run_patrol(monkeypatch, capsys, *words)
    assert answer.code == 0, answer.err
    told = json.loads(answer.out.splitlines()[-1])
    assert (told["units"], told["drones"]) == (2, 1)
    assert told["measured_worst_s"] <= 1.5 * told["worst_idleness_s"]


@pytest.mark.parametrize(
    ("more", "because"),
    [
        (("--lost", "robot-9@5"), "is no unit of the team; there are robot-1, robot-2 (got 'robot-9')"),
        (("--lost", "robot-1"), "is not UNIT@SECONDS"),
        (("--joined", "robot-1@5,robot-2@6"), "leaves nobody to begin with"),
        (("--robots", "5", "--narrow"), "start: 3 robots begin where 1 can be (got '0')"),
    ],
)
def test_what_makes_no_play_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], because: str
) -> None:
    answer = run_patrol(monkeypatch, capsys, "team", written(tmp_path, HEADER, FIRST, SECOND, THIRD), *more)
    assert answer.code == 2
    assert because in answer.err


def test_a_play_that_ends_before_the_plan_has_settled_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, changed(HEADER, 3, "20"), FIRST, SECOND, THIRD)
    answer = run_patrol(monkeypatch, capsys, "team", file, "--minutes", "1", "--seconds", "0.2")
    assert answer.code == 2
    assert "--minutes: ends before the plan has settled" in answer.err


def test_every_fault_of_a_team_file_is_named() -> None:
    data = {
        "units": [{"unit_id": "a", "start": "9"}, {"unit_id": "a"}],
        "needs": {"cellar": ["thermal"]},
        "narrow": [["0", "2"], ["0", "1"]],
        "room": {"1": 0},
        "dock": "x",
    }
    with pytest.raises(BadInput) as refused:
        team_of(validate_config(TeamFile, data, source="test"), path(4), source="team.yaml")
    assert [(fault.field, fault.value) for fault in refused.value.faults] == [
        ("units", "a"),
        ("units.0.start", "9"),
        ("needs", "cellar"),
        ("dock", "x"),
        ("room.1", 0),
        ("narrow", "0, 2"),
    ]
    with pytest.raises(BadInput):
        validate_config(TeamFile, {"units": [{"unit_id": "a", "wings": 2}]}, source="test")


def test_a_team_file_says_who_is_where() -> None:
    data = {
        "units": [{"unit_id": "a"}, {"unit_id": "b", "kind": "drone", "endurance_min": 20}, {"unit_id": "c", "start": "1"}],
        "needs": {"2": ["thermal"]},
        "narrow": "all",
    }
    team = team_of(validate_config(TeamFile, data, source="test"), path(4), source="test")
    assert team.starts == (0, 2, 1), "far from those before, unless it says where"
    assert (team.units[1].kind, team.units[1].endurance_s) == (Kind.DRONE, 1200.0)
    assert team.narrow == {(0, 1), (1, 2), (2, 3)}
    assert team.ground.needs == {2: {"thermal"}}


def test_a_way_between_walls_is_narrow_and_one_along_a_wall_is_not() -> None:
    def stop(name: str, x_m: float, order: int) -> Waypoint:
        return Waypoint(waypoint_id=name, name=name, pose=Pose2(x_m, 0.0, 0.0), order=order)

    def walls(gap_m: float) -> tuple[Building, ...]:
        half = 0.5 * gap_m
        sides = (box(-5, half, 5, 24), box(-5, -24, 5, -half))
        return tuple(Building(building_id=f"b{n}", name="B", outline=side, height_m=3.0) for n, side in enumerate(sides))

    def site(gap_m: float) -> Site:
        return Site(
            site_id="s",
            name="S",
            time_zone="UTC",
            datum=Datum(latitude_deg=52.0, longitude_deg=13.0),
            perimeter=box(-20, -25, 20, 25),
            buildings=walls(gap_m),
            waypoints=(stop("west", -8.0, 1), stop("east", 8.0, 2)),
        )

    for gap_m, narrow in ((1.4, True), (4.0, False)):
        made = site_graph(site(gap_m))
        names = made.graph.vertex_names
        ways = {(names[low], names[high]) for low, high in narrow_ways(site(gap_m), made)}
        assert (("west", "east") in ways) is narrow
