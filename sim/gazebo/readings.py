# SPDX-License-Identifier: Apache-2.0
"""Gazebo's messages as the measurements of the embedded simulator, with the same noise, drop-outs, weather and faults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from patrol.checks import Bytes, Floats32
from patrol.errors import BadValue
from patrol.local_frame import LocalFrame
from patrol.sensors import Fix, Image, Imu
from sim.exposure import Exposure
from sim.faults import Faults
from sim.gazebo.retro import fan_of, kelvin_of, reflectivity_of
from sim.lidar import SpinningLidar
from sim.proprioception import GnssSensor
from sim.robot import RobotModel
from sim.sdf import World
from sim.sensor_suite import ALL_SENSORS, Measurement
from sim.thermal import Microbolometer, sky_kelvin, through_air
from sim.weather import Weather

_RGB_INT8 = 3
Depths = Callable[[int], Floats32]
"""Depth (H, W) m, row 0 on top, of the colour picture that was taken at a stamp, ns."""


class Readings:
    """Turns what one robot's sensors in Gazebo say into measurements; ``now_s`` counts from the scenario's start."""

    def __init__(
        self, robot: RobotModel, world: World, frame: LocalFrame, weather: Weather, faults: Faults, *, seed: int, depths: Depths
    ) -> None:
        """``depths`` is asked for the depth of the picture of a stamp, where weather or darkness lie over it."""
        rngs = {name: np.random.default_rng([seed, index]) for index, name in enumerate(sorted(ALL_SENSORS))}
        self._robot, self._frame, self._weather, self._faults, self._depths = robot, frame, weather, faults, depths
        self._lidar = SpinningLidar(robot.lidar, world, rngs["points"])
        self._exposure = Exposure(robot.camera, weather, rngs["camera"])
        self._bolometer = Microbolometer(rngs["thermal"])
        self._fan = fan_of(robot.thermal_part)
        self._imu_rng = rngs["imu"]
        self._gnss = GnssSensor(robot, frame, rngs["fix"])

    def read(self, sensor: str, message: Any, stamp_ns: int, now_s: float, wanted: frozenset[str]) -> list[Measurement]:
        """The measurements that one message holds; none of a sensor that is silent."""
        if sensor == "lidar":
            return self._lidar_measurements(message, stamp_ns, now_s, wanted)
        name = {"gps": "fix"}.get(sensor, sensor)
        if self._faults.is_silent(name, now_s):
            return []
        readers: dict[str, Callable[[Any, int, float], Measurement]] = {
            "camera": self._picture,
            "thermal": self._thermal_picture,
            "imu": self._imu,
            "gps": self._fix,
        }
        return [readers[sensor](message, stamp_ns, now_s)]

    def _lidar_measurements(self, message: Any, stamp_ns: int, now_s: float, wanted: frozenset[str]) -> list[Measurement]:
        asked = [name for name in ("points", "scan") if name in wanted and not self._faults.is_silent(name, now_s)]
        if not asked:
            return []
        ranges, retros = rays_of(message.scan)
        revolution = self._lidar.spoiled(
            ranges.T.ravel(),
            reflectivity_of(retros.T.ravel()),
            stamp_ns,
            self._weather,
            noise_gain=max(self._faults.noise_gain(name, now_s) for name in asked),
            period_s=0.0,
        )
        return [self._lidar.cloud(revolution) if name == "points" else self._lidar.scan(revolution) for name in asked]

    def _picture(self, message: Any, stamp_ns: int, now_s: float) -> Image:
        depth_m = self._depths(stamp_ns)[::-1] if self._exposure.needs_depth else None
        gain = self._faults.noise_gain("camera", now_s)
        pixels = self._exposure.develop(pixels_of(message.image)[::-1], depth_m, noise_gain=gain)
        pixels = self._faults.spoil("camera", now_s, pixels)
        pixels.setflags(write=False)
        return Image(stamp_ns=stamp_ns, frame_id=self._robot.camera_part.frame_id, encoding="bgr8", pixels=pixels)

    def _thermal_picture(self, message: Any, stamp_ns: int, now_s: float) -> Image:
        ranges, retros = rays_of(message.scan)
        kelvin, depth = kelvin_of(retros.ravel()[self._fan.nearest]), ranges.ravel()[self._fan.nearest]
        met = np.isfinite(depth)
        kelvin = np.where(met & (kelvin > 1.0), kelvin, np.float32(sky_kelvin(self._weather)))
        arrives = through_air(kelvin, np.where(met, depth, np.float32(400.0)), self._weather)
        pixels = self._bolometer.expose(arrives, noise_gain=self._faults.noise_gain("thermal", now_s))
        pixels = self._faults.spoil("thermal", now_s, pixels)
        pixels.setflags(write=False)
        return Image(stamp_ns=stamp_ns, frame_id=self._robot.thermal_part.frame_id, encoding="mono16", pixels=pixels)

    def _imu(self, message: Any, stamp_ns: int, now_s: float) -> Imu:
        """Gazebo's own noise, and where a fault asks for more, the rest of it."""
        part, rates, force = self._robot.imu, message.angular_velocity, message.linear_acceleration
        more = float(np.sqrt(max(self._faults.noise_gain("imu", now_s) ** 2 - 1.0, 0.0)))
        white = more * self._imu_rng.standard_normal((2, 3)) * ((part.gyro_noise_radps,), (part.accelerometer_noise_mps2,))
        return Imu(
            stamp_ns=stamp_ns,
            frame_id="imu_link",
            angular_velocity_radps=np.array((rates.x, rates.y, rates.z)) + white[0],
            linear_acceleration_mps2=np.array((force.x, force.y, force.z)) + white[1],
        )

    def _fix(self, message: Any, stamp_ns: int, now_s: float) -> Fix:
        antenna_m = self._frame.to_map((message.longitude_deg, message.latitude_deg, message.altitude))
        return self._gnss.fix_at(stamp_ns, antenna_m, noise_gain=self._faults.noise_gain("fix", now_s))


def rays_of(scan: Any) -> tuple[Floats32, Floats32]:
    """Ranges and retro numbers (rows, columns), lowest row first, inf where nothing was met."""
    shape = (max(int(scan.vertical_count), 1), int(scan.count))
    ranges = np.array(scan.ranges, dtype=np.float32).reshape(shape)
    retros = np.array(scan.intensities, dtype=np.float32).reshape(shape)
    return ranges, retros


def pixels_of(image: Any) -> Bytes:
    """Red, green and blue (H, W, 3), row 0 on top. Raises BadValue for another format."""
    if image.pixel_format != _RGB_INT8 or image.step != 3 * image.width:
        raise BadValue(f"pixel_format: {image.pixel_format} with {image.step} bytes a row is not R8G8B8")
    pixels: Bytes = np.frombuffer(image.data, dtype=np.uint8).reshape(image.height, image.width, 3)
    return pixels
