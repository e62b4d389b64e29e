# SPDX-License-Identifier: Apache-2.0
"""All sensors of one robot on their own clocks."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from patrol.checks import Floats
from patrol.clock import NS_PER_S
from patrol.geometry import Pose2
from patrol.sensors import Battery, Fix, Image, Imu, Odometry, PointCloud, Scan
from patrol.sound import SoundBlock
from sim.exposure import Exposure
from sim.eye import HEIGHT_PX, WIDTH_PX, Eye, View
from sim.faults import Faults
from sim.lidar import SpinningLidar
from sim.proprioception import BatterySensor, GnssSensor, ImuSensor, WheelOdometry
from sim.robot import CameraPart
from sim.sound.microphones import Microphones
from sim.stage import TICK_NS, Stage
from sim.thermal import ThermalCamera
from sim.truth import Sight, sights

Measurement = Scan | PointCloud | Image | Imu | Odometry | Fix | Battery | SoundBlock
ALL_SENSORS = frozenset({"points", "scan", "camera", "thermal", "imu", "odom", "fix", "battery"})
"""What is measured unless somebody asks for less. Microphones are listened to only where somebody asks for them."""
AUDIO = "audio"
_SIGHT_SCALE = 2
_FINE_SCALE = 4
"""How many times as fine as its pixels the thermal camera's view is drawn while something flies, smaller than a pixel."""


class Metronome:
    """Says when a sensor is due: at the first tick at or after every multiple of its period."""

    def __init__(self, start_ns: int, rate_hz: float) -> None:
        self._start_ns, self._rate_hz, self._count = start_ns, rate_hz, 1

    def is_due(self, now_ns: int) -> bool:
        if now_ns - self._start_ns < self._count * NS_PER_S / self._rate_hz:
            return False
        self._count += 1
        return True


class SensorSuite:
    """The sensors that were asked for; the others are not built and cost nothing. They are those of the first robot, or of the
    one of another ``number``, which has no cameras and which the scenario's faults spare."""

    def __init__(self, stage: Stage, sensors: frozenset[str], *, seed: int, number: int = 0) -> None:
        self._stage, self._sensors, self._number = stage, sensors, number
        self._chassis = stage.fleet[number]
        self._faults = stage.faults if number == 0 else Faults(())
        start_ns, robot = stage.scenario.start_ns, stage.robot
        rngs = {
            name: np.random.default_rng([seed, index, *([number] if number else [])])
            for index, name in enumerate(sorted(ALL_SENSORS))
        }
        self._imu = ImuSensor(robot, self._chassis, rngs["imu"])
        self._odometry = WheelOdometry(robot, self._chassis, rngs["odom"])
        self._gnss = GnssSensor(robot, stage.frame, rngs["fix"])
        self._battery = BatterySensor(robot, rngs["battery"], stage.scenario.charge)
        self._trail: deque[Floats] = deque(
            [self._chassis.planar_state()], maxlen=round(NS_PER_S / robot.lidar.rate_hz / TICK_NS) + 1
        )
        wants_lidar = bool(sensors & {"points", "scan"})
        self._lidar = SpinningLidar(robot.lidar, stage.world, rngs["points"]) if wants_lidar else None
        self._eye: Eye | None = None
        if sensors & {"camera", "thermal"}:
            self._eye = Eye(stage.model)
            self._exposure = Exposure(robot.camera, stage.weather, rngs["camera"])
            self._thermal = ThermalCamera(stage.model, stage.cast.actors, stage.weather, rngs["thermal"])
        self._microphones = Microphones(stage, seed=seed) if AUDIO in sensors else None
        self._owner_of_geom = self._owners()
        self._rows: list[tuple[Metronome, Callable[[int, float], list[Measurement]]]] = [
            (Metronome(start_ns, rate), measure)
            for name, rate, measure in (
                ("lidar", robot.lidar.rate_hz, self._measure_lidar),
                ("imu", robot.imu.rate_hz, self._measure_imu),
                ("odom", robot.odometry.rate_hz, self._measure_odometry),
                ("fix", robot.gnss.rate_hz, self._measure_gnss),
                ("battery", robot.battery.rate_hz, self._measure_battery),
                ("camera", robot.camera_part.rate_hz, self._measure_camera),
                ("thermal", robot.thermal_part.rate_hz, self._measure_thermal),
                (AUDIO, robot.microphones.rate_hz, self._measure_sound),
            )
            if name in sensors or (name == "lidar" and wants_lidar)
        ]

    def _owners(self) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        model = self._stage.model
        index = {actor.spec.name: number for number, actor in enumerate(self._stage.cast.actors)}
        return np.array([index.get(model.geom(geom).name.split("/")[0], -1) for geom in range(model.ngeom)], dtype=np.int32)

    def measure(self, now_ns: int, now_s: float) -> list[Measurement]:
        """Whatever is due at this tick."""
        state = self._chassis.planar_state()
        state[5] = self._trail[-1][5] + math.remainder(state[5] - self._trail[-1][5], 2.0 * math.pi)
        self._trail.append(state)
        self._battery.draw(self._chassis.speed_mps(), TICK_NS / NS_PER_S, docked=self._stage.is_docked(state))
        measured: list[Measurement] = []
        for metronome, measure in self._rows:
            if metronome.is_due(now_ns):
                measured.extend(measure(now_ns, now_s))
        return measured

    def _measure_imu(self, now_ns: int, now_s: float) -> list[Measurement]:
        faults = self._faults
        measurement = self._imu.measure(now_ns, noise_gain=faults.noise_gain("imu", now_s))
        return [] if faults.is_silent("imu", now_s) else [measurement]

    def _measure_odometry(self, now_ns: int, now_s: float) -> list[Measurement]:
        faults = self._faults
        measurement = self._odometry.measure(now_ns, noise_gain=faults.noise_gain("odom", now_s))
        return [] if faults.is_silent("odom", now_s) else [measurement]

    def _measure_gnss(self, now_ns: int, now_s: float) -> list[Measurement]:
        faults = self._faults
        pose = self._chassis.map_from_base()
        measurement = self._gnss.measure(now_ns, pose, noise_gain=faults.noise_gain("fix", now_s))
        return [] if faults.is_silent("fix", now_s) else [measurement]

    def _measure_battery(self, now_ns: int, now_s: float) -> list[Measurement]:
        measurement = self._battery.measure(now_ns)
        return [] if self._faults.is_silent("battery", now_s) else [measurement]

    def _measure_lidar(self, now_ns: int, now_s: float) -> list[Measurement]:
        stage, faults = self._stage, self._faults
        wanted = [name for name in ("points", "scan") if name in self._sensors and not faults.is_silent(name, now_s)]
        lidar = self._lidar
        if lidar is None or not wanted:
            return []
        stage.settle(within_m=stage.robot.lidar.range_m[1], now_s=now_s, number=self._number)
        starts_ns = now_ns - round(NS_PER_S / stage.robot.lidar.rate_hz)
        gain = max(faults.noise_gain(name, now_s) for name in wanted)
        trail = np.array(self._trail)
        targets = (*stage.cast.targets(trail[-1, :2], stage.robot.lidar.range_m[1]), *stage.mates(self._number))
        revolution = lidar.revolve(trail, starts_ns, targets, stage.weather, noise_gain=gain)
        return [lidar.cloud(revolution) if name == "points" else lidar.scan(revolution) for name in wanted]

    def _measure_camera(self, now_ns: int, now_s: float) -> list[Measurement]:
        stage, faults, part = self._stage, self._faults, self._stage.robot.camera_part
        if self._eye is None or faults.is_silent("camera", now_s):
            return []
        stage.settle(within_m=math.inf, now_s=now_s)
        rgb, depth = self._eye.colour(stage.data, view_of("camera", part), with_depth=self._exposure.needs_depth)
        pixels = self._exposure.develop(rgb, depth, noise_gain=faults.noise_gain("camera", now_s))
        pixels = faults.spoil("camera", now_s, pixels)
        pixels.setflags(write=False)
        return [Image(stamp_ns=now_ns, frame_id=part.frame_id, encoding="bgr8", pixels=pixels)]

    def _measure_thermal(self, now_ns: int, now_s: float) -> list[Measurement]:
        stage, faults, part = self._stage, self._faults, self._stage.robot.thermal_part
        if self._eye is None or faults.is_silent("thermal", now_s):
            return []
        stage.settle(within_m=math.inf, now_s=now_s)
        view = view_of("thermal", part, fence=False)
        finest = min(_FINE_SCALE, WIDTH_PX // view.width_px, HEIGHT_PX // view.height_px)
        scale = finest if any(actor.flies for actor in stage.cast.actors) else 1
        fine = replace(view, width_px=scale * view.width_px, height_px=scale * view.height_px)
        geoms, depth = self._eye.geoms(stage.data, fine)
        rgb, _ = self._eye.colour(stage.data, view)
        shade = rgb[..., 1].astype(np.float32) * np.float32(1.0 / 255.0)
        pixels = self._thermal.develop(geoms, depth, shade, noise_gain=faults.noise_gain("thermal", now_s))
        pixels = faults.spoil("thermal", now_s, pixels)
        pixels.setflags(write=False)
        return [Image(stamp_ns=now_ns, frame_id=part.frame_id, encoding="mono16", pixels=pixels)]

    def _measure_sound(self, now_ns: int, now_s: float) -> list[Measurement]:
        if self._microphones is None:
            return []
        block = self._microphones.measure(now_ns, now_s, noise_gain=self._faults.noise_gain(AUDIO, now_s))
        return [] if self._faults.is_silent(AUDIO, now_s) else [block]

    def sights(self) -> dict[str, Sight]:
        """How the colour camera sees each actor now; drawn for the purpose, at half resolution, unless all are behind it. Empty
        without a camera."""
        stage, part = self._stage, self._stage.robot.camera_part
        if self._eye is None or "camera" not in self._sensors or not self._is_anybody_ahead():
            return {}
        stage.settle(within_m=math.inf)
        view = View(
            camera="camera", width_px=part.width_px // _SIGHT_SCALE, height_px=part.height_px // _SIGHT_SCALE, fence=False
        )
        geoms, _ = self._eye.geoms(stage.data, view)
        return sights(geoms, self._owner_of_geom, [actor.spec.name for actor in stage.cast.actors], float(_SIGHT_SCALE))

    def _is_anybody_ahead(self) -> bool:
        """Whether any actor can be in the colour picture."""
        base_from_map = self._stage.chassis.map_from_base().to_pose2().inverse()
        half_rad = math.radians(0.5 * self._stage.robot.camera_part.hfov_deg)
        present = [actor for actor in self._stage.cast.actors if actor.state.visible]
        return any(_is_in_fan(base_from_map @ actor.state.pose, actor.body.radius_m + 1.0, half_rad) for actor in present)

    def close(self) -> None:
        """Give back the renderer."""
        if self._eye is not None:
            self._eye.close()
            self._eye = None


def view_of(camera: str, part: CameraPart, *, fence: bool = True) -> View:
    """The whole picture of one camera of the robot."""
    return View(camera=camera, width_px=part.width_px, height_px=part.height_px, fence=fence)


def _is_in_fan(base_from_actor: Pose2, radius_m: float, half_rad: float) -> bool:
    """Whether a cylinder of ``radius_m`` reaches into the fan of ``half_rad`` to either side of straight ahead."""
    distance_m = math.hypot(base_from_actor.x_m, base_from_actor.y_m)
    if distance_m <= radius_m:
        return True
    bearing_rad = abs(math.atan2(base_from_actor.y_m, base_from_actor.x_m))
    return bearing_rad <= half_rad + math.asin(radius_m / distance_m)
