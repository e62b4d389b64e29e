# SPDX-License-Identifier: Apache-2.0
"""The cores joined in lockstep: the same seed gives the same bytes, and what is missing holds the robot still."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from app.inputs import PatrolInputs, read_inputs
from app.lockstep import LockstepPlan, LockstepResult, run_lockstep
from app.robot_stack import Mounts, RobotStack, StackConfig
from patrol.clock import nanoseconds
from patrol.geometry import IDENTITY2, STOPPED, Pose2, Twist2
from patrol.operations import Accepted, Command, CommandKind, Refused
from patrol.percepts import Box, Detection, Label
from patrol.sensors import Image, Odometry
from perception.lens_health import LensFault
from perception.pipeline import Percepts
from sim.score import read_truth, score_poses
from sim.simulator import TRUTH_FILE
from tests.app.command import FOG, PERIMETER, QUIET
from tests.evidence.examples import alert

SENSORS = frozenset({"scan", "odom", "battery", "camera"})
LIMIT_S = 3.0
STEP_NS = nanoseconds(0.05)


@dataclass
class SeesOne:
    """Finds the same person in every picture."""

    stamps_ns: list[int] = field(default_factory=list)

    def detect(self, image: Image) -> tuple[Detection, ...]:
        self.stamps_ns.append(image.stamp_ns)
        box = Box(x0_px=300.0, y0_px=200.0, x1_px=340.0, y1_px=300.0)
        seen = Detection(
            stamp_ns=image.stamp_ns, frame_id=image.frame_id, source="camera", label=Label.PERSON, score=0.9, box=box
        )
        return (seen,)


@dataclass(frozen=True)
class Drive:
    folder: Path
    result: LockstepResult
    detector: SeesOne


def drive(folder: Path, seed: int) -> Drive:
    """A few seconds of a patrol; the folder's name is part of the report, so it is the same for all."""
    detector = SeesOne()
    plan = LockstepPlan(scenario=QUIET, mission=PERIMETER, folder=folder / "patrol", seed=seed, limit_s=LIMIT_S, sensors=SENSORS)
    return Drive(plan.folder, run_lockstep(plan, detector=detector), detector)


@pytest.fixture(scope="module")
def drives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Drive, Drive, Drive]:
    """Seed 1 twice, and seed 2."""
    first, again, other = (drive(tmp_path_factory.mktemp("drive"), seed) for seed in (1, 1, 2))
    return first, again, other


def test_the_same_seed_gives_the_same_bytes(drives: tuple[Drive, Drive, Drive]) -> None:
    first, again, _ = drives
    names = sorted(str(path.relative_to(first.folder)) for path in first.folder.rglob("*") if path.is_file())
    assert {"patrol.jsonl", "report.json", "report.html", TRUTH_FILE, "map/map.yaml"} <= set(names)
    assert names == sorted(str(path.relative_to(again.folder)) for path in again.folder.rglob("*") if path.is_file())
    differ = [name for name in names if (first.folder / name).read_bytes() != (again.folder / name).read_bytes()]
    assert differ == []


def test_another_seed_gives_other_bytes(drives: tuple[Drive, Drive, Drive]) -> None:
    first, _, other = drives
    assert (first.folder / TRUTH_FILE).read_bytes() != (other.folder / TRUTH_FILE).read_bytes()
    assert first.result.estimates[-1].map_from_base != other.result.estimates[-1].map_from_base


def test_the_run_ends_at_its_limit_and_says_so(drives: tuple[Drive, Drive, Drive]) -> None:
    result, folder = drives[0].result, drives[0].folder
    assert result.because == "The mission was not done within 3 s."
    assert result.lasted_s == pytest.approx(LIMIT_S, abs=0.11)
    assert json.loads((folder / "report.json").read_text("utf-8"))["ended_because"] == result.because


def test_the_robot_set_off_and_knew_where_it_was(drives: tuple[Drive, Drive, Drive]) -> None:
    result, folder = drives[0].result, drives[0].folder
    truth = read_truth(folder / TRUTH_FILE)
    moved_m = truth.poses[0].distance_to(truth.poses[-1])
    turned_rad = abs(truth.poses[-1].yaw_rad - truth.poses[0].yaw_rad)
    assert moved_m > 0.1 or turned_rad > 0.2
    assert truth.contact_count == 0
    assert score_poses(truth, result.estimates).position_max_m < 0.10


def test_every_picture_reached_the_detector_once_and_in_order(drives: tuple[Drive, Drive, Drive]) -> None:
    stamps_ns = drives[0].detector.stamps_ns
    assert 25 <= len(stamps_ns) <= 31
    assert stamps_ns == sorted(set(stamps_ns))


@pytest.fixture(scope="module")
def inputs() -> PatrolInputs:
    return read_inputs(QUIET, PERIMETER)


def stack(inputs: PatrolInputs) -> RobotStack:
    mounts = Mounts(base_from_lidar=inputs.robot.base_from_lidar, camera=inputs.robot.camera)
    return RobotStack(inputs.site, inputs.duties, mounts, StackConfig(), start=inputs.start, detector=SeesOne())


def order(kind: CommandKind, *, mission_id: str = "perimeter") -> Command:
    return Command(command_id=kind.value, kind=kind, expires_ns=nanoseconds(60.0), issued_by="test", mission_id=mission_id)


def test_without_sensors_the_robot_stands_and_says_why(inputs: PatrolInputs) -> None:
    robot = stack(inputs)
    assert isinstance(robot.accept(order(CommandKind.START), 0), Accepted)
    decision, guarded = robot.decide(STEP_NS)
    assert guarded.twist == STOPPED
    assert decision.state.why != ""
    assert not decision.mission_done
    assert robot.estimate_at(STEP_NS) is None


def test_a_mission_that_nobody_knows_is_refused(inputs: PatrolInputs) -> None:
    answer = stack(inputs).accept(order(CommandKind.START, mission_id="moon"), 0)
    assert isinstance(answer, Refused)
    assert "moon" in answer.because


def test_odometry_alone_gives_no_pose(inputs: PatrolInputs) -> None:
    robot = stack(inputs)
    for number in range(5):
        odom_from_base = Pose2(0.1 * number, 0.0, 0.0)
        robot.hear(Odometry(stamp_ns=number * STEP_NS, odom_from_base=odom_from_base, twist=Twist2(forward_mps=1.0)))
    assert robot.heard.twist == Twist2(forward_mps=1.0)
    assert robot.heard.estimate is None
    assert IDENTITY2.distance_to(inputs.start) > 1.0, "an invented pose would be easy to mistake for the start"


def test_the_original_of_an_alert_is_handed_over_as_it_was_taken(inputs: PatrolInputs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything else gets the safe picture only; what is handed over here is for the seal. What is wrong with the lens reaches
    the supervisor in the same step."""
    raised = alert("a1b2c3d4e5f60718")
    taken = Image(stamp_ns=STEP_NS, frame_id="c", encoding="bgr8", pixels=np.full((480, 640, 3), 77, dtype=np.uint8))
    safe = replace(taken, pixels=np.zeros((480, 640, 3), dtype=np.uint8))
    percepts = Percepts(tracks=(), alerts=(raised,), safe=safe, covered_because="", lens=LensFault.FROZEN)
    monkeypatch.setattr("perception.pipeline.Perception.on_image", lambda *_: percepts)
    kept: list[tuple[str, Image]] = []
    mounts = Mounts(base_from_lidar=inputs.robot.base_from_lidar, camera=inputs.robot.camera)
    robot = RobotStack(
        inputs.site,
        inputs.duties,
        mounts,
        StackConfig(),
        start=inputs.start,
        detector=SeesOne(),
        on_original=lambda alert_id, image: kept.append((alert_id, image)),
    )
    robot.hear(taken)
    assert kept == [("a1b2c3d4e5f60718", taken)]
    decision, _ = robot.decide(STEP_NS)
    assert any("The camera can not see" in fact and "frozen" in fact for fact in decision.facts), decision.facts


def test_fog_does_not_stand_in_the_way(tmp_path: Path) -> None:
    sensors = frozenset({"scan", "odom", "fix", "battery"})
    plan = LockstepPlan(scenario=FOG, mission=PERIMETER, folder=tmp_path / "patrol", limit_s=25.0, sensors=sensors)
    result = run_lockstep(plan)
    assert result.distance_m > 15.0, "the track ahead is free: nothing but drops is before the robot"
