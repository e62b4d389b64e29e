# SPDX-License-Identifier: Apache-2.0
"""A patrol in lockstep: simulator and cores in one process, no ROS, no wall clock. The same seed gives the same bytes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from app.inputs import PatrolInputs, check_folder, read_inputs
from app.robot_stack import Mounts, RobotStack, StackConfig
from app.simulators import Sim
from evidence.accumulate import PatrolLog
from evidence.record import PatrolStart, Seen
from evidence.report import Report, make_report
from patrol.clock import nanoseconds, seconds
from patrol.estimate import PoseEstimate
from patrol.operations import Command, CommandKind, Refused, WaypointOutcome
from patrol.percepts import Alert
from patrol.sensors import Scan
from patrol.version import software
from perception.detector import Detector
from sim.simulator import ALL_SENSORS, TRUTH_FILE
from sim.twin import Twin

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
    sensors: frozenset[str] = ALL_SENSORS - {"imu", "fix"}
    map_folder: Path | None = None
    sim: Sim = Sim.EMBEDDED
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


def run_lockstep(plan: LockstepPlan, *, detector: Detector | None = None) -> LockstepResult:
    """Drive the mission in the scenario until it is done or the time is up; leave the patrol's folder with its report.

    ``detector`` takes the place of the configured one. Raises BadInput for a file that can not be used, before anything is
    written.
    """
    inputs = _inputs(plan)
    run = _Run(plan, inputs, detector)
    plan.folder.mkdir(parents=True, exist_ok=True)
    simulator = plan.sim.twin.open(plan.scenario, seed=plan.seed, sensors=plan.sensors, truth_path=plan.folder / TRUTH_FILE)
    try:
        return run.drive(simulator)
    finally:
        simulator.close()


def _inputs(plan: LockstepPlan) -> PatrolInputs:
    check_folder(plan.folder)
    plan.sim.check()
    inputs = read_inputs(plan.scenario, plan.mission)
    return inputs if plan.laps is None else replace(inputs, mission=replace(inputs.mission, laps=plan.laps))


class _Run:
    """One patrol. Made before anything is written, so that a broken map or configuration leaves nothing behind."""

    def __init__(self, plan: LockstepPlan, inputs: PatrolInputs, detector: Detector | None) -> None:
        self._plan, self._inputs = plan, inputs
        self._outcomes: list[WaypointOutcome] = []
        self._alerts: list[Alert] = []
        self._estimates: list[PoseEstimate] = []
        self._stack = RobotStack(
            inputs.site,
            (inputs.mission,),
            Mounts(base_from_lidar=inputs.robot.base_from_lidar, camera=inputs.robot.camera, thermal=inputs.robot.thermal),
            plan.config,
            start=inputs.start,
            map_folder=plan.map_folder,
            detector=detector,
            on_alert=self._on_alert,
        )

    def drive(self, simulator: Twin) -> LockstepResult:
        self._simulator = simulator
        self._log = PatrolLog.begin(self._plan.folder, _start(self._plan, self._inputs, simulator.now_ns))
        began_ns = simulator.now_ns
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
            mission_id=self._inputs.mission.mission_id,
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
            report=make_report(self._plan.folder, self._inputs.site),
        )


def _start(plan: LockstepPlan, inputs: PatrolInputs, now_ns: int) -> PatrolStart:
    version, commit = software()
    mission = inputs.mission
    return PatrolStart(
        patrol_id=plan.folder.name,
        robot_id=ROBOT,
        robot_name="Rover",
        site_id=inputs.site.site_id,
        mission_id=mission.mission_id,
        mission_name=mission.name,
        laps=mission.laps,
        waypoints_per_lap=len(mission.route.waypoints),
        started_ns=now_ns,
        version=version,
        commit=commit,
    )
