# SPDX-License-Identifier: Apache-2.0
"""A second opinion on the pose: does the laser see what the map says it must see from there?

It shares no code with scan matching. A beam that passes through what the map holds can not be a person or a parked van; a beam
that ends early can. So the first count for much more. What tells a changed site from a wrong pose is not how many beams
contradict the map but how many *places* of it: a gate that stands open beside the robot lets half of the beams through, and is
one place of many; from a wrong pose, place after place is missing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from patrol.checks import Floats
from patrol.clock import nanoseconds, seconds
from patrol.geometry import Pose2
from patrol.sensors import Scan
from slam.beam_walk import BeamLook, BeamWalk
from slam.config import TrustConfig
from slam.scan_points import BodyRate

_BEAMS_TOLD_MIN = 12
_PLACES_WIDE = 1 << 24
_BESIDE_PLACES = 4
Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Trust(StrEnum):
    """What the monitor says of the pose."""

    SURE = "sure"
    MAP_DIFFERS = "the map differs here"
    WRONG_PLACE = "this is not where the robot thinks it is"
    UNKNOWN = "too little to tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustVerdict:
    """``through`` is the share of the beams that passed what the map holds, ``short`` that of those which ended before it, over
    the last moments; ``because`` says in words why the pose is not trusted (empty: it is)."""

    trust: Trust
    through: float
    short: float
    because: str = ""


@dataclass(frozen=True, slots=True)
class _Look:
    """The beams (N,) of one scan: the place of the map that each should meet, the place where it ended, and what became of it."""

    stamp_ns: int
    places: Places
    ends: Places
    through: Mask
    short: Mask
    decides: Mask

    @classmethod
    def of(cls, look: BeamLook, place_m: float) -> _Look:
        met, ends = (_places(points, place_m) for points in (look.met_m, look.ends_m))
        return cls(look.stamp_ns, met, ends, look.through, look.short, look.decides)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the beams of the window say, but for those towards places that are known to have changed: the shares that passed and
    that ended early, whether nearly all beams towards some place pass through it, the places (N,) that most pass through, and
    how many agree."""

    through: float
    short: float
    is_gone_somewhere: bool
    open_places: Places
    agreed: int

    @property
    def open_share(self) -> float:
        """Share of the places that could be judged."""
        return self.open_places.size / max(1, self.open_places.size + self.agreed)


class TrustMonitor:
    """Looks at every scan and pose; forgets what lies ``window_s`` back. A doubt ends when the beams agree well again, or when
    all around what differs has confirmed the pose for ``confirmed_s``: then the place has changed, is remembered, and speaks no
    more. ``is_contradicted``: beams lately passed through more than one thing that the map holds."""

    def __init__(self, walk: BeamWalk, config: TrustConfig) -> None:
        self._config, self._walk = config, walk
        self._looks: deque[_Look] = deque()
        self._changed: deque[int] = deque(maxlen=config.changed_places_max)
        self._is_doubting = False
        self._confirmed_since_ns: int | None = None
        self.is_contradicted = False

    def look(self, scan: Scan, map_from_base: Pose2, rate: BodyRate | None = None) -> TrustVerdict:
        """Compare one scan with the map from ``map_from_base``, the pose at its stamp; ``rate`` is the motion during it."""
        self._looks.append(_Look.of(self._walk.look(scan, map_from_base, rate), self._config.place_m))
        while scan.stamp_ns - self._looks[0].stamp_ns > nanoseconds(self._config.window_s) or (
            self._looks[0].stamp_ns > scan.stamp_ns
        ):
            self._looks.popleft()
        if sum(look.places.size for look in self._looks) < _BEAMS_TOLD_MIN * len(self._looks):
            return TrustVerdict(trust=Trust.UNKNOWN, through=0.0, short=0.0)
        seen = self._seen()
        growing = self._growing(seen)
        if growing.size:
            self._changed.extend(np.unique(_around(growing, 1)).tolist())
            seen = self._seen()
        self.is_contradicted = seen.open_share > self._config.open_differs
        trust = self._judged(seen)
        if self._has_changed(trust, seen, scan.stamp_ns):
            self._changed.extend(np.unique(_around(seen.open_places, 1)).tolist())
            self._is_doubting, trust = False, Trust.SURE
        if trust is Trust.SURE:
            return TrustVerdict(trust=trust, through=seen.through, short=seen.short)
        because = f"{trust}: {seen.through:.0%} of the beams pass through what the map holds, {seen.short:.0%} end before it"
        return TrustVerdict(trust=trust, through=seen.through, short=seen.short, because=because)

    def forget(self) -> None:
        """The pose was found anew: what was seen from the old one counts no more."""
        self._looks.clear()
        self._changed.clear()
        self._is_doubting, self._confirmed_since_ns, self.is_contradicted = False, None, False

    def _seen(self) -> _Seen:
        """Sum the window up."""
        config = self._config
        names = ("places", "ends", "through", "short", "decides")
        places, ends, through, short, decides = (np.concatenate([getattr(look, name) for look in self._looks]) for name in names)
        if self._changed:
            kept = ~np.isin(places, np.array(self._changed, dtype=np.int64))
            places, ends, through, short, decides = (values[kept] for values in (places, ends, through, short, decides))
        which, place = np.unique(places[decides], return_inverse=True)
        met = np.bincount(place, minlength=which.size)
        passed = np.bincount(place, weights=through[decides], minlength=which.size)
        gone = (passed >= config.place_beams_min) & (passed >= config.place_share_min * met)
        is_open = passed > 0.5 * met
        told, agreed = max(1, places.size), np.unique(ends[~short & ~through])
        return _Seen(float(through.sum() / told), float(short.sum() / told), bool(gone.any()), which[is_open], agreed.size)

    def _judged(self, seen: _Seen) -> Trust:
        config = self._config
        is_filled = self._looks[-1].stamp_ns - self._looks[0].stamp_ns >= nanoseconds(0.6 * config.window_s)
        limit = config.clear_share if self._is_doubting else 1.0
        self._is_doubting = is_filled and (
            seen.through > limit * config.through_differs or seen.short > limit * config.short_wrong or seen.is_gone_somewhere
        )
        if not self._is_doubting:
            return Trust.SURE
        is_moved = seen.open_share > config.open_differs and seen.short > config.short_beside
        is_wrong = is_moved or seen.open_share > config.open_wrong or seen.short > config.short_wrong
        return Trust.WRONG_PLACE if is_wrong else Trust.MAP_DIFFERS

    def _growing(self, seen: _Seen) -> Places:
        """Places (N,) beside those that are known to have changed, as more of a gate comes into view that stands open."""
        if not self._changed or not seen.open_places.size or not self._agrees_around(seen):
            return np.empty(0, dtype=np.int64)
        beside = np.isin(_around(seen.open_places, _BESIDE_PLACES), np.array(self._changed, dtype=np.int64))
        return seen.open_places[beside.any(axis=1)]

    def _agrees_around(self, seen: _Seen) -> bool:
        """Whether what differs is little beside what agrees."""
        config = self._config
        is_little = seen.short <= config.short_changed and seen.open_share <= config.open_wrong
        return is_little and seen.agreed >= config.agreed_places_min

    def _has_changed(self, trust: Trust, seen: _Seen, stamp_ns: int) -> bool:
        """Whether what differs is a place that has changed: the places around it agree, and have for a while."""
        if trust is not Trust.MAP_DIFFERS or not self._agrees_around(seen):
            self._confirmed_since_ns = None
            return False
        if self._confirmed_since_ns is None or self._confirmed_since_ns > stamp_ns:
            self._confirmed_since_ns = stamp_ns
        return seconds(stamp_ns - self._confirmed_since_ns) >= self._config.confirmed_s


def _places(points_m: Floats, place_m: float) -> Places:
    """One number (N,) for the place of each point (N, 2) m."""
    cells = np.floor(points_m / place_m).astype(np.int64)
    places: Places = cells[:, 0] * _PLACES_WIDE + cells[:, 1]
    return places


def _around(places: Places, reach: int) -> Places:
    """Each of the places (N,) and those up to ``reach`` beside it, (N, M)."""
    steps = np.arange(-reach, reach + 1)
    around: Places = np.add.outer(places, np.add.outer(steps * _PLACES_WIDE, steps).ravel())
    return around
