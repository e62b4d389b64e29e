# SPDX-License-Identifier: Apache-2.0
"""Something goes over a line, one way or the other; and two who go through a gate one right after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from shapely.geometry import LineString

from patrol.checks import Floats
from patrol.clock import seconds
from patrol.percepts import GroundPosition, Track
from perception.rulebook.config import CrossingRule, TailgatingRule
from perception.rulebook.ground_plan import GroundPlan, Line
from perception.rulebook.memory import Memory
from perception.rulebook.places import moved, side_of, std_m
from perception.rulebook.scene import Measures, Observation, Scene

SURE = 0.9
_NEWS_FOR_S = 3.0
_GATE_SLACK_M = 0.75
_CROSSINGS_KEPT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossed:
    """A track went over a line: to its ``left`` or to its right, at ``at_m`` (2,)."""

    track_id: int
    line: Line
    left: bool
    stamp_ns: int
    at_m: Floats

    @property
    def way(self) -> str:
        return self.line.left if self.left else self.line.right


@dataclass(slots=True, kw_only=True)
class _Side:
    """The side on which a track surely was last, and where."""

    left: bool
    position_m: Floats
    crossed: Crossed | None = None


@dataclass(slots=True)
class LineWatch:
    """Which tracks go over lines. A side counts once it is sure (0.9), so that a place that wavers on the line goes over it once
    at most; the way from the last sure place must meet the line itself."""

    _sides: dict[tuple[str, int], _Side] = field(default_factory=dict)

    def follow(self, track_id: int, ground: GroundPosition, line: Line, now_ns: int) -> Crossed | None:
        """Take in where a track is; its latest crossing of ``line`` while that is news, or None."""
        sided = side_of(ground, line.path)
        sure = max(sided.left_probability, 1.0 - sided.left_probability) >= SURE
        key = (line.line_id, track_id)
        known = self._sides.get(key)
        left = sided.offset_m > 0.0
        if known is None:
            if sure:
                self._sides[key] = _Side(left=left, position_m=ground.position_m)
            return None
        if sure:
            if left != known.left:
                known.crossed = _crossing(track_id, line, known, ground, now_ns)
            known.left, known.position_m = left, ground.position_m
        if known.crossed is not None and seconds(now_ns - known.crossed.stamp_ns) > _NEWS_FOR_S:
            known.crossed = None
        return known.crossed

    def keep_only(self, track_ids: set[int]) -> None:
        """Forget all other tracks."""
        self._sides = {key: side for key, side in self._sides.items() if key[1] in track_ids}


def _crossing(track_id: int, line: Line, before: _Side, now: GroundPosition, now_ns: int) -> Crossed | None:
    way = LineString([before.position_m, now.position_m])
    if not way.intersects(line.path):
        return None
    at = way.intersection(line.path).representative_point()
    return Crossed(track_id=track_id, line=line, left=not before.left, stamp_ns=now_ns, at_m=np.array([at.x, at.y]))


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
                crossed = self._lines.follow(track.track_id, track.ground, line, scene.stamp_ns)
                if crossed is not None and self._counts(crossed, track.ground, plan) and track.state == "confirmed":
                    measures = memory.measures(track, track.ground, scene.stamp_ns)
                    yield observed(crossed, track, track.ground, measures)
        self._lines.keep_only(_live(scene))

    def _counts(self, crossed: Crossed, ground: GroundPosition, plan: GroundPlan) -> bool:
        if self.rule.direction not in ("any", crossed.way):
            return False
        if self.rule.over != "perimeter":
            return True
        x_m, y_m = crossed.at_m.tolist()
        return not plan.at_gate(x_m, y_m, _GATE_SLACK_M + 2.0 * std_m(ground))


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
                crossed = self._lines.follow(track.track_id, track.ground, line, scene.stamp_ns)
                if crossed is None or self.rule.direction not in ("any", crossed.way):
                    continue
                if crossed not in self._passed:
                    self._passed.append(crossed)
                before = self._before(crossed)
                if before is not None and track.state == "confirmed":
                    measures = memory.measures(track, track.ground, scene.stamp_ns)
                    measures["apart_s"] = seconds(crossed.stamp_ns - before.stamp_ns)
                    yield observed(crossed, track, track.ground, measures, after=before)
        self._lines.keep_only(_live(scene))

    def _before(self, crossed: Crossed) -> Crossed | None:
        """The last one of another who went the same way before."""
        others = [
            item
            for item in self._passed
            if item.track_id != crossed.track_id
            and item.line.line_id == crossed.line.line_id
            and item.left == crossed.left
            and item.stamp_ns <= crossed.stamp_ns
        ]
        return max(others, key=lambda item: item.stamp_ns, default=None)


def observed(
    crossed: Crossed, track: Track, ground: GroundPosition, of_track: Measures, *, after: Crossed | None = None
) -> Observation:
    """A crossing as an observation; ``after`` is the crossing of the one before."""
    line = crossed.line

    def beyond(place: GroundPosition) -> float:
        left = side_of(place, line.path).left_probability
        return left if crossed.left else 1.0 - left

    measures = {**of_track, "beyond_probability": beyond(ground)}

    def if_moved(by_m: Floats) -> Measures:
        return {**measures, "beyond_probability": beyond(moved(ground, by_m))}

    way = {"in": "inwards", "out": "outwards"}.get(crossed.way, f"to the {crossed.way}")
    followed = "" if after is None else f", {measures['apart_s']:.1f} s after track {after.track_id}"
    return Observation(
        track=track,
        ground=ground,
        place_id=line.line_id,
        what=f"has gone over {line.name} {way}{followed}",
        measures=measures,
        if_moved=if_moved,
        others=() if after is None else (after.track_id,),
    )


def _of_labels(scene: Scene, rule: CrossingRule | TailgatingRule) -> Iterator[Track]:
    return (track for track in scene.tracks if track.label in rule.labels and track.state not in ("tentative", "ended"))


def _live(scene: Scene) -> set[int]:
    return {track.track_id for track in scene.tracks if track.state != "ended"}
