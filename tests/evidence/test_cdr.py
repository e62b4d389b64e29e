# SPDX-License-Identifier: Apache-2.0
"""Picture messages as bytes."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.cdr import compressed_image, image_from_cdr, picture_from_compressed
from patrol.errors import BadValue
from patrol.sensors import Image


def image_cdr(frame_id: str, pixels: np.ndarray, encoding: str, *, padding: int = 0, big_endian: bool = False) -> bytes:
    """A sensor_msgs/Image laid out by hand, little endian."""
    rows = pixels.reshape(pixels.shape[0], -1).view(np.uint8)
    rows = np.pad(rows, ((0, 0), (0, padding)))
    body = struct.pack("<iI", 12, 34)
    for text in (frame_id,):
        body += struct.pack("<I", len(text) + 1) + text.encode() + b"\0"
    body += b"\0" * (-len(body) % 4) + struct.pack("<II", *pixels.shape[:2])
    body += struct.pack("<I", len(encoding) + 1) + encoding.encode() + b"\0" + bytes([big_endian])
    body += b"\0" * (-len(body) % 4) + struct.pack("<I", rows.shape[1])
    return b"\0\1\0\0" + body + struct.pack("<I", rows.size) + rows.tobytes()


@given(st.text("abcxyz_", max_size=9), st.integers(1, 5), st.integers(1, 5), st.integers(0, 3))
def test_images_of_any_alignment_are_read(frame_id: str, height: int, width: int, padding: int) -> None:
    pixels = np.arange(height * width * 3, dtype=np.uint8).reshape(height, width, 3)
    image = image_from_cdr(image_cdr(frame_id, pixels, "bgr8", padding=padding))
    assert (image.stamp_ns, image.frame_id) == (12_000_000_034, frame_id)
    assert np.array_equal(image.pixels, pixels)


def test_sixteen_bit_pictures_keep_their_values_in_either_byte_order() -> None:
    heat = np.array([[29315, 31000], [27315, 0]], dtype="<u2")
    assert np.array_equal(image_from_cdr(image_cdr("t", heat, "mono16")).pixels, heat)
    swapped = image_cdr("t", heat.astype(">u2"), "mono16", big_endian=True)
    assert np.array_equal(image_from_cdr(swapped).pixels, heat)


def test_heat_is_compressed_without_loss_and_colour_as_jpeg() -> None:
    heat = np.random.default_rng(1).integers(27000, 31000, (12, 16)).astype(np.uint16)
    _, png = picture_from_compressed(compressed_image(Image(stamp_ns=1, frame_id="t", encoding="mono16", pixels=heat)))
    decoded = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded is not None
    assert np.array_equal(decoded, heat)
    colour = np.full((48, 64, 3), (20, 120, 220), dtype=np.uint8)
    cdr = compressed_image(Image(stamp_ns=2, frame_id="camera", encoding="bgr8", pixels=colour))
    assert b"bgr8; jpeg compressed bgr8\0" in cdr
    _, jpeg = picture_from_compressed(cdr)
    shown = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert shown is not None
    assert np.abs(shown.astype(int) - colour).max() < 6


def test_messages_cut_short_or_of_another_kind_are_refused() -> None:
    cdr = image_cdr("camera", np.zeros((4, 4, 3), dtype=np.uint8), "bgr8")
    for end in range(len(cdr)):
        with pytest.raises(BadValue, match="image message"):
            image_from_cdr(cdr[:end])
    with pytest.raises(BadValue, match="yuv422"):
        image_from_cdr(image_cdr("camera", np.zeros((4, 4, 2), dtype=np.uint8), "yuv422"))
    compressed = compressed_image(Image(stamp_ns=1, frame_id="c", encoding="mono8", pixels=np.zeros((4, 4), dtype=np.uint8)))
    with pytest.raises(BadValue, match="compressed image"):
        picture_from_compressed(compressed[:-1])
