# SPDX-License-Identifier: Apache-2.0
"""What one look rules out: places that lidar beams went through, and places that the camera had before it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrol.checks import Floats
from patrol.clock import seconds
from patrol.estimate import PoseEstimate
from patrol.geometry import Pose2, Twist2
from patrol.sensors import CameraModel, Scan

Mask = npt.NDArray[np.bool_]
_BODY_HALF_M = 0.25
_BEYOND_M = 0.5
"""A beam must end so far behind a place to have gone through it."""
_SPARSE_M = 0.35
"""Beams farther apart than this may pass somebody on either side."""
_NEAREST_M = 1.0
_MOST_LAG_S = 0.3
_EDGE_RAD = math.radians(3.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sector:
    """What the camera has before it: ``map_from_camera`` with x along its axis, and how wide it sees."""

    map_from_camera: Pose2
    hfov_rad: float

    @classmethod
    def of_camera(cls, camera: CameraModel, map_from_base: Pose2) -> Sector:
        """What ``camera`` has before it while the robot stands at ``map_from_base``."""
        ahead = camera.base_from_optical.rotation @ (0.0, 0.0, 1.0)
        at_m = camera.base_from_optical.translation_m
        base_from_camera = Pose2(float(at_m[0]), float(at_m[1]), math.atan2(ahead[1], ahead[0]))
        return cls(
            map_from_camera=map_from_base @ base_from_camera, hfov_rad=2.0 * math.atan(0.5 * camera.width_px / camera.fx_px)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One scan and where it was taken from; ``turn_radps`` blurs it, the more the longer the pose is off (``lag_s``).
    ``sector`` is None while the camera can not be relied on
    (dark, covered, or nobody looks at its pictures)."""

    scan: Scan
    map_from_lidar: Pose2
    turn_radps: float = 0.0
    lag_s: float = 0.0
    sector: Sector | None = None

    @classmethod
    def taken(
        cls, scan: Scan, estimate: PoseEstimate, base_from_lidar: Pose2, *, twist: Twist2 | None, camera: CameraModel | None
    ) -> Look | None:
        """The look that a scan is; None while the pose is in doubt, of another moment, or the robot's turn is not known.
        ``camera`` is None while it can not be relied on."""
        lag_s = abs(seconds(scan.stamp_ns - estimate.stamp_ns))
        if twist is None or estimate.doubt or lag_s > _MOST_LAG_S:
            return None
        return cls(
            scan=scan,
            map_from_lidar=estimate.map_from_base @ base_from_lidar,
            turn_radps=twist.turn_radps,
            lag_s=lag_s,
            sector=None if camera is None else Sector.of_camera(camera, estimate.map_from_base),
        )

    def lidar_clears(self, points_m: Floats, reach_m: float) -> Mask:
        """Mask (N,) of the points (N, 2) m in map where a body would have stopped beams that went on."""
        distance_m, bearing_rad = _polar(self.map_from_lidar, points_m)
        half_rad = np.arctan2(_BODY_HALF_M, distance_m) + self._blur_rad
        nearest_m = self._nearest_m(bearing_rad, half_rad)
        dense = distance_m * abs(self.scan.angle_step_rad) <= _SPARSE_M
        told = (distance_m <= reach_m) & (distance_m >= self.scan.range_min_m)
        return told & dense & (nearest_m >= distance_m + _BEYOND_M)

    def camera_clears(self, points_m: Floats, reach_m: float) -> Mask:
        """Mask (N,) of the points (N, 2) m in map that the camera had before it, with nothing in between."""
        if self.sector is None:
            return np.zeros(len(points_m), dtype=np.bool_)
        depth_m, aside_rad = _polar(self.sector.map_from_camera, points_m)
        before = (np.abs(aside_rad) <= 0.5 * self.sector.hfov_rad - _EDGE_RAD - self._blur_rad) & (depth_m <= reach_m)
        distance_m, bearing_rad = _polar(self.map_from_lidar, points_m)
        nearest_m = self._nearest_m(bearing_rad, np.full(len(points_m), self._blur_rad))
        return before & (depth_m >= _NEAREST_M) & (nearest_m >= distance_m - _BEYOND_M)

    @property
    def _blur_rad(self) -> float:
        """How far the robot turned while the scan was taken, and from the pose to the scan."""
        return abs(self.turn_radps) * (self.scan.beam_step_s * self.scan.ranges_m.size + self.lag_s)

    def _nearest_m(self, bearing_rad: Floats, half_rad: Floats) -> Floats:
        """The shortest of the beams (N,) within ``half_rad`` of ``bearing_rad``; 0 where one is broken or there is none."""
        scan = self.scan
        count, step = scan.ranges_m.size, scan.angle_step_rad
        if not count:
            return np.zeros(len(bearing_rad))
        ranges = np.nan_to_num(scan.ranges_m.astype(np.float64), nan=0.0, posinf=np.inf)
        turn = round(abs(2.0 * math.pi / step))
        first = np.rint(np.mod(bearing_rad - scan.angle_min_rad, 2.0 * math.pi * np.sign(step)) / step).astype(np.int64)
        width = np.ceil(half_rad / abs(step)).astype(np.int64)
        offsets = np.arange(-width.max(initial=0), width.max(initial=0) + 1)
        beams = np.mod(first[:, None] + offsets, turn)
        there = np.where(beams < count, ranges[np.minimum(beams, count - 1)], 0.0)
        within = np.abs(offsets) <= width[:, None]
        nearest: Floats = np.where(within, there, np.inf).min(axis=1)
        return nearest


def _polar(map_from_sensor: Pose2, points_m: Floats) -> tuple[Floats, Floats]:
    """Distance (N,) m and bearing (N,) rad of points (N, 2) m in map, seen from a sensor."""
    local = map_from_sensor.inverse().apply(points_m)
    return np.hypot(local[:, 0], local[:, 1]), np.arctan2(local[:, 1], local[:, 0])
