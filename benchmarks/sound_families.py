# SPDX-License-Identifier: Apache-2.0
"""Sounds by other makers than those of ``sim.sound``, to judge a detector by that learned from those: other models of the same
events, and other things that are none. Each is (N,) at 16 kHz, of any scale; the same seed gives the same sound."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from scipy import signal

from patrol.checks import Floats

RATE_HZ = 16_000
Maker = Callable[[np.random.Generator], Floats]


def bottle(rng: np.random.Generator) -> Floats:
    """A vessel that bursts on stone: grains of high-passed noise that thin out as a power of time, each with one resonance, and a
    body mode before the break."""
    count = RATE_HZ * 3 // 2
    wave = np.zeros(count)
    wave[:1600] += 0.4 * np.sin(2 * np.pi * rng.uniform(900, 2400) * np.arange(1600) / RATE_HZ) * np.exp(-np.arange(1600) / 200)
    grains = int(rng.integers(60, 260))
    for at in (RATE_HZ * rng.uniform(0.0, 1.0, grains) ** rng.uniform(2.0, 4.0) * 0.9).astype(int):
        length = int(rng.integers(60, 700))
        grain = rng.standard_normal(length) * np.exp(-np.arange(length) / (0.2 * length))
        hz = rng.uniform(2500.0, 7400.0)
        grain = signal.lfilter(*signal.iirpeak(hz, rng.uniform(5.0, 40.0), fs=RATE_HZ), grain)
        wave[at : at + length] += grain[: max(count - at, 0)] * rng.pareto(2.5)
    return _high_passed(wave, rng.uniform(500.0, 1500.0))


def window(rng: np.random.Generator) -> Floats:
    """A pane: white noise through the modes of a plate (f ~ m² + n²) that die by modal damping, then a shower of clinks, each a
    sum of three sines at the ratios of a free bar (1, 2.76, 5.40)."""
    count = 2 * RATE_HZ
    wave = np.zeros(count)
    time_s = np.arange(count) / RATE_HZ
    base_hz = rng.uniform(90.0, 260.0)
    for m in range(1, 7):
        for n in range(1, 7):
            hz = base_hz * (m * m + n * n * rng.uniform(0.9, 1.1)) / 2.0
            if hz < 7800.0:
                wave += (
                    rng.uniform(0.1, 1.0)
                    * np.exp(-time_s * rng.uniform(15.0, 45.0))
                    * np.sin(2 * np.pi * hz * time_s + rng.uniform(0, 6))
                )
    burst = rng.standard_normal(count) * np.exp(-time_s / rng.uniform(0.02, 0.05))
    wave += rng.uniform(2.0, 5.0) * burst
    for at_s in rng.uniform(0.05, 0.2) + rng.gamma(1.5, 0.12, int(rng.integers(15, 60))):
        at = int(at_s * RATE_HZ)
        hz, now = rng.uniform(1500.0, 5500.0), time_s[: max(count - at, 0)]
        for ratio, share in ((1.0, 1.0), (2.756, 0.6), (5.404, 0.3)):
            if hz * ratio < 7800.0:
                wave[at:] += (
                    rng.uniform(0.3, 2.0) * share * np.exp(-now * rng.uniform(25.0, 90.0)) * np.sin(2 * np.pi * hz * ratio * now)
                )
    return wave


def call(rng: np.random.Generator) -> Floats:
    """A shout as a sum of harmonics under a moving spectral envelope of three Gaussian bumps, with jitter and two syllables or
    one."""
    count = int(rng.uniform(0.45, 1.4) * RATE_HZ)
    time_s = np.arange(count) / RATE_HZ
    pitch = rng.uniform(260.0, 600.0) * (
        1.0 + rng.uniform(0.05, 0.3) * np.sin(np.pi * time_s / time_s[-1]) + 0.01 * _drift(rng, count)
    )
    phase = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    bumps = [
        (rng.uniform(500, 1000), 180.0, 1.0),
        (rng.uniform(1100, 2300), 250.0, rng.uniform(0.4, 1.0)),
        (rng.uniform(2400, 3500), 400.0, rng.uniform(0.2, 0.7)),
    ]
    wave = np.zeros(count)
    for order in range(1, 26):
        hz = order * pitch
        shape = sum(share * np.exp(-0.5 * ((hz - middle) / width) ** 2) for middle, width, share in bumps) + 0.02
        wave += np.where(hz < 7500.0, shape, 0.0) * np.sin(order * phase + rng.uniform(0, 6))
    wave += 0.03 * rng.standard_normal(count) * np.abs(wave).mean()
    envelope = np.minimum(np.minimum(time_s / 0.03, 1.0), (time_s[-1] - time_s) / 0.08)
    if rng.random() < 0.5:
        envelope *= 1.0 - 0.9 * np.exp(-0.5 * ((time_s - rng.uniform(0.35, 0.6) * time_s[-1]) / 0.035) ** 2)
    return np.asarray(wave * np.clip(envelope, 0.0, 1.0))


def shriek(rng: np.random.Generator) -> Floats:
    """A scream as a frequency-modulated tone with subharmonics and clipping."""
    count = int(rng.uniform(0.6, 1.8) * RATE_HZ)
    time_s = np.arange(count) / RATE_HZ
    hz = rng.uniform(700.0, 1600.0) * (
        1.0 + rng.uniform(0.0, 0.15) * np.sin(np.pi * time_s / time_s[-1]) + 0.02 * _drift(rng, count)
    )
    phase = 2 * np.pi * np.cumsum(hz) / RATE_HZ
    tone = np.sin(phase) + rng.uniform(0.1, 0.5) * np.sin(0.5 * phase) + 0.5 * np.sin(2 * phase)
    tone *= 1.0 + rng.uniform(0.1, 0.6) * np.sin(2 * np.pi * rng.uniform(40.0, 120.0) * time_s)
    wave = np.tanh(rng.uniform(1.0, 4.0) * tone) + 0.05 * rng.standard_normal(count)
    return np.asarray(wave * np.clip(np.minimum(time_s / 0.05, (time_s[-1] - time_s) / 0.1), 0.0, 1.0))


def copter(rng: np.random.Generator) -> Floats:
    """Rotors as trains of asymmetric pressure pulses at each blade passage, with noise that is strongest as a blade passes."""
    count = int(rng.uniform(5.0, 9.0) * RATE_HZ)
    wave, hiss = np.zeros(count), rng.standard_normal(count)
    blade_hz = rng.uniform(95.0, 260.0)
    sharp = rng.uniform(1.5, 5.0)
    for _ in range(int(rng.choice([4, 4, 6]))):
        pace = blade_hz * (1.0 + rng.uniform(-0.05, 0.05) + 0.008 * _drift(rng, count))
        turn = np.cumsum(pace) / RATE_HZ + rng.uniform()
        pulse = np.exp(sharp * np.cos(2 * np.pi * turn)) * np.sin(2 * np.pi * turn + 0.6)
        odd = 1.0 + rng.uniform(0.0, 0.3) * np.cos(np.pi * turn)
        wave += (pulse - pulse.mean()) * odd + rng.uniform(0.05, 0.3) * hiss * (1.0 + np.cos(2 * np.pi * turn))
    time_s = np.arange(count) / RATE_HZ
    return np.asarray(wave * np.clip(np.minimum(time_s / 1.5, (time_s[-1] - time_s) / 1.5), 0.0, 1.0))


def songbird(rng: np.random.Generator) -> Floats:
    """Repeated syllables of two sweeps each."""
    count = int(rng.uniform(1.5, 4.0) * RATE_HZ)
    wave = np.zeros(count)
    low, high, length = rng.uniform(1800, 3500), rng.uniform(3600, 7000), int(rng.uniform(0.04, 0.15) * RATE_HZ)
    for at in range(0, count - length, int(length * rng.uniform(1.2, 3.0))):
        sweep = np.cumsum(np.linspace(low, high, length)[:: rng.choice([-1, 1])])
        wave[at : at + length] += np.sin(2 * np.pi * sweep / RATE_HZ) * np.hanning(length) * rng.uniform(0.5, 1.0)
    return wave


def lorry(rng: np.random.Generator) -> Floats:
    """An idling or pulling diesel: a train of exhaust thumps through a pipe's resonances, knocking, and rumble."""
    count = int(rng.uniform(4.0, 8.0) * RATE_HZ)
    fires = rng.uniform(22.0, 75.0) * (1.0 + 0.1 * _drift(rng, count)).clip(0.7, 1.3)
    thumps = np.diff(np.floor(np.cumsum(fires) / RATE_HZ), prepend=0.0) * (1.0 + 0.25 * rng.standard_normal(count))
    wave = np.zeros(count)
    for hz in rng.uniform(60.0, 900.0, 4):
        wave += signal.lfilter(*signal.iirpeak(hz, rng.uniform(1.5, 5.0), fs=RATE_HZ), thumps)
    knock = signal.lfilter(*signal.iirpeak(rng.uniform(1200, 2800), 2.0, fs=RATE_HZ), thumps * rng.standard_normal(count))
    wave += rng.uniform(0.1, 0.8) * knock + 0.02 * signal.lfilter([0.03], [1.0, -0.97], rng.standard_normal(count))
    return wave


def gate(rng: np.random.Generator) -> Floats:
    """A metal gate that falls shut: bar modes that ring, two or three bounces."""
    wave = np.zeros(RATE_HZ)
    time_s = np.arange(RATE_HZ) / RATE_HZ
    base_hz = rng.uniform(90.0, 300.0)
    for bounce in range(int(rng.integers(1, 4))):
        at = int(bounce * rng.uniform(0.06, 0.15) * RATE_HZ)
        for ratio in (1.0, 2.756, 5.404, 8.933):
            now = time_s[: RATE_HZ - at]
            wave[at:] += 0.5**bounce / ratio * np.exp(-now * rng.uniform(8.0, 30.0)) * np.sin(2 * np.pi * base_hz * ratio * now)
    return wave


def storm(rng: np.random.Generator) -> Floats:
    """Thunder: brown noise with a few blows."""
    count = int(rng.uniform(3.0, 6.0) * RATE_HZ)
    brown = signal.lfilter([1.0], [1.0, -0.995], rng.standard_normal(count))
    envelope = sum(
        np.exp(-0.5 * ((np.arange(count) / RATE_HZ - at) / rng.uniform(0.2, 0.8)) ** 2) for at in rng.uniform(0.3, 3.0, 4)
    )
    return _high_passed(brown * envelope, 20.0)


def chat(rng: np.random.Generator) -> Floats:
    """Speech as harmonics of a low voice under three bumps that wander from syllable to syllable, with breaths and hisses."""
    count = int(rng.uniform(2.5, 6.0) * RATE_HZ)
    time_s = np.arange(count) / RATE_HZ
    pitch = rng.uniform(85.0, 220.0) * (1.0 + 0.12 * _drift(rng, count))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    middles = [
        low + (high - low) * (0.5 + 0.3 * _drift(rng, count)).clip(0, 1) for low, high in ((300, 800), (900, 2200), (2300, 3200))
    ]
    wave = np.zeros(count)
    for order in range(1, 30):
        shape = sum(
            share * np.exp(-0.5 * ((order * pitch - middle) / 130.0) ** 2)
            for middle, share in zip(middles, (1.0, 0.35, 0.12), strict=True)
        )
        wave += shape * np.sin(order * phase)
    syllables = np.clip(np.sin(2 * np.pi * rng.uniform(1.5, 2.8) * time_s + 0.8 * _drift(rng, count)) + 0.3, 0.0, 1.0)
    hiss = _high_passed(rng.standard_normal(count), 3500.0) * (1.0 - syllables) * (rng.random() * 0.15)
    return np.asarray(wave * syllables + hiss * np.abs(wave).mean())


def alarm(rng: np.random.Generator) -> Floats:
    """Beeps or a two-tone siren."""
    count = int(rng.uniform(2.0, 5.0) * RATE_HZ)
    time_s = np.arange(count) / RATE_HZ
    low, high = sorted(rng.uniform(500.0, 3200.0, 2))
    which = signal.square(2 * np.pi * rng.uniform(0.7, 4.0) * time_s) > 0
    hz = np.where(which, high, low) if rng.random() < 0.5 else np.full(count, high)
    tone = (
        signal.square(2 * np.pi * np.cumsum(hz) / RATE_HZ) if rng.random() < 0.3 else np.sin(2 * np.pi * np.cumsum(hz) / RATE_HZ)
    )
    return tone * (which if rng.random() < 0.5 else 1.0)


def bark(rng: np.random.Generator) -> Floats:
    """A dog: short voiced bursts with a falling pitch."""
    wave = np.zeros(int(rng.uniform(1.0, 3.0) * RATE_HZ))
    top = rng.uniform(350.0, 900.0)
    at = 0
    while at < len(wave):
        length = min(int(rng.uniform(0.08, 0.2) * RATE_HZ), len(wave) - at)
        fall = np.linspace(1.0, rng.uniform(0.5, 0.8), length)
        phase = 2 * np.pi * np.cumsum(top * fall) / RATE_HZ
        burst = sum(np.sin(order * phase) / order**0.7 for order in range(1, 8)) + 0.8 * rng.standard_normal(length)
        wave[at : at + length] = burst * np.hanning(length)
        at += length + int(rng.uniform(0.1, 0.6) * RATE_HZ)
    return wave


def works(rng: np.random.Generator) -> Floats:
    """Tools: hammer blows, a saw that bites, or a compressor."""
    count = int(rng.uniform(2.0, 5.0) * RATE_HZ)
    time_s = np.arange(count) / RATE_HZ
    kind = rng.integers(3)
    if kind == 0:
        blows = (np.floor(time_s * rng.uniform(1.0, 4.0)) != np.floor((time_s - 1 / RATE_HZ) * rng.uniform(1.0, 4.0))).astype(
            np.float64
        )
        return np.asarray(signal.lfilter(*signal.iirpeak(rng.uniform(300, 2500), 6.0, fs=RATE_HZ), blows))
    if kind == 1:
        teeth = signal.sawtooth(2 * np.pi * np.cumsum(rng.uniform(300, 900) * (1 + 0.1 * _drift(rng, count))) / RATE_HZ)
        return teeth * (0.3 + 0.7 * (np.sin(2 * np.pi * 0.8 * time_s) > 0)) + 0.5 * rng.standard_normal(count)
    hum = sum(np.sin(2 * np.pi * 50.0 * order * time_s) / order for order in (1, 2, 3, 4, 6))
    return hum + 0.3 * _high_passed(rng.standard_normal(count), 300.0)


FAMILIES: Mapping[str, tuple[str, Maker]] = MappingProxyType(
    {
        "bottle": ("breaking glass", bottle),
        "window": ("breaking glass", window),
        "call": ("shouting", call),
        "shriek": ("shouting", shriek),
        "copter": ("rotor tone", copter),
        "songbird": ("", songbird),
        "lorry": ("", lorry),
        "gate": ("", gate),
        "storm": ("", storm),
        "chat": ("", chat),
        "alarm": ("", alarm),
        "bark": ("", bark),
        "works": ("", works),
    }
)
"""What each should be called (empty: nothing), and its maker."""


def _drift(rng: np.random.Generator, count: int) -> Floats:
    """A slow random curve (N,), of deviation about one."""
    knots = rng.standard_normal(max(count // (RATE_HZ // 8), 1) + 3)
    curve: Floats = np.interp(np.arange(count) / (RATE_HZ / 8), np.arange(len(knots)), knots)
    return curve


def _high_passed(wave: Floats, from_hz: float) -> Floats:
    return np.asarray(signal.sosfilt(signal.butter(2, from_hz, "highpass", fs=RATE_HZ, output="sos"), wave))
