# SPDX-License-Identifier: Apache-2.0
"""The second run of live tests: only for modules that failed, only when they are few, and its word counts."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from scripts.live_tests import MODULES_MOST, run

# Stands in for pytest: the first run fails with the modules it is told, the second ends as it is told; both note their words.
_STAND_IN = """
import json, pathlib, sys
folder, names, second = pathlib.Path(sys.argv[1]), json.loads(sys.argv[2]), int(sys.argv[3])
runs = folder / "runs"
text = runs.read_text() if runs.exists() else ""
runs.write_text(text + " ".join(sys.argv[4:]) + chr(10))
if text:
    sys.exit(second)
if names:
    (folder / "lastfailed").write_text(json.dumps({f"tests/{name}.py::test_it": True for name in names}))
sys.exit(1 if names else 0)
"""


def status_and_runs(folder: Path, failing: list[str], second: int) -> tuple[int, list[str]]:
    command = (sys.executable, "-c", _STAND_IN, str(folder), json.dumps(failing), str(second))
    status = run(["-q"], command=command, last_failed=folder / "lastfailed")
    return status, (folder / "runs").read_text().splitlines()


@pytest.mark.parametrize("second", [0, 1])
def test_the_second_run_takes_the_modules_that_failed_and_decides(tmp_path: Path, second: int) -> None:
    status, runs = status_and_runs(tmp_path, ["b", "a"], second)
    assert status == second
    assert [words.split()[3:] for words in runs] == [
        ["ros", "or", "gazebo", "-q"],
        ["ros", "or", "gazebo", "tests/a.py", "tests/b.py"],
    ]


def test_what_passed_is_not_run_again(tmp_path: Path) -> None:
    (tmp_path / "lastfailed").write_text('{"tests/of_long_ago.py::test_it": true}')
    status, runs = status_and_runs(tmp_path, [], 1)
    assert (status, len(runs)) == (0, 1)


def test_a_broken_tree_gets_no_second_run(tmp_path: Path) -> None:
    status, runs = status_and_runs(tmp_path, [f"m{number}" for number in range(MODULES_MOST + 1)], 0)
    assert (status, len(runs)) == (1, 1)
