# SPDX-License-Identifier: Apache-2.0
"""The roster: every patrol of the calendar begins once or is reported missed, through restarts, holds and clocks that jump."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mission.calendar.plan import Calendar, Occurrence


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterState:
    """All that must be stored: the calendar has been read up to ``read_until_ns``; ``waiting`` are due and have not begun."""

    read_until_ns: int
    waiting: tuple[Occurrence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What becomes of one occurrence: it begins, or it is missed, and why."""

    occurrence: Occurrence
    outcome: Literal["begin", "missed"]
    because: str


def step(
    calendar: Calendar, state: RosterState, now_ns: int, *, held_because: str = "", most: int = 1
) -> tuple[RosterState, tuple[Ruling, ...]]:
    """Rule on everything that is due at ``now_ns``. ``held_because``: why nothing may begin besides what the calendar holds
    (weather, the supervisor); empty when nothing speaks against it. At most ``most`` patrols begin, the longest due first;
    the others wait. A clock that goes back begins nothing twice, since what was read once is never read again.
    """
    due = calendar.occurrences(state.read_until_ns, now_ns + 1) if now_ns >= state.read_until_ns else ()
    because = held_because or calendar.held_because(now_ns)
    rulings: list[Ruling] = []
    waiting: list[Occurrence] = []
    begun = 0
    for occurrence in sorted((*state.waiting, *due), key=lambda each: (each.due_ns, each.key)):
        if now_ns > occurrence.latest_ns:
            why = because or "it could not begin in time"
            rulings.append(Ruling(occurrence=occurrence, outcome="missed", because=why))
        elif because or begun >= most or now_ns < occurrence.due_ns:
            waiting.append(occurrence)
        else:
            late_s = (now_ns - occurrence.due_ns) / 1e9
            why = f"it is due, {late_s:.0f} s late" if late_s >= 1.0 else "it is due"
            rulings.append(Ruling(occurrence=occurrence, outcome="begin", because=why))
            begun += 1
    read = max(state.read_until_ns, now_ns + 1)
    return RosterState(read_until_ns=read, waiting=tuple(waiting)), tuple(rulings)
