# SPDX-License-Identifier: Apache-2.0
"""``patrol plan`` as a person meets it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.paths import SITES
from app.plan import read_ground
from mission.planning.occupancy import Certificate, check_certificate
from tests.app.command import run_patrol
from tests.mission.planning.test_graph_file import FIRST, HEADER, SECOND, THIRD, written


def test_a_graph_is_planned_told_drawn_and_given_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file, picture = written(tmp_path, HEADER, FIRST, SECOND, THIRD), tmp_path / "plan.png"
    words = ("plan", file, "--robots", "1", "--attack-s", "38", "--picture", picture, "--json")
    answer = run_patrol(monkeypatch, capsys, *words)
    assert answer.code == 0, answer.err
    assert "Guarantee: no place goes unseen for longer than 38.00 s" in answer.out
    told = json.loads(answer.out.splitlines()[-1])
    assert (told["tour_m"], told["tour_proven"], told["worst_idleness_s"]) == (38.0, True, 38.0)
    assert told["lower_bound_s"] == pytest.approx(38.0)
    assert told["ratio"] == pytest.approx(1.0)
    assert (told["capture_probability"], told["capture_at_random_moment"]) == (1.0, 1.0)
    assert told["beats"][0]["walk"] in (["0", "1", "2", "1"], ["1", "2", "1", "0"], ["2", "1", "0", "1"])
    drawn = cv2.imread(str(picture))
    assert drawn is not None
    assert drawn.std() > 5.0


def test_robots_begin_where_they_are_said_to_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, HEADER, FIRST, SECOND, THIRD)
    words = ("plan", file, "--robots", "2", "--starts", "2, 2", "--speed-mps", "2", "--picture", tmp_path / "p.png", "--json")
    told = json.loads(run_patrol(monkeypatch, capsys, *words).out.splitlines()[-1])
    assert [one["approach"][0] for one in told["deployments"]] == ["2", "2"]
    assert told["worst_from_start_s"] >= told["worst_idleness_s"] >= told["lower_bound_s"]
    assert told["worst_from_start_s"] >= told["start_bound_s"] >= told["lower_bound_s"]
    assert told["worst_idleness_s"] <= 9.5 + 1e-9


def test_a_site_file_is_planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("plan", SITES / "depot.geojson", "--robots", "2", "--seconds", "3", "--picture", tmp_path / "p.png", "--json")
    answer = run_patrol(monkeypatch, capsys, *words)
    told = json.loads(answer.out.splitlines()[-1])
    assert told["vertices"] >= 13
    assert 1.0 <= told["ratio"] < 1.5
    site = read_ground(SITES / "depot.geojson").graph
    proof = told["certificate"]
    sets = tuple(tuple(site.vertex_names.index(name) for name in members) for members in proof["sets"])
    given = Certificate(robots=2, bound_m=proof["bound_m"], sets=sets, weights=np.array(proof["weights"]))
    assert check_certificate(site, given)
    assert told["lower_bound_s"] >= proof["bound_m"] > 0.0
    assert not check_certificate(site, replace(given, bound_m=1.01 * given.bound_m))
    assert told["measured_worst_s"] <= told["worst_idleness_s"] + 1e-6
    assert (tmp_path / "p.png").is_file()


@pytest.mark.parametrize(
    ("more", "because"),
    [
        (("--starts", "0"), "must name 2 vertices, one a robot (got 1)"),
        (("--starts", "0,attic"), "is no vertex of yard (got 'attic')"),
        (("--starts", ", ,"), "--starts: names no vertex"),
    ],
)
def test_starts_that_are_none_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], more: tuple[str, ...], because: str
) -> None:
    file = written(tmp_path, HEADER, FIRST, SECOND, THIRD)
    answer = run_patrol(monkeypatch, capsys, "plan", file, "--robots", "2", *more)
    assert answer.code == 2
    assert because in answer.err


@pytest.mark.parametrize(("picture", "because"), [("attic/p.png", "of a folder that is there"), ("p.foo", "must end with .png")])
def test_a_picture_that_can_not_be_written_is_refused_before_the_planning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], picture: str, because: str
) -> None:
    file = written(tmp_path, HEADER, FIRST, SECOND, THIRD)
    answer = run_patrol(monkeypatch, capsys, "plan", file, "--picture", tmp_path / picture)
    assert answer.code == 2
    assert because in answer.err
    assert answer.out == ""


def test_a_faulty_graph_ends_with_code_two(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = run_patrol(monkeypatch, capsys, "plan", written(tmp_path, HEADER, FIRST, SECOND), "--robots", "1")
    assert answer.code == 2
    assert "vertex 2, number: the file ends here" in answer.err
