# SPDX-License-Identifier: Apache-2.0
"""People and birds. A voice is a train of glottal pulses through the resonances of a throat (Fant, "Acoustic theory of speech
production", 1960), with breath noise; loud voices are higher and brighter (Titze, "Principles of voice production", 1994)."""

from __future__ import annotations

import numpy as np
from scipy import signal

from patrol.checks import Floats
from sim.sound.waves import RATE_HZ, count_of, noise_band, ramps, wander

_VOWELS_HZ = ((730, 1090, 2440), (530, 1840, 2480), (270, 2290, 3010), (570, 840, 2410), (300, 870, 2240), (660, 1720, 2410))
"""First three formants of men's American vowels (Peterson and Barney, 1952)."""
_WIDTHS_HZ = (80.0, 110.0, 160.0, 250.0)


def shout(rng: np.random.Generator, duration_s: float) -> Floats:
    """One to four called syllables."""
    syllables = int(rng.integers(1, 5))
    size = rng.uniform(1.0, 1.25)
    pitch_hz = rng.uniform(230.0, 520.0)
    length_s = duration_s / syllables
    parts = []
    for _ in range(syllables):
        part = _vowel(
            rng, length_s * rng.uniform(0.7, 0.95), pitch_hz * rng.uniform(0.85, 1.2), size, tilt=rng.uniform(0.45, 0.8)
        )
        parts += [part, np.zeros(count_of(length_s * rng.uniform(0.02, 0.12)))]
    return np.concatenate(parts)


def scream(rng: np.random.Generator, duration_s: float) -> Floats:
    """One long, high and rough tone; roughness is a modulation of 30 to 150 Hz (Arnal et al., "Human screams occupy a privileged
    niche in the communication soundscape", 2015)."""
    wave = _vowel(rng, duration_s, rng.uniform(600.0, 1500.0), rng.uniform(1.05, 1.3), tilt=rng.uniform(0.6, 0.9))
    rough_hz = rng.uniform(30.0, 150.0) * (1.0 + 0.1 * wander(rng, len(wave), 0.1))
    depth = rng.uniform(0.2, 0.8)
    rough: Floats = wave * (1.0 - depth * (0.5 + 0.5 * np.sin(2.0 * np.pi * np.cumsum(rough_hz) / RATE_HZ)))
    return rough


def talking(rng: np.random.Generator, duration_s: float) -> Floats:
    """Two to six syllables a second at a calm pitch, with pauses and hissed consonants."""
    size, pitch_hz, tilt = rng.uniform(1.0, 1.25), rng.uniform(80.0, 260.0), rng.uniform(0.08, 0.55)
    parts: list[Floats] = []
    total = 0
    while total < count_of(duration_s):
        vowel = _vowel(rng, rng.uniform(0.08, 0.28), pitch_hz * rng.uniform(0.85, 1.2), size, tilt=tilt * rng.uniform(0.7, 1.0))
        vowel /= np.abs(vowel).max() + 1e-9
        hiss = noise_band(rng, count_of(rng.uniform(0.02, 0.1)), rng.uniform(1500.0, 3500.0), 7500.0) * rng.uniform(0.02, 0.15)
        pause = np.zeros(count_of(rng.uniform(0.01, 0.08) if rng.random() < 0.8 else rng.uniform(0.2, 0.7)))
        parts += [hiss, vowel * rng.uniform(0.4, 1.0), pause]
        total += sum(len(part) for part in parts[-3:])
    return np.concatenate(parts)[: count_of(duration_s)]


def bird(rng: np.random.Generator, duration_s: float) -> Floats:
    """Whistled notes and trills between 1.8 and 7 kHz."""
    count = count_of(duration_s)
    song = np.zeros(count)
    base_hz, at = rng.uniform(2000.0, 5500.0), 0
    while at < count:
        length = min(count_of(rng.uniform(0.03, 0.35)), count - at)
        step = np.arange(length) / max(length, 1)
        glide = 1.0 + rng.uniform(-0.3, 0.3) * step + rng.uniform(0.0, 0.12) * np.sin(2.0 * np.pi * rng.uniform(5.0, 40.0) * step)
        hz = np.clip(base_hz * rng.uniform(0.75, 1.3) * glide, 1500.0, 7200.0)
        note = np.sin(2.0 * np.pi * np.cumsum(hz) / RATE_HZ) * ramps(length, 0.01, 0.02)
        song[at : at + length] += note * rng.uniform(0.3, 1.0)
        at += length + count_of(rng.uniform(0.02, 0.15) if rng.random() < 0.75 else rng.uniform(0.3, 1.2))
    return song


def _vowel(rng: np.random.Generator, duration_s: float, pitch_hz: float, size: float, *, tilt: float) -> Floats:
    """A vowel that glides to another. ``size`` scales the formants (women and children above men), ``tilt`` is how little the
    source falls off towards high frequencies: 0 calm, 1 screaming."""
    count = count_of(duration_s)
    arc = np.sin(np.pi * np.arange(count) / count) * rng.uniform(0.0, 0.35)
    shape = 1.0 + arc + rng.uniform(-0.1, 0.05) * np.arange(count) / count
    hz = (
        pitch_hz
        * shape
        * (
            1.0
            + 0.01 * wander(rng, count, 0.03)
            + 0.012 * np.sin(2.0 * np.pi * rng.uniform(4.0, 7.0) * np.arange(count) / RATE_HZ)
        )
    )
    phase = np.cumsum(hz) / RATE_HZ
    pulses = np.diff(np.floor(phase), prepend=0.0) * (1.0 + 0.1 * rng.standard_normal(count))
    pole = np.exp(-2.0 * np.pi * (80.0 + 3500.0 * tilt**2) / RATE_HZ)
    source = signal.lfilter([1.0 - pole], [1.0, -pole], pulses)
    source += rng.uniform(0.002, 0.02) * np.sqrt(np.mean(source**2)) * rng.standard_normal(count)
    first, second = (_VOWELS_HZ[int(rng.integers(len(_VOWELS_HZ)))] for _ in range(2))
    blend = np.clip(1.5 * np.arange(count) / count - 0.25, 0.0, 1.0)
    voiced = (1.0 - blend) * _through(source, first, size) + blend * _through(source, second, size)
    return np.asarray(voiced * ramps(count, rng.uniform(0.01, 0.05), rng.uniform(0.03, 0.1)))


def _through(source: Floats, formants_hz: tuple[int, int, int], size: float) -> Floats:
    """``source`` (N,) through a throat: four resonances in a row, and radiation at the lips (a difference)."""
    wave = np.diff(source, prepend=0.0)
    for hz, width_hz in zip((*formants_hz, 3600), _WIDTHS_HZ, strict=True):
        radius = np.exp(-np.pi * width_hz * size / RATE_HZ)
        turn = 2.0 * np.pi * min(hz * size, 0.47 * RATE_HZ) / RATE_HZ
        poles = [1.0, -2.0 * radius * np.cos(turn), radius**2]
        wave = signal.lfilter([sum(poles)], poles, wave)
    return np.asarray(wave)
