# SPDX-License-Identifier: Apache-2.0
"""The way of a sound to a microphone: it takes its time, grows weaker and duller, is mirrored by the ground and shaded by walls.

Delays are those of the moment, so a source that moves is heard with its Doppler shift. Spreading is that of a point source; air
takes about 0.1 dB of 8 kHz a metre, far less of lower tones (ISO 9613-1 at 10 °C and 70 % humidity), approximated by a pole; a
wall in between takes 15 dB and most of the highs, as a thin screen does near grazing (Maekawa, "Noise reduction by screens",
1968).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from scipy import signal

from patrol.checks import Floats, Floats32
from sim.sound.waves import RATE_HZ, REFERENCE_PA

SPEED_MPS = 340.0
_AIR_DB_PER_M = 0.1
_WALL_DB, _WALL_HIGHS_DB = 15.0, 12.0
_GROUND_SHARE, _GROUND_HIGHS_DB = 0.7, 3.0
_LEAST_M = 0.3
_INAUDIBLE_DB = 12.0
_TAPS, _STEPS = 8, 128


@dataclass(slots=True)
class Path:
    """One way, straight or by the ground, from one source to all microphones; it remembers its filter from block to block."""

    wave: Floats32
    is_mirrored: bool
    _memory: Floats = field(default_factory=lambda: np.zeros(0))

    def heard(self, since_start_s: float, at_start_m: Floats, at_end_m: Floats, count: int, *, shaded: bool) -> Floats | None:
        """What arrives (count, M) in pascal, in a block that begins ``since_start_s`` after the source did, by distances (M,) m
        at the block's two ends. None when that is too little to matter."""
        gain = self._gain(at_start_m, shaded=shaded)
        share = np.arange(count)[:, None] / count
        distance_m = at_start_m + share * (at_end_m - at_start_m)
        index = (since_start_s - distance_m / SPEED_MPS) * RATE_HZ + np.arange(count)[:, None]
        if index[-1].max() < 0.0 or index[0].min() > len(self.wave) + _TAPS:
            return None
        reach = self.wave[max(int(index.min()) - _TAPS, 0) : max(int(index.max()) + _TAPS, 0)]
        loudest_pa = float(np.abs(reach).max(initial=0.0)) * gain
        if loudest_pa < REFERENCE_PA * 10.0 ** (_INAUDIBLE_DB / 20.0):
            return None
        return self._duller(
            _read(self.wave, index) * (gain * at_start_m.mean() / distance_m), float(at_start_m.mean()), shaded=shaded
        )

    def _gain(self, distance_m: Floats, *, shaded: bool) -> float:
        gain = 1.0 / max(float(distance_m.mean()), _LEAST_M)
        gain *= _GROUND_SHARE if self.is_mirrored else 1.0
        return gain * (10.0 ** (-_WALL_DB / 20.0) if shaded else 1.0)

    def _duller(self, arriving: Floats, distance_m: float, *, shaded: bool) -> Floats:
        loss_db = (
            _AIR_DB_PER_M * distance_m + (_WALL_HIGHS_DB if shaded else 0.0) + (_GROUND_HIGHS_DB if self.is_mirrored else 0.0)
        )
        edge = 10.0 ** (-loss_db / 20.0)
        pole = (1.0 - edge) / (1.0 + edge)
        if self._memory.shape != (1, arriving.shape[1]):
            self._memory = np.zeros((1, arriving.shape[1]))
        filtered, self._memory = signal.lfilter([1.0 - pole], [1.0, -pole], arriving, axis=0, zi=self._memory)
        return np.asarray(filtered)


def _read(wave: Floats32, index: Floats) -> Floats:
    """``wave`` (N,) at fractional ``index`` (n, M), zero outside: eight taps of a windowed sinc, from a table of 128
    fractions."""
    whole = np.floor(index).astype(np.int64)
    taps = _TABLE[np.rint((index - whole) * _STEPS).astype(np.int64)]
    places = whole[:, :, None] + (np.arange(_TAPS) - _TAPS // 2 + 1)
    inside = (places >= 0) & (places < len(wave))
    samples = np.where(inside, wave[np.clip(places, 0, max(len(wave) - 1, 0))], 0.0)
    read: Floats = np.einsum("nmt,nmt->nm", samples, taps)
    return read


def _sinc_table() -> Floats:
    fraction = np.arange(_STEPS + 1)[:, None] / _STEPS
    offset = np.arange(_TAPS)[None, :] - _TAPS // 2 + 1 - fraction
    table: Floats = np.sinc(offset) * np.cos(math.pi * offset / (_TAPS + 1)) ** 2
    return np.asarray(table / table.sum(axis=1, keepdims=True))


_TABLE = _sinc_table()
