# SPDX-License-Identifier: Apache-2.0
"""What a member of a team knows and tells: it merges in any order, any number of times, to the same.

Everything is a register of which the highest rank is kept, so knowledge is a join-semilattice (a state-based CRDT: Shapiro et
al., 2011). Whoever hears a part of it hears it for all, and a lost message costs time but never agreement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol, TypeVar

import numpy as np

from mission.team.allocate import Allocation
from mission.team.unit import Duty
from patrol.checks import Floats


class _Ranked(Protocol):
    @property
    def rank(self) -> tuple[int | float | str, ...]: ...


_R = TypeVar("_R", bound=_Ranked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a unit says of itself: at ``stamp_s`` its duty was ``duty``, and it can leave vertex ``at`` at ``ready_s``."""

    unit_id: str
    count: int
    stamp_s: float
    duty: Duty
    at: int
    ready_s: float
    charge: float = 1.0

    @property
    def rank(self) -> tuple[int, ...]:
        return (self.count,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlanCard:
    """``author``'s plan for ``members`` from ``begins_s`` on; of two plans the one of the higher ``epoch`` holds."""

    epoch: int
    author: str
    begins_s: float
    members: frozenset[str]
    allocation: Allocation

    @property
    def rank(self) -> tuple[int | float | str, ...]:
        return self.epoch, self.author


class AlertState(IntEnum):
    """How far an alert has come; a later state outranks an earlier one of the same attempt."""

    OPEN = 0
    GIVEN = 1
    GOING = 2
    DONE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCard:
    """Somebody must go to ``place`` who has ``needs``. ``unit_id`` was asked in the ``attempt``-th attempt, at ``asked_s``."""

    alert_id: str
    place: int
    raised_s: float
    needs: frozenset[str] = frozenset()
    state: AlertState = AlertState.OPEN
    attempt: int = 0
    unit_id: str = ""
    asked_s: float = 0.0
    refused: frozenset[str] = frozenset()

    @property
    def rank(self) -> tuple[int | float | str, ...]:
        return self.state is AlertState.DONE, self.attempt, self.state, self.unit_id, self.asked_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What ``unit_id`` says of the narrow passage that it wants or is in, empty for none, since ``since_s``; ``held`` while it is
    its own."""

    unit_id: str
    count: int
    passage: str
    since_s: float
    inside: bool = False
    held: bool = False

    @property
    def rank(self) -> tuple[int, ...]:
        return (self.count,)

    @property
    def ticket(self) -> tuple[float, str]:
        """The order in which claims are granted."""
        return self.since_s, self.unit_id


def fork_key(passage: str, one: str, other: str) -> str:
    """The name of the fork of two units for a passage."""
    return "|".join((passage, *sorted((one, other))))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Knowledge:
    """The newest report of each unit, the plan in force, every alert, and in ``seen_s`` (N,) when each place was last seen; None
    for no place yet. ``visits`` counts, for each unit, how often it has visited each of the N places: a counter that only its
    owner adds to, so that the sum over units is right however often it is told. ``claims`` of units on narrow passages, and the
    ``forks`` that they hand to one another (``mission.team.right_of_way``)."""

    reports: Mapping[str, Report] = field(default_factory=dict)
    plan: PlanCard | None = None
    alerts: Mapping[str, AlertCard] = field(default_factory=dict)
    seen_s: Floats | None = None
    visits: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    claims: Mapping[str, Claim] = field(default_factory=dict)
    forks: Mapping[str, int] = field(default_factory=dict)

    @property
    def rounds(self) -> int:
        """How often every place was visited by somebody."""
        return min((sum(counts) for counts in zip(*self.visits.values(), strict=True)), default=0)

    def merged(self, other: Knowledge) -> Knowledge:
        """The newest of both."""
        plans = [plan for plan in (self.plan, other.plan) if plan is not None]
        return Knowledge(
            reports=_newest(self.reports, other.reports),
            plan=max(plans, key=lambda plan: plan.rank, default=None),
            alerts=_newest(self.alerts, other.alerts),
            seen_s=_latest(self.seen_s, other.seen_s),
            visits=_most(self.visits, other.visits),
            claims=_newest(self.claims, other.claims),
            forks={key: max(self.forks.get(key, 0), other.forks.get(key, 0)) for key in {**self.forks, **other.forks}},
        )


def _most(one: Mapping[str, tuple[int, ...]], other: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    most = dict(one)
    for unit_id, counts in other.items():
        known = most.get(unit_id, counts)
        most[unit_id] = tuple(max(pair) for pair in zip(known, counts, strict=True))
    return most


def _latest(one: Floats | None, other: Floats | None) -> Floats | None:
    if one is None or other is None:
        return other if one is None else one
    return np.maximum(one, other)


def _newest(one: Mapping[str, _R], other: Mapping[str, _R]) -> dict[str, _R]:
    newest = dict(one)
    for key, card in other.items():
        known = newest.get(key)
        if known is None or known.rank < card.rank:
            newest[key] = card
    return newest
