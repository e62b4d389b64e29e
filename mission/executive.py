# SPDX-License-Identifier: Apache-2.0
"""The executive decides, step by step, what the robot does: commands and facts move the mode, the mode moves the robot."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from pydantic import Field

from mission.body import Body
from mission.costmap import Costmap, CostmapConfig
from mission.desk import CommandDesk
from mission.inputs import Decision, ExecutiveInputs
from mission.legs import LegConfig, LegRunner
from mission.lookout import Lookout, View
from mission.machine import Event
from mission.movers import MoverConfig
from mission.navigator import Goal, Navigator, NavigatorConfig
from mission.progress import progress_of
from mission.situation import Means, Situation, carry_out, happen, restarted
from mission.store import MemoryStore, MissionState, Store
from mission.supervisor import Level, Ruling, SupervisorState
from mission.supervisor import step as supervise
from mission.watch import Watch, WatchConfig
from patrol.checks import Floats
from patrol.clock import seconds
from patrol.config import Config
from patrol.geometry import STOPPED, Pose2, Twist2
from patrol.operations import Command, CommandAnswer, Mission, Mode, RobotState
from patrol.site import Site

UNKNOWN_STD_M = 1000.0
"""Position deviation told while there is no estimate."""
UNKNOWN_CHARGE = -1.0
"""State of charge told while no battery has reported."""


class ExecutiveConfig(Config):
    """Everything that can be set in the mission room."""

    body: Body = Body()
    costmap: CostmapConfig = CostmapConfig()
    movers: MoverConfig = MoverConfig()
    navigator: NavigatorConfig = NavigatorConfig()
    legs: LegConfig = LegConfig()
    watch: WatchConfig = WatchConfig()
    dock_reach_m: float = Field(default=0.35, gt=0)
    dock_gap_m: float = Field(default=1.0, gt=0)
    dock_speed_mps: float = Field(default=0.8, gt=0)
    dock_within_s: float = Field(default=600.0, gt=0)
    slow_mps: float = Field(default=0.5, gt=0)
    longest_step_s: float = Field(default=0.2, gt=0)


class Executive:
    """``accept`` commands as they come, ``step`` 20 times a second. Everything it must not forget is in ``store`` before an
    answer or an outcome leaves; a new ``Executive`` on the same store goes on where the last one stopped."""

    def __init__(
        self,
        config: ExecutiveConfig,
        site: Site,
        missions: Iterable[Mission],
        *,
        base_from_lidar: Pose2,
        store: Store | None = None,
    ) -> None:
        self._config = config
        self._means = Means(missions={mission.mission_id: mission for mission in missions}, has_dock=bool(site.docks))
        self._dock_pose = site.docks[0].pose if site.docks else None
        self._watch = Watch(config.watch, site.perimeter)
        costmap = Costmap(config.costmap, site)
        self._lookout = Lookout(costmap, config.movers, base_from_lidar)
        self._navigator = Navigator(config.navigator, config.body, costmap)
        self._legs = LegRunner(config.legs, self._navigator)
        self._supervisor = SupervisorState()
        self._dock_s = 0.0
        self._last_ns: int | None = None
        self._store = store if store is not None else MemoryStore()
        saved = self._store.load()
        self._saved = saved if saved is not None else MissionState()
        self._desk = CommandDesk(self._saved.answers)
        self._situation = self._saved.situation if saved is None else restarted(self._saved.situation)

    @property
    def situation(self) -> Situation:
        """Mode and ledger as they are now."""
        return self._situation

    def accept(self, command: Command, now_ns: int) -> CommandAnswer:
        """Carry out ``command`` or say why not. The same id is carried out once and answered the same for ever."""

        def carried_out(command: Command) -> str:
            after = carry_out(self._situation, command, self._means, now_ns)
            if isinstance(after, str):
                return after
            self._move_to(after)
            return ""

        answer = self._desk.answer(command, now_ns, carried_out)
        self._save()
        return answer

    def step(self, inputs: ExecutiveInputs) -> Decision:
        """Look, judge, act, remember: one turn of the loop."""
        dt_s = self._tick(inputs.now_ns)
        self._supervisor, ruling = supervise(self._supervisor, self._watch.facts(inputs), inputs.now_ns)
        self._govern(ruling, inputs.now_ns)
        view = self._look(inputs, dt_s)
        twist, why = self._act(view, ruling, inputs.now_ns)
        self._save()
        return self._decide(inputs, view, ruling, twist=twist, why=why)

    def _tick(self, now_ns: int) -> float:
        dt_s = 0.05 if self._last_ns is None else seconds(now_ns - self._last_ns)
        self._last_ns = now_ns
        return min(max(dt_s, 0.0), self._config.longest_step_s)

    def _govern(self, ruling: Ruling, now_ns: int) -> None:
        """Let the supervisor's ruling move the mode."""
        if ruling.level is Level.ESTOP:
            self._happen(Event.STOP_NEEDED, ruling.because, now_ns)
        elif ruling.level is Level.HOLD:
            self._happen(Event.HOLD, ruling.because, now_ns)
        else:
            self._happen(Event.RELEASE, "Going on after a hold.", now_ns)
            if ruling.level is Level.DOCK and self._means.has_dock:
                self._happen(Event.DOCK_NEEDED, ruling.because, now_ns)

    def _look(self, inputs: ExecutiveInputs, dt_s: float) -> View | None:
        self._lookout.take_grid(inputs.grid)
        if inputs.estimate is None:
            return None
        self._lookout.take_scan(inputs.scan, inputs.estimate)
        twist = inputs.twist or STOPPED
        return self._lookout.view(inputs.estimate, twist, inputs.tracks, now_ns=inputs.now_ns, dt_s=dt_s)

    def _act(self, view: View | None, ruling: Ruling, now_ns: int) -> tuple[Twist2, str]:
        """The twist wanted in this mode, and the clause that says why."""
        mode = self._situation.mode
        if view is not None and mode is Mode.PATROLLING:
            return self._patrol(view, ruling, now_ns)
        if view is not None and mode is Mode.DOCKING:
            return self._dock(view, now_ns)
        if view is not None and mode is Mode.PAUSED:
            return self._navigator.rest(view.dt_s), ""
        return self._navigator.halt(), ""

    def _patrol(self, view: View, ruling: Ruling, now_ns: int) -> tuple[Twist2, str]:
        ledger = self._situation.ledger
        if ledger is None or ledger.is_done:
            self._finish(now_ns)
            return self._navigator.rest(view.dt_s), "The last waypoint is settled"
        mission = ledger.mission
        speed_mps = min(mission.speed_mps, self._config.slow_mps) if ruling.level is Level.SLOW else mission.speed_mps
        leg = self._legs.step(ledger.waypoint, view, speed_mps=speed_mps, deadline_factor=mission.leg_deadline_factor)
        where = f"leg {ledger.leg + 1} of {ledger.legs}, lap {ledger.lap + 1} of {mission.laps}"
        if leg.settled is not None:
            self._legs.begin()
            self._situation = replace(self._situation, ledger=ledger.settled(leg.settled, leg.because, now_ns))
        return leg.twist, f"{leg.why} ({where})"

    def _finish(self, now_ns: int) -> None:
        ledger = self._situation.ledger
        goes_home = ledger is not None and ledger.mission.docks_after and self._means.has_dock
        event = Event.ROUTE_DONE if goes_home else Event.ROUTE_DONE_STAY
        self._happen(event, "The mission is done.", now_ns)

    def _dock(self, view: View, now_ns: int) -> tuple[Twist2, str]:
        if self._dock_pose is None:
            self._happen(Event.DOCK_MISSED, "The site has no dock.", now_ns)
            return self._navigator.halt(), ""
        self._dock_s += view.dt_s
        config = self._config
        near = view.pose.distance_to(self._dock_pose) <= config.dock_gap_m
        goal = Goal(name="the dock", pose=self._dock_pose, reach_m=config.dock_reach_m, speed_mps=config.dock_speed_mps)
        drive = self._navigator.drive(goal, view)
        if drive.arrival == "arrived" or (drive.arrival == "failed" and near):
            self._happen(Event.DOCK_REACHED, "At the dock.", now_ns)
        elif drive.arrival == "failed" or self._dock_s > config.dock_within_s:
            self._happen(Event.DOCK_MISSED, f"Could not get to the dock: {drive.why}.", now_ns)
        return drive.twist, f"{drive.why}; {self._situation.note}".rstrip(".")

    def _happen(self, event: Event, because: str, now_ns: int) -> None:
        self._move_to(happen(self._situation, event, because, now_ns))

    def _move_to(self, after: Situation) -> None:
        if after.mode is not self._situation.mode:
            self._dock_s = 0.0
        if after.ledger is not self._situation.ledger:
            self._legs.begin()
        self._situation = after

    def _save(self) -> None:
        state = MissionState(situation=self._situation, answers=self._desk.answers)
        if state != self._saved:
            self._store.save(state)
            self._saved = state

    def _decide(self, inputs: ExecutiveInputs, view: View | None, ruling: Ruling, *, twist: Twist2, why: str) -> Decision:
        outcomes, self._situation = self._situation.taken()
        situation, estimate = self._situation, inputs.estimate
        pose = view.pose if view is not None else None
        state = RobotState(
            stamp_ns=inputs.now_ns,
            mode=situation.mode,
            why=_sentence(situation, why),
            map_from_base=pose,
            position_std_m=min(estimate.position_std_m, UNKNOWN_STD_M) if estimate is not None else UNKNOWN_STD_M,
            speed_mps=math.hypot(inputs.twist.forward_mps, inputs.twist.left_mps) if inputs.twist is not None else 0.0,
            charge=inputs.battery.charge if inputs.battery is not None else UNKNOWN_CHARGE,
            progress=progress_of(situation.ledger, pose) if situation.ledger is not None else None,
        )
        plan_m: Floats = self._navigator.path_m if twist != STOPPED or why else np.zeros((0, 2))
        done = situation.ledger is not None and situation.ledger.is_done
        facts = ruling.sentences
        return Decision(twist=twist, state=state, outcomes=outcomes, plan_m=plan_m, mission_done=done, facts=facts)


def _sentence(situation: Situation, why: str) -> str:
    """One sentence for the operator: why the robot does what it does."""
    note = situation.note
    match situation.mode:
        case Mode.PATROLLING | Mode.DOCKING:
            return f"{why}." if why else note
        case Mode.HELD:
            return f"Held: {note}"
        case Mode.PAUSED:
            return note or "Paused."
        case Mode.ESTOPPED:
            return f"E-stop is latched: {note}"
        case Mode.DOCKED:
            return f"At the dock. {note}" if note != "At the dock." else note
        case _:
            return f"Idle. {note}".strip() if note else "Idle: waiting for a mission."
