# SPDX-License-Identifier: Apache-2.0
"""A made-up camera: a figure walks through a yard, encoded as the robot would, with its box inside the picture's SEI."""

from __future__ import annotations

import math
from fractions import Fraction

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.frame import PictureType

from patrol.sei import PictureBox, PictureMetadata, build_sei
from patrol.wire import VideoPacket

WIDTH_PX, HEIGHT_PX, RATE_HZ = 640, 480, 10
_SLICES = (1, 5)
BoxPx = tuple[float, float, float, float]


def figure_box(index: int) -> BoxPx:
    """Where the figure stands in picture ``index``."""
    x = 320 + 220 * math.sin(index / 25)
    height = 150 + 40 * math.sin(index / 40)
    return x - height / 5, 400 - height, x + height / 5, 400.0


def draw(index: int) -> npt.NDArray[np.uint8]:
    """Picture (H, W, 3) bgr8 number ``index``: its figure fills ``figure_box``."""
    rows = np.linspace(0, 1, HEIGHT_PX)[:, None, None]
    sky, ground = np.array([96, 78, 66]), np.array([62, 70, 72])
    picture = np.where(rows < 0.5, sky + 40 * rows, ground + 50 * (rows - 0.5)) * np.ones((1, WIDTH_PX, 1))
    image = np.ascontiguousarray(picture.astype(np.uint8))
    for post in range(0, WIDTH_PX, 40):
        cv2.line(image, (post, 210), (post, 300), (120, 126, 130), 2)
    cv2.line(image, (0, 212), (WIDTH_PX, 212), (140, 146, 150), 2)
    x0, y0, x1, y1 = (round(value) for value in figure_box(index))
    head, middle = (x1 - x0) // 4, (x0 + x1) // 2
    cv2.rectangle(image, (x0, y0 + 2 * head), (x1, y1), (52, 60, 190), -1)
    cv2.circle(image, (middle, y0 + head), head, (120, 150, 205), -1)
    cv2.GaussianBlur(image[y0 : y0 + 2 * head, x0:x1], (21, 21), 0, dst=image[y0 : y0 + 2 * head, x0:x1])
    return image


def jpeg(index: int) -> bytes:
    """The picture as JPEG."""
    return bytes(cv2.imencode(".jpg", draw(index))[1])


class FakeEncoder:
    """H.264 baseline without delay; a keyframe at the start and whenever one is wanted."""

    def __init__(self) -> None:
        codec = av.CodecContext.create("libx264", "w")
        codec.width, codec.height, codec.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        codec.time_base, codec.framerate = Fraction(1, RATE_HZ), Fraction(RATE_HZ, 1)
        codec.options = {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "profile": "baseline",
            "x264-params": "keyint=600:repeat-headers=1",
        }
        self._codec = codec
        self.key_wanted = True

    def encode(self, index: int, *, stamp_ns: int) -> VideoPacket:
        """Picture ``index`` with the figure's box as metadata."""
        frame = av.VideoFrame.from_ndarray(draw(index), format="bgr24")
        frame.pts = index
        frame.pict_type = PictureType.I if self.key_wanted else PictureType.NONE
        self.key_wanted = False
        encoded = self._codec.encode(frame)
        data = b"".join(bytes(packet) for packet in encoded)
        box = PictureBox(track_id=7, label="person", box_px=figure_box(index), score=0.93, state="confirmed")
        metadata = PictureMetadata(stamp_ns=stamp_ns, boxes=(box,), caption="Patrolling the perimeter, leg 3 of 12.")
        return VideoPacket(
            stream=0,
            stamp_ns=stamp_ns,
            pts_90khz=index * 90_000 // RATE_HZ,
            is_key=any(packet.is_keyframe for packet in encoded),
            data=with_metadata(data, metadata),
        )


def spoilt(packet: VideoPacket) -> VideoPacket:
    """The same packet said to be a keyframe, with bytes that no decoder can use."""
    data = b"\x00\x00\x00\x01\x65" + bytes((17, 99, 250, 3)) * 50
    return VideoPacket(stream=packet.stream, stamp_ns=packet.stamp_ns, pts_90khz=packet.pts_90khz, is_key=True, data=data)


def with_metadata(access_unit: bytes, metadata: PictureMetadata) -> bytes:
    """The access unit with the metadata's SEI before its first slice."""
    at = access_unit.find(b"\x00\x00\x01")
    while at >= 0 and access_unit[at + 3] & 0x1F not in _SLICES:
        at = access_unit.find(b"\x00\x00\x01", at + 3)
    begin = at - 1 if at > 0 and access_unit[at - 1] == 0 else at
    return access_unit[:begin] + build_sei(metadata.to_payload()) + access_unit[begin:]
