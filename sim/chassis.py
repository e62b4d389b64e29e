# SPDX-License-Identifier: Apache-2.0
"""The robot's part of the MuJoCo model, generated from its description, and its drive."""

from __future__ import annotations

import math
from dataclasses import dataclass

import mujoco
import numpy as np

from patrol.checks import Floats
from patrol.geometry import STOPPED, Pose2, Pose3, Twist2
from sim.bodies.base import ACTOR_CONTYPE, VISIBLE_GROUP
from sim.robot import CameraPart, Drive, RobotModel
from sim.scene import WORLD_CONTYPE

ROBOT_GROUP = 5
"""Geom group of the robot itself; its own cameras do not see it."""
ROBOT = "robot"
"""Name of the first robot; see ``robot_name``."""
ROBOT_CONAFFINITY = WORLD_CONTYPE | 2
GRIP = 1.1
"""Friction of tyres on dry ground."""
_PAINT = (0.95, 0.55, 0.10, 1.0)
_DARK = (0.12, 0.12, 0.13, 1.0)


def robot_name(number: int) -> str:
    """What the model calls the robot of this number; the first is 0."""
    return ROBOT if number == 0 else f"{ROBOT}_{number}"


def robot_group(number: int) -> int:
    """Geom group of what there is to see of it. The cameras are the first robot's, so they see every other one."""
    return ROBOT_GROUP if number == 0 else VISIBLE_GROUP


def add_robot(spec: mujoco.MjSpec, robot: RobotModel, map_from_base: Pose2, *, number: int = 0) -> None:
    """Add body, wheels, casters, actuators and, to the first robot, cameras. The robot frame is ``base_link``."""
    half_yaw = 0.5 * map_from_base.yaw_rad
    name = robot_name(number)
    body = spec.worldbody.add_body(
        name=name,
        pos=np.array([map_from_base.x_m, map_from_base.y_m, 0.001]),
        quat=np.array([math.cos(half_yaw), 0.0, 0.0, math.sin(half_yaw)]),
    )
    body.add_freejoint(name=name)
    _add_chassis(body, robot, number)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        _paint(_add_wheel(spec, body, robot, f"{name}/{side}_wheel", sign), _DARK, number)
    for index, x_m in enumerate(robot.body.casters_x_m):
        radius = robot.body.caster_radius_m
        caster = body.add_geom(name=f"{name}/caster/{index}", type=mujoco.mjtGeom.mjGEOM_SPHERE, size=np.array([radius, 0, 0]))
        caster.pos, caster.mass, caster.friction, caster.condim, caster.priority = (x_m, 0, radius), 0.3, (0, 0, 0), 1, 1
        _paint(caster, _DARK, number)
    if number == 0:
        _add_camera(body, "camera", robot.camera_part)
        _add_camera(body, "thermal", robot.thermal_part)


def _add_chassis(body: mujoco.MjsBody, robot: RobotModel, number: int) -> None:
    name = robot_name(number)
    length, width, height = robot.body.size_m
    hull = body.add_geom(name=f"{name}/hull", type=mujoco.mjtGeom.mjGEOM_BOX, size=np.array([length, width, height]) / 2.0)
    hull.pos, hull.mass, hull.friction = (0, 0, robot.body.centre_z_m), robot.body.mass_kg, (0.3, 0.005, 0.0001)
    _paint(hull, _PAINT, number)
    hull.contype = ACTOR_CONTYPE if number else 0
    x, y, z = robot.lidar.position_m
    top = robot.body.centre_z_m + 0.5 * height
    mast = body.add_geom(name=f"{name}/mast", type=mujoco.mjtGeom.mjGEOM_CYLINDER, size=np.array([0.05, 0.5 * (z - top), 0]))
    mast.pos, mast.mass = (x, y, 0.5 * (z + top)), 1.2
    _paint(mast, _DARK, number)
    x, y, z = robot.camera_part.position_m
    post = body.add_geom(name=f"{name}/post", type=mujoco.mjtGeom.mjGEOM_CYLINDER, size=np.array([0.02, 0.5 * (z - top), 0]))
    post.pos, post.mass = (x, y, 0.5 * (z + top)), 0.5
    _paint(post, _DARK, number)


def _add_wheel(spec: mujoco.MjSpec, body: mujoco.MjsBody, robot: RobotModel, name: str, sign: float) -> mujoco.MjsGeom:
    """A wheel collides as an ellipsoid: it touches the ground in one point, so that the track is what the description says."""
    drive = robot.drive
    wheel = body.add_body(name=name, pos=np.array([0.0, sign * 0.5 * drive.track_m, drive.wheel_radius_m]))
    wheel.add_joint(
        name=name, type=mujoco.mjtJoint.mjJNT_HINGE, axis=np.array([0.0, 1.0, 0.0]), armature=robot.drive.armature_kgm2
    )
    size = np.array([drive.wheel_radius_m, 0.5 * drive.wheel_width_m, drive.wheel_radius_m])
    tyre = wheel.add_geom(name=f"{name}/tyre", type=mujoco.mjtGeom.mjGEOM_ELLIPSOID, size=size, mass=drive.wheel_mass_kg)
    tyre.friction, tyre.priority = (GRIP, 0.005, 0.0001), 2
    motor = spec.add_actuator(name=name, target=name, trntype=mujoco.mjtTrn.mjTRN_JOINT)
    motor.set_to_velocity(drive.velocity_gain_nms)
    motor.forcelimited = mujoco.mjtLimited.mjLIMITED_TRUE
    motor.forcerange = np.array([-drive.torque_limit_nm, drive.torque_limit_nm])
    return tyre


def _paint(geom: mujoco.MjsGeom, rgba: tuple[float, float, float, float], number: int) -> None:
    geom.rgba, geom.group, geom.contype, geom.conaffinity = rgba, robot_group(number), 0, ROBOT_CONAFFINITY


def _add_camera(body: mujoco.MjsBody, name: str, part: CameraPart) -> None:
    model = part.model()
    base_from_gl = model.base_from_optical.rotation @ np.diag([1.0, -1.0, -1.0])
    x, y, z, w = Pose3(np.zeros(3), base_from_gl).quaternion_xyzw()
    fovy_deg = math.degrees(2.0 * math.atan(0.5 * model.height_px / model.fy_px))
    body.add_camera(name=name, pos=np.array(part.position_m), quat=np.array([w, x, y, z]), fovy=fovy_deg)


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelAngles:
    left_rad: float
    right_rad: float


class SpeedRamp:
    """What a motor driver makes of commands: its limits, its accelerations, and standstill when commands cease."""

    def __init__(self, drive: Drive) -> None:
        self._drive = drive
        self._command, self._command_ns = STOPPED, -(10**18)
        self._forward_mps = self._turn_radps = 0.0

    def command(self, twist: Twist2, now_ns: int) -> None:
        """Take a new command; limits are applied when it is carried out."""
        self._command, self._command_ns = twist, now_ns

    def step(self, now_ns: int, step_s: float) -> tuple[float, float]:
        """Forward m/s and turn rad/s, one step closer to the command; one past its time counts as zero."""
        limits = self._drive
        fresh = now_ns - self._command_ns <= limits.command_timeout_s * 1e9
        wanted = self._command if fresh else STOPPED
        forward = min(max(wanted.forward_mps, -limits.forward_limit_mps), limits.forward_limit_mps)
        turn = min(max(wanted.turn_radps, -limits.turn_limit_radps), limits.turn_limit_radps)
        self._forward_mps = _towards(self._forward_mps, forward, limits.forward_acceleration_mps2 * step_s)
        self._turn_radps = _towards(self._turn_radps, turn, limits.turn_acceleration_radps2 * step_s)
        return self._forward_mps, self._turn_radps


class Chassis:
    """Drives the wheels of the compiled model towards the newest command, and reads the robot's state."""

    def __init__(self, model: mujoco.MjModel, data: mujoco.MjData, robot: RobotModel, *, number: int = 0) -> None:
        name = robot_name(number)
        self._data, self._drive, self._ramp = data, robot.drive, SpeedRamp(robot.drive)
        self._left = model.actuator(f"{name}/left_wheel").id
        self._right = model.actuator(f"{name}/right_wheel").id
        self._left_q = int(model.joint(f"{name}/left_wheel").qposadr[0])
        self._right_q = int(model.joint(f"{name}/right_wheel").qposadr[0])
        free = model.joint(name)
        self._q, self._v = int(free.qposadr[0]), int(free.dofadr[0])
        self._tyres = [model.geom(f"{name}/{side}_wheel/tyre").id for side in ("left", "right")]
        self._model = model

    def command(self, twist: Twist2, now_ns: int) -> None:
        """Take a new command; limits of the drive are applied when it is carried out."""
        self._ramp.command(twist, now_ns)

    def drive(self, now_ns: int, step_s: float) -> None:
        """Move the wheel speeds one step towards the command; a command past its time counts as zero."""
        forward, turn = self._ramp.step(now_ns, step_s)
        sideways = 0.5 * self._drive.track_m * turn
        self._data.ctrl[self._left] = (forward - sideways) / self._drive.wheel_radius_m
        self._data.ctrl[self._right] = (forward + sideways) / self._drive.wheel_radius_m

    def set_grip(self, grip: float) -> None:
        """Set the tyres' friction; ``GRIP`` on dry ground."""
        self._model.geom_friction[self._tyres, 0] = grip

    def wheel_angles(self) -> WheelAngles:
        return WheelAngles(left_rad=float(self._data.qpos[self._left_q]), right_rad=float(self._data.qpos[self._right_q]))

    def map_from_base(self) -> Pose3:
        """True pose of ``base_link`` in the world."""
        q = self._data.qpos[self._q : self._q + 7]
        return Pose3.from_quaternion(q[:3], (q[4], q[5], q[6], q[3]))

    def planar_state(self) -> Floats:
        """True (x m, y m, z m, roll, pitch, yaw rad) of ``base_link``; cheap, for the lidar's motion."""
        q = self._data.qpos[self._q : self._q + 7]
        w, x, y, z = (float(value) for value in q[3:])
        roll = math.atan2(2.0 * (w * x + y * z), 1.0 - 2.0 * (x * x + y * y))
        pitch = math.asin(min(max(2.0 * (w * y - z * x), -1.0), 1.0))
        yaw = math.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))
        return np.array([q[0], q[1], q[2], roll, pitch, yaw])

    def rotation(self) -> Floats:
        """True rotation (3, 3) that takes ``base_link`` to the world."""
        matrix = np.empty(9)
        mujoco.mju_quat2Mat(matrix, self._data.qpos[self._q + 3 : self._q + 7])
        return matrix.reshape(3, 3)

    def velocity_in_map(self) -> Floats:
        """True linear velocity (3,) m/s of ``base_link`` in the world frame."""
        velocity: Floats = self._data.qvel[self._v : self._v + 3].copy()
        return velocity

    def speed_mps(self) -> float:
        """True speed over the ground."""
        return math.hypot(self._data.qvel[self._v], self._data.qvel[self._v + 1])

    def rates_in_base(self) -> Floats:
        """True angular velocity (3,) rad/s in ``base_link``."""
        rates: Floats = self._data.qvel[self._v + 3 : self._v + 6].copy()
        return rates


def _towards(value: float, wanted: float, step: float) -> float:
    return min(max(wanted, value - step), value + step)
