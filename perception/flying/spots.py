# SPDX-License-Identifier: Apache-2.0
"""Small things before the even sky of a picture: warmer than it in a thermal one, darker or brighter in any other."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from patrol.checks import Bytes, Floats32
from patrol.errors import BadValue
from patrol.percepts import Box
from patrol.sensors import Image
from perception.flying.config import SpotsConfig

_COUNTS_PER_K, _LEVEL = 5.0, 48.0
_BLUR_PX, _TEXTURE_PX = 3, 61
_PARTS_MAX = 400
_COARSE = 3
_CELL_PX, _SIDES_LEAST = 6, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """One small thing in one picture; ``shine`` is its contrast summed over its pixels."""

    box: Box
    shine: float

    @property
    def centre_px(self) -> tuple[float, float]:
        return 0.5 * (self.box.x0_px + self.box.x1_px), 0.5 * (self.box.y0_px + self.box.y1_px)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layers:
    """A picture (H, W), its contrast to the background, and the number of the connected part of every pixel."""

    picture: Bytes
    contrast: Floats32
    labels: npt.NDArray[np.int32]


def counts(image: Image) -> Bytes:
    """A thermal picture as 8 bits (H, W): a mono8 one as it is, of a mono16 one fifths of a kelvin above what is around, so that
    a clear sky, forty kelvin colder than the ground, loses nothing of what covers a pixel of it in part."""
    if image.encoding == "mono8":
        return image.pixels.astype(np.uint8, copy=False)
    if image.encoding != "mono16":
        raise BadValue(f"picture: encoding {image.encoding} is not that of a thermal camera")
    kelvin = image.pixels.astype(np.float32) / 100.0
    above = (kelvin - _surroundings(kelvin)) * _COUNTS_PER_K + _LEVEL
    clipped: Bytes = np.clip(above, 0.0, 255.0).astype(np.uint8)
    return clipped


def _surroundings(kelvin: Floats32) -> Floats32:
    """The picture without what is smaller than some 15 pixels."""
    height, width = kelvin.shape
    size = (max(width // _CELL_PX, 1), max(height // _CELL_PX, 1))
    cells = cv2.medianBlur(cv2.resize(kelvin, size, interpolation=cv2.INTER_AREA), 5)
    return np.asarray(cv2.resize(cells, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def spots_of_all_sizes(picture: Bytes, config: SpotsConfig, *, warm_only: bool) -> tuple[Spot, ...]:
    """As ``find_spots``; what is too large for it is found in a smaller picture."""
    small = find_spots(picture, config, warm_only=warm_only)
    size = (picture.shape[1] // _COARSE, picture.shape[0] // _COARSE)
    if min(size) < config.background_px:
        return small
    coarse = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    large = (_enlarged(spot) for spot in find_spots(coarse, config, warm_only=warm_only))
    least_px = float(config.size_max_px)
    return (*small, *(spot for spot in large if max(spot.box.width_px, spot.box.height_px) > least_px))


def _enlarged(spot: Spot) -> Spot:
    """A spot of the smaller picture in the pixels of the larger."""
    box = spot.box
    enlarged = Box(x0_px=_COARSE * box.x0_px, y0_px=_COARSE * box.y0_px, x1_px=_COARSE * box.x1_px, y1_px=_COARSE * box.y1_px)
    return Spot(box=enlarged, shine=spot.shine * _COARSE**2)


def find_spots(picture: Bytes, config: SpotsConfig, *, warm_only: bool) -> tuple[Spot, ...]:
    """Small things that differ from the even sky around them, in ``picture`` (H, W)."""
    smooth = np.asarray(cv2.GaussianBlur(picture, (_BLUR_PX, _BLUR_PX), 0), dtype=np.uint8)
    background = _background(smooth, config.background_px)
    difference = cv2.absdiff(smooth, background)
    contrast: Floats32 = (cv2.subtract(smooth, background) if warm_only else difference).astype(np.float32)
    noise = 1.48 * float(np.median(difference)) + 1.0
    detail = cv2.absdiff(picture, cv2.blur(picture, (_BLUR_PX, _BLUR_PX))).astype(np.float32)
    texture = cv2.blur(detail, (_TEXTURE_PX, _TEXTURE_PX))
    stands_out = (contrast > np.maximum(config.noise_times * noise, 4.0 * texture + 4.0)).astype(np.uint8)
    if not cv2.countNonZero(stands_out):
        return ()
    count, labels, stats, _ = cv2.connectedComponentsWithStats(stands_out, connectivity=8)
    layers = _Layers(picture=picture, contrast=contrast, labels=labels)
    small = [
        part
        for part in range(1, min(count, _PARTS_MAX))
        if stats[part, cv2.CC_STAT_AREA] >= config.area_min_px and stats[part, 2:4].max() <= config.size_max_px
    ]
    found = (_spot(layers, part, stats[part], config) for part in small)
    return tuple(spot for spot in found if spot is not None)


def _spot(layers: _Layers, part: int, stats: npt.NDArray[np.int32], config: SpotsConfig) -> Spot | None:
    """The thing of one connected ``part``, if it is whole in the picture and the sky around it is even enough."""
    x, y, width, height, _ = (int(value) for value in stats)
    if min(x, y) == 0 or x + width == layers.picture.shape[1] or y + height == layers.picture.shape[0]:
        return None
    inside = (slice(y, y + height), slice(x, x + width))
    own = layers.labels[inside] == part
    values = layers.picture[inside][own]
    if not _stands_alone(values, _sides(layers.picture, x, y, width, height), config):
        return None
    box = Box(x0_px=x, y0_px=y, x1_px=x + width, y1_px=y + height)
    return Spot(box=box, shine=float(layers.contrast[inside][own].sum()))


def _background(picture: Bytes, across_px: int) -> Bytes:
    """The picture without what is smaller than about ``across_px``: a median, taken at half the size."""
    height, width = picture.shape
    half = cv2.resize(picture, (max(width // 2, 1), max(height // 2, 1)), interpolation=cv2.INTER_AREA)
    median = cv2.medianBlur(half, across_px // 2 | 1)
    return np.asarray(cv2.resize(median, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _stands_alone(values: Bytes, sides: list[Bytes], config: SpotsConfig) -> bool:
    """Whether the sky around ``values`` is even, on three sides at least: a rail or a roof may lie along the fourth."""
    if not sides:
        return False
    marks = np.array([_marks(side) for side in sides])
    low, high = marks[:, 0], marks[:, 2]
    darkest, brightest = int(values.min()), int(values.max())
    for left_out in (None, *range(len(sides))) if len(sides) > _SIDES_LEAST else (None,):
        kept = np.arange(len(sides)) != left_out
        middle = float(np.median(marks[kept, 1]))
        peak = max(brightest - middle, middle - darkest)
        if peak >= config.contrast_min and high[kept].max() - low[kept].min() <= config.ring_max * peak:
            return True
    return False


def _marks(side: Bytes) -> tuple[int, int, int]:
    """Its values at 5, 50 and 97 %."""
    ordered = np.sort(side, axis=None)
    low, middle, high = (int(ordered[int(share * ordered.size)]) for share in (0.05, 0.5, 0.97))
    return low, middle, high


def _sides(picture: Bytes, x: int, y: int, width: int, height: int) -> list[Bytes]:
    """What lies above, below, left and right of a box, two pixels away from it and as far as it is large (6 at least); the
    corners lie above and below. Sides outside of the picture are left out."""
    across, down = max(6, width), max(6, height)
    top, left, right = max(y - down, 0), max(x - across, 0), x + width + across
    upper, lower = max(y - 2, 0), y + height + 2
    sides = (
        picture[top:upper, left:right],
        picture[lower : y + height + down, left:right],
        picture[upper:lower, left : max(x - 2, 0)],
        picture[upper:lower, x + width + 2 : right],
    )
    return [side for side in sides if side.size]
