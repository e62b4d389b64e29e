# SPDX-License-Identifier: Apache-2.0
"""The inspector: while the robot goes around a thing, it keeps the best picture and the temperature of every side, and what the
lidar saw of it; at the end it reports."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from pydantic import Field

from patrol.clock import seconds
from patrol.config import Config
from patrol.estimate import PoseEstimate
from patrol.geometry import Pose2, Pose3, wrap_angle
from patrol.inspection import InspectionReport, InspectionState, InspectionView
from patrol.percepts import Label
from patrol.sensors import CameraModel, Image, PointCloud
from perception.evidence_picture import EvidenceConfig, evidence_jpeg
from perception.inspecting.measure import Cylinder, Points, heat_of

_SIDES = 16


class InspectorConfig(Config):
    """A side counts as seen while the thing is within ``ahead_rad`` of the camera's axis, ``nearest_m`` to ``farthest_m`` from
    its surface, and the robot turns no faster than ``steady_radps``. ``beam_gap_rad`` is the angle between two rings of the
    lidar: how far the top of the thing may be off."""

    ahead_rad: float = Field(default=0.25, gt=0)
    nearest_m: float = Field(default=0.5, ge=0)
    farthest_m: float = Field(default=7.0, gt=0)
    steady_radps: float = Field(default=0.2, gt=0)
    thermal_stale_s: float = Field(default=0.3, gt=0)
    lowest_m: float = Field(default=0.08, ge=0)
    rise: float = Field(default=0.012, ge=0, description="what is lost to the ground's slope and the robot's pitch, per metre")
    beside_m: float = Field(default=0.25, ge=0)
    points_least: int = Field(default=12, ge=4)
    beam_gap_rad: float = Field(default=math.radians(2.0), gt=0)
    evidence: EvidenceConfig = EvidenceConfig()

    def height_m(self, label: Label) -> float:
        """How tall such a thing is taken to be in pictures."""
        return 1.8 if label is Label.VEHICLE else 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    off_rad: float
    view: InspectionView


class Inspector:
    """``follow`` the states of an inspection as they come; everything else is heard in between and costs nothing without one."""

    def __init__(self, config: InspectorConfig, camera: CameraModel, base_from_lidar: Pose3 | None = None) -> None:
        self._config, self._camera, self._base_from_lidar = config, camera, base_from_lidar
        self._thermal_camera: CameraModel | None = None
        self._thermal: Image | None = None
        self._state: InspectionState | None = None
        self._points = Points()
        self._nearest_m, self._pose_std_m = math.inf, 0.0
        self._begin(None)

    def know_thermal(self, thermal: CameraModel) -> None:
        """Measure temperatures with this camera from now on."""
        self._thermal_camera = thermal

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under inspection."""
        return self._state is None

    def follow(self, state: InspectionState) -> InspectionReport | None:
        """Go along with the inspection; the report when it has ended. One that ends without a beginning has one too."""
        if self._state is None or state.inspection_id != self._state.inspection_id:
            self._begin(state)
        self._state = state
        if state.phase != "ended":
            return None
        report = self._report(state)
        self._begin(None)
        return report

    def on_cloud(self, cloud: PointCloud, estimate: PoseEstimate) -> None:
        """Keep what a lidar revolution shows of the thing."""
        state, config = self._state, self._config
        if state is None or self._base_from_lidar is None or not self._is_steady("lidar", estimate):
            return
        map_from_lidar = Pose3.from_pose2(estimate.map_from_base) @ self._base_from_lidar
        points = map_from_lidar.apply(cloud.points_m)
        away = np.hypot(*(points[:, :2] - state.position_m).T)
        distance = float(np.hypot(*(map_from_lidar.translation_m[:2] - state.position_m)))
        if distance - state.radius_m > config.farthest_m:
            return
        lowest = config.lowest_m + config.rise * distance
        of_it = (away <= state.radius_m + config.beside_m) & (points[:, 2] >= lowest) & (points[:, 2] <= 3.0)
        self._points.add(points[of_it])
        self._nearest_m = min(self._nearest_m, distance)
        self._pose_std_m = max(self._pose_std_m, estimate.position_std_m)

    def on_thermal(self, image: Image) -> None:
        """Keep a thermal picture (mono16, centikelvin) until the next one."""
        self._thermal = image

    def on_picture(self, safe: Image, covered_because: str, estimate: PoseEstimate | None) -> None:
        """Keep this side of the thing, if this is the best look at it so far. ``safe`` is what may leave the robot."""
        state, config = self._state, self._config
        if state is None or estimate is None or not self._is_steady("camera", estimate):
            return
        pose = estimate.map_from_base
        away = (pose.x_m, pose.y_m) - state.position_m
        distance_m, bearing_rad = float(np.hypot(*away)), math.atan2(away[1], away[0])
        off_rad = abs(wrap_angle(bearing_rad + math.pi - pose.yaw_rad))
        side = math.floor((bearing_rad % (2.0 * math.pi)) / (2.0 * math.pi) * _SIDES) % _SIDES
        known = self._sides.get(side)
        gap_m = distance_m - state.radius_m
        if off_rad > config.ahead_rad or not config.nearest_m <= gap_m <= config.farthest_m:
            return
        if known is not None and known.off_rad <= off_rad + 0.02:
            return
        warmest_k, around_k = self._heat(state, pose, safe.stamp_ns)
        view = InspectionView(
            stamp_ns=safe.stamp_ns,
            bearing_rad=bearing_rad,
            distance_m=distance_m,
            warmest_k=warmest_k,
            around_k=around_k,
            picture_jpeg=b"" if covered_because else self._jpeg(safe, state, pose),
        )
        self._sides[side] = _Side(off_rad=off_rad, view=view)

    def _begin(self, state: InspectionState | None) -> None:
        self._state = state
        self._began_ns = 0 if state is None else state.stamp_ns
        self._sides: dict[int, _Side] = {}
        self._points = Points()
        self._nearest_m, self._pose_std_m = math.inf, 0.0
        self._last: dict[str, tuple[int, float]] = {}

    def _is_steady(self, whose: str, estimate: PoseEstimate) -> bool:
        """Whether the robot hardly turned since the last look; the first one does not tell."""
        yaw_rad = estimate.map_from_base.yaw_rad
        before = self._last.get(whose)
        self._last[whose] = (estimate.stamp_ns, yaw_rad)
        if before is None or estimate.stamp_ns <= before[0]:
            return False
        return abs(wrap_angle(yaw_rad - before[1])) <= self._config.steady_radps * seconds(estimate.stamp_ns - before[0])

    def _cylinder(self, state: InspectionState) -> Cylinder:
        return Cylinder(middle_m=state.position_m, radius_m=state.radius_m, height_m=self._config.height_m(state.label))

    def _heat(self, state: InspectionState, pose: Pose2, stamp_ns: int) -> tuple[float | None, float | None]:
        thermal, camera = self._thermal, self._thermal_camera
        if thermal is None or camera is None:
            return None, None
        if abs(seconds(stamp_ns - thermal.stamp_ns)) > self._config.thermal_stale_s:
            return None, None
        box = self._cylinder(state).box_in(camera, pose)
        return (None, None) if box is None else heat_of(thermal, box)

    def _jpeg(self, safe: Image, state: InspectionState, pose: Pose2) -> bytes:
        return evidence_jpeg(safe, self._cylinder(state).box_in(self._camera, pose), self._config.evidence)

    def _report(self, state: InspectionState) -> InspectionReport:
        size_m = self._points.size_m(0.0, self._config.points_least)
        error_m = None if size_m is None else 0.05 + 2.0 * self._pose_std_m + self._config.beam_gap_rad * self._nearest_m
        views = tuple(side.view for _, side in sorted(self._sides.items()))
        return InspectionReport(state=state, began_ns=self._began_ns, size_m=size_m, size_error_m=error_m, views=views)
