# SPDX-License-Identifier: Apache-2.0
"""A small yard for tests: open ground, a wall 10 m ahead of the robot, a chain-link panel to its left, and actors."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sim.casting_call import SITES
from sim.scenario import Scenario
from sim.weather import Sky

DAY = datetime(2026, 6, 16, 10, tzinfo=UTC)
NIGHT = datetime(2026, 12, 16, 23, tzinfo=UTC)
YARD = """<?xml version="1.0"?>
<sdf version="1.7"><world name="yard">
<light name="sun" type="directional"><direction>-0.4 0.3 -0.86</direction><diffuse>1 1 1 1</diffuse></light>
<model name="ground"><static>true</static><link name="l">
 <collision name="asphalt_1"><geometry><plane><normal>0 0 1</normal><size>120 120</size></plane></geometry></collision>
 <visual name="asphalt_1"><geometry><plane><normal>0 0 1</normal><size>120 120</size></plane></geometry>
  <material><ambient>0.3 0.3 0.3 1</ambient><diffuse>0.35 0.35 0.36 1</diffuse></material></visual>
</link></model>
<model name="wall"><static>true</static><pose>10.5 0 1.5 0 0 0</pose><link name="l">
 <collision name="brick_1"><geometry><box><size>1 30 3</size></box></geometry></collision>
 <visual name="brick_1"><geometry><box><size>1 30 3</size></box></geometry>
  <material><diffuse>0.6 0.3 0.25 1</diffuse></material></visual>
</link></model>
<model name="panel"><static>true</static><pose>0 5 1 0 0 0</pose><link name="l">
 <collision name="fence_1"><geometry><box><size>8 0.04 2</size></box></geometry></collision>
 <visual name="fence_1"><geometry><box><size>8 0.04 2</size></box></geometry>
  <material><diffuse>0.6 0.62 0.65 1</diffuse></material></visual>
</link></model>
</world></sdf>
"""


def write_yard(folder: Path, text: str = YARD) -> Path:
    """The yard as a world file in ``folder``."""
    path = folder / "yard.sdf"
    path.write_text(text, encoding="utf-8")
    return path


def yard_scenario(folder: Path, **changes: Any) -> Scenario:
    """A clear day in the yard, the robot at the origin looking at the wall."""
    settings: dict[str, Any] = {
        "name": "yard",
        "world": write_yard(folder),
        "site": SITES / "depot.geojson",
        "start": DAY,
        "weather": Sky.CLEAR,
        "robot": {"x_m": 0.0, "y_m": 0.0, "yaw_deg": 0.0},
    }
    return Scenario.model_validate({**settings, **changes})
