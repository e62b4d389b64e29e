# SPDX-License-Identifier: Apache-2.0
"""One member of a team: hears, judges who is there, plans anew when that has changed, gives out alerts, and takes them.

There is no leader. Everybody follows the plan of the highest rank that it has heard of. When the units that are there are not
those of the plan, the first of them by name plans at once, the next one only when that did not help for a while, and so on; the
same goes for alerts. So one plan is made as a rule, two at times, and in the end all follow the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from pydantic import Field

from mission.planning.deadline import Deadline
from mission.team.allocate import Allocation, Allocator, Standing
from mission.team.dispatch import Dispatcher
from mission.team.knowledge import AlertCard, AlertState, Knowledge, PlanCard, Report
from mission.team.unit import Duty, Unit
from patrol.checks import Floats
from patrol.config import Config
from patrol.errors import BadValue


class MemberConfig(Config):
    """``lost_after_s``: who said nothing for so long is lost; ``patience_s``: how long the next in line waits for the one before;
    ``lead_s``: from the making of a plan to its beginning, so that most have heard of it; ``plan_s``: the longest time to think;
    ``asked_again_s``: an alert whose unit does not say that it goes is given to another."""

    lost_after_s: float = Field(default=30.0, gt=0)
    patience_s: float = Field(default=6.0, gt=0)
    lead_s: float = Field(default=3.0, ge=0)
    plan_s: float = Field(default=1.5, gt=0)
    asked_again_s: float = Field(default=20.0, gt=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What every member of a team has: the units by id, how many places there are, the allocator, the dispatcher, and where
    deadlines come from."""

    units: Mapping[str, Unit]
    places: int
    allocator: Allocator
    dispatcher: Dispatcher
    deadline: Callable[[float], Deadline]
    config: MemberConfig


class Member:
    """``hear`` what others tell, ``think`` now and then, and tell ``knowledge``."""

    def __init__(self, unit: Unit, means: Means) -> None:
        self.unit, self._means = unit, means
        self.knowledge = Knowledge()
        self._listens_until_s = float("-inf")
        self._wrong_since_s: float | None = None
        self._open_since_s: dict[str, float] = {}

    def hear(self, other: Knowledge) -> None:
        """Take in what another one knows."""
        self.knowledge = self.knowledge.merged(other)

    def report(self, now_s: float, duty: Duty, standing: Standing, charge: float) -> None:
        """Say of itself that it is on ``duty`` and can leave ``standing.at`` at ``standing.ready_s``."""
        known = self.knowledge.reports.get(self.unit.unit_id)
        mine = Report(
            unit_id=self.unit.unit_id,
            count=known.count + 1 if known is not None else 0,
            stamp_s=now_s,
            duty=duty,
            at=standing.at,
            ready_s=standing.ready_s,
            charge=charge,
        )
        self.hear(Knowledge(reports={mine.unit_id: mine}))

    def join(self, now_s: float) -> None:
        """It was away: it listens for a while before it decides anything."""
        self._listens_until_s = now_s + self._means.config.patience_s

    def saw(self, place: int, now_s: float) -> None:
        """It has seen ``place``."""
        seen_s = self.knowledge.seen_s
        seen_s = np.zeros(self._means.places) if seen_s is None else seen_s.copy()
        seen_s[place] = now_s
        counts = list(self.knowledge.visits.get(self.unit.unit_id, (0,) * self._means.places))
        counts[place] += 1
        self.hear(Knowledge(seen_s=seen_s, visits={self.unit.unit_id: tuple(counts)}))

    def think(self, now_s: float) -> None:
        """Plan anew if that is due and this one's turn, and look after alerts."""
        if now_s < self._listens_until_s:
            return
        present = self._present(now_s)
        patrolling = frozenset(name for name, report in present.items() if report.duty is Duty.PATROL)
        plan = self.knowledge.plan
        if not patrolling or (plan is not None and plan.members == patrolling):
            self._wrong_since_s = None
        else:
            since_s = self._wrong_since_s = now_s if self._wrong_since_s is None else self._wrong_since_s
            if self._is_turn(present, now_s - since_s):
                self._plan(now_s, {name: present[name] for name in sorted(patrolling)})
                self._wrong_since_s = None
        for alert in tuple(self.knowledge.alerts.values()):
            self._look_after(alert, present, now_s)

    def errand(self) -> AlertCard | None:
        """The alert that this member is to attend, the first raised of several."""
        mine = [
            card
            for card in self.knowledge.alerts.values()
            if card.unit_id == self.unit.unit_id and card.state in (AlertState.GIVEN, AlertState.GOING)
        ]
        return min(mine, key=lambda card: (card.raised_s, card.alert_id), default=None)

    def told(self, card: AlertCard) -> None:
        """Take in a new state of an alert."""
        self.hear(Knowledge(alerts={card.alert_id: card}))

    def _present(self, now_s: float) -> dict[str, Report]:
        """The newest report of everybody who was heard of lately, this one included."""
        lost_s = self._means.config.lost_after_s
        return {
            name: report
            for name, report in self.knowledge.reports.items()
            if name == self.unit.unit_id or now_s - report.stamp_s <= lost_s
        }

    def _is_turn(self, present: Mapping[str, Report], waited_s: float) -> bool:
        place = sorted(present).index(self.unit.unit_id)
        return waited_s >= place * self._means.config.patience_s

    def _plan(self, now_s: float, patrolling: Mapping[str, Report]) -> None:
        plan, config = self.knowledge.plan, self._means.config
        begins_s = now_s + config.lead_s
        standing = [Standing(at=report.at, ready_s=max(0.0, report.ready_s - begins_s)) for report in patrolling.values()]
        units = [self._means.units[name] for name in patrolling]
        try:
            allocation: Allocation = self._means.allocator.allocate(
                units, standing, self._means.deadline(config.plan_s), ages_s=self._ages_s(begins_s)
            )
        except BadValue:
            return
        card = PlanCard(
            epoch=plan.epoch + 1 if plan is not None else 0,
            author=self.unit.unit_id,
            begins_s=begins_s,
            members=frozenset(patrolling),
            allocation=allocation,
        )
        self.hear(Knowledge(plan=card))

    def _ages_s(self, now_s: float) -> Floats | None:
        """How long (N,) s each place has gone unseen as far as this one knows, a place never seen since the first visit to any;
        None when it knows of none."""
        seen_s = self.knowledge.seen_s
        if seen_s is None:
            return None
        first_s = float(seen_s[seen_s > 0.0].min(initial=now_s))
        ages_s: Floats = np.maximum(0.0, now_s - np.maximum(seen_s, first_s))
        return ages_s

    def _look_after(self, alert: AlertCard, present: Mapping[str, Report], now_s: float) -> None:
        """Give an alert to the best unit when nobody has it, or when whoever has it can not do it."""
        given = alert.state in (AlertState.GIVEN, AlertState.GOING)
        silent = alert.state is AlertState.GIVEN and now_s - alert.asked_s > self._means.config.asked_again_s
        if alert.state is AlertState.DONE or (given and alert.unit_id in present and not silent):
            self._open_since_s.pop(alert.alert_id, None)
            return
        since_s = self._open_since_s.setdefault(alert.alert_id, now_s)
        if not self._is_turn(present, now_s - since_s):
            return
        refused = alert.refused | {alert.unit_id} if given else alert.refused
        asked = replace(alert, refused=refused)
        best = self._means.dispatcher.best(asked, ((self._means.units[name], report) for name, report in present.items()))
        if best is None:
            return
        self.told(replace(alert, state=AlertState.GIVEN, attempt=alert.attempt + 1, unit_id=best, asked_s=now_s, refused=refused))
