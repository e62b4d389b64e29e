# SPDX-License-Identifier: Apache-2.0
"""A patrol in lockstep: simulator and cores in one process, no ROS, no wall clock. The same seed gives the same bytes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from app.robot_stack import Mounts, RobotStack, StackConfig
from evidence.accumulate import PatrolLog
from evidence.record import PatrolStart, Seen
from evidence.report import Report, make_report
from mission.mission_file import read_mission
from patrol.clock import nanoseconds, seconds
from patrol.errors import BadInput, Fault
from patrol.estimate import PoseEstimate
from patrol.geometry import Pose2
from patrol.operations import Command, CommandKind, Mission, Refused, WaypointOutcome
from patrol.percepts import Alert
from patrol.sensors import Scan
from patrol.site import Site
from patrol.site_file import read_site
from patrol.version import software
from sim.scenario import read_scenario
from sim.simulator import ALL_SENSORS, Simulator

STEP_NS = nanoseconds(0.05)
ROBOT = "rover"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockstepPlan:
    """One run: the scenario, the mission, where its folder goes, and how long it may take (simulated seconds)."""

    scenario: Path
    mission: Path
    folder: Path
    seed: int = 1
    laps: int | None = None
    limit_s: float = 3600.0
    sensors: frozenset[str] = ALL_SENSORS - {"thermal", "imu", "fix"}
    map_folder: Path | None = None
    with_truth: bool = False
    config: StackConfig = field(default_factory=StackConfig)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockstepResult:
    """What became of a run; ``estimates`` holds one pose per scan; ``because`` is empty when the mission was finished."""

    outcomes: tuple[WaypointOutcome, ...]
    alerts: tuple[Alert, ...]
    estimates: tuple[PoseEstimate, ...]
    distance_m: float
    lasted_s: float
    because: str
    report: Report


def run_lockstep(plan: LockstepPlan) -> LockstepResult:
    """Drive the mission in the scenario until it is done or the time is up; leave the patrol's folder with its report.

    Raises BadInput for a file that can not be used, before anything is written.
    """
    site, mission = _inputs(plan)
    truth = plan.folder / "truth.jsonl" if plan.with_truth else None
    if truth is not None:
        plan.folder.mkdir(parents=True, exist_ok=True)
    simulator = Simulator.open(plan.scenario, seed=plan.seed, sensors=plan.sensors, truth_path=truth)
    try:
        return _Run(plan, site, mission, simulator).drive()
    finally:
        simulator.close()


def _inputs(plan: LockstepPlan) -> tuple[Site, Mission]:
    scenario = read_scenario(plan.scenario)
    site = read_site(scenario.site)
    if not site.docks:
        raise BadInput(scenario.site, [Fault(field="features", value="no dock", because="a patrol starts at a dock")])
    mission = read_mission(plan.mission, site)
    return site, mission if plan.laps is None else replace(mission, laps=plan.laps)


class _Run:
    def __init__(self, plan: LockstepPlan, site: Site, mission: Mission, simulator: Simulator) -> None:
        self._plan, self._site, self._mission, self._simulator = plan, site, mission, simulator
        self._log = PatrolLog.begin(plan.folder, _start(plan, site, mission, simulator.now_ns))
        self._outcomes: list[WaypointOutcome] = []
        self._alerts: list[Alert] = []
        self._estimates: list[PoseEstimate] = []
        self._stack = RobotStack(
            site,
            (mission,),
            Mounts(base_from_lidar=simulator.robot.base_from_lidar, camera=simulator.robot.camera),
            plan.config,
            start=_start_pose(site),
            map_folder=plan.map_folder,
            on_alert=self._on_alert,
        )

    def drive(self) -> LockstepResult:
        began_ns = self._simulator.now_ns
        self._listen()
        because = self._begin()
        while not because and not self._step():
            if seconds(self._simulator.now_ns - began_ns) > self._plan.limit_s:
                because = f"The mission was not done within {self._plan.limit_s:g} s."
        return self._finish(began_ns, because)

    def _begin(self) -> str:
        """Order the start; returns why it was refused, or nothing."""
        now_ns = self._simulator.now_ns
        command = Command(
            command_id="lockstep-start",
            kind=CommandKind.START,
            expires_ns=now_ns + nanoseconds(5.0),
            issued_by="lockstep",
            mission_id=self._mission.mission_id,
        )
        answer = self._stack.accept(command, now_ns)
        return answer.because if isinstance(answer, Refused) else ""

    def _listen(self) -> None:
        for measurement in self._simulator.advance(STEP_NS):
            self._stack.hear(measurement)
            if isinstance(measurement, Scan) and self._stack.heard.estimate is not None:
                self._log.add_estimate(self._stack.heard.estimate)
                self._estimates.append(self._stack.heard.estimate)
        if self._stack.heard.battery is not None:
            self._log.add_battery(self._stack.heard.battery)

    def _step(self) -> bool:
        """One turn of the loop; true when the mission is done."""
        self._listen()
        decision, guarded = self._stack.decide(self._simulator.now_ns)
        self._simulator.command(guarded.twist)
        for outcome in decision.outcomes:
            self._log.add_outcome(outcome)
            self._outcomes.append(outcome)
        return decision.mission_done

    def _on_alert(self, alert: Alert) -> None:
        self._log.add_alert(alert)
        self._alerts.append(alert)

    def _finish(self, began_ns: int, because: str) -> LockstepResult:
        if self._stack.heard.grid is not None:
            grid = self._stack.heard.grid
            self._log.keep_seen(Seen(grid=grid, mask=self._stack.coverage.seen_on(grid)))
        self._stack.save_map(self._plan.folder / "map")
        now_ns = self._simulator.now_ns
        self._log.end(now_ns, because=because)
        return LockstepResult(
            outcomes=tuple(self._outcomes),
            alerts=tuple(self._alerts),
            estimates=tuple(self._estimates),
            distance_m=self._log.distance_m,
            lasted_s=seconds(now_ns - began_ns),
            because=because,
            report=make_report(self._plan.folder, self._site),
        )


def _start_pose(site: Site) -> Pose2:
    return site.docks[0].pose


def _start(plan: LockstepPlan, site: Site, mission: Mission, now_ns: int) -> PatrolStart:
    version, commit = software()
    return PatrolStart(
        patrol_id=plan.folder.name,
        robot_id=ROBOT,
        robot_name="Rover",
        site_id=site.site_id,
        mission_id=mission.mission_id,
        mission_name=mission.name,
        laps=mission.laps,
        waypoints_per_lap=len(mission.route.waypoints),
        started_ns=now_ns,
        version=version,
        commit=commit,
    )
