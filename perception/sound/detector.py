# SPDX-License-Identifier: Apache-2.0
"""Listens: blocks of sound in, events out. Causal; the same blocks give the same events."""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from patrol.checks import Floats
from patrol.clock import nanoseconds, seconds
from patrol.percepts import SOUNDS, Label
from patrol.sound import Bearing, SoundBlock
from perception.sound.bearing import UNKNOWN, Array, Arrival
from perception.sound.classifier import CLASSES, Classifier, read_classifier
from perception.sound.comb import SPAN, Comb, find_comb
from perception.sound.config import DoubtsConfig, Evidence, SoundConfig
from perception.sound.features import FRAMES, features
from perception.sound.frames import HOP, RATE_HZ, WINDOW, Frame, Frames
from perception.sound.second_look import Passage, doubt_of_glass, doubt_of_rotor, doubt_of_shout

_LOOK_NS = 95_000_000
_COMB_DB = 1.5
_BEFORE_NS, _LONGEST_NS = 20_000_000, 450_000_000
_ONSET_DB = 8.0
_DEAD_DB = 40.0
_DOUBTED_AGAIN_S = 0.5
_REST_FRAMES = 12
_WINDOW_NS = round(WINDOW / RATE_HZ * 1e9)
_DOUBTS: Mapping[Label, Callable[[Passage, DoubtsConfig], str]] = MappingProxyType(
    {Label.GLASS: doubt_of_glass, Label.SHOUT: doubt_of_shout, Label.ROTOR: doubt_of_rotor}
)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """An event as the microphones have it: ``bearing`` in ``base_link``, as the robot stood at ``bearing_ns``."""

    label: Label
    onset_ns: int
    heard_ns: int
    score: float
    level_db: float
    bearing: Bearing | None
    bearing_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """An event that waits for its second look."""

    score: float
    onset_ns: int
    level_db: float


@dataclass(slots=True)
class _Case:
    """What speaks for one class."""

    label: Label
    evidence: Evidence
    looks: deque[float] = field(default_factory=deque)
    claim: _Claim | None = None
    last_sure_ns: int | None = None
    told_ns: int | None = None

    def weigh(self, probability: float, now_ns: int, again_s: float) -> float | None:
        """The score of an event to be told now; None when there is none."""
        self.looks.append(probability)
        while len(self.looks) > self.evidence.looks:
            self.looks.popleft()
        mean = sum(self.looks) / self.evidence.looks
        if self.last_sure_ns is not None and seconds(now_ns - self.last_sure_ns) > self.evidence.quiet_s:
            self.last_sure_ns = self.told_ns = None
        if mean >= 0.5 * self.evidence.sure:
            self.last_sure_ns = now_ns
        if mean < self.evidence.sure or (self.told_ns is not None and seconds(now_ns - self.told_ns) < again_s):
            return None
        self.told_ns = now_ns
        return min(mean, 1.0)


class SoundDetector:
    """One array of microphones. ``on_block`` as blocks come."""

    def __init__(self, config: SoundConfig, classifier: Classifier | None = None) -> None:
        """``classifier`` None: the one that ships."""
        self._config = config
        self._classifier = read_classifier() if classifier is None else classifier
        self._frames = Frames()
        self._array: Array | None = None
        self._positions_m: Floats | None = None
        self._cases = [_Case(label, _evidence(config, label)) for label in SOUNDS]
        self._looked_ns = 0
        self.trouble = ""
        """What is wrong with the microphones; empty when nothing is."""

    def on_block(self, block: SoundBlock) -> tuple[Heard, ...]:
        """Take in the next block; returns what was decided in it. Raises BadValue for a rate other than 16 kHz."""
        alive = self._check(block)
        if not alive.any():
            return ()
        self._know(block.positions_m[alive])
        live = block if alive.all() else _only(block, alive)
        if not self._frames.take(live) or block.end_ns - self._looked_ns < _LOOK_NS or len(self._frames.kept) < FRAMES:
            return ()
        self._looked_ns = block.end_ns
        return self._look(block.end_ns)

    def _look(self, now_ns: int) -> tuple[Heard, ...]:
        recent = list(self._frames.kept)[-FRAMES:]
        comb = find_comb(self._frames.newest(SPAN))
        probable = self._probabilities(recent, comb)
        heard = []
        for number, case in enumerate(self._cases, start=1):
            score = case.weigh(float(probable[number]), now_ns, self._config.again_s)
            if score is not None and case.claim is None:
                onset_ns = recent[0].stamp_ns if case.label is Label.ROTOR else _onset_ns(recent)
                case.claim = _Claim(score=score, onset_ns=onset_ns, level_db=max(frame.rise_db for frame in recent))
            event = self._settled(case, now_ns)
            if event is not None:
                heard.append(event)
        return tuple(heard)

    def _probabilities(self, recent: list[Frame], comb: Comb) -> Floats:
        """Of every class; nothing is asked while nothing stands above the background and no comb stands out."""
        if comb.salience_db < _COMB_DB and max(frame.rise_db for frame in recent) < self._config.least_db:
            return np.asarray(np.eye(len(CLASSES))[0])
        return self._classifier.probabilities(features(recent, comb))

    def _settled(self, case: _Case, now_ns: int) -> Heard | None:
        """The event that the case claims, once looked at again; None before, and for one that bears no second look."""
        claim = case.claim
        if claim is None or not self._is_due(case.label, claim, now_ns):
            return None
        case.claim = None
        event = None if self._doubt(case.label, claim) else self._event(case.label, claim, now_ns)
        if event is None:
            case.told_ns = now_ns - nanoseconds(self._config.again_s - _DOUBTED_AGAIN_S)
        return event

    def _is_due(self, label: Label, claim: _Claim, now_ns: int) -> bool:
        since_s, doubts = seconds(now_ns - claim.onset_ns), self._config.doubts
        if label is Label.SHOUT:
            rests = list(self._frames.kept)[-_REST_FRAMES:]
            return since_s >= doubts.shout_after_s or max(frame.rise_db for frame in rests) < self._config.least_db
        return label is Label.ROTOR or since_s >= doubts.glass_after_s

    def _doubt(self, label: Label, claim: _Claim) -> str:
        """What speaks against it; empty when nothing does."""
        kept, lasts = self._frames.kept, label is Label.ROTOR
        begins_ns = claim.onset_ns - _BEFORE_NS
        since = [frame for frame in kept if frame.stamp_ns >= begins_ns]
        if not since or self._positions_m is None:
            return "it is remembered no more"
        first_ns = since[0].stamp_ns - _WINDOW_NS // 2
        frames = self._frames
        passage = Passage(
            before=[frame for frame in kept if frame.stamp_ns < begins_ns - _WINDOW_NS],
            since=since,
            samples=frames.newest(len(kept) * HOP) if lasts else frames.between(first_ns, kept[-1].stamp_ns),
            positions_m=self._positions_m,
        )
        doubt = _DOUBTS[label](passage, self._config.doubts)
        if doubt:
            log.debug("%s at %.2f s is none: %s", label.value, claim.onset_ns / 1e9, doubt)
        return doubt

    def _event(self, label: Label, claim: _Claim, now_ns: int) -> Heard | None:
        """The event; None for one that sits in the robot itself. Of a rotor that was known before: its comb was looked at
        without the robot's own noise."""
        lasts = label is Label.ROTOR
        ends_ns = now_ns if lasts else min(claim.onset_ns + _LONGEST_NS, now_ns)
        arrival = self._arrival(claim.onset_ns - _BEFORE_NS, ends_ns, lasts=lasts)
        if arrival.is_beneath and not lasts:
            return None
        return Heard(
            label=label,
            onset_ns=claim.onset_ns,
            heard_ns=now_ns,
            score=claim.score,
            level_db=claim.level_db,
            bearing=arrival.bearing,
            bearing_ns=(claim.onset_ns + ends_ns) // 2,
        )

    def _arrival(self, from_ns: int, to_ns: int, *, lasts: bool) -> Arrival:
        """Of what was heard in this time; a sound that ``lasts`` has become background by then."""
        background = None if lasts else self._frames.background
        if self._array is None:
            return UNKNOWN
        most_rad = math.radians(self._config.most_std_deg)
        return self._array.arrival(self._frames.between(from_ns, to_ns), background, most_std_rad=most_rad)

    def _know(self, positions_m: Floats) -> None:
        if self._positions_m is None or not np.array_equal(self._positions_m, positions_m):
            self._positions_m, self._array = positions_m, Array(positions_m)

    def _check(self, block: SoundBlock) -> np.ndarray:
        """Which microphones live (M,): those that are not far quieter than the others, and not silent."""
        power = block.samples.astype(np.float64).var(axis=0)
        alive: np.ndarray = (power > 0.0) & (power >= power.max(initial=0.0) * 10.0 ** (-_DEAD_DB / 10.0))
        dead = [str(number) for number in np.flatnonzero(~alive)]
        self.trouble = f"no sound from microphones {', '.join(dead)}" if dead else ""
        return alive


def _evidence(config: SoundConfig, label: Label) -> Evidence:
    return {Label.GLASS: config.glass, Label.SHOUT: config.shout, Label.ROTOR: config.rotor}[label]


def _only(block: SoundBlock, alive: np.ndarray) -> SoundBlock:
    return SoundBlock(
        stamp_ns=block.stamp_ns,
        frame_id=block.frame_id,
        rate_hz=block.rate_hz,
        full_scale_pa=block.full_scale_pa,
        positions_m=block.positions_m[alive],
        samples=block.samples[:, alive],
    )


def _onset_ns(recent: list[Frame]) -> int:
    """When the loudest sound of these frames began: the last frame before its peak that is this far below, or the first."""
    rise = [frame.rise_db for frame in recent]
    peak = int(np.argmax(rise))
    before = [number for number in range(peak) if rise[number] < max(rise[peak] - 3.0 * _ONSET_DB, 0.5 * _ONSET_DB)]
    return recent[before[-1] + 1 if before else 0].stamp_ns
