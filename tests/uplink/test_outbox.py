# SPDX-License-Identifier: Apache-2.0
"""The outbox keeps what it took."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.wire import FROM_ROBOT, AlertRaised, CommandAnswered
from tests.uplink.examples import alert, answer
from uplink.outbox import Outbox, OutboxUnusable

WRITER = """
import sys
from pathlib import Path
from tests.uplink.examples import answer
from uplink.outbox import Outbox
box = Outbox(Path(sys.argv[1]))
number = 0
while True:
    number += 1
    print(box.append(answer(str(number))), flush=True)
"""


def numbers(box: Outbox) -> list[int]:
    return [kept.sequence for kept in box.pending(count=10_000)]


def test_messages_are_numbered_from_the_first_and_kept_in_order(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db", first_sequence=1000)
    assert [box.append(answer("a")), box.append(alert("b"))] == [1000, 1001]
    first, second = (FROM_ROBOT.validate_json(kept.body) for kept in box.pending())
    assert isinstance(first, CommandAnswered)
    assert (first.sequence, first.command_id) == (1000, "a")
    assert isinstance(second, AlertRaised)
    assert (second.sequence, second.alert_id) == (1001, "b")


def test_confirmed_messages_are_gone_and_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db")
    for name in "abc":
        box.append(answer(name))
    box.confirm(2)
    box.confirm(1)
    assert numbers(box) == [3]
    box.confirm(3)
    box.close()
    again = Outbox(tmp_path / "outbox.db", first_sequence=1)
    assert again.waiting() == 0
    assert again.append(answer("d")) == 4


def test_pending_walks_in_steps(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db")
    for name in "abcde":
        box.append(answer(name))
    assert [kept.sequence for kept in box.pending(count=2)] == [1, 2]
    assert [kept.sequence for kept in box.pending(after=2, count=2)] == [3, 4]


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_when_full_routine_messages_go_first_and_the_oldest_of_a_kind_first(alerts: list[bool]) -> None:
    limit = 6
    box = Outbox(Path(":memory:"), limit=limit)
    for number, is_alert in enumerate(alerts, start=1):
        box.append(alert(str(number)) if is_alert else answer(str(number)))
    kept = numbers(box)
    alert_numbers = [number for number, is_alert in enumerate(alerts, start=1) if is_alert]
    assert len(kept) == min(limit, len(alerts))
    assert box.dropped == len(alerts) - len(kept)
    kept_alerts = [number for number in kept if number in alert_numbers]
    if len(alert_numbers) <= limit:
        assert kept_alerts == alert_numbers or len(kept_alerts) == limit
    else:
        assert len(kept_alerts) >= limit - 1
    routine = [number for number in kept if number not in alert_numbers]
    all_routine = [number for number in range(1, len(alerts) + 1) if number not in alert_numbers]
    assert routine == all_routine[len(all_routine) - len(routine) :]
    box.close()


def test_what_was_numbered_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    seen = [int(writer.stdout.readline()) for _ in range(30)]
    os.kill(writer.pid, signal.SIGKILL)
    seen += [int(line) for line in writer.stdout.read().split("\n") if line]
    writer.wait(timeout=10)
    writer.stdout.close()
    kept = numbers(Outbox(path))
    assert kept[: len(seen)] == seen
    assert len(kept) - len(seen) <= 1


def test_a_damaged_file_is_set_aside_and_the_robot_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    path.write_bytes(b"this is no database at all " * 400)
    box = Outbox(path, first_sequence=500)
    assert box.append(answer("a")) == 500
    assert (tmp_path / "outbox.db.broken1").read_bytes().startswith(b"this is no database")


def test_a_file_that_can_not_be_opened_is_a_named_error(tmp_path: Path) -> None:
    (tmp_path / "outbox.db").mkdir()
    with pytest.raises(OutboxUnusable, match=r"outbox\.db"):
        Outbox(tmp_path / "outbox.db")


def test_while_the_disk_refuses_messages_wait_in_memory(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "outbox.db"
    box = Outbox(path)
    box.append(answer("a"))
    with sqlite3.connect(path) as thief:
        thief.execute("ALTER TABLE messages RENAME TO stolen")
    box.append(answer("b"))
    box.append(alert("c"))
    assert "can not be written" in box.trouble
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1
    with sqlite3.connect(path) as thief:
        thief.execute("ALTER TABLE stolen RENAME TO messages")
    assert numbers(box) == [1, 2, 3]
    assert box.append(answer("d")) == 4
    assert box.trouble == ""
    box.close()
    assert numbers(Outbox(path)) == [1, 2, 3, 4]
    thief.close()


def test_a_closed_outbox_says_so(tmp_path: Path) -> None:
    box = Outbox(tmp_path / "outbox.db")
    box.close()
    with pytest.raises(OutboxUnusable, match="closed"):
        box.append(answer("a"))
