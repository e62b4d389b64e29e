# SPDX-License-Identifier: Apache-2.0
"""Combs of harmonics in the last three quarters of a second, as rotors and engines make them; the background stays in, since such
sounds become background themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from patrol.checks import Floats
from perception.sound.frames import RATE_HZ

SPAN = 12_288
_WINDOW = 4096
_HANN = np.hanning(_WINDOW + 1)[:-1]
_HZ = np.fft.rfftfreq(_WINDOW, 1.0 / RATE_HZ)
_STEP_HZ = RATE_HZ / _WINDOW
_MEDIAN_BINS, _MOST_DB, _LINE_DB = 41, 15.0, 4.5
_HARMONICS = 14
_BASES_HZ = np.exp(np.linspace(np.log(30.0), np.log(420.0), 240))
_TOP_HZ = 3500.0
_BANDS_HZ = ((40.0, 150.0), (150.0, 600.0), (600.0, 2500.0), (2500.0, 7800.0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Comb:
    """The best comb: how far its teeth stand above what lies between them, its base, how many teeth there are, up to where; how
    much of the power (4,) is where, in dB of the whole; and the share of lines in bands."""

    salience_db: float
    base_hz: float
    teeth: float
    top_hz: float
    shares_db: Floats
    lines_db: Floats


def find_comb(samples: Floats) -> Comb:
    """The comb in ``samples`` (N, M), N at least ``SPAN``."""
    recent = samples[-SPAN:, : min(samples.shape[1], 2)]
    cut = np.stack([recent[at : at + _WINDOW] for at in range(0, SPAN - _WINDOW + 1, _WINDOW // 2)])
    spectrum = np.fft.rfft(cut * _HANN[:, None], axis=1)
    power = (np.abs(spectrum) ** 2).mean(axis=(0, 2)) + 1e-14
    level_db = 10.0 * np.log10(power)
    lines_db = np.clip(level_db - ndimage.median_filter(level_db, _MEDIAN_BINS, mode="nearest"), 0.0, _MOST_DB)
    peaks_db = ndimage.maximum_filter1d(lines_db, 3)
    on, between = peaks_db[_ON] * _USED, peaks_db[_BETWEEN] * _USED
    salience = (on - between).sum(axis=1) / _USED.sum(axis=1)
    best = int(np.argmax(salience))
    teeth = (on[best] > _LINE_DB) & (on[best] > between[best])
    last = int(np.flatnonzero(teeth)[-1]) + 1 if teeth.any() else 0
    total = power[_HZ > 40.0].sum()
    inside = [(low <= _HZ) & (high > _HZ) for low, high in _BANDS_HZ]
    return Comb(
        salience_db=float(salience[best]),
        base_hz=float(_BASES_HZ[best]),
        teeth=float(teeth.sum()),
        top_hz=last * float(_BASES_HZ[best]),
        shares_db=np.array([10.0 * np.log10(power[band].sum() / total + 1e-4) for band in inside]),
        lines_db=np.array([lines_db[band].mean() for band in inside]),
    )


def _tables() -> tuple[np.ndarray, np.ndarray, Floats]:
    order = np.arange(1, _HARMONICS + 1)
    on = np.rint(_BASES_HZ[:, None] * order / _STEP_HZ).astype(np.int64)
    between = np.rint(_BASES_HZ[:, None] * (order + 0.5) / _STEP_HZ).astype(np.int64)
    used = (_BASES_HZ[:, None] * order <= _TOP_HZ).astype(np.float64)
    most = len(_HZ) - 1
    return np.minimum(on, most), np.minimum(between, most), used


_ON, _BETWEEN, _USED = _tables()
