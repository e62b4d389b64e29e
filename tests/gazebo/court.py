# SPDX-License-Identifier: Apache-2.0
"""A court for comparing simulators: level ground, walls on three sides, and one warm red post whose corners are known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from patrol.checks import Floats
from patrol.geometry import Pose2, Twist2
from patrol.sensors import CameraModel
from sim.robot import RobotModel, read_robot
from sim.scenario import Scenario
from sim.sensor_suite import Measurement
from sim.truth import Truth
from sim.twin import Twin
from tests.sim.stand import yard_scenario

POST_AT_M, POST_SIZE_M = (6.0, 0.4), (0.8, 1.0, 1.6)
STEP_NS = 50_000_000
_BOX = """
<model name="{name}"><static>true</static><pose>{x} {y} {z} 0 0 0</pose><link name="link">
 <collision name="{surface}_0"><geometry><box><size>{size}</size></box></geometry></collision>
 <visual name="{surface}_0"><geometry><box><size>{size}</size></box></geometry>
  <material><ambient>{colour} 1</ambient><diffuse>{colour} 1</diffuse></material></visual>
</link></model>"""


def _box(name: str, surface: str, at_m: tuple[float, float, float], size_m: tuple[float, float, float], colour: str) -> str:
    x, y, z = at_m
    return _BOX.format(name=name, surface=surface, x=x, y=y, z=z, size=" ".join(map(str, size_m)), colour=colour)


def court() -> str:
    """The world as SDF text."""
    length, width, height = POST_SIZE_M
    post = _box("post", "roof", (*POST_AT_M, 0.5 * height), (length, width, height), "0.8 0.05 0.05")
    walls = [
        _box("wall_east", "concrete", (31.0, 0.0, 1.5), (1.0, 44.0, 3.0), "0.6 0.6 0.6"),
        _box("wall_north", "brick", (10.0, 12.0, 1.5), (40.0, 1.0, 3.0), "0.5 0.5 0.45"),
        _box("wall_south", "wood", (10.0, -14.0, 1.5), (40.0, 1.0, 3.0), "0.45 0.5 0.5"),
    ]
    return f"""<?xml version="1.0"?>
<sdf version="1.7"><world name="court">
<light name="sun" type="directional"><direction>-0.2 0.3 -0.86</direction><diffuse>0.9 0.9 0.9 1</diffuse></light>
<model name="ground"><static>true</static><link name="link">
 <collision name="grass_0"><geometry><plane><normal>0 0 1</normal><size>200 200</size></plane></geometry></collision>
 <visual name="grass_0"><geometry><plane><normal>0 0 1</normal><size>200 200</size></plane></geometry>
  <material><ambient>0.3 0.4 0.3 1</ambient><diffuse>0.3 0.4 0.3 1</diffuse></material></visual>
</link></model>{post}{"".join(walls)}
</world></sdf>
"""


def court_scenario(folder: Path, **changes: Any) -> Scenario:
    """A clear day in the court, the robot at the origin looking along x."""
    world = folder / "court.sdf"
    world.write_text(court(), "utf-8")
    return yard_scenario(folder, world=world, name="court", **changes)


def post_extent_px(camera: CameraModel, pose: Pose2) -> Floats:
    """Left, top and right edge of the post's near face in the picture of a robot at ``pose``, as the pinhole model has them."""
    (x, y), (length, width, height) = POST_AT_M, POST_SIZE_M
    face = [(x - 0.5 * length, y + side * 0.5 * width, z, 1.0) for side in (1.0, -1.0) for z in (0.0, height)]
    cos, sin = np.cos(pose.yaw_rad), np.sin(pose.yaw_rad)
    points = np.array(face)[:, :3] - (pose.x_m, pose.y_m, 0.0)
    in_base = np.column_stack((cos * points[:, 0] + sin * points[:, 1], -sin * points[:, 0] + cos * points[:, 1], points[:, 2]))
    pixels = camera.project(camera.base_from_optical.inverse().apply(in_base))
    return np.array((pixels[:, 0].min(), pixels[:, 1].min(), pixels[:, 0].max()))


def mask_extent_px(mask: Any) -> Floats:
    """Left, top and right edge of what a mask shows."""
    rows, columns = np.nonzero(mask)
    return np.array((columns.min(), rows.min(), columns.max() + 1), dtype=np.float64)


@dataclass(slots=True)
class Log:
    """What one simulator measured, by kind, and its truth after every step."""

    heard: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    truths: list[Truth] = field(default_factory=list)

    def keep(self, measurements: Iterable[Measurement]) -> None:
        for measurement in measurements:
            self.heard[type(measurement).__name__ + getattr(measurement, "encoding", "")].append(measurement)

    def stamps_s(self, kind: str) -> Floats:
        return np.array([measurement.stamp_ns for measurement in self.heard[kind]]) / 1e9


def drive(simulator: Twin, twist: Twist2, lasts_s: float) -> Log:
    """Command ``twist`` for ``lasts_s`` of simulated time."""
    log = Log()
    for _ in range(round(lasts_s * 1e9 / STEP_NS)):
        simulator.command(twist)
        log.keep(simulator.advance(STEP_NS))
        log.truths.append(simulator.truth())
    return log


def robot() -> RobotModel:
    return read_robot()
