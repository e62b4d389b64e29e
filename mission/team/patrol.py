# SPDX-License-Identifier: Apache-2.0
"""Plays a team on its ground, event by event: units walk their rounds, make way for one another, tell what they know over a
lossy radio, plan anew as units come and go, and answer alerts. The same seeds give the same visits."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Sequence

import numpy as np

from mission.planning.metrics import Stream, merged_log
from mission.team.allocate import Standing
from mission.team.crossing import Crossings
from mission.team.knowledge import AlertState, Knowledge, PlanCard
from mission.team.lanes import Lanes
from mission.team.member import Means, Member
from mission.team.play import Happening, PlayConfig, Played
from mission.team.radio import Radio
from mission.team.traffic import AWAY, STANDING
from mission.team.unit import Duty, Kind
from mission.team.untangle import NoWayPast
from mission.team.walker import Walker

CHARGING = "charging"
_PATIENCE_S = 2.0
_AHEAD = 12
_SAME_S = 1e-9


class TeamPatrol:
    """``begin`` with units on their places and a plan in force, ``run`` until the horizon."""

    def __init__(self, lanes: Lanes, means: Means, config: PlayConfig, *, seed: int, dock: int | None = None) -> None:
        self._lanes, self._means, self._config, self._dock = lanes, means, config, dock
        self._random = np.random.default_rng(seed)
        self._radio = Radio(config.loss, seed + 1)
        self._said = max(1, round(config.radio_hz * config.radio_every_s))
        self._events: list[tuple[float, int, str, int]] = []
        self._numbers = itertools.count()
        self._walkers: list[Walker] = []
        self._plans: dict[tuple[int | float | str, ...], PlanCard] = {}
        self._places: list[int] = []
        self._came: list[float] = []
        self._left: list[float] = []
        self._open: dict[int, int] = {}
        self._happenings: list[Happening] = []
        self._longest_wait_s = 0.0
        self._exchanges = self._passings = self._blocked = self._steps = 0
        self._now_s = 0.0

    def begin(self, starts: Sequence[int], *, absent: Iterable[str] = ()) -> PlanCard:
        """Put every unit on its place, those of ``absent`` off the ground, and plan; everybody knows this first plan."""
        away = set(absent)
        for (name, unit), at in zip(self._means.units.items(), starts, strict=True):
            walker = Walker(
                unit=unit, top_mps=unit.speed_mps / (1.0 - self._config.reserve), member=Member(unit, self._means), at=at
            )
            walker.duty = Duty.LOST if name in away else Duty.PATROL
            self._walkers.append(walker)
        here = [walker for walker in self._walkers if walker.duty is Duty.PATROL]
        allocation = self._means.allocator.allocate(
            [walker.unit for walker in here],
            [Standing(at=walker.at) for walker in here],
            self._means.deadline(self._means.config.plan_s),
        )
        members = frozenset(walker.unit.unit_id for walker in here)
        card = PlanCard(epoch=0, author=min(members), begins_s=0.0, members=members, allocation=allocation)
        self._crossings = Crossings(self._lanes, [walker.at if self._is_on_ground(walker) else AWAY for walker in self._walkers])
        for walker in here:
            walker.member.report(0.0, walker.duty, Standing(at=walker.at), walker.charge)
        briefing = Knowledge(plan=card)
        for walker in here:
            briefing = briefing.merged(walker.member.knowledge)
        for index, walker in enumerate(self._walkers):
            walker.member.hear(briefing)
            if walker.duty is Duty.PATROL:
                self._visit(index)
        return card

    def run(self, horizon_s: float, happenings: Iterable[Happening] = ()) -> Played:
        """Play to ``horizon_s``."""
        self._happenings = list(happenings)
        for number, happening in enumerate(self._happenings):
            self._at(happening.at_s, "happening", number)
        self._at(0.0, "radio", 0)
        while self._events and self._events[0][0] <= horizon_s:
            self._now_s, _, what, number = heapq.heappop(self._events)
            if what == "radio":
                self._talk()
            elif what == "arrival":
                self._arrive(number)
            elif what == "happening":
                self._happen(number)
            else:
                self._drive(number)
        return self._played(horizon_s)

    def _at(self, when_s: float, what: str, number: int) -> None:
        heapq.heappush(self._events, (max(when_s, self._now_s), next(self._numbers), what, number))

    def _is_on_ground(self, walker: Walker) -> bool:
        return walker.unit.kind is Kind.GROUND and walker.duty is not Duty.LOST

    def _talk(self) -> None:
        """Everybody reports, thinks and tells; then each takes up what it has learnt."""
        speaking = [index for index, walker in enumerate(self._walkers) if walker.duty is not Duty.LOST]
        for index in speaking:
            self._report(index)
        told = [walker.member.knowledge for walker in self._walkers]
        heard = self._radio.heard(len(self._walkers), self._said)
        for listener in speaking:
            for speaker in speaking:
                if speaker != listener and heard[listener, speaker]:
                    self._walkers[listener].member.hear(told[speaker])
            self._heed(self._walkers[listener])
        for index in speaking:
            self._drive(index)
        self._at(self._now_s + self._config.radio_every_s, "radio", 0)

    def _report(self, index: int) -> None:
        walker = self._walkers[index]
        walker.charge = max(0.0, walker.charge - self._config.radio_every_s / walker.unit.endurance_s)
        walker.member.report(self._now_s, walker.duty, self._standing(walker), walker.charge)
        walker.member.think(self._now_s)
        card = walker.member.knowledge.plan
        if card is not None:
            self._plans.setdefault(card.rank, card)

    def _standing(self, walker: Walker) -> Standing:
        """The next place that the unit comes to, and when; one that stands in a narrow way without a goal is at the nearest."""
        place = self._lanes.place_near(walker.at if walker.goal is None else walker.goal)
        way_m = self._way_m(walker, place)
        return Standing(at=place, ready_s=self._now_s + way_m / walker.unit.speed_mps)

    def _way_m(self, walker: Walker, place: int) -> float:
        if walker.unit.kind is Kind.DRONE:
            return float(self._means.allocator.closure(Kind.DRONE).distances_m[walker.at, place])
        return self._lanes.length_m(walker.at, place)

    def _heed(self, walker: Walker) -> None:
        """Take up a plan, an alert, or the way to the dock."""
        walker.follow(self._now_s)
        low = walker.charge <= self._config.low_charge
        if low and walker.duty is Duty.PATROL and self._dock is not None:
            walker.interrupt(CHARGING, self._dock, Duty.CHARGING, self._now_s)
        walker.heed_alert(self._now_s)

    def _happen(self, number: int) -> None:
        happening = self._happenings[number]
        if happening.alert is not None:
            present = [walker for walker in self._walkers if walker.duty is not Duty.LOST] or self._walkers
            hearer = present[int(self._random.integers(len(present)))]
            hearer.member.told(happening.alert)
            return
        index = list(self._means.units).index(happening.unit_id)
        walker = self._walkers[index]
        if not happening.joins:
            walker.lose()
            self._leave(index)
            self._crossings.taken_away(index)
            self._drive_waiting()
        elif walker.duty is Duty.LOST and not self._put_down(index):
            self._at(self._now_s + self._config.radio_every_s, "happening", number)

    def _put_down(self, index: int) -> bool:
        """Let a unit join where it was last; False when there is no room for it now."""
        walker = self._walkers[index]
        on_ground = walker.unit.kind is Kind.GROUND
        if on_ground and not self._crossings.has_room(walker.at):
            return False
        walker.duty = Duty.PATROL
        walker.member.join(self._now_s)
        if on_ground:
            self._crossings.put_down(index, walker.at)
        self._visit(index)
        return True

    def _arrive(self, index: int) -> None:
        walker = self._walkers[index]
        if walker.bound == STANDING or walker.arrives_s != self._now_s:
            return
        if walker.unit.kind is Kind.GROUND:
            walker.at = self._crossings.traffic.going[index]
            self._crossings.arrived(index)
        else:
            walker.at = walker.bound
        walker.bound = STANDING
        self._visit(index)
        self._drive(index)
        self._drive_waiting()

    def _drive_waiting(self) -> None:
        """Whoever waits tries again, the longest waiting first."""
        waiting = [index for index, walker in enumerate(self._walkers) if walker.waits_since_s is not None]
        passing = [index for index in range(len(self._walkers)) if self._crossings.is_passing(index)]
        for index in sorted(waiting, key=lambda index: self._walkers[index].waits_since_s or 0.0) + passing:
            self._drive(index)

    def _drive(self, index: int) -> None:
        """Send a standing unit on, if it is to go on and may."""
        walker = self._walkers[index]
        if walker.duty is Duty.LOST or walker.bound != STANDING:
            return
        if self._crossings.is_passing(index):
            vertex = self._crossings.passing_move(index)
            if vertex is not None:
                self._go(index, vertex)
            return
        if not self._has_to_go(index):
            return
        goal = walker.goal
        if goal is None or walker.at == goal:
            return
        if walker.unit.kind is Kind.DRONE:
            self._go(index, goal)
            return
        if self._now_s + _SAME_S < walker.answered_s:
            self._at(walker.answered_s, "wake", index)
        elif self._crossings.claim(index, self._lanes.towards(walker.at, goal)):
            self._go(index, self._crossings.traffic.going[index])
        else:
            self._wait(index)

    def _has_to_go(self, index: int) -> bool:
        """Settle what is reached here; whether there is something to go on to now."""
        walker = self._walkers[index]
        for _ in range(len(self._lanes.near) + 2):
            if walker.at != walker.goal:
                break
            if walker.duty is not Duty.PATROL:
                if not self._attended(index):
                    return False
            elif walker.back_to is not None:
                walker.back(self._now_s)
            elif walker.round is not None:
                if not self._slot_has_left(index):
                    return False
                walker.round = walker.round.visited()
        return walker.is_in_person or self._slot_has_left(index)

    def _slot_has_left(self, index: int) -> bool:
        round_ = self._walkers[index].round
        if round_ is None or self._now_s + _SAME_S >= round_.leaves_s:
            return True
        if round_.leaves_s < float("inf"):
            self._at(round_.leaves_s, "wake", index)
        return False

    def _attended(self, index: int) -> bool:
        """Whether the errand that led here is over."""
        walker = self._walkers[index]
        if walker.stays_until_s is None:
            charging = walker.duty is Duty.CHARGING
            walker.reached(self._now_s, self._config.charge_s if charging else self._config.handle_s)
            self._at(walker.stays_until_s or self._now_s, "wake", index)
        if walker.stays_until_s is None or self._now_s + _SAME_S < walker.stays_until_s:
            return False
        if walker.duty is Duty.CHARGING:
            walker.charge = 1.0
        walker.tell_alert(AlertState.DONE)
        walker.resume(self._now_s)
        return True

    def _go(self, index: int, vertex: int) -> None:
        """The unit is on its way to ``vertex``."""
        walker = self._walkers[index]
        self._steps += 1
        if walker.waits_since_s is not None:
            self._longest_wait_s = max(self._longest_wait_s, self._now_s - walker.waits_since_s)
            walker.waits_since_s = None
        takes_s = self._way_m(walker, vertex) / self._speed_mps(walker)
        takes_s = self._config.held_up_s(takes_s, self._random)
        walker.bound, walker.arrives_s = vertex, self._now_s + takes_s
        walker.answered_s = self._now_s + (self._radio.exchange_s() if self._lanes.narrow else 0.0)
        self._leave(index)
        self._at(walker.arrives_s, "arrival", index)

    def _speed_mps(self, walker: Walker) -> float:
        """As planned; faster when late or on an errand, as fast as it can at most."""
        if walker.is_in_person or walker.round is None:
            return walker.top_mps
        left_s = walker.round.due_s - self._now_s
        way_m = self._way_m(walker, walker.round.place)
        if left_s <= way_m / walker.top_mps:
            return walker.top_mps
        return max(walker.round.speed_mps, way_m / left_s)

    def _wait(self, index: int) -> None:
        """Refused: exchange rounds in a ring, or let robots past that must go in person."""
        walker = self._walkers[index]
        walker.waits_since_s = self._now_s if walker.waits_since_s is None else walker.waits_since_s
        numbers: dict[tuple[int, str, int], int] = {}
        ring = self._crossings.ring([one.party(numbers) for one in self._walkers])
        if ring is not None:
            self._exchange(ring)
        elif self._now_s >= walker.tries_again_s and self._crossings.is_stuck(index):
            heard_s = max(self._walkers[holder].answered_s for holder in self._crossings.waited_for(index))
            if heard_s > self._now_s + _SAME_S:
                self._at(heard_s, "wake", index)
                return
            patient = walker.is_in_person or self._now_s - walker.waits_since_s >= _PATIENCE_S
            if patient:
                self._let_past(index)
            else:
                self._at(self._now_s + _PATIENCE_S, "wake", index)

    def _exchange(self, ring: tuple[int, ...]) -> None:
        """Each robot of the ring hands its round to the next one, which stands where the round leads."""
        rounds = [self._walkers[index].round for index in ring]
        self._exchanges += 1
        for place, index in enumerate(ring):
            walker = self._walkers[index]
            walker.round = rounds[place - 1]
            self._crossings.wants[index] = STANDING
            if walker.waits_since_s is not None:
                self._longest_wait_s = max(self._longest_wait_s, self._now_s - walker.waits_since_s)
                walker.waits_since_s = None
        for index in ring:
            self._drive(index)
        self._drive_waiting()

    def _let_past(self, index: int) -> None:
        """Find a passing plan for everybody who waits in person, or else for two who want each other's place."""
        waiting = [
            other
            for other, walker in enumerate(self._walkers)
            if self._crossings.wants[other] != STANDING and (walker.is_in_person or other == index)
        ]
        goals = {other: self._beyond(other) for other in (index, *(other for other in waiting if other != index))[:3]}
        for holder in self._crossings.traffic.holders(self._crossings.wants[index]):
            if self._crossings.wants[holder] == self._walkers[index].at and len(goals) < 3:
                goals.setdefault(holder, self._beyond(holder))
        if len(set(goals.values())) < len(goals):
            goals = {index: goals[index]}
        still = [
            other
            for other, walker in enumerate(self._walkers)
            if walker.stays_until_s is not None and other not in goals and walker.unit.kind is Kind.GROUND
        ]
        walker = self._walkers[index]
        walker.tries_again_s = self._now_s + 5.0 * _PATIENCE_S
        try:
            self._crossings.let_past(goals, still)
        except NoWayPast:
            self._blocked += 1
            self._at(walker.tries_again_s, "wake", index)
            return
        self._passings += 1
        self._drive_waiting()

    def _beyond(self, index: int) -> int:
        """The first vertex on the way of a robot that nobody holds, beyond those that are in its way."""
        walker = self._walkers[index]
        goal, here = walker.goal, walker.at
        if goal is None:
            return here
        for step in range(_AHEAD):
            if here == goal:
                break
            here = self._lanes.towards(here, goal)
            if step and not self._crossings.traffic.holders(here):
                break
        return here

    def _visit(self, index: int) -> None:
        """Note that a unit has come to a place."""
        walker = self._walkers[index]
        if walker.at < self._lanes.places:
            self._open[index] = len(self._places)
            self._places.append(walker.at)
            self._came.append(self._now_s)
            self._left.append(float("inf"))
            walker.member.saw(walker.at, self._now_s)

    def _leave(self, index: int) -> None:
        number = self._open.pop(index, None)
        if number is not None:
            self._left[number] = self._now_s

    def _played(self, horizon_s: float) -> Played:
        stream = Stream(places=np.array(self._places, dtype=np.int64), came_s=np.array(self._came), left_s=np.array(self._left))
        known = Knowledge()
        for walker in self._walkers:
            known = known.merged(walker.member.knowledge)
        waits = [self._now_s - one.waits_since_s for one in self._walkers if one.waits_since_s is not None]
        return Played(
            log=merged_log(horizon_s, self._lanes.places, [stream]),
            plans=tuple(self._plans[rank] for rank in sorted(self._plans, key=lambda rank: self._plans[rank].begins_s)),
            errands=tuple(errand for one in self._walkers for errand in (*one.errands, *([one.errand] if one.errand else []))),
            alerts=dict(known.alerts),
            longest_wait_s=max(self._longest_wait_s, *waits, 0.0) if waits else self._longest_wait_s,
            exchanges=self._exchanges,
            passings=self._passings,
            blocked=self._blocked,
            steps=self._steps,
        )
