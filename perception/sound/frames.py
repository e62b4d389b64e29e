# SPDX-License-Identifier: Apache-2.0
"""Blocks of sound become short-time spectra with the background taken off, and a memory of the last seconds.

Power spectra of 64 ms windows every 16 ms, averaged over the microphones, so that the wind of each counts less. The background of
every frequency is followed as a slow minimum: down within a fifth of a second, up by 3 dB a second (after Martin, "Noise power
spectral density estimation based on optimal smoothing and minimum statistics", 2001).
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats
from patrol.errors import BadValue
from patrol.sound import SoundBlock

RATE_HZ = 16_000
WINDOW, HOP = 1024, 256
KEPT_S = 3.0
BINS_HZ = np.fft.rfftfreq(WINDOW, 1.0 / RATE_HZ)
_UP_DB_PER_S, _DOWN = 3.0, 0.08
_UP = 10.0 ** (_UP_DB_PER_S * HOP / RATE_HZ / 10.0)
_BEGIN_FRAMES = 20
_HANN = np.hanning(WINDOW + 1)[:-1]
_OVER, _LEAST_POWER = 2.0, 1e-14
_HEARD = (BINS_HZ >= 200.0) & (BINS_HZ <= 7800.0)
_LAGS = np.arange(RATE_HZ // 1800, RATE_HZ // 75)
_VOICE = (BINS_HZ >= 70.0) & (BINS_HZ <= 4500.0)
_GAP_NS = 5_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One spectrum. ``rise_db``: power above the background over the background, all of 200 to 7800 Hz; ``above`` (513,): what
    stands above the background; ``voice``: how periodic that is, 0..1, and ``pitch_hz`` its pitch."""

    stamp_ns: int
    rise_db: float
    above: Floats
    voice: float
    pitch_hz: float


class Frames:
    """Takes blocks in, remembers the last seconds of samples and frames."""

    def __init__(self) -> None:
        self.kept: deque[Frame] = deque(maxlen=round(KEPT_S * RATE_HZ / HOP))
        self.background: Floats | None = None
        self._samples: Floats = np.zeros((0, 0))
        self._begins_ns = 0
        self._done = 0
        self._first: list[Floats] = []

    def take(self, block: SoundBlock) -> int:
        """Take in a block; returns how many frames became whole. A gap in time begins anew, with the background as it was.

        Raises BadValue for another rate than 16 kHz.
        """
        if block.rate_hz != RATE_HZ:
            raise BadValue(f"rate_hz: {block.rate_hz:g} is not {RATE_HZ}; have the driver resample")
        wave = block.samples.astype(np.float64) * (block.full_scale_pa / 32768.0)
        ends_ns = self._begins_ns + round(len(self._samples) / RATE_HZ * 1e9)
        if self._samples.shape[1] != wave.shape[1] or abs(block.stamp_ns - ends_ns) > _GAP_NS:
            self._samples, self._begins_ns, self._done = wave[:0], block.stamp_ns, 0
            self.kept.clear()
        self._samples = np.concatenate([self._samples, wave])
        whole = self._whole()
        for number in range(whole):
            self._add(self._samples[self._done + number * HOP :][:WINDOW], self._stamp_ns(self._done + number * HOP))
        self._done += whole * HOP
        self._forget()
        return whole

    def between(self, from_ns: int, to_ns: int) -> Floats:
        """Samples (N, M) in pascal of this time, as far as they are remembered."""
        first, last = (round((stamp_ns - self._begins_ns) / 1e9 * RATE_HZ) for stamp_ns in (from_ns, to_ns))
        return self._samples[max(first, 0) : max(last, 0)]

    def newest(self, count: int) -> Floats:
        """The last ``count`` samples (N, M) in pascal; fewer at the beginning."""
        return self._samples[-count:]

    def _whole(self) -> int:
        return max((len(self._samples) - WINDOW - self._done) // HOP + 1, 0)

    def _stamp_ns(self, sample: int) -> int:
        """The middle of the window that begins at ``sample``."""
        return self._begins_ns + round((sample + WINDOW // 2) / RATE_HZ * 1e9)

    def _forget(self) -> None:
        surplus = (len(self._samples) - round(KEPT_S * RATE_HZ)) // HOP * HOP
        if surplus > 0 and surplus <= self._done:
            self._samples = self._samples[surplus:]
            self._begins_ns += round(surplus / RATE_HZ * 1e9)
            self._done -= surplus

    def _add(self, window: Floats, stamp_ns: int) -> None:
        spectrum = np.fft.rfft(window * _HANN[:, None], axis=0)
        power: Floats = (spectrum.real**2 + spectrum.imag**2).mean(axis=1) + _LEAST_POWER
        if self.background is None:
            self._begin(power)
            return
        above = np.maximum(power - _OVER * self.background, 0.0)
        rise = float(above[_HEARD].sum() / self.background[_HEARD].sum())
        voice, pitch_hz = _pitch(above)
        self.kept.append(
            Frame(stamp_ns=stamp_ns, rise_db=10.0 * math.log10(rise + 1e-2), above=above, voice=voice, pitch_hz=pitch_hz)
        )
        falls = power < self.background
        self.background = np.where(falls, self.background + _DOWN * (power - self.background), self.background * _UP)

    def _begin(self, power: Floats) -> None:
        """The median of the first third of a second is the first background."""
        self._first.append(power)
        if len(self._first) == _BEGIN_FRAMES:
            self.background = np.median(self._first, axis=0) / np.log(2.0) * 0.7
            self._first.clear()


def _pitch(above: Floats) -> tuple[float, float]:
    """How periodic a spectrum (513,) is, and the pitch in Hz: the autocorrelation of its square root, which evens formants out
    (Tolonen, Karjalainen, "A computationally efficient multipitch analysis model", 2000), over that of the window."""
    magnitude = np.sqrt(above) * _VOICE
    correlation = np.fft.irfft(magnitude)
    if correlation[0] <= 0.0:
        return 0.0, 0.0
    along = correlation[_LAGS] / correlation[0]
    best = int(np.argmax(along))
    early = np.flatnonzero(along >= 0.85 * along[best])
    best = int(early[0]) if len(early) else best
    while best + 1 < len(along) and along[best + 1] > along[best]:
        best += 1
    return float(np.clip(along[best], 0.0, 1.0)), RATE_HZ / float(_LAGS[best])
