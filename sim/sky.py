# SPDX-License-Identifier: Apache-2.0
"""The sky and the light that comes from it."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from patrol.checks import Bytes, Floats

_SIDE_PX = 256
Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Daylight:
    """Light of the scene as drawn, before exposure and weather: ``sun`` and ``skylight`` from above, ``ambient`` from all around,
    colours of the sky at zenith and horizon, and how much of it is cloud (0..1)."""

    sun: Colour
    skylight: Colour
    ambient: Colour
    zenith: Colour
    horizon: Colour
    cloud: float


CLEAR_DAY = Daylight(
    sun=(0.62, 0.60, 0.55),
    skylight=(0.16, 0.17, 0.20),
    ambient=(0.36, 0.37, 0.40),
    zenith=(0.28, 0.48, 0.80),
    horizon=(0.78, 0.86, 0.93),
    cloud=0.45,
)
OVERCAST = Daylight(
    sun=(0.20, 0.20, 0.20),
    skylight=(0.24, 0.24, 0.25),
    ambient=(0.46, 0.47, 0.49),
    zenith=(0.58, 0.61, 0.65),
    horizon=(0.74, 0.76, 0.78),
    cloud=0.9,
)
NIGHT = Daylight(
    sun=(0.30, 0.32, 0.38),
    skylight=(0.10, 0.11, 0.14),
    ambient=(0.38, 0.40, 0.46),
    zenith=(0.05, 0.06, 0.10),
    horizon=(0.14, 0.14, 0.18),
    cloud=0.3,
)


def daylight_for(*, night: bool, overcast: bool) -> Daylight:
    """The light at night, on a grey day, or on a clear one. Night is drawn bright and darkened by the camera's exposure."""
    if night:
        return NIGHT
    return OVERCAST if overcast else CLEAR_DAY


@functools.cache
def sky_faces(daylight: Daylight, seed: int) -> Bytes:
    """Cube map (6, S, S, 3) uint8 in MuJoCo's order right, left, up, down, front, back (its cube stands with y up)."""
    rng = np.random.default_rng([seed, 77])
    grid = (np.arange(_SIDE_PX) + 0.5) / _SIDE_PX * 2.0 - 1.0
    u, v = np.meshgrid(grid, grid)
    one = np.ones_like(u)
    directions = np.stack(
        (
            np.stack((one, -v, -u), axis=-1),
            np.stack((-one, -v, u), axis=-1),
            np.stack((u, one, v), axis=-1),
            np.stack((u, -one, -v), axis=-1),
            np.stack((u, -v, one), axis=-1),
            np.stack((-u, -v, -one), axis=-1),
        )
    )
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    height = np.clip(directions[..., 1], 0.0, 1.0)[..., None]
    blend = height**0.55
    colour = (1.0 - blend) * np.array(daylight.horizon) + blend * np.array(daylight.zenith)
    cover = np.clip(_clouds(directions, rng) * 1.6 - 1.6 + 1.4 * daylight.cloud, 0.0, 1.0) * np.clip(
        height[..., 0] * 4.0, 0.0, 1.0
    )
    lit = 0.5 * np.array(daylight.horizon) + 0.5 * max(daylight.horizon)
    colour = colour * (1.0 - 0.8 * cover[..., None]) + 0.8 * cover[..., None] * lit
    faces: Bytes = (np.clip(colour, 0.0, 1.0) * 255).astype(np.uint8)
    return faces


def _clouds(directions: Floats, rng: np.random.Generator) -> Floats:
    """Sum of sines in random directions on the sphere: smooth, seamless, between about 0 and 1."""
    total = np.zeros(directions.shape[:-1])
    for octave in range(5):
        for _ in range(5):
            wave = rng.standard_normal(3) * 2.2 * 1.8**octave
            total += np.sin(directions @ wave + rng.uniform(0, 2 * np.pi)) / 1.6**octave
    clouds: Floats = 0.5 + total / (2.5 * np.abs(total).max() + 1e-9) * 2.0
    return clouds
