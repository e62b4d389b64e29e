# SPDX-License-Identifier: Apache-2.0
"""Decides what a person must hear about: runs every rule on every track, and raises one alert per intruder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from patrol.checks import Floats
from patrol.clock import seconds
from patrol.config import Config
from patrol.percepts import Alert, Threshold, Track
from patrol.site import Site, Zone
from perception.reasons import reason_for
from perception.rules import PERSON_IN_RESTRICTED_ZONE, Observation, RuleConfig, inside_probability, thresholds


class WatchConfig(Config):
    """The rules, and from which standard deviation on a position counts as uncertain."""

    rules: tuple[RuleConfig, ...] = (PERSON_IN_RESTRICTED_ZONE,)
    uncertain_from_m: float = Field(default=2.0, gt=0.0)


@dataclass(slots=True, kw_only=True)
class _Reported:
    """An intruder that was reported: which track it is now, and where and when it was last seen."""

    rule: str
    track_id: int
    seen_ns: int
    position_m: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fired:
    rule: RuleConfig
    zone: Zone
    seen: Observation
    tests: tuple[Threshold, ...]


class Watch:
    """Runs the rules over the zones of one site."""

    def __init__(self, config: WatchConfig, site: Site) -> None:
        self._config = config
        self._zones = site.zones
        self._inside_since_ns: dict[tuple[str, str, int], int] = {}
        self._reported: list[_Reported] = []

    def evaluate(self, tracks: tuple[Track, ...], now_ns: int, pose_doubt: str = "") -> tuple[Alert, ...]:
        """The alerts that ``tracks`` raise at ``now_ns``; ``pose_doubt`` (not empty: why) marks their places as uncertain.

        Only a confirmed track, seen in this very picture, raises an alert. Alerts come without a picture.
        """
        alerts = []
        for rule in self._config.rules:
            for track in tracks:
                self._recognise(rule, track, tracks)
            for fired in self._firing(rule, tracks, now_ns):
                self._remember(rule, fired.seen.track, fired.seen.ground.position_m)
                alerts.append(self._alert(fired, now_ns, pose_doubt))
        self._forget(tracks, now_ns)
        return tuple(alerts)

    def _firing(self, rule: RuleConfig, tracks: tuple[Track, ...], now_ns: int) -> Iterator[_Fired]:
        """Per track at most one: the zone in which it most probably stands, of those where every test holds."""
        active = [zone for zone in self._zones if zone.is_active(now_ns)]
        exceptions = tuple(zone for zone in active if zone.purpose in rule.except_purposes)
        for track in tracks:
            best: _Fired | None = None
            for zone in active:
                if zone.purpose in rule.purposes and zone.floor == track.floor:
                    fired = self._test(rule, zone, exceptions, track, now_ns)
                    if fired and (best is None or fired.seen.inside_probability > best.seen.inside_probability):
                        best = fired
            if best is not None and not self._is_reported(rule, track.track_id):
                yield best

    def _test(self, rule: RuleConfig, zone: Zone, exceptions: tuple[Zone, ...], track: Track, now_ns: int) -> _Fired | None:
        key = (rule.rule, zone.zone_id, track.track_id)
        if track.label not in rule.labels or track.ground is None or track.state in ("tentative", "ended"):
            self._inside_since_ns.pop(key, None)
            return None
        inside = inside_probability(track.ground, zone, exceptions)
        if inside < rule.inside_from:
            self._inside_since_ns.pop(key, None)
            return None
        since_ns = self._inside_since_ns.setdefault(key, now_ns)
        if track.state != "confirmed":
            return None
        dwell_s = seconds(now_ns - since_ns)
        seen = Observation(track=track, ground=track.ground, inside_probability=inside, dwell_s=dwell_s)
        tests = thresholds(rule, seen)
        if any(test.margin < 0.0 for test in tests):
            return None
        return _Fired(rule=rule, zone=zone, seen=seen, tests=tests)

    def _recognise(self, rule: RuleConfig, track: Track, tracks: tuple[Track, ...]) -> None:
        """Keep reported intruders up to date; let a new track take over one whose own track is lost nearby."""
        if track.ground is None or track.state in ("coasting", "ended"):
            return
        mine = [item for item in self._reported if item.rule == rule.rule and item.track_id == track.track_id]
        if mine:
            mine[0].seen_ns, mine[0].position_m = track.stamp_ns, track.ground.position_m
            return
        visible = {other.track_id for other in tracks if other.state in ("tentative", "confirmed")}
        lost = [item for item in self._reported if item.rule == rule.rule and item.track_id not in visible]
        near = [item for item in lost if self._is_same(rule, item, track)]
        if near and track.label in rule.labels:
            closest = min(near, key=lambda item: _distance_m(item, track))
            closest.track_id, closest.seen_ns, closest.position_m = track.track_id, track.stamp_ns, track.ground.position_m

    def _is_same(self, rule: RuleConfig, item: _Reported, track: Track) -> bool:
        gap_s = seconds(track.stamp_ns - item.seen_ns)
        return gap_s <= rule.same_within_s and _distance_m(item, track) <= rule.same_within_m

    def _is_reported(self, rule: RuleConfig, track_id: int) -> bool:
        return any(item.rule == rule.rule and item.track_id == track_id for item in self._reported)

    def _remember(self, rule: RuleConfig, track: Track, position_m: Floats) -> None:
        self._reported.append(_Reported(rule=rule.rule, track_id=track.track_id, seen_ns=track.stamp_ns, position_m=position_m))

    def _forget(self, tracks: tuple[Track, ...], now_ns: int) -> None:
        longest_s = {rule.rule: rule.same_within_s for rule in self._config.rules}
        live = {track.track_id for track in tracks if track.state != "ended"}
        self._reported = [
            item for item in self._reported if item.track_id in live or seconds(now_ns - item.seen_ns) <= longest_s[item.rule]
        ]
        self._inside_since_ns = {key: since for key, since in self._inside_since_ns.items() if key[2] in live}

    def _alert(self, fired: _Fired, now_ns: int, pose_doubt: str) -> Alert:
        track, ground = fired.seen.track, fired.seen.ground
        spread_m = float(np.sqrt(max(np.linalg.eigvalsh(ground.covariance_m2)[1], 0.0)))
        return Alert(
            alert_id=Alert.id_for(fired.rule.rule, fired.zone.zone_id, track.track_id, track.first_seen_ns),
            stamp_ns=now_ns,
            severity=fired.rule.severity,
            reason=reason_for(fired.rule, fired.zone, fired.seen, fired.tests),
            zone_id=fired.zone.zone_id,
            track_id=track.track_id,
            label=track.label,
            ground=ground,
            position_uncertain=bool(pose_doubt) or spread_m >= self._config.uncertain_from_m,
        )


def _distance_m(item: _Reported, track: Track) -> float:
    if track.ground is None:
        return float("inf")
    return float(np.hypot(*(track.ground.position_m - item.position_m)))
