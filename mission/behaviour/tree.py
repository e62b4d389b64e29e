# SPDX-License-Identifier: Apache-2.0
"""The behaviour tree, with py_trees. Every node carries a reason; the operator's sentence is the one of the tip.

The supervisor stands above it: it moves the mode, and the tree only ever acts within the mode. The tree has no memory of its
own, so that a restarted process does the same as one that never stopped.
"""

from __future__ import annotations

from py_trees.behaviour import Behaviour
from py_trees.composites import Composite, Selector, Sequence
from py_trees.display import unicode_tree

from mission.behaviour.attend import AttendToAlert
from mission.behaviour.leaves import (
    Dock,
    DriveLeg,
    EndMission,
    FollowHand,
    InMode,
    InsideKeepOut,
    KnowsPlace,
    LeaveKeepOut,
    Now,
    RouteIsDone,
    Stand,
)
from mission.behaviour.turn import Tools, Turn
from patrol.errors import BadValue
from patrol.operations import Mode


class BehaviourTree:
    """``act`` once a step; ``text`` prints the tree with what each node said last."""

    def __init__(self, tools: Tools) -> None:
        self._turn: Turn | None = None
        self._root = _tree(self._now, tools)

    def act(self, turn: Turn) -> str:
        """Let the tree fill in ``turn``; returns the one sentence that says why the robot does this."""
        self._turn = turn
        self._root.tick_once()
        for node in self._root.iterate():
            if isinstance(node, Composite):
                tip = node.tip()
                node.feedback_message = tip.feedback_message if tip is not None else ""
        return str(self._root.feedback_message)

    def text(self) -> str:
        """The tree with the status and the reason of every node."""
        return unicode_tree(self._root, show_status=True)

    def _now(self) -> Turn:
        if self._turn is None:
            raise BadValue("turn: the tree was ticked outside of act")
        return self._turn


def _tree(now: Now, tools: Tools) -> Behaviour:
    robot = Selector("robot", memory=False)
    robot.add_children(
        [
            _in_mode(now, Mode.ESTOPPED, Stand("stand", now, tools, "E-stop is latched: {}".format)),
            _in_mode(now, Mode.HELD, Stand("stand", now, tools, "Held: {}".format)),
            _in_mode(now, Mode.PAUSED, Stand("come to rest", now, tools, lambda note: note or "Paused.", slowly=True)),
            _in_mode(now, Mode.TELEOP, FollowHand("follow the hand control", now, tools)),
            _leave(now, tools),
            _moving(now, Mode.DOCKING, Dock("dock and prove that it charges", now, tools)),
            _patrol(now, tools),
            _lost(now, tools),
            _in_mode(now, Mode.DOCKED, Stand("stay", now, tools, _docked)),
            Stand("wait for a mission", now, tools, _idle),
        ]
    )
    return robot


def _in_mode(now: Now, mode: Mode, act: Behaviour) -> Behaviour:
    branch = Sequence(mode.value, memory=False)
    branch.add_children([InMode(now, mode), act])
    return branch


def _moving(now: Now, mode: Mode, act: Behaviour) -> Behaviour:
    branch = Sequence(mode.value, memory=False)
    branch.add_children([InMode(now, mode), KnowsPlace("position known?", now), act])
    return branch


def _leave(now: Now, tools: Tools) -> Behaviour:
    branch = Sequence("leave a keep-out", memory=False)
    branch.add_children(
        [
            InMode(now, Mode.PATROLLING, Mode.DOCKING),
            KnowsPlace("position known?", now),
            InsideKeepOut("in a keep-out?", now),
            LeaveKeepOut("drive out", now, tools),
        ]
    )
    return branch


def _lost(now: Now, tools: Tools) -> Behaviour:
    branch = Sequence("position not known", memory=False)
    stand = Stand("stand", now, tools, "Waiting to know the position. {}".format)
    branch.add_children([InMode(now, Mode.PATROLLING, Mode.DOCKING), stand])
    return branch


def _patrol(now: Now, tools: Tools) -> Behaviour:
    done = Sequence("end of the route", memory=False)
    done.add_children([RouteIsDone("route done?", now), EndMission("end the mission", now, tools)])
    choice = Selector("route", memory=False)
    choice.add_children([AttendToAlert("attend to an alert", now, tools), done, DriveLeg("drive the leg", now, tools)])
    return _moving(now, Mode.PATROLLING, choice)


def _docked(note: str) -> str:
    return note if note.startswith("At the dock.") else f"At the dock. {note}".strip()


def _idle(note: str) -> str:
    return f"Idle. {note}" if note else "Idle: waiting for a mission."
