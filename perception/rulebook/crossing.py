# SPDX-License-Identifier: Apache-2.0
"""Something goes over a line, one way or the other; and two who go through a gate one right after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from shapely.geometry import LineString

from patrol.checks import Floats
from patrol.clock import seconds
from patrol.percepts import GroundPosition, Label, Track
from perception.rulebook.config import CrossingRule, TailgatingRule
from perception.rulebook.ground_plan import GroundPlan, Line
from perception.rulebook.memory import Memory
from perception.rulebook.places import moved, side_of, std_m
from perception.rulebook.scene import Measures, Observation, Scene

SURE = 0.9
_CLEAR, _CLEAR_M, _CLEAR_FOR_S = 0.95, 0.25, 0.3
_WAY_WITHIN_S, _LOST_AFTER_S, _NEWS_FOR_S = 2.0, 0.3, 3.0
_GATE_SLACK_M = 0.75
_CROSSINGS_KEPT = 64
_WAYS = {"in": " inwards", "out": " outwards", "": ", which way can not be told"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossed:
    """A track went over a line, and is to its ``left`` or to its right now; at ``at_m`` (2,). ``way_is_sure``: it believably came
    from the other side and is on this one; else it may as well have gone the other way, or come back."""

    track_id: int
    line: Line
    left: bool
    stamp_ns: int
    at_m: Floats
    way_is_sure: bool

    @property
    def way(self) -> str:
        """``in``, ``out``, ``left`` or ``right``; empty where it can not be told."""
        if not self.way_is_sure:
            return ""
        return self.line.left if self.left else self.line.right

    def may_be(self, direction: str) -> bool:
        """Whether a rule about this direction is about it: also when the way can not be told."""
        return not self.way_is_sure or direction in ("any", self.way)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A crossing that is news, with the place ``at`` where the track was seen last. ``may_alert``: it was confirmed then, and
    that is this picture, or it was lost from sight on the way over."""

    crossed: Crossed
    at: GroundPosition
    may_alert: bool


@dataclass(slots=True, kw_only=True)
class _Side:
    """The side on which a track surely was last, and where; the side on which it was clear of the line last, and on which and
    since when it seems to be now. A crossing waits until its way is sure, or can not be told, ``since_ns`` then; ``came_clear``:
    it was clear on the other side before. ``seen``: where it was seen last, when, and whether as a confirmed track."""

    left: bool
    position_m: Floats
    seen: tuple[GroundPosition, int, bool]
    clear_left: bool | None = None
    seems: tuple[bool, int] | None = None
    crossed: Crossed | None = None
    came_clear: bool = False
    since_ns: int | None = None

    def look(self, now_ns: int, *, clear_left: bool | None, clear_for_s: float) -> None:
        """Take in on which side the track is clear of the line in this picture; None: on neither."""
        if clear_left is None:
            self.seems = None
            return
        if self.seems is None or self.seems[0] is not clear_left:
            self.seems = (clear_left, now_ns)
        if seconds(now_ns - self.seems[1]) >= clear_for_s:
            self.clear_left = clear_left

    def cross(self, line: Line, track_id: int, now: GroundPosition, now_ns: int) -> None:
        """Take in that it surely is on the other side. Nothing has happened where the way does not meet the line, or where it
        only comes back from a crossing that nobody was told of yet."""
        was_told = self.crossed is None or self.since_ns is not None
        crossed = _crossing(track_id, line, self, now, now_ns)
        is_back = not was_told and self.clear_left is not self.left
        self.came_clear, self.since_ns = self.clear_left is self.left, None
        self.crossed = None if is_back else crossed

    def settle(self, now_ns: int) -> None:
        """Say which way, once the track is clear on the side of the crossing; that it can not be told, where it was not seen
        clear before or is not for too long."""
        crossed = self.crossed
        if crossed is None or self.since_ns is not None:
            return
        if self.came_clear and self.clear_left is crossed.left:
            self.crossed, self.since_ns = replace(crossed, way_is_sure=True), now_ns
        elif not self.came_clear or seconds(now_ns - crossed.stamp_ns) >= _WAY_WITHIN_S:
            self.since_ns = now_ns

    def miss(self, now_ns: int) -> None:
        """Say that the way can not be told, once the track was lost from sight on its way over; one that had only just jumped to
        the other side is not believed."""
        if self.crossed is None or self.since_ns is not None or seconds(now_ns - self.seen[1]) < _LOST_AFTER_S:
            return
        if seconds(self.seen[1] - self.crossed.stamp_ns) >= _CLEAR_FOR_S:
            self.since_ns = now_ns


@dataclass(slots=True)
class LineWatch:
    """Which tracks go over lines. A side counts once it is sure (0.9), so that a place that wavers on the line goes over it once
    at most; the way from the last sure place must meet the line itself. Which way it went is told of who was clear of the line
    on both sides: half a body away from it with 95 %, for 0.3 s; of a thrown thing, which follows its parabola, at once. Who is
    back before anything could be told has not gone over it; who is lost from sight before has."""

    _sides: dict[tuple[str, int], _Side] = field(default_factory=dict)

    def follow(self, track: Track, ground: GroundPosition, line: Line, now_ns: int) -> Passage | None:
        """Take in where a track is, if it is seen; its latest crossing of ``line`` while that is news, or None."""
        key = (line.line_id, track.track_id)
        is_seen = track.last_seen_ns == track.stamp_ns
        if is_seen:
            self._look(key, track, ground, line, now_ns)
        known = self._sides.get(key)
        if known is None:
            return None
        if not is_seen:
            known.miss(now_ns)
        if known.crossed is None or known.since_ns is None:
            return None
        if seconds(now_ns - known.since_ns) > _NEWS_FOR_S:
            known.crossed = known.since_ns = None
            return None
        at, seen_ns, was_confirmed = known.seen
        return Passage(crossed=known.crossed, at=at, may_alert=was_confirmed and (is_seen or known.since_ns > seen_ns))

    def _look(self, key: tuple[str, int], track: Track, ground: GroundPosition, line: Line, now_ns: int) -> None:
        sided = side_of(ground, line.path)
        left = sided.offset_m > 0.0
        seen = (ground, now_ns, track.state == "confirmed")
        known = self._sides.get(key)
        if max(sided.left_probability, 1.0 - sided.left_probability) >= SURE:
            if known is None:
                known = self._sides[key] = _Side(left=left, position_m=ground.position_m, seen=seen)
            elif left is not known.left:
                known.cross(line, key[1], ground, now_ns)
            known.left, known.position_m = left, ground.position_m
        if known is not None:
            known.seen = seen
            clear_for_s = 0.0 if track.label is Label.THROWN else _CLEAR_FOR_S
            known.look(now_ns, clear_left=left if sided.clear_probability(_CLEAR_M) >= _CLEAR else None, clear_for_s=clear_for_s)
            known.settle(now_ns)

    def keep_only(self, track_ids: set[int]) -> None:
        """Forget all other tracks."""
        self._sides = {key: side for key, side in self._sides.items() if key[1] in track_ids}


def _crossing(track_id: int, line: Line, before: _Side, now: GroundPosition, now_ns: int) -> Crossed | None:
    """None for a way that does not meet the line."""
    way = LineString([before.position_m, now.position_m])
    if not way.intersects(line.path):
        return None
    at = way.intersection(line.path).representative_point()
    at_m = np.array([at.x, at.y])
    return Crossed(track_id=track_id, line=line, left=not before.left, stamp_ns=now_ns, at_m=at_m, way_is_sure=False)


@dataclass(slots=True)
class Crossing:
    """One rule about lines."""

    rule: CrossingRule
    _lines: LineWatch = field(default_factory=LineWatch)

    def observe(self, scene: Scene, plan: GroundPlan, memory: Memory) -> Iterator[Observation]:
        """Crossings in the rule's direction, for a moment after each."""
        rule = self.rule
        lines = plan.lines(rule, scene.stamp_ns)
        for track in _of_labels(scene, rule):
            if track.ground is None:
                continue
            for line in lines:
                news = self._lines.follow(track, track.ground, line, scene.stamp_ns)
                if news is not None and news.may_alert and self._counts(news, plan):
                    yield observed(news, track, memory.measures(track, news.at, scene.stamp_ns))
        self._lines.keep_only(_live(scene))

    def _counts(self, news: Passage, plan: GroundPlan) -> bool:
        if not news.crossed.may_be(self.rule.direction):
            return False
        if self.rule.over != "perimeter":
            return True
        x_m, y_m = news.crossed.at_m.tolist()
        return not plan.at_gate(x_m, y_m, _GATE_SLACK_M + 2.0 * std_m(news.at))


@dataclass(slots=True)
class Tailgating:
    """One rule about followers through gates: the second of two is the one who is told."""

    rule: TailgatingRule
    _lines: LineWatch = field(default_factory=LineWatch)
    _passed: deque[Crossed] = field(default_factory=lambda: deque(maxlen=_CROSSINGS_KEPT))

    def observe(self, scene: Scene, plan: GroundPlan, memory: Memory) -> Iterator[Observation]:
        """Crossings of a gate after someone else's the same way."""
        lines = plan.lines(self.rule, scene.stamp_ns)
        for track in _of_labels(scene, self.rule):
            if track.ground is None:
                continue
            for line in lines:
                news = self._lines.follow(track, track.ground, line, scene.stamp_ns)
                if news is None or not news.crossed.may_be(self.rule.direction):
                    continue
                crossed = news.crossed
                if crossed not in self._passed:
                    self._passed.append(crossed)
                before = self._before(crossed)
                if before is not None and news.may_alert:
                    measures = memory.measures(track, news.at, scene.stamp_ns)
                    measures["apart_s"] = seconds(crossed.stamp_ns - before.stamp_ns)
                    yield observed(news, track, measures, after=before)
        self._lines.keep_only(_live(scene))

    def _before(self, crossed: Crossed) -> Crossed | None:
        """The last one of another who went the same way before."""
        others = [
            item
            for item in self._passed
            if item.track_id != crossed.track_id
            and item.line.line_id == crossed.line.line_id
            and (item.left == crossed.left or not (item.way_is_sure and crossed.way_is_sure))
            and item.stamp_ns <= crossed.stamp_ns
        ]
        return max(others, key=lambda item: item.stamp_ns, default=None)


def observed(news: Passage, track: Track, of_track: Measures, *, after: Crossed | None = None) -> Observation:
    """A crossing as an observation; ``after`` is the crossing of the one before."""
    crossed, ground, line = news.crossed, news.at, news.crossed.line

    def beyond(place: GroundPosition) -> float:
        left = side_of(place, line.path).left_probability
        return left if crossed.left else 1.0 - left

    measures = {**of_track, "beyond_probability": beyond(ground)}

    def if_moved(by_m: Floats) -> Measures:
        return {**measures, "beyond_probability": beyond(moved(ground, by_m))}

    way = _WAYS.get(crossed.way, f" to the {crossed.way}")
    followed = "" if after is None else f", {measures['apart_s']:.1f} s after track {after.track_id}"
    return Observation(
        track=track,
        ground=ground,
        place_id=line.line_id,
        what=f"has gone over {line.name}{way}{followed}",
        measures=measures,
        if_moved=if_moved,
        others=() if after is None else (after.track_id,),
    )


def _of_labels(scene: Scene, rule: CrossingRule | TailgatingRule) -> Iterator[Track]:
    return (track for track in scene.tracks if track.label in rule.labels and track.state not in ("tentative", "ended"))


def _live(scene: Scene) -> set[int]:
    return {track.track_id for track in scene.tracks if track.state != "ended"}
