# SPDX-License-Identifier: Apache-2.0
"""A patrol in lockstep: simulator and cores in one process, no ROS, no wall clock. The same seed gives the same bytes."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.inputs import PatrolInputs, check_folder, promised, read_inputs
from app.robot_stack import Mounts, RobotStack, StackConfig
from app.simulators import Sim
from app.tape import NoTape, Tape
from evidence.accumulate import PatrolLog
from evidence.definitions import DefinitionMissing
from evidence.record import PatrolStart, Seen
from evidence.report import Report, make_report
from evidence.sealing import Sealer, read_public
from mission.walk_file import walk_path
from patrol.clock import nanoseconds, seconds
from patrol.estimate import PoseEstimate
from patrol.inspection import InspectionReport
from patrol.operations import Command, CommandKind, Refused, WaypointOutcome
from patrol.percepts import Alert
from patrol.sensors import Image, Scan
from patrol.version import software
from perception.detector import Detector
from perception.pipeline import Percepts
from perception.rulebook.book import book_for, site_rules_path
from perception.sound.listening import Told
from sim.doors import SimulatedDoors
from sim.lifts import SimulatedLifts
from sim.simulator import ALL_SENSORS, AUDIO, TRUTH_FILE
from sim.twin import Twin

log = logging.getLogger(__name__)
STEP_NS = nanoseconds(0.05)
ROBOT = "rover"


@dataclass(frozen=True, slots=True, kw_only=True)
class LockstepPlan:
    """One run: the scenario, the mission, where its folder goes, and how long it may take (simulated seconds). Originals of
    alerted pictures are sealed to ``evidence_key``; without one they are not kept. A seal is different every
    time; everything else is the same for the same seed."""

    scenario: Path
    mission: Path
    folder: Path
    seed: int = 1
    laps: int | None = None
    limit_s: float = 3600.0
    sensors: frozenset[str] = ALL_SENSORS - {"imu"}
    hearing: bool = False
    map_folder: Path | None = None
    rules: Path | None = None
    sim: Sim = Sim.EMBEDDED
    config: StackConfig = field(default_factory=StackConfig)
    evidence_key: Path | None = None

    @property
    def listened(self) -> frozenset[str]:
        """The sensors, with the microphones if the robot is to listen."""
        return self.sensors | {AUDIO} if self.hearing else self.sensors


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
    simulator = plan.sim.twin.open(plan.scenario, seed=plan.seed, sensors=plan.listened, truth_path=plan.folder / TRUTH_FILE)
    try:
        return run.drive(simulator)
    finally:
        simulator.close()


def _inputs(plan: LockstepPlan) -> PatrolInputs:
    check_folder(plan.folder)
    plan.sim.check()
    return read_inputs(plan.scenario, plan.mission, laps=plan.laps or 0)


class _Run:
    """One patrol. Made before anything is written, so that a broken map or configuration leaves nothing behind."""

    def __init__(self, plan: LockstepPlan, inputs: PatrolInputs, detector: Detector | None) -> None:
        self._plan, self._inputs = plan, inputs
        self._outcomes: list[WaypointOutcome] = []
        self._alerts: list[Alert] = []
        self._estimates: list[PoseEstimate] = []
        self._doors, self._lifts = SimulatedDoors(inputs.site.doors), SimulatedLifts(inputs.site.lifts)
        self._sealer = None if plan.evidence_key is None else Sealer(read_public(plan.evidence_key), plan.folder)
        self._stack = RobotStack(
            inputs.site,
            inputs.duties,
            Mounts(
                base_from_lidar=inputs.robot.base_from_lidar,
                camera=inputs.robot.camera,
                thermal=inputs.robot.thermal,
                base_from_antenna=inputs.robot.base_from_gnss,
            ),
            replace(plan.config, rules=book_for(inputs.scenario.site, plan.rules, inputs.site)),
            start=inputs.start,
            map_folder=plan.map_folder,
            detector=detector,
            on_alert=self._on_alert,
            on_original=self._on_original,
            secret=hashlib.sha256(f"lockstep {plan.seed}".encode()).digest(),
            on_percepts=self._on_percepts,
            on_inspection=self._on_inspection,
            on_told=self._on_told,
        )

    def drive(self, simulator: Twin) -> LockstepResult:
        self._simulator = simulator
        self._log = PatrolLog.begin(self._plan.folder, _start(self._plan, self._inputs, simulator.now_ns))
        self._tape = _tape(self._plan, self._inputs)
        try:
            return self._drive(simulator)
        finally:
            self._tape.close()

    def _drive(self, simulator: Twin) -> LockstepResult:
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
                self._tape.add_estimate(self._stack.heard.estimate)
                self._estimates.append(self._stack.heard.estimate)
        if self._stack.heard.battery is not None:
            self._log.add_battery(self._stack.heard.battery)

    def _step(self) -> bool:
        """One turn of the loop; true when the mission is done."""
        self._listen()
        self._stack.heard.doors = {state.door_id: state for state in self._doors.states(self._simulator.now_ns)}
        self._stack.heard.lifts = {state.lift_id: state for state in self._lifts.states(self._simulator.now_ns)}
        decision, guarded = self._stack.decide(self._simulator.now_ns)
        for request in decision.doors:
            self._doors.ask(request)
        for wish in decision.lifts:
            self._lifts.ask(wish)
        self._simulator.command(guarded.twist)
        for outcome in decision.outcomes:
            self._log.add_outcome(outcome)
            self._outcomes.append(outcome)
        return decision.mission_done

    def _on_percepts(self, percepts: Percepts) -> None:
        self._tape.add_percepts(percepts)

    def _on_told(self, told: Told) -> None:
        self._tape.add_told(told)

    def _on_inspection(self, report: InspectionReport) -> None:
        self._log.add_inspection(report)

    def _on_alert(self, alert: Alert) -> None:
        self._log.add_alert(alert)
        self._tape.add_alert(alert)
        self._alerts.append(alert)

    def _on_original(self, alert_id: str, image: Image) -> None:
        if self._sealer is not None:
            self._sealer.keep(alert_id, image)

    def _finish(self, began_ns: int, because: str) -> LockstepResult:
        if self._stack.heard.grid is not None:
            grid = self._stack.heard.grid
            self._log.keep_seen(Seen(grid=grid, mask=self._stack.coverage.seen_on(grid)))
        self._stack.save_map(self._plan.folder / "map")
        now_ns = self._simulator.now_ns
        self._log.end(now_ns, because=because)
        self._tape.close()
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
    laps, stops = mission.laps_counted
    return PatrolStart(
        patrol_id=plan.folder.name,
        robot_id=ROBOT,
        robot_name="Rover",
        site_id=inputs.site.site_id,
        mission_id=mission.mission_id,
        mission_name=mission.name,
        laps=laps,
        waypoints_per_lap=stops,
        started_ns=now_ns,
        version=version,
        commit=commit,
        promise=promised(plan.mission, mission, inputs.site),
    )


def _tape(plan: LockstepPlan, inputs: PatrolInputs) -> Tape | NoTape:
    """The recording, where the messages are installed that it is made of."""
    try:
        return Tape(plan.folder, _told(plan, inputs))
    except DefinitionMissing as error:
        log.warning("nothing is recorded: %s", error)
        return NoTape()


def _told(plan: LockstepPlan, inputs: PatrolInputs) -> dict[str, str]:
    """The texts of the files that matter to who reads the recording."""
    beside = site_rules_path(inputs.scenario.site)
    rules = plan.rules or (beside if beside.is_file() else None)
    files = {"site": inputs.scenario.site, "scenario": plan.scenario, "mission": plan.mission}
    if rules is not None:
        files["rules"] = rules
    if inputs.mission.is_drawn:
        files["walk"] = walk_path(plan.mission, inputs.site)
    return {f"{kind}/{path.name}": path.read_text("utf-8") for kind, path in files.items()}
