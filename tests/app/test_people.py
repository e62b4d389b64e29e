# SPDX-License-Identifier: Apache-2.0
"""Who may sign in, from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from command_centre.api.prepare import prepare, verify_audit
from command_centre.api.settings import settings_from_environment
from tests.app.command import Patrol

BAD_INPUT = 2


@pytest.fixture
def served(in_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working directory is one in which the service has been started once, with quick hashes."""
    assert in_tmp.is_dir()
    monkeypatch.setenv("PATROL_CENTRE_ARGON2_MEMORY_KIB", "64")
    prepare(settings_from_environment({}))


@pytest.mark.usefixtures("served")
def test_somebody_comes_and_goes(patrol: Patrol) -> None:
    added = patrol("people", "add", "noor", "--role", "viewer")
    assert added.code == 0
    assert "Password  " in added.out
    listed = patrol("people", "list").out
    assert "noor" in listed
    assert "one-time, not used yet" in listed
    renewed = patrol("people", "renew", "noor")
    assert renewed.out.split()[-1] != added.out.split()[-1]
    assert patrol("people", "remove", "noor").code == 0
    assert "noor" not in patrol("people", "list").out
    assert verify_audit(settings_from_environment({})).intact


@pytest.mark.usefixtures("served")
def test_what_can_not_be_done_is_said(patrol: Patrol) -> None:
    assert patrol("people", "add", "noor").code == 0
    for arguments, because in (
        (("add", "noor"), "there already"),
        (("renew", "nora"), "there are noor, operator"),
        (("remove", "operator"), "made at every start"),
    ):
        answer = patrol("people", *arguments)
        assert answer.code == BAD_INPUT
        assert because in answer.err


def test_nothing_is_made_where_no_service_was(patrol: Patrol, in_tmp: Path) -> None:
    answer = patrol("people", "list")
    assert answer.code == BAD_INPUT
    assert "there is no such file" in answer.err
    assert list(in_tmp.iterdir()) == []
