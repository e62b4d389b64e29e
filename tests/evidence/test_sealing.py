# SPDX-License-Identifier: Apache-2.0
"""Originals open with both shares of the right key and with nothing less."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from evidence.sealing import (
    PUBLIC_FILE,
    SHARE_FILES,
    NotOpened,
    Sealer,
    SealingFailed,
    join_shares,
    key_id,
    make_keys,
    read_header,
    read_public,
    sealed_path,
    unseal,
)
from patrol.errors import BadInput
from patrol.sensors import Image

ALERT = "00ff00ff00ff00ff"
PIXELS = np.indices((48, 64)).sum(axis=0)[:, :, None].repeat(3, axis=2).astype(np.uint8)
ORIGINAL = Image(stamp_ns=77, frame_id="c", encoding="bgr8", pixels=PIXELS)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    make_keys(tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture
def sealed(tmp_path: Path, keys: Path) -> Path:
    return Sealer(read_public(keys / PUBLIC_FILE), tmp_path / "patrol").keep(ALERT, ORIGINAL)


def shares(keys: Path) -> tuple[Path, Path]:
    return keys / SHARE_FILES[0], keys / SHARE_FILES[1]


def test_both_shares_open_what_was_sealed(tmp_path: Path, keys: Path, sealed: Path) -> None:
    assert sealed == sealed_path(tmp_path / "patrol", ALERT)
    header, jpeg = unseal(sealed, join_shares(*shares(keys)))
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert (header.alert_id, header.stamp_ns, header.width_px, header.height_px) == (ALERT, 77, 64, 48)
    assert np.abs(picture.astype(int) - PIXELS).mean() < 15.0
    assert header == read_header(sealed)
    assert header.key_id == key_id(read_public(keys / PUBLIC_FILE))


def test_nothing_of_the_picture_lies_in_the_open_and_the_same_picture_is_never_sealed_alike(keys: Path, sealed: Path) -> None:
    first = sealed.read_bytes()
    jpeg = unseal(sealed, join_shares(*shares(keys)))[1]
    assert all(jpeg[start : start + 16] not in first for start in range(0, len(jpeg) - 16, 16))
    again = Sealer(read_public(keys / PUBLIC_FILE), sealed.parents[1]).keep(ALERT, ORIGINAL).read_bytes()
    body = first.index(b"}\n") + 2
    assert again[:body] == first[:body]
    assert again[body : body + 32] != first[body : body + 32]


def test_secrets_are_for_their_owner_only_and_are_never_overwritten(keys: Path) -> None:
    assert all(path.stat().st_mode & 0o077 == 0 for path in shares(keys))
    with pytest.raises(BadInput, match="there is a key already"):
        make_keys(keys)


def test_one_share_says_nothing_and_is_not_enough(keys: Path) -> None:
    one, other = shares(keys)
    with pytest.raises(BadInput, match="is the same share"):
        join_shares(one, one)
    secrets = [json.loads(path.read_text("ascii"))["secret_hex"] for path in (one, other)]
    private = join_shares(one, other).private_bytes_raw().hex()
    assert private not in secrets
    assert secrets[0] != secrets[1]


def test_shares_of_another_key_do_not_open(tmp_path: Path, keys: Path, sealed: Path) -> None:
    make_keys(tmp_path / "others")
    with pytest.raises(BadInput, match="another key"):
        join_shares(keys / SHARE_FILES[0], tmp_path / "others" / SHARE_FILES[1])
    with pytest.raises(NotOpened, match="sealed to the key"):
        unseal(sealed, join_shares(*shares(tmp_path / "others")))


def test_a_share_with_one_wrong_digit_is_refused(keys: Path) -> None:
    one, other = shares(keys)
    share = json.loads(other.read_text("ascii"))
    share["secret_hex"] = share["secret_hex"][:-2] + ("00" if share["secret_hex"][-2:] != "00" else "01")
    other.write_text(json.dumps(share), "ascii")
    with pytest.raises(BadInput, match="do not make the key"):
        join_shares(one, other)


@pytest.mark.parametrize("at", [40, -1, -40])
def test_a_changed_file_does_not_open(keys: Path, sealed: Path, at: int) -> None:
    data = bytearray(sealed.read_bytes())
    data[at] ^= 1
    sealed.write_bytes(bytes(data))
    with pytest.raises((NotOpened, BadInput)):
        unseal(sealed, join_shares(*shares(keys)))


def test_the_header_is_bound_to_the_picture(keys: Path, sealed: Path) -> None:
    other = sealed.with_name("1111111111111111.sealed")
    data = sealed.read_bytes()
    other.write_bytes(data)
    with pytest.raises(NotOpened, match="of the alert 00ff"):
        unseal(other, join_shares(*shares(keys)))
    other.write_bytes(data.replace(ALERT.encode(), b"1111111111111111"))
    with pytest.raises(NotOpened, match="not what was sealed"):
        unseal(other, join_shares(*shares(keys)))


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8 a jpeg", b"PATROL SEALED 1\n{}", b"PATROL SEALED 1\n{}\n", b"PATROL SEALED 1\nx\n"]
)
def test_what_is_no_sealed_picture_is_refused_by_name(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.sealed"
    path.write_bytes(data)
    with pytest.raises(BadInput, match=r"a\.sealed"):
        read_header(path)


def test_what_is_no_key_is_refused_by_name(tmp_path: Path, keys: Path) -> None:
    path = tmp_path / "evidence.pub"
    for text in ("", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"):
        path.write_text(text, "ascii")
        with pytest.raises(BadInput, match="is no public key"):
            read_public(path)
    with pytest.raises(BadInput, match="is no share"):
        join_shares(keys / PUBLIC_FILE, keys / SHARE_FILES[0])


def test_a_folder_that_can_not_be_written_is_named(tmp_path: Path, keys: Path) -> None:
    (tmp_path / "taken").write_text("a file", "ascii")
    with pytest.raises(SealingFailed, match="can not be written"):
        Sealer(read_public(keys / PUBLIC_FILE), tmp_path / "taken").keep(ALERT, ORIGINAL)
    with pytest.raises(ValueError, match="alert_id"):
        Sealer(read_public(keys / PUBLIC_FILE), tmp_path).keep("../../etc/x", replace(ORIGINAL))
