# SPDX-License-Identifier: Apache-2.0
"""One unit of a simulated team: what it is after at the moment, and the errands that interrupted its round.

A round is interrupted by an alert or by an empty battery. The place that it led to next is the breakpoint; afterwards the unit
goes there first, once, and only then takes up a round again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from mission.team.knowledge import AlertCard, AlertState, PlanCard
from mission.team.member import Member
from mission.team.rounds import Round, rounds_of
from mission.team.traffic import IN_PERSON, STANDING
from mission.team.unit import Duty, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """Why a round was interrupted (an alert's id, or ``charging``), where it led next, when the unit reached the alert or the
    dock, and when it was back at the breakpoint; None for what has not happened."""

    because: str
    unit_id: str
    place: int
    begun_s: float
    breakpoint: int | None
    reached_s: float | None = None
    resumed_s: float | None = None


@dataclass(kw_only=True, slots=True)
class Walker:
    """``at`` is a vertex of the lanes, ``bound`` the one that it is on the way to; the round is None until a plan has begun."""

    unit: Unit
    top_mps: float
    member: Member
    at: int
    bound: int = STANDING
    arrives_s: float = 0.0
    round: Round | None = None
    plan: PlanCard | None = None
    charge: float = 1.0
    duty: Duty = Duty.PATROL
    errand: Errand | None = None
    back_to: int | None = None
    stays_until_s: float | None = None
    waits_since_s: float | None = None
    answered_s: float = 0.0
    tries_again_s: float = 0.0
    alert: AlertCard | None = None
    errands: list[Errand] = field(default_factory=list)

    @property
    def goal(self) -> int | None:
        """The place that it is after: of its errand, then its breakpoint, then its round."""
        if self.duty is Duty.LOST:
            return None
        if self.errand is not None and self.duty is not Duty.PATROL:
            return self.errand.place
        if self.back_to is not None:
            return self.back_to
        return self.round.place if self.round is not None else None

    @property
    def is_in_person(self) -> bool:
        """Whether nobody else can take over what it is after."""
        return self.duty is not Duty.PATROL or self.back_to is not None or self.round is None

    def party(self, numbers: dict[tuple[int, str, int], int]) -> int:
        """Which others it can exchange its round with."""
        if self.is_in_person or self.round is None:
            return IN_PERSON
        return numbers.setdefault(self.round.party, len(numbers))

    def follow(self, now_s: float) -> None:
        """Take up the newest plan that has begun."""
        card = self.member.knowledge.plan
        if card is None or now_s < card.begins_s or (self.plan is not None and self.plan.rank >= card.rank):
            return
        self.plan = card
        self.round = dict(rounds_of(card)).get(self.unit.unit_id)

    def interrupt(self, because: str, place: int, duty: Duty, now_s: float) -> None:
        """Leave the round for ``place``; an errand that is under way ends here, and its breakpoint stays the breakpoint."""
        if self.back_to is None and self.round is not None and self.duty is Duty.PATROL:
            self.back_to = self.round.place
        self._close(None)
        self.duty, self.stays_until_s = duty, None
        self.errand = Errand(because=because, unit_id=self.unit.unit_id, place=place, begun_s=now_s, breakpoint=self.back_to)

    def reached(self, now_s: float, stay_s: float) -> None:
        """It has come to where its errand led."""
        if self.errand is not None and self.stays_until_s is None:
            self.errand = replace(self.errand, reached_s=now_s)
            self.stays_until_s = now_s + stay_s

    def heed_alert(self, now_s: float) -> None:
        """Take up an alert that it was given; leave one that was given to somebody else meanwhile."""
        alert = self.member.errand()
        if self.duty is Duty.PATROL and alert is not None:
            self.alert = alert
            self.interrupt(alert.alert_id, alert.place, Duty.DISPATCHED, now_s)
            self.tell_alert(AlertState.GOING)
        elif self.duty is Duty.DISPATCHED and self.alert is not None:
            known = self.member.knowledge.alerts[self.alert.alert_id]
            if known.rank > self.alert.rank:
                self.resume(now_s)

    def refuse_alert(self) -> None:
        """It can not do what the alert asks: somebody else is to go."""
        if self.alert is not None:
            refused = self.alert.refused | {self.unit.unit_id}
            attempt = self.alert.attempt + 1
            self.member.told(replace(self.alert, state=AlertState.OPEN, attempt=attempt, unit_id="", refused=refused))
            self.alert = None

    def lose(self) -> None:
        """It is gone: whatever it was after, it is after it no more."""
        self.duty, self.bound, self.waits_since_s = Duty.LOST, STANDING, None
        self.round = self.back_to = self.stays_until_s = self.alert = None
        self._close(None)

    def resume(self, now_s: float) -> None:
        """The errand is over; first of all to the breakpoint, if there is one."""
        self.duty, self.stays_until_s, self.alert = Duty.PATROL, None, None
        if self.back_to is None:
            self._close(now_s)

    def back(self, now_s: float) -> None:
        """It is at its breakpoint; the round goes on from there."""
        if self.round is not None and self.round.place == self.back_to:
            self.round = self.round.visited()
        self.back_to = None
        self._close(now_s)

    def tell_alert(self, state: AlertState) -> None:
        if self.alert is not None:
            self.alert = replace(self.alert, state=state)
            self.member.told(self.alert)

    def _close(self, resumed_s: float | None) -> None:
        if self.errand is not None:
            self.errands.append(replace(self.errand, resumed_s=resumed_s))
            self.errand = None
