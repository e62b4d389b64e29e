# SPDX-License-Identifier: Apache-2.0
"""Which robot of a team may be in a narrow passage, agreed among robots that only tell what they know, over a radio that loses
most of it and without any of them in charge.

For each passage and each pair of robots there is one *fork* (Chandy and Misra, 1984): a number that only grows. While it is even
it is with the robot of the lower name, while odd with the other, and whoever has it hands it over by adding one. So only one
robot ever writes it at a time, and merging by the larger number is right however words are lost, repeated or mixed up. A robot
that believes to have the fork is right: nobody else could have raised the number since. A robot may enter with the forks of the
passage from *all* others. Hence:

  (S) the passage is never two robots' at once, whatever is lost and whatever the clocks say.

Who waits and is not yet let in hands a fork over to a claim that is older (by its time, then its name), and whoever does not
want the passage to anybody who does. Claims are ordered, so there is no ring: the oldest claim of those that are heard gets its
forks once who is inside has left. Hence:

  (P) while all robots are heard of now and then, the oldest claim is granted.

It fails safe: a robot that was never heard of since this one began, or fell silent with a fork in its hand, keeps the passage
shut for those that need that fork. A robot that docks or is held hands its forks over first.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pydantic import Field

from mission.team.knowledge import Claim, Knowledge, fork_key
from mission.team.unit import Duty
from patrol.clock import nanoseconds
from patrol.config import Config
from patrol.passages import PassagesHeld

_IDLE = (Duty.AWAY, Duty.CHARGING, Duty.LOST)


class RightOfWayConfig(Config):
    """A claim ends ``release_s`` after the robot last wanted the passage: longer than its mission believes a word. Whoever was
    let in and has not gone in within ``lease_s`` goes to the end of the queue. Clocks differ by ``clocks_s`` at most; only
    what is refused after a restart depends on that."""

    release_s: float = Field(default=3.0, gt=0)
    lease_s: float = Field(default=60.0, gt=0)
    clocks_s: float = Field(default=2.0, ge=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The passage that the robot is about to enter, and the one that it is in; empty for none."""

    wants: str = ""
    inside: str = ""


class RightOfWay:
    """``step`` a few times a second, and tell what it returns."""

    def __init__(
        self, unit_id: str, units: Iterable[str], passages: Iterable[str], config: RightOfWayConfig | None = None
    ) -> None:
        self._me, self._passages = unit_id, tuple(passages)
        self._others = tuple(sorted(set(units) - {unit_id}))
        self._config = config or RightOfWayConfig()
        self._began_s: float | None = None
        self._wanted_s = self._got_s = 0.0

    def step(self, knowledge: Knowledge, wish: Wish, now_s: float) -> tuple[Knowledge, PassagesHeld]:
        """What there is to tell, and what the robot may do. A claim is never granted in the step in which it is made: those that
        were there before get their forks first."""
        self._began_s = now_s if self._began_s is None else self._began_s
        claim = self._claimed(knowledge.claims.get(self._me), wish, now_s)
        refused = self._why_not(knowledge, claim)
        if claim.passage and not claim.held and not refused and claim.since_s < now_s:
            claim, self._got_s = replace(claim, held=True), now_s
        told = Knowledge(forks=self._handed_over(knowledge, claim), claims={self._me: claim})
        held = frozenset({claim.passage}) if claim.held else frozenset()
        why = {claim.passage: refused} if claim.passage and not claim.held else {}
        return told, PassagesHeld(stamp_ns=nanoseconds(now_s), held=held, refused=why)

    def _claimed(self, before: Claim | None, wish: Wish, now_s: float) -> Claim:
        """This robot's claim by what it wants now."""
        claim = before or Claim(unit_id=self._me, count=0, passage="", since_s=now_s)
        claim = replace(claim, count=claim.count + 1)
        wanted = wish.inside or wish.wants
        if wanted == claim.passage:
            self._wanted_s = now_s
        elif not claim.passage or not claim.held or now_s - self._wanted_s > self._config.release_s:
            claim, self._wanted_s = replace(claim, passage=wanted, since_s=now_s, held=False), now_s
        inside = wish.inside != "" and wish.inside == claim.passage
        if claim.held and not inside and now_s - self._got_s > self._config.lease_s:
            claim = replace(claim, since_s=now_s, held=False)
        return replace(claim, inside=inside)

    def _why_not(self, knowledge: Knowledge, claim: Claim) -> str:
        """Why the passage of ``claim`` is not this robot's; empty when it is."""
        for other in self._others:
            report, its = knowledge.reports.get(other), knowledge.claims.get(other)
            if report is None or report.stamp_s < (self._began_s or 0.0) + self._config.clocks_s:
                return f"{other} was not heard of yet"
            if its is not None and its.passage == claim.passage and its.inside:
                return f"{other} is in it"
            if not self._has_fork(knowledge, claim.passage, other):
                return f"{other} has the right of way"
        return ""

    def _has_fork(self, knowledge: Knowledge, passage: str, other: str) -> bool:
        turn = knowledge.forks.get(fork_key(passage, self._me, other), 0)
        return (turn % 2 == 0) == (self._me < other)

    def _handed_over(self, knowledge: Knowledge, claim: Claim) -> dict[str, int]:
        """The forks that this robot gives away now."""
        handed = {}
        for passage in self._passages:
            mine = claim if claim.passage == passage else None
            if mine is not None and (mine.held or mine.inside):
                continue
            for other in self._others:
                if self._has_fork(knowledge, passage, other) and self._gives(knowledge, passage, mine, other):
                    key = fork_key(passage, self._me, other)
                    handed[key] = knowledge.forks.get(key, 0) + 1
        return handed

    def _gives(self, knowledge: Knowledge, passage: str, mine: Claim | None, other: str) -> bool:
        """Whether the fork goes to ``other``: it wants the passage and comes first, or this robot is going away."""
        its, me, them = knowledge.claims.get(other), knowledge.reports.get(self._me), knowledge.reports.get(other)
        if its is not None and its.passage == passage:
            return mine is None or its.ticket < mine.ticket
        leaves = me is not None and me.duty in _IDLE and them is not None and them.duty not in _IDLE
        return mine is None and leaves
