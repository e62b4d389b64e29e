# SPDX-License-Identifier: Apache-2.0
"""Two people open an original together, and the log says so; one alone does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from app.evidence import demonstration_key
from command_centre.api.prepare import prepare
from command_centre.api.settings import Settings
from evidence.sealing import PUBLIC_FILE, SHARE_FILES, Sealer, read_public
from patrol.sensors import Image
from tests.app.command import Patrol

ALERT = "0123456789abcdef"
BAD_INPUT = 2


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patrol: Patrol) -> Path:
    """A command centre that was started once, a key made by the command, and one sealed original."""
    url, secrets = f"sqlite:///{tmp_path / 'centre.db'}", tmp_path / "secrets"
    prepare(Settings(database_url=url, secrets_dir=secrets, argon2_memory_kib=64))
    monkeypatch.setenv("PATROL_CENTRE_DATABASE_URL", url)
    monkeypatch.setenv("PATROL_CENTRE_SECRETS_DIR", str(secrets))
    assert patrol("evidence", "keys", str(tmp_path / "keys")).code == 0
    pixels = np.full((48, 64, 3), 90, dtype=np.uint8)
    image = Image(stamp_ns=5, frame_id="c", encoding="bgr8", pixels=pixels)
    Sealer(read_public(tmp_path / "keys" / PUBLIC_FILE), tmp_path / "patrol").keep(ALERT, image)
    return tmp_path


def opened(patrol: Patrol, place: Path, **changes: str) -> tuple[int, str]:
    given = {"by": "A. Guard", "with": "B. Officer", "because": "theft on Monday", "out": str(place / "o.jpg"), **changes}
    words = [word for name, value in given.items() for word in (f"--{name}", value)]
    shares = [word for name in SHARE_FILES for word in ("--share", str(place / "keys" / name))]
    answer = patrol("evidence", "open", str(place / "patrol"), ALERT, *shares, *words)
    return answer.code, answer.out + answer.err


def test_two_people_open_an_original_and_the_log_says_so(patrol: Patrol, place: Path) -> None:
    assert patrol("evidence", "list", str(place / "patrol")).out.split() == [ALERT]
    code, text = opened(patrol, place)
    assert code == 0
    assert "Entry 2 of the log" in text
    assert (place / "o.jpg").read_bytes().startswith(b"\xff\xd8")
    assert "2 entries" in patrol("audit", "verify").out


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"with": "a.  guard"}, "two different people"),
        ({"with": " "}, "two different people"),
        ({"because": "so"}, "says too little"),
    ],
)
def test_what_is_not_asked_for_properly_stays_closed_and_unlogged(
    patrol: Patrol, place: Path, changes: dict[str, str], because: str
) -> None:
    code, text = opened(patrol, place, **changes)
    assert code == BAD_INPUT
    assert because in text
    assert not (place / "o.jpg").exists()
    assert "1 entries" in patrol("audit", "verify").out


def test_without_a_log_nothing_is_opened(patrol: Patrol, place: Path) -> None:
    (place / "secrets" / "audit.key").unlink()
    assert opened(patrol, place)[0] == BAD_INPUT
    assert not (place / "o.jpg").exists()


def test_the_demonstration_makes_its_key_once(tmp_path: Path) -> None:
    first = demonstration_key(tmp_path)
    held = first.read_bytes()
    assert demonstration_key(tmp_path) == first
    assert first.read_bytes() == held
