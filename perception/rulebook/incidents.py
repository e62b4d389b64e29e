# SPDX-License-Identifier: Apache-2.0
"""One incident per intruder, whatever rules they break and however often they are lost and found again.

The camera sees little of the site at a time, and a person seen again after a gap looks like anyone. So the question is not
"is it the same person?" but "must it be another one?". It must be when both are in sight at once, or when the known one could
not have come here in the time. Until then it is the same intruder, whose alert still stands (a lower bound on how many there
are, as in counting people by exclusion). After ``quiet_s`` without a sight the matter is closed and the next sight is news.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from patrol.checks import Floats
from patrol.clock import seconds
from patrol.percepts import Alert, GroundPosition, Label, Track
from perception.rulebook.config import SameConfig
from perception.rulebook.places import std_m
from perception.rulebook.scene import Fired

_SIGMAS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Something that must be told: what fired, and the incident that it belongs to."""

    fired: Fired
    incident_id: str


@dataclass(slots=True, kw_only=True)
class _Intruder:
    """A reported intruder: its present or last track, where and when it was last in sight, and the rules that were told."""

    incident_id: str
    label: Label
    track_id: int
    seen_ns: int
    position_m: Floats
    std_m: float
    told: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Suspect:
    """A track that breaks a rule in this picture, and is none of the known intruders by its id."""

    track: Track
    ground: GroundPosition


class Incidents:
    """The reported intruders of one site, and the happenings that belong to a place."""

    def __init__(self, config: SameConfig) -> None:
        self._config = config
        self._known: list[_Intruder] = []
        self._beside_since_ns: dict[int, int] = {}
        self._episodes: dict[tuple[str, str], tuple[str, int]] = {}

    def news_among(self, firing: Sequence[Fired], tracks: Sequence[Track], now_ns: int) -> tuple[News, ...]:
        """What of ``firing`` must be told: a rule that an intruder breaks for the first time. ``tracks`` are all tracks of the
        same scene: they tell which reported intruders are in sight."""
        about_bodies = [fired for fired in firing if not fired.seen.episode]
        in_sight = {track.track_id: track.ground for track in tracks if track.ground is not None and self._is_in_sight(track)}
        self._follow(in_sight, now_ns)
        self._assign(about_bodies, in_sight, now_ns)
        news = [*self._first_times(about_bodies), *self._episode_news(firing, now_ns)]
        order = {id(fired): number for number, fired in enumerate(firing)}
        return tuple(sorted(news, key=lambda item: order[id(item.fired)]))

    def _is_in_sight(self, track: Track) -> bool:
        return track.state == "confirmed" and track.score >= self._config.in_sight_score

    def _follow(self, in_sight: Mapping[int, GroundPosition], now_ns: int) -> None:
        """Move those in sight; forget those unseen for too long."""
        for item in self._known:
            ground = in_sight.get(item.track_id)
            if ground is not None:
                item.seen_ns, item.position_m, item.std_m = now_ns, ground.position_m, std_m(ground)
        self._known = [item for item in self._known if seconds(now_ns - item.seen_ns) <= self._config.quiet_s]

    def _assign(self, firing: Sequence[Fired], in_sight: Mapping[int, GroundPosition], now_ns: int) -> None:
        """Find the intruder of every track that breaks a rule: a known one, one within whose reach it is, or a new one."""
        known = {item.track_id for item in self._known}
        strangers = {
            fired.seen.track.track_id: _Suspect(track=fired.seen.track, ground=fired.seen.ground)
            for fired in reversed(firing)
            if fired.seen.track.track_id not in known
        }
        left = self._recognise(tuple(strangers[key] for key in sorted(strangers)), in_sight, now_ns)
        waiting = {suspect.track.track_id for suspect in left}
        self._beside_since_ns = {key: since for key, since in self._beside_since_ns.items() if key in waiting}
        first = {fired.seen.track.track_id: fired for fired in reversed(firing)}
        for suspect in left:
            if self._is_someone_else(suspect, in_sight, now_ns):
                self._known.append(_intruder(first[suspect.track.track_id], now_ns))

    def _recognise(
        self, suspects: Sequence[_Suspect], in_sight: Mapping[int, GroundPosition], now_ns: int
    ) -> tuple[_Suspect, ...]:
        """Let suspects take over the unseen intruders within whose reach they are, nearest first; return who is left."""
        unseen = [item for item in self._known if item.track_id not in in_sight]
        pairs = sorted(
            (_distance_m(item, suspect), i, j)
            for i, item in enumerate(unseen)
            for j, suspect in enumerate(suspects)
            if item.label is suspect.track.label
        )
        left, free = dict(enumerate(suspects)), dict(enumerate(unseen))
        for distance_m, i, j in pairs:
            if i in free and j in left and distance_m <= self._reach_m(free[i], left[j], now_ns):
                item, suspect = free.pop(i), left.pop(j)
                if distance_m - self._doubt_m(item, suspect) > self._config.elsewhere_m:
                    item.told.clear()
                item.track_id, item.seen_ns = suspect.track.track_id, now_ns
                item.position_m, item.std_m = suspect.ground.position_m, std_m(suspect.ground)
        return tuple(left.values())

    def _is_someone_else(self, suspect: _Suspect, in_sight: Mapping[int, GroundPosition], now_ns: int) -> bool:
        """Whether ``suspect`` is one more. Beside one in sight it may be a second track of the same body for a moment."""
        beside = any(
            _distance_m(item, suspect) <= self._reach_m(item, suspect, now_ns)
            for item in self._known
            if item.track_id in in_sight and item.label is suspect.track.label
        )
        if not beside:
            return True
        since_ns = self._beside_since_ns.setdefault(suspect.track.track_id, now_ns)
        return seconds(now_ns - since_ns) >= self._config.together_s

    def _reach_m(self, item: _Intruder, suspect: _Suspect, now_ns: int) -> float:
        """How far from where ``item`` was last seen it may be found now."""
        speed_mps = self._config.speed_mps.get(item.label, 0.0)
        return self._config.slack_m + self._doubt_m(item, suspect) + speed_mps * seconds(now_ns - item.seen_ns)

    @staticmethod
    def _doubt_m(item: _Intruder, suspect: _Suspect) -> float:
        return _SIGMAS * float(np.hypot(item.std_m, std_m(suspect.ground)))

    def _first_times(self, firing: Sequence[Fired]) -> list[News]:
        by_track = {item.track_id: item for item in self._known}
        news = []
        for fired in firing:
            item = by_track.get(fired.seen.track.track_id)
            if item is not None and fired.rule.name not in item.told:
                item.told.add(fired.rule.name)
                news.append(News(fired=fired, incident_id=item.incident_id))
        return news

    def _episode_news(self, firing: Sequence[Fired], now_ns: int) -> list[News]:
        """What belongs to a place is told once, until it has been quiet for as long as an intruder is known."""
        quiet_s = self._config.quiet_s
        self._episodes = {key: kept for key, kept in self._episodes.items() if seconds(now_ns - kept[1]) <= quiet_s}
        news = []
        for fired in firing:
            if fired.seen.episode:
                key = (fired.rule.name, fired.seen.episode)
                incident_id = self._episodes.get(key, ("", 0))[0]
                if not incident_id:
                    incident_id = alert_id(fired)
                    news.append(News(fired=fired, incident_id=incident_id))
                self._episodes[key] = (incident_id, now_ns)
        return news


def alert_id(fired: Fired) -> str:
    """The alert's id: a function of rule, place, track and first sight alone."""
    track = fired.seen.track
    return Alert.id_for(fired.rule.name, fired.seen.place_id, track.track_id, track.first_seen_ns)


def _intruder(fired: Fired, now_ns: int) -> _Intruder:
    track, ground = fired.seen.track, fired.seen.ground
    return _Intruder(
        incident_id=alert_id(fired),
        label=track.label,
        track_id=track.track_id,
        seen_ns=now_ns,
        position_m=ground.position_m,
        std_m=std_m(ground),
    )


def _distance_m(item: _Intruder, suspect: _Suspect) -> float:
    return float(np.hypot(*(suspect.ground.position_m - item.position_m)))
