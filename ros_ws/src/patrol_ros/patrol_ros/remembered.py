# SPDX-License-Identifier: Apache-2.0
"""The pose that outlives the SLAM process, so that one started anew goes on where the last one was."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from patrol.clock import NS_PER_S
from patrol.config import Config
from patrol.geometry import Pose2

_EVERY_NS = NS_PER_S // 2


class _Kept(Config):
    stamp_ns: int
    x_m: float
    y_m: float
    yaw_rad: float


class PoseFile:
    """Keeps ``map_from_odom`` in a folder, twice a second at most; without a folder it keeps nothing."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / "map_from_odom.json" if folder else None
        self._written_ns: int | None = None

    def read(self, now_ns: int) -> Pose2 | None:
        """What was kept last; None when there is nothing that can be used, or it is of a time that has not come: the robot
        began anew since."""
        if self._path is None or not self._path.is_file():
            return None
        try:
            kept = _Kept.model_validate_json(self._path.read_bytes())
        except ValidationError:
            return None
        return Pose2(kept.x_m, kept.y_m, kept.yaw_rad) if kept.stamp_ns <= now_ns + NS_PER_S else None

    def write(self, stamp_ns: int, map_from_odom: Pose2) -> None:
        """Replace the file at once, so that a kill leaves the old or the new one."""
        if self._path is None or (self._written_ns is not None and 0 <= stamp_ns - self._written_ns < _EVERY_NS):
            return
        self._written_ns = stamp_ns
        kept = _Kept(stamp_ns=stamp_ns, x_m=map_from_odom.x_m, y_m=map_from_odom.y_m, yaw_rad=map_from_odom.yaw_rad)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_suffix(".new")
        beside.write_text(kept.model_dump_json(), "utf-8")
        beside.replace(self._path)
