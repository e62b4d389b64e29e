# SPDX-License-Identifier: Apache-2.0
"""What is wrong with the robot at a given time of a scenario."""

from __future__ import annotations

from collections.abc import Iterable

from sim.chassis import GRIP
from sim.scenario import FaultSpec

_SLIPPERY = 0.06


class Faults:
    """Answers per sensor and time; times count from the scenario's start."""

    def __init__(self, specs: Iterable[FaultSpec]) -> None:
        self._specs = tuple(specs)

    def is_silent(self, sensor: str, now_s: float) -> bool:
        """Whether ``sensor`` delivers nothing."""
        return any(spec.kind == "silent" for spec in self._active(sensor, now_s))

    def is_covered(self, sensor: str, now_s: float) -> bool:
        """Whether something hangs over the lens of ``sensor``."""
        return any(spec.kind == "covered" for spec in self._active(sensor, now_s))

    def noise_gain(self, sensor: str, now_s: float) -> float:
        """Factor on the noise of ``sensor``; one when it is well."""
        return max((spec.gain for spec in self._active(sensor, now_s) if spec.kind == "noisy"), default=1.0)

    def grip(self, now_s: float) -> float:
        """Friction of the tyres."""
        return _SLIPPERY if any(spec.kind == "slip" for spec in self._active(None, now_s)) else GRIP

    def _active(self, sensor: str | None, now_s: float) -> list[FaultSpec]:
        return [spec for spec in self._specs if spec.sensor == sensor and spec.at_s <= now_s < spec.at_s + spec.for_s]
