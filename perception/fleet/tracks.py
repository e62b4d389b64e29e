# SPDX-License-Identifier: Apache-2.0
"""Tracks of several robots as one track for each thing: by place and motion alone, never by what somebody looks like.

Robots correct their positions by the same fixes and maps, so the errors of their tracks go together in ways that nobody knows.
Tracks are therefore fused by covariance intersection (Julier and Uhlmann, 1997), with the weights of Niehsen (2002), which is
never surer than it may be; and they are gated by a bound on the difference's covariance that holds for every correlation.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from pydantic import Field
from scipy.optimize import linear_sum_assignment

from patrol.checks import Floats
from patrol.clock import nanoseconds, seconds
from patrol.config import Config
from patrol.percepts import Alert, GroundPosition, Label, Track

Key = tuple[str, int]
_FOLLOWED = ("confirmed", "coasting")
_FAR = 1e9


class FleetConfig(Config):
    """``gate``: squared normalised distance within which two tracks may be one (99 % of a plane's); ``speed_mps``: how much their
    velocities may differ; ``wander_mps2``: how much a thing may change its velocity between two words; a track that was not heard
    of for ``live_s`` does not count in a fused one, after ``kept_s`` it is forgotten; ``split`` times the gate parts what was
    one."""

    gate: float = Field(default=9.21, gt=0)
    speed_mps: float = Field(default=1.5, gt=0)
    wander_mps2: float = Field(default=1.0, gt=0)
    live_s: float = Field(default=1.0, gt=0)
    kept_s: float = Field(default=60.0, gt=0)
    split: float = Field(default=4.0, ge=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetTrack:
    """One thing, seen as ``seen_by`` (robot, that robot's track); ``ground`` is where it is at the time it was asked for."""

    fleet_id: int
    label: Label
    ground: GroundPosition
    seen_by: tuple[Key, ...]


@dataclass(slots=True)
class _Thing:
    label: Label
    tracks: dict[Key, Track] = field(default_factory=dict)
    incident: str = ""


class FleetTracks:
    """``hear`` the tracks of each robot as they come; ask for ``fused`` tracks and for the ``incident`` of an alert."""

    def __init__(self, config: FleetConfig | None = None) -> None:
        self._config = config or FleetConfig()
        self._things: dict[int, _Thing] = {}
        self._of: dict[Key, int] = {}
        self._count = 0

    def hear(self, unit_id: str, tracks: Iterable[Track]) -> None:
        """Take in all tracks that a robot follows now. Those without a place on the map can not be told apart, and are left
        out."""
        followed = [track for track in tracks if track.state in _FOLLOWED and track.ground is not None]
        fresh = []
        for track in followed:
            number = self._of.get((unit_id, track.track_id))
            if number is None or not self._stays(number, unit_id, track):
                fresh.append(track)
            else:
                self._things[number].tracks[unit_id, track.track_id] = track
        self._place(unit_id, fresh)
        if followed:
            self._forget(max(track.stamp_ns for track in followed))

    def fused(self, now_ns: int) -> tuple[FleetTrack, ...]:
        """Every thing that some robot follows now, in the order in which they were first seen."""
        found = []
        for number, thing in self._things.items():
            live = self._live(thing, now_ns)
            if live:
                ground = intersected([self._ahead(track, now_ns) for track in live.values()])
                found.append(FleetTrack(fleet_id=number, label=thing.label, ground=ground, seen_by=tuple(sorted(live))))
        return tuple(found)

    def incident(self, unit_id: str, alert: Alert) -> str:
        """What an alert of a robot belongs to: the incident that the same thing was first told under, by whichever robot."""
        own = alert.incident_id or alert.alert_id
        number = self._of.get((unit_id, alert.track_id))
        if number is None:
            return own
        thing = self._things[number]
        thing.incident = thing.incident or own
        return thing.incident

    def _stays(self, number: int, unit_id: str, track: Track) -> bool:
        """Whether a track is still of the thing that it was taken for; it leaves it where it is far from what others see."""
        thing, key = self._things[number], (unit_id, track.track_id)
        others = {each: other for each, other in self._live(thing, track.stamp_ns).items() if each[0] != unit_id}
        if thing.label is track.label and all(self._apart(track, other) <= self._config.split for other in others.values()):
            return True
        thing.tracks.pop(key, None)
        self._of.pop(key, None)
        return False

    def _place(self, unit_id: str, fresh: Sequence[Track]) -> None:
        """Find the thing of each new track, or make one; a robot's own tracks are never taken for one another."""
        numbers = [
            number
            for number, thing in self._things.items()
            if not any(key[0] == unit_id for key in self._live(thing, max((track.stamp_ns for track in fresh), default=0)))
        ]
        costs = np.array([[self._cost(number, track) for number in numbers] for track in fresh]).reshape(len(fresh), len(numbers))
        rows, columns = linear_sum_assignment(costs)
        taken = {int(row): numbers[int(column)] for row, column in zip(rows, columns, strict=True) if costs[row, column] < _FAR}
        for index, track in enumerate(fresh):
            number = taken.get(index)
            if number is None:
                self._count += 1
                number = self._count
                self._things[number] = _Thing(label=track.label)
            self._things[number].tracks[unit_id, track.track_id] = track
            self._of[unit_id, track.track_id] = number

    def _cost(self, number: int, track: Track) -> float:
        thing = self._things[number]
        live = self._live(thing, track.stamp_ns)
        apart = max((self._apart(track, other) for other in live.values()), default=_FAR)
        return apart if thing.label is track.label and apart <= 1.0 else _FAR

    def _apart(self, one: Track, other: Track) -> float:
        """How far apart two tracks are, as a share of what they may be and still be one thing."""
        now_ns = max(one.stamp_ns, other.stamp_ns)
        here, there = self._ahead(one, now_ns), self._ahead(other, now_ns)
        gap = here.position_m - there.position_m
        place = float(gap @ np.linalg.solve(2.0 * (here.covariance_m2 + there.covariance_m2), gap)) / self._config.gate
        speed = float(np.hypot(*(here.velocity_mps - there.velocity_mps))) / self._config.speed_mps
        return max(place, speed * speed)

    def _ahead(self, track: Track, now_ns: int) -> GroundPosition:
        """Where a track is at ``now_ns`` if it goes on as it was, and how sure that is."""
        ground = track.ground
        if ground is None:
            return GroundPosition(position_m=np.zeros(2), velocity_mps=np.zeros(2), covariance_m2=_FAR * np.eye(2))
        after_s = max(seconds(now_ns - track.stamp_ns), 0.0)
        wander_m = 0.5 * self._config.wander_mps2 * after_s * after_s
        return GroundPosition(
            position_m=ground.position_m + after_s * ground.velocity_mps,
            velocity_mps=ground.velocity_mps,
            covariance_m2=ground.covariance_m2 + wander_m * wander_m * np.eye(2),
        )

    def _live(self, thing: _Thing, now_ns: int) -> dict[Key, Track]:
        span_ns = nanoseconds(self._config.live_s)
        return {key: track for key, track in thing.tracks.items() if abs(now_ns - track.stamp_ns) <= span_ns}

    def _forget(self, now_ns: int) -> None:
        """Tracks and things that nobody has told of for long."""
        kept_ns = nanoseconds(self._config.kept_s)
        for number, thing in list(self._things.items()):
            for key in [key for key, track in thing.tracks.items() if now_ns - track.stamp_ns > kept_ns]:
                del thing.tracks[key]
                self._of.pop(key, None)
            if not thing.tracks:
                del self._things[number]


def intersected(grounds: Sequence[GroundPosition]) -> GroundPosition:
    """Covariance intersection of one or more estimates of one place, each weighted by how little its covariance's trace is."""
    weights: Floats = np.array([1.0 / max(float(np.trace(ground.covariance_m2)), 1e-12) for ground in grounds])
    weights = weights / weights.sum()
    informations = [weight * np.linalg.inv(ground.covariance_m2) for weight, ground in zip(weights, grounds, strict=True)]
    covariance: Floats = np.linalg.inv(np.sum(informations, axis=0))
    position = covariance @ np.sum([i @ g.position_m for i, g in zip(informations, grounds, strict=True)], axis=0)
    velocity = covariance @ np.sum([i @ g.velocity_mps for i, g in zip(informations, grounds, strict=True)], axis=0)
    return GroundPosition(position_m=position, velocity_mps=velocity, covariance_m2=0.5 * (covariance + covariance.T))
