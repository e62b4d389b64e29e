# SPDX-License-Identifier: Apache-2.0
"""What one picture shows at a glance, for the watch over the lens: light, structure, and fine detail by place."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import cv2
import numpy as np

from patrol.checks import Floats, Floats32
from patrol.sensors import Image

ROWS, COLUMNS = 24, 32
"""Cells of the maps that are made of a picture."""
_CELL = 5
_WHITE = 250.0
_KELVIN_PER_GREY = 0.05
_LOW_FROM = 0.45


@dataclass(frozen=True, slots=True, kw_only=True)
class LensLook:
    """One picture, taken down to 160 x 120. Grey values 0 to 255; in a thermal picture one grey value is 0.05 K.

    ``structure`` is the standard deviation of the cells' means once smooth shading (a quadratic surface) is taken out; ``detail``
    (24, 32) the mean size of the second differences in each cell, ``detail_most`` its 95th percentile, ``noise`` its 5th.
    ``shadows`` and ``highlights`` are the 5th and 99th percentile of brightness, ``white`` the share of saturated pixels,
    ``white_low`` that of the picture's lower half, where no sky is. ``has_light`` is false for thermal pictures.
    """

    stamp_ns: int
    digest: int
    mean: float
    shadows: float
    highlights: float
    white: float
    white_low: float
    structure: float
    cells: Floats32
    detail: Floats32
    detail_most: float
    noise: float
    has_light: bool


def look_at(image: Image) -> LensLook:
    """Measure one picture of any encoding."""
    has_light = image.encoding != "mono16"
    grey = _small_grey(image)
    cells = _cell_means(grey)
    detail = _cell_means(np.abs(cv2.Laplacian(grey, cv2.CV_32F, ksize=1)))
    shadows, highlights = np.percentile(grey, (5.0, 99.0))
    noise, most = np.percentile(detail, (5.0, 95.0))
    white = grey >= _WHITE
    return LensLook(
        stamp_ns=image.stamp_ns,
        digest=zlib.adler32(np.ascontiguousarray(image.pixels[::4, ::4]).tobytes()),
        mean=float(grey.mean()),
        shadows=float(shadows),
        highlights=float(highlights),
        white=float(white.mean()),
        white_low=float(white[int(_LOW_FROM * len(white)) :].mean()),
        structure=float((cells.ravel() - _SMOOTH @ (_SMOOTH.T @ cells.ravel())).std()),
        cells=cells,
        detail=detail,
        detail_most=float(most),
        noise=float(noise),
        has_light=has_light,
    )


def likeness(one: LensLook, other: LensLook) -> float:
    """Correlation, -1 to 1, of what two pictures show in their cells, smooth shading taken out: light does not count."""
    first, second = (cells.ravel() - _SMOOTH @ (_SMOOTH.T @ cells.ravel()) for cells in (one.cells, other.cells))
    scale = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / scale if scale > 0.0 else 0.0


def _small_grey(image: Image) -> Floats32:
    """(120, 160) grey values."""
    size = (COLUMNS * _CELL, ROWS * _CELL)
    if image.encoding == "mono16":
        kelvin = cv2.resize(image.pixels.astype(np.float32) / np.float32(100.0), size, interpolation=cv2.INTER_AREA)
        grey = 128.0 + (kelvin - np.median(kelvin)) / _KELVIN_PER_GREY
        return np.asarray(np.clip(grey, 0.0, 255.0), dtype=np.float32)
    small = np.asarray(cv2.resize(np.asarray(image.pixels, dtype=np.uint8), size, interpolation=cv2.INTER_AREA))
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY) if small.ndim == 3 else small, dtype=np.float32)


def _cell_means(values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Floats32:
    return np.asarray(cv2.resize(values, (COLUMNS, ROWS), interpolation=cv2.INTER_AREA), dtype=np.float32)


def _quadratics() -> Floats:
    """An orthonormal basis (ROWS * COLUMNS, 6) of the surfaces of second degree."""
    y, x = np.meshgrid(np.linspace(-1.0, 1.0, ROWS), np.linspace(-1.0, 1.0, COLUMNS), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    basis: Floats = np.linalg.qr(terms)[0]
    return basis


_SMOOTH = _quadratics()
