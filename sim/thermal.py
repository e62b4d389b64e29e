# SPDX-License-Identifier: Apache-2.0
"""A long-wave infrared camera: surface temperatures per geom, a cold sky, air in between, and an uncooled sensor's noise."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import mujoco
import numpy as np
import numpy.typing as npt

from patrol.checks import Floats32
from sim.actors import Actor
from sim.eye import Ids
from sim.surfaces import surface_named
from sim.weather import Sky, Weather

_NOISE_K = 0.06
_COLUMN_NOISE_K = 0.05
_SKY_BELOW_AIR_K = {Sky.CLEAR: 45.0, Sky.RAIN: 9.0, Sky.FOG: 3.0}
_EXTINCTION_SHARE = 0.45


class ThermalCamera:
    """Makes mono16 centikelvin pictures from which geom each pixel shows. Clothing and skin keep their body's temperature;
    the world's surfaces follow the air by day and by night."""

    def __init__(self, model: mujoco.MjModel, actors: Iterable[Actor], weather: Weather, rng: np.random.Generator) -> None:
        self._weather, self._sensor = weather, Microbolometer(rng)
        self._kelvin = np.full(model.ngeom + 1, weather.air_k, dtype=np.float32)
        self._kelvin[-1] = sky_kelvin(weather)
        bodies = {actor.spec.name: actor.body for actor in actors}
        for geom in range(model.ngeom):
            name = model.geom(geom).name.split("/")
            if name[0] == "world":
                self._kelvin[geom] = surface_kelvin(name[1], weather)
            elif name[0] in bodies:
                self._kelvin[geom] = bodies[name[0]].temperatures_k.get(name[1], weather.air_k)

    def develop(self, geoms: Ids, depth_m: Floats32, shade: Floats32, *, noise_gain: float = 1.0) -> npt.NDArray[np.uint16]:
        """Picture (H, W), row 0 on top, from geoms (nH, nW, -1: sky) and depth (nH, nW) m, drawn n times as fine, and brightness
        in visible light (H, W) 0..1, all with row 0 lowest. Brighter surfaces of the world show as up to two kelvin cooler or
        warmer detail."""
        weather, scale = self._weather, geoms.shape[0] // shade.shape[0]
        kelvin = through_air(self._kelvin.take(geoms, mode="wrap"), depth_m, weather)
        lit: Floats32 = _mean((geoms >= 0).astype(np.float32), scale) * (shade - np.float32(0.4))
        lit *= np.float32(1.0 if weather.night else 3.0)
        return self._sensor.expose((_mean(kelvin, scale) + lit)[::-1], noise_gain=noise_gain)


class Microbolometer:
    """What an uncooled sensor makes of the temperatures that it looks at: blur and noise."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._columns: Floats32 | None = None

    def expose(self, kelvin: Floats32, *, noise_gain: float = 1.0) -> npt.NDArray[np.uint16]:
        """Picture (H, W) in centikelvin from what arrives at each pixel (H, W) K."""
        picture = np.asarray(cv2.GaussianBlur(kelvin, (3, 3), 0.6), dtype=np.float32)
        picture += self._sensor_noise(picture.shape, noise_gain)
        centikelvin: npt.NDArray[np.uint16] = np.clip(np.rint(picture * 100.0), 0, 65535).astype(np.uint16)
        return centikelvin

    def _sensor_noise(self, shape: tuple[int, ...], gain: float) -> Floats32:
        if self._columns is None:
            self._columns = self._rng.standard_normal((1, shape[1]), dtype=np.float32) * np.float32(_COLUMN_NOISE_K)
        white = self._rng.standard_normal(shape, dtype=np.float32) * np.float32(_NOISE_K * gain)
        return white + self._columns


def through_air(kelvin: Floats32, depth_m: Floats32, weather: Weather) -> Floats32:
    """What of surface temperatures (H, W) K arrives from depths (H, W) m."""
    if weather.sky is Sky.CLEAR:
        return kelvin
    clear = np.exp(np.float32(-_EXTINCTION_SHARE * weather.extinction_per_m) * depth_m)
    return np.asarray(weather.air_k + (kelvin - weather.air_k) * clear, dtype=np.float32)


def _mean(fine: Floats32, scale: int) -> Floats32:
    """The mean of every ``scale`` x ``scale`` values: a pixel takes in all that lies in it."""
    size = (fine.shape[1] // scale, fine.shape[0] // scale)
    return fine if scale == 1 else np.asarray(cv2.resize(fine, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def surface_kelvin(surface: str, weather: Weather) -> float:
    """Temperature of one of the world's surfaces in this weather."""
    kind = surface_named(surface)
    day_k = kind.day_k * (1.0 if weather.sky is Sky.CLEAR else 0.3)
    return weather.air_k + (kind.night_k if weather.night else day_k)


def sky_kelvin(weather: Weather) -> float:
    """What the sky looks like to a thermal camera."""
    return weather.air_k - _SKY_BELOW_AIR_K[weather.sky]
