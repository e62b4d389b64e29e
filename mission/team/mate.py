# SPDX-License-Identifier: Apache-2.0
"""One real robot of a team: what it hears, what it has visited and how it is, in; the stops that it is to visit next, out.

The same member and walker as in a played team decide; here the robot's own mission drives, and tells which stop was reached or
missed. Slots are moments of the common clock that stops are not to be set off for before.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from pydantic import Field

from mission.planning.graph import PatrolGraph
from mission.team.allocate import CrewPlan, Standing
from mission.team.knowledge import AlertCard, AlertState, Knowledge
from mission.team.member import Means, Member
from mission.team.right_of_way import RightOfWay, Wish
from mission.team.traffic import AWAY
from mission.team.unit import Duty, Unit
from mission.team.walker import Walker
from patrol.assignment import Assignment
from patrol.clock import nanoseconds
from patrol.config import Config
from patrol.errors import BadValue
from patrol.operations import Mode, OutcomeKind, RobotState, RouteWaypoint
from patrol.passages import PassagesHeld

_JUST_LEFT_S = 15.0
_STAY_S = 30.0


class MateConfig(Config):
    """``handle_s``: how long it looks around where an alert sent it; a place is left beyond ``left_m``; ``ahead``: rounds that
    are assigned at once, and ``most_ahead`` stops at most; ``held_s``: a robot held for longer is away; ``alerts_kept_s``: how
    long one that is done is told."""

    handle_s: float = Field(default=20.0, ge=0)
    left_m: float = Field(default=2.0, gt=0)
    ahead: int = Field(default=2, ge=1)
    most_ahead: int = Field(default=60, ge=2)
    held_s: float = Field(default=10.0, ge=0)
    alerts_kept_s: float = Field(default=600.0, gt=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What a robot knows of itself: its place in map, None while unknown; its charge; whether it is on the team's mission; if
    not, whether it is at its dock or on the way there; and the narrow passage that it is in or wants."""

    position_m: tuple[float, float] | None
    charge: float
    is_patrolling: bool
    is_docking: bool = False
    wish: Wish = field(default_factory=Wish)


def own_of(state: RobotState, mission_id: str) -> Own:
    """What the robot's state says to its team."""
    pose, progress = state.map_from_base, state.progress
    on_mission = progress is not None and progress.mission_id == mission_id and progress.fraction < 1.0
    return Own(
        position_m=None if pose is None else (pose.x_m, pose.y_m),
        charge=state.charge,
        is_patrolling=on_mission and state.mode is Mode.PATROLLING,
        is_docking=state.mode in (Mode.DOCKING, Mode.DOCKED),
    )


class Mate:
    """``hear`` and ``settled`` as words and outcomes come, ``step`` a few times a second, and tell ``knowledge``."""

    def __init__(
        self,
        unit: Unit,
        means: Means,
        graph: PatrolGraph,
        stops: Sequence[RouteWaypoint],
        *,
        mission_id: str,
        laps: int = 0,
        config: MateConfig | None = None,
        right_of_way: RightOfWay | None = None,
    ) -> None:
        """``stops`` (N,) are the graph's vertices in their order; the patrol is over after ``laps`` visits to each, never when 0.
        Raises BadValue where stops and graph differ."""
        if tuple(stop.waypoint_id for stop in stops) != graph.vertex_names:
            raise BadValue("stops: are not the vertices of the graph")
        self._config = config or MateConfig()
        self._graph, self._stops, self._mission_id, self._laps = graph, tuple(stops), mission_id, laps
        self._places = {stop.waypoint_id: place for place, stop in enumerate(stops)}
        self._walker = Walker(unit=unit, top_mps=unit.speed_mps, member=Member(unit, means), at=AWAY)
        self._walker.duty = Duty.AWAY
        self._target = 0
        self._joined = False
        self._left: tuple[int, float] | None = None
        self._patrolled_s = -math.inf
        self._right_of_way = right_of_way
        self.passages: PassagesHeld | None = None

    @property
    def knowledge(self) -> Knowledge:
        """All that it knows."""
        return self._walker.member.knowledge

    @property
    def duty(self) -> Duty:
        return self._walker.duty

    @property
    def errands(self) -> tuple[str, ...]:
        """Why its round was interrupted, each time, the running one included."""
        running = [self._walker.errand] if self._walker.errand is not None else []
        return tuple(errand.because for errand in (*self._walker.errands, *running))

    def hear(self, knowledge: Knowledge) -> None:
        """Take in what another robot knows."""
        self._walker.member.hear(knowledge)

    def raise_alert(self, alert_id: str, position_m: tuple[float, float], now_s: float) -> None:
        """Somebody must look at the place nearest to ``position_m`` in map; once while one alert about it is open."""
        place = self._nearest(position_m)
        known = self.knowledge.alerts
        if alert_id in known or any(card.place == place and card.state is not AlertState.DONE for card in known.values()):
            return
        self._walker.member.told(AlertCard(alert_id=alert_id, place=place, raised_s=now_s))

    def settled(self, waypoint_id: str, outcome: OutcomeKind, now_s: float) -> None:
        """The robot has reached or missed a stop."""
        place = self._places.get(waypoint_id)
        if place is None or outcome == "pre-empted":
            return
        walker = self._walker
        walker.at = place
        if outcome == "reached":
            walker.member.saw(place, now_s)
        elif walker.duty is Duty.DISPATCHED and place == walker.goal:
            walker.refuse_alert()
            walker.resume(now_s)
        self._pass(now_s)

    def step(self, now_s: float, own: Own) -> Assignment | None:
        """Report, think, and say what is to be visited; None where the robot is to do what it does by itself."""
        walker = self._walker
        if not self._joined:
            self._joined = True
            walker.member.join(now_s)
        walker.charge = min(max(own.charge, 0.0), 1.0)
        self._leave(now_s, own)
        self._take_duty(now_s, own)
        walker.member.report(now_s, walker.duty, self._standing(now_s, own), walker.charge)
        walker.member.think(now_s)
        self._pass_narrow(now_s, own)
        self._forget(now_s)
        self._follow(now_s)
        walker.heed_alert(now_s)
        self._pass(now_s)
        return self._assignment(now_s) if own.is_patrolling else None

    def _pass_narrow(self, now_s: float, own: Own) -> None:
        """Ask for the passage that it wants, and let others have what it does not."""
        if self._right_of_way is not None:
            told, self.passages = self._right_of_way.step(self.knowledge, own.wish, now_s)
            self._walker.member.hear(told)

    def _follow(self, now_s: float) -> None:
        """Take up a plan that begins. Its first stop is where the planner took the robot to be; one that only stands near it, or
        has just left it, goes on to the next."""
        walker, before, goal = self._walker, self._walker.plan, self._walker.goal
        walker.follow(now_s)
        if walker.plan is before or walker.round is None:
            return
        left = self._left is not None and self._left[0] == walker.round.place and now_s - self._left[1] <= _JUST_LEFT_S
        if goal is None or left:
            walker.round = walker.round.visited()

    def _take_duty(self, now_s: float, own: Own) -> None:
        """Away when it is not on the team's mission, but for a short hold; back to where it broke off afterwards."""
        walker = self._walker
        if own.is_patrolling:
            self._patrolled_s = now_s
            if walker.duty in (Duty.AWAY, Duty.CHARGING):
                self._target = (self.knowledge.rounds // self._laps + 1) * self._laps if self._laps else 0
                walker.resume(now_s)
            return
        away = Duty.CHARGING if own.is_docking else Duty.AWAY
        held = now_s - self._patrolled_s <= self._config.held_s and not own.is_docking
        if not held and walker.duty is not away:
            walker.refuse_alert()
            walker.interrupt(away.value, self._near(own), away, now_s)

    def _leave(self, now_s: float, own: Own) -> None:
        walker = self._walker
        if walker.at != AWAY and own.position_m is not None and self._away_m(walker.at, own.position_m) > self._config.left_m:
            self._left = (walker.at, now_s)
            walker.at = AWAY

    def _pass(self, now_s: float) -> None:
        """Settle what is reached where the robot stands."""
        walker = self._walker
        for _ in range(self._graph.count + 2):
            if walker.at == AWAY or walker.at != walker.goal or walker.duty in (Duty.AWAY, Duty.CHARGING):
                return
            if walker.duty is Duty.DISPATCHED:
                walker.reached(now_s, 0.0)
                walker.tell_alert(AlertState.DONE)
                walker.resume(now_s)
            elif walker.back_to is not None:
                walker.back(now_s)
            elif walker.round is not None and now_s >= walker.round.begins_s:
                walker.round = walker.round.visited()
                return
            else:
                return

    def _standing(self, now_s: float, own: Own) -> Standing:
        """The place that it comes to next, and when."""
        goal = self._walker.goal
        place = goal if goal is not None else self._near(own)
        way_m = 0.0 if own.position_m is None else self._away_m(place, own.position_m)
        return Standing(at=place, ready_s=now_s + way_m / self._walker.unit.speed_mps)

    def _assignment(self, now_s: float) -> Assignment | None:
        stamp_ns, walker = nanoseconds(now_s), self._walker
        if self._target and self.knowledge.rounds >= self._target:
            because = "the team's rounds are done"
            return Assignment(stamp_ns=stamp_ns, mission_id=self._mission_id, stops=(), because=because, is_over=True)
        stops = tuple(itertools.islice(self._ahead(), self._config.most_ahead))
        if walker.plan is None or not stops:
            return None
        return Assignment(stamp_ns=stamp_ns, mission_id=self._mission_id, stops=stops, because=self._because())

    def _ahead(self) -> Iterator[RouteWaypoint]:
        """The errand, the breakpoint, then the round, each stop with the moment that its slot sets off for it; without a round it
        stays at the last of them until a plan gives it one: a mission without stops would be over."""
        walker, last = self._walker, self._walker.at
        if walker.duty is Duty.DISPATCHED and walker.errand is not None:
            last = walker.errand.place
            yield replace(self._stops[last], dwell_s=self._config.handle_s)
        if walker.back_to is not None:
            last = walker.back_to
            yield self._stops[last]
        round_ = walker.round
        if round_ is None:
            yield from self._stays(last)
            return
        if round_.place == walker.back_to:
            round_ = round_.visited()
        if round_.beat.length_m == 0.0:
            yield from self._stays(round_.place)
            return
        for _ in range(self._config.ahead * len(round_.beat.walk)):
            leaves_ns = nanoseconds(round_.leaves_s) if math.isfinite(round_.leaves_s) else 0
            yield replace(self._stops[round_.place], not_before_ns=leaves_ns)
            round_ = round_.visited()

    def _stays(self, place: int) -> Iterator[RouteWaypoint]:
        """Looking around at one place; nothing where it stands at none."""
        if place != AWAY:
            yield from itertools.repeat(replace(self._stops[place], dwell_s=_STAY_S), self._config.ahead)

    def _because(self) -> str:
        """What the robot does for its team, as a clause."""
        walker = self._walker
        if walker.duty is Duty.DISPATCHED and walker.errand is not None:
            return f"sent by the team to an alert at {self._name(walker.errand.place)}"
        if walker.back_to is not None:
            return f"back to {self._name(walker.back_to)}, where its round broke off"
        crew = self._crew()
        if crew is None or walker.plan is None:
            return "in the team's reserve"
        with_ = [unit.unit_id for unit in crew.units if unit.unit_id != walker.unit.unit_id]
        shared = f" with {', '.join(with_)}" if with_ else ""
        allocation = walker.plan.allocation
        promise = f"no stop unseen for over {allocation.guarantee_s:.0f} s, {allocation.ratio:.2f} times the least possible"
        return f"its beat in the team's plan {walker.plan.epoch + 1}{shared}: {promise}"

    def _crew(self) -> CrewPlan | None:
        plan, unit_id = self._walker.plan, self._walker.unit.unit_id
        crews = plan.allocation.crews if plan is not None else ()
        return next((crew for crew in crews if unit_id in {unit.unit_id for unit in crew.units}), None)

    def _forget(self, now_s: float) -> None:
        """Alerts that were done with long ago."""
        member, kept_s = self._walker.member, self._config.alerts_kept_s
        kept = {
            name: card
            for name, card in member.knowledge.alerts.items()
            if card.state is not AlertState.DONE or now_s - card.raised_s <= kept_s
        }
        if len(kept) < len(member.knowledge.alerts):
            member.knowledge = replace(member.knowledge, alerts=kept)

    def _name(self, place: int) -> str:
        return self._graph.vertex_names[place]

    def _near(self, own: Own) -> int:
        return 0 if own.position_m is None else self._nearest(own.position_m)

    def _nearest(self, position_m: tuple[float, float]) -> int:
        return min(range(self._graph.count), key=lambda place: self._away_m(place, position_m))

    def _away_m(self, place: int, position_m: tuple[float, float]) -> float:
        x_m, y_m = self._graph.points_m[place].tolist()
        return math.hypot(x_m - position_m[0], y_m - position_m[1])
