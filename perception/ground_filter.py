# SPDX-License-Identifier: Apache-2.0
"""Where tracks are on the map: one constant-velocity Kalman filter per track, in metres and seconds.

Constant velocity with white acceleration (Bar-Shalom, Li, Kirubarajan 2001, ch. 6). The pose's error is the same in picture
after picture and must not average out, so it stays outside the filter and is added to what the filter says. What pictures alone
say of the range errs alike for about a second (the robot's pitch, the way a box is drawn around a stride): each picture then
counts only as its share of that second.

Where nothing of its kind could have got to since, a thing is not taken to by its filter: no speed is made up on the way. Such a
place, and any that surprises, begins a filter of its own, as that of another thing in the same box would, and becomes the track's
once it has held for a while in which nothing was measured where the old one expects it.

As pictures err alike, how far a thing goes from one to the next is known far better than where it is. Where it goes faster than
anything of its kind can, the box changed and not the place: somebody reaches up, or climbs. Such a place is left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from patrol.checks import Floats
from patrol.clock import seconds
from patrol.estimate import PoseEstimate
from patrol.geometry import Pose2
from patrol.percepts import GroundPosition, Label, Track
from perception.ground import (
    GroundProjector,
    Located,
    beyond,
    contradiction,
    fused,
    left_beyond,
    mixed,
    near_or_beyond,
    pose_error_m2,
    to_map,
    with_hidden_part,
)
from perception.ranging import Ranged

_ACCELERATION_MPS2: Mapping[Label, float] = MappingProxyType(
    {Label.PERSON: 1.0, Label.VEHICLE: 2.0, Label.ANIMAL: 2.0, Label.OBJECT: 0.2}
)
_TOP_SPEED_MPS: Mapping[Label, float] = MappingProxyType(
    {Label.PERSON: 9.0, Label.VEHICLE: 30.0, Label.ANIMAL: 15.0, Label.OBJECT: 15.0}
)
_FIRST_SPEED_MPS = 1.5
_SIGMAS = 3.0
_MOVED_AFTER_S, _STEP_S, _BY_PICTURE = 0.4, 0.2, 0.25
"""So long must a thing be measured elsewhere; one measurement counts for at most a step, and by pictures alone for a share."""
_ALIKE_S, _NOT_ALIKE = 1.0, 0.5
"""So long do pictures err alike, but for a share of what they err."""
_SHARE_MIN = 0.01
_SURPRISE_MAX = 9.21
_OTHER_THING_MIN = 5.99
_BEYOND_MIN = 0.01
_BESIDE_FENCE_M = 0.75
_KEEP_POSITION = np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]])


class GroundFilter:
    """Position and velocity (4,) of one thing in map."""

    def __init__(self, first: Located, label: Label, stamp_ns: int) -> None:
        self._label = label
        self._power = _ACCELERATION_MPS2[label] ** 2
        self._stamp_ns = self._corrected_ns = self._agreed_ns = stamp_ns
        self._state = np.concatenate((first.position_m, np.zeros(2)))
        self._covariance = np.zeros((4, 4))
        self._covariance[:2, :2] = first.covariance_m2
        self._covariance[2:, 2:] = np.eye(2) * _FIRST_SPEED_MPS**2

    def predict(self, stamp_ns: int) -> None:
        """Move on to ``stamp_ns``."""
        dt = seconds(stamp_ns - self._stamp_ns)
        self._stamp_ns = stamp_ns
        carry = np.eye(4)
        carry[0, 2] = carry[1, 3] = dt
        single = np.array([[dt**3 / 3.0, dt**2 / 2.0], [dt**2 / 2.0, dt]]) * self._power
        self._state = carry @ self._state
        self._covariance = carry @ self._covariance @ carry.T + np.kron(single, np.eye(2))

    def correct(self, measured: Located, *, by_picture: bool) -> None:
        """Take in a measured place, ``by_picture`` alone or not. One that surprises (beyond 99 %) is trusted less, in
        proportion."""
        error = measured.position_m - self._state[:2]
        share = min(seconds(self._stamp_ns - self._corrected_ns) / _ALIKE_S, 1.0) if by_picture else 1.0
        self._corrected_ns = self._stamp_ns
        noise = measured.covariance_m2 / max(share, _SHARE_MIN)
        total = self._covariance[:2, :2] + noise
        surprise = float(error @ np.linalg.solve(total, error))
        if surprise > _SURPRISE_MAX:
            total = self._covariance[:2, :2] + noise * (surprise / _SURPRISE_MAX) ** 2
        else:
            self._agreed_ns = self._stamp_ns
        gain = self._covariance[:, :2] @ np.linalg.inv(total)
        self._state = self._state + gain @ error
        kept = np.eye(4) - gain @ _KEEP_POSITION
        self._covariance = kept @ self._covariance
        self._covariance = 0.5 * (self._covariance + self._covariance.T)

    def _off(self, place: Located) -> tuple[Floats, Floats]:
        """How far a place in map is from where the thing is expected (2,) m, and the covariance (2, 2) m² of that."""
        return place.position_m - self._state[:2], self._covariance[:2, :2] + place.covariance_m2

    def agrees(self, place: Located) -> bool:
        """Whether a place in map is about where the thing is expected (within 99 %)."""
        error, total = self._off(place)
        return float(error @ np.linalg.solve(total, error)) <= _SURPRISE_MAX

    def reaches(self, place: Located) -> bool:
        """Whether the thing can have got to a place in map since it was last measured where it was expected."""
        error, total = self._off(place)
        away_m = float(np.hypot(*error))
        ahead = error / max(away_m, 1e-6)
        slack_m = _SIGMAS * math.sqrt(float(ahead @ total @ ahead))
        return away_m <= slack_m + _TOP_SPEED_MPS[self._label] * seconds(self._stamp_ns - self._agreed_ns)

    def misfit(self, place: Located) -> float:
        """How badly a place in map fits where the thing is expected: twice the negative logarithm of its density, less a
        constant."""
        error, total = self._off(place)
        return float(error @ np.linalg.solve(total, error) + np.log(np.linalg.det(total)))

    def position(self, estimate: PoseEstimate | None) -> GroundPosition:
        """Position, velocity and covariance in map, with the error of ``estimate`` added when there is one."""
        covariance: Floats = self._covariance[:2, :2].copy()
        if estimate is not None:
            covariance += pose_error_m2(self._state[:2], estimate.map_from_base, estimate.covariance)
        return GroundPosition(position_m=self._state[:2], velocity_mps=self._state[2:], covariance_m2=covariance)


class _Whereabouts:
    """The filter of one track, and that of where else it was measured lately, where the first one does not expect it."""

    def __init__(self, first: Located, label: Label, stamp_ns: int) -> None:
        self._label = label
        self._stamp_ns = self._taken_ns = stamp_ns
        self._elsewhere: GroundFilter | None = None
        self._elsewhere_s = 0.0
        self._pictured: list[tuple[Located, int]] = []
        self.here = GroundFilter(first, label, stamp_ns)

    def predict(self, stamp_ns: int) -> None:
        """Move on to ``stamp_ns``."""
        self._stamp_ns = stamp_ns
        self._pictured = [(place, then_ns) for place, then_ns in self._pictured if seconds(stamp_ns - then_ns) < _ALIKE_S]
        self.here.predict(stamp_ns)
        if self._elsewhere is not None:
            self._elsewhere.predict(stamp_ns)

    def correct(self, measured: Located, *, by_picture: bool) -> None:
        """Take in a measured place where it belongs."""
        step_s = min(seconds(self._stamp_ns - self._taken_ns), _STEP_S) * (_BY_PICTURE if by_picture else 1.0)
        self._taken_ns = self._stamp_ns
        is_here = self.here.agrees(measured)
        if is_here or self.here.reaches(measured):
            self.here.correct(measured, by_picture=by_picture)
        if self._elsewhere is not None and self._elsewhere.reaches(measured):
            self._elsewhere.correct(measured, by_picture=by_picture)
            self._elsewhere_s += 0.0 if is_here else step_s
        else:
            self._elsewhere = None if is_here else GroundFilter(measured, self._label, self._stamp_ns)
            self._elsewhere_s = 0.0
        if self._elsewhere is not None and self._elsewhere_s >= _MOVED_AFTER_S:
            self.here, self._elsewhere = self._elsewhere, None

    def picture(self, place: Located) -> None:
        """Remember where in map the picture has the thing, for as long as pictures err alike."""
        self._pictured.append((place, self._stamp_ns))

    def follows(self, place: Located) -> bool:
        """Whether the thing can have got to a place in map, at which the picture has it, from where pictures lately had it."""
        return all(
            _can_go(old, place, _TOP_SPEED_MPS[self._label] * seconds(self._stamp_ns - then_ns))
            for old, then_ns in self._pictured
        )


def _can_go(start: Located, end: Located, way_m: float) -> bool:
    """Whether something that goes ``way_m`` at most may be seen at one place and then at the other; both err alike but for a
    share of it."""
    gap = end.position_m - start.position_m
    away_m = float(np.hypot(*gap))
    ahead = gap / max(away_m, 1e-6)
    return away_m <= way_m + _NOT_ALIKE * math.sqrt(float(ahead @ end.covariance_m2 @ ahead))


@dataclass(frozen=True, slots=True)
class _Expected:
    """What is known of a track already, for places in base_link."""

    known: _Whereabouts
    map_from_base: Pose2

    def misfit(self, place: Located) -> float:
        """How badly a place fits where the track is expected."""
        return self.known.here.misfit(to_map(place, self.map_from_base))

    def follows(self, place: Located) -> bool:
        """Whether a place that the picture has can be where the track got to."""
        return self.known.follows(to_map(place, self.map_from_base))


@dataclass(frozen=True, slots=True)
class _Found:
    """Where a track is in base_link; where its box has it, None if nowhere that can be; and whether what errs is alike in picture
    after picture."""

    place: Located | None
    pictured: Located | None
    by_picture: bool = True


class Placer:
    """Gives every track its place on the map."""

    def __init__(self, projector: GroundProjector) -> None:
        self._projector = projector
        self._known: dict[int, _Whereabouts] = {}

    def place(
        self,
        tracks: tuple[Track, ...],
        estimate: PoseEstimate | None,
        ranged: Mapping[int, Ranged] = MappingProxyType({}),
        *,
        by_heat: frozenset[int] = frozenset(),
    ) -> tuple[Track, ...]:
        """The tracks with ``ground``: measured where the track was seen in this picture and the pose is known, else predicted.

        ``ranged`` holds what a lidar tells, by track id; ``by_heat`` the ids of tracks whose box a thermal
        camera found. A track never placed keeps ground None.
        """
        placed = tuple(self._placed(track, estimate, ranged.get(track.track_id, Ranged()), by_heat) for track in tracks)
        live = {track.track_id for track in tracks if track.state != "ended"}
        self._known = {track_id: item for track_id, item in self._known.items() if track_id in live}
        return placed

    def _placed(self, track: Track, estimate: PoseEstimate | None, ranged: Ranged, by_heat: frozenset[int]) -> Track:
        known = self._known.get(track.track_id)
        if known is not None:
            known.predict(track.stamp_ns)
        expected = None if known is None or estimate is None else _Expected(known, estimate.map_from_base)
        found = self._measured(track, ranged, by_heat, expected)
        if found.place is not None and estimate is not None:
            on_map = to_map(found.place, estimate.map_from_base)
            if known is None:
                known = self._known[track.track_id] = _Whereabouts(on_map, track.label, track.stamp_ns)
            else:
                known.correct(on_map, by_picture=found.by_picture)
            if found.pictured is not None:
                known.picture(to_map(found.pictured, estimate.map_from_base))
        if known is None:
            return track
        top_m = None if track.box is None or found.place is None else self._projector.top_m(track.box, found.place.position_m)
        return replace(track, ground=known.here.position(estimate), floor=0 if estimate is None else estimate.floor, top_m=top_m)

    def _measured(self, track: Track, ranged: Ranged, by_heat: frozenset[int], expected: _Expected | None) -> _Found:
        """Where the track is seen; where its side hides some of it, what errs is alike in picture after picture too."""
        if track.box is None or track.last_seen_ns != track.stamp_ns:
            return _Found(None, None)
        found = _found(self._projector.places(track.box, track.label, by_heat=track.track_id in by_heat), ranged, expected)
        aside_m = 0.0 if found.place is None else self._projector.aside_m(track.box, track.label, found.place.position_m)
        return replace(found, place=with_hidden_part(found.place, aside_m), by_picture=True) if found.place and aside_m else found


def _found(seen: Sequence[Located], ranged: Ranged, expected: _Expected | None) -> _Found:
    """Where the part of a track that is in view is: the picture has it in one of the places ``seen``; nothing is ``expected`` of
    one that is new. Two places are of somebody high up, so what is on a fence is they, whether or not one of the two can be ruled
    out."""
    is_high = len(seen) > 1
    can_be = [place for place in seen if left_beyond(place, ranged.clear_m)[0] >= _BEYOND_MIN]
    seen = [place for place in can_be if expected is None or expected.follows(place)]
    if not seen:
        return _Found(ranged.places[0], None, 0 in ranged.may_be_fence) if ranged.places else _Found(None, None)
    pairs = [
        (at, place, way)
        for at, place in enumerate(ranged.places)
        for way in seen
        if contradiction(place, way) <= _OTHER_THING_MIN
    ]
    if not pairs:
        climbed = None if expected is None else _climbed(seen, ranged, expected)
        if climbed is not None:
            return _Found(climbed, seen[0], by_picture=False)
        place = mixed(seen) if ranged.fence_m is None else beyond(seen, ranged.fence_m)
        return _Found(place, place)
    at, place, way = min(pairs, key=lambda pair: (pair[0] in ranged.may_be_fence, contradiction(*pair[1:])))
    if at in ranged.may_be_fence and not is_high:
        return _Found(near_or_beyond(way, place, _BESIDE_FENCE_M), way)
    return _Found(fused(place, way), way, by_picture=False)


def _climbed(seen: Sequence[Located], ranged: Ranged, expected: _Expected) -> Located | None:
    """The place on a fence that the lidar tells, of somebody whose head is so high that the picture has them before it: where
    that is where they were expected, rather than where the picture has them."""
    farthest_m = max(float(np.hypot(*way.position_m)) for way in seen)
    on_fence = [ranged.places[at] for at in ranged.may_be_fence if np.hypot(*ranged.places[at].position_m) > farthest_m]
    best = min(on_fence, key=expected.misfit, default=None)
    return best if best is not None and expected.misfit(best) < min(map(expected.misfit, seen)) else None
