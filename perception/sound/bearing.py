# SPDX-License-Identifier: Apache-2.0
"""Where a sound comes from: the direction of a plane wave that explains the delays between all pairs of microphones best.

Steered response power with phase transform (DiBiase, "A high-accuracy, low-latency technique for talker localization in
reverberant environments", 2000; Knapp and Carter 1976 for the phase transform), over the frequencies that stand above the
background. How sure it is comes from how much the direction changes between stretches of the same sound.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from patrol.checks import Floats
from patrol.geometry import wrap_angle
from patrol.sound import Bearing
from perception.sound.frames import BINS_HZ, HOP, WINDOW

SPEED_MPS = 341.0
_USED = np.flatnonzero((BINS_HZ >= 250.0) & (BINS_HZ <= 6500.0))
_HANN = np.hanning(WINDOW + 1)[:-1]
_COARSE_RAD, _FINE_RAD, _FINE_REACH_RAD = math.radians(4.0), math.radians(0.5), math.radians(6.0)
_RISES_RAD = tuple(math.radians(deg) for deg in (0.0, 20.0, 40.0, 60.0))
_STRETCHES, _LOUDEST = 5, 20
_SNR, _LEAST_PA2 = 3.0, 1e-14
_LEAST_STD_RAD = math.radians(1.5)
_SPREAD_FACTOR = 1.3
_BENEATH_SHARE = 0.97
_SHORTEST_M = 0.02
_LINE_BINS = 21


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """``bearing``: None where it can not be told. ``is_beneath``: it reaches all microphones at once, as what sits in the robot
    itself does."""

    bearing: Bearing | None
    is_beneath: bool


UNKNOWN = Arrival(bearing=None, is_beneath=False)


class Array:
    """Microphones at ``positions_m`` (M, 3), in a frame whose axes are those of ``base_link``."""

    def __init__(self, positions_m: Floats) -> None:
        self._pairs = [
            (i, j)
            for i, j in itertools.combinations(range(len(positions_m)), 2)
            if float(np.linalg.norm(positions_m[i] - positions_m[j])) > _SHORTEST_M
        ]
        self._baselines_m = np.array([positions_m[i] - positions_m[j] for i, j in self._pairs]).reshape(-1, 3)
        flat = np.linalg.svd(self._baselines_m[:, :2], compute_uv=False) if len(self._pairs) else np.zeros(2)
        self.can_tell = len(flat) > 1 and bool(flat[1] > _SHORTEST_M)
        """Whether the microphones span a plane: those in one line do not know left from right."""
        self._azimuths_rad = np.arange(-math.pi, math.pi, _COARSE_RAD)
        self._coarse = [self._steering(self._azimuths_rad, rise_rad) for rise_rad in _RISES_RAD] if self.can_tell else []

    def arrival(self, samples: Floats, background: Floats | None, *, most_std_rad: float) -> Arrival:
        """From ``samples`` (N, M) pascal of the sound alone, as far as that can be, and the background's power (513,); None for a
        sound that has become background itself: then the lines of its spectrum count."""
        if not self.can_tell or len(samples) < WINDOW + HOP:
            return UNKNOWN
        crosses = self._crosses(samples, background)
        pooled = crosses.sum(axis=0)
        if not np.abs(pooled).any():
            return UNKNOWN
        powers = np.array([self._power(pooled, steering) for steering in self._coarse])
        rise = int(powers.max(axis=1).argmax())
        overhead = float(np.real(pooled.sum()))
        is_beneath = overhead >= _BENEATH_SHARE * float(powers[rise].max())
        azimuth_rad = self._finely(pooled, rise, float(self._azimuths_rad[int(powers[rise].argmax())]))
        std_rad = self._std_rad(crosses, rise, azimuth_rad)
        told = not is_beneath and std_rad <= most_std_rad
        return Arrival(
            bearing=Bearing(azimuth_rad=wrap_angle(azimuth_rad), std_rad=std_rad) if told else None, is_beneath=is_beneath
        )

    def _steering(self, azimuths_rad: Floats, rise_rad: float) -> np.ndarray:
        """What turns the phases of every pair back (pairs * bins, azimuths)."""
        level = math.cos(rise_rad)
        towards = np.stack(
            [level * np.cos(azimuths_rad), level * np.sin(azimuths_rad), np.full(len(azimuths_rad), math.sin(rise_rad))]
        )
        delays_s = self._baselines_m @ towards / SPEED_MPS
        phases = 2.0 * math.pi * BINS_HZ[_USED][None, :, None] * delays_s[:, None, :]
        return np.asarray(np.exp(-1j * phases).reshape(-1, len(azimuths_rad)))

    def _crosses(self, samples: Floats, background: Floats | None) -> np.ndarray:
        """Cross spectra of unit length (stretches, pairs * bins), zero where nothing stands above the background."""
        starts = np.arange(0, len(samples) - WINDOW + 1, HOP)
        cut = np.stack([samples[start : start + WINDOW] for start in starts])
        spectra = np.fft.rfft(cut * _HANN[:, None], axis=1)[:, _USED]
        power = (np.abs(spectra) ** 2).mean(axis=2)
        below = ndimage.median_filter(power.mean(axis=0), _LINE_BINS, mode="nearest") if background is None else background[_USED]
        over = np.maximum(power / (below + _LEAST_PA2) - _SNR, 0.0)
        loud = np.sort(np.argsort(over.sum(axis=1))[-_LOUDEST:])
        weights = np.minimum(over[loud], 20.0)
        chosen = spectra[loud] / (np.abs(spectra[loud]) + 1e-12)
        pairs = np.stack([chosen[:, :, i] * chosen[:, :, j].conj() for i, j in self._pairs], axis=1) * weights[:, None, :]
        stretches = [part.sum(axis=0).reshape(-1) for part in np.array_split(pairs, min(_STRETCHES, len(pairs)))]
        return np.array(stretches)

    @staticmethod
    def _power(cross: np.ndarray, steering: np.ndarray) -> Floats:
        return np.asarray(np.real(cross @ steering))

    def _finely(self, cross: np.ndarray, rise: int, about_rad: float) -> float:
        """The best azimuth near one, to half a degree and a parabola."""
        near = about_rad + np.arange(-_FINE_REACH_RAD, _FINE_REACH_RAD + 1e-9, _FINE_RAD)
        power = self._power(cross, self._steering(near, _RISES_RAD[rise]))
        best = int(power.argmax())
        if not 0 < best < len(near) - 1:
            return float(near[best])
        low, middle, high = power[best - 1 : best + 2]
        return float(near[best] + 0.5 * (low - high) / (low - 2.0 * middle + high - 1e-30) * _FINE_RAD)

    def _std_rad(self, crosses: np.ndarray, rise: int, azimuth_rad: float) -> float:
        """Spread of the directions of the stretches by themselves, as the standard error of their mean; never below what
        positions and the speed of sound are known to."""
        each = [
            self._azimuths_rad[int(self._power(cross, self._coarse[rise]).argmax())] for cross in crosses if np.abs(cross).any()
        ]
        fine = [self._finely(cross, rise, float(start)) for cross, start in zip(crosses, each, strict=False)]
        if len(fine) < 2:
            return math.pi / math.sqrt(3.0)
        offsets = np.array([wrap_angle(angle - azimuth_rad) for angle in fine])
        error = _SPREAD_FACTOR * math.sqrt(float((offsets**2).mean()) / (len(offsets) - 1))
        return float(np.clip(math.hypot(error, _LEAST_STD_RAD), _LEAST_STD_RAD, math.pi / math.sqrt(3.0)))
