# SPDX-License-Identifier: Apache-2.0
"""Stamped planar poses: look-up by time and distance travelled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrol.checks import Floats, frozen_array
from patrol.errors import BadValue
from patrol.geometry import Pose2


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """``stamps_ns`` (N,) int64, not falling, and ``poses`` (N, 3): x m, y m, yaw rad of the base in one fixed frame."""

    stamps_ns: npt.NDArray[np.int64]
    poses: Floats

    def __post_init__(self) -> None:
        object.__setattr__(self, "stamps_ns", frozen_array("stamps_ns", self.stamps_ns, (None,), np.int64))
        object.__setattr__(self, "poses", frozen_array("poses", self.poses, (self.stamps_ns.size, 3)))
        if self.stamps_ns.size == 0:
            raise BadValue("stamps_ns: a trajectory holds at least one pose")
        if (np.diff(self.stamps_ns) < 0).any():
            raise BadValue("stamps_ns: go backwards")

    @classmethod
    def from_poses(cls, stamps_ns: Sequence[int], poses: Sequence[Pose2]) -> Trajectory:
        """Sort stamped poses by time."""
        order = np.argsort(np.asarray(stamps_ns, dtype=np.int64), kind="stable")
        table = np.array([(pose.x_m, pose.y_m, pose.yaw_rad) for pose in poses], dtype=np.float64)
        return cls(stamps_ns=np.asarray(stamps_ns, dtype=np.int64)[order], poses=table.reshape(-1, 3)[order])

    def __len__(self) -> int:
        return int(self.stamps_ns.size)

    def pose(self, index: int) -> Pose2:
        """The pose in row ``index``."""
        x_m, y_m, yaw_rad = self.poses[index]
        return Pose2(float(x_m), float(y_m), float(yaw_rad))

    def nearest(self, stamp_ns: int) -> int:
        """Row of the pose nearest in time."""
        after = int(np.searchsorted(self.stamps_ns, stamp_ns))
        if after == 0:
            return 0
        if after == self.stamps_ns.size:
            return after - 1
        closer_before = stamp_ns - self.stamps_ns[after - 1] <= self.stamps_ns[after] - stamp_ns
        return after - 1 if closer_before else after

    def pose_at(self, stamp_ns: int, odometry: Trajectory, within_ns: int) -> Pose2:
        """The nearest pose, carried on with ``odometry`` when it lies farther than ``within_ns`` from the stamp."""
        row = self.nearest(stamp_ns)
        if abs(int(self.stamps_ns[row]) - stamp_ns) <= within_ns:
            return self.pose(row)
        moved = odometry.pose(odometry.nearest(int(self.stamps_ns[row]))).inverse() @ odometry.pose(odometry.nearest(stamp_ns))
        return self.pose(row) @ moved

    def path_between_m(self, from_ns: int, to_ns: int) -> float:
        """Distance travelled between two stamps, in metres."""
        first, last = sorted((self.nearest(from_ns), self.nearest(to_ns)))
        steps = np.diff(self.poses[first : last + 1, :2], axis=0)
        return float(np.hypot(steps[:, 0], steps[:, 1]).sum())
