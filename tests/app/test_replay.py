# SPDX-License-Identifier: Apache-2.0
"""A short recording through the real nodes, from the command line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evidence.recording import Recording
from tests.app.command import Patrol, write_room_log

pytestmark = pytest.mark.ros


def test_a_carmen_log_becomes_a_map(patrol: Patrol, tmp_path: Path) -> None:
    log = tmp_path / "room.clf"
    write_room_log(log, scans=40)
    answer = patrol("replay", log, "--factor", "1", "--folder", tmp_path / "run")
    assert answer.code == 0, answer.err + _logs(tmp_path / "run")
    assert f"Recorded: {tmp_path / 'run' / 'recording.mcap'}" in answer.out
    scans = re.search(r"scan: (\d+)", answer.out)
    assert scans is not None, answer.out
    assert int(scans[1]) >= 36  # best effort, but nothing of the beginning is lost
    assert Recording(tmp_path / "run" / "recording.mcap").info().damage == ""
    assert f"Map: {tmp_path / 'run' / 'map' / 'map.pgm'}" in answer.out


def _logs(folder: Path) -> str:
    return "\n".join(f"== {path.name}\n{path.read_text('utf-8')[-2000:]}" for path in sorted(folder.glob("logs/*.log")))
