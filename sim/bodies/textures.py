# SPDX-License-Identifier: Apache-2.0
"""Textures painted by procedure: cloth with folds, faces without identity, shoes, rubber and paint.

A texture is (H, W, 3) uint8. It wraps a mesh once: the middle column faces forward, the outer columns meet at the back, the
top row is the mesh's upper end.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from patrol.checks import Bytes, Floats

Rgb = tuple[float, float, float]
_SIZE = 64


class Canvas:
    """A picture in 0..1 being painted; ``u`` and ``v`` are the coordinates (H, W) of its texels, v from the top."""

    def __init__(self, rgb: Rgb, rng: np.random.Generator, size: int = _SIZE) -> None:
        self.rng = rng
        self.u, self.v = np.meshgrid((np.arange(size) + 0.5) / size, (np.arange(size) + 0.5) / size)
        self.pixels: Floats = np.ones((size, size, 3)) * rgb

    def fill(self, mask: npt.NDArray[np.floating], rgb: Rgb) -> None:
        """Cover by ``rgb`` where ``mask`` (H, W) is one, and partly where it is between zero and one."""
        self.pixels += mask[..., None] * (np.array(rgb) - self.pixels)

    def shade(self, factor: Floats) -> None:
        """Multiply by ``factor`` (H, W)."""
        self.pixels *= factor[..., None]

    def noise(self, amount: float, smooth: tuple[float, float]) -> Floats:
        """Wrapped noise (H, W) around 1 with standard deviation ``amount``, smoothed by texels (rows, columns)."""
        field = gaussian_filter(self.rng.standard_normal(self.u.shape), smooth, mode=("nearest", "wrap"))
        return np.asarray(1.0 + amount * field / max(float(field.std()), 1e-9))

    def finished(self) -> Bytes:
        pixels: Bytes = (255.0 * np.clip(self.pixels, 0.0, 1.0)).astype(np.uint8)
        return pixels


def cloth(rgb: Rgb, rng: np.random.Generator, *, folds: float = 0.10) -> Canvas:
    """Plain cloth with slanting folds, a weave, and a darker lower end."""
    canvas = Canvas(rgb, rng)
    slant = float(rng.uniform(1.0, 2.5)) * rng.choice((-1.0, 1.0))
    waves = np.sin(2.0 * np.pi * (slant * canvas.u + 3.0 * canvas.v) + 2.5 * canvas.noise(1.0, (8.0, 8.0)))
    canvas.shade(1.0 + 0.45 * folds * waves)
    canvas.shade(canvas.noise(folds, (5.0, 3.0)))
    canvas.shade(canvas.noise(0.03, (0.6, 0.6)))
    canvas.shade(1.04 - 0.14 * canvas.v)
    return canvas


def jacket(rgb: Rgb, accent: Rgb, rng: np.random.Generator) -> Canvas:
    """Cloth with a zip, a collar, pockets and a hem."""
    canvas = cloth(rgb, rng)
    front = np.abs(canvas.u - 0.5)
    canvas.fill(0.7 * (front < 0.012) * (canvas.v > 0.16), (0.12, 0.12, 0.12))
    canvas.fill(0.5 * (canvas.v < 0.17), _scaled(rgb, 0.75))
    canvas.fill(0.6 * (canvas.v > 0.94), _scaled(rgb, 0.6))
    pocket = (np.abs(front - 0.11) < 0.045) & (np.abs(canvas.v - 0.74) < 0.012)
    canvas.fill(0.7 * pocket, _scaled(rgb, 0.5))
    canvas.fill(0.8 * ((np.abs(canvas.u - 0.43) < 0.02) & (np.abs(canvas.v - 0.36) < 0.02)), accent)
    return canvas


def shirt(rgb: Rgb, skin: Rgb, rng: np.random.Generator) -> Canvas:
    """Cloth with an open neck, sometimes checked."""
    canvas = cloth(rgb, rng)
    if rng.random() < 0.35:
        stripes = (np.sin(2 * np.pi * 12 * canvas.u) > 0.5) | (np.sin(2 * np.pi * 10 * canvas.v) > 0.6)
        canvas.fill(0.35 * stripes, _scaled(rgb, 0.45))
    canvas.fill(1.0 * ((np.abs(canvas.u - 0.5) < 0.30 * (0.24 - canvas.v)) & (canvas.v < 0.24)), skin)
    return canvas


def hi_vis(rgb: Rgb, under: Rgb, rng: np.random.Generator) -> Canvas:
    """A high-visibility vest (EN ISO 20471 layout: two bands round the body, one over each shoulder), open over ``under``."""
    canvas = cloth(rgb, rng, folds=0.06)
    grey = (0.80, 0.81, 0.82)
    front, back = np.abs(canvas.u - 0.5), np.minimum(canvas.u, 1.0 - canvas.u)
    over = ((np.abs(front - 0.11) < 0.028) | (np.abs(back - 0.11) < 0.028)) & (canvas.v < 0.6)
    around = (np.abs(canvas.v - 0.62) < 0.035) | (np.abs(canvas.v - 0.82) < 0.035)
    canvas.fill(1.0 * (over | around), grey)
    canvas.fill(1.0 * ((front < 0.022) | ((front < 0.30 * (0.34 - canvas.v)) & (canvas.v < 0.34))), under)
    canvas.shade(canvas.noise(0.04, (3.0, 3.0)))
    return canvas


def overall(rgb: Rgb, patch: Rgb, rng: np.random.Generator) -> Canvas:
    """Plain issue clothing with a patch on chest and back."""
    canvas = cloth(rgb, rng)
    back = np.minimum(canvas.u, 1.0 - canvas.u)
    canvas.fill(0.85 * ((back < 0.09) & (np.abs(canvas.v - 0.42) < 0.05)), patch)
    canvas.fill(0.85 * ((np.abs(canvas.u - 0.42) < 0.03) & (np.abs(canvas.v - 0.40) < 0.025)), patch)
    canvas.fill(1.0 * ((np.abs(canvas.u - 0.5) < 0.28 * (0.22 - canvas.v)) & (canvas.v < 0.22)), (0.85, 0.85, 0.85))
    return canvas


def face(skin: Rgb, hair: Rgb, rng: np.random.Generator) -> Canvas:
    """A head from neck to crown: skin, shadowed eyes, brows, mouth, sometimes a beard. Nobody in particular."""
    canvas = Canvas(skin, rng)
    canvas.shade(canvas.noise(0.03, (2.0, 2.0)))
    side, v = np.abs(canvas.u - 0.5), canvas.v
    canvas.shade(1.0 - 0.25 * np.clip((v - 0.78) / 0.1, 0.0, 1.0))
    canvas.fill(0.35 * _blob(side - 0.075, v - 0.46, 0.055, 0.035), _scaled(skin, 0.55))
    canvas.fill(0.9 * _blob(side - 0.075, v - 0.465, 0.028, 0.014), (0.10, 0.08, 0.07))
    canvas.fill(0.8 * _blob(side - 0.078, v - 0.41, 0.045, 0.012), _scaled(hair, 0.8))
    canvas.fill(0.5 * _blob(side, v - 0.60, 0.03, 0.02), _scaled(skin, 0.62))
    canvas.fill(0.75 * _blob(side, v - 0.68, 0.055, 0.012), (0.45, 0.20, 0.18))
    canvas.fill(0.25 * _blob(side, v - 0.74, 0.06, 0.015), _scaled(skin, 0.6))
    if rng.random() < 0.25:
        canvas.fill(0.65 * ((v > 0.60) & (v < 0.80) & (side < 0.24)) * (1.0 - _blob(side, v - 0.68, 0.06, 0.015)), hair)
    return canvas


def hair(rgb: Rgb, rng: np.random.Generator) -> Canvas:
    """Strands running down from the crown."""
    canvas = Canvas(rgb, rng)
    canvas.shade(canvas.noise(0.22, (9.0, 0.7)))
    canvas.shade(1.12 - 0.25 * canvas.v)
    return canvas


def trousers(rgb: Rgb, rng: np.random.Generator) -> Canvas:
    """Cloth with a side seam, paler at the front as worn cloth is."""
    canvas = cloth(rgb, rng, folds=0.12)
    canvas.shade(1.0 + 0.10 * _blob(np.abs(canvas.u - 0.5), canvas.v - 0.5, 0.14, 0.4))
    canvas.fill(0.4 * (np.abs(np.abs(canvas.u - 0.5) - 0.25) < 0.01), _scaled(rgb, 0.6))
    return canvas


def shoe(rgb: Rgb, rng: np.random.Generator) -> Canvas:
    """Leather over a darker sole; the mesh lies on its back, so that its front half is the upper."""
    canvas = Canvas(rgb, rng)
    canvas.shade(canvas.noise(0.08, (2.0, 2.0)))
    below = np.minimum(canvas.u, 1.0 - canvas.u)
    canvas.fill(1.0 * (below < 0.16), _scaled(rgb, 0.45) if sum(rgb) < 1.5 else (0.85, 0.85, 0.85))
    laces = (np.abs(canvas.u - 0.5) < 0.07) & (np.sin(2 * np.pi * 14 * canvas.v) > 0.3) & (np.abs(canvas.v - 0.48) < 0.14)
    canvas.fill(0.6 * laces, (0.75, 0.75, 0.72) if sum(rgb) < 1.5 else (0.4, 0.4, 0.4))
    return canvas


def _blob(du: Floats, dv: Floats, width: float, height: float) -> Floats:
    """A soft ellipse of one in its middle, falling to zero outside."""
    return np.asarray(np.clip(1.6 - 1.6 * ((du / width) ** 2 + (dv / height) ** 2), 0.0, 1.0))


def _scaled(rgb: Rgb, factor: float) -> Rgb:
    red, green, blue = (min(1.0, channel * factor) for channel in rgb)
    return (red, green, blue)
