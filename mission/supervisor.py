# SPDX-License-Identifier: Apache-2.0
"""The supervisor: facts about the robot → mode, and what the rest may do in it. Pure; the table is ``supervisor_rules``.

A fact counts once it has been told for a while on end, and stops to count some time after it was last told, so that a
flickering fact does not make the robot start and stop. What stopped the robot for its safety lets it go on only when a person
says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mission.facts.fact import Fact, Observed
from mission.machine import Event, Machine
from mission.supervisor_rules import RULE_OF, Level, Rule
from patrol.clock import nanoseconds
from patrol.operations import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A fact being followed: since when it was told on end, when last, and whether it counts."""

    fact: Fact
    detail: str
    since_ns: int
    last_ns: int
    counts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorState:
    """``machine`` is the mode, ``note`` the sentence about what led to it; ``can_dock`` is false where there is no dock."""

    machine: Machine = field(default_factory=Machine)
    note: str = "Waiting for a mission."
    standing: tuple[Standing, ...] = ()
    can_dock: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """What the facts ask of the rest: the most severe level and the sentence behind it, every fact that counts and its
    sentence (the most severe first), whether to drive slowly, to hold once the leg is done, and to close the mission."""

    level: Level
    because: str
    facts: tuple[Fact, ...]
    sentences: tuple[str, ...]
    slow: bool
    finish_leg: bool
    close_mission: bool


_EVENTS: dict[Level, tuple[Event, ...]] = {
    Level.GO: (Event.RELEASE,),
    Level.NOTE: (Event.RELEASE,),
    Level.SLOW: (Event.RELEASE,),
    Level.FINISH: (),
    Level.DOCK: (Event.RELEASE, Event.DOCK_NEEDED),
    Level.HOLD: (Event.HOLD,),
    Level.STOP: (Event.STOP,),
    Level.ESTOP: (Event.STOP_NEEDED,),
}


def step(state: SupervisorState, facts: Iterable[Observed], now_ns: int) -> tuple[SupervisorState, Actions]:
    """Follow ``facts`` as told at ``now_ns``, move the mode as the most severe one asks, and say what the rest is to do."""
    standing = _followed(state.standing, facts, now_ns)
    weighed = sorted(((_level(one, state, now_ns), one) for one in standing if one.counts), key=_severity)
    level = weighed[0][0] if weighed else Level.GO
    because = _sentence(weighed[0][1]) if weighed else ""
    before, after = state.machine, state.machine
    note = because if before.mode is Mode.HELD and level >= Level.FINISH else state.note
    for event in _EVENTS[level]:
        if after.allows(event):
            note = _note(event, after, because, note)
            after = after.after(event)
    actions = Actions(
        level=level,
        because=because,
        facts=tuple(one.fact for _, one in weighed),
        sentences=tuple(_sentence(one) for _, one in weighed),
        slow=any(each is Level.SLOW for each, _ in weighed),
        finish_leg=level is Level.FINISH,
        close_mission=level is Level.DOCK and after.mode is Mode.DOCKING and before.mode is not Mode.DOCKING,
    )
    return SupervisorState(machine=after, note=note, standing=standing, can_dock=state.can_dock), actions


def _followed(before: tuple[Standing, ...], facts: Iterable[Observed], now_ns: int) -> tuple[Standing, ...]:
    """Every fact told now or lately, in the order of their first telling."""
    told: dict[Fact, str] = {}
    for observed in facts:
        earlier = told.get(observed.fact)
        told[observed.fact] = f"{earlier}; {observed.detail}" if earlier else observed.detail
    known = {standing.fact for standing in before}
    kept = [_kept(standing, told.get(standing.fact), now_ns) for standing in before]
    fresh = [
        Standing(fact=fact, detail=detail, since_ns=now_ns, last_ns=now_ns, counts=RULE_OF[fact].raise_s == 0.0)
        for fact, detail in told.items()
        if fact not in known
    ]
    return tuple(one for one in (*kept, *fresh) if one is not None)


def _kept(before: Standing, detail: str | None, now_ns: int) -> Standing | None:
    rule = RULE_OF[before.fact]
    if detail is None:
        goes_on = before.counts and now_ns - before.last_ns < nanoseconds(rule.clear_s)
        return before if goes_on else None
    counts = before.counts or now_ns - before.since_ns >= nanoseconds(rule.raise_s)
    return Standing(fact=before.fact, detail=detail, since_ns=before.since_ns, last_ns=now_ns, counts=counts)


def _level(standing: Standing, state: SupervisorState, now_ns: int) -> Level:
    """What the fact asks for; a hold is judged by the mode that it interrupted, since that is what it would go on with."""
    rule, machine = RULE_OF[standing.fact], state.machine
    mode = machine.interrupted if machine.mode is Mode.HELD else machine.mode
    level = rule.level_in(mode)
    if mode is Mode.PATROLLING and _has_worsened(rule, standing, now_ns):
        level = Level.DOCK
    return Level.FINISH if level is Level.DOCK and not state.can_dock else level


def _has_worsened(rule: Rule, standing: Standing, now_ns: int) -> bool:
    return rule.worsens_s is not None and now_ns - standing.since_ns >= nanoseconds(rule.worsens_s)


def _severity(weighed: tuple[Level, Standing]) -> int:
    return -weighed[0]


def _note(event: Event, machine: Machine, because: str, note: str) -> str:
    """The sentence that goes with ``event``."""
    if event is not Event.RELEASE:
        return because
    return f"{note} That is over; waiting to be resumed." if machine.latched else "Going on after a hold."


def _sentence(standing: Standing) -> str:
    sentence = RULE_OF[standing.fact].sentence
    return f"{sentence} ({standing.detail})." if standing.detail else f"{sentence}."
