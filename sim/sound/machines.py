# SPDX-License-Identifier: Apache-2.0
"""Rotors and engines: combs of harmonics that breathe, and the noise of air and exhaust."""

from __future__ import annotations

import numpy as np

from patrol.checks import Floats
from sim.sound.waves import RATE_HZ, comb, count_of, noise_band, ramps, wander


def rotor(rng: np.random.Generator, duration_s: float) -> Floats:
    """A multicopter: four to eight rotors of two or three blades, each at a pace of its own that the controller keeps changing; a
    comb at the blade passing frequency, a weaker one at the shaft's, broad-band noise of the blades' wake, and the whine of
    the motors (shape after Kloet, Watkins, Clothier, "Acoustic signature measurement of small multi-rotor unmanned aircraft
    systems", 2017)."""
    count = count_of(duration_s)
    blades = 2 if rng.random() < 0.75 else 3
    shaft_hz = rng.uniform(45.0, 110.0)
    fall, strength = rng.uniform(0.5, 1.4), rng.uniform(0.05, 0.35)
    common = 0.015 * wander(rng, count, 0.5)
    wave = np.zeros(count)
    for _ in range(int(rng.choice([4, 4, 6, 8]))):
        pace = shaft_hz * (1.0 + rng.uniform(-0.06, 0.06) + common + 0.01 * wander(rng, count, 0.15))
        order = np.arange(1, int(6000.0 / shaft_hz))
        weights = np.where(order % blades == 0, 1.0, strength) * (order / blades) ** -fall * rng.uniform(0.5, 1.0, len(order))
        wave += comb(np.cumsum(pace) / RATE_HZ, weights, rng.uniform(0.0, 2.0 * np.pi, len(order)))
    wave /= np.std(wave)
    air = noise_band(rng, count, rng.uniform(400.0, 1500.0), rng.uniform(4000.0, 7500.0))
    wave += rng.uniform(0.1, 0.6) * air / np.std(air) * (1.0 + 0.2 * wander(rng, count, 0.1))
    whine_hz = shaft_hz * rng.choice([7, 12, 14]) * blades * (1.0 + common)
    wave += rng.uniform(0.0, 0.25) * np.sin(2.0 * np.pi * np.cumsum(whine_hz) / RATE_HZ)
    return wave * ramps(count, min(1.0, 0.3 * duration_s), min(1.0, 0.3 * duration_s))


def car(rng: np.random.Generator, duration_s: float) -> Floats:
    """A four-stroke engine of three to eight cylinders that is revved and let go, with tyres and exhaust."""
    count = count_of(duration_s)
    cylinders = int(rng.choice([3, 4, 4, 6, 8]))
    turns_hz = rng.uniform(11.0, 35.0) * (1.0 + 0.25 * wander(rng, count, 1.0)).clip(0.6, 2.0)
    phase = np.cumsum(0.5 * turns_hz) / RATE_HZ
    order = np.arange(1, 80)
    weights = np.where(order % cylinders == 0, 1.0, rng.uniform(0.05, 0.3)) * order ** -rng.uniform(0.6, 1.3)
    wave = comb(phase, weights * rng.uniform(0.4, 1.0, len(order)), rng.uniform(0.0, 2.0 * np.pi, len(order)))
    wave /= np.std(wave)
    tyres = noise_band(rng, count, rng.uniform(50.0, 200.0), rng.uniform(700.0, 2000.0))
    wave += rng.uniform(0.2, 1.2) * tyres / np.std(tyres) * (1.0 + 0.2 * wander(rng, count, 0.3))
    return wave * ramps(count, 0.3, 0.3)
