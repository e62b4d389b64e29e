# SPDX-License-Identifier: Apache-2.0
"""The few bytes of CDR (OMG DDS-XTypes 7.4, plain XCDR1, little endian) needed to turn pictures into compressed ones.

A recording holds JPEG (``sensor_msgs/msg/CompressedImage``) where the graph speaks raw pixels: 640 x 480 at 10 Hz would be
9 MB a second raw.
"""

from __future__ import annotations

import struct

import cv2
import numpy as np

from patrol.clock import NS_PER_S
from patrol.errors import BadValue
from patrol.sensors import Encoding, Image

COMPRESSED_IMAGE = "sensor_msgs/msg/CompressedImage"

_LITTLE_ENDIAN = b"\x00\x01\x00\x00"
_DTYPES: dict[str, tuple[str, int]] = {"bgr8": ("u1", 3), "mono8": ("u1", 1), "mono16": ("<u2", 1)}


def compressed_image(image: Image, *, quality: int = 80) -> bytes:
    """A serialised CompressedImage: JPEG for bgr8 and mono8 (0..100 ``quality``), lossless PNG for mono16."""
    if image.encoding == "mono16":
        extension, kind, options = ".png", "mono16; png compressed ", [cv2.IMWRITE_PNG_COMPRESSION, 1]
    else:
        extension, kind = ".jpg", f"{image.encoding}; jpeg compressed {image.encoding}"
        options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    encoded, data = cv2.imencode(extension, np.asarray(image.pixels), options)
    if not encoded:
        raise BadValue(f"image {image.stamp_ns}: can not be compressed")
    writer = _Writer()
    writer.header(image.stamp_ns, image.frame_id)
    writer.string(kind)
    writer.octets(data.tobytes())
    return writer.bytes()


def image_from_cdr(cdr: bytes) -> Image:
    """The picture in a serialised ``sensor_msgs/msg/Image``. Raises BadValue when it is cut short or of another encoding."""
    try:
        reader = _Reader(cdr)
        stamp_ns, frame_id = reader.header()
        height, width = reader.uint32(), reader.uint32()
        encoding, big_endian, step = reader.string(), reader.uint8(), reader.uint32()
        data = reader.octets()
    except (struct.error, UnicodeDecodeError) as error:
        raise BadValue(f"image message: {len(cdr)} bytes are not one whole message") from error
    if encoding not in _DTYPES:
        raise BadValue(f"image message: encoding {encoding!r} is not one of {', '.join(_DTYPES)}")
    dtype, channels = _DTYPES[encoding]
    row = np.dtype(dtype).itemsize * width * channels
    if step < row or len(data) < step * height:
        raise BadValue(f"image message: {len(data)} bytes do not hold {height} rows of {step}")
    kind = np.dtype(dtype).newbyteorder(">" if big_endian else "<")
    rows = np.frombuffer(data, dtype=np.uint8, count=step * height).reshape(height, step)[:, :row]
    pixels = np.ascontiguousarray(rows).view(kind).astype(kind.newbyteorder("="))
    shape = (height, width, 3) if channels == 3 else (height, width)
    return Image(stamp_ns=stamp_ns, frame_id=frame_id, encoding=_encoding(encoding), pixels=pixels.reshape(shape))


def picture_from_compressed(cdr: bytes) -> tuple[int, bytes]:
    """Stamp and the JPEG or PNG file in a serialised CompressedImage. Raises BadValue when it is cut short."""
    try:
        reader = _Reader(cdr)
        stamp_ns, _ = reader.header()
        reader.string()
        return stamp_ns, reader.octets()
    except (struct.error, UnicodeDecodeError) as error:
        raise BadValue(f"compressed image message: {len(cdr)} bytes are not one whole message") from error


def _encoding(name: str) -> Encoding:
    return "bgr8" if name == "bgr8" else "mono8" if name == "mono8" else "mono16"


class _Writer:
    def __init__(self) -> None:
        self._body = bytearray()

    def header(self, stamp_ns: int, frame_id: str) -> None:
        self._body += struct.pack("<iI", stamp_ns // NS_PER_S, stamp_ns % NS_PER_S)
        self.string(frame_id)

    def string(self, text: str) -> None:
        self.octets(text.encode() + b"\x00")

    def octets(self, data: bytes) -> None:
        self._body += b"\x00" * (-len(self._body) % 4)
        self._body += struct.pack("<I", len(data)) + data

    def bytes(self) -> bytes:
        return _LITTLE_ENDIAN + self._body


class _Reader:
    """Alignment counts from behind the four bytes of encapsulation. Running out of bytes raises struct.error."""

    def __init__(self, cdr: bytes) -> None:
        if len(cdr) < 4 or cdr[0] != 0 or cdr[1] not in (0, 1):
            raise struct.error("no CDR encapsulation")
        self._body, self._at = memoryview(cdr)[4:], 0
        self._order = "<" if cdr[1] == 1 else ">"

    def header(self) -> tuple[int, str]:
        (sec,) = struct.unpack_from(f"{self._order}i", self._body, self._at)
        self._at += 4
        return sec * NS_PER_S + self.uint32(), self.string()

    def uint8(self) -> int:
        (value,) = struct.unpack_from("B", self._body, self._at)
        self._at += 1
        return int(value)

    def uint32(self) -> int:
        self._at += -self._at % 4
        (value,) = struct.unpack_from(f"{self._order}I", self._body, self._at)
        self._at += 4
        return int(value)

    def string(self) -> str:
        return self.octets().rstrip(b"\x00").decode()

    def octets(self) -> bytes:
        size = self.uint32()
        data = bytes(self._body[self._at : self._at + size])
        if len(data) != size:
            raise struct.error("cut short")
        self._at += size
        return data
