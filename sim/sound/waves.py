# SPDX-License-Identifier: Apache-2.0
"""Pieces that sounds are made of. Everything here is mono, float32 or float64, at ``RATE_HZ``."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import signal

from patrol.checks import Floats

Reals = npt.NDArray[np.floating]
RATE_HZ = 16_000
REFERENCE_PA = 2e-5
_LOUDEST_S = 0.125


def count_of(duration_s: float) -> int:
    """How many samples that is; at least one."""
    return max(round(duration_s * RATE_HZ), 1)


def at_level(wave: Floats, level_db: float) -> Floats:
    """``wave`` (N,) in pascal, so that its loudest eighth of a second has this sound pressure level (time weighting "fast")."""
    window = min(count_of(_LOUDEST_S), len(wave))
    energy = np.convolve(wave**2, np.ones(window) / window, mode="valid").max()
    scaled: Floats = wave * (REFERENCE_PA * 10.0 ** (level_db / 20.0) / np.sqrt(max(energy, 1e-30)))
    return scaled


def noise_band(rng: np.random.Generator, count: int, low_hz: float, high_hz: float) -> Floats:
    """Gaussian noise (N,) between two frequencies, with soft edges (Butterworth, second order)."""
    white = rng.standard_normal(count)
    high = min(high_hz, 0.49 * RATE_HZ)
    sections = signal.butter(2, [max(low_hz, 20.0), high], btype="bandpass", fs=RATE_HZ, output="sos")
    shaped: Floats = signal.sosfilt(sections, white)
    return shaped


def ramps(count: int, rise_s: float, fall_s: float) -> Floats:
    """An envelope (N,) that rises from zero and falls back to it, along raised cosines."""
    envelope = np.ones(count)
    rise, fall = min(count_of(rise_s), count), min(count_of(fall_s), count)
    envelope[:rise] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(rise) / rise)
    envelope[count - fall :] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(fall) / fall)
    return envelope


def wander(rng: np.random.Generator, count: int, every_s: float) -> Floats:
    """A smooth random curve (N,) of mean zero and deviation about one, that changes its mind every ``every_s``."""
    knots = int(np.ceil(count / RATE_HZ / every_s)) + 4
    at = np.arange(knots) * every_s * RATE_HZ
    curve: Floats = np.interp(np.arange(count) + every_s * RATE_HZ, at, rng.standard_normal(knots))
    width = count_of(0.5 * every_s)
    smooth: Floats = np.convolve(np.pad(curve, width, mode="edge"), np.ones(width) / width, mode="same")[width : width + count]
    return smooth


def partials(rng: np.random.Generator, count: int, hz: Reals, decay_s: Reals, strength: Reals) -> Floats:
    """Damped sines (N,) that begin together: frequencies, times to 1/e and strengths (P,), with random phases."""
    time_s = np.arange(count) / RATE_HZ
    total = np.zeros(count)
    for each_hz, each_s, each, phase in zip(hz, decay_s, strength, rng.uniform(0.0, 2.0 * np.pi, len(hz)), strict=True):
        heard = min(count_of(7.0 * each_s), count)
        now = time_s[:heard]
        total[:heard] += each * np.exp(-now / each_s) * np.sin(2.0 * np.pi * each_hz * now + phase)
    return total


def comb(phase: Reals, strengths: Reals, phases: Reals) -> Floats:
    """A harmonic tone (N,) of this running ``phase`` (N,) in turns; harmonics of ``strengths`` (H,) and ``phases`` (H,) rad, read
    from a table of one turn."""
    size = 2048
    turn = np.arange(size + 1) / size
    order = np.arange(1, len(strengths) + 1)
    table = np.sin(2.0 * np.pi * turn[:, None] * order + phases) @ strengths
    tone: Floats = np.interp(phase % 1.0, turn, table)
    return tone
