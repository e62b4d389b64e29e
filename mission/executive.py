# SPDX-License-Identifier: Apache-2.0
"""The executive decides, step by step, what the robot does: commands and facts move the mode, the mode moves the robot."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np
from pydantic import Field

from mission.attending.attendant import Attendant
from mission.attending.config import AttendConfig
from mission.attending.errand import News
from mission.behaviour.tree import BehaviourTree
from mission.behaviour.turn import Tools, Turn
from mission.body import Body
from mission.calendar.plan import Calendar
from mission.calendar.roster import Ruling
from mission.costmap import Costmap, CostmapConfig
from mission.desk import CommandDesk
from mission.docking import Docking, DockingConfig
from mission.doors import DoorConfig, Doorkeeper
from mission.drawn import Drawing, DrawnRoute
from mission.driver import Driver
from mission.facts.board import FactBoard, FactsConfig
from mission.facts.fact import Fact, Observed
from mission.geofence import Geofence, GeofenceConfig
from mission.inputs import Decision, ExecutiveInputs, HandControl
from mission.legs import LegConfig, LegRunner
from mission.lifts import LiftConfig, LiftRider
from mission.lookout import Lookout, View
from mission.movers import MoverConfig
from mission.navigator import Navigator, NavigatorConfig
from mission.passages import PassageConfig, PassageKeeper, passages_of
from mission.progress import progress_of
from mission.situation import Means, Situation, carry_out, happen, judged, restarted
from mission.store import MemoryStore, MissionState, Store
from mission.supervisor import Actions, Standing, SupervisorState
from mission.supervisor import step as supervise
from mission.teamwork import Teamwork
from mission.timetable import Timetable
from mission.zones import Zones
from patrol.checks import Floats
from patrol.clock import seconds
from patrol.config import Config
from patrol.geometry import STOPPED, Pose2
from patrol.operations import Command, CommandAnswer, CommandKind, Mission, Mode, Refused, RobotState
from patrol.site import Site
from patrol.zone_orders import ZoneAnswer, ZoneOrder

UNKNOWN_STD_M = 1000.0
"""Position deviation told while there is no estimate."""
UNKNOWN_CHARGE = -1.0
"""State of charge told while no battery has reported."""
_TELEOP_BEGINS_S = 3.0
_FENCE_SLACK_M = 0.5
_ATTENDING = (Mode.PATROLLING, Mode.HELD, Mode.PAUSED)


class ExecutiveConfig(Config):
    """Everything that can be set in the mission room."""

    body: Body = Body()
    costmap: CostmapConfig = CostmapConfig()
    movers: MoverConfig = MoverConfig()
    navigator: NavigatorConfig = NavigatorConfig()
    legs: LegConfig = LegConfig()
    facts: FactsConfig = FactsConfig()
    geofence: GeofenceConfig = GeofenceConfig()
    docking: DockingConfig = DockingConfig()
    doors: DoorConfig = DoorConfig()
    lifts: LiftConfig = LiftConfig()
    passages: PassageConfig = PassageConfig()
    attend: AttendConfig = AttendConfig()
    slow_mps: float = Field(default=0.5, gt=0)
    leave_mps: float = Field(default=0.4, gt=0)
    longest_step_s: float = Field(default=0.2, gt=0)


class Executive:
    """``accept`` commands and zones as they come, ``step`` 20 times a second. Everything it must not forget is in ``store``
    before an answer or an outcome leaves; a new ``Executive`` on the same store goes on where the last one stopped.

    ``drawn`` are the walks of unpredictable missions, which need a ``secret``; ``calendar`` says what begins when; ``drive_with``
    makes whatever drives to a goal (None: the room's own navigator). One that is ``in_team`` visits what its team assigns to it.
    """

    def __init__(
        self,
        config: ExecutiveConfig,
        site: Site,
        missions: Iterable[Mission],
        *,
        base_from_lidar: Pose2,
        store: Store | None = None,
        drawn: Mapping[str, DrawnRoute] | None = None,
        secret: bytes | None = None,
        calendar: Calendar | None = None,
        drive_with: Callable[[Navigator], Driver] | None = None,
        in_team: bool = False,
    ) -> None:
        self._config = config
        self._store = store if store is not None else MemoryStore()
        saved = self._store.load()
        self._saved = saved if saved is not None else MissionState()
        self._desk = CommandDesk(self._saved.answers)
        self._situation = self._saved.situation if saved is None else restarted(self._saved.situation)
        self._standing: tuple[Standing, ...] = ()
        self._geofence = Geofence(config.geofence, config.body, site)
        self._board = FactBoard(config.facts, self._geofence, site.datum)
        self._dock_pose = site.docks[0].pose if site.docks else None
        by_id = {mission.mission_id: mission for mission in missions}
        self._means = Means(missions=by_id, has_dock=bool(site.docks), out_of_reach=self._out_of_reach(by_id))
        self._drawing = Drawing(drawn or {}, secret)
        self._teamwork = Teamwork(in_team=in_team)
        self._timetable = Timetable(calendar, self._saved.roster)
        costmap = Costmap(config.costmap, site, fence_margin_m=self._geofence.planned_m)
        self._lookout = Lookout(costmap, config.movers, base_from_lidar)
        own = Navigator(config.navigator, config.body, costmap)
        self._navigator: Driver = own if drive_with is None else drive_with(own)
        self._legs = LegRunner(config.legs, self._navigator)
        self._docking = Docking(config.docking, self._navigator)
        self._attendant = Attendant(config.attend, costmap, self._navigator)
        self._zones = Zones(costmap, self._saved.zones)
        self._doors = Doorkeeper(config.doors, site.doors)
        self._passing = PassageKeeper(config.passages, passages_of(site) if in_team else ())
        self._lifts = LiftRider(config.lifts, site, self._navigator)
        self._tree = BehaviourTree(self._tools())
        self._last_ns: int | None = None
        self._hand_since_ns: int | None = None
        self._view: View | None = None
        self._dock_is_blocked = False

    @property
    def situation(self) -> Situation:
        """Mode and ledger as they are now."""
        return self._situation

    @property
    def behaviours(self) -> str:
        """The behaviour tree in text, with what each node said at the last step."""
        return self._tree.text()

    def accept(self, command: Command, now_ns: int) -> CommandAnswer:
        """Carry out ``command`` or say why not. The same id is carried out once and answered the same for ever."""

        def carried_out(command: Command) -> str:
            after = carry_out(self._situation, command, self._means, now_ns)
            if isinstance(after, str):
                return after
            if command.kind is CommandKind.START and after.ledger is not None:
                because = self._drawing.why_not(after.ledger.mission.mission_id)
                if because:
                    return because
                pose = self._view.pose if self._view is not None else None
                begun = self._drawing.begun(after.ledger, command.command_id, pose)
                after = replace(after, ledger=self._teamwork.begun(begun, now_ns))
            self._move_to(after)
            return ""

        answer = self._desk.answer(command, now_ns, carried_out)
        self._save()
        return answer

    def accept_zones(self, order: ZoneOrder, now_ns: int) -> ZoneAnswer:
        """Put run-time zones in force or say why not; in force means on disk and in the next step's map."""
        answer = self._zones.accept(order, self._view.pose if self._view is not None else None, now_ns)
        self._save()
        return answer

    def step(self, inputs: ExecutiveInputs) -> Decision:
        """Look, judge, act, remember: one turn of the loop."""
        dt_s = self._tick(inputs.now_ns)
        self._keep_timetable(inputs)
        self._follow_team(inputs)
        actions = self._judge(inputs)
        self._view = self._look(inputs, dt_s)
        self._attend(inputs, actions)
        turn, why = self._act(inputs, actions)
        self._settle(turn, inputs.now_ns)
        self._save()
        return self._decide(inputs, turn, why)

    def _tick(self, now_ns: int) -> float:
        dt_s = 0.05 if self._last_ns is None else seconds(now_ns - self._last_ns)
        self._last_ns = now_ns
        return min(max(dt_s, 0.0), self._config.longest_step_s)

    def _keep_timetable(self, inputs: ExecutiveInputs) -> None:
        """Begin what the calendar says, once each; a patrol that can not begin is told."""
        if inputs.weather is not None:
            self._timetable.hear(inputs.weather)
        busy = "" if self._situation.mode in (Mode.IDLE, Mode.DOCKED) else f"the robot is {self._situation.mode}"
        for occurrence in self._timetable.due(inputs.now_ns, busy_because=busy):
            order = Command(
                command_id=f"calendar {occurrence.key}",
                kind=CommandKind.START,
                expires_ns=occurrence.latest_ns,
                issued_by="the calendar",
                mission_id=occurrence.mission,
            )
            answer = self.accept(order, inputs.now_ns)
            if isinstance(answer, Refused):
                self._timetable.missed(Ruling(occurrence=occurrence, outcome="missed", because=answer.because), inputs.now_ns)

    def _follow_team(self, inputs: ExecutiveInputs) -> None:
        """Take up what the team assigns; the clock of a leg that stays the next one goes on."""
        before = self._situation.ledger
        after = self._teamwork.followed(before, inputs.assignment, inputs.now_ns)
        if after is None or before is None or after is before:
            return
        if after.is_done or after.waypoint.pose != before.waypoint.pose:
            self._legs.begin()
        self._situation = replace(self._situation, ledger=after)

    def _judge(self, inputs: ExecutiveInputs) -> Actions:
        """Let the supervisor move the mode as the facts ask."""
        situation = self._situation
        state = SupervisorState(
            machine=situation.machine, note=situation.note, standing=self._standing, can_dock=self._means.has_dock
        )
        person_m = self._view.around.nearest_mover_m() if self._view is not None else math.inf
        facts = (*self._board.facts(inputs, nearest_person_m=person_m), *self._own_facts(inputs))
        after, actions = supervise(state, facts, inputs.now_ns)
        self._standing = after.standing
        closes = actions.because if actions.close_mission else ""
        self._move_to(judged(situation, after.machine, after.note, closes=closes, now_ns=inputs.now_ns))
        return actions

    def _own_facts(self, inputs: ExecutiveInputs) -> Iterable[Observed]:
        """Facts about what the executive itself is doing."""
        yield from self._timetable.facts(inputs.now_ns)
        if self._dock_is_blocked:
            yield Observed(fact=Fact.DOCK_BLOCKED)
        if self._situation.mode is Mode.TELEOP and self._hand_is_silent(inputs):
            yield Observed(fact=Fact.TELEOP_SILENT)
        if self._view is not None:
            held_in = [zone.zone_id for zone in self._zones.entered(self._view.pose) if zone.when_inside == "hold"]
            if held_in:
                yield Observed(fact=Fact.INSIDE_KEEP_OUT, detail=", ".join(held_in))

    def _hand_is_silent(self, inputs: ExecutiveInputs) -> bool:
        """A hand control must begin soon after the robot was taken by hand, and then never be silent."""
        if self._hand_since_ns is None:
            self._hand_since_ns = inputs.now_ns
        hand = inputs.teleop
        if hand is None or hand.stamp_ns < self._hand_since_ns:
            return seconds(inputs.now_ns - self._hand_since_ns) > _TELEOP_BEGINS_S
        return abs(seconds(inputs.now_ns - hand.stamp_ns)) > self._config.facts.teleop_silent_s

    def _look(self, inputs: ExecutiveInputs, dt_s: float) -> View | None:
        if inputs.estimate is not None:
            self._lookout.take_floor(inputs.estimate.floor)
        self._lookout.take_grid(inputs.grid)
        if inputs.battery is not None:
            self._docking.hear(inputs.battery)
        if inputs.estimate is None:
            return None
        self._lookout.take_scan(inputs.scan, inputs.estimate)
        twist = inputs.twist or STOPPED
        return self._lookout.view(inputs.estimate, twist, inputs.tracks, now_ns=inputs.now_ns, dt_s=dt_s)

    def _attend(self, inputs: ExecutiveInputs, actions: Actions) -> None:
        """Let alerts interrupt the round, where its mission says so; a hold or a pause interrupts what is attended to as well."""
        ledger, mode = self._situation.ledger, self._situation.mode
        if mode is Mode.PATROLLING and ledger is not None:
            self._attendant.hear(inputs.alerts, ledger.mission.attends)
        if actions.finish_leg and self._attendant.is_busy:
            self._attendant.leave(inputs.now_ns, actions.because)
        if mode not in _ATTENDING and self._attendant.is_busy:
            self._attendant.leave(inputs.now_ns, f"the robot is {mode}")

    def _act(self, inputs: ExecutiveInputs, actions: Actions) -> tuple[Turn, str]:
        """Let the tree act within the mode, and keep what it wants inside the fence."""
        turn = Turn(situation=self._situation, actions=actions, view=self._view)
        turn.hand = self._hand(inputs)
        turn.dock = inputs.map_from_dock or self._dock_pose
        turn.inside = self._zones.entered(self._view.pose) if self._view is not None else ()
        turn.team = self._teamwork.because(self._situation.ledger, inputs.assignment)
        turn.news = News(tracks=inputs.tracks, beliefs=inputs.beliefs)
        turn.quiet_mps, turn.doors, turn.lifts = self._timetable.limit_mps(inputs.now_ns), inputs.doors, inputs.lifts
        turn.passages = inputs.passages
        why = self._tree.act(turn)
        if self._situation.mode not in (Mode.PATROLLING, Mode.DOCKING):
            turn.asks = self._doors.leave(self._view)
            self._lifts.leave(self._view)
        estimate = inputs.estimate
        if estimate is not None and self._view is not None and not estimate.doubt and turn.twist != STOPPED:
            turn.twist = self._geofence.bounded(turn.twist, self._view.pose, estimate.position_std_m).twist
        return turn, why

    def _hand(self, inputs: ExecutiveInputs) -> HandControl | None:
        hand, since_ns = inputs.teleop, self._hand_since_ns
        return hand if hand is not None and since_ns is not None and hand.stamp_ns >= since_ns else None

    def _settle(self, turn: Turn, now_ns: int) -> None:
        """Carry out what the behaviours made of the turn."""
        self._dock_is_blocked = turn.dock_is_blocked
        ledger = self._situation.ledger
        if turn.settled is not None and ledger is not None:
            self._legs.begin()
            settled = self._drawing.continued(ledger.settled(*turn.settled, now_ns))
            self._situation = replace(self._situation, ledger=settled)
        if turn.event is not None:
            event, because = turn.event
            self._move_to(happen(self._situation, event, because))

    def _move_to(self, after: Situation) -> None:
        if after.mode is not self._situation.mode:
            self._docking.begin()
            self._hand_since_ns = None
        if after.ledger is not self._situation.ledger:
            self._legs.begin()
        self._situation = after

    def _save(self) -> None:
        state = MissionState(
            situation=self._situation,
            answers=self._desk.answers,
            zones=self._zones.order,
            roster=self._timetable.state,
        )
        if state != self._saved:
            self._store.save(state)
            self._saved = state

    def _decide(self, inputs: ExecutiveInputs, turn: Turn, why: str) -> Decision:
        outcomes, self._situation = self._situation.taken()
        situation, estimate = self._situation, inputs.estimate
        pose = self._view.pose if self._view is not None else None
        state = RobotState(
            stamp_ns=inputs.now_ns,
            mode=situation.mode,
            why=why,
            map_from_base=pose,
            position_std_m=min(estimate.position_std_m, UNKNOWN_STD_M) if estimate is not None else UNKNOWN_STD_M,
            speed_mps=math.hypot(inputs.twist.forward_mps, inputs.twist.left_mps) if inputs.twist is not None else 0.0,
            charge=inputs.battery.charge if inputs.battery is not None else UNKNOWN_CHARGE,
            progress=progress_of(situation.ledger, pose) if situation.ledger is not None else None,
        )
        plan_m: Floats = self._navigator.path_m if turn.drives else np.zeros((0, 2))
        done = situation.ledger is not None and situation.ledger.is_done
        return Decision(
            twist=turn.twist,
            state=state,
            outcomes=outcomes,
            plan_m=plan_m,
            mission_done=done,
            facts=turn.actions.sentences,
            doors=turn.asks,
            lifts=self._lifts.taken(),
            inspection=turn.inspection or self._attendant.taken(),
        )

    def _tools(self) -> Tools:
        return Tools(
            navigator=self._navigator,
            legs=self._legs,
            docking=self._docking,
            zones=self._zones,
            doors=self._doors,
            lifts=self._lifts,
            passing=self._passing,
            attendant=self._attendant,
            has_dock=self._means.has_dock,
            slow_mps=self._config.slow_mps,
            leave_mps=self._config.leave_mps,
        )

    def _out_of_reach(self, missions: Mapping[str, Mission]) -> dict[str, str]:
        """Missions that the geofence makes impossible, each with the reason."""
        reasons = {}
        for name, mission in missions.items():
            places = {f"waypoint {stop.waypoint_id}": stop.pose for stop in mission.route.waypoints}
            if mission.docks_after and self._dock_pose is not None:
                places["the dock"] = self._dock_pose
            because = self._geofence.why_out_of_reach(places, slack_m=_FENCE_SLACK_M)
            if because:
                reasons[name] = because
        return reasons
