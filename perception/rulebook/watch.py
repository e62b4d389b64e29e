# SPDX-License-Identifier: Apache-2.0
"""Decides what a person must hear about: runs every rule on every scene, and tells each intruder's incident apart."""

from __future__ import annotations

from collections.abc import Iterator

from patrol.air import Sky
from patrol.percepts import Alert
from patrol.site import Site
from perception.rulebook.book import default_book
from perception.rulebook.config import AnyRule, CrossingRule, CrowdRule, PresenceRule, RuleBook, SoundRule, TailgatingRule
from perception.rulebook.crossing import Crossing, Tailgating
from perception.rulebook.gatherings import Crowd, Unattended
from perception.rulebook.ground_plan import GroundPlan
from perception.rulebook.incidents import Incidents, News, alert_id
from perception.rulebook.memory import Memory
from perception.rulebook.places import std_m
from perception.rulebook.presence import Presence
from perception.rulebook.reasons import reason_for
from perception.rulebook.scene import Fired, Scene
from perception.rulebook.silence import Change, changes
from perception.rulebook.sounds import Sounds

Lookout = Presence | Crossing | Tailgating | Crowd | Unattended | Sounds


class Watch:
    """Runs the rules over one site. It sees nothing but scenes: a recording of those gives the same alerts anywhere."""

    def __init__(self, site: Site, book: RuleBook | None = None) -> None:
        """``book`` None: the rules that every site begins with."""
        self._book = default_book() if book is None else book
        self._plan = GroundPlan(site, self._book)
        self._memory = Memory(self._book.path_s)
        self._lookouts: dict[str, Lookout] = {}
        self._incidents = Incidents(self._book.same)

    def evaluate(self, scene: Scene) -> tuple[Alert, ...]:
        """The alerts of a scene, later than the last. Only a confirmed track, seen in this very picture, raises one, or one that
        was lost from sight just as it went over a line. Alerts come without a picture."""
        self._memory.take_in(scene.tracks, scene.stamp_ns)
        firing = tuple(self._firing(scene))
        news = self._incidents.news_among(firing, scene.tracks, scene.stamp_ns)
        return tuple(self._alert(item, scene) for item in news)

    def changes(self, fired: Fired, scene: Scene) -> tuple[Change, ...]:
        """What would have kept the rule silent, the nearest first."""

        def counts_at(stamp_ns: int) -> bool:
            return self._counts(fired, stamp_ns, scene.sky)

        return changes(fired.rule, fired.seen, counts_at=counts_at, now_ns=scene.stamp_ns)

    def _firing(self, scene: Scene) -> Iterator[Fired]:
        for rule in self._book.active():
            if not self._plan.holds(rule, scene.stamp_ns, scene.sky):
                self._lookouts.pop(rule.name, None)
                continue
            lookout = self._lookouts.get(rule.name) or self._lookouts.setdefault(rule.name, _lookout(rule))
            for seen in lookout.observe(scene, self._plan, self._memory):
                tests = rule.tests(seen.measures)
                if all(test.margin >= 0.0 for test in tests):
                    yield Fired(rule=rule, seen=seen, tests=tests)

    def _counts(self, fired: Fired, stamp_ns: int, sky: Sky | None) -> bool:
        """Whether the rule and its place would count at another time."""
        rule = fired.rule
        if not self._plan.holds(rule, stamp_ns, sky):
            return False
        if isinstance(rule, CrossingRule | TailgatingRule):
            return any(line.line_id == fired.seen.place_id for line in self._plan.lines(rule, stamp_ns))
        zones = self._plan.zones(rule, fired.seen.track.floor, stamp_ns)
        return any(zone.zone_id == fired.seen.place_id for zone in zones)

    def _alert(self, news: News, scene: Scene) -> Alert:
        fired, track, ground = news.fired, news.fired.seen.track, news.fired.seen.ground
        return Alert(
            alert_id=alert_id(fired),
            stamp_ns=scene.stamp_ns,
            severity=fired.rule.severity,
            reason=reason_for(fired, self.changes(fired, scene)),
            zone_id=fired.seen.place_id,
            track_id=track.track_id,
            label=track.label,
            ground=ground,
            position_uncertain=bool(scene.pose_doubt) or std_m(ground) >= self._book.uncertain_from_m,
            incident_id=news.incident_id,
            path_m=self._memory.path_m(track.track_id),
        )


def _lookout(rule: AnyRule) -> Lookout:
    if isinstance(rule, PresenceRule):
        return Presence(rule)
    if isinstance(rule, CrossingRule):
        return Crossing(rule)
    if isinstance(rule, TailgatingRule):
        return Tailgating(rule)
    if isinstance(rule, SoundRule):
        return Sounds(rule)
    return Crowd(rule) if isinstance(rule, CrowdRule) else Unattended(rule)
