# SPDX-License-Identifier: Apache-2.0
"""The supervisor: facts about the robot → the one action that the most severe of them asks for. Pure; one table.

A fact counts once it has been told for ``raise_s`` on end, and stops to count after ``clear_s`` without it, so that a
flickering fact does not make the robot start and stop.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from patrol.clock import nanoseconds


class Fact(StrEnum):
    """What can be wrong, or at least worth knowing."""

    ESTOP_PRESSED = "estop pressed"
    POSE_MISSING = "pose missing"
    LOCALISATION_DOUBTFUL = "localisation doubtful"
    OUTSIDE_GEOFENCE = "outside geofence"
    SENSOR_SILENT = "sensor silent"
    NODE_DEAD = "node dead"
    BATTERY_CRITICAL = "battery critical"
    BATTERY_LOW = "battery low"
    PERSON_CLOSE = "person close"
    STUCK = "stuck"
    LINK_LOST = "link lost"
    HELPER_DEAD = "helper dead"


class Level(IntEnum):
    """What a fact asks for, the mildest first. Holding outranks docking: a robot that must not drive can not go home."""

    GO = 0
    NOTE = 1
    SLOW = 2
    DOCK = 3
    HOLD = 4
    ESTOP = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row: what ``fact`` does, after how long, how long it must be gone, and what an operator is told."""

    fact: Fact
    level: Level
    raise_s: float
    clear_s: float
    sentence: str


RULES: tuple[Rule, ...] = (
    Rule(fact=Fact.ESTOP_PRESSED, level=Level.ESTOP, raise_s=0.0, clear_s=0.0, sentence="The e-stop was pressed"),
    Rule(fact=Fact.POSE_MISSING, level=Level.HOLD, raise_s=0.0, clear_s=0.5, sentence="The robot does not know where it is"),
    Rule(fact=Fact.LOCALISATION_DOUBTFUL, level=Level.HOLD, raise_s=0.3, clear_s=1.0, sentence="The position is in doubt"),
    Rule(fact=Fact.OUTSIDE_GEOFENCE, level=Level.HOLD, raise_s=0.3, clear_s=1.0, sentence="The robot is outside its fence"),
    Rule(fact=Fact.SENSOR_SILENT, level=Level.HOLD, raise_s=0.0, clear_s=0.5, sentence="A sensor is silent"),
    Rule(fact=Fact.NODE_DEAD, level=Level.HOLD, raise_s=0.0, clear_s=0.5, sentence="A part of the software has stopped"),
    Rule(fact=Fact.BATTERY_CRITICAL, level=Level.HOLD, raise_s=2.0, clear_s=30.0, sentence="The battery is nearly empty"),
    Rule(fact=Fact.BATTERY_LOW, level=Level.DOCK, raise_s=2.0, clear_s=30.0, sentence="The battery is low"),
    Rule(fact=Fact.PERSON_CLOSE, level=Level.SLOW, raise_s=0.0, clear_s=0.5, sentence="A person is close"),
    Rule(fact=Fact.STUCK, level=Level.NOTE, raise_s=0.0, clear_s=0.0, sentence="The robot is stuck"),
    Rule(fact=Fact.LINK_LOST, level=Level.NOTE, raise_s=1.0, clear_s=1.0, sentence="The link to the command centre is lost"),
    Rule(
        fact=Fact.HELPER_DEAD,
        level=Level.NOTE,
        raise_s=0.0,
        clear_s=0.5,
        sentence="A part not needed to drive has stopped",
    ),
)
_RULE = {rule.fact: rule for rule in RULES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One fact as told now; ``detail`` says which sensor, node or number."""

    fact: Fact
    detail: str = ""


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
    standing: tuple[Standing, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What the facts ask for: the most severe level, the sentence of the fact behind it, and every fact that counts."""

    level: Level
    because: str
    facts: tuple[Fact, ...]
    sentences: tuple[str, ...]


def step(state: SupervisorState, facts: Iterable[Observed], now_ns: int) -> tuple[SupervisorState, Ruling]:
    """Follow ``facts`` as told at ``now_ns``: the new state and the ruling."""
    told = {observed.fact: observed.detail for observed in facts}
    before = {standing.fact: standing for standing in state.standing}
    followed = (_follow(_RULE[fact], before.get(fact), told.get(fact), now_ns) for fact in Fact)
    standing = tuple(one for one in followed if one is not None)
    counting = [one for one in standing if one.counts]
    counting.sort(key=lambda one: -_RULE[one.fact].level)
    sentences = tuple(_sentence(one) for one in counting)
    ruling = Ruling(
        level=_RULE[counting[0].fact].level if counting else Level.GO,
        because=sentences[0] if sentences else "",
        facts=tuple(one.fact for one in counting),
        sentences=sentences,
    )
    return SupervisorState(standing=standing), ruling


def _follow(rule: Rule, before: Standing | None, detail: str | None, now_ns: int) -> Standing | None:
    if detail is None:
        if before is None or not before.counts or now_ns - before.last_ns >= nanoseconds(rule.clear_s):
            return None
        return before
    since_ns = before.since_ns if before is not None else now_ns
    counts = (before is not None and before.counts) or now_ns - since_ns >= nanoseconds(rule.raise_s)
    return Standing(fact=rule.fact, detail=detail, since_ns=since_ns, last_ns=now_ns, counts=counts)


def _sentence(standing: Standing) -> str:
    sentence = _RULE[standing.fact].sentence
    return f"{sentence} ({standing.detail})." if standing.detail else f"{sentence}."
