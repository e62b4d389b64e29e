# SPDX-License-Identifier: Apache-2.0
"""Rules are data: which labels, in zones of which purposes, and which measures must pass which limits.

A new rule is a new ``RuleConfig``; a new thing to measure is one function and one row in ``MEASURES``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
import shapely
from pydantic import Field

from patrol.checks import Floats
from patrol.config import Config
from patrol.percepts import GroundPosition, Label, Severity, Threshold, Track
from patrol.site import Purpose, Zone

_SAMPLES = 128
_GOLDEN_ANGLE = np.pi * (3.0 - np.sqrt(5.0))

MeasureName = Literal["inside_probability", "dwell_s", "hits", "score", "speed_mps", "position_std_m", "cold_s"]


class LimitConfig(Config):
    """One test of a rule: the measure against its limit."""

    measure: MeasureName
    limit: float
    holds_when: Literal["at least", "at most"] = "at least"


class SameConfig(Config):
    """When a track must be someone else than the intruders already reported.

    One that is out of sight may be anywhere within ``slack_m`` (a body and its place's error), three standard deviations, and
    ``speed_mps`` times the time since: a jog, since a sprint is not kept up around corners and a walk is outrun by the
    frightened. Whoever turns up within that reach is the same one. Two in sight at once are two, after ``together_s`` when they
    are so near to each other that they could be two tracks of one body; a track is in sight while its score is at least
    ``in_sight_score``. After ``quiet_s`` without a sight an intruder is no longer known: longer than it takes the robot to come
    back from a detour, shorter than a lap.
    """

    slack_m: float = Field(default=2.0, ge=0.0)
    speed_mps: float = Field(default=2.5, ge=0.0)
    together_s: float = Field(default=1.0, ge=0.0)
    in_sight_score: float = Field(default=0.4, ge=0.0, le=1.0)
    quiet_s: float = Field(default=120.0, ge=0.0)


class RuleConfig(Config):
    """One rule. ``except_purposes`` are zones in which the same thing is in its place (people in a work zone); ``same``
    tells one intruder from two."""

    rule: str
    labels: tuple[Label, ...]
    purposes: tuple[Purpose, ...]
    except_purposes: tuple[Purpose, ...] = ()
    limits: tuple[LimitConfig, ...]
    inside_from: float = Field(default=0.5, gt=0.0, le=1.0, description="the dwell clock runs while this probable")
    severity: Severity = "warning"
    same: SameConfig = SameConfig()


PERSON_IN_RESTRICTED_ZONE = RuleConfig(
    rule="person in restricted zone",
    labels=(Label.PERSON,),
    purposes=(Purpose.RESTRICTED, Purpose.STERILE),
    except_purposes=(Purpose.WORK,),
    limits=(
        LimitConfig(measure="inside_probability", limit=0.8),
        LimitConfig(measure="dwell_s", limit=0.4),
        LimitConfig(measure="hits", limit=4),
        LimitConfig(measure="score", limit=0.5),
        LimitConfig(measure="cold_s", limit=0.3, holds_when="at most"),
    ),
    severity="critical",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One track in one zone, now: what the measures look at."""

    track: Track
    ground: GroundPosition
    inside_probability: float
    dwell_s: float


MEASURES: Mapping[MeasureName, Callable[[Observation], float]] = MappingProxyType(
    {
        "inside_probability": lambda seen: seen.inside_probability,
        "dwell_s": lambda seen: seen.dwell_s,
        "hits": lambda seen: float(seen.track.hits),
        "score": lambda seen: seen.track.score,
        "speed_mps": lambda seen: float(np.hypot(*seen.ground.velocity_mps)),
        "position_std_m": lambda seen: float(np.sqrt(max(np.linalg.eigvalsh(seen.ground.covariance_m2)[1], 0.0))),
        "cold_s": lambda seen: seen.track.cold_s,
    }
)


def thresholds(rule: RuleConfig, seen: Observation) -> tuple[Threshold, ...]:
    """Every test of ``rule`` with its measured value."""
    return tuple(
        Threshold(name=limit.measure, measured=MEASURES[limit.measure](seen), limit=limit.limit, holds_when=limit.holds_when)
        for limit in rule.limits
    )


def inside_probability(ground: GroundPosition, zone: Zone, exceptions: tuple[Zone, ...] = ()) -> float:
    """How probable it is that the thing stands in ``zone`` and in none of ``exceptions``.

    The Gaussian of its place is stood for by 128 points of equal weight on a sunflower spiral, so that the same place gives
    the same answer (Vogel 1979; radii by the inverse of the Rayleigh distribution).
    """
    points = ground.position_m + _UNIT_SAMPLES @ _root(ground.covariance_m2).T
    inside = shapely.contains_xy(zone.outline, points[:, 0], points[:, 1])
    for other in exceptions:
        inside &= ~shapely.contains_xy(other.outline, points[:, 0], points[:, 1])
    return float(np.mean(inside))


def _unit_samples() -> Floats:
    index = np.arange(_SAMPLES)
    radius = np.sqrt(-2.0 * np.log(1.0 - (index + 0.5) / _SAMPLES))
    return np.column_stack((radius * np.cos(index * _GOLDEN_ANGLE), radius * np.sin(index * _GOLDEN_ANGLE)))


_UNIT_SAMPLES = _unit_samples()


def _root(covariance: Floats) -> Floats:
    values, vectors = np.linalg.eigh(covariance)
    root: Floats = vectors * np.sqrt(np.maximum(values, 0.0))
    return root
