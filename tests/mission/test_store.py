# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mission.desk import Answered
from mission.ledger import Ledger
from mission.machine import Machine
from mission.situation import Situation
from mission.store import FileStore, MemoryStore, MissionState, Store, state_from_json, state_to_json
from patrol.errors import BadInput
from patrol.operations import Accepted, Mode, Refused
from tests.mission.test_ledger import mission

STATE = MissionState(
    situation=Situation(
        machine=Machine(mode=Mode.HELD, interrupted=Mode.PATROLLING),
        ledger=Ledger(mission=mission(), leg_started_ns=3).settled("missed", "blocked", 7),
        note="Held.",
    ),
    answers=(
        Answered(answer=Accepted(command_id="a"), expires_ns=5),
        Answered(answer=Refused(command_id="b", because="no"), expires_ns=9),
    ),
)


def test_a_state_survives_the_round_trip() -> None:
    assert state_from_json(state_to_json(STATE), source="test") == STATE


@pytest.mark.parametrize("kind", ["memory", "file"])
def test_stores_give_back_what_was_saved_last(kind: str, tmp_path: Path) -> None:
    store: Store = MemoryStore() if kind == "memory" else FileStore(tmp_path / "deep" / "state.json")
    assert store.load() is None
    store.save(MissionState())
    store.save(STATE)
    assert store.load() == STATE


@pytest.mark.parametrize(
    "text", [b"{", b'{"situation": {"mood": 1}, "surprise": 2}', b'{"situation": {"machine": {"mode": "flying"}}}']
)
def test_a_damaged_file_is_refused_and_named(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_bytes(text)
    with pytest.raises(BadInput) as refused:
        FileStore(path).load()
    assert refused.value.source == str(path)


def test_a_ledger_that_contradicts_itself_is_refused() -> None:
    text = state_to_json(STATE).replace(b'"laps":2', b'"laps":1').replace(b'"reported":0', b'"reported":5')
    with pytest.raises(BadInput):
        state_from_json(text, source="test")


def test_a_half_written_new_state_leaves_the_old_one(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "state.json")
    store.save(STATE)
    (tmp_path / "state.new").write_bytes(b'{"situation":')
    assert store.load() == STATE


WRITER = """
import sys
from pathlib import Path
from mission.store import FileStore
from tests.mission.test_store import STATE
from dataclasses import replace
store = FileStore(Path(sys.argv[1]))
count = 0
while True:
    count += 1
    store.save(replace(STATE, situation=replace(STATE.situation, note=str(count))))
    print(count, flush=True)
"""


def test_a_kill_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
    ) as writer:
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(20)][-1]
        writer.send_signal(signal.SIGKILL)
    state = FileStore(path).load()
    assert state is not None
    assert int(state.situation.note) >= acknowledged
