# SPDX-License-Identifier: Apache-2.0
"""Metadata inside a picture comes out as it went in, whatever its bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.errors import BadValue
from patrol.sei import SEI_UUID, PictureBox, PictureMetadata, build_sei, find_sei, split_nals

SLICE = b"\x00\x00\x00\x01\x65\x88\x84\x00\x11"
PARAMETER_SETS = b"\x00\x00\x00\x01\x67\x42\xc0\x1f\x00\x00\x00\x01\x68\xce\x3c\x80"
# Bytes that need escaping are rare in random data, so half of the examples are made of them.
PAYLOADS = st.one_of(st.binary(max_size=700), st.lists(st.sampled_from([0, 1, 2, 3, 255]), max_size=700).map(bytes))


@given(PAYLOADS)
def test_any_payload_survives(payload: bytes) -> None:
    assert find_sei(PARAMETER_SETS + build_sei(payload) + SLICE) == payload


@given(PAYLOADS)
def test_the_unit_holds_no_start_code_but_its_own(payload: bytes) -> None:
    unit = build_sei(payload)
    assert unit.startswith(b"\x00\x00\x00\x01\x06")
    for forbidden in (b"\x00\x00\x00", b"\x00\x00\x01", b"\x00\x00\x02"):
        assert forbidden not in unit[4:]


@given(st.binary(max_size=300))
def test_strange_bytes_never_raise(access_unit: bytes) -> None:
    assert find_sei(access_unit) is None


@given(st.integers(min_value=5, max_value=60))
def test_a_unit_cut_short_is_no_metadata(length: int) -> None:
    assert find_sei(build_sei(b"x" * 100)[:length]) is None


def test_another_owner_s_user_data_is_passed_over() -> None:
    other = b"\x00\x00\x01\x06\x05\x11" + b"another-one-s-id" + b"!\x80"
    assert find_sei(other + SLICE) is None
    assert find_sei(other + build_sei(b"mine") + SLICE) == b"mine"


def test_a_message_after_another_in_one_unit_is_found() -> None:
    unit = b"\x00\x00\x01\x06" + b"\x01\x01\x24" + b"\x05\x12" + SEI_UUID.bytes + b"ok" + b"\x80"
    assert find_sei(unit) == b"ok"


def test_units_are_split_at_long_and_short_start_codes() -> None:
    stream = b"\x00\x00\x00\x01\x09\x10\x00\x00\x01\x67\x42\x00\x00\x00\x01\x68\x01"
    assert list(split_nals(stream)) == [b"\x09\x10", b"\x67\x42", b"\x68\x01"]


def test_metadata_keeps_every_field_and_is_compact() -> None:
    box = PictureBox(track_id=7, label="person", box_px=(10.0, 20.5, 60.0, 180.0), score=0.91, state="confirmed")
    metadata = PictureMetadata(stamp_ns=1_790_000_000_123_456_789, boxes=(box,), caption="patrolling, leg 3 of 12")
    payload = metadata.to_payload()
    assert PictureMetadata.from_payload(payload) == metadata
    assert b": " not in payload
    assert len(payload) < 250


def test_payload_of_something_else_is_refused() -> None:
    with pytest.raises(BadValue, match="picture metadata"):
        PictureMetadata.from_payload(b'{"stamp_ns": 1, "boxes": [{"nonsense": true}]}')
