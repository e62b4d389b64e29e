# SPDX-License-Identifier: Apache-2.0
"""Access units for the page's own tests: ``python -m tests.web.sei_samples`` writes them where those tests read them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from patrol.sei import PictureBox, PictureMetadata, build_sei

PATH = Path(__file__).parents[2] / "command_centre" / "web" / "tests" / "sei-samples.json"
_PARAMETERS = b"\x00\x00\x00\x01\x67\x42\xc0\x1f\x00\x00\x00\x01\x68\xce\x3c\x80"
_SLICE = b"\x00\x00\x01\x65\x88\x84\x00\x11\x00\x00\x03\x00"


def samples_text() -> str:
    """The samples as JSON."""
    box = PictureBox(track_id=7, label="person", box_px=(10.0, 20.5, 60.0, 180.0), score=0.9, state="confirmed")
    metadata = PictureMetadata(stamp_ns=123_456_789, boxes=(box,), caption="leg 3, Straße")
    payloads = {
        "metadata": metadata.to_payload(),
        "zeros": bytes(40),
        "empty": b"",
        "every pair that needs an escape": b"".join(bytes((0, 0, last)) for last in range(5)),
        "longer than one size byte can say": bytes(range(256)) * 3,
    }
    samples = [_sample(name, _PARAMETERS + build_sei(payload) + _SLICE, payload) for name, payload in payloads.items()]
    samples.append(_sample("no metadata", _PARAMETERS + _SLICE, None))
    samples.append(_sample("cut short", build_sei(bytes(100))[:60], None))
    return json.dumps(samples, indent=1) + "\n"


def _sample(name: str, access_unit: bytes, payload: bytes | None) -> dict[str, str | None]:
    return {
        "name": name,
        "access_unit_base64": base64.b64encode(access_unit).decode(),
        "payload_base64": None if payload is None else base64.b64encode(payload).decode(),
    }


if __name__ == "__main__":
    PATH.write_text(samples_text(), "utf-8")
