# SPDX-License-Identifier: Apache-2.0
"""Video packets for the page's own tests: ``python -m tests.web.packet_samples`` writes them where those tests read them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from patrol.wire import VideoPacket

PATH = Path(__file__).parents[2] / "command_centre" / "web" / "tests" / "packet-samples.json"
_PACKETS = (
    VideoPacket(stream=0, stamp_ns=123_456_789, pts_90khz=11_111, is_key=True, data=b"\x00\x00\x00\x01\x65picture"),
    VideoPacket(stream=1, stamp_ns=2**52, pts_90khz=2**40 + 1, is_key=False, data=b"\x00\x00\x01\x41"),
    VideoPacket(stream=0, stamp_ns=0, pts_90khz=-9000, is_key=False, data=b""),
)


def samples_text() -> str:
    """The samples as JSON."""
    return json.dumps([_sample(packet) for packet in _PACKETS], indent=1) + "\n"


def _sample(packet: VideoPacket) -> dict[str, str | int | bool]:
    return {
        "message_base64": base64.b64encode(packet.to_bytes()).decode(),
        "stamp_ns": packet.stamp_ns,
        "pts_90khz": packet.pts_90khz,
        "is_key": packet.is_key,
        "data_base64": base64.b64encode(packet.data).decode(),
    }


if __name__ == "__main__":
    PATH.write_text(samples_text(), "utf-8")
