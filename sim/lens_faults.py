# SPDX-License-Identifier: Apache-2.0
"""What a colour or thermal camera delivers while something is wrong with its lens or its sensor. Each seed is another cloth,
sun, splash; the same seed gives the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from patrol.checks import Floats32

LensFaultKind = Literal["covered", "dazzled", "dirty", "frozen", "dark"]
LENS_FAULTS: tuple[LensFaultKind, ...] = ("covered", "dazzled", "dirty", "frozen", "dark")
PixelT = TypeVar("PixelT", np.uint8, np.uint16)


class LensSpoiler:
    """One fault of one camera, from its beginning to its end. Hand in every picture while it lasts."""

    def __init__(self, kind: LensFaultKind, shape: tuple[int, ...], seed: int) -> None:
        """``shape`` (H, W) or (H, W, 3) of the pictures."""
        self._kind = kind
        self._rng = np.random.default_rng((seed, LENS_FAULTS.index(kind)))
        self._frozen: npt.NDArray[np.generic] | None = None
        self._plan = None if kind == "frozen" else _PLANS[kind](self._rng, (shape[0], shape[1]))

    def spoil(self, pixels: npt.NDArray[PixelT]) -> npt.NDArray[PixelT]:
        """The picture as this camera delivers it: uint8 of grey or colour, or uint16 of centikelvin."""
        if self._plan is None:
            if self._frozen is None:
                self._frozen = pixels.copy()
            return np.asarray(self._frozen, dtype=pixels.dtype)
        if pixels.dtype == np.uint16:
            return self._spoil_thermal(pixels)
        colour = pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)
        spoilt = self._plan(colour.astype(np.float32))
        noisy = np.clip(spoilt + self._rng.standard_normal(colour.shape[:2], dtype=np.float32)[..., None], 0.0, 255.0)
        kept = noisy if pixels.ndim == 3 else noisy.mean(axis=2)
        return np.asarray(kept, dtype=pixels.dtype)

    def _spoil_thermal(self, centikelvin: npt.NDArray[PixelT]) -> npt.NDArray[PixelT]:
        """The same plan on a grey scale of 0.1 K around the middle; what covers the lens is as warm as the lens."""
        middle = float(np.median(centikelvin))
        grey = np.clip(128.0 + (centikelvin.astype(np.float32) - np.float32(middle)) * np.float32(0.1), 0.0, 255.0)
        assert self._plan is not None
        spoilt = self._plan(np.repeat(grey[:, :, None], 3, axis=2))[..., 0]
        spoilt += np.float32(0.5) * self._rng.standard_normal(grey.shape, dtype=np.float32)
        spoilt_ck = np.clip(middle + (spoilt - np.float32(128.0)) * np.float32(10.0), 0.0, 65535.0)
        return np.asarray(spoilt_ck, dtype=centikelvin.dtype)


Plan = Callable[[Floats32], Floats32]
Size = tuple[int, int]


def _covered(rng: np.random.Generator, size: Size) -> Plan:
    """A cloth, a hand, a bag or a cap: one colour, shaded smoothly, and at most a ghost of what lies behind."""
    tone = rng.uniform(2.0, 90.0) * rng.uniform(0.6, 1.0, size=3)
    y, x = np.meshgrid(np.linspace(-1.0, 1.0, size[0]), np.linspace(-1.0, 1.0, size[1]), indexing="ij")
    slope = rng.uniform(-0.35, 0.35, size=2)
    cloth = (tone * (1.0 + slope[0] * x + slope[1] * y)[..., None]).astype(np.float32)
    ghost = np.float32(rng.uniform(0.0, 0.02))
    return lambda picture: cloth + ghost * picture


def _dazzled(rng: np.random.Generator, size: Size) -> Plan:
    """The sun or a lamp in the picture: a burnt disc, a halo, and a veil over everything."""
    height, width = size
    y, x = np.meshgrid(np.arange(height), np.arange(width), indexing="ij")
    at = rng.uniform(0.2, 0.8) * width, rng.uniform(0.1, 0.7) * height
    away = np.hypot(x - at[0], y - at[1]) / height
    core, halo = rng.uniform(0.10, 0.25), rng.uniform(0.5, 0.9)
    light = 900.0 * np.exp(-((away / core) ** 2)) + 330.0 * np.exp(-away / halo) + rng.uniform(40.0, 90.0)
    glare = light.astype(np.float32)[..., None]
    return lambda picture: np.float32(0.8) * picture + glare


def _dirty(rng: np.random.Generator, size: Size) -> Plan:
    """A splash of mud, drops of water, or a film of grease."""
    sort = rng.choice(["mud", "drops", "film"], p=[0.45, 0.35, 0.2])
    if sort == "film":
        return _film(float(rng.uniform(0.012, 0.025)) * size[0])
    mask = _blots(rng, size, count=int(rng.integers(5, 12)) if sort == "mud" else int(rng.integers(12, 30)))[..., None]
    if sort == "mud":
        brown = np.array((38.0, 52.0, 66.0), dtype=np.float32) * np.float32(rng.uniform(0.5, 1.4))
        return lambda picture: picture * (1.0 - mask) + brown * mask
    blur = _film(0.05 * size[0])
    return lambda picture: picture * (1.0 - mask) + blur(picture) * mask


def _film(sigma_px: float) -> Plan:
    return lambda picture: np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma_px), dtype=np.float32)


def _blots(rng: np.random.Generator, size: Size, *, count: int) -> Floats32:
    """Soft-edged ellipses (H, W) 0..1."""
    mask = np.zeros(size, dtype=np.float32)
    for _ in range(count):
        centre = (int(rng.uniform(0, size[1])), int(rng.uniform(0, size[0])))
        axes = (int(rng.uniform(0.04, 0.11) * size[0]), int(rng.uniform(0.04, 0.11) * size[0]))
        cv2.ellipse(mask, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1.0, -1)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 0.012 * size[0]), dtype=np.float32)


def _dark(rng: np.random.Generator, size: Size) -> Plan:
    del size
    light = np.float32(rng.uniform(0.01, 0.05))
    return lambda picture: light * picture


_PLANS: Mapping[str, Callable[[np.random.Generator, Size], Plan]] = MappingProxyType(
    {"covered": _covered, "dazzled": _dazzled, "dirty": _dirty, "dark": _dark}
)
