# SPDX-License-Identifier: Apache-2.0
"""A patrol with mapping, perception and mission in both simulators: done as soon, the intruder noticed, nothing touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from app.lockstep import LockstepPlan, LockstepResult, run_lockstep
from app.paths import SCENARIOS
from app.simulators import Sim
from sim.gazebo.installation import Installation
from sim.score import TruthTrack, read_truth, score_poses
from sim.simulator import TRUTH_FILE

pytestmark = [pytest.mark.gazebo, pytest.mark.timeout(1800)]
# The corner of the depot's round where the intruder is met, without the way there. benchmarks/depot_lap.py --beside-gazebo drives
# the whole round in both simulators.
START = {"x_m": 51.0, "y_m": 14.0, "yaw_deg": 90.0}
MISSION = {"name": "North-east corner", "route": ["wp_north_east_corner", "wp_behind_the_office"], "laps": 1, "then": "stay"}
SENSORS = frozenset({"scan", "points", "odom", "battery", "camera"})


def scenario(folder: Path) -> Path:
    """The depot's intruder, who comes at once, and a robot that is nearly there."""
    source = SCENARIOS / "depot_intruder.yaml"
    told: dict[str, Any] = yaml.safe_load(source.read_text("utf-8"))
    told |= {"robot": START} | {key: str((source.parent / told[key]).resolve()) for key in ("world", "site")}
    for actor in told["actors"]:
        if actor["kind"] == "intruder":
            actor["start"] = {"after_s": 2.0}
    path = folder / "corner.yaml"
    path.write_text(yaml.safe_dump(told), "utf-8")
    return path


def patrolled(sim: Sim, folder: Path) -> tuple[LockstepResult, TruthTrack]:
    mission = folder / "mission.yaml"
    mission.write_text(yaml.safe_dump(MISSION), "utf-8")
    plan = LockstepPlan(
        scenario=scenario(folder), mission=mission, folder=folder / sim.value, limit_s=240.0, sensors=SENSORS, sim=sim
    )
    return run_lockstep(plan), read_truth(plan.folder / TRUTH_FILE)


def test_the_same_patrol_ends_alike_in_both_simulators(tmp_path: Path, gazebo: Installation) -> None:
    assert gazebo.descriptors.is_file()
    runs = {sim: patrolled(sim, tmp_path) for sim in Sim}
    for sim, (result, truth) in runs.items():
        assert result.because == "", sim
        assert [outcome.outcome for outcome in result.outcomes] == ["reached", "reached"], sim
        assert truth.contact_count == 0, sim
        rules = {alert.reason.rule for alert in result.alerts}
        assert "person in restricted zone" in rules, f"{sim}: the intruder was not noticed"
        assert score_poses(truth, result.estimates).position_median_m < 0.15, sim
    embedded, theirs = (runs[sim][0] for sim in (Sim.EMBEDDED, Sim.GAZEBO))
    assert theirs.lasted_s == pytest.approx(embedded.lasted_s, rel=0.1)
    assert theirs.distance_m == pytest.approx(embedded.distance_m, rel=0.1)
