# SPDX-License-Identifier: Apache-2.0
"""What the world's surfaces are like: a seeded texture, how much lidar light they return, and how warm they are.

Textures are near-white patterns that tile; the colour comes from the world's own ``diffuse``, so that Gazebo and the embedded
simulator agree on it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from patrol.checks import Bytes, Floats

_SIDE_PX = 512
Painter = Callable[[np.random.Generator], Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """``tile_m``: edge of one texture tile. ``reflectivity``: lidar intensity 0..1 at normal incidence. ``day_k``,
    ``night_k``: surface temperature above the air's. ``see_through``: cameras look through it; lidar and robots do not pass."""

    tile_m: float
    reflectivity: float
    day_k: float
    night_k: float
    paint: Painter
    see_through: bool = False
    shine: float = 0.05


def noise(rng: np.random.Generator, power: float, side_px: int = _SIDE_PX) -> Floats:
    """Tileable noise (side, side) with spectrum 1/f^power, zero mean and unit deviation."""
    fx = np.fft.fftfreq(side_px)[:, None]
    fy = np.fft.rfftfreq(side_px)[None, :]
    frequency = np.hypot(fx, fy)
    frequency[0, 0] = 1.0
    spectrum = np.fft.rfft2(rng.standard_normal((side_px, side_px))) / frequency**power
    spectrum[0, 0] = 0.0
    field: Floats = np.fft.irfft2(spectrum, (side_px, side_px))
    field /= field.std()
    return field


def _grey(value: Floats) -> Floats:
    return np.repeat(value[:, :, None], 3, axis=2)


def _tinted(value: Floats, strength: Floats, towards: tuple[float, float, float]) -> Floats:
    """Grey ``value`` (S, S) shifted in colour by ``strength`` (S, S) along ``towards`` (red, green, blue)."""
    colour: Floats = value[:, :, None] * (1.0 + strength[:, :, None] * np.array(towards))
    return colour


def _asphalt(rng: np.random.Generator) -> Floats:
    value = 0.86 + 0.05 * noise(rng, 1.2) + 0.06 * noise(rng, 0.1)
    cracks = np.abs(noise(rng, 1.6)) < 0.012
    return _grey(np.where(cracks, value * 0.6, value))


def _gravel(rng: np.random.Generator) -> Floats:
    stones = noise(rng, 0.7)
    return _tinted(0.82 + 0.11 * stones, 0.03 * noise(rng, 0.9), (1.0, 0.3, -0.8))


def _grass(rng: np.random.Generator) -> Floats:
    blades = np.roll(noise(rng, 0.35), 1, axis=0) + 0.7 * noise(rng, 0.15)
    patches = noise(rng, 1.5)
    value = 0.80 + 0.10 * blades + 0.05 * patches
    return _tinted(value, 0.06 * patches, (1.0, 0.1, -0.6))


def _concrete(rng: np.random.Generator) -> Floats:
    value = 0.90 + 0.035 * noise(rng, 1.5) + 0.02 * noise(rng, 0.3)
    value[:3, :] *= 0.75
    value[:, :3] *= 0.75
    return _grey(value)


def _brick(rng: np.random.Generator) -> Floats:
    rows, columns = 24, 8
    height, width = _SIDE_PX / rows, _SIDE_PX / columns
    y, x = np.mgrid[0:_SIDE_PX, 0:_SIDE_PX]
    row = (y / height).astype(int)
    along = (x / width + 0.5 * (row % 2)) % columns
    shade = 0.84 + 0.09 * rng.standard_normal((rows, columns))
    value = _grey(shade[row % rows, along.astype(int) % columns] + 0.03 * noise(rng, 0.5))
    mortar = ((y % height) < 2.5) | ((along % 1.0) * width < 2.5)
    return np.where(mortar[:, :, None], np.array([0.86, 0.98, 1.0]), value)


def _corrugated(rng: np.random.Generator) -> Floats:
    x = np.arange(_SIDE_PX) / _SIDE_PX
    wave = 0.86 + 0.10 * np.sin(2 * np.pi * 16 * x)[None, :]
    streaks = 0.02 * noise(rng, 1.0).mean(axis=0, keepdims=True)
    return _grey(wave + streaks + 0.02 * noise(rng, 1.3))


def _wood(rng: np.random.Generator) -> Floats:
    grain = np.repeat(noise(rng, 0.8)[:, :1], _SIDE_PX, axis=1) * 0.06
    value = 0.86 + grain + 0.03 * noise(rng, 1.2)
    value[:: _SIDE_PX // 8, :] *= 0.55
    return _grey(value)


def _tiles(rng: np.random.Generator) -> Floats:
    value = 0.86 + 0.05 * noise(rng, 0.8)
    y = np.arange(_SIDE_PX) % (_SIDE_PX // 16)
    return _grey(value * (0.80 + 0.20 * np.minimum(y / 12.0, 1.0))[:, None])


def _foliage(rng: np.random.Generator) -> Floats:
    leaves = noise(rng, 0.6)
    return _tinted(0.74 + 0.17 * leaves, 0.05 * noise(rng, 0.9), (1.0, 0.0, -0.8))


def _plain(rng: np.random.Generator) -> Floats:
    return _grey(0.94 + 0.015 * noise(rng, 1.4))


def _glass(rng: np.random.Generator) -> Floats:
    shimmer = 0.9 + 0.05 * noise(rng, 2.0)
    return _grey(shimmer)


def _chain_link(rng: np.random.Generator) -> Floats:
    """Diagonal wires, 16 meshes per tile; the fourth channel is opacity."""
    y, x = np.mgrid[0:_SIDE_PX, 0:_SIDE_PX] / _SIDE_PX * 16.0
    to_wire = np.minimum(np.abs((x + y + 0.5) % 1.0 - 0.5), np.abs((x - y + 0.5) % 1.0 - 0.5))
    wire = np.clip((0.115 - to_wire) / 0.05, 0.0, 1.0)
    colour = _grey(0.9 + 0.03 * noise(rng, 0.5))
    return np.concatenate((colour, wire[:, :, None]), axis=2)


SURFACES: dict[str, Surface] = {
    "asphalt": Surface(tile_m=6.0, reflectivity=0.15, day_k=8.4, night_k=2.5, paint=_asphalt),
    "gravel": Surface(tile_m=3.0, reflectivity=0.25, day_k=4.8, night_k=0.5, paint=_gravel),
    "grass": Surface(tile_m=3.0, reflectivity=0.45, day_k=1.8, night_k=-2.0, paint=_grass),
    "soil": Surface(tile_m=4.0, reflectivity=0.30, day_k=4.2, night_k=-0.5, paint=_gravel),
    "sand": Surface(tile_m=4.0, reflectivity=0.35, day_k=5.4, night_k=-1.0, paint=_gravel),
    "concrete": Surface(tile_m=4.0, reflectivity=0.35, day_k=5.4, night_k=2.0, paint=_concrete),
    "brick": Surface(tile_m=2.0, reflectivity=0.30, day_k=4.2, night_k=2.0, paint=_brick),
    "metal": Surface(tile_m=4.0, reflectivity=0.60, day_k=6.6, night_k=-3.0, paint=_corrugated, shine=0.3),
    "fence": Surface(tile_m=1.0, reflectivity=0.35, day_k=2.4, night_k=-2.0, paint=_chain_link, see_through=True),
    "glass": Surface(tile_m=3.0, reflectivity=0.10, day_k=2.4, night_k=1.0, paint=_glass, shine=0.8),
    "foliage": Surface(tile_m=1.5, reflectivity=0.50, day_k=0.6, night_k=-1.0, paint=_foliage),
    "paint": Surface(tile_m=4.0, reflectivity=0.55, day_k=5.4, night_k=1.0, paint=_plain, shine=0.2),
    "wood": Surface(tile_m=2.0, reflectivity=0.45, day_k=3.6, night_k=0.0, paint=_wood),
    "roof": Surface(tile_m=4.0, reflectivity=0.30, day_k=9.6, night_k=-4.0, paint=_tiles),
    "rubber": Surface(tile_m=2.0, reflectivity=0.08, day_k=4.8, night_k=0.5, paint=_plain),
    "plastic": Surface(tile_m=2.0, reflectivity=0.50, day_k=3.6, night_k=0.0, paint=_plain, shine=0.3),
}
PLAIN = Surface(tile_m=4.0, reflectivity=0.40, day_k=3.6, night_k=0.0, paint=_plain)


def surface_named(name: str) -> Surface:
    """The surface called ``name``; plain paint for a name that is not known."""
    return SURFACES.get(name, PLAIN)


@functools.cache
def texture_pixels(name: str, seed: int) -> Bytes:
    """Texture (S, S, 3 or 4) uint8 of a surface, the same for the same seed."""
    rng = np.random.default_rng([seed, *name.encode()])
    pixels: Bytes = (np.clip(surface_named(name).paint(rng), 0.0, 1.0) * 255.0).astype(np.uint8)
    return pixels
