# SPDX-License-Identifier: Apache-2.0
"""Many people in one place, and things that nobody is near."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from patrol.checks import Floats
from patrol.clock import seconds
from patrol.percepts import GroundPosition, Label, Track
from patrol.site import Zone
from perception.rulebook.config import CrowdRule, UnattendedRule
from perception.rulebook.ground_plan import GroundPlan
from perception.rulebook.memory import Memory
from perception.rulebook.places import inside_probability, moved
from perception.rulebook.scene import Measures, Observation, Scene

_PROBABLY = 0.5
_DISPERSED_AFTER_S = 3.0
_PEOPLE_EVERY_S = 1.0


@dataclass(slots=True)
class Crowd:
    """One rule about crowds. ``dwell_s``: for how long there have been as many as the rule's limit, give or take a moment."""

    rule: CrowdRule
    _since_ns: dict[str, int] = field(default_factory=dict)
    _last_ns: dict[str, int] = field(default_factory=dict)

    def observe(self, scene: Scene, plan: GroundPlan, memory: Memory) -> Iterator[Observation]:
        """Per zone one observation, of the largest group."""
        del memory
        limit = self.rule.limits.get("count")
        enough = 2.0 if limit is None or limit.at_least is None else limit.at_least
        people = [track for track in scene.tracks if track.label in self.rule.labels and track.state == "confirmed"]
        for zone in plan.zones(self.rule, 0, scene.stamp_ns):
            group = _largest_group(_inside(people, zone), self.rule.within_m)
            dwell_s = self._dwell_s(zone.zone_id, scene.stamp_ns, is_crowd=len(group) >= enough)
            if group:
                yield _gathered(group, zone, {"count": float(len(group)), "dwell_s": dwell_s})

    def _dwell_s(self, zone_id: str, now_ns: int, *, is_crowd: bool) -> float:
        if is_crowd:
            self._last_ns[zone_id] = now_ns
            return seconds(now_ns - self._since_ns.setdefault(zone_id, now_ns))
        if zone_id in self._last_ns and seconds(now_ns - self._last_ns[zone_id]) > _DISPERSED_AFTER_S:
            del self._last_ns[zone_id], self._since_ns[zone_id]
        return 0.0


Placed = tuple[Track, GroundPosition]


def _inside(people: Sequence[Track], zone: Zone) -> list[Placed]:
    return [
        (track, track.ground)
        for track in people
        if track.ground is not None and track.floor == zone.floor and inside_probability(track.ground, zone.outline) >= _PROBABLY
    ]


def _largest_group(people: Sequence[Placed], within_m: float) -> list[Placed]:
    """The most people about any one of them."""
    best: list[Placed] = []
    for _, middle in people:
        near = [item for item in people if float(np.hypot(*(item[1].position_m - middle.position_m))) <= within_m]
        best = near if len(near) > len(best) else best
    return best


def _gathered(group: Sequence[Placed], zone: Zone, measures: Measures) -> Observation:
    track, ground = group[0]
    return Observation(
        track=track,
        ground=ground,
        place_id=zone.zone_id,
        what=f"is one of {len(group)} together in {zone.name!r} ({zone.purpose}) for {measures['dwell_s']:.1f} s",
        measures=measures,
        others=tuple(other.track_id for other, _ in group[1:]),
        episode=f"crowd in {zone.zone_id}",
    )


@dataclass(slots=True, kw_only=True)
class _Thing:
    """``alone_since_ns``: when somebody was last near it. ``was_left``: whether somebody was near when it appeared."""

    alone_since_ns: int
    was_left: bool


@dataclass(slots=True)
class Unattended:
    """One rule about things that were left behind."""

    rule: UnattendedRule
    _things: dict[int, _Thing] = field(default_factory=dict)
    _people: list[tuple[int, Floats]] = field(default_factory=list)

    def observe(self, scene: Scene, plan: GroundPlan, memory: Memory) -> Iterator[Observation]:
        """Things in the rule's zones, with the time since somebody was near."""
        self._note_people(scene)
        exceptions = tuple(zone.outline for zone in plan.exceptions(self.rule, scene.stamp_ns))
        live = dict[int, _Thing]()
        for track in scene.tracks:
            if track.label not in self.rule.labels or track.ground is None or track.state in ("tentative", "ended"):
                continue
            thing = live[track.track_id] = self._followed(track, track.ground, scene)
            if track.state != "confirmed" or not (thing.was_left or self.rule.left_by_m is None):
                continue
            zones = plan.zones(self.rule, track.floor, scene.stamp_ns)
            inside, zone = max(
                ((inside_probability(track.ground, zone.outline, exceptions), zone) for zone in zones),
                key=lambda pair: pair[0],
                default=(0.0, None),
            )
            if zone is not None:
                measures = memory.measures(track, track.ground, scene.stamp_ns)
                measures["inside_probability"] = inside
                measures["unattended_s"] = seconds(scene.stamp_ns - thing.alone_since_ns)
                measures["stood_s"] = seconds(scene.stamp_ns - track.first_seen_ns)
                yield _left_behind(track, track.ground, zone, measures)
        self._things = live

    def _note_people(self, scene: Scene) -> None:
        """Keep where people were, once a second, for as long as a thing may be found after they left it."""
        self._people = [item for item in self._people if seconds(scene.stamp_ns - item[0]) <= self.rule.left_by_s]
        if not self._people or seconds(scene.stamp_ns - self._people[-1][0]) >= _PEOPLE_EVERY_S:
            self._people += [(scene.stamp_ns, place) for place in _people(scene)]

    def _followed(self, track: Track, ground: GroundPosition, scene: Scene) -> _Thing:
        """What is known of a thing; who is near it now ends its time alone."""
        thing = self._things.get(track.track_id)
        if thing is None:
            reach_m = self.rule.left_by_m or 0.0
            was_left = any(float(np.hypot(*(place - ground.position_m))) <= reach_m for _, place in self._people)
            thing = _Thing(alone_since_ns=track.first_seen_ns, was_left=was_left)
        if any(float(np.hypot(*(place - ground.position_m))) <= self.rule.near_m for place in _people(scene)):
            thing.alone_since_ns = scene.stamp_ns
        return thing


def _people(scene: Scene) -> list[Floats]:
    """Where people are (2,) m in map."""
    return [
        track.ground.position_m
        for track in scene.tracks
        if track.label is Label.PERSON and track.ground is not None and track.state in ("confirmed", "coasting")
    ]


def _left_behind(track: Track, ground: GroundPosition, zone: Zone, measures: Measures) -> Observation:
    def if_moved(by_m: Floats) -> Measures:
        return {**measures, "inside_probability": inside_probability(moved(ground, by_m), zone.outline)}

    return Observation(
        track=track,
        ground=ground,
        place_id=zone.zone_id,
        what=f"has stood in {zone.name!r} for {measures['stood_s']:.0f} s, {measures['unattended_s']:.0f} s with nobody near",
        measures=measures,
        if_moved=if_moved,
    )
