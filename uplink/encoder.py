# SPDX-License-Identifier: Apache-2.0
"""Pictures to H.264, one access unit per picture, with what is known about the picture inside it: that may come later.

Constrained baseline (ITU-T H.264, annex A) without B-frames, as every WebRTC browser decodes it; every key picture carries its
parameter sets, so a viewer can start there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.frame import PictureType

from patrol.errors import BadValue, PatrolError
from patrol.sei import PictureMetadata, build_sei, split_nals
from patrol.sensors import Image
from patrol.wire import VideoPacket

_START_CODE = b"\x00\x00\x00\x01"
_SLICES = (1, 5)
_PARAMETER_SETS = (7, 8)
_KEY_SLICE = 5
_LEVEL_3_1_LARGEST_PX = 3600 * 256


class EncoderFailed(PatrolError):
    """The codec refused a picture or gave no access unit for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedPicture:
    """One access unit: ``head`` (parameter sets) and ``slices`` in Annex B, with room between them for what is known about it."""

    stream: int
    stamp_ns: int
    is_key: bool
    head: bytes
    slices: bytes

    def packet(self, metadata: PictureMetadata) -> VideoPacket:
        """The access unit with ``metadata`` before its first slice. Raises BadValue when that speaks of another picture."""
        if metadata.stamp_ns != self.stamp_ns:
            raise BadValue(f"metadata: speaks of picture {metadata.stamp_ns}, not of {self.stamp_ns}")
        return VideoPacket(
            stream=self.stream,
            stamp_ns=self.stamp_ns,
            pts_90khz=self.stamp_ns * 9 // 100_000,
            is_key=self.is_key,
            data=self.head + build_sei(metadata.to_payload()) + self.slices,
        )


class VideoEncoder:
    """One stream of pictures of ``width_px`` by ``height_px`` (even numbers, at most 1280 x 720), up to ``rate_hz`` of them a
    second, in about ``bitrate_bps``. A key picture comes at least every ``key_gap_s``.

    It sees only pictures that are already anonymised; ``stream`` is its number on the wire.
    """

    def __init__(
        self,
        width_px: int,
        height_px: int,
        *,
        rate_hz: int = 10,
        bitrate_bps: int = 1_500_000,
        stream: int = 0,
        key_gap_s: float = 2.0,
    ) -> None:
        if width_px % 2 or height_px % 2 or not 0 < width_px * height_px <= _LEVEL_3_1_LARGEST_PX:
            raise BadValue(f"picture: {width_px} x {height_px} is not even, or larger than H.264 level 3.1 allows")
        self._width_px, self._height_px, self._stream = width_px, height_px, stream
        self._codec = _open_codec(width_px, height_px, rate_hz=rate_hz, bitrate_bps=bitrate_bps, key_gap_s=key_gap_s)
        self._count = 0
        self._last_stamp_ns: int | None = None

    def encode(self, image: Image, *, force_key: bool = False) -> EncodedPicture:
        """One anonymised picture (bgr8 or mono8) as one access unit.

        ``force_key`` makes it a key picture; the caller limits how often. Raises BadValue when the picture has another size or
        encoding, or is not newer than the one before; EncoderFailed when the codec fails.
        """
        self._check(image)
        frame = av.VideoFrame.from_ndarray(_yuv420(image), format="yuv420p")
        frame.pts, frame.time_base = self._count, self._codec.time_base
        frame.pict_type = PictureType.I if force_key else PictureType.NONE
        try:
            packets = self._codec.encode(frame)
        except av.FFmpegError as error:
            raise EncoderFailed(f"picture {image.stamp_ns}: {error}") from error
        if len(packets) != 1:
            raise EncoderFailed(f"picture {image.stamp_ns}: the codec gave {len(packets)} access units, not one")
        self._count += 1
        self._last_stamp_ns = image.stamp_ns
        return self._parted(bytes(packets[0]), image.stamp_ns)

    def _parted(self, access_unit: bytes, stamp_ns: int) -> EncodedPicture:
        """Only parameter sets and slices are kept: the codec's own SEI names its settings, which are nobody's business."""
        parts = list(_kept_nals(access_unit))
        first_slice = next(index for index, (kind, _) in enumerate(parts) if kind in _SLICES)
        return EncodedPicture(
            stream=self._stream,
            stamp_ns=stamp_ns,
            is_key=any(kind == _KEY_SLICE for kind, _ in parts),
            head=b"".join(_START_CODE + nal for _, nal in parts[:first_slice]),
            slices=b"".join(_START_CODE + nal for _, nal in parts[first_slice:]),
        )

    def _check(self, image: Image) -> None:
        if (image.width_px, image.height_px) != (self._width_px, self._height_px):
            raise BadValue(f"image: {image.width_px} x {image.height_px} is not {self._width_px} x {self._height_px}")
        if image.encoding == "mono16":
            raise BadValue("image: mono16 can not be shown as it is; map it to mono8 or bgr8 first")
        if self._last_stamp_ns is not None and image.stamp_ns <= self._last_stamp_ns:
            raise BadValue(f"stamp_ns: {image.stamp_ns} is not after {self._last_stamp_ns}")


def _open_codec(width_px: int, height_px: int, *, rate_hz: int, bitrate_bps: int, key_gap_s: float) -> av.VideoCodecContext:
    """libx264 for one core: no look-ahead, one slice, a rate buffer of half a second so that key pictures do not burst."""
    kbps = max(bitrate_bps // 1000, 1)
    x264 = {
        "keyint": max(round(key_gap_s * rate_hz), 1),
        "min-keyint": 1,
        "scenecut": 0,
        "repeat-headers": 1,
        "annexb": 1,
        "slices": 1,
        "vbv-maxrate": kbps,
        "vbv-bufsize": max(kbps // 2, 1),
        "colorprim": "smpte170m",
        "transfer": "smpte170m",
        "colormatrix": "smpte170m",
    }
    codec = av.VideoCodecContext.create("libx264", "w")
    codec.width, codec.height, codec.pix_fmt = width_px, height_px, "yuv420p"
    codec.bit_rate = bitrate_bps
    codec.framerate, codec.time_base = Fraction(rate_hz), Fraction(1, rate_hz)
    codec.max_b_frames = 0
    codec.thread_count = 1
    codec.options = {
        "preset": "superfast",
        "tune": "zerolatency",
        "profile": "baseline",
        "level": "3.1",
        "forced-idr": "1",
        "x264-params": ":".join(f"{name}={value}" for name, value in x264.items()),
    }
    codec.open()
    return codec


def _yuv420(image: Image) -> npt.NDArray[np.uint8]:
    """Planar YUV 4:2:0 (1.5 H, W) uint8, BT.601 limited range."""
    pixels = np.asarray(image.pixels, dtype=np.uint8)
    if image.encoding == "mono8":
        pixels = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR), dtype=np.uint8)
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2YUV_I420), dtype=np.uint8)


def _kept_nals(access_unit: bytes) -> Iterator[tuple[int, bytes]]:
    for nal in split_nals(access_unit):
        kind = nal[0] & 0x1F
        if kind in _SLICES or kind in _PARAMETER_SETS:
            yield kind, nal
