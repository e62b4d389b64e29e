# SPDX-License-Identifier: Apache-2.0
"""Trajectories in space as files of the field have them: TUM (``stamp x y z qx qy qz qw``) and KITTI (twelve numbers a line)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from patrol.checks import Floats, frozen_array, require_all_finite
from patrol.errors import BadInput, BadValue, Fault
from slam.trajectory import Trajectory

_TUM_FIELDS, _KITTI_FIELDS = 8, 12
_RIGID_WITHIN = 1e-2
_FAULTS_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class StampedPoses:
    """``poses`` (N, 4, 4), rigid transforms of the body in one fixed frame, and ``stamps_s`` (N,), rising; a KITTI file has no
    stamps, its poses are numbered instead."""

    stamps_s: Floats
    poses: Floats

    def __post_init__(self) -> None:
        object.__setattr__(self, "stamps_s", frozen_array("stamps_s", self.stamps_s, (None,)))
        object.__setattr__(self, "poses", frozen_array("poses", self.poses, (self.stamps_s.size, 4, 4)))
        require_all_finite("stamps_s", self.stamps_s)
        require_all_finite("poses", self.poses)
        if self.stamps_s.size == 0:
            raise BadValue("stamps_s: a trajectory holds at least one pose")
        if (np.diff(self.stamps_s) <= 0).any():
            raise BadValue("stamps_s: do not rise")

    def __len__(self) -> int:
        return int(self.stamps_s.size)

    @property
    def positions_m(self) -> Floats:
        """(N, 3) m."""
        positions: Floats = self.poses[:, :3, 3]
        return positions

    def rows(self, chosen: npt.NDArray[np.int64]) -> StampedPoses:
        """The poses in these rows."""
        return StampedPoses(stamps_s=self.stamps_s[chosen], poses=self.poses[chosen])


def lifted(trajectory: Trajectory) -> StampedPoses:
    """A planar trajectory in space, at height 0."""
    poses = np.tile(np.eye(4), (len(trajectory), 1, 1))
    poses[:, :2, 3] = trajectory.poses[:, :2]
    poses[:, :3, :3] = Rotation.from_rotvec(trajectory.poses[:, 2:] * (0.0, 0.0, 1.0)).as_matrix()
    return StampedPoses(stamps_s=np.asarray(trajectory.stamps_ns * 1e-9, dtype=np.float64), poses=poses)


def read_tum(path: Path) -> StampedPoses:
    """Read a TUM file; lines that start with ``#`` are comments. Raises BadInput naming the lines that are broken."""
    table, numbers = _read_table(path, _TUM_FIELDS)
    lengths = np.linalg.norm(table[:, 4:], axis=1)
    _refuse(path, numbers[np.abs(lengths - 1.0) > _RIGID_WITHIN], "holds no unit quaternion")
    _refuse(path, numbers[1:][np.diff(table[:, 0]) <= 0], "has a stamp that does not rise")
    poses = np.tile(np.eye(4), (len(table), 1, 1))
    poses[:, :3, 3] = table[:, 1:4]
    poses[:, :3, :3] = Rotation.from_quat(table[:, 4:]).as_matrix()
    return StampedPoses(stamps_s=table[:, 0], poses=poses)


def read_kitti(path: Path) -> StampedPoses:
    """Read a KITTI file: the upper three rows of each pose. Raises BadInput naming the lines that are broken."""
    table, numbers = _read_table(path, _KITTI_FIELDS)
    poses = np.tile(np.eye(4), (len(table), 1, 1))
    poses[:, :3] = table.reshape(-1, 3, 4)
    rotations = poses[:, :3, :3]
    off = np.abs(rotations @ rotations.transpose(0, 2, 1) - np.eye(3)).max(axis=(1, 2))
    _refuse(path, numbers[(off > _RIGID_WITHIN) | (np.linalg.det(rotations) < 0)], "holds no rotation")
    return StampedPoses(stamps_s=np.arange(len(table), dtype=np.float64), poses=poses)


def write_tum(path: Path, trajectory: StampedPoses) -> None:
    """Write a TUM file."""
    quaternions = Rotation.from_matrix(trajectory.poses[:, :3, :3]).as_quat()
    table = np.column_stack((trajectory.stamps_s, trajectory.positions_m, quaternions))
    np.savetxt(path, table, fmt=["%.9f", *["%.9g"] * 7])


def write_kitti(path: Path, trajectory: StampedPoses) -> None:
    """Write a KITTI file; the stamps are left out."""
    np.savetxt(path, trajectory.poses[:, :3].reshape(-1, _KITTI_FIELDS), fmt="%.12g")


def _read_table(path: Path, fields: int) -> tuple[Floats, npt.NDArray[np.int64]]:
    """The numbers (N, fields) of a file, and the line that each row stands on."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(path, [Fault(field="(file)", value=str(path), because=f"can not be read: {error}")]) from error
    rows, numbers, faults = [], [], []
    for number, line in enumerate(lines, start=1):
        words = line.replace(",", " ").split()
        if not words or words[0].startswith("#"):
            continue
        row = _numbers(words)
        if row is None or len(row) != fields or not np.isfinite(row).all():
            faults.append(Fault(field=f"line {number}", value=line[:80], because=f"is not {fields} numbers"))
        else:
            rows.append(row)
            numbers.append(number)
    if faults or not rows:
        raise BadInput(path, faults[:_FAULTS_MAX] or [Fault(field="(file)", value=str(path), because="holds no pose")])
    return np.array(rows, dtype=np.float64), np.array(numbers, dtype=np.int64)


def _numbers(words: list[str]) -> list[float] | None:
    try:
        return [float(word) for word in words]
    except ValueError:
        return None


def _refuse(path: Path, lines: npt.NDArray[np.int64], because: str) -> None:
    if lines.size:
        raise BadInput(path, [Fault(field=f"line {line}", value="...", because=because) for line in lines[:_FAULTS_MAX]])
