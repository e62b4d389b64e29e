# SPDX-License-Identifier: Apache-2.0
"""What is measured of the last three quarters of a second. No measure depends on how loud a sound is, only on how far it stands
above the background; none says who speaks or what is said."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from patrol.checks import Floats
from perception.sound.comb import Comb
from perception.sound.frames import BINS_HZ, Frame

FRAMES = 48
_ACTIVE_DB = 3.0
_EDGES_HZ = (100.0, 300.0, 700.0, 1400.0, 2500.0, 4000.0, 5600.0, 7900.0)
_BAND_OF_BIN = np.digitize(BINS_HZ, _EDGES_HZ)
_BANDS = len(_EDGES_HZ) - 1
_SUMS = np.stack([(band + 1 == _BAND_OF_BIN).astype(np.float64) for band in range(_BANDS)], axis=1)
_HIGH = (BINS_HZ >= 1500.0) & (BINS_HZ <= 7800.0)
_LOG_HZ = np.log2(np.maximum(BINS_HZ, 60.0))
_VOICED = 0.45
_FLOOR_DB = -25.0

NAMES: tuple[str, ...] = (
    "rise_max", "rise_mean", "active", "attack", "peak_at", "fall_100ms", "fall_300ms", "rise_std",
    *(f"share_{round(edge)}" for edge in _EDGES_HZ[:-1]), *(f"first_{round(edge)}" for edge in _EDGES_HZ[:-1]),
    "centroid", "spread", "late_centroid", "flatness", "crest", "flux",
    "voiced", "voice_mean", "pitch", "pitch_std", "pitch_top", "longest_voiced",
    "comb", "comb_base", "comb_teeth", "comb_top", *(f"long_share_{number}" for number in range(4)), *(f"lines_{number}" for
    number in range(4)), )  # fmt: skip


def features(frames: Sequence[Frame], comb: Comb) -> Floats:
    """The measures (F,), in the order of ``NAMES``, of the last ``FRAMES`` frames."""
    rise = np.array([frame.rise_db for frame in frames])
    above = np.array([frame.above for frame in frames])
    active = rise > _ACTIVE_DB
    weighed = active if active.any() else np.ones(len(rise), dtype=np.bool_)
    parts = (_course(rise, active), *_spectra(rise, above, weighed), _pitches(frames, weighed), _of_comb(comb))
    return np.concatenate(parts)


def _course(rise: Floats, active: np.ndarray) -> Floats:
    """How it grew and fell."""
    positive = np.maximum(rise, -5.0)
    peak = int(np.argmax(positive))
    attack = float((positive[3:] - positive[:-3]).max())
    falls = [float(positive[peak] - positive[min(peak + after, len(rise) - 1)]) for after in (6, 18)]
    return np.array([positive[peak], positive.mean(), active.mean(), attack, peak / len(rise), *falls, positive.std()])


def _spectra(rise: Floats, above: Floats, weighed: np.ndarray) -> tuple[Floats, ...]:
    """Where in frequency it is, over all and at its beginning; how it is spread, how peaky, and how much it changes."""
    chosen = above[weighed]
    begin = int(np.argmax(np.concatenate([[0.0] * 3, np.maximum(rise, -5.0)[3:] - np.maximum(rise, -5.0)[:-3]])))
    centroid, spread = _centre(chosen.sum(axis=0))
    late, _ = _centre(above[min(begin + 6, len(above) - 1) :].sum(axis=0))
    high = chosen[:, _HIGH].sum(axis=0) + 1e-12
    flatness = 10.0 * float(np.log10(np.exp(np.log(high).mean()) / high.mean()))
    each = chosen[:, _HIGH] + 1e-12
    crest = 10.0 * float(np.log10((each.max(axis=1) / each.mean(axis=1)).mean()))
    shape = np.sqrt(chosen / (chosen.sum(axis=1, keepdims=True) + 1e-12))
    flux = float(1.0 - (shape[1:] * shape[:-1]).sum(axis=1).mean()) if len(shape) > 1 else 0.0
    return (
        _shares(chosen.sum(axis=0)),
        _shares(above[begin : begin + 4].sum(axis=0)),
        np.array([centroid, spread, late, flatness, crest, flux]),
    )


def _shares(spectrum: Floats) -> Floats:
    bands = spectrum @ _SUMS
    return np.asarray(np.maximum(10.0 * np.log10(bands / max(float(bands.sum()), 1e-12) + 1e-9), _FLOOR_DB))


def _centre(spectrum: Floats) -> tuple[float, float]:
    """Middle and spread in octaves."""
    total = max(float(spectrum.sum()), 1e-12)
    middle = float(spectrum @ _LOG_HZ) / total
    return middle, float(np.sqrt(max(float(spectrum @ (_LOG_HZ - middle) ** 2) / total, 0.0)))


def _pitches(frames: Sequence[Frame], weighed: np.ndarray) -> Floats:
    voice = np.array([frame.voice for frame in frames])
    pitch = np.log2(np.maximum([frame.pitch_hz for frame in frames], 60.0))
    voiced = weighed & (voice > _VOICED)
    runs = (
        np.diff(np.flatnonzero(np.diff(np.concatenate([[False], voiced, [False]]).astype(np.int8)))[:])
        if voiced.any()
        else np.zeros(1)
    )
    longest = float(runs[::2].max()) / len(frames) if voiced.any() else 0.0
    told = pitch[voiced] if voiced.any() else np.array([np.log2(60.0)])
    return np.array(
        [voiced.sum() / max(weighed.sum(), 1), voice[weighed].mean(), np.median(told), told.std(), told.max(), longest]
    )


def _of_comb(comb: Comb) -> Floats:
    return np.array(
        [comb.salience_db, np.log2(comb.base_hz), comb.teeth, np.log2(comb.top_hz + 60.0), *comb.shares_db, *comb.lines_db]
    )
