# SPDX-License-Identifier: Apache-2.0
"""The part of each camera's picture that is above the horizon, and what is small and stands out or moves in it."""

from __future__ import annotations

import math

import cv2
import numpy as np

from patrol.checks import Bytes
from patrol.geometry import Pose3
from patrol.sensors import CameraModel, Image
from perception.flying.config import FlyingConfig
from perception.flying.movers import MoverFinder
from perception.flying.sighting import Looking, Sighting
from perception.flying.spots import Spot, counts, find_spots, spots_of_all_sizes

_HALF = 2.0
_MARGIN_RAD = 0.02
_LEAST_ROWS = 16


class ColourEye:
    """Looks at the pictures of one colour camera, at half their size."""

    def __init__(self, config: FlyingConfig, camera: CameraModel) -> None:
        self._config, self._camera = config, camera
        self._rows = horizon_row(camera) // 2 * 2
        matrix = np.array([[camera.fx_px, 0.0, camera.cx_px], [0.0, camera.fy_px, camera.cy_px], [0.0, 0.0, _HALF]]) / _HALF
        self._movers = MoverFinder(config.movers, matrix)

    def look(self, image: Image, odom_from_base: Pose3) -> list[Sighting]:
        """What is small and before the sky, or moves, in a bgr8 picture."""
        if self._rows < _LEAST_ROWS:
            return []
        upper = np.asarray(image.pixels[: self._rows], dtype=np.uint8)
        size = (image.width_px // 2, self._rows // 2)
        grey: Bytes = np.asarray(
            cv2.resize(cv2.cvtColor(upper, cv2.COLOR_BGR2GRAY), size, interpolation=cv2.INTER_AREA), dtype=np.uint8
        )
        looking = Looking(
            stamp_ns=image.stamp_ns, source="camera", camera=self._camera, odom_from_base=odom_from_base, scale=_HALF
        )
        spots = find_spots(grey, self._config.spots, warm_only=False)
        turned = odom_from_base.rotation @ self._camera.base_from_optical.rotation
        moving = [spot for spot in self._movers.find(grey, turned) if not any(_touch(spot, other) for other in spots)]
        return [*looking.sightings(spots, before_sky=True), *looking.sightings(moving, before_sky=False)]


class ThermalEye:
    """Looks at the pictures of one thermal camera."""

    def __init__(self, config: FlyingConfig, camera: CameraModel) -> None:
        self._config, self._camera = config, camera
        self._rows = horizon_row(camera)

    def look(self, image: Image, odom_from_base: Pose3) -> list[Sighting]:
        """What is small and warm before the sky in a mono8 or mono16 picture. Raises BadValue for a colour picture."""
        picture = counts(image)[: self._rows]
        if self._rows < _LEAST_ROWS:
            return []
        looking = Looking(stamp_ns=image.stamp_ns, source="thermal", camera=self._camera, odom_from_base=odom_from_base)
        return looking.sightings(spots_of_all_sizes(picture, self._config.spots, warm_only=True), before_sky=True)


def horizon_row(camera: CameraModel) -> int:
    """The first row, of 0 to the picture's height, that looks down everywhere."""
    ahead = camera.base_from_optical.rotation[:, 2]
    up_rad = math.asin(max(-1.0, min(1.0, float(ahead[2])))) + _MARGIN_RAD
    if up_rad >= 0.5 * math.pi:
        return camera.height_px
    return int(np.clip(camera.cy_px + camera.fy_px * math.tan(up_rad), 0, camera.height_px))


def _touch(one: Spot, other: Spot) -> bool:
    """Whether two boxes overlap, or nearly."""
    across = min(one.box.x1_px, other.box.x1_px) - max(one.box.x0_px, other.box.x0_px)
    down = min(one.box.y1_px, other.box.y1_px) - max(one.box.y0_px, other.box.y0_px)
    return across > -_HALF and down > -_HALF
