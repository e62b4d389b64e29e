# SPDX-License-Identifier: Apache-2.0
"""Small warm things before the sky in a thermal picture, followed, and told apart: drone, bird or aircraft.

A drone is a rigid body with hot motors: what it shines changes little from picture to picture. A bird beats its wings: area
and brightness flutter. An aircraft is large and rigid. The flutter is the median change of the shine (the contrast summed over
the thing) between pictures, so one bad picture does not decide; nothing is said before it was seen for a while.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import Field

from patrol.checks import Bytes, Floats, Floats32
from patrol.clock import seconds
from patrol.config import Config
from patrol.errors import BadValue
from patrol.percepts import Box
from patrol.sensors import Image

_COUNTS_PER_K = 10.0
_BLUR_PX, _TEXTURE_PX = 3, 61
_PARTS_MAX = 400


class FlyerKind(StrEnum):
    """What flies there; unknown until it was seen for long enough."""

    UNKNOWN = "unknown"
    DRONE = "drone"
    BIRD = "bird"
    AIRCRAFT = "aircraft"


class FlyersConfig(Config):
    """``contrast_min`` in counts of an 8-bit picture or tenths of a kelvin. ``ring_max``: how much the sky around a thing may
    vary, in parts of its contrast; more is a roof, a branch or a cloud's edge. ``flutter_bird``: from here on it beats its
    wings. A thing that never leaves its place by ``moved_px`` is a lamp or a mast."""

    contrast_min: float = Field(default=8.0, gt=0.0)
    noise_times: float = Field(default=5.0, gt=0.0)
    background_px: int = Field(default=41, ge=9)
    area_min_px: int = Field(default=3, ge=1)
    size_max_px: int = Field(default=90, ge=8)
    ring_max: float = Field(default=0.35, gt=0.0)
    reach_px: float = Field(default=14.0, gt=0.0)
    coast_s: float = Field(default=0.35, ge=0.0)
    sure_after: int = Field(default=8, ge=2, description="sightings before anything is told")
    memory_s: float = Field(default=1.5, gt=0.0, description="how far back the flutter looks")
    moved_px: float = Field(default=3.0, ge=0.0)
    flutter_bird: float = Field(default=0.055, gt=0.0)
    aircraft_from_px: float = Field(default=36.0, gt=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """One small warm thing in one picture; ``shine`` is its contrast summed over its pixels."""

    box: Box
    shine: float

    @property
    def centre_px(self) -> tuple[float, float]:
        return 0.5 * (self.box.x0_px + self.box.x1_px), 0.5 * (self.box.y0_px + self.box.y1_px)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flyer:
    """One thing that flies, seen in this picture. ``flutter`` is what the kind was told from."""

    flyer_id: int
    kind: FlyerKind
    box: Box
    flutter: float


@dataclass(slots=True, kw_only=True)
class _Followed:
    flyer_id: int
    first_px: tuple[float, float]
    rate_pxps: tuple[float, float] = (0.0, 0.0)
    has_moved: bool = False
    seen: deque[tuple[int, Spot]] = field(default_factory=deque)

    def predicted_px(self, stamp_ns: int) -> tuple[float, float]:
        last_ns, last = self.seen[-1]
        dt_s = seconds(stamp_ns - last_ns)
        x_px, y_px = last.centre_px
        return x_px + self.rate_pxps[0] * dt_s, y_px + self.rate_pxps[1] * dt_s

    def continue_with(self, spot: Spot, stamp_ns: int, config: FlyersConfig) -> None:
        last_ns, last = self.seen[-1]
        dt_s = seconds(stamp_ns - last_ns)
        rate = [(now - before) / dt_s for now, before in zip(spot.centre_px, last.centre_px, strict=True)]
        self.rate_pxps = (0.7 * self.rate_pxps[0] + 0.3 * rate[0], 0.7 * self.rate_pxps[1] + 0.3 * rate[1])
        self.has_moved |= math.dist(spot.centre_px, self.first_px) >= config.moved_px
        self.seen.append((stamp_ns, spot))
        while seconds(stamp_ns - self.seen[0][0]) > config.memory_s:
            self.seen.popleft()

    def flutter(self) -> float:
        """Median change of the shine's logarithm between sightings."""
        shines = np.log([spot.shine for _, spot in self.seen])
        return float(np.median(np.abs(np.diff(shines)))) if len(shines) > 1 else 0.0

    def kind(self, config: FlyersConfig) -> FlyerKind:
        sizes = [max(spot.box.width_px, spot.box.height_px) for _, spot in self.seen]
        if float(np.median(sizes)) >= config.aircraft_from_px:
            return FlyerKind.AIRCRAFT
        return FlyerKind.BIRD if self.flutter() >= config.flutter_bird else FlyerKind.DRONE


class FlyerWatch:
    """Follows what flies before one thermal camera that stands still or turns slowly."""

    def __init__(self, config: FlyersConfig) -> None:
        self._config = config
        self._followed: list[_Followed] = []
        self._next_id = 1

    def on_thermal(self, image: Image) -> tuple[Flyer, ...]:
        """The things that fly in this picture, later than the last. Raises BadValue for a colour picture."""
        stamp_ns, config = image.stamp_ns, self._config
        spots = find_spots(counts(image), config)
        self._continue(spots, stamp_ns)
        self._followed = [item for item in self._followed if seconds(stamp_ns - item.seen[-1][0]) <= config.coast_s]
        return tuple(
            Flyer(flyer_id=item.flyer_id, kind=item.kind(config), box=item.seen[-1][1].box, flutter=item.flutter())
            for item in self._followed
            if item.seen[-1][0] == stamp_ns and item.has_moved and len(item.seen) >= config.sure_after
        )

    def _continue(self, spots: Sequence[Spot], stamp_ns: int) -> None:
        """Nearest first; what is left starts anew."""
        gaps = sorted(
            (math.dist(item.predicted_px(stamp_ns), spot.centre_px), row, column)
            for row, item in enumerate(self._followed)
            for column, spot in enumerate(spots)
        )
        taken_rows, taken_columns = set[int](), set[int]()
        for gap_px, row, column in gaps:
            if gap_px <= self._config.reach_px and row not in taken_rows and column not in taken_columns:
                self._followed[row].continue_with(spots[column], stamp_ns, self._config)
                taken_rows.add(row)
                taken_columns.add(column)
        for column, spot in enumerate(spots):
            if column not in taken_columns:
                new = _Followed(flyer_id=self._next_id, first_px=spot.centre_px)
                new.seen.append((stamp_ns, spot))
                self._followed.append(new)
                self._next_id += 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layers:
    """A picture (H, W), its contrast to the background, and the number of the connected part of every pixel."""

    picture: Bytes
    contrast: Floats32
    labels: npt.NDArray[np.int32]


def counts(image: Image) -> Bytes:
    """A thermal picture as 8 bits (H, W): a mono8 one as it is, of a mono16 one tenths of a kelvin about its median."""
    if image.encoding == "mono8":
        return image.pixels.astype(np.uint8, copy=False)
    if image.encoding != "mono16":
        raise BadValue(f"picture: encoding {image.encoding} is not that of a thermal camera")
    kelvin = image.pixels.astype(np.float32) / 100.0
    tenths = (kelvin - np.median(kelvin)) * _COUNTS_PER_K + 96.0
    clipped: Bytes = np.clip(tenths, 0.0, 255.0).astype(np.uint8)
    return clipped


def find_spots(picture: Bytes, config: FlyersConfig) -> tuple[Spot, ...]:
    """Small things warmer than the even sky around them, in ``picture`` (H, W)."""
    smooth = cv2.GaussianBlur(picture, (_BLUR_PX, _BLUR_PX), 0)
    background = cv2.medianBlur(smooth, config.background_px | 1)
    contrast: Floats32 = cv2.subtract(smooth, background).astype(np.float32)
    noise = 1.48 * float(np.median(cv2.absdiff(smooth, background))) + 1.0
    detail = cv2.absdiff(picture, cv2.blur(picture, (_BLUR_PX, _BLUR_PX))).astype(np.float32)
    texture = cv2.blur(detail, (_TEXTURE_PX, _TEXTURE_PX))
    warm = (contrast > np.maximum(config.noise_times * noise, 4.0 * texture + 4.0)).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(warm, connectivity=8)
    layers = _Layers(picture=picture, contrast=contrast, labels=labels)
    found = (_spot(layers, part, stats[part], config) for part in range(1, min(count, _PARTS_MAX)))
    return tuple(spot for spot in found if spot is not None)


def _spot(layers: _Layers, part: int, stats: npt.NDArray[np.int32], config: FlyersConfig) -> Spot | None:
    """The thing of one connected ``part``, if the sky around it is even enough."""
    x, y, width, height, area = (int(value) for value in stats)
    if area < config.area_min_px or max(width, height) > config.size_max_px:
        return None
    inside = (slice(y, y + height), slice(x, x + width))
    shine = float(layers.contrast[inside][layers.labels[inside] == part].sum())
    ring = _ring(layers.picture, x, y, width, height)
    peak = float(layers.picture[inside].max()) - float(np.median(ring)) if ring.size else 0.0
    if peak < config.contrast_min:
        return None
    low, high = np.percentile(ring, [5.0, 97.0])
    if float(high - low) > config.ring_max * peak:
        return None
    return Spot(box=Box(x0_px=x, y0_px=y, x1_px=x + width, y1_px=y + height), shine=shine)


def _ring(picture: Bytes, x: int, y: int, width: int, height: int) -> Floats:
    """The pixels around a box, two away from it and as far as it is large (6 at least)."""
    across, down = max(6, width), max(6, height)
    top, left = max(y - down, 0), max(x - across, 0)
    part = picture[top : y + height + down, left : x + width + across]
    mask = np.ones(part.shape, dtype=np.bool_)
    mask[max(y - 2 - top, 0) : y + height + 2 - top, max(x - 2 - left, 0) : x + width + 2 - left] = False
    ring: Floats = part[mask].astype(np.float64)
    return ring
