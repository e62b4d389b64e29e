# SPDX-License-Identifier: Apache-2.0
"""The book of reservations while robots move: claims granted or refused, rings found, and passing plans carried out.

While a passing plan runs, nobody outside it may enter its vertices, and its moves depend on one another without a ring. So it
ends after as many moves as it has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mission.team.lanes import Lanes
from mission.team.traffic import AWAY, STANDING, Traffic, ring
from mission.team.untangle import Move, depends, untangled


class Crossings:
    """Robots are numbers from 0; ``at`` (k) is where they stand."""

    def __init__(self, lanes: Lanes, at: Sequence[int]) -> None:
        self.lanes = lanes
        self.traffic = Traffic.standing(lanes, at)
        self.wants = [STANDING] * len(at)
        self._moves: tuple[Move, ...] = ()
        self._needed: tuple[frozenset[int], ...] = ()
        self._done: set[int] = set()
        self._begun: dict[int, int] = {}

    def claim(self, robot: int, vertex: int) -> bool:
        """Whether ``robot`` may go to ``vertex`` now, and then it is on its way; otherwise it waits for it."""
        shut = bool(self._moves) and not self.is_passing(robot) and self._is_shut(vertex)
        if shut or not self.traffic.may_go(self.lanes, robot, vertex):
            self.wants[robot] = vertex
            return False
        self.wants[robot] = STANDING
        self.traffic = self.traffic.gone(robot, vertex)
        return True

    def arrived(self, robot: int) -> None:
        """``robot`` is where it was going."""
        self.traffic = self.traffic.arrived(robot)
        if robot in self._begun:
            self._done.add(self._begun.pop(robot))
            if len(self._done) == len(self._moves):
                self._moves, self._needed = (), ()

    def taken_away(self, robot: int) -> None:
        """``robot`` is off the ground; a passing plan that counted on it is given up."""
        self.traffic = self.traffic.put_down(robot, AWAY)
        self.wants[robot] = STANDING
        self._begun.pop(robot, None)
        if self.is_passing(robot):
            self._moves, self._needed, self._begun = (), (), {}

    def has_room(self, vertex: int) -> bool:
        """Whether one robot more may be put on ``vertex``."""
        return len(self.traffic.holders(vertex)) < self.lanes.room[vertex]

    def put_down(self, robot: int, vertex: int) -> None:
        """``robot`` joins at ``vertex``."""
        self.traffic = self.traffic.put_down(robot, vertex)

    def ring(self, parties: Sequence[int]) -> tuple[int, ...] | None:
        """Robots that can exchange their rounds, as ``traffic.ring``; none of them takes part in a passing plan."""
        wants = [STANDING if self.is_passing(robot) else want for robot, want in enumerate(self.wants)]
        return ring(self.traffic, wants, parties)

    def is_stuck(self, robot: int) -> bool:
        """Whether nobody who holds what ``robot`` waits for is on the move, and no passing plan runs."""
        want = self.wants[robot]
        if want == STANDING or self._moves:
            return False
        holders = self.traffic.holders(want)
        return bool(holders) and all(self.traffic.going[holder] == STANDING for holder in holders)

    def waited_for(self, robot: int) -> frozenset[int]:
        """Those who hold what ``robot`` waits for, and those whom these wait for in their turn."""
        found: set[int] = set()
        open_ = [robot]
        while open_:
            want = self.wants[open_.pop()]
            new = set() if want == STANDING else set(self.traffic.holders(want)) - found
            found |= new
            open_ += new
        return frozenset(found)

    def let_past(self, goals: Mapping[int, int], still: Sequence[int]) -> None:
        """Begin a passing plan that brings each robot of ``goals`` to its vertex while those of ``still`` stay. Raises
        NoWayPast."""
        at = [there if there != STANDING else here for here, there in zip(self.traffic.at, self.traffic.going, strict=True)]
        self._moves = untangled(self.lanes, at, goals, still=still)
        self._needed, self._done, self._begun = depends(self._moves), set(), {}
        for robot in {move.robot for move in self._moves}:
            self.wants[robot] = STANDING

    def is_passing(self, robot: int) -> bool:
        """Whether moves of ``robot`` in a passing plan are outstanding."""
        return any(move.robot == robot and number not in self._done for number, move in enumerate(self._moves))

    def passing_move(self, robot: int) -> int | None:
        """The vertex that the passing plan sends ``robot`` to now; then it is on its way."""
        number = next(
            (number for number, move in enumerate(self._moves) if move.robot == robot and number not in self._done), None
        )
        if number is None or robot in self._begun or not self._needed[number] <= self._done:
            return None
        end = self._moves[number].end
        if not self.traffic.may_go(self.lanes, robot, end):
            return None
        self.traffic = self.traffic.gone(robot, end)
        self._begun[robot] = number
        return end

    def _is_shut(self, vertex: int) -> bool:
        return any(vertex in (move.start, move.end) for number, move in enumerate(self._moves) if number not in self._done)
