# SPDX-License-Identifier: Apache-2.0
"""The one table of facts: what each asks for in each mode, after how long, and who ends it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from mission.facts.fact import Fact
from patrol.operations import Mode


class Level(IntEnum):
    """What a fact asks for, the mildest first; the most severe one wins.

    Finish: end the leg, then hold. Hold: stand until the fact is gone. Stop: stand until the fact is gone *and* a person
    resumes. Holding outranks docking: a robot that must not drive can not go home.
    """

    GO = 0
    NOTE = 1
    SLOW = 2
    FINISH = 3
    DOCK = 4
    HOLD = 5
    STOP = 6
    ESTOP = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row. ``patrol``, ``dock`` and ``teleop`` are the levels while the robot drives a mission, to its dock, or by hand;
    in every other mode it stands, and a fact is only told (an e-stop always counts).

    A fact counts once told for ``raise_s`` on end, and no longer once gone for ``clear_s``. One that ``worsens_s`` after it
    was first told asks for docking where it asked for less.
    """

    fact: Fact
    patrol: Level
    dock: Level
    teleop: Level
    raise_s: float
    clear_s: float
    sentence: str
    worsens_s: float | None = None

    def level_in(self, mode: Mode) -> Level:
        """What the fact asks for in ``mode``."""
        match mode:
            case Mode.PATROLLING:
                return self.patrol
            case Mode.DOCKING:
                return self.dock
            case Mode.TELEOP:
                return self.teleop
            case _:
                return Level.ESTOP if self.patrol is Level.ESTOP else Level.NOTE


_Row = tuple[Fact, tuple[Level, Level, Level], tuple[float, float], str]
_NOTE, _SLOW, _FINISH, _DOCK, _HOLD, _STOP = Level.NOTE, Level.SLOW, Level.FINISH, Level.DOCK, Level.HOLD, Level.STOP
_ESTOP = Level.ESTOP
LINK_DOCK_S = 10.0
"""A robot whose link has been lost for this long goes home."""

# fact, (patrol, dock, teleop), (raise_s, clear_s), sentence
_ROWS: tuple[_Row, ...] = (
    (Fact.ESTOP_PRESSED, (_ESTOP, _ESTOP, _ESTOP), (0.0, 0.0), "The e-stop was pressed"),
    (Fact.TIPPED, (_STOP, _STOP, _STOP), (0.2, 1.0), "The robot has tipped over"),
    (Fact.PUSHED, (_STOP, _STOP, _STOP), (0.0, 1.0), "Somebody moved the robot"),
    (Fact.STUCK, (_STOP, _STOP, _STOP), (0.0, 1.0), "The robot is stuck"),
    (Fact.OUTSIDE_GEOFENCE, (_STOP, _STOP, _SLOW), (0.3, 1.0), "The robot is outside its fence"),
    (Fact.SENSOR_STUCK, (_STOP, _STOP, _STOP), (0.0, 1.0), "A sensor repeats itself"),
    (Fact.SENSOR_GARBAGE, (_STOP, _STOP, _STOP), (0.2, 1.0), "A sensor tells nonsense"),
    (Fact.LOCALISATION_LOST, (_HOLD, _HOLD, _SLOW), (0.0, 0.5), "The robot does not know where it is"),
    (Fact.LOCALISATION_DOUBTFUL, (_HOLD, _HOLD, _SLOW), (0.3, 1.0), "The position is in doubt"),
    (Fact.SENSOR_SILENT, (_HOLD, _HOLD, _HOLD), (0.0, 0.5), "A sensor is silent"),
    (Fact.NODE_DEAD, (_HOLD, _HOLD, _HOLD), (0.0, 0.5), "A part of the software is not running"),
    (Fact.NODE_HUNG, (_HOLD, _HOLD, _HOLD), (0.0, 0.5), "A part of the software hangs"),
    (Fact.CLOCK_JUMP, (_HOLD, _HOLD, _HOLD), (0.0, 2.0), "The clock has jumped"),
    (Fact.INSIDE_KEEP_OUT, (_HOLD, _HOLD, _SLOW), (0.0, 0.5), "The robot stands where it must not be"),
    (Fact.TELEOP_SILENT, (_NOTE, _NOTE, _HOLD), (0.0, 0.0), "The hand control is silent"),
    (Fact.LINK_LOST, (_FINISH, _NOTE, _HOLD), (1.0, 1.0), "The link to the command centre is lost"),
    (Fact.LINK_FLAPPING, (_NOTE, _NOTE, _HOLD), (0.0, 5.0), "The link to the command centre comes and goes"),
    (Fact.BATTERY_CRITICAL, (_DOCK, _SLOW, _SLOW), (2.0, 30.0), "The battery is nearly empty"),
    (Fact.BATTERY_LOW, (_DOCK, _NOTE, _NOTE), (2.0, 30.0), "The battery is low"),
    (Fact.DISK_FULL, (_DOCK, _NOTE, _NOTE), (2.0, 30.0), "The disk is full, so that nothing more can be recorded"),
    (Fact.PERSON_CLOSE, (_SLOW, _SLOW, _SLOW), (0.0, 0.5), "A person is close"),
    (Fact.GEOFENCE_NEAR, (_SLOW, _SLOW, _SLOW), (0.0, 0.5), "The fence is near"),
    (Fact.SENSOR_DELAYED, (_SLOW, _SLOW, _SLOW), (0.5, 1.0), "A sensor is late"),
    (Fact.WHEEL_SLIP, (_SLOW, _SLOW, _SLOW), (0.0, 1.0), "The wheels slip"),
    (Fact.GNSS_SPOOFED, (_SLOW, _SLOW, _NOTE), (2.0, 10.0), "GNSS contradicts the map"),
    (Fact.LENS_COVERED, (_SLOW, _SLOW, _NOTE), (0.0, 1.0), "The camera can not see"),
    (Fact.CAMERA_SILENT, (_SLOW, _SLOW, _NOTE), (0.0, 1.0), "Nobody judges the pictures"),
    (Fact.MODEL_NONSENSE, (_SLOW, _SLOW, _NOTE), (0.5, 5.0), "The detector tells nonsense"),
    (Fact.CPU_STARVED, (_SLOW, _SLOW, _SLOW), (0.0, 2.0), "The computer can not keep up"),
    (Fact.DOCK_BLOCKED, (_NOTE, _NOTE, _NOTE), (0.0, 1.0), "Something stands on the dock"),
    (Fact.HELPER_DEAD, (_NOTE, _NOTE, _NOTE), (0.0, 0.5), "A part not needed to drive has stopped"),
    (Fact.SITE_STOPS, (_HOLD, _NOTE, _NOTE), (0.0, 1.0), "The site stops patrols"),
    (Fact.WEATHER_BAD, (_DOCK, _NOTE, _NOTE), (2.0, 30.0), "The weather is against patrols"),
    (Fact.PATROL_MISSED, (_NOTE, _NOTE, _NOTE), (0.0, 0.0), "A planned patrol did not begin"),
)


def _rule(row: _Row) -> Rule:
    fact, (patrol, dock, teleop), (raise_s, clear_s), sentence = row
    worsens_s = LINK_DOCK_S if fact is Fact.LINK_LOST else None
    return Rule(
        fact=fact,
        patrol=patrol,
        dock=dock,
        teleop=teleop,
        raise_s=raise_s,
        clear_s=clear_s,
        sentence=sentence,
        worsens_s=worsens_s,
    )


RULES: tuple[Rule, ...] = tuple(_rule(row) for row in _ROWS)
RULE_OF: dict[Fact, Rule] = {rule.fact: rule for rule in RULES}
