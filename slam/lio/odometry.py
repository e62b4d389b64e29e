# SPDX-License-Identifier: Apache-2.0
"""Lidar-inertial odometry: one revolution at a time is undistorted, registered with the local map, and corrects the filter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats
from patrol.geometry import Pose3
from patrol.sensors import Imu, PointCloud
from slam.lio.cloud_check import CloudCheck, CloudOutcome, CloudVerdict
from slam.lio.config import LioConfig
from slam.lio.deskew import undistorted
from slam.lio.inertial import Registered
from slam.lio.local_map import LocalMap, Match, ThinCloud
from slam.lio.reckoning import Doubt, Reading, Reckoning, start_filter
from slam.lio.rotations import turn_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Mounts3:
    """Where the sensors sit on the robot. An IMU whose place is not known is not heard."""

    base_from_lidar: Pose3
    base_from_imu: Pose3 | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LioUpdate:
    """The pose at the last point of one revolution, ``odom_from_base`` at ``stamp_ns``, and what became of the revolution.

    ``because`` says why it was not registered; ``doubts`` what else was missing. ``points_m`` (N, 3) m are its points in
    base_link at that moment, undistorted; ``source_rows`` is not kept. ``key`` is there for a key scan.
    """

    stamp_ns: int
    odom_from_base: Pose3
    outcome: CloudOutcome
    because: str
    doubts: tuple[Doubt, ...]
    overlap: float
    points_m: Floats
    key: KeyMotion | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyMotion:
    """The step from the key scan before: ``covariance`` (6, 6) over turn (rad) and shift (m) in base_link. ``thin`` is the cloud
    as it was registered, in base_link."""

    covariance: Floats
    thin: ThinCloud


class LidarInertialOdometry:
    """``start`` is the pose of the base at the first revolution. Readings of IMU and wheels are added before the revolution that
    ends after them; a revolution goes with what is there by then."""

    def __init__(self, config: LioConfig, mounts: Mounts3, start: Pose3) -> None:
        self._config, self._mounts = config, mounts
        self._base_from_imu = mounts.base_from_imu or Pose3(np.zeros(3), np.eye(3))
        self._imu_from_base = self._base_from_imu.inverse()
        self._check = CloudCheck(config.registration, config.inertial.gap_max_s)
        self._reckoning = Reckoning(config.inertial, start_filter(config.inertial, start, self._base_from_imu))
        self._map = LocalMap(config.registration)
        self._key_pose: Pose3 | None = None
        self._poor = 0

    def add_reading(self, reading: Reading) -> bool:
        """Keep a reading of IMU or wheels; false when it can not be used."""
        is_heard = self._mounts.base_from_imu is not None or not isinstance(reading, Imu)
        return is_heard and self._reckoning.add(reading)

    @property
    def wheel_scale(self) -> float:
        """What odometry says over what is true, as far as known."""
        return self._reckoning.filter.wheel_scale

    @property
    def gravity_mps2(self) -> Floats:
        """Gravity (3,) in odom, as far as known."""
        return self._reckoning.filter.gravity_mps2

    def add_cloud(self, cloud: PointCloud) -> LioUpdate:
        """Take in one revolution. One that can not be used has a named outcome and moves the pose by IMU and wheels at most."""
        verdict = self._check.check(cloud)
        if verdict.outcome is CloudOutcome.TIME_BACKWARDS:
            return self._update(verdict, np.zeros((0, 3)), overlap=0.0)
        self._carry(cloud.stamp_ns, verdict.end_ns)
        points = self._undistorted(cloud.stamp_ns, verdict)
        if verdict.outcome not in (CloudOutcome.REGISTERED, CloudOutcome.GAP):
            self._reckoning.mark()
            return self._update(verdict, points, overlap=0.0)
        thin = ThinCloud(points, self._config.registration)
        return self._registered(verdict, points, thin)

    def _carry(self, stamp_ns: int, end_ns: int) -> None:
        if self._reckoning.now_ns is None:
            self._reckoning.begin(stamp_ns)
        self._reckoning.advance(end_ns)

    def _undistorted(self, stamp_ns: int, verdict: CloudVerdict) -> Floats:
        """The points in base_link at the last of them."""
        imu_from_lidar = self._imu_from_base @ self._mounts.base_from_lidar
        points = undistorted(imu_from_lidar.apply(verdict.points_m), verdict.times_s, self._reckoning.motion(stamp_ns))
        return self._base_from_imu.apply(points)

    def _registered(self, verdict: CloudVerdict, points: Floats, thin: ThinCloud) -> LioUpdate:
        guess = self._odom_from_base()
        found = self._map.match(thin, guess) if len(self._map) else None
        because = "" if found is None else self._why_poor(found, guess)
        if found is not None and not because:
            self._correct(found)
        self._reckoning.mark()
        self._poor = self._poor + 1 if because else 0
        if self._poor >= self._config.registration.lost_after:
            self._map, self._poor = LocalMap(self._config.registration), 0
            key = self._key(thin)
        else:
            key = None if because else self._key(thin)
        outcome = CloudOutcome.POOR_MATCH if because else verdict.outcome
        overlap = 1.0 if found is None else found.overlap
        return self._update(verdict, points, overlap=overlap, outcome=outcome, because=because or verdict.because, key=key)

    def _why_poor(self, found: Match, guess: Pose3) -> str:
        config = self._config.registration
        if found.overlap < config.overlap_min:
            return f"only {found.overlap:.0%} of the points lie where the map has some"
        moved = guess.inverse() @ found.odom_from_body
        shift_m, turn_rad = float(np.linalg.norm(moved.translation_m)), float(np.linalg.norm(turn_of(moved.rotation)))
        if shift_m > config.correction_max_m or turn_rad > config.correction_max_rad:
            return f"registration is {shift_m:.2f} m and {np.degrees(turn_rad):.1f}° away from where the motion leads"
        return ""

    def _correct(self, found: Match) -> None:
        odom_from_imu = found.odom_from_body @ self._base_from_imu
        information = moved_information(found.information, self._imu_from_base)
        self._reckoning.filter.correct_by_registration(Registered(odom_from_imu=odom_from_imu, information=information))

    def _key(self, thin: ThinCloud) -> KeyMotion | None:
        """Make this revolution a key scan where it stands far enough from the last one."""
        pose, config = self._odom_from_base(), self._config.key_scan
        if self._key_pose is not None:
            moved = self._key_pose.inverse() @ pose
            is_near = float(np.linalg.norm(moved.translation_m)) < config.step_m
            if is_near and float(np.linalg.norm(turn_of(moved.rotation))) < config.turn_rad:
                return None
        filter_ = self._reckoning.filter
        covariance = moved_covariance(filter_.pose_covariance, self._base_from_imu)
        filter_.forget_pose(config.std_floor_m, config.std_floor_rad)
        self._map.insert(thin, pose)
        self._key_pose = pose
        return KeyMotion(covariance=covariance, thin=thin)

    def _odom_from_base(self) -> Pose3:
        return self._reckoning.filter.pose @ self._imu_from_base

    def _update(
        self,
        verdict: CloudVerdict,
        points: Floats,
        *,
        overlap: float,
        outcome: CloudOutcome | None = None,
        because: str = "",
        key: KeyMotion | None = None,
    ) -> LioUpdate:
        return LioUpdate(
            stamp_ns=verdict.end_ns,
            odom_from_base=self._odom_from_base(),
            outcome=outcome or verdict.outcome,
            because=because or verdict.because,
            doubts=self._reckoning.doubts,
            overlap=overlap,
            points_m=points,
            key=key,
        )


def adjoint(pose: Pose3) -> Floats:
    """Takes a turn and shift (6,) of frame B's body to those of frame A's, ``pose`` = ``a_from_b``, both on one rigid body."""
    x, y, z = pose.translation_m
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    matrix = np.zeros((6, 6))
    matrix[:3, :3] = matrix[3:, 3:] = pose.rotation
    matrix[3:, :3] = cross @ pose.rotation
    return matrix


def moved_covariance(covariance: Floats, a_from_b: Pose3) -> Floats:
    """Covariance (6, 6) in A's body of one in B's."""
    change = adjoint(a_from_b)
    moved: Floats = change @ covariance @ change.T
    return moved


def moved_information(information: Floats, a_from_b: Pose3) -> Floats:
    """Information (6, 6) in A's body of that in B's."""
    change = adjoint(a_from_b.inverse())
    moved: Floats = change.T @ information @ change
    return moved
