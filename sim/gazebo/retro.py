# SPDX-License-Identifier: Apache-2.0
"""What every visual tells a ray in Gazebo 11: its temperature and how much lidar light it returns, in one number.

``laser_retro`` is one float32 per visual. Its whole part is the temperature in centikelvin, its fraction the reflectivity. A ray
fan over a camera's field of view then gives a thermal picture: each pixel takes the ray nearest to its own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrol.checks import Floats, Floats32
from sim.robot import CameraPart
from sim.surfaces import surface_named
from sim.thermal import surface_kelvin
from sim.weather import Weather

_RAYS_PER_PIXEL = 1.25
_DULLEST, _BRIGHTEST = 0.02, 0.98


def retro(kelvin: float, reflectivity: float) -> float:
    """The number that a visual carries."""
    return math.floor(kelvin * 100.0) + min(max(reflectivity, _DULLEST), _BRIGHTEST)


def kelvin_of(retros: npt.ArrayLike) -> Floats32:
    """Temperatures, K; zero where a ray met nothing."""
    kelvin: Floats32 = np.floor(np.asarray(retros, dtype=np.float32)) * np.float32(0.01)
    return kelvin


def reflectivity_of(retros: npt.ArrayLike) -> Floats32:
    """Reflectivities 0..1."""
    values = np.asarray(retros, dtype=np.float32)
    reflectivity: Floats32 = values - np.floor(values)
    return reflectivity


def surface_retro(surface: str, weather: Weather) -> float:
    """The number of one of the world's surfaces in this weather."""
    return retro(surface_kelvin(surface, weather), surface_named(surface).reflectivity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fan:
    """Equally spaced rays: ``azimuths_rad`` (A,) to the left, ``elevations_rad`` (E,) upwards, and for every pixel (H, W) of
    the camera, row 0 on top, the index of its nearest ray in ``rays.reshape(E, A)``."""

    azimuths_rad: Floats
    elevations_rad: Floats
    nearest: npt.NDArray[np.intp]


def fan_of(part: CameraPart) -> Fan:
    """The rays that cover the camera's picture. Pixel centres lie half a pixel in, as in the pinhole model."""
    model = part.model()
    columns, rows = np.meshgrid(np.arange(model.width_px) + 0.5, np.arange(model.height_px) + 0.5)
    right, down = (columns - model.cx_px) / model.fx_px, (rows - model.cy_px) / model.fy_px
    azimuth, elevation = -np.arctan(right), -np.arctan(down / np.hypot(1.0, right))
    azimuths = _axis(azimuth, round(_RAYS_PER_PIXEL * model.width_px))
    elevations = _axis(elevation, round(_RAYS_PER_PIXEL * model.height_px))
    nearest = _nearest(elevation, elevations) * len(azimuths) + _nearest(azimuth, azimuths)
    return Fan(azimuths_rad=azimuths, elevations_rad=elevations, nearest=nearest)


def _axis(angles: Floats, count: int) -> Floats:
    axis: Floats = np.linspace(float(angles.min()), float(angles.max()), count)
    return axis


def _nearest(angles: Floats, axis: Floats) -> npt.NDArray[np.intp]:
    indices: npt.NDArray[np.intp] = np.rint((angles - axis[0]) / (axis[1] - axis[0])).astype(np.intp)
    return indices
