# SPDX-License-Identifier: Apache-2.0
"""People by their heat, for when the colour camera sees little: warm, upright shapes of a body's size in a thermal picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from pydantic import Field

from patrol.checks import Floats, Floats32
from patrol.clock import seconds
from patrol.config import Config
from patrol.errors import BadValue
from patrol.percepts import Box, Detection, Label
from patrol.sensors import CameraModel, Image
from perception.boxes import as_array, box_from_row, iou_matrix

_TYPICAL_HEIGHT_M = 1.7
_HEIGHTS_M: tuple[tuple[float, float, Label], ...] = ((0.25, 0.95, Label.ANIMAL), (0.95, 2.6, Label.PERSON))


class HeatConfig(Config):
    """``contrast_k`` above what surrounds it makes a pixel warm, and as much above the ground before it a shape: against a clear
    sky whatever stands out is warm, a lamp post too. Heat is used while the colour picture's mean brightness is
    below ``dark_below`` (255: always)."""

    contrast_k: float = Field(default=4.0, gt=0.0)
    contrast_full_k: float = Field(default=12.0, gt=0.0, description="from here on the score is the highest")
    area_min_px: int = Field(default=8, ge=1)
    width_max_px: int = Field(default=41, ge=3, description="what is wider than this is surroundings")
    fill_min: float = Field(default=0.40, ge=0.0, le=1.0)
    slender_min: float = Field(default=1.2, gt=0.0, description="height over width of an upright body")
    stale_after_s: float = Field(default=0.20, gt=0.0)
    same_iou: float = Field(default=0.20, ge=0.0, le=1.0)
    dark_below: float = Field(default=70.0, ge=0.0, le=255.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """A warm shape (left, top, width, height, area in px) and how much warmer its core is than what is around and before it."""

    box: Box
    area_px: int
    contrast_k: float


class HeatFinder:
    """Finds bodies in the pictures of one thermal camera (mono16, centikelvin) and shows where they are in the colour one."""

    def __init__(self, thermal: CameraModel, camera: CameraModel, config: HeatConfig) -> None:
        self._thermal = thermal
        self._camera = camera
        self._config = config
        self._found: tuple[Detection, ...] = ()

    def on_thermal(self, image: Image) -> tuple[Detection, ...]:
        """Look at one thermal picture; the detections (boxes in its pixels) are kept for the colour pictures to come.

        Raises BadValue for a picture that is not mono16.
        """
        if image.encoding != "mono16":
            raise BadValue(f"thermal picture: encoding {image.encoding} is not mono16")
        kelvin: Floats32 = image.pixels.astype(np.float32) / np.float32(100.0)
        bodies = ((shape, self._label(shape.box)) for shape in self._shapes(kelvin))
        self._found = tuple(self._detection(image, shape, label) for shape, label in bodies if label is not None)
        return self._found

    def add_to(self, detections: tuple[Detection, ...], image: Image) -> tuple[Detection, ...]:
        """``detections`` of the colour ``image`` and, if it is dark, the warm bodies among which none of them is."""
        if not self._found or float(np.mean(image.pixels[::8, ::8].astype(np.float32))) >= self._config.dark_below:
            return detections
        if abs(seconds(image.stamp_ns - self._found[0].stamp_ns)) > self._config.stale_after_s:
            return detections
        known = as_array([item.box for item in detections])
        warm = [self._in_colour(item, image) for item in self._found]
        fresh = [item for item in warm if item is not None and not self._is_known(item, known)]
        return (*detections, *fresh)

    def _shapes(self, kelvin: Floats32) -> list[_Shape]:
        """Warm shapes: brighter than an opening that removes all that is narrower than a near body (white top-hat)."""
        config = self._config
        row = np.ones((1, config.width_max_px), dtype=np.uint8)
        excess = cv2.morphologyEx(kelvin, cv2.MORPH_TOPHAT, row, borderType=cv2.BORDER_REPLICATE)
        warm = cv2.morphologyEx((excess > config.contrast_k).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 3), dtype=np.uint8))
        count, labels, stats, _ = cv2.connectedComponentsWithStats(warm, connectivity=8)
        found = []
        for index in range(1, count):
            x, y, width, height, area = (int(value) for value in stats[index])
            if area < config.area_min_px or area < config.fill_min * width * height:
                continue
            shown = labels == index
            above_ground_k = float(np.percentile(kelvin[shown], 75)) - _ground_k(kelvin, x, y + height, width, height)
            core_k = min(float(np.percentile(excess[shown], 75)), above_ground_k)
            if core_k > config.contrast_k:
                box = Box(x0_px=float(x), y0_px=float(y), x1_px=float(x + width), y1_px=float(y + height))
                found.append(_Shape(box=box, area_px=area, contrast_k=core_k))
        return found

    def _label(self, box: Box) -> Label | None:
        """What a warm shape of this size, standing on the ground, can be; None: nothing that is looked for."""
        cut = box.y1_px >= self._thermal.height_px - 1.0
        upright = box.height_px >= self._config.slender_min * box.width_px
        if cut:
            return Label.PERSON if upright else None
        ray = self._thermal.base_from_optical.rotation @ self._thermal.rays([box.foot_px])[0]
        if ray[2] >= -1e-3:
            return None
        depth_m = -float(self._thermal.base_from_optical.translation_m[2]) / float(ray[2])
        height_m = box.height_px * depth_m / self._thermal.fy_px
        label = next((label for low, high, label in _HEIGHTS_M if low <= height_m < high), None)
        return None if label is Label.PERSON and not upright else label

    def _detection(self, image: Image, shape: _Shape, label: Label) -> Detection:
        config = self._config
        strength = (shape.contrast_k - config.contrast_k) / max(config.contrast_full_k - config.contrast_k, 1e-6)
        score = 0.35 + 0.35 * min(max(strength, 0.0), 1.0)
        return Detection(
            stamp_ns=image.stamp_ns, frame_id=image.frame_id, source="thermal", label=label, score=score, box=shape.box
        )

    def _in_colour(self, detection: Detection, image: Image) -> Detection | None:
        """The detection with its box in the colour picture, at the depth that its height tells; None when out of view."""
        box = detection.box
        depth_m = self._thermal.fy_px * _TYPICAL_HEIGHT_M / box.height_px
        corners = self._thermal.rays([(box.x0_px, box.y0_px), (box.x1_px, box.y1_px)]) * depth_m
        camera_from_thermal = self._camera.base_from_optical.inverse() @ self._thermal.base_from_optical
        low, high = self._camera.project(camera_from_thermal.apply(corners))
        limits = np.array([image.width_px, image.height_px], dtype=np.float64)
        row: Floats = np.concatenate((np.clip(low, 0.0, limits), np.clip(high, 0.0, limits)))
        if not (row[2] - row[0] >= 2.0 and row[3] - row[1] >= 4.0):
            return None
        return Detection(
            stamp_ns=image.stamp_ns,
            frame_id=image.frame_id,
            source="thermal",
            label=detection.label,
            score=detection.score,
            box=box_from_row(row),
        )

    def _is_known(self, detection: Detection, known: Floats) -> bool:
        if not len(known):
            return False
        return float(iou_matrix(as_array([detection.box]), known).max()) >= self._config.same_iou


def _ground_k(kelvin: Floats32, left: int, foot: int, width: int, height: int) -> float:
    """How warm the ground is before a shape: half as high as it and three times as wide; -inf where the picture ends."""
    strip = kelvin[foot : foot + max(height // 2, 2), max(left - width, 0) : left + 2 * width]
    return float(np.median(strip)) if strip.size else -np.inf
