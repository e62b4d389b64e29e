# SPDX-License-Identifier: Apache-2.0
"""A patrolling game: one patrol on a graph, an attacker who watches it, and what the attacker can see.

Time runs in whole ticks of ``tick_s``. A patrol stands ``dwell_ticks`` at a place, then takes a move. A visit counts from the
moment the patrol arrives until it sets off. An attack on a target lasts ``attack_ticks`` and is caught when the patrol arrives
there at most that long after it began (arriving on the last tick still catches it), each arrival with the chance ``detection``.
After Basilico, Gatti and Amigoni (AIJ 2012), and Klaška, Kučera, Musil and Řehák, "Regstar" (2021), for arbitrary lengths.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from patrol.checks import require_positive
from patrol.errors import BadValue


class Launch(StrEnum):
    """When an attack may begin.

    DEPARTURE: as the patrol sets off, the move it has chosen being seen (Regstar's convention, the stronger attacker).
    ARRIVAL: as the patrol has arrived somewhere, before it chooses on; a return to that place counts, standing there does not.
    """

    DEPARTURE = "departure"
    ARRIVAL = "arrival"


class Sight(StrEnum):
    """What the attacker sees, besides knowing the strategy.

    STATE: place, move and the patrol's memory: all there is but the outcome of draws to come. MOVE: the move that is (or was
    just) made; the memory stays hidden. PLACE: only the place where the patrol is.
    """

    STATE = "state"
    MOVE = "move"
    PLACE = "place"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A directed way from one place to another (or to the same one: staying) that takes ``ticks``."""

    start: int
    end: int
    ticks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A place that may be attacked; ``weight`` is the damage of an attack that is not caught."""

    place: int
    attack_ticks: int
    weight: float = 1.0
    detection: float = 1.0

    def __post_init__(self) -> None:
        require_positive("attack_ticks", self.attack_ticks)
        require_positive("weight", self.weight)
        if not 0.0 < self.detection <= 1.0:
            raise BadValue(f"detection: {self.detection!r} is not above 0 and at most 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class PatrolGame:
    """``dwell_ticks`` has one entry a place. Raises BadValue when a move or target names no place, or a place has no way out."""

    dwell_ticks: tuple[int, ...]
    moves: tuple[Move, ...]
    targets: tuple[Target, ...]
    launch: Launch = Launch.DEPARTURE
    sight: Sight = Sight.STATE
    tick_s: float = 1.0

    def __post_init__(self) -> None:
        require_positive("tick_s", self.tick_s)
        places = range(self.places)
        for move in self.moves:
            if move.start not in places or move.end not in places or move.ticks < 1:
                raise BadValue(f"moves: {move} leads nowhere, or takes no time")
        ways = {(move.start, move.end) for move in self.moves}
        if len(ways) != len(self.moves):
            raise BadValue("moves: two lead from the same place to the same place")
        stuck = sorted(set(places) - {move.start for move in self.moves})
        if stuck:
            raise BadValue(f"moves: none leads away from place {stuck[0]}")
        aimed = [target.place for target in self.targets]
        if not aimed or len(set(aimed)) != len(aimed) or not set(aimed) <= set(places):
            raise BadValue(f"targets: must be one place or more, each once, each known (got {aimed})")
        if any(dwell < 0 for dwell in self.dwell_ticks):
            raise BadValue(f"dwell_ticks: {self.dwell_ticks} holds one below zero")

    @property
    def places(self) -> int:
        return len(self.dwell_ticks)

    @property
    def horizon(self) -> int:
        """The longest attack, in ticks."""
        return max(target.attack_ticks for target in self.targets)

    def seen_by(self, sight: Sight, launch: Launch | None = None) -> PatrolGame:
        """The same game against another observer."""
        return replace(self, sight=sight, launch=launch or self.launch)


def game_from_times(
    travel_s: Mapping[tuple[int, int], float],
    attack_s: Mapping[int, float],
    *,
    dwell_s: Sequence[float],
    tick_s: float,
    weights: Mapping[int, float] | None = None,
    detection: float = 1.0,
) -> PatrolGame:
    """The game of a site in seconds, rounded against the patrol: ways take no less, attacks no more than they really do.

    So every capture probability and every worst idleness of the game holds on the site as well. ``travel_s`` maps (start, end)
    to seconds, ``attack_s`` a target's place to how long an attack takes there. Raises BadValue when an attack is shorter
    than a tick.
    """
    require_positive("tick_s", tick_s)
    return PatrolGame(
        dwell_ticks=tuple(_up(value, tick_s) for value in dwell_s),
        moves=tuple(Move(start=a, end=b, ticks=max(1, _up(time_s, tick_s))) for (a, b), time_s in sorted(travel_s.items())),
        targets=tuple(
            Target(
                place=place,
                attack_ticks=math.floor(time_s / tick_s + 1e-9),
                weight=1.0 if weights is None else weights[place],
                detection=detection,
            )
            for place, time_s in sorted(attack_s.items())
        ),
        tick_s=tick_s,
    )


def _up(time_s: float, tick_s: float) -> int:
    return math.ceil(time_s / tick_s - 1e-9)
