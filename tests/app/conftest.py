# SPDX-License-Identifier: Apache-2.0
"""The ``patrol`` command as a fixture."""

from __future__ import annotations

from functools import partial

import pytest

from tests.app.command import Patrol, run_patrol


@pytest.fixture
def patrol(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Patrol:
    """Runs ``patrol WORDS`` and returns exit code and output."""
    return partial(run_patrol, monkeypatch, capsys)
