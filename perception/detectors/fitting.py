# SPDX-License-Identifier: Apache-2.0
"""From a picture to a network's input, and how boxes come back from there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from patrol.checks import Bytes, Floats32
from patrol.sensors import Image
from perception.detectors.description import ModelInput
from perception.errors import DetectorFailed

_GREY = 114
_DARK_BELOW, _LIT_TO = 96.0, 192.0
_GAIN_MAX = 24.0
_BRIGHT_PART = 99.0
_SAMPLE_STEP = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """``batch`` (1, 3, H, W) float32, and the factors (4,) that take boxes from its pixels to those of the picture."""

    batch: Floats32
    to_picture: Floats32

    @property
    def width_px(self) -> int:
        return int(self.batch.shape[3])

    @property
    def height_px(self) -> int:
        return int(self.batch.shape[2])


def fit(image: Image, wanted: ModelInput, width_px: int | None = None) -> Fitted:
    """The input that ``wanted`` describes; ``width_px`` instead of its width. Raises DetectorFailed for a thermal picture."""
    pixels = colour_pixels(image)
    pixels = brightened(pixels) if wanted.brighten else pixels
    side = width_px or wanted.width_px
    if wanted.fit == "letterbox":
        scale = min(side / image.width_px, side / image.height_px)
        size = max(round(image.width_px * scale), 1), max(round(image.height_px * scale), 1)
        canvas = np.full((side, side, 3), _GREY, dtype=np.uint8)
        canvas[: size[1], : size[0]] = resized(pixels, *size)
        return Fitted(batch=_batch(canvas, wanted), to_picture=np.full(4, 1.0 / scale, dtype=np.float32))
    width, height = (side, side) if wanted.fit == "square" else input_size(image.width_px, image.height_px, side, wanted.step_px)
    factors = np.array([image.width_px / width, image.height_px / height] * 2, dtype=np.float32)
    return Fitted(batch=_batch(resized(pixels, width, height), wanted), to_picture=factors)


def input_size(width_px: int, height_px: int, side_px: int, step_px: int) -> tuple[int, int]:
    """Width and height of an input with about the aspect ratio of the picture, and the area of ``side_px`` at 4:3."""
    width = side_px * math.sqrt(0.75 * width_px / height_px)
    return _to_step(width, step_px), _to_step(width * height_px / width_px, step_px)


def colour_pixels(image: Image) -> Bytes:
    """Pixels (H, W, 3) uint8, BGR. Raises DetectorFailed for a thermal picture."""
    if image.encoding == "bgr8":
        return image.pixels.astype(np.uint8, copy=False)
    if image.encoding == "mono8":
        return np.repeat(image.pixels.astype(np.uint8, copy=False)[:, :, None], 3, axis=2)
    raise DetectorFailed(f"picture: encoding {image.encoding} is not one that this network was made for")


def brightened(pixels: Bytes) -> Bytes:
    """Pixels (H, W, 3) amplified until the bright parts of a dark picture are as bright as those of a lit one; a picture that
    has bright parts stays as it is."""
    bright = float(np.percentile(pixels[::_SAMPLE_STEP, ::_SAMPLE_STEP], _BRIGHT_PART))
    if bright >= _DARK_BELOW:
        return pixels
    lit = cv2.convertScaleAbs(pixels, alpha=min(_LIT_TO / max(bright, 1.0), _GAIN_MAX))
    return np.asarray(lit, dtype=np.uint8)


def resized(pixels: Bytes, width_px: int, height_px: int) -> Bytes:
    """Pixels (H, W, 3) stretched to ``width_px`` x ``height_px``; averaged when shrunk, so that small things do not flicker."""
    if (pixels.shape[1], pixels.shape[0]) == (width_px, height_px):
        return pixels
    shrinks = width_px < pixels.shape[1]
    stretched = cv2.resize(pixels, (width_px, height_px), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    return np.asarray(stretched, dtype=np.uint8)


def _batch(pixels: Bytes, wanted: ModelInput) -> Floats32:
    """Pixels (H, W, 3) as a batch (1, 3, H, W) float32 in the network's colours and scale."""
    planes = pixels.transpose(2, 0, 1) if wanted.colours == "bgr" else pixels.transpose(2, 0, 1)[::-1]
    batch = np.ascontiguousarray(planes[None], dtype=np.float32)
    if wanted.mean != (0.0, 0.0, 0.0) or wanted.scale != (1.0, 1.0, 1.0):
        batch -= np.array(wanted.mean, dtype=np.float32)[:, None, None]
        batch /= np.array(wanted.scale, dtype=np.float32)[:, None, None]
    return batch


def _to_step(size_px: float, step_px: int) -> int:
    return max(step_px, round(size_px / step_px) * step_px)
