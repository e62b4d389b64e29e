# SPDX-License-Identifier: Apache-2.0
"""Revolutions, IMU and wheel odometry in; trajectory, key scans and their graph out: lidar-inertial mapping in space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats
from patrol.clock import seconds
from patrol.errors import BadValue
from patrol.geometry import Pose3
from patrol.sensors import PointCloud
from slam.lio.closures import KeyScan, LoopCloser3
from slam.lio.config import LioConfig
from slam.lio.graph import Edge3, PoseGraph3
from slam.lio.odometry import KeyMotion, LidarInertialOdometry, LioUpdate, Mounts3
from slam.lio.places import place_of
from slam.lio.reckoning import Reading
from slam.lio.rotations import turn_of, turned_by
from slam.stamped_poses import StampedPoses


@dataclass(frozen=True, slots=True, kw_only=True)
class MapUpdate3:
    """What came of one revolution: the odometry's ``update``, ``map_from_base`` at its stamp by the graph, the number of the key
    scan it became, and whether it closed a loop."""

    update: LioUpdate
    map_from_base: Pose3
    key_id: int | None = None
    loop_closed: bool = False


class LioMapper:
    """Maps in space. ``start`` is the map pose of the base at the first revolution.

    Tracking registers every revolution with a local map of recent key scans; key scans join a pose graph; places seen again close
    loops in it. Readings are added before the revolution that ends after them.
    """

    def __init__(self, config: LioConfig, mounts: Mounts3, start: Pose3) -> None:
        self._config = config
        self._odometry = LidarInertialOdometry(config, mounts, start)
        self._closer = LoopCloser3(config.closure, config.registration)
        self._start = start
        self._graph: PoseGraph3 | None = None
        self._history: list[tuple[int, int, Pose3]] = []
        self._path_m = 0.0
        self._last: Pose3 | None = None

    def add_reading(self, reading: Reading) -> bool:
        """Keep a reading of IMU or wheels; false when it can not be used."""
        return self._odometry.add_reading(reading)

    @property
    def odometry(self) -> LidarInertialOdometry:
        """The tracking underneath."""
        return self._odometry

    @property
    def key_scans(self) -> tuple[KeyScan, ...]:
        return tuple(self._closer.key_scans)

    @property
    def edges(self) -> tuple[Edge3, ...]:
        """All edges of the graph so far."""
        return () if self._graph is None else tuple(self._graph.edges)

    def add_cloud(self, cloud: PointCloud) -> MapUpdate3:
        """Take in one revolution. One that can not be used has a named outcome and leaves the map as it is."""
        update = self._odometry.add_cloud(cloud)
        if self._last is not None:
            self._path_m += float(np.linalg.norm(update.odom_from_base.translation_m - self._last.translation_m))
        self._last = update.odom_from_base
        loop_closed, key_id = False, None
        if update.key is not None:
            key_id = len(self._closer.key_scans)
            loop_closed = self._extend(key_id, update, update.key)
        return MapUpdate3(update=update, map_from_base=self._remembered(update), key_id=key_id, loop_closed=loop_closed)

    def settle(self) -> None:
        """Look for loops once more from where the graph has all key scans now, and solve all poses at once. Takes seconds."""
        if self._graph is None or not self._config.closure.enabled:
            return
        known = {(edge.from_id, edge.to_id) for edge in self._graph.edges}
        poses = self._graph.poses()
        found = [edge for key_scan in self._closer.key_scans for edge in self._closer.find(key_scan, poses)]
        self._graph.settle([edge for edge in found if (edge.from_id, edge.to_id) not in known])

    def key_poses(self) -> tuple[Pose3, ...]:
        """``map_from_base`` of every key scan, by the graph as it stands now."""
        return () if self._graph is None else self._graph.poses()

    def trajectory(self) -> StampedPoses:
        """The pose of every revolution, by the graph as it stands now. Raises BadValue before the first key scan.

        Between two key scans the corrections of both are blended.
        """
        if not self._history:
            raise BadValue("trajectory: no revolution was registered yet")
        poses = np.tile(np.eye(4), (len(self._history), 1, 1))
        for row, (_, key_id, relative) in enumerate(self._history):
            pose = self._blended(key_id, relative)
            poses[row, :3, :3], poses[row, :3, 3] = pose.rotation, pose.translation_m
        stamps = np.array([seconds(stamp_ns) for stamp_ns, _, _ in self._history], dtype=np.float64)
        return StampedPoses(stamps_s=stamps, poses=poses)

    def _extend(self, key_id: int, update: LioUpdate, key: KeyMotion) -> bool:
        """Put a key scan into the graph; whether it closed a loop."""
        points = key.thin.points_m()
        key_scan = KeyScan(
            id=key_id,
            stamp_ns=update.stamp_ns,
            odom_from_base=update.odom_from_base,
            path_m=self._path_m,
            points_m=points,
            look=place_of(points),
        )
        if self._graph is None:
            self._graph = PoseGraph3(update.odom_from_base, self._config.closure.robust_sigma)
        else:
            last = self._closer.key_scans[-1]
            moved = last.odom_from_base.inverse() @ key_scan.odom_from_base
            edge = Edge3(from_id=last.id, to_id=key_id, from_to=moved, information=self._information(key.covariance))
            self._graph.add_key_scan(edge)
        self._closer.add(key_scan)
        config = self._config.closure
        closures = self._closer.find(key_scan, self._graph.poses()) if config.enabled and key_id % config.every == 0 else []
        if closures:
            self._graph.close_loops(closures)
        return bool(closures)

    def _information(self, covariance: Floats) -> Floats:
        config = self._config.key_scan
        floor = np.diag([config.std_floor_rad**2] * 3 + [config.std_floor_m**2] * 3)
        information: Floats = np.asarray(np.linalg.inv(covariance + floor), dtype=np.float64)
        return 0.5 * (information + information.T)

    def _remembered(self, update: LioUpdate) -> Pose3:
        """The pose in the map, kept relative to the last key scan."""
        if self._graph is None:
            return update.odom_from_base
        last = self._closer.key_scans[-1]
        relative = last.odom_from_base.inverse() @ update.odom_from_base
        if not self._history or update.stamp_ns > self._history[-1][0]:
            self._history.append((update.stamp_ns, last.id, relative))
        return self._graph.pose(last.id) @ relative

    def _blended(self, key_id: int, relative: Pose3) -> Pose3:
        """The pose ``relative`` to a key scan, bent towards where the next one was put."""
        assert self._graph is not None
        before = self._graph.pose(key_id) @ relative
        if key_id + 1 >= len(self._graph):
            return before
        first, second = self._closer.key_scans[key_id], self._closer.key_scans[key_id + 1]
        whole = first.odom_from_base.inverse() @ second.odom_from_base
        left = relative.inverse() @ whole
        after = self._graph.pose(key_id + 1) @ left.inverse()
        done_m, left_m = _size(relative), _size(left)
        share = done_m / (done_m + left_m) if done_m + left_m > 1e-6 else 0.0
        turn = turned_by(share * turn_of(before.rotation.T @ after.rotation))
        return Pose3((1.0 - share) * before.translation_m + share * after.translation_m, before.rotation @ turn)


def _size(moved: Pose3) -> float:
    """Metres and radians of a motion together."""
    return float(np.linalg.norm(moved.translation_m) + np.linalg.norm(turn_of(moved.rotation)))
