# SPDX-License-Identifier: Apache-2.0
"""Follows small things by their direction, so that a camera that turns, or two cameras, make no difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from patrol.checks import Floats
from patrol.clock import NS_PER_S, seconds
from perception.flying.config import FollowConfig
from perception.flying.sighting import Sighting

_RATE_FROM = 3
_RATE_OVER_NS = round(0.35 * NS_PER_S)


@dataclass(slots=True, kw_only=True)
class Followed:
    """One thing and its sightings in the order of their stamps; ``first_ns`` outlives what is forgotten of them."""

    number: int
    first_ns: int
    hits: int = 1
    seen: list[Sighting] = field(default_factory=list)

    @property
    def last(self) -> Sighting:
        return self.seen[-1]

    def expected(self, stamp_ns: int) -> Floats:
        """Where it should be seen at ``stamp_ns``: (3,), of length 1."""
        recent = [item for item in self.seen if self.last.stamp_ns - item.stamp_ns <= _RATE_OVER_NS]
        if len(recent) < 2:
            return self.last.direction
        times = np.array([seconds(item.stamp_ns - self.last.stamp_ns) for item in recent])
        directions = np.array([item.direction for item in recent])
        centred = times - times.mean()
        spread = float(centred @ centred)
        rate = centred @ directions / spread if spread > 0.0 else np.zeros(3)
        ahead = directions.mean(axis=0) + rate * (seconds(stamp_ns - self.last.stamp_ns) - times.mean())
        expected: Floats = ahead / np.linalg.norm(ahead)
        return expected

    def take(self, sighting: Sighting, memory_s: float) -> None:
        """One more sighting, which may be a little older than the last."""
        place = len(self.seen)
        while place and self.seen[place - 1].stamp_ns > sighting.stamp_ns:
            place -= 1
        self.seen.insert(place, sighting)
        self.hits += 1
        keep_ns = self.last.stamp_ns - round(memory_s * NS_PER_S)
        while self.seen[0].stamp_ns < keep_ns:
            self.seen.pop(0)


class Follower:
    """All that is followed. Ids count up from 1."""

    def __init__(self, config: FollowConfig) -> None:
        self._config = config
        self._next = 1
        self.followed: list[Followed] = []

    def take_in(self, sightings: Sequence[Sighting], stamp_ns: int) -> None:
        """The sightings of one picture: nearest first; what is left starts anew."""
        expected = [item.expected(stamp_ns) for item in self.followed]
        gaps = sorted(
            (sighting.apart_rad(direction), row, column)
            for row, direction in enumerate(expected)
            for column, sighting in enumerate(sightings)
        )
        rows, columns = set[int](), set[int]()
        for gap_rad, row, column in gaps:
            if row not in rows and column not in columns and gap_rad <= self._reach_rad(self.followed[row], stamp_ns):
                self.followed[row].take(sightings[column], self._config.memory_s)
                rows.add(row)
                columns.add(column)
        for column, sighting in enumerate(sightings):
            if column not in columns and len(self.followed) < self._config.followed_most:
                self.followed.append(Followed(number=self._next, first_ns=stamp_ns, seen=[sighting]))
                self._next += 1

    def forget(self, now_ns: int) -> tuple[Followed, ...]:
        """Let go of what was not seen for a while; returned once."""
        gone = tuple(item for item in self.followed if seconds(now_ns - item.last.stamp_ns) > self._config.coast_s)
        if gone:
            numbers = {item.number for item in gone}
            self.followed = [item for item in self.followed if item.number not in numbers]
        return gone

    def _reach_rad(self, item: Followed, stamp_ns: int) -> float:
        """Half as far once its rate is known."""
        share = 1.0 if item.hits < _RATE_FROM else 0.5
        return self._config.reach_rad + share * self._config.reach_radps * abs(seconds(stamp_ns - item.last.stamp_ns))
