# SPDX-License-Identifier: Apache-2.0
"""A second look at what the classifier took for something, with all that was heard since it began and before.

The classifier glances at three quarters of a second. What it takes for glass, a shout or a rotor is told only if it also does
what such a thing does and its common doubles do not:

* A **pane** breaks once, at a blow, out of quiet, and swells again as pieces fall. Hammers and trains of clanks go on before; a
  blow rings alone; what barks or hisses takes longer to begin.
* A **shout** is a voice held for a while, higher than anybody talks, with formants, whose pitch rises and falls, and it ends.
  Beepers and horns hold their pitch; sirens go on.
* A **rotor** keeps its comb for seconds where the robot's own drive is taken off; it turns faster than an engine fires, and is
  no hum of the mains. A voice that talks changes its pitch.

All of them reach several microphones alike, which wind does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from patrol.checks import Floats
from perception.sound.comb import SPAN, find_comb
from perception.sound.config import DoubtsConfig
from perception.sound.frames import BINS_HZ, HOP, RATE_HZ, WINDOW, Frame
from perception.sound.own_noise import coherence, without_own

_HOP_S = HOP / RATE_HZ
_ACTIVE_DB, _VOICED, _GAP_FRAMES = 3.0, 0.45, 2
_HIGH = BINS_HZ >= 2500.0
_FORMANTS_HZ = ((250.0, 700.0), (700.0, 1400.0), (1400.0, 2500.0), (2500.0, 4500.0))
_FORMANTS = np.stack([(low <= BINS_HZ) & (high > BINS_HZ) for low, high in _FORMANTS_HZ], axis=1).astype(np.float64)
_STRIDE, _SMOOTH, _BEFORE = 256, 48, 320
_FINE = 4096
_FINE_HANN = np.hanning(WINDOW + 1)[:-1]
_MAINS_HZ, _MAINS_SHARE = (50.0, 60.0), 0.008
_ROTOR_LOOKS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What is remembered of an event: ``before`` and ``since`` its onset as frames, ``samples`` (N, M) since then, of a rotor all
    that are kept, and the array's ``positions_m`` (M, 3)."""

    before: Sequence[Frame]
    since: Sequence[Frame]
    samples: Floats
    positions_m: Floats


def doubt_of_glass(passage: Passage, limits: DoubtsConfig) -> str:
    """Why it is no pane after all; empty if it may be one."""
    peak_db = max(frame.rise_db for frame in passage.since)
    if peak_db < limits.level_least_db:
        return "it is too faint to tell"
    loud = [frame.rise_db > max(_ACTIVE_DB, peak_db - limits.quiet_below_db) for frame in passage.before]
    if np.mean(loud or [False]) > limits.busy_most:
        return "it was not quiet before"
    attack_s = _attack_s(passage.samples)
    if attack_s > limits.attack_most_s:
        return f"it took {attack_s * 1e3:.0f} ms to begin"
    pieces = _pieces(passage.since)
    if pieces < limits.pieces_least:
        return f"{pieces} pieces were heard"
    return _doubt_of_wind(passage, limits)


def doubt_of_shout(passage: Passage, limits: DoubtsConfig) -> str:
    """Why it is no shout after all; empty if it may be one."""
    first, last = _longest_voice(passage.since)
    voice = passage.since[first:last]
    if len(voice) * _HOP_S < limits.voice_least_s:
        return "no voice was held"
    if len(voice) * _HOP_S > limits.voice_most_s:
        return "it goes on as a siren does"
    pitch_hz = float(np.median([frame.pitch_hz for frame in voice]))
    if not limits.pitch_least_hz <= pitch_hz <= limits.pitch_most_hz:
        return f"its pitch is {pitch_hz:.0f} Hz"
    bands = np.sum([frame.above for frame in voice], axis=0) @ _FORMANTS
    if np.count_nonzero(bands > bands.max() * 10.0 ** (-0.1 * limits.formants_within_db)) < limits.formants_least:
        return "it is a tone"
    moves = _pitch_moves(passage.samples[first * HOP : (last - 1) * HOP + WINDOW], pitch_hz)
    if moves < limits.pitch_moves_least:
        return f"its pitch moves by {moves:.4f} only"
    return _doubt_of_wind(passage, limits)


def doubt_of_rotor(passage: Passage, limits: DoubtsConfig) -> str:
    """Why it is no rotor after all; empty if it may be one."""
    if len(passage.samples) < 2 * SPAN:
        return "too little is remembered"
    rest = without_own(passage.samples, passage.positions_m)
    combs = [find_comb(rest[:end]) for end in np.linspace(SPAN, len(rest), _ROTOR_LOOKS).astype(int).tolist()]
    if min(comb.salience_db for comb in combs) < limits.comb_least_db:
        return "no comb lasts without the robot's own noise"
    bases = np.log2([comb.base_hz for comb in combs])
    apart = bases - np.median(bases)
    if float(np.abs(apart - np.rint(apart)).max()) > limits.comb_moves_most:
        return "its comb changes its pitch as a voice does"
    base_hz = 2.0 ** float(np.median(bases))
    if base_hz < limits.comb_base_least_hz:
        return f"its comb is of {base_hz:.0f} Hz, as of an engine"
    off = min(abs(base_hz * times / mains - round(base_hz * times / mains)) for mains in _MAINS_HZ for times in (1.0, 2.0))
    if off < _MAINS_SHARE and float(np.ptp(bases)) < _MAINS_SHARE:
        return "it hums like the mains"
    return _doubt_of_wind(passage, limits)


def _doubt_of_wind(passage: Passage, limits: DoubtsConfig) -> str:
    alike = coherence(passage.samples)
    return "" if alike is None or alike >= limits.coherence_least else "the microphones hear different things"


def _pieces(frames: Sequence[Frame]) -> int:
    """How often what is bright swells again after the first blow."""
    bright = 10.0 * np.log10(np.array([frame.above[_HIGH].sum() for frame in frames]) + 1e-14)
    bright = np.maximum(bright, bright.max() - 30.0)
    middle = bright[1:-1]
    return int(np.count_nonzero((middle > bright[:-2]) & (middle >= bright[2:]) & (middle > bright.max() - 27.0)))


def _longest_voice(frames: Sequence[Frame]) -> tuple[int, int]:
    """Where the longest stretch of voice begins and ends; gaps of a frame or two are none."""
    voiced = [frame.voice > _VOICED and frame.rise_db > _ACTIVE_DB for frame in frames]
    best = (0, 0)
    start = last = None
    for number, is_voice in enumerate(voiced):
        if is_voice:
            start = number if start is None or (last is not None and number - last > _GAP_FRAMES + 1) else start
            last = number
            best = max(best, (start, number + 1), key=lambda each: each[1] - each[0])
    return best


def _attack_s(samples: Floats) -> float:
    """How long what is bright (by differences) takes from a tenth to seven tenths of its greatest power; all that is remembered
    where it was at its loudest before its onset."""
    power = ndimage.uniform_filter1d((np.diff(samples, axis=0) ** 2).mean(axis=1), _SMOOTH)
    peak = int(power.argmax())
    low = np.flatnonzero(power[: peak + 1] < 0.1 * power[peak])
    if not len(low) and peak < _BEFORE:
        return len(samples) / RATE_HZ
    begins = int(low[-1]) if len(low) else 0
    grown = int(np.argmax(power[begins : peak + 1] >= 0.7 * power[peak]))
    return grown / RATE_HZ


def _pitch_moves(samples: Floats, pitch_hz: float) -> float:
    """How much a tone near ``pitch_hz`` moves, in parts of itself: from the tenth to the ninetieth of a hundred of its
    frequencies. Its strongest harmonic below 3 kHz is followed, by the peak of its spectrum to a parabola."""
    starts = np.arange(0, len(samples) - WINDOW + 1, _STRIDE)
    if len(starts) < 4:
        return 0.0
    cut = np.stack([samples[start : start + WINDOW] for start in starts]) * _FINE_HANN[None, :, None]
    power = (np.abs(np.fft.rfft(cut, n=_FINE, axis=1)) ** 2).mean(axis=2) + 1e-20
    hz = np.fft.rfftfreq(_FINE, 1.0 / RATE_HZ)
    orders = np.arange(1, max(int(3000.0 / pitch_hz), 1) + 1)
    whole = power.mean(axis=0)
    strongest = max(orders, key=lambda order: whole[np.abs(hz - order * pitch_hz) < 0.3 * pitch_hz].max(initial=0.0))
    near = np.flatnonzero(np.abs(hz - strongest * pitch_hz) < 0.3 * pitch_hz)
    peak = np.clip(near[0] + power[:, near].argmax(axis=1), 1, len(hz) - 2)
    rows = np.arange(len(peak))
    low, middle, high = (np.log(power[rows, peak + step]) for step in (-1, 0, 1))
    exact = np.log(peak + 0.5 * (low - high) / (low - 2.0 * middle + high - 1e-12))
    return float(np.percentile(exact, 90.0) - np.percentile(exact, 10.0))
