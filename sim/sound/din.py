# SPDX-License-Identifier: Apache-2.0
"""What microphones hear although nothing happens: themselves, the site's hum, wind, rain, the robot's fan and motors."""

from __future__ import annotations

import math

import numpy as np
from scipy import signal

from patrol.checks import Floats
from sim.robot import MicrophonePart
from sim.sound.waves import RATE_HZ, REFERENCE_PA, comb
from sim.weather import Sky, Weather

_WIND_MPS = {Sky.CLEAR: 2.0, Sky.RAIN: 5.0, Sky.FOG: 0.5}
_WIND_DB_AT_5, _GUST_S = 60.0, 2.5
_RAIN_DB, _DROPS_HZ = 52.0, 40.0
_HUM_DB = 38.0
_TEETH, _GEAR = 11.0, 27.0
_WEIGHTS = 1.0 / np.arange(1, 13) ** 1.1


class Din:
    """Steady noise of one array, block after block.

    Wind is pressure of turbulent air on each microphone by itself: its spectrum falls with f^-5/3 in pressure amplitude, its
    level rises with the square of the speed, and gusts come and go (Raspet, Webster, Dillion, "Framework for wind noise studies",
    2006). Motors sing at the gears' tooth frequency, in step with each wheel, and sit below the array.
    """

    def __init__(self, part: MicrophonePart, weather: Weather, wind_mps: float | None, rng: np.random.Generator) -> None:
        """``wind_mps`` None: what is usual in this weather."""
        self._part, self._rng, self._rains = part, rng, weather.sky is Sky.RAIN
        self._wind_mps = _WIND_MPS[weather.sky] if wind_mps is None else wind_mps
        self._count = len(part.positions_m)
        self._gust = 0.0
        self._turn = rng.uniform(0.0, 1.0, 2)
        self._phases = rng.uniform(0.0, 2.0 * math.pi, (2, len(_WEIGHTS)))
        self._memories = {name: np.zeros((1, self._count)) for name in ("wind", "rain", "hum", "fan")}
        offsets = np.array(part.positions_m) - np.array(part.motor_m)
        distance_m = np.sqrt((offsets**2).sum(axis=1))
        self._near = distance_m.mean() / distance_m

    def block(self, count: int, wheels_radps: tuple[float, float]) -> Floats:
        """The next ``count`` samples (count, M) in pascal, with the wheels turning at these speeds."""
        white = self._rng.standard_normal((count, self._count))
        noise: Floats = white * _pa(self._part.self_noise_db)
        noise += self._wind(count)
        noise += self._coloured("hum", self._rng.standard_normal((count, 1)), pole=0.97) * _pa(_HUM_DB)
        noise += self._motors(count, wheels_radps)[:, None] * self._near
        if self._rains:
            noise += self._rain(count)
        return noise

    def _wind(self, count: int) -> Floats:
        keep = math.exp(-count / RATE_HZ / _GUST_S)
        self._gust = keep * self._gust + math.sqrt(1.0 - keep * keep) * float(self._rng.standard_normal())
        speed_mps = self._wind_mps * max(1.0 + 0.35 * self._gust, 0.0)
        level_db = _WIND_DB_AT_5 + 40.0 * math.log10(max(speed_mps, 0.2) / 5.0)
        return self._coloured("wind", self._rng.standard_normal((count, self._count)), pole=0.985) * _pa(level_db)

    def _rain(self, count: int) -> Floats:
        """A hiss all round, and single drops on the housing."""
        hiss = self._rng.standard_normal((count, self._count))
        drops = np.zeros((count, 1))
        for at in self._rng.integers(0, count, int(self._rng.poisson(_DROPS_HZ * count / RATE_HZ))):
            length = min(count - int(at), 160)
            ring = np.exp(-np.arange(length) / 24.0) * np.sin(np.arange(length) * self._rng.uniform(0.3, 1.6))
            drops[at : at + length, 0] += ring * self._rng.lognormal(0.6, 0.7)
        return (self._coloured("rain", hiss, pole=0.4) + drops) * _pa(_RAIN_DB)

    def _motors(self, count: int, wheels_radps: tuple[float, float]) -> Floats:
        """Fan and drives (count,), as at the middle of the array."""
        fan = self._coloured("fan", self._rng.standard_normal((count, 1)), pole=0.8)[:, 0] * _pa(self._part.fan_db)
        for side, wheel_radps in enumerate(wheels_radps):
            tooth_hz = abs(wheel_radps) / (2.0 * math.pi) * _GEAR * _TEETH
            phase = self._turn[side] + np.arange(1, count + 1) * tooth_hz / RATE_HZ
            self._turn[side] = float(phase[-1] % 1.0)
            if tooth_hz > 1.0:
                heard = np.arange(1, len(_WEIGHTS) + 1) * tooth_hz < 0.45 * RATE_HZ
                loud = _pa(self._part.motor_db) * min(abs(wheel_radps) / 7.0, 1.5)
                fan += loud * comb(phase, _WEIGHTS * heard, self._phases[side])
        return fan

    def _coloured(self, name: str, white: Floats, *, pole: float) -> Floats:
        """White noise (N, 1 or M) through one pole, of deviation one again; goes on where the last block ended."""
        memory = self._memories[name][:, : white.shape[1]]
        shaped, memory = signal.lfilter([math.sqrt(1.0 - pole * pole)], [1.0, -pole], white, axis=0, zi=memory)
        self._memories[name] = memory
        return np.asarray(shaped)


def _pa(level_db: float) -> float:
    return float(REFERENCE_PA * 10.0 ** (level_db / 20.0))
