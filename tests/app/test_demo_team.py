# SPDX-License-Identifier: Apache-2.0
"""The demonstration with several robots, before anything is started."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from app.demo import DemoPlan, check_inputs, demo_jobs
from patrol.errors import BadValue
from patrol_bringup.table import Backend
from tests.app.command import PERIMETER, QUIET, Patrol


def plan(folder: Path, robots: int, backend: Backend = Backend.SIMULATION) -> DemoPlan:
    state = folder / "state"
    return DemoPlan(
        scenario=QUIET, mission=PERIMETER, folder=folder / "run", state=state, robots=robots, page=False, backend=backend
    )


def test_one_robot_is_the_stack_as_it_always_was(tmp_path: Path) -> None:
    names = [job.name for job in demo_jobs(plan(tmp_path, 1), None)]
    assert "team" not in names
    assert not any("." in name for name in names)


def test_each_robot_has_processes_and_folders_of_its_own_and_one_world(tmp_path: Path) -> None:
    jobs = demo_jobs(plan(tmp_path, 3), None)
    count = Counter(job.name.rsplit(".", 1)[-1] for job in jobs)
    assert [count[name] for name in ("stop", "slam", "mission", "team", "recorder")] == [3] * 5
    assert [count[name] for name in ("simulator", "perception", "uplink")] == [1, 1, 0]
    assert len({job.name for job in jobs}) == len(jobs)
    assert len({job.environment["ROS_DOMAIN_ID"] for job in jobs}) == 1
    (simulator,) = [job for job in jobs if job.name == "simulator"]
    assert "robots:='rover,rover_2,rover_3'" in simulator.command
    states = {word for job in jobs for word in job.command if word.startswith("state_folder:=")}
    assert len(states) == 3
    assert all((tmp_path / "run" / name / "run.json").is_file() for name in ("rover_2", "rover_3"))


def test_a_team_that_can_not_be_is_refused_before_anything_is_started(tmp_path: Path, patrol: Patrol) -> None:
    with pytest.raises(BadValue, match="embedded simulator only"):
        check_inputs(plan(tmp_path, 2, Backend.GAZEBO))
    answer = patrol("demo", "--robots", "99", "--headless")
    assert answer.code == 2
    assert "--robots" in answer.err
