# SPDX-License-Identifier: Apache-2.0
"""One thing seen once, freed from the picture: a direction from a place, and how large it looked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats
from patrol.geometry import Pose3
from patrol.percepts import Source
from patrol.sensors import CameraModel
from perception.flying.spots import Spot


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """``direction`` (3,), of length 1, from ``origin_m`` (3,), both in odom; width and height as angles. ``shine`` is comparable
    between sightings of one ``source`` only. ``before_sky``: an even sky was all around it."""

    stamp_ns: int
    source: Source
    origin_m: Floats
    direction: Floats
    width_rad: float
    height_rad: float
    pixel_rad: float
    shine: float
    before_sky: bool

    @property
    def size_rad(self) -> float:
        """The longer side."""
        return max(self.width_rad, self.height_rad)

    def apart_rad(self, direction: Floats) -> float:
        """The angle to a direction (3,) of length 1."""
        return float(np.arccos(np.clip(float(self.direction @ direction), -1.0, 1.0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """A camera at one moment: where it is in odom, and how many of its pixels one pixel of the looked-at picture is."""

    stamp_ns: int
    source: Source
    camera: CameraModel
    odom_from_base: Pose3
    scale: float = 1.0

    def sightings(self, spots: Iterable[Spot], *, before_sky: bool) -> list[Sighting]:
        """What ``spots`` are out there."""
        odom_from_optical = self.odom_from_base @ self.camera.base_from_optical
        found = list(spots)
        if not found:
            return []
        pixels = self.scale * np.array([spot.centre_px for spot in found])
        rays = self.camera.rays(pixels)
        lengths = np.linalg.norm(rays, axis=1)
        directions = (rays / lengths[:, None]) @ odom_from_optical.rotation.T
        pixel_rad = self.scale / self.camera.fx_px / lengths
        return [
            Sighting(
                stamp_ns=self.stamp_ns,
                source=self.source,
                origin_m=odom_from_optical.translation_m,
                direction=direction,
                width_rad=spot.box.width_px * pixel,
                height_rad=spot.box.height_px * pixel,
                pixel_rad=pixel,
                shine=spot.shine,
                before_sky=before_sky,
            )
            for spot, direction, pixel in zip(found, directions, pixel_rad.tolist(), strict=True)
        ]
