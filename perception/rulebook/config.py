# SPDX-License-Identifier: Apache-2.0
"""What a rule file may say. A rule is a kind of happening, where and when it counts, and limits on what is measured of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from patrol.air import Sky
from patrol.config import Config
from patrol.percepts import SOUNDS, Label, Severity, Threshold
from patrol.site import Purpose
from patrol.site_rules import Schedule

Metres = Annotated[float, Field(ge=-100_000.0, le=100_000.0)]
PointM = tuple[Metres, Metres]
_OF_TRACK = ("hits", "score", "speed_mps", "pace_mps", "position_std_m", "cold_s", "lying_s", "moved_m")


class Limit(Config):
    """The measured value must be at least, or at most, this."""

    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Limit:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("needs either at_least or at_most")
        return self

    def __str__(self) -> str:
        return f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"

    def test(self, name: str, measured: float) -> Threshold:
        """The measured value beside this limit."""
        if self.at_least is not None:
            return Threshold(name=name, measured=measured, limit=self.at_least, holds_when="at least")
        return Threshold(name=name, measured=measured, limit=float(self.at_most or 0.0), holds_when="at most")


class Where(Config):
    """Zones by purpose or id; none named: the whole site and around it. In the excepted ones the same is in its place."""

    purposes: tuple[Purpose, ...] = ()
    zones: tuple[str, ...] = ()
    except_purposes: tuple[Purpose, ...] = ()
    except_zones: tuple[str, ...] = ()


class When(Config):
    """All that is given must hold. ``schedule``: weekly windows in the site's time zone. ``sky``: as the lidar sees it; while it
    is not known, the rule holds."""

    schedule: Schedule | None = None
    light: Literal["day", "night"] | None = None
    sky: Annotated[tuple[Sky, ...], Field(min_length=1)] | None = None


class Rule(Config):
    """What every rule has."""

    measures: ClassVar[tuple[str, ...]] = ()
    is_heard: ClassVar[bool] = False

    name: Annotated[str, Field(min_length=1, max_length=80)]
    kind: str
    labels: Annotated[tuple[Label, ...], Field(min_length=1)]
    where: Where = Where()
    when: When = When()
    limits: Annotated[Mapping[str, Limit], Field(min_length=1)]
    severity: Severity = "warning"
    enabled: bool = True

    @field_validator("limits")
    @classmethod
    def _are_measured(cls, value: Mapping[str, Limit]) -> Mapping[str, Limit]:
        unknown = sorted(set(value) - set(cls.measures))
        if unknown:
            raise ValueError(f"{', '.join(unknown)}: this kind measures {', '.join(cls.measures)}")
        return dict(value)

    @field_validator("labels")
    @classmethod
    def _fit_the_kind(cls, value: tuple[Label, ...]) -> tuple[Label, ...]:
        others = [label.value for label in value if (label in SOUNDS) is not cls.is_heard]
        if others:
            raise ValueError(f"{', '.join(others)}: {', '.join(SOUNDS)} go with 'kind: sound', and only they do")
        return value

    def tests(self, measured: Mapping[str, float]) -> tuple[Threshold, ...]:
        """Every limit beside what was measured."""
        return tuple(limit.test(name, measured[name]) for name, limit in self.limits.items())


class PresenceRule(Rule):
    """Something is in a zone: intrusion, loitering, running, a fall, a vehicle, a missing object, a drone. ``inside_from``: the
    clock of ``dwell_s`` starts once it is this probable to be inside, and stops when that falls below a third of it."""

    measures = ("inside_probability", "dwell_s", *_OF_TRACK)

    kind: Literal["presence"] = "presence"
    inside_from: float = Field(default=0.5, gt=0.0, le=1.0)


class CrossingRule(Rule):
    """Something goes over a line: the ``perimeter`` between its gates, the ``gates`` (all, or those named in ``gates``), or a
    ``line`` of the rule's own. ``direction``: in or out of the perimeter; left or right, seen along one's own line. ``hours``: a
    gate's opening hours."""

    measures = ("beyond_probability", *_OF_TRACK)

    kind: Literal["crossing"] = "crossing"
    over: Literal["perimeter", "gates", "line"] = "perimeter"
    gates: tuple[str, ...] = ()
    line: Annotated[tuple[PointM, ...], Field(min_length=2, max_length=1000)] | None = None
    direction: Literal["any", "in", "out", "left", "right"] = "any"
    hours: Literal["any", "open", "closed"] = "any"

    @model_validator(mode="after")
    def _fits(self) -> CrossingRule:
        if (self.line is None) == (self.over == "line"):
            raise ValueError("line: is needed with 'over: line', and only then")
        ways = ("any", "left", "right") if self.over == "line" else ("any", "in", "out")
        if self.direction not in ways:
            raise ValueError(f"direction: over the {self.over} it is one of {', '.join(ways)}")
        if self.over != "gates" and (self.gates or self.hours != "any"):
            raise ValueError("gates, hours: go with 'over: gates' only")
        return self


class TailgatingRule(Rule):
    """Two go through one gate the same way, the second ``apart_s`` after the first."""

    measures = ("apart_s", "beyond_probability", *_OF_TRACK)

    kind: Literal["tailgating"] = "tailgating"
    gates: tuple[str, ...] = ()
    direction: Literal["any", "in", "out"] = "in"


class CrowdRule(Rule):
    """Many stand within ``within_m`` of each other in a zone."""

    measures = ("count", "dwell_s")

    kind: Literal["crowd"] = "crowd"
    within_m: float = Field(default=6.0, gt=0.0)


class UnattendedRule(Rule):
    """A thing stands in a zone and nobody is within ``near_m`` of it. ``left_by_m``: somebody was this near when it was first
    seen, or not more than ``left_by_s`` before; None: whoever left it need not have been seen."""

    measures = ("unattended_s", "stood_s", "inside_probability", *_OF_TRACK)

    kind: Literal["unattended"] = "unattended"
    near_m: float = Field(default=3.0, gt=0.0)
    left_by_m: float | None = Field(default=None, gt=0.0)
    left_by_s: float = Field(default=60.0, gt=0.0)


class SoundRule(Rule):
    """Something is heard in a zone, as far as its direction tells. ``reach_m``: from how far it may come at most; a sound is as
    likely to come from anywhere between there and the robot."""

    measures = ("score", "level_db", "bearing_std_deg", "inside_probability")
    is_heard = True

    kind: Literal["sound"] = "sound"
    reach_m: float = Field(default=60.0, gt=0.0, le=1000.0)


KINDS = ("presence", "crossing", "tailgating", "crowd", "unattended", "sound")
AnyRule = Annotated[
    PresenceRule | CrossingRule | TailgatingRule | CrowdRule | UnattendedRule | SoundRule, Field(discriminator="kind")
]


class SameConfig(Config):
    """When a track must be someone else than the intruders already reported.

    One that is out of sight may be anywhere within ``slack_m`` (a body and its place's error), three standard deviations, and
    ``speed_mps`` times the time since: for people a jog, since a sprint is not kept up around corners and a walk is outrun by the
    frightened. Whoever turns up within that reach is the same one. Two in sight at once are two, after ``together_s`` when they
    are so near to each other that they could be two tracks of one body; a track is in sight while its score is at least
    ``in_sight_score``. Whoever is lost and turns up more than ``elsewhere_m`` away may be the same one, and is told again in the
    same incident: whoever was sent is on the way to the wrong place. After ``quiet_s`` without a sight an intruder is no longer
    known: longer than it takes the robot to come back from a detour, shorter than a lap.
    """

    slack_m: float = Field(default=2.0, ge=0.0)
    speed_mps: Mapping[Label, Annotated[float, Field(ge=0.0)]] = {
        Label.PERSON: 2.5,
        Label.ANIMAL: 6.0,
        Label.VEHICLE: 12.0,
        Label.DRONE: 15.0,
        Label.THROWN: 15.0,
    }
    together_s: float = Field(default=1.0, ge=0.0)
    in_sight_score: float = Field(default=0.4, ge=0.0, le=1.0)
    elsewhere_m: float = Field(default=10.0, ge=0.0)
    quiet_s: float = Field(default=120.0, ge=0.0)


class RuleBook(Config):
    """All rules, and what tells one intruder from two. ``uncertain_from_m``: the standard deviation from which a place counts as
    uncertain."""

    rules: tuple[AnyRule, ...]
    same: SameConfig = SameConfig()
    uncertain_from_m: float = Field(default=2.0, gt=0.0)
    path_s: float = Field(default=10.0, gt=0.0, description="how much of its path goes with an alert")

    @field_validator("rules")
    @classmethod
    def _have_names(cls, value: tuple[AnyRule, ...]) -> tuple[AnyRule, ...]:
        names = [rule.name for rule in value]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"{', '.join(twice)}: two rules have this name")
        return value

    def active(self) -> tuple[AnyRule, ...]:
        """The rules that are not switched off."""
        return tuple(rule for rule in self.rules if rule.enabled)

    def wanted(self) -> frozenset[Label]:
        """The labels that the active rules watch."""
        return frozenset(label for rule in self.active() for label in rule.labels)
