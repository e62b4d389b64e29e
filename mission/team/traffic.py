# SPDX-License-Identifier: Apache-2.0
"""The reservation of cells: who holds what, who may go, and how robots that wait for one another in a ring are freed.

A robot holds the vertex that it stands on. To move on it claims, in one step, room at the next vertex and, where the way is
narrow, the way; it holds both vertices until it has arrived. So, whatever happens in whatever order:

  (S) a vertex never holds more robots than it has room for, and on a narrow way there is one robot at most.

A robot that was refused waits for the holders of the vertex that it wants. Robots on the move arrive within a bounded time, so a
robot waits for long only if the robots that it waits for wait too. Nobody is then on the move, and whoever follows from each
waiting robot to one that holds what it wants comes round: there is a *ring*. When the robots of a ring are *alike* they exchange
their rounds instead of their places: each hands its round to the one that stands where the round leads, so every round of the
ring is one step further though nobody moved. Hence:

  (P) while a round is unfinished, some round advances within the time of one step.

Rings of robots that are not alike, or that must go in person, are freed by ``mission.team.untangle``. The exhaustive search of
``tests/mission/team`` goes through every order of events on small graphs and holds (S) and (P).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mission.team.lanes import Lanes
from patrol.errors import BadValue

STANDING = -1
IN_PERSON = -1
AWAY = -2
"""Where a robot is that is in nobody's way: in the air, or taken off the ground."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """``at`` (k): the vertex that each robot stands on or comes from; ``going`` (k): the one that it is on the way to, or
    ``STANDING``."""

    at: tuple[int, ...]
    going: tuple[int, ...]

    @classmethod
    def standing(cls, lanes: Lanes, at: Sequence[int]) -> Traffic:
        """Robots that stand at ``at``. Raises BadValue when a vertex has no room for them."""
        crowded = [vertex for vertex in set(at) - {AWAY} if list(at).count(vertex) > lanes.room[vertex]]
        if crowded:
            raise BadValue(f"at: {lanes.graph.vertex_names[min(crowded)]} has no room for so many robots")
        return cls(at=tuple(at), going=(STANDING,) * len(at))

    def holders(self, vertex: int) -> tuple[int, ...]:
        """The robots that hold ``vertex``."""
        return tuple(robot for robot, (at, going) in enumerate(zip(self.at, self.going, strict=True)) if vertex in (at, going))

    def may_go(self, lanes: Lanes, robot: int, vertex: int) -> bool:
        """Whether the claim of ``robot`` for ``vertex``, a neighbour of the one that it stands on, can be granted now."""
        here = self.at[robot]
        if self.going[robot] != STANDING or vertex not in lanes.near[here]:
            return False
        if len(self.holders(vertex)) >= lanes.room[vertex]:
            return False
        way = (min(here, vertex), max(here, vertex))
        if way not in lanes.narrow:
            return True
        return all(
            going == STANDING or (min(at, going), max(at, going)) != way for at, going in zip(self.at, self.going, strict=True)
        )

    def put_down(self, robot: int, vertex: int) -> Traffic:
        """The robot was put on ``vertex``, or taken off the ground: ``AWAY``."""
        return Traffic(
            at=(*self.at[:robot], vertex, *self.at[robot + 1 :]), going=(*self.going[:robot], STANDING, *self.going[robot + 1 :])
        )

    def gone(self, robot: int, vertex: int) -> Traffic:
        """The claim was granted and the robot is on its way."""
        return replace(self, going=(*self.going[:robot], vertex, *self.going[robot + 1 :]))

    def arrived(self, robot: int) -> Traffic:
        """The robot has arrived and let go of where it came from."""
        return Traffic(
            at=(*self.at[:robot], self.going[robot], *self.at[robot + 1 :]),
            going=(*self.going[:robot], STANDING, *self.going[robot + 1 :]),
        )


def ring(traffic: Traffic, wants: Sequence[int], parties: Sequence[int]) -> tuple[int, ...] | None:
    """Robots that wait for one another, each for a vertex that the next one holds and the last for one of the first; None when
    there is no such ring. ``wants`` (k): the vertex that a waiting robot was refused, or ``STANDING``. Only robots of one party
    (k) can exchange their rounds, and those ``IN_PERSON`` with nobody."""
    for first, party in enumerate(parties):
        if wants[first] != STANDING and party != IN_PERSON:
            found = _back_to(first, traffic, wants, parties)
            if found is not None:
                return found
    return None


def _back_to(first: int, traffic: Traffic, wants: Sequence[int], parties: Sequence[int]) -> tuple[int, ...] | None:
    """A shortest ring through ``first``, by breadth."""
    trails: list[tuple[int, ...]] = [(first,)]
    seen = {first}
    while trails:
        longer = []
        for trail in trails:
            for holder in traffic.holders(wants[trail[-1]]):
                if holder == first:
                    return trail
                waits = wants[holder] != STANDING and traffic.going[holder] == STANDING
                if waits and parties[holder] == parties[first] and holder not in seen:
                    seen.add(holder)
                    longer.append((*trail, holder))
        trails = longer
    return None
