# SPDX-License-Identifier: Apache-2.0
"""A robot's body and wheels as SDF, the same for every Gazebo, from the one robot description.

A wheel collides as a sphere of its radius: it touches the ground in one point, so that the track is what the description says,
as in the embedded simulator. Casters slide without friction, on springs: four hard contacts could share the weight in any way,
and a solver that gives it to the casters leaves the wheels without grip.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from xml.etree import ElementTree as ET

import numpy as np

from patrol.checks import Floats
from patrol.geometry import Pose2
from sim.chassis import GRIP
from sim.gazebo.xml import pose_text, put, put_all, words
from sim.robot import RobotModel

BASE_LINK, TYRE = "base_link", "tyre"
SIDES = (("left", 1.0), ("right", -1.0))
CASTER_KG, MAST_KG, POST_KG = 0.3, 1.2, 0.5
_CASTER_STIFFNESS_NPM, _TYRE_STIFFNESS_NPM = 2e5, 1e6
MAST_RADIUS_M, POST_RADIUS_M = 0.05, 0.02
_PAINT, _DARK = (0.95, 0.55, 0.10, 1.0), (0.12, 0.12, 0.13, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lump:
    """One part's mass, place (3,) m in ``base_link``, and principal moments (3,) kg m² about itself."""

    mass_kg: float
    at_m: Floats
    moments: Floats


def add_robot(world: ET.Element, robot: RobotModel, name: str, map_from_base: Pose2) -> ET.Element:
    """Add the model ``name`` at its pose; returns the link ``base_link``, for sensors."""
    model = put(world, "model", name=name)
    put(model, "pose", pose_text((map_from_base.x_m, map_from_base.y_m, 0.001), (0.0, 0.0, map_from_base.yaw_rad)))
    base = put(model, "link", name=BASE_LINK)
    _add_mass(base, robot)
    _add_body(base, robot)
    for side, sign in SIDES:
        _add_wheel(model, robot, side, sign)
    return base


def model_of(world: ET.Element, name: str) -> ET.Element:
    """The model called ``name``. Raises KeyError when there is none."""
    for model in world.findall("model"):
        if model.get("name") == name:
            return model
    raise KeyError(name)


def _add_mass(base: ET.Element, robot: RobotModel) -> None:
    lumps = _lumps(robot)
    mass = sum(lump.mass_kg for lump in lumps)
    centre = sum((lump.mass_kg * lump.at_m for lump in lumps), np.zeros(3)) / mass
    inertia = np.zeros((3, 3))
    for lump in lumps:
        arm = lump.at_m - centre
        inertia += np.diag(lump.moments) + lump.mass_kg * (float(arm @ arm) * np.eye(3) - np.outer(arm, arm))
    _inertial(base, mass, centre, inertia)


def _lumps(robot: RobotModel) -> list[_Lump]:
    x, y, z = robot.body.size_m
    box = robot.body.mass_kg / 12.0 * np.array((y * y + z * z, x * x + z * z, x * x + y * y))
    top = robot.body.centre_z_m + 0.5 * z
    lumps = [_Lump(mass_kg=robot.body.mass_kg, at_m=np.array((0.0, 0.0, robot.body.centre_z_m)), moments=box)]
    for mass, radius, (px, py, pz) in (
        (MAST_KG, MAST_RADIUS_M, robot.lidar.position_m),
        (POST_KG, POST_RADIUS_M, robot.camera_part.position_m),
    ):
        across = mass / 12.0 * (3.0 * radius**2 + (pz - top) ** 2)
        moments = np.array((across, across, 0.5 * mass * radius**2))
        lumps.append(_Lump(mass_kg=mass, at_m=np.array((px, py, 0.5 * (pz + top))), moments=moments))
    radius = robot.body.caster_radius_m
    ball = np.full(3, 0.4 * CASTER_KG * radius**2)
    return [*lumps, *(_Lump(mass_kg=CASTER_KG, at_m=np.array((px, 0.0, radius)), moments=ball) for px in robot.body.casters_x_m)]


def _inertial(link: ET.Element, mass_kg: float, centre_m: Floats, inertia: Floats) -> None:
    element = put(link, "inertial")
    put(element, "pose", pose_text(centre_m))
    put(element, "mass", mass_kg)
    moments = put(element, "inertia")
    for row, first in enumerate("xyz"):
        for column in range(row, 3):
            put(moments, f"i{first}{'xyz'[column]}", float(inertia[row, column]))


def _add_body(base: ET.Element, robot: RobotModel) -> None:
    _add_shape(base, "hull", "box", {"size": robot.body.size_m}, (0.0, 0.0, robot.body.centre_z_m), _PAINT)
    top = robot.body.centre_z_m + 0.5 * robot.body.size_m[2]
    for name, radius, (x, y, z) in (
        ("mast", MAST_RADIUS_M, robot.lidar.position_m),
        ("post", POST_RADIUS_M, robot.camera_part.position_m),
    ):
        _add_shape(base, name, "cylinder", {"radius": (radius,), "length": (z - top,)}, (x, y, 0.5 * (z + top)), _DARK)
    for index, x in enumerate(robot.body.casters_x_m):
        radius = robot.body.caster_radius_m
        _add_shape(base, f"caster_{index}", "sphere", {"radius": (radius,)}, (x, 0.0, radius), _DARK, friction=0.0)


def _add_shape(
    link: ET.Element,
    name: str,
    kind: str,
    size: dict[str, tuple[float, ...]],
    at_m: tuple[float, float, float],
    rgba: tuple[float, float, float, float],
    *,
    friction: float | None = None,
) -> None:
    for tag in ("collision", "visual"):
        part = put(link, tag, name=name)
        put(part, "pose", pose_text(at_m))
        shape = put(put(part, "geometry"), kind)
        for key, values in size.items():
            put(shape, key, words(values))
        if tag == "visual":
            put_all(put(part, "material"), ambient=rgba, diffuse=rgba)
        elif friction is not None:
            add_surface(part, friction, stiffness_npm=_CASTER_STIFFNESS_NPM)


def add_surface(collision: ET.Element, friction: float, *, stiffness_npm: float | None = None) -> None:
    """Coulomb friction along both directions of contact, and a spring where the contact is not hard."""
    surface = put(collision, "surface")
    put_all(put(put(surface, "friction"), "ode"), mu=friction, mu2=friction)
    if stiffness_npm is not None:
        put_all(put(put(surface, "contact"), "ode"), kp=stiffness_npm, kd=0.01 * stiffness_npm)


def _add_wheel(model: ET.Element, robot: RobotModel, side: str, sign: float) -> None:
    drive = robot.drive
    radius, width, mass = drive.wheel_radius_m, drive.wheel_width_m, drive.wheel_mass_kg
    link = put(model, "link", name=f"{side}_wheel")
    put(link, "pose", pose_text((0.0, sign * 0.5 * drive.track_m, radius)))
    across = mass / 5.0 * (radius**2 + (0.5 * width) ** 2) + drive.armature_kgm2
    _inertial(link, mass, np.zeros(3), np.diag((across, 0.4 * mass * radius**2 + drive.armature_kgm2, across)))
    collision = put(link, "collision", name=TYRE)
    put(put(put(collision, "geometry"), "sphere"), "radius", radius)
    add_surface(collision, GRIP, stiffness_npm=_TYRE_STIFFNESS_NPM)
    visual = put(link, "visual", name=TYRE)
    put(visual, "pose", pose_text(np.zeros(3), (0.5 * math.pi, 0.0, 0.0)))
    put_all(put(put(visual, "geometry"), "cylinder"), radius=radius, length=width)
    put_all(put(visual, "material"), ambient=_DARK, diffuse=_DARK)
    joint = put(model, "joint", name=joint_name(side), type="revolute")
    put_all(joint, parent=BASE_LINK, child=f"{side}_wheel")
    axis = put(joint, "axis")
    put(axis, "xyz", (0.0, 1.0, 0.0))
    put_all(put(axis, "limit"), lower=-1e16, upper=1e16, effort=drive.torque_limit_nm)


def add_gazebo_11_drive(model: ET.Element) -> None:
    """Gazebo 11's own plugin for two wheels; it reads track and radius off the model. Limits and time-out are the bridge's."""
    plugin = put(model, "plugin", name="drive", filename="libDiffDrivePlugin.so")
    for side, _ in SIDES:
        put(plugin, f"{side}_joint", joint_name(side))


def joint_name(side: str) -> str:
    """The joint of one wheel."""
    return f"{side}_wheel_joint"
