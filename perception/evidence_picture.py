# SPDX-License-Identifier: Apache-2.0
"""The picture that goes with an alert: the safe picture, with a frame around the thing that raised it."""

from __future__ import annotations

import cv2
import numpy as np
from pydantic import Field

from patrol.config import Config
from patrol.percepts import Box
from patrol.sensors import Image

_FRAME = (48, 64, 235)


class EvidenceConfig(Config):
    """Quality of the JPEG; ``whole`` keeps the whole picture, else it is cut to ``surroundings`` times the box."""

    quality: int = Field(default=85, ge=30, le=100)
    whole: bool = True
    surroundings: float = Field(default=4.0, ge=1.0)


def evidence_jpeg(safe: Image, box: Box | None, config: EvidenceConfig) -> bytes:
    """``safe`` (bgr8, already anonymised) as JPEG, with ``box`` framed; empty when it can not be encoded."""
    pixels = safe.pixels.astype(np.uint8, copy=True)
    if box is not None:
        x0, y0, x1, y1 = (round(value) for value in (box.x0_px, box.y0_px, box.x1_px, box.y1_px))
        cv2.rectangle(pixels, (x0 - 2, y0 - 2), (x1 + 2, y1 + 2), _FRAME, 2, cv2.LINE_AA)
        if not config.whole:
            pixels = pixels[_window(y0, y1, safe.height_px, config), _window(x0, x1, safe.width_px, config)]
    encoded, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, config.quality])
    return data.tobytes() if encoded else b""


def _window(low_px: int, high_px: int, size_px: int, config: EvidenceConfig) -> slice:
    """The part of one axis around the box, at least 64 px of it."""
    reach = max(config.surroundings * (high_px - low_px), 64.0) / 2.0
    middle = min(max(0.5 * (low_px + high_px), 0.0), float(size_px))
    return slice(max(int(middle - reach), 0), min(int(middle + reach), size_px))
