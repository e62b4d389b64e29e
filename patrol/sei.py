# SPDX-License-Identifier: Apache-2.0
"""What is known about a picture travels inside its own H.264 access unit, so that a box can never sit on the wrong picture.

The carrier is the SEI message ``user_data_unregistered`` (ITU-T H.264, D.1.7: payload type 5, a UUID, then free bytes) in a
NAL unit of type 6 (7.3.1); decoders ignore it. ``PictureMetadata`` as compact JSON is what this project puts there.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from pydantic import ValidationError

from patrol.config import Config
from patrol.errors import BadValue

SEI_UUID = UUID("3f1c6a52-9d0b-4e47-8a1e-70a7201e5e1d")

_START_CODE = b"\x00\x00\x00\x01"
_SEI_NAL_TYPE = 6
_USER_DATA_UNREGISTERED = 5
_RBSP_STOP = 0x80


class PictureBox(Config):
    """One track in this picture. ``box_px``: left, top, right, bottom in pixels of the coded picture."""

    track_id: int
    label: str
    box_px: tuple[float, float, float, float]
    score: float
    state: str


class PictureMetadata(Config):
    """What travels with one picture: when it was taken (robot's clock), the boxes in it, and a caption for people."""

    stamp_ns: int
    boxes: tuple[PictureBox, ...] = ()
    caption: str = ""

    def to_payload(self) -> bytes:
        """The metadata as compact UTF-8 JSON."""
        return self.model_dump_json().encode()

    @classmethod
    def from_payload(cls, payload: bytes) -> PictureMetadata:
        """Parse what ``to_payload`` wrote. Raises BadValue when ``payload`` is something else."""
        try:
            return cls.model_validate_json(payload)
        except ValidationError as error:
            raise BadValue(f"picture metadata: {error.error_count()} fault(s) in {len(payload)} bytes") from error


def build_sei(payload: bytes) -> bytes:
    """One NAL unit with ``payload`` as user data: Annex B start code and emulation prevention included.

    It goes before the first slice of its access unit.
    """
    body = SEI_UUID.bytes + payload
    message = bytes((_USER_DATA_UNREGISTERED,)) + _size_bytes(len(body)) + body + bytes((_RBSP_STOP,))
    return _START_CODE + bytes((_SEI_NAL_TYPE,)) + _escape(message)


def find_sei(access_unit: bytes) -> bytes | None:
    """The user data under ``SEI_UUID`` in an Annex B access unit; None when there is none, or it is cut short."""
    for nal in split_nals(access_unit):
        if nal[0] & 0x1F != _SEI_NAL_TYPE:
            continue
        for payload_type, body in _sei_messages(_unescape(nal[1:])):
            if payload_type == _USER_DATA_UNREGISTERED and body[:16] == SEI_UUID.bytes:
                return body[16:]
    return None


def split_nals(access_unit: bytes) -> Iterator[bytes]:
    """NAL units of an Annex B byte stream (H.264 Annex B.1), without start codes and padding; empty ones are left out."""
    begin = access_unit.find(b"\x00\x00\x01")
    while begin >= 0:
        end = access_unit.find(b"\x00\x00\x01", begin + 3)
        nal = access_unit[begin + 3 : end if end >= 0 else len(access_unit)].rstrip(b"\x00")
        if nal:
            yield nal
        begin = end


def _size_bytes(size: int) -> bytes:
    full, rest = divmod(size, 255)
    return b"\xff" * full + bytes((rest,))


def _sei_messages(rbsp: bytes) -> Iterator[tuple[int, bytes]]:
    """Payload type and body of each whole SEI message (7.3.2.3.1)."""
    at = 0
    while at + 2 < len(rbsp):
        payload_type, at = _read_ff_coded(rbsp, at)
        size, at = _read_ff_coded(rbsp, at)
        if at + size > len(rbsp):
            return
        yield payload_type, rbsp[at : at + size]
        at += size


def _read_ff_coded(rbsp: bytes, at: int) -> tuple[int, int]:
    """A number coded as a run of 0xFF and one last byte, and the place after it."""
    value = 0
    while at < len(rbsp):
        byte = rbsp[at]
        value, at = value + byte, at + 1
        if byte != 0xFF:
            break
    return value, at


def _escape(rbsp: bytes) -> bytes:
    """Insert 0x03 wherever two zero bytes come before a byte of three at most (7.4.1)."""
    out = bytearray()
    zeros = 0
    for byte in rbsp:
        if zeros >= 2 and byte <= 3:
            out.append(3)
            zeros = 0
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)


def _unescape(ebsp: bytes) -> bytes:
    out = bytearray()
    zeros = 0
    for byte in ebsp:
        if zeros >= 2 and byte == 3:
            zeros = 0
            continue
        out.append(byte)
        zeros = zeros + 1 if byte == 0 else 0
    return bytes(out)
