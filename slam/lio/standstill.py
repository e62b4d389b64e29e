# SPDX-License-Identifier: Apache-2.0
"""Does the IMU feel anything? Over a short while a body that stands feels the same force and no turn, noise aside."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats
from patrol.clock import nanoseconds
from patrol.sensors import Imu
from slam.lio.config import StandstillConfig

_READINGS_MAX, _READINGS_MIN = 1_000, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """What an IMU that feels nothing reads on average: rate (3,) and specific force (3,), biases and all."""

    rate_radps: Floats
    force_mps2: Floats


class Stillness:
    """Hears IMU readings in the order of their stamps. Steady motion feels like standing: whoever asks must know better."""

    def __init__(self, config: StandstillConfig) -> None:
        self._config = config
        self._kept: deque[Imu] = deque(maxlen=_READINGS_MAX)

    def hear(self, imu: Imu) -> None:
        """Take in the next reading."""
        self._kept.append(imu)
        oldest_ns = imu.stamp_ns - nanoseconds(self._config.window_s)
        while self._kept[0].stamp_ns < oldest_ns:
            self._kept.popleft()

    def at(self, now_ns: int) -> Still | None:
        """What the IMU read, where it has felt nothing for most of the window up to ``now_ns``."""
        window_ns, kept = nanoseconds(self._config.window_s), self._kept
        if len(kept) < _READINGS_MIN or now_ns - kept[-1].stamp_ns > window_ns // 4:
            return None
        if kept[-1].stamp_ns - kept[0].stamp_ns < window_ns * 3 // 4:
            return None
        forces = np.array([imu.linear_acceleration_mps2 for imu in kept])
        rates = np.array([imu.angular_velocity_radps for imu in kept])
        if forces.std(axis=0).max() > self._config.force_std_mps2 or rates.std(axis=0).max() > self._config.turn_std_radps:
            return None
        return Still(rate_radps=rates.mean(axis=0), force_mps2=forces.mean(axis=0))
