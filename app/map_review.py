# SPDX-License-Identifier: Apache-2.0
"""A patrol's recording on a map that is known: where it was made, how sure that was on the way, and what had changed."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.recorded import decoded
from patrol.clock import seconds
from patrol.errors import BadInput, Fault
from patrol.geometry import Pose2
from patrol.odometry_buffer import OdometryBuffer
from patrol.sensors import Scan
from patrol.site import Site
from patrol_ros.conversions.geometry import transforms_from_ros
from patrol_ros.conversions.sensors import BASE_FRAME, odometry_from_ros, scan_from_ros
from slam.config import ChangeConfig, LocaliserConfig
from slam.findings import Finding, findings_of
from slam.localiser import Localiser
from slam.map_changes import Baseline, ChangeWatch
from slam.map_files import SavedMap
from slam.updates import ScanOutcome, SlamUpdate

RECORDING_SUFFIX = ".mcap"
_TOPICS = frozenset({"scan", "odom", "tf_static"})
_SCANS_WAITING = 30
_DOUBTS_KEPT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubtful:
    """From ``after_s`` for ``lasted_s`` the pose was not sure: why, by the first word on it, and where it was held to be."""

    after_s: float
    lasted_s: float
    because: str
    map_from_base: Pose2


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What a recording tells on a map. ``known_after_s`` and ``first`` are when and where the place was known, None: never.
    Seconds count from the first scan; ``doubts`` are those after that, the first twenty of ``doubt_count``; ``compared`` is the
    number of scans that were held against the map for changes."""

    scans: int
    outcomes: Mapping[str, int]
    known_after_s: float | None
    first: Pose2 | None
    last: Pose2 | None
    why_unknown: str
    doubts: tuple[Doubtful, ...]
    doubt_count: int
    doubtful_s: float
    compared: int
    findings: tuple[Finding, ...]


def review(recording: Path, saved: SavedMap, *, site: Site | None) -> Review:
    """Localise what ``recording`` holds in ``saved``, from nothing, and say what changed. Raises BadInput when it holds no scan
    with odometry, or does not tell where the lidar sat."""
    run = _Run(recording, saved)
    for name, message in decoded(recording, _TOPICS):
        run.hear(name, message)
    return run.finish(site)


@dataclass(slots=True)
class _Told:
    """What came of the scans so far."""

    outcomes: dict[str, int] = field(default_factory=dict)
    began_ns: int | None = None
    known_ns: int | None = None
    first: Pose2 | None = None
    last: Pose2 | None = None
    why_unknown: str = ""
    doubts: list[Doubtful] = field(default_factory=list)
    doubt_count: int = 0
    doubtful_s: float = 0.0
    compared: int = 0


class _Run:
    """One recording, from its beginning. A scan waits until odometry has told what was during it."""

    def __init__(self, path: Path, saved: SavedMap) -> None:
        self._path, self._saved = path, saved
        self._odometry = OdometryBuffer(keep_s=10.0)
        self._mounts: dict[str, Pose2] = {}
        self._waiting: deque[Scan] = deque()
        self._localiser: Localiser | None = None
        self._watch: ChangeWatch | None = None
        self._told = _Told()
        self._doubt: Doubtful | None = None

    def hear(self, name: str, message: Any) -> None:
        """Take in the next message."""
        if name == "tf_static":
            for transform in transforms_from_ros(message):
                if transform.parent == BASE_FRAME:
                    self._mounts[transform.child] = transform.parent_from_child.to_pose2()
        elif name == "odom":
            self._odometry.add(odometry_from_ros(message))
            self._serve()
        else:
            self._waiting.append(scan_from_ros(message))
            self._serve()

    def finish(self, site: Site | None) -> Review:
        """Take in what still waits."""
        self._serve(force=True)
        told, watch = self._told, self._watch
        if told.began_ns is None or watch is None:
            raise BadInput(self._path, [Fault(field="scan, odom", value=told.outcomes, because="no scan comes with odometry")])
        self._note_doubt(None)
        return Review(
            scans=sum(told.outcomes.values()),
            outcomes=told.outcomes,
            known_after_s=None if told.known_ns is None else seconds(told.known_ns - told.began_ns),
            first=told.first,
            last=told.last,
            why_unknown=told.why_unknown,
            doubts=tuple(told.doubts),
            doubt_count=told.doubt_count,
            doubtful_s=told.doubtful_s,
            compared=told.compared,
            findings=findings_of(watch, site, ChangeConfig()),
        )

    def _serve(self, *, force: bool = False) -> None:
        while self._waiting:
            scan, newest = self._waiting[0], self._odometry.newest
            is_covered = newest is not None and newest.stamp_ns >= scan.end_ns
            if not (is_covered or force or len(self._waiting) >= _SCANS_WAITING):
                return
            self._waiting.popleft()
            odom_from_base = self._odometry.at(scan.stamp_ns)
            if odom_from_base is None:
                self._count("without odometry")
            else:
                self._take(scan, odom_from_base)

    def _take(self, scan: Scan, odom_from_base: Pose2) -> None:
        localiser, watch = self._begin(scan)
        update = localiser.add_scan(scan, odom_from_base, odom_at_end=self._odometry.at(scan.end_ns))
        self._count(update.outcome)
        self._told.compared += watch.look(scan, update.estimate, update.rate)
        self._note(scan.stamp_ns, update)

    def _begin(self, scan: Scan) -> tuple[Localiser, ChangeWatch]:
        if self._localiser is None or self._watch is None:
            mount = self._mounts.get(scan.frame_id)
            if mount is None:
                raise BadInput(
                    self._path, [Fault(field="tf_static", value=scan.frame_id, because="does not tell where this frame is")]
                )
            baseline = Baseline.of(self._saved, ChangeConfig(), self._saved.base_from_lidar or mount)
            self._localiser = Localiser(self._saved, LocaliserConfig(), mount, start=None)
            self._watch = ChangeWatch(baseline, ChangeConfig(), mount)
        return self._localiser, self._watch

    def _count(self, outcome: str) -> None:
        self._told.outcomes[outcome] = self._told.outcomes.get(outcome, 0) + 1

    def _note(self, stamp_ns: int, update: SlamUpdate) -> None:
        """When the place was known, and what was in doubt afterwards."""
        told, estimate = self._told, update.estimate
        told.began_ns = stamp_ns if told.began_ns is None else told.began_ns
        if told.known_ns is None:
            told.why_unknown = estimate.doubt
            if update.outcome is not ScanOutcome.MATCHED:
                return
            told.known_ns, told.first = stamp_ns, estimate.map_from_base
        told.last = estimate.map_from_base
        if not estimate.doubt:
            self._note_doubt(None)
            return
        after_s, last = seconds(stamp_ns - told.began_ns), self._doubt
        self._note_doubt(
            Doubtful(
                after_s=after_s if last is None else last.after_s,
                lasted_s=0.0 if last is None else after_s - last.after_s,
                because=estimate.doubt if last is None else last.because,
                map_from_base=estimate.map_from_base if last is None else last.map_from_base,
            )
        )

    def _note_doubt(self, doubt: Doubtful | None) -> None:
        """The doubt of now; one that has ended is kept."""
        if doubt is None and self._doubt is not None:
            self._told.doubt_count += 1
            self._told.doubtful_s += self._doubt.lasted_s
            if len(self._told.doubts) < _DOUBTS_KEPT:
                self._told.doubts.append(self._doubt)
        self._doubt = doubt
