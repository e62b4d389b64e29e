# SPDX-License-Identifier: Apache-2.0
"""Sounds that nothing was tuned on, to be run once with a frozen detector: other models again, other things that are none, each
at a level at 1 m that is usual for it. Each is (N,) at 16 kHz; the same seed gives the same sound."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from scipy import ndimage, signal

from benchmarks.sound_families import RATE_HZ, Maker
from patrol.checks import Floats


def pane(rng: np.random.Generator) -> Floats:
    """A pane that is hit: a blow through a hundred modes of the sheet, and after a fall a rain of shards, each of a few modes."""
    wave = np.zeros(RATE_HZ * 2)
    _add(wave, 0.0, _struck(rng, rng.uniform(300.0, 7800.0, 100), rng.uniform(0.01, 0.06)) * rng.uniform(1.0, 3.0))
    fall_s = rng.uniform(0.12, 0.5)
    for at_s in fall_s + rng.weibull(1.3, int(rng.integers(20, 120))) * rng.uniform(0.1, 0.4):
        shard = _struck(rng, rng.uniform(2000.0, 7800.0, int(rng.integers(3, 9))), rng.uniform(0.003, 0.03))
        _add(wave, at_s, shard * rng.lognormal(-1.0, 0.7))
    return wave


def tumbler(rng: np.random.Generator) -> Floats:
    """A drinking glass that falls on stone: its ring for an instant, a burst, and a few pieces that roll."""
    wave = np.zeros(RATE_HZ * 3 // 2)
    _add(wave, 0.0, _struck(rng, rng.uniform(1500.0, 5000.0) * np.array([1.0, 2.3, 4.2]), 0.01))
    _add(wave, 0.006, _burst(rng, 0.2, rng.uniform(0.01, 0.04), 1500.0) * rng.uniform(0.7, 2.0))
    for at_s in 0.03 + rng.exponential(0.22, int(rng.integers(8, 45))):
        _add(wave, at_s, _struck(rng, rng.uniform(2500.0, 7800.0, 4), rng.uniform(0.004, 0.04)) * rng.uniform(0.05, 0.6))
    return wave


def yell(rng: np.random.Generator) -> Floats:
    """ "Help", "hey": a breath, a loud vowel of Rosenberg pulses through three formants, cut off or let fall."""
    length_s = rng.uniform(0.35, 1.3)
    pitch = rng.uniform(240.0, 480.0) * (1.0 + rng.uniform(0.03, 0.25) * _arch(length_s) + 0.012 * _noise(rng, length_s, 0.02))
    turn = (np.cumsum(pitch) / RATE_HZ) % 1.0
    opens = rng.uniform(0.35, 0.55)
    pulses = np.where(turn < opens, np.sin(np.pi * turn / opens) ** 2, 0.0) * (1.0 + 0.05 * _noise(rng, length_s, 0.005))
    voice = np.diff(pulses, prepend=0.0)
    for middle_hz, width_hz in zip(
        rng.uniform((550.0, 1100.0, 2500.0), (950.0, 2100.0, 3400.0)), (110.0, 140.0, 220.0), strict=True
    ):
        voice = voice + rng.uniform(1.0, 3.0) * signal.lfilter(
            *signal.iirpeak(middle_hz, middle_hz / width_hz, fs=RATE_HZ), voice
        )
    wave = np.zeros(len(voice) + RATE_HZ // 8)
    _add(wave, 0.0, _burst(rng, 0.09, 0.08, 900.0) * 0.1 * np.abs(voice).max())
    _add(wave, 0.07, voice * np.minimum(np.minimum(np.arange(len(voice)) / 400.0, np.arange(len(voice))[::-1] / 900.0), 1.0))
    return wave


def panic(rng: np.random.Generator) -> Floats:
    """A scream whose pitch breaks: a high voice that leaps, with hoarseness that comes and goes."""
    length_s = rng.uniform(0.6, 1.8)
    steps = ndimage.uniform_filter1d(np.repeat(rng.uniform(0.8, 1.25, 6), int(length_s * RATE_HZ / 6) + 1), 800)
    pitch = rng.uniform(550.0, 1250.0) * steps[: int(length_s * RATE_HZ)]
    pitch = pitch * (1.0 + 0.015 * _noise(rng, length_s, 0.015)[: len(pitch)])
    phase = 2.0 * np.pi * np.cumsum(pitch) / RATE_HZ
    tone = sum(np.sin(order * phase + rng.uniform(0.0, 6.0)) / order ** rng.uniform(0.5, 1.2) for order in range(1, 7))
    hoarse = np.clip(_noise(rng, length_s, 0.15)[: len(pitch)], 0.0, 1.0)
    wave = tone * (1.0 - 0.5 * hoarse * (np.sin(0.5 * phase) > 0)) + 0.3 * hoarse * rng.standard_normal(len(pitch))
    return np.asarray(wave * _ends(len(pitch), 0.04, 0.15))


def quad(rng: np.random.Generator) -> Floats:
    """Four rotors: a force that turns and thickens twice a turn, trimmed against gusts, over the noise of the tips."""
    length_s = rng.uniform(6.0, 9.0)
    count = int(length_s * RATE_HZ)
    wave, gust = np.zeros(count), _noise(rng, length_s, 0.4)
    turns_hz = rng.uniform(55.0, 120.0)
    for _ in range(4):
        pace = turns_hz * (
            1.0 + rng.uniform(-0.05, 0.05) + 0.02 * rng.choice([-1.0, 1.0]) * gust + 0.006 * _noise(rng, length_s, 0.1)
        )
        angle = 2.0 * np.pi * np.cumsum(pace) / RATE_HZ + rng.uniform(0.0, 6.0)
        for order in range(1, 20):
            loud = order ** -rng.uniform(0.7, 1.1) * (1.0 + 0.2 * _noise(rng, length_s, 0.2))
            wave += loud * np.sin(2 * order * angle + rng.uniform(0.0, 6.0)) + 0.15 * loud * np.sin((2 * order - 1) * angle)
    tips = np.asarray(
        signal.sosfilt(signal.butter(2, (900.0, 6000.0), "bandpass", fs=RATE_HZ, output="sos"), rng.standard_normal(count))
    )
    return np.asarray((wave / wave.std() + rng.uniform(0.2, 0.7) * tips / tips.std()) * _ends(count, 1.0, 1.0))


def crow(rng: np.random.Generator) -> Floats:
    """Caws: rough voices of a third of a second, two to five in a row."""
    wave = np.zeros(RATE_HZ * 3)
    for number in range(int(rng.integers(2, 6))):
        length_s = rng.uniform(0.2, 0.4)
        hz = rng.uniform(450.0, 800.0) * (1.0 + 0.1 * _arch(length_s))
        turn = np.cumsum(hz) / RATE_HZ % 1.0
        caw = np.where(turn < 0.3, 1.0, -0.4) + 0.6 * rng.standard_normal(len(turn))
        caw = signal.lfilter(*signal.iirpeak(rng.uniform(1200.0, 1900.0), 2.0, fs=RATE_HZ), caw)
        _add(wave, 0.5 * number, caw * _ends(len(turn), 0.03, 0.08))
    return wave


def motorbike(rng: np.random.Generator) -> Floats:
    """Passes with its gears: firing that climbs and falls back."""
    length_s = rng.uniform(4.0, 7.0)
    fires = rng.uniform(40.0, 90.0) * (
        1.0 + signal.sawtooth(2.0 * np.pi * np.arange(int(length_s * RATE_HZ)) / RATE_HZ / 1.6) * 0.35 + 0.5
    )
    beat = np.exp(6.0 * np.cos(2.0 * np.pi * np.cumsum(fires) / RATE_HZ)) / 400.0
    wave = beat + 0.3 * signal.lfilter(*signal.iirpeak(rng.uniform(200.0, 700.0), 2.0, fs=RATE_HZ), beat)
    hiss = rng.standard_normal(len(wave)) * 0.1 * wave.std()
    return np.asarray((wave - wave.mean() + hiss) * _arch(length_s))


def aircon(rng: np.random.Generator) -> Floats:
    """An outdoor unit that starts: blades, a compressor at the mains, rushing air."""
    length_s = rng.uniform(5.0, 8.0)
    time_s = np.arange(int(length_s * RATE_HZ)) / RATE_HZ
    speed = rng.uniform(8.0, 20.0) * (1.0 - np.exp(-time_s / 1.2))
    blades = np.exp(2.0 * np.cos(2.0 * np.pi * rng.integers(3, 6) * np.cumsum(speed) / RATE_HZ))
    hum = sum(np.sin(2.0 * np.pi * 50.0 * order * time_s + rng.uniform(0.0, 6.0)) / order for order in range(1, 9))
    air = ndimage.uniform_filter1d(rng.standard_normal(len(time_s)), 6)
    return np.asarray((0.3 * (blades - blades.mean()) + 0.2 * hum + 2.0 * air * speed / 20.0) * _ends(len(time_s), 0.3, 0.5))


def crate(rng: np.random.Generator) -> Floats:
    """A crate of empty bottles that is carried: they clink and do not break."""
    wave = np.zeros(RATE_HZ * 3)
    tones_hz = rng.uniform(1700.0, 4500.0, 8)
    for at_s in np.cumsum(rng.gamma(1.0, rng.uniform(0.05, 0.2), 40)):
        hz = rng.choice(tones_hz) * np.array([1.0, 1.6, 2.4])
        _add(wave, at_s, _struck(rng, hz, rng.uniform(0.02, 0.08)) * rng.uniform(0.2, 1.0))
    return wave


def bell(rng: np.random.Generator) -> Floats:
    """A church bell: partials at the classic ratios, struck a few times."""
    wave = np.zeros(RATE_HZ * 5)
    strike_hz = rng.uniform(250.0, 700.0)
    for number in range(3):
        for ratio, fade_s in ((0.5, 2.0), (1.0, 1.2), (1.19, 1.0), (1.5, 0.7), (2.0, 0.8), (2.66, 0.4), (4.0, 0.2)):
            time_s = np.arange(RATE_HZ * 2) / RATE_HZ
            _add(wave, 1.5 * number, np.sin(2.0 * np.pi * strike_hz * ratio * time_s) * np.exp(-time_s / fade_s) / ratio)
    return wave


def police(rng: np.random.Generator) -> Floats:
    """A siren that passes: a wail of a horn loudspeaker with Doppler."""
    length_s = rng.uniform(4.0, 7.0)
    time_s = np.arange(int(length_s * RATE_HZ)) / RATE_HZ
    sweep = 0.5 - 0.5 * np.cos(2.0 * np.pi * time_s / rng.choice([0.35, 3.5, 5.0]))
    hz = rng.uniform(600.0, 750.0) * 2.2**sweep * (1.0 - 0.04 * np.tanh((time_s - 0.5 * length_s) * 2.0))
    wave = np.clip(1.6 * np.sin(2.0 * np.pi * np.cumsum(hz) / RATE_HZ), -1.0, 1.0)
    return np.asarray(wave * (0.3 + _arch(length_s)))


def quarrel_far(rng: np.random.Generator) -> Floats:
    """Two people who talk in turn, a low and a higher voice, with consonants; raised a little, not shouted."""
    parts = []
    for number in range(int(rng.integers(8, 16))):
        pitch_hz = (110.0, 205.0)[number // 4 % 2] * rng.uniform(0.9, 1.15)
        length_s = rng.uniform(0.1, 0.25)
        turn = np.cumsum(pitch_hz * (1.0 - 0.1 * np.arange(int(length_s * RATE_HZ)) / (length_s * RATE_HZ))) / RATE_HZ % 1.0
        pulses = np.diff(np.where(turn < 0.6, np.sin(np.pi * turn / 0.6) ** 2, 0.0), prepend=0.0)
        vowel = sum(
            signal.lfilter(*signal.iirpeak(rng.uniform(low, high), 6.0, fs=RATE_HZ), pulses) / (1 + place)
            for place, (low, high) in enumerate(((300, 750), (900, 2100), (2300, 3000)))
        )
        vowel = vowel / np.abs(vowel).max() * _ends(len(pulses), 0.02, 0.04)
        parts += [
            _burst(rng, 0.05, 0.04, 2500.0) * rng.uniform(0.01, 0.05),
            vowel,
            np.zeros(int(rng.uniform(0.02, 0.25) * RATE_HZ)),
        ]
    return np.concatenate(parts)


def jackhammer(rng: np.random.Generator) -> Floats:
    """Blows a dozen times a second on stone, in bursts."""
    wave, at_s = np.zeros(RATE_HZ * 4), 0.0
    rate_hz, tones_hz = rng.uniform(9.0, 25.0), rng.uniform(400.0, 4000.0, 6)
    while at_s < 3.8:
        if at_s % 2.0 < 1.4:
            _add(wave, at_s, _struck(rng, tones_hz, 0.01))
            _add(wave, at_s, 0.5 * _burst(rng, 0.04, 0.008, 500.0))
        at_s += rng.normal(1.0, 0.03) / rate_hz
    return wave


def dump(rng: np.random.Generator) -> Floats:
    """Gravel or scrap that is tipped: a slide of dull blows and a boom."""
    wave = np.zeros(RATE_HZ * 3)
    for at_s in rng.beta(2.0, 3.0, 180) * 2.4:
        _add(wave, at_s, _struck(rng, np.exp(rng.uniform(5.3, 7.9, 4)), rng.uniform(0.003, 0.03)) * rng.lognormal(-1.0, 0.6))
    _add(wave, rng.uniform(0.2, 1.0), _struck(rng, rng.uniform(50.0, 220.0, 8), 0.2) * 2.0)
    return wave


def propeller(rng: np.random.Generator) -> Floats:
    """A light aircraft far up: one comb, steady but for its Doppler, and a rush."""
    length_s = rng.uniform(6.0, 9.0)
    time_s = np.arange(int(length_s * RATE_HZ)) / RATE_HZ
    hz = rng.uniform(75.0, 95.0) * (1.0 - 0.08 * np.tanh((time_s - 0.5 * length_s) / 2.0))
    angle = 2.0 * np.pi * np.cumsum(hz) / RATE_HZ
    tone = np.sum([np.sin(order * angle + rng.uniform(0.0, 6.0)) / order for order in range(1, 12)], axis=0)
    rush = ndimage.uniform_filter1d(rng.standard_normal(len(tone)), 20)
    return np.asarray((tone + 3.0 * rush) * _ends(len(tone), 1.5, 1.5))


def whistle(rng: np.random.Generator) -> Floats:
    """Somebody whistles a tune."""
    tones_hz = rng.uniform(800.0, 1000.0) * 2.0 ** (rng.integers(0, 13, 8) / 12.0)
    parts = []
    for hz in tones_hz:
        length_s = rng.uniform(0.15, 0.5)
        glide = hz * (1.0 + 0.01 * _noise(rng, length_s, 0.05) + 0.04 * np.exp(-np.arange(int(length_s * RATE_HZ)) / 600.0))
        tone = np.sin(2.0 * np.pi * np.cumsum(glide) / RATE_HZ) + 0.02 * rng.standard_normal(len(glide))
        parts.append(tone * _ends(len(glide), 0.03, 0.05))
    return np.concatenate(parts)


UNSEEN: Mapping[str, tuple[str, float, Maker]] = MappingProxyType(
    {
        "pane": ("breaking glass", 100.0, pane),
        "tumbler": ("breaking glass", 90.0, tumbler),
        "yell": ("shouting", 94.0, yell),
        "panic": ("shouting", 100.0, panic),
        "quad": ("rotor tone", 80.0, quad),
        "crow": ("", 88.0, crow),
        "motorbike": ("", 92.0, motorbike),
        "aircon": ("", 68.0, aircon),
        "crate": ("", 80.0, crate),
        "bell": ("", 95.0, bell),
        "police": ("", 108.0, police),
        "quarrel_far": ("", 74.0, quarrel_far),
        "jackhammer": ("", 100.0, jackhammer),
        "dump": ("", 92.0, dump),
        "propeller": ("", 75.0, propeller),
        "whistle": ("", 75.0, whistle),
    }
)
"""What each should be called (empty: nothing), its level in dB at 1 m, and its maker."""


def _add(wave: Floats, at_s: float, part: Floats) -> None:
    at = int(at_s * RATE_HZ)
    room = max(min(len(part), len(wave) - at), 0)
    wave[at : at + room] += part[:room]


def _struck(rng: np.random.Generator, hz: Floats, fade_s: float) -> Floats:
    """Modes that begin together and fade, high ones sooner."""
    time_s = np.arange(int(min(6.0 * fade_s + 0.01, 1.0) * RATE_HZ))[:, None] / RATE_HZ
    faded = np.exp(-time_s / (fade_s * rng.uniform(0.5, 1.5, len(hz))))
    wave: Floats = (faded * np.sin(2.0 * np.pi * hz * time_s + rng.uniform(0.0, 6.0, len(hz)))) @ rng.uniform(0.2, 1.0, len(hz))
    return wave


def _burst(rng: np.random.Generator, length_s: float, fade_s: float, from_hz: float) -> Floats:
    count = int(length_s * RATE_HZ)
    noise = signal.sosfilt(signal.butter(2, from_hz, "highpass", fs=RATE_HZ, output="sos"), rng.standard_normal(count))
    return np.asarray(noise * np.exp(-np.arange(count) / (fade_s * RATE_HZ)))


def _noise(rng: np.random.Generator, length_s: float, every_s: float) -> Floats:
    """A slow random curve (N,) of deviation about one."""
    count, step = int(length_s * RATE_HZ), max(int(every_s * RATE_HZ), 1)
    knots = rng.standard_normal(count // step + 3)
    curve: Floats = np.interp(np.arange(count) / step, np.arange(len(knots)), knots)
    return curve


def _arch(length_s: float) -> Floats:
    count = int(length_s * RATE_HZ)
    return np.asarray(np.sin(np.pi * np.arange(count) / count))


def _ends(count: int, rise_s: float, fall_s: float) -> Floats:
    at = np.arange(count)
    return np.asarray(np.minimum(np.minimum(at / (rise_s * RATE_HZ), at[::-1] / (fall_s * RATE_HZ)), 1.0))
