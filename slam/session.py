# SPDX-License-Identifier: Apache-2.0
"""SLAM over the life of a patrol: map the first lap, then localise in that map; and go on with it after the process died.

Nothing here waits for the disk: what takes long is handed out as a chore, to be run in any thread.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from patrol.clock import seconds
from patrol.errors import BadInput
from patrol.estimate import PoseEstimate
from patrol.geometry import Pose2
from patrol.grid import OccupancyGrid
from patrol.sensors import Scan
from slam.config import SessionConfig
from slam.localiser import Localiser
from slam.map_files import SavedMap, load_map, save_map
from slam.mapper import Mapper
from slam.updates import SlamUpdate

log = logging.getLogger(__name__)
Chore = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapPlaces:
    """Where maps lie. ``whole``: the finished map. ``snapshots``: what is kept while mapping. None: not kept."""

    whole: Path | None = None
    snapshots: Path | None = None


class SlamSession:
    """A mapper until ``finish_mapping``, a localiser from then on. ``add_scan`` is called from one thread."""

    def __init__(self, core: Mapper | Localiser, config: SessionConfig, base_from_lidar: Pose2, places: MapPlaces) -> None:
        self._core, self._config, self._base_from_lidar, self._places = core, config, base_from_lidar, places
        self._ready: Localiser | None = None
        self._estimate: PoseEstimate | None = None
        self._kept_ns: int | None = None
        self._is_changed = self._is_round = self._is_finishing = False

    @classmethod
    def open(
        cls, places: MapPlaces, config: SessionConfig, base_from_lidar: Pose2, *, start: Pose2, mapping: bool, resume: bool
    ) -> SlamSession:
        """``start`` is the map pose of the base at the first scan. Without ``mapping`` the whole map is localised in; with
        ``resume`` the newest snapshot is gone on with, where there is one. Raises BadInput when the whole map can not be read.
        """
        if not mapping and places.whole is not None:
            known = Localiser.load(places.whole, config.localiser, base_from_lidar, start=start)
            return cls(known, config, base_from_lidar, places)
        kept = read_snapshot(places.snapshots) if resume and places.snapshots is not None else None
        mapper = (
            Mapper(config.mapper, base_from_lidar, start)
            if kept is None
            else Mapper.resumed(kept, config.mapper, base_from_lidar, start)
        )
        return cls(mapper, config, base_from_lidar, places)

    @property
    def is_mapping(self) -> bool:
        """False once the map is finished and localised in."""
        return isinstance(self._core, Mapper)

    def add_scan(self, scan: Scan, odom_from_base: Pose2, *, odom_at_end: Pose2 | None = None) -> SlamUpdate:
        """Take in one scan and where odometry has the base at its stamp, and at its last beam when that is known; return where
        the base is in the map."""
        if self._ready is not None:
            self._change_over(self._ready, odom_from_base)
        update = self._core.add_scan(scan, odom_from_base, odom_at_end=odom_at_end)
        self._estimate = update.estimate
        self._is_changed = self._is_changed or update.keyframe_added or update.loop_closed
        return update

    def grid(self, stamp_ns: int) -> OccupancyGrid:
        """The map as it is now."""
        return self._core.grid(stamp_ns)

    def finish_mapping(self) -> None:
        """The site has been driven round: the next chore saves the whole map, and later scans are localised in it."""
        self._is_round = True

    def chore(self, stamp_ns: int) -> Chore | None:
        """What is to be written at ``stamp_ns``; None when nothing is. To be asked between scans, and run before the next."""
        mapper = self._core
        if not isinstance(mapper, Mapper):
            return None
        if self._is_finishing:
            return None
        if self._is_round:
            self._is_finishing = True
            saved = mapper.saved()
            return lambda: self._finish(saved)
        if not self._is_changed or not self._is_snapshot_due(stamp_ns):
            return None
        self._kept_ns, self._is_changed = stamp_ns, False
        saved, folder = mapper.saved(), self._places.snapshots
        return lambda: write_snapshot(folder, saved)

    def close(self) -> None:
        """Save a map that was not finished."""
        if isinstance(self._core, Mapper) and self._ready is None and self._places.whole is not None:
            self._core.save(self._places.whole)

    def _is_snapshot_due(self, stamp_ns: int) -> bool:
        if self._places.snapshots is None:
            return False
        return self._kept_ns is None or not 0.0 <= seconds(stamp_ns - self._kept_ns) < self._config.snapshot_every_s

    def _finish(self, saved: SavedMap) -> None:
        write_snapshot(self._places.snapshots, saved)
        if self._places.whole is not None:
            save_map(self._places.whole, saved)
        self._ready = Localiser(saved, self._config.localiser, self._base_from_lidar, start=None)

    def _change_over(self, localiser: Localiser, odom_from_base: Pose2) -> None:
        """From mapper to localiser; the pose goes on."""
        if self._estimate is not None:
            localiser.stand_at(self._estimate.map_from_odom @ odom_from_base)
        self._core, self._ready = localiser, None
        log.info("the map is finished; localising in it from here on")


def write_snapshot(folder: Path | None, saved: SavedMap) -> None:
    """Replace the snapshot in ``folder``; a kill at any moment leaves a whole one, the new or the old."""
    if folder is None or not saved.keyframes:
        return
    new, old = _beside(folder)
    shutil.rmtree(new, ignore_errors=True)
    save_map(new, saved)
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def read_snapshot(folder: Path) -> SavedMap | None:
    """The newest whole snapshot; None when there is none that can be read."""
    for candidate in (folder, _beside(folder)[1]):
        if candidate.is_dir():
            try:
                return load_map(candidate)
            except BadInput:
                log.exception("%s: this snapshot is left out", candidate)
    return None


def _beside(folder: Path) -> tuple[Path, Path]:
    return folder.with_name(f"{folder.name}-new"), folder.with_name(f"{folder.name}-old")
