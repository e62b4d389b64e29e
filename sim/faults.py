# SPDX-License-Identifier: Apache-2.0
"""What is wrong with the robot at a given time of a scenario."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from sim.chassis import GRIP
from sim.lens_faults import LENS_FAULTS, LensSpoiler
from sim.scenario import FaultSpec

_SLIPPERY = 0.06
PixelT = TypeVar("PixelT", np.uint8, np.uint16)


class Faults:
    """Answers per sensor and time; times count from the scenario's start."""

    def __init__(self, specs: Iterable[FaultSpec]) -> None:
        self._specs = tuple(specs)
        self._spoilers: dict[int, LensSpoiler] = {}

    def is_silent(self, sensor: str, now_s: float) -> bool:
        """Whether ``sensor`` delivers nothing."""
        return any(spec.kind == "silent" for spec in self._active(sensor, now_s))

    def spoil(self, sensor: str, now_s: float, pixels: npt.NDArray[PixelT]) -> npt.NDArray[PixelT]:
        """The picture of the camera ``sensor`` as it comes through a lens that is covered, dazzled or dirty, a sensor that is
        frozen, or darkness; as it is when the camera is well. Hand in every picture."""
        for number, spec in enumerate(self._specs):
            kind = next((lens for lens in LENS_FAULTS if lens == spec.kind), None)
            if kind is not None and self._is_active(spec, sensor, now_s):
                spoiler = self._spoilers.setdefault(number, LensSpoiler(kind, pixels.shape, number))
                pixels = spoiler.spoil(pixels)
        return pixels

    def noise_gain(self, sensor: str, now_s: float) -> float:
        """Factor on the noise of ``sensor``; one when it is well."""
        return max((spec.gain for spec in self._active(sensor, now_s) if spec.kind == "noisy"), default=1.0)

    def grip(self, now_s: float) -> float:
        """Friction of the tyres."""
        return _SLIPPERY if any(spec.kind == "slip" for spec in self._active(None, now_s)) else GRIP

    def _active(self, sensor: str | None, now_s: float) -> list[FaultSpec]:
        return [spec for spec in self._specs if self._is_active(spec, sensor, now_s)]

    @staticmethod
    def _is_active(spec: FaultSpec, sensor: str | None, now_s: float) -> bool:
        return spec.sensor == sensor and spec.at_s <= now_s < spec.at_s + spec.for_s
