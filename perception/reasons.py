# SPDX-License-Identifier: Apache-2.0
"""What an alert says to a person: one sentence, every threshold, and what would have kept it silent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from shapely.geometry import Point
from shapely.ops import nearest_points

from patrol.percepts import Reason, Threshold
from patrol.site import Zone
from perception.rules import Observation, RuleConfig

_COMPASS = ("east", "north-east", "north", "north-west", "west", "south-west", "south", "south-east")
_SAID: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "inside_probability": ("probability of being inside", ""),
        "dwell_s": ("time inside", " s"),
        "hits": ("pictures with a detection", ""),
        "score": ("detection score", ""),
        "speed_mps": ("speed", " m/s"),
        "position_std_m": ("position uncertainty", " m"),
        "cold_s": ("time it stood still, as cold as what surrounds it,", " s"),
    }
)


def reason_for(rule: RuleConfig, zone: Zone, seen: Observation, tests: tuple[Threshold, ...]) -> Reason:
    """The whole reason why ``rule`` fired on ``seen`` in ``zone``; ``tests`` all hold."""
    return Reason(
        rule=rule.rule,
        sentence=_sentence(rule, zone, seen),
        thresholds=tests,
        nearest_change=f"{_closest_limit(tests)}; or {_way_out(zone, seen)}.",
    )


def _sentence(rule: RuleConfig, zone: Zone, seen: Observation) -> str:
    label = str(seen.track.label)
    when = "" if zone.schedule is None else " while its schedule forbids it"
    x_m, y_m = seen.ground.position_m.tolist()
    return (
        f"{_article(label)} {label} has been in {zone.name!r} ({zone.purpose}) for {seen.dwell_s:.1f} s{when}, at "
        f"({x_m:.1f}, {y_m:.1f}) m with a probability of {100.0 * seen.inside_probability:.0f} %: {rule.rule}."
    )


def _article(word: str) -> str:
    return "An" if word[0] in "aeiou" else "A"


def _closest_limit(tests: tuple[Threshold, ...]) -> str:
    closest = min(tests, key=lambda test: test.margin / max(abs(test.limit), 1e-9))
    said, unit = _SAID[closest.name]
    side = "below" if closest.holds_when == "at least" else "above"
    return f"Silent if the {said} had been {side} {closest.limit:g}{unit} (it was {closest.measured:.2f}{unit})"


def _way_out(zone: Zone, seen: Observation) -> str:
    """The shortest step to the zone's border, in metres and a compass direction."""
    here = Point(*seen.ground.position_m.tolist())
    border, _ = nearest_points(zone.outline.exterior, here)
    if not zone.outline.contains(here):
        return f"if the position, {here.distance(border):.1f} m outside the border, had been known better"
    sector = round(math.atan2(border.y - here.y, border.x - here.x) / (math.pi / 4.0)) % len(_COMPASS)
    return f"if it had stood {here.distance(border):.1f} m further {_COMPASS[sector]}, outside the zone"
