# SPDX-License-Identifier: Apache-2.0
"""What microphones have in common.

Drive and fan sit below the middle of the array: they reach all microphones at the same moment. Taking off what all have in common
is a null of the array towards the robot (Van Trees, "Optimum array processing", 2002); of a sound from the side it takes what
is much longer than the array. Wind is pressure on each microphone by itself, a source is heard by all: their coherence tells one
from the other (for wind: Corcos, "The structure of the turbulent pressure field in boundary-layer flows", 1964).
"""

from __future__ import annotations

import itertools

import numpy as np

from patrol.checks import Floats
from perception.sound.frames import WINDOW

_LEAST_WIDTH_M = 0.02
_FIRST_BIN, _LAST_BIN, _GROUP = 24, 408, 8
_STRIDE = WINDOW // 2
_HANN = np.hanning(WINDOW + 1)[:-1]


def without_own(samples: Floats, positions_m: Floats) -> Floats:
    """``samples`` (N, M) without what reaches all microphones at ``positions_m`` (M, 3) at once; as they are where the
    microphones do not span a plane, since a sound from the side may then do the same."""
    middle = positions_m[:, :2] - positions_m[:, :2].mean(axis=0)
    widths = np.linalg.svd(middle, compute_uv=False)
    if len(positions_m) < 3 or float(widths[1]) < _LEAST_WIDTH_M:
        return samples
    return np.asarray(samples - samples.mean(axis=1, keepdims=True))


def coherence(samples: Floats) -> float | None:
    """How alike the microphones hear ``samples`` (N, M), 0..1: the mean over pairs and over frequencies from 0.4 to 6.4 kHz, by
    how much there is in each. None where nobody can tell: one microphone, or too short."""
    starts = np.arange(0, len(samples) - WINDOW + 1, _STRIDE)
    if samples.shape[1] < 2 or len(starts) < 2:
        return None
    spectra = np.stack([np.fft.rfft(samples[start : start + WINDOW] * _HANN[:, None], axis=0) for start in starts])
    spectra = spectra[:, _FIRST_BIN:_LAST_BIN]
    each = _grouped(spectra.real**2 + spectra.imag**2)
    total = 0.0
    pairs = list(itertools.combinations(range(samples.shape[1]), 2))
    for one, other in pairs:
        cross = np.abs(_grouped((spectra[:, :, one] * spectra[:, :, other].conj())[:, :, None])[:, 0])
        size = np.sqrt(each[:, one] * each[:, other]) + 1e-20
        total += float(cross.sum() / size.sum())
    return total / len(pairs)


def _grouped(values: np.ndarray) -> np.ndarray:
    """Sums (G, M) over time and eight neighbouring frequencies of (T, F, M)."""
    return np.asarray(values.sum(axis=0).reshape(-1, _GROUP, values.shape[2]).sum(axis=1))
