# SPDX-License-Identifier: Apache-2.0
"""Decides what a person must hear about: runs every rule on every track, and raises one alert per intruder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from patrol.clock import seconds
from patrol.config import Config
from patrol.percepts import Alert, Threshold, Track
from patrol.site import Site, Zone
from perception.intruders import Intruders, Suspect
from perception.reasons import reason_for
from perception.rules import PERSON_IN_RESTRICTED_ZONE, Observation, RuleConfig, inside_probability, thresholds


class WatchConfig(Config):
    """The rules, and from which standard deviation on a position counts as uncertain."""

    rules: tuple[RuleConfig, ...] = (PERSON_IN_RESTRICTED_ZONE,)
    uncertain_from_m: float = Field(default=2.0, gt=0.0)


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
        self._intruders = {rule.rule: Intruders(rule.same) for rule in config.rules}

    def evaluate(self, tracks: tuple[Track, ...], now_ns: int, pose_doubt: str = "") -> tuple[Alert, ...]:
        """The alerts that ``tracks`` raise at ``now_ns``; ``pose_doubt`` (not empty: why) marks their places as uncertain.

        Only a confirmed track, seen in this very picture, raises an alert. Alerts come without a picture.
        """
        alerts = []
        for rule in self._config.rules:
            firing = tuple(self._firing(rule, tracks, now_ns))
            suspects = [Suspect(track_id=fired.seen.track.track_id, ground=fired.seen.ground) for fired in firing]
            new = self._intruders[rule.rule].new_among(suspects, tracks, now_ns)
            alerts += [self._alert(fired, now_ns, pose_doubt) for fired in firing if fired.seen.track.track_id in new]
        self._forget(tracks)
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
            if best is not None:
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

    def _forget(self, tracks: tuple[Track, ...]) -> None:
        """Stop the dwell clocks of tracks that are no more."""
        live = {track.track_id for track in tracks if track.state != "ended"}
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
