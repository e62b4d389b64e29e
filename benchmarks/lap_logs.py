# SPDX-License-Identifier: Apache-2.0
"""Laps kept: what the lidar saw, where the localiser had it, and how far off that was. Another way to find changes can then be
judged by the very same scans, in seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from patrol.checks import Floats
from patrol.errors import BadInput, Fault
from patrol.estimate import PoseEstimate
from patrol.geometry import IDENTITY2, Pose2
from patrol.sensors import Scan
from slam.scan_points import BodyRate

_NAMES = ("stamps_ns", "ranges_m", "poses", "covariances", "rates", "doubts", "true_poses", "beams")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """One scan with what localisation made of it, and where the robot truly was."""

    scan: Scan
    estimate: PoseEstimate
    rate: BodyRate
    true_pose: Pose2

    @property
    def off_m(self) -> float:
        """How far the pose is from the truth."""
        return self.estimate.map_from_base.distance_to(self.true_pose)


def keep_lap(path: Path, sights: Iterable[Sight]) -> Iterator[Sight]:
    """The same sights, at least one, written to ``path`` once the last has been taken."""
    taken = []
    for sight in sights:
        taken.append(sight)
        yield sight
    first, part = taken[0].scan, path.with_suffix(".part.npz")
    path.parent.mkdir(parents=True, exist_ok=True)
    beams = (first.angle_min_rad, first.angle_step_rad, first.range_min_m, first.range_max_m, first.beam_step_s)
    np.savez_compressed(
        part,
        stamps_ns=np.array([sight.scan.stamp_ns for sight in taken]),
        ranges_m=np.stack([sight.scan.ranges_m for sight in taken]),
        poses=_rows([sight.estimate.map_from_base for sight in taken]),
        covariances=np.stack([sight.estimate.covariance for sight in taken]),
        rates=np.array([(sight.rate.x_mps, sight.rate.y_mps, sight.rate.yaw_radps) for sight in taken]),
        doubts=np.array([sight.estimate.doubt for sight in taken]),
        true_poses=_rows([sight.true_pose for sight in taken]),
        beams=np.array(beams),
    )
    part.replace(path)


def kept_lap(path: Path) -> Iterator[Sight]:
    """What ``keep_lap`` wrote. Raises BadInput for a file that lacks part of it."""
    with np.load(path, allow_pickle=False) as kept:
        missing = sorted(set(_NAMES) - set(kept.files))
        if missing:
            raise BadInput(path, [Fault(field=name, value=None, because="is not in this file") for name in missing])
        stamps, ranges, poses, covariances, rates, doubts, true_poses, beams = (kept[name] for name in _NAMES)
    angle_min, angle_step, range_min, range_max, beam_step = (float(value) for value in beams)
    for row, stamp in enumerate(stamps.tolist()):
        scan = Scan(
            stamp_ns=stamp,
            frame_id="lidar_link",
            angle_min_rad=angle_min,
            angle_step_rad=angle_step,
            range_min_m=range_min,
            range_max_m=range_max,
            ranges_m=ranges[row],
            beam_step_s=beam_step,
        )
        estimate = PoseEstimate(
            stamp_ns=stamp,
            map_from_odom=Pose2(*poses[row].tolist()),
            odom_from_base=IDENTITY2,
            covariance=covariances[row],
            doubt=str(doubts[row]),
        )
        x_mps, y_mps, yaw_radps = rates[row].tolist()
        rate = BodyRate(x_mps=x_mps, y_mps=y_mps, yaw_radps=yaw_radps)
        yield Sight(scan=scan, estimate=estimate, rate=rate, true_pose=Pose2(*true_poses[row].tolist()))


def _rows(poses: Sequence[Pose2]) -> Floats:
    """Poses as rows (N, 3): x and y in m, yaw in rad."""
    return np.array([(pose.x_m, pose.y_m, pose.yaw_rad) for pose in poses], dtype=np.float64)
