# SPDX-License-Identifier: Apache-2.0
"""What a decoder makes of the encoder's pictures."""

from __future__ import annotations

from collections.abc import Sequence

import av
import numpy as np
import pytest

from patrol.errors import BadValue
from patrol.sei import PictureBox, PictureMetadata, find_sei, split_nals
from patrol.sensors import Image
from patrol.wire import VideoPacket
from uplink.encoder import VideoEncoder

GAP_NS = 100_000_000


def picture(number: int, *, width_px: int = 320, height_px: int = 240) -> Image:
    """A bright square walking over a fixed noisy ground."""
    pixels = np.random.default_rng(7).integers(60, 90, (height_px, width_px, 3), dtype=np.uint8)
    left = 10 + 4 * number
    pixels[100:140, left : left + 30] = (40, 200, 240)
    return Image(stamp_ns=(number + 1) * GAP_NS, frame_id="camera_optical_frame", encoding="bgr8", pixels=pixels)


def metadata(image: Image) -> PictureMetadata:
    box = PictureBox(track_id=3, label="person", box_px=(1.5, 0.0, 20.0, 256.0), score=0.5, state="confirmed")
    return PictureMetadata(stamp_ns=image.stamp_ns, boxes=(box,), caption="Ein Zaun, größer als 0\x00\x00\x01 …")


def encode(count: int, *, forced: Sequence[int] = (), key_gap_s: float = 2.0) -> list[VideoPacket]:
    encoder = VideoEncoder(320, 240, key_gap_s=key_gap_s)
    images = [picture(number) for number in range(count)]
    return [encoder.encode(image, force_key=number in forced).packet(metadata(image)) for number, image in enumerate(images)]


def decode(packets: Sequence[VideoPacket]) -> list[av.VideoFrame]:
    codec = av.VideoCodecContext.create("h264", "r")
    codec.thread_count = 1
    frames = [frame for packet in packets for frame in codec.decode(av.Packet(packet.data))]
    return frames + codec.decode(None)


def test_every_picture_comes_out_once_and_looks_like_what_went_in() -> None:
    packets = encode(25)
    frames = decode(packets)
    assert len(frames) == 25
    for number in (0, 24):
        error = np.abs(frames[number].to_ndarray(format="bgr24").astype(int) - np.asarray(picture(number).pixels, dtype=int))
        assert error.mean() < 8


def test_metadata_sits_before_the_first_slice_of_its_own_picture() -> None:
    for number, packet in enumerate(encode(25)):
        payload = find_sei(packet.data)
        assert payload is not None
        assert PictureMetadata.from_payload(payload) == metadata(picture(number))
        kinds = [nal[0] & 0x1F for nal in split_nals(packet.data)]
        assert kinds.count(6) == 1
        assert kinds[-2] == 6
        assert kinds[-1] in (1, 5)


def test_every_key_picture_can_be_decoded_alone() -> None:
    packets = encode(25, key_gap_s=1.0)
    keys = [packet for packet in packets if packet.is_key]
    assert [packets.index(key) for key in keys] == [0, 10, 20]
    for key in keys:
        assert [nal[0] & 0x1F for nal in split_nals(key.data)][:2] == [7, 8]
        assert len(decode([key])) == 1


def test_the_profile_is_constrained_baseline_of_level_3_1() -> None:
    parameter_set = next(iter(split_nals(encode(1)[0].data)))
    profile, constraints, level = parameter_set[1:4]
    assert profile == 66
    assert constraints & 0b0100_0000
    assert level == 31


def test_a_picture_forced_to_be_a_key_is_one_and_no_other() -> None:
    packets = encode(15, forced=(6,), key_gap_s=60.0)
    assert [number for number, packet in enumerate(packets) if packet.is_key] == [0, 6]


def test_after_a_lost_packet_the_next_key_picture_is_clean_again() -> None:
    whole = encode(20, forced=(12,), key_gap_s=60.0)
    lossy = [packet for number, packet in enumerate(whole) if number not in (8, 9)]
    clean, mended = decode(whole), decode(lossy)
    assert len(mended) >= 8
    for back in range(1, 9):
        assert np.array_equal(clean[-back].to_ndarray(), mended[-back].to_ndarray())


def test_stamps_become_a_90_khz_clock() -> None:
    packets = encode(5)
    assert [packet.stamp_ns for packet in packets] == [(number + 1) * GAP_NS for number in range(5)]
    assert [packet.pts_90khz for packet in packets] == [(number + 1) * 9000 for number in range(5)]


def test_the_bitrate_is_kept_on_pictures_that_are_hard_to_code() -> None:
    encoder = VideoEncoder(320, 240, bitrate_bps=400_000)
    noise = np.random.default_rng(1)
    size = 0
    for number in range(60):
        pixels = noise.integers(0, 255, (240, 320, 3), dtype=np.uint8)
        image = Image(stamp_ns=(number + 1) * GAP_NS, frame_id="c", encoding="bgr8", pixels=pixels)
        size += len(encoder.encode(image).packet(PictureMetadata(stamp_ns=image.stamp_ns)).data)
    assert 8 * size / 6.0 < 1.6 * 400_000


def test_a_grey_picture_is_taken_too() -> None:
    encoder = VideoEncoder(160, 120)
    image = Image(stamp_ns=5, frame_id="thermal", encoding="mono8", pixels=np.full((120, 160), 90, dtype=np.uint8))
    (frame,) = decode([encoder.encode(image).packet(PictureMetadata(stamp_ns=5))])
    assert abs(int(frame.to_ndarray(format="gray").mean()) - 90) < 5


def test_pictures_that_can_not_be_shown_are_refused_by_name() -> None:
    encoder = VideoEncoder(320, 240)
    first = picture(3)
    encoder.encode(first)
    with pytest.raises(BadValue, match="stamp_ns"):
        encoder.encode(picture(3))
    with pytest.raises(BadValue, match="metadata"):
        encoder.encode(picture(4)).packet(metadata(first))
    small = picture(5, width_px=160, height_px=160)
    with pytest.raises(BadValue, match="160 x 160"):
        encoder.encode(small)
    heat = Image(stamp_ns=9 * GAP_NS, frame_id="thermal", encoding="mono16", pixels=np.zeros((240, 320), dtype=np.uint16))
    with pytest.raises(BadValue, match="mono16"):
        encoder.encode(heat)


@pytest.mark.parametrize(("width_px", "height_px"), [(321, 240), (320, 0), (1920, 1080)])
def test_sizes_that_the_stream_can_not_have_are_refused(width_px: int, height_px: int) -> None:
    with pytest.raises(BadValue, match="picture"):
        VideoEncoder(width_px, height_px)
