# SPDX-License-Identifier: Apache-2.0
"""``patrol unpredictable``: what it prints and the line of JSON it ends with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import cli
from patrol.errors import BadInput

STAR = """
4
100 100 0.1 0.0 0.0
0 50 50 3 1 E 100 2 N 100 3 W 100
1 90 50 1 0 W 100
2 50 90 1 0 S 100
3 10 50 1 0 E 100
"""


@pytest.fixture
def star(tmp_path: Path) -> Path:
    """A hub and three places 10 m away."""
    path = tmp_path / "star.graph"
    path.write_text(STAR, "ascii")
    return path


def run(*words: str) -> str:
    done = CliRunner().invoke(cli, ["unpredictable", *words, "--search-starts", "2", "--json"])
    assert done.exit_code == 0, done.output
    return done.output


def test_modes_are_told_and_places_drawn(star: Path) -> None:
    """The hub is a target as well: it is passed on every other leg, so the leaves decide, as in the game."""
    told = run(str(star), "--attack-s", "40", "--tick-s", "10", "--visits", "6")
    record = json.loads(told.splitlines()[-1])
    modes = {mode["mode"]: mode for mode in record["modes"]}
    assert modes["free"]["capture_exact"] == "1/2"
    assert modes["round"]["worst_idleness_s"] == pytest.approx(60.0)
    assert record["tour_m"] == pytest.approx(60.0)
    assert record["capture_probability"] == 0.0
    assert told.count("no place goes unseen for longer than") == 3
    assert "drawn just now" in told


def test_a_round_that_suffices_is_all_that_is_offered(star: Path) -> None:
    told = run(str(star), "--attack-s", "60", "--tick-s", "10")
    record = json.loads(told.splitlines()[-1])
    assert [mode["mode"] for mode in record["modes"]] == ["round"]
    assert record["capture_probability"] == 1.0
    assert "every attack is caught" in told


def test_one_place_leaves_nothing_to_foretell(tmp_path: Path) -> None:
    path = tmp_path / "post.graph"
    path.write_text("1 10 10 1 0 0 0 5 5 0", "ascii")
    done = CliRunner().invoke(cli, ["unpredictable", str(path)])
    assert isinstance(done.exception, BadInput)
    assert "is one place" in str(done.exception)
