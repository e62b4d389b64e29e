# SPDX-License-Identifier: Apache-2.0
"""The ``patrol`` command as a fixture."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.app.command import Patrol, run_patrol


@pytest.fixture
def patrol(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Patrol:
    """Runs ``patrol WORDS`` and returns exit code and output."""
    return partial(run_patrol, monkeypatch, capsys)


@pytest.fixture
def in_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The tests' own folder as working directory, for settings that are relative to it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
