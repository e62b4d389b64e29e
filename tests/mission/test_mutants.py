# SPDX-License-Identifier: Apache-2.0
"""A sample of ``make mutants``: the whole run takes many minutes."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("mutmut", reason="mutmut is not installed: make mutants installs it")

from scripts.mutants import ROOT, TESTS, made_in


@pytest.fixture(scope="module")
def mutants(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    return made_in(tmp_path_factory.mktemp("mutants"))


def test_the_mutants_are_of_the_code_that_keeps_people_safe(mutants: list[tuple[str, str]]) -> None:
    counts = {module: sum(one == module for one, _ in mutants) for module in TESTS}
    assert counts["mission/supervisor.py"] > 80
    assert counts["mission/stop_guard.py"] > 200
    assert counts["mission/machine.py"] > 30
    assert counts["mission/stop_shadows.py"] > 60


def test_every_module_and_test_that_is_named_is_there() -> None:
    for module, tests in TESTS.items():
        assert (ROOT / module).is_file()
        assert all((ROOT / Path("tests/mission") / test).is_file() for test in tests)
