# SPDX-License-Identifier: Apache-2.0
"""Sounds that begin with a blow: a pane that breaks, a door that slams, thunder."""

from __future__ import annotations

import numpy as np

from patrol.checks import Floats
from sim.sound.waves import count_of, noise_band, partials, ramps, wander


def glass(rng: np.random.Generator, duration_s: float) -> Floats:
    """A thud as the pane gives way, a burst of the fracture, then shards that ring as they hit the ground: plates with inharmonic
    partials of 2 to 8 kHz that last some 10 ms, ever rarer (the two phases that glass-break detectors look for)."""
    count = count_of(duration_s)
    wave = np.zeros(count)
    thud_hz = rng.uniform(60.0, 350.0)
    modes = 1 + int(rng.integers(1, 4))
    _put(
        wave,
        0,
        partials(
            rng,
            count_of(0.15),
            thud_hz * (1.0 + np.arange(modes) * rng.uniform(0.4, 0.9)),
            np.full(modes, 0.02),
            np.full(modes, rng.uniform(0.2, 1.2)),
        ),
    )
    burst = noise_band(rng, count_of(0.25), rng.uniform(900.0, 2500.0), 7800.0)
    burst *= np.exp(-np.arange(len(burst)) / count_of(rng.uniform(0.012, 0.07)))
    _put(wave, count_of(rng.uniform(0.0, 0.012)), burst * rng.uniform(0.6, 1.5) / (np.std(burst[:200]) + 1e-9))
    shards = int(rng.integers(10, 160))
    fall_s, spread_s = rng.uniform(0.0, 0.35), rng.uniform(0.05, 0.5)
    for at_s in fall_s + rng.exponential(spread_s, shards):
        lowest_hz = rng.uniform(1800.0, 6000.0)
        ring = int(rng.integers(2, 6))
        hz = lowest_hz * np.cumprod(np.concatenate([[1.0], rng.uniform(1.05, 1.7, ring - 1)]))
        hz = hz[hz < 7900.0]
        decay_s = np.exp(rng.uniform(np.log(0.001), np.log(0.05), len(hz)))
        shard = partials(rng, count_of(0.3), hz, decay_s, rng.uniform(0.2, 1.0, len(hz)))
        _put(wave, count_of(at_s), shard * rng.lognormal(-0.9, 0.6))
    return wave


def door(rng: np.random.Generator, duration_s: float) -> Floats:
    """A blow on wood or sheet metal: low modes, a short rattle of the latch."""
    wave = np.zeros(count_of(duration_s))
    modes = int(rng.integers(4, 10))
    hz = rng.uniform(50.0, 140.0) * np.cumprod(np.concatenate([[1.0], rng.uniform(1.15, 1.7, modes - 1)]))
    decay_s = rng.uniform(0.03, 0.14) * (hz[0] / hz) ** 0.5
    _put(wave, 0, partials(rng, len(wave), hz, decay_s, rng.uniform(0.3, 1.0, modes) * (hz[0] / hz) ** 0.6))
    click = noise_band(rng, count_of(0.04), 400.0, rng.uniform(1500.0, 4000.0)) * rng.uniform(0.1, 0.5)
    for at_s in (0.0, rng.uniform(0.01, 0.06)):
        _put(wave, count_of(at_s), click * np.exp(-np.arange(len(click)) / count_of(0.008)))
    return wave


def thunder(rng: np.random.Generator, duration_s: float) -> Floats:
    """Claps and a long roll below 300 Hz."""
    count = count_of(duration_s)
    roll = noise_band(rng, count, 20.0, rng.uniform(120.0, 300.0))
    rolling = np.exp(0.8 * wander(rng, count, 0.4)) * np.exp(-np.arange(count) / count_of(0.4 * duration_s))
    wave = roll * rolling * ramps(count, rng.uniform(0.02, 0.5), 0.2 * duration_s)
    if rng.random() < 0.5:
        clap = noise_band(rng, count_of(0.5), 40.0, rng.uniform(400.0, 1500.0))
        _put(wave, count_of(rng.uniform(0.0, 0.3)), 2.0 * clap * np.exp(-np.arange(len(clap)) / count_of(0.1)))
    return np.asarray(wave)


def _put(wave: Floats, at: int, part: Floats) -> None:
    """Add ``part`` to ``wave`` from sample ``at`` on, as far as there is room."""
    room = max(min(len(part), len(wave) - at), 0)
    wave[at : at + room] += part[:room]
