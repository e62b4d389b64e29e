# SPDX-License-Identifier: Apache-2.0
"""What comes over the fence through the air of the simulator raises the alert that is meant for it, and birds raise none."""

from __future__ import annotations

import pytest

from benchmarks import flying
from benchmarks.scenario_cast import STARTS
from patrol.geometry import STOPPED
from sim.casting_call import SITES, WORLDS
from sim.robot import ROVER, read_robot
from sim.scenario import ActorSpec, Scenario, StartPose, Stop, Trigger
from tests.perception.test_benchmarks import figures


def test_scenes_are_drawn_watched_and_judged(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    told = figures(flying.main, monkeypatch, capsys, "--runs", "1", "--seconds", "1")
    assert told["hours"] == pytest.approx(1.0 / 3600.0, abs=0.001)
    assert told["false_alarms"] == 0
    assert told["false_per_hour_high"] > 1000.0, "a second proves nothing"


def test_a_parcel_over_the_fence_is_told_while_it_flies_and_where_it_came_from() -> None:
    hand, ground = Stop(x_m=41.1, y_m=-44.1, height_m=1.6), Stop(x_m=31.9, y_m=-33.1, speed_mps=8.4)
    thrown = ActorSpec(name="thrown_0", kind="thrown", appearance_seed=3, route=(hand, ground), start=Trigger(after_s=1.0))
    scenario = Scenario(
        name="parcel",
        world=WORLDS / "depot.sdf",
        site=SITES / "depot.geojson",
        start=STARTS["day"],
        robot=StartPose(x_m=20.0, y_m=-35.0, yaw_deg=0.0),
        actors=(thrown,),
    )
    onlooker = flying.Onlooker(scenario, read_robot(ROVER), 3)
    while onlooker.lasted_s < 3.5:
        onlooker.step(STOPPED)
    onlooker.close()
    told = onlooker.outcome("thrown", 3, night=False)
    assert told.late_s is not None
    assert told.late_s < 3.0
    assert told.off_m is not None
    assert told.off_m < 2.0
    assert told.false_alarms == ()
