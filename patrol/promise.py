# SPDX-License-Identifier: Apache-2.0
"""What a patrol promises before it begins, and how much of that it kept: how long a place goes unseen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from patrol.checks import require_positive
from patrol.clock import seconds
from patrol.errors import BadValue
from patrol.operations import WaypointOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """No place goes unseen for longer than ``worst_idleness_s``; ``average_idleness_s`` is the mean of all places over time.

    ``capture`` is the least probability that an attack of ``attack_s`` is caught, whatever an observer knows; both are None where
    nothing is promised about attacks. ``sentences`` say it all in words.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    mode: str
    worst_idleness_s: float
    average_idleness_s: float
    attack_s: float | None = None
    capture: float | None = None
    sentences: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_positive("worst_idleness_s", self.worst_idleness_s)
        if (self.attack_s is None) != (self.capture is None):
            raise BadValue("attack_s, capture: go together")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The longest time ``worst_s`` that any place went unseen, and which one; over ``gaps`` gaps between two visits."""

    worst_s: float
    place: str
    gaps: int


def idleness_kept(outcomes: Iterable[WaypointOutcome]) -> Kept | None:
    """What visits in the order of time left unseen: from one visit of a place to the next, and from its last visit to the last
    outcome there is. None while no place was visited twice: then nothing was measured."""
    seen_ns: dict[str, int] = {}
    gaps: list[tuple[int, str]] = []
    end_ns = 0
    for outcome in outcomes:
        end_ns = max(end_ns, outcome.ended_ns)
        if outcome.outcome != "reached":
            continue
        place = outcome.waypoint_id
        if place in seen_ns:
            gaps.append((outcome.ended_ns - seen_ns[place], place))
        seen_ns[place] = outcome.ended_ns
    if not gaps:
        return None
    still_open = [(end_ns - since_ns, place) for place, since_ns in seen_ns.items()]
    worst_ns, place = max([*gaps, *still_open])
    return Kept(worst_s=seconds(worst_ns), place=place, gaps=len(gaps))
