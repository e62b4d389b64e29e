# SPDX-License-Identifier: Apache-2.0
"""Scores a run against its ground-truth log."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from patrol.checks import Floats
from patrol.errors import BadInput, Fault
from patrol.estimate import PoseEstimate
from patrol.geometry import Pose2, wrap_angle

_CLOSE_ENOUGH_NS = 60_000_000
_TALL_PX, _EDGE_PX = 40.0, 2.0
_PICTURE_PX = (640.0, 480.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PoseScore:
    """Errors of the estimated pose in map against truth: metres and degrees, absolute, no alignment."""

    count: int
    position_median_m: float
    position_max_m: float
    yaw_median_deg: float
    yaw_max_deg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TruthTrack:
    """The robot's true poses by stamp, and how often it touched anything."""

    stamps_ns: tuple[int, ...]
    poses: tuple[Pose2, ...]
    contact_count: int
    intruder_seen_ns: int | None


def read_truth(path: Path) -> TruthTrack:
    """Read a truth log. Raises BadInput naming the line that can not be read."""
    stamps: list[int] = []
    poses: list[Pose2] = []
    contacts, seen = 0, None
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            pose = Pose2(*(float(row["map_from_base"][name]) for name in ("x_m", "y_m", "yaw_rad")))
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(path, [Fault(field=f"line {number}", value=line[:60], because=str(error))]) from error
        stamps.append(int(row["stamp_ns"]))
        poses.append(pose)
        contacts = int(row["contact_count"])
        if seen is None and any(actor["kind"] == "intruder" and actor["visible_px"] > 0 for actor in row["actors"]):
            seen = stamps[-1]
    return TruthTrack(stamps_ns=tuple(stamps), poses=tuple(poses), contact_count=contacts, intruder_seen_ns=seen)


def score_poses(truth: TruthTrack, estimates: Iterable[PoseEstimate]) -> PoseScore:
    """Compare each estimate with the truth at its stamp, interpolated between the two nearest records.

    Estimates outside the log are left out. Raises ValueError when none is left.
    """
    stamps = np.array(truth.stamps_ns, dtype=np.int64)
    true = np.array([(pose.x_m, pose.y_m, pose.yaw_rad) for pose in truth.poses])
    true[:, 2] = np.unwrap(true[:, 2])
    position, yaw = [], []
    for estimate in estimates:
        at = _interpolated(stamps, true, estimate.stamp_ns)
        if at is None:
            continue
        pose = estimate.map_from_base
        position.append(float(np.hypot(pose.x_m - at[0], pose.y_m - at[1])))
        yaw.append(abs(np.degrees(wrap_angle(pose.yaw_rad - at[2]))))
    if not position:
        raise ValueError("no estimate lies within the truth log")
    return PoseScore(
        count=len(position),
        position_median_m=float(np.median(position)),
        position_max_m=float(np.max(position)),
        yaw_median_deg=float(np.median(yaw)),
        yaw_max_deg=float(np.max(yaw)),
    )


def _interpolated(stamps_ns: np.ndarray[tuple[int], np.dtype[np.int64]], true: Floats, stamp_ns: int) -> Floats | None:
    """Truth (3,) at ``stamp_ns``; None outside the log or in a gap of it."""
    after = int(np.searchsorted(stamps_ns, stamp_ns))
    if after == 0 or after == len(stamps_ns):
        return None
    before_ns, after_ns = int(stamps_ns[after - 1]), int(stamps_ns[after])
    if min(stamp_ns - before_ns, after_ns - stamp_ns) > _CLOSE_ENOUGH_NS:
        return None
    share = (stamp_ns - before_ns) / (after_ns - before_ns)
    at: Floats = (1.0 - share) * true[after - 1] + share * true[after]
    return at


def in_view_since_ns(path: Path) -> dict[str, int]:
    """Of each intruder in a truth log: the first stamp at which its box lies whole in the colour picture, 40 pixels tall."""
    since: dict[str, int] = {}
    for line in path.read_text("utf-8").splitlines():
        row = json.loads(line)
        for actor in row["actors"]:
            box = actor["box"]
            if box is not None and actor["kind"] == "intruder" and _is_whole(box):
                since.setdefault(actor["name"], int(row["stamp_ns"]))
    return since


def _is_whole(box: dict[str, float]) -> bool:
    edges = [box["x0_px"], box["y0_px"], _PICTURE_PX[0] - box["x1_px"], _PICTURE_PX[1] - box["y1_px"]]
    return min(edges) > _EDGE_PX and box["y1_px"] - box["y0_px"] >= _TALL_PX
