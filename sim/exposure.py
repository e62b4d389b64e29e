# SPDX-License-Identifier: Apache-2.0
"""What the colour camera makes of the light: noise, fog and rain over depth, darkness with the robot's own lamp."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from patrol.checks import Bytes, Floats32
from patrol.sensors import CameraModel
from sim.weather import Sky, Weather

_TILES = 6
_LAMP_REACH_M = 7.0
_NIGHT_AMBIENT = 0.30
_NIGHT_TINT_BGR = (1.10, 0.96, 0.88)
_AIRLIGHT_BGR = {Sky.CLEAR: (226, 214, 200), Sky.RAIN: (180, 176, 172), Sky.FOG: (206, 205, 203)}


class Exposure:
    """Turns drawn pictures of one camera into what its sensor would deliver. Noise comes from a few seeded tiles, each time
    shifted at random: as irregular as needed, at no cost."""

    def __init__(self, camera: CameraModel, weather: Weather, rng: np.random.Generator) -> None:
        self._weather, self._rng = weather, rng
        shape = (camera.height_px, camera.width_px)
        sigma = 7.0 if weather.night else 2.2
        self._noise = [_noise_tile(rng, shape, sigma) for _ in range(_TILES)]
        self._streaks = [_streak_tile(rng, shape) for _ in range(_TILES)] if weather.sky is Sky.RAIN else []
        self._lamp = _lamp_cone(camera)

    @property
    def needs_depth(self) -> bool:
        return self._weather.veils

    def develop(self, rgb: Bytes, depth_m: Floats32 | None, *, noise_gain: float = 1.0) -> Bytes:
        """Picture bgr8 (H, W, 3), row 0 on top, from a drawn one (row 0 lowest) and its depth."""
        if depth_m is None:
            return self._with_noise(np.ascontiguousarray(rgb[::-1, :, ::-1]), noise_gain)
        planes = [np.ascontiguousarray(plane[::-1], dtype=np.uint8) for plane in reversed(cv2.split(rgb))]
        seen = self._through_air(planes, np.ascontiguousarray(depth_m[::-1]))
        return self._with_noise(np.asarray(cv2.merge(seen), dtype=np.uint8), noise_gain)

    def _through_air(self, planes: Sequence[Bytes], depth_m: Floats32) -> list[Bytes]:
        """Blue, green and red (H, W) as they come through the air, plane by plane."""
        weather = self._weather
        glow = [np.float32(airlight) * np.float32(0.14 if weather.night else 1.0) for airlight in _AIRLIGHT_BGR[weather.sky]]
        lamp = self._lamp_light(depth_m) if weather.night else None
        clear = None if weather.sky is Sky.CLEAR else np.exp(np.float32(-weather.extinction_per_m) * depth_m)
        streaks = None
        if self._streaks:
            streaks = np.float32(0.25 if weather.night else 0.5) * self._shifted(self._streaks).astype(np.float32)
        seen = []
        for plane, airlight, tint in zip(planes, glow, _NIGHT_TINT_BGR, strict=True):
            light = plane.astype(np.float32)
            if lamp is not None:
                light *= lamp * np.float32(tint)
            if clear is not None:
                light *= clear
                light += airlight * (np.float32(1.0) - clear)
            if streaks is not None:
                light += streaks
            seen.append(np.clip(light, 0.0, 255.0, out=light).astype(np.uint8))
        return seen

    def _lamp_light(self, depth_m: Floats32) -> Floats32:
        """How much light falls on what is seen (H, W) at ``depth_m`` (H, W) by night."""
        near: Floats32 = self._lamp / (np.float32(1.0) + (depth_m / np.float32(_LAMP_REACH_M)) ** 2)
        near += np.float32(_NIGHT_AMBIENT)
        return near

    def _with_noise(self, picture: Bytes, gain: float) -> Bytes:
        noise = self._shifted(self._noise)
        if gain != 1.0:
            noise = (noise * np.float32(gain)).astype(np.int16)
        noisy = cv2.add(picture, cv2.merge((noise, noise, noise)), dtype=cv2.CV_8U)
        return np.asarray(noisy, dtype=np.uint8)

    def _shifted(
        self, tiles: list[np.ndarray[tuple[int, int], np.dtype[np.int16]]]
    ) -> np.ndarray[tuple[int, int], np.dtype[np.int16]]:
        tile = tiles[int(self._rng.integers(len(tiles)))]
        down, right = (int(self._rng.integers(size)) for size in tile.shape)
        return np.roll(tile, (down, right), axis=(0, 1))


def _noise_tile(
    rng: np.random.Generator, shape: tuple[int, int], sigma: float
) -> np.ndarray[tuple[int, int], np.dtype[np.int16]]:
    return np.rint(sigma * rng.standard_normal(shape)).astype(np.int16)


def _streak_tile(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray[tuple[int, int], np.dtype[np.int16]]:
    """Falling drops as short blurred lines."""
    tile = np.zeros(shape, dtype=np.uint8)
    for _ in range(420):
        x, y = int(rng.integers(shape[1])), int(rng.integers(shape[0]))
        length = int(rng.integers(8, 42))
        cv2.line(tile, (x, y), (x + length // 9, y + length), int(rng.integers(40, 150)), 1, cv2.LINE_AA)
    return cv2.GaussianBlur(tile, (3, 3), 0.7).astype(np.int16)


def _lamp_cone(camera: CameraModel) -> Floats32:
    """Relative light (H, W) of the robot's lamp, which looks where the camera looks."""
    x = (np.arange(camera.width_px) + 0.5 - camera.cx_px) / camera.fx_px
    y = (np.arange(camera.height_px) + 0.5 - camera.cy_px) / camera.fy_px - 0.08
    off_axis = np.arctan(np.hypot(x[None, :], y[:, None]))
    cone: Floats32 = (1.15 * np.exp(-((off_axis / 0.42) ** 2))).astype(np.float32)
    return cone
