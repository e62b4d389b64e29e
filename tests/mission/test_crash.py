# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at any line of the mission's durable core: no waypoint is left out or driven twice, no command lost or carried out
twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.house.files import ROOT
from tests.mission.crash import LAPS, LEGS, SCRIPT, Life, life_of, told_in

KILLS = 12


class Nursery:
    """A process that has everything imported and lets children live and die."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.mission.crash"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )

    def life(self, folder: Path, kill_at: int) -> int:
        """How a life ended: 0, or minus the signal."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{folder} {kill_at}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def end(self) -> None:
        self._process.communicate()


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.end()


def check(lives: list[Life]) -> None:
    """What must hold of the lives of one mission, however they ended."""
    answers: dict[str, str] = {}
    for life in lives:
        for name, answer in life.answers.items():
            assert answers.setdefault(name, answer) == answer
    assert {name for name, _, _ in SCRIPT} - set(answers) <= {"again"}
    handed = [outcome for life in lives for outcome in life.outcomes]
    kept = list(dict.fromkeys(handed))
    assert [(lap, leg) for lap, leg, _, _ in kept] == [(lap, leg) for lap in range(LAPS) for leg in range(LEGS)], (
        "each waypoint once, in order: one that was handed out again is the very same"
    )
    assert len(handed) - len(kept) <= len(lives) - 1, "one at most is handed out again after each kill"
    assert answers["start"] == "accepted"


def test_a_life_that_nobody_ends_does_what_it_is_told(nursery: Nursery, tmp_path: Path) -> None:
    assert nursery.life(tmp_path, 0) == 0
    life = life_of(told_in(tmp_path))
    check([life])
    assert life.whole
    assert life.lines > 500
    assert life.answers == {
        "start": "accepted",
        "pause": "accepted",
        "resume": "accepted",
        "again": "can not start while patrolling",
    }


def test_killed_at_any_line_it_goes_on_at_the_breakpoint(nursery: Nursery, tmp_path: Path) -> None:
    """Lines drawn over the whole life; now and then the second life is killed as well."""
    whole = tmp_path / "whole"
    whole.mkdir()
    nursery.life(whole, 0)
    lines = life_of(told_in(whole)).lines
    random = np.random.default_rng(0)
    killed = 0
    for number, kill_at in enumerate(random.integers(1, lines, KILLS).tolist()):
        folder = tmp_path / str(number)
        folder.mkdir()
        marks, lives = [0], []
        for death in (kill_at, int(random.integers(1, lines)) if number % 3 == 0 else 0, 0):
            ended = nursery.life(folder, death)
            told = told_in(folder)
            lives.append(life_of(told[marks[-1] :]))
            marks.append(len(told))
            killed += ended == -signal.SIGKILL
            if ended == 0:
                break
        assert ended == 0
        check(lives)
    assert killed >= KILLS
