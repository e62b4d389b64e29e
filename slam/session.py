# SPDX-License-Identifier: Apache-2.0
"""SLAM over the life of a patrol: map the first lap, then localise in that map; and go on with it after the process died.

Nothing here waits for the disk: what takes long is handed out as a chore, to be run in any thread.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from patrol.clock import seconds
from patrol.errors import BadInput
from patrol.estimate import PoseEstimate
from patrol.geometry import IDENTITY2, Pose2
from patrol.grid import OccupancyGrid
from patrol.local_frame import LocalFrame
from patrol.sensors import Fix, Scan
from patrol.site import Lift, Site
from slam.config import SessionConfig
from slam.floors import FloorLocaliser, floor_folder, load_floors
from slam.gnss.aid import GnssAid, Whereabouts
from slam.gnss.fix_gate import FixUse, FixVerdict
from slam.gnss.georeference import Georeference
from slam.gnss.smooth import SmoothCorrection
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
    """A mapper until ``finish_mapping``, a localiser from then on. ``add_scan`` and ``add_fix`` are called from one thread.

    The pose that is told follows corrections at a bounded rate; maps are kept and matched with the pose as it is.
    """

    def __init__(self, core: Mapper | FloorLocaliser, config: SessionConfig, base_from_lidar: Pose2, places: MapPlaces) -> None:
        self._core, self._config, self._base_from_lidar, self._places = core, config, base_from_lidar, places
        self._ready: FloorLocaliser | None = None
        self._lifts: tuple[Lift, ...] = ()
        self._floor = core.level if isinstance(core, FloorLocaliser) else 0
        self._told = SmoothCorrection(config.correction)
        self._gnss: GnssAid | None = None
        self._keyframe_poses: tuple[Pose2, ...] = ()
        self._settled_poses: tuple[Pose2, ...] = ()
        self._estimate: PoseEstimate | None = None
        self._kept_ns: int | None = None
        self._is_changed = self._is_round = self._is_finishing = False

    @classmethod
    def open(
        cls,
        places: MapPlaces,
        config: SessionConfig,
        base_from_lidar: Pose2,
        *,
        start: Pose2,
        mapping: bool,
        resume: bool,
        floor: int = 0,
    ) -> SlamSession:
        """``start`` is the map pose of the base at the first scan, on ``floor``; each floor has a map of its own. Without
        ``mapping`` the whole map is localised in; with ``resume`` the newest snapshot is gone on with, where there is one.
        Raises BadInput when the whole map can not be read.
        """
        if not mapping and places.whole is not None:
            known = load_floors(places.whole, config.localiser, base_from_lidar, start=start, level=floor)
            return cls(FloorLocaliser(known, floor, config.floors), config, base_from_lidar, places)
        if places.whole is not None:
            places = replace(places, whole=floor_folder(places.whole, floor))
        kept = read_snapshot(places.snapshots) if resume and places.snapshots is not None else None
        mapper = (
            Mapper(config.mapper, base_from_lidar, start)
            if kept is None
            else Mapper.resumed(kept, config.mapper, base_from_lidar, start)
        )
        session = cls(mapper, config, base_from_lidar, places)
        session._floor = floor
        return session

    def know_site(self, site: Site, *, is_start_known: bool) -> None:
        """Change floors at the site's lifts, and take fixes in, by the site's datum; none counts inside its buildings.
        ``is_start_known``: the map began at a pose of the site's plan, or was laid on Earth before."""
        self._lifts = site.lifts
        if isinstance(self._core, FloorLocaliser):
            self._core.use_lifts(site.lifts)
        if self._config.gnss.enabled:
            roofs = [building.outline for building in site.buildings]
            frame = LocalFrame(site.datum)
            self._gnss = GnssAid(self._config.gnss, frame, roofs, self._pose_of, is_start_known=is_start_known)

    @property
    def georeference(self) -> Georeference | None:
        """Where the map lies on Earth; None while that is not known."""
        return self._gnss.georeference if self._gnss is not None else None

    @property
    def fix_verdict(self) -> FixVerdict | None:
        """What became of the newest fix; None before the first."""
        return self._gnss.verdict if self._gnss is not None else None

    def add_fix(self, fix: Fix, odom_from_base: Pose2, *, base_from_antenna: Pose2 = IDENTITY2) -> FixVerdict | None:
        """Take in a fix and where odometry has the base at its stamp. Returns what became of it; None without a site, or
        before the first scan."""
        if self._gnss is None or self._estimate is None:
            return None
        keyframe_id = self._core.newest_keyframe if isinstance(self._core, Mapper) else None
        here = Whereabouts(
            estimate=self._estimate,
            odom_from_base=odom_from_base,
            keyframe_id=keyframe_id,
            base_from_antenna=base_from_antenna,
        )
        verdict = self._gnss.add_fix(fix, here)
        if isinstance(self._core, FloorLocaliser) and verdict.use is FixUse.USED:
            nearby = self._gnss.nearby(here)
            if nearby is not None:
                self._core.hint(nearby)
        return verdict

    @property
    def is_mapping(self) -> bool:
        """False once the map is finished and localised in."""
        return isinstance(self._core, Mapper)

    def add_scan(self, scan: Scan, odom_from_base: Pose2, *, odom_at_end: Pose2 | None = None) -> SlamUpdate:
        """Take in one scan and where odometry has the base at its stamp, and at its last beam when that is known; return where
        the base is in the map."""
        if self._ready is not None:
            self._change_over(self._ready, odom_from_base)
        self._correct()
        update = self._core.add_scan(scan, odom_from_base, odom_at_end=odom_at_end)
        self._estimate = update.estimate
        self._is_changed = self._is_changed or update.keyframe_added or update.loop_closed
        if self._gnss is not None:
            self._gnss.follow(update.estimate, is_corrected=update.loop_closed)
        if isinstance(self._core, FloorLocaliser):
            self._floor = self._core.level
        return replace(update, estimate=replace(self._told.follow(update.estimate), floor=self._floor))

    def _correct(self) -> None:
        """Bring the map to where GNSS has it."""
        core = self._core
        if self._gnss is None or not isinstance(core, Mapper):
            return
        correction = self._gnss.correction()
        if correction is None:
            return
        if correction.enu_from_map is not None:
            core.move(correction.enu_from_map)
        config = self._config.gnss
        start_std = (config.dock_std_m, config.dock_std_rad)
        core.add_positions(
            correction.factors,
            start_std=start_std,
            retract_since_ns=correction.retract_since_ns,
            follow_m=config.follow_m,
        )

    def _pose_of(self, keyframe_id: int) -> Pose2:
        return self._core.keyframe_pose(keyframe_id) if isinstance(self._core, Mapper) else self._keyframe_poses[keyframe_id]

    def grid(self, stamp_ns: int) -> OccupancyGrid:
        """The map as it is drawn so far: what a closed loop has moved follows within seconds, so that no pose waits for it."""
        core = self._core
        return core.grid(stamp_ns, is_caught_up=False) if isinstance(core, Mapper) else core.grid(stamp_ns)

    def poses_at(self, stamps_ns: Sequence[int]) -> dict[int, Pose2]:
        """Where the base was at the scans stamped so, by the graph as it stands now; nothing once the map is finished."""
        return self._core.poses_at(stamps_ns) if isinstance(self._core, Mapper) else {}

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
            unsettled = mapper.unsettled()
            return lambda: self._finish(unsettled.settled())
        if not self._is_changed or not self._is_snapshot_due(stamp_ns):
            return None
        self._kept_ns, self._is_changed = stamp_ns, False
        saved, folder = mapper.saved(is_caught_up=False), self._places.snapshots
        return lambda: write_snapshot(folder, saved)

    def save(self, folder: Path) -> None:
        """Write the map being made into ``folder``; one that is localised in stays where it is."""
        if isinstance(self._core, Mapper):
            self._core.save(folder)

    def close(self) -> None:
        """Save a map that was not finished: at once as it is, then as the final graph has it."""
        whole = self._places.whole
        if isinstance(self._core, Mapper) and self._ready is None and whole is not None:
            self._core.save(whole)
            save_map(whole, self._core.unsettled().settled())

    def _is_snapshot_due(self, stamp_ns: int) -> bool:
        if self._places.snapshots is None:
            return False
        return self._kept_ns is None or not 0.0 <= seconds(stamp_ns - self._kept_ns) < self._config.snapshot_every_s

    def _finish(self, saved: SavedMap) -> None:
        write_snapshot(self._places.snapshots, saved)
        if self._places.whole is not None:
            save_map(self._places.whole, saved)
        self._settled_poses = tuple(keyframe.map_from_base for keyframe in saved.keyframes)
        found = Localiser(saved, self._config.localiser, self._base_from_lidar, start=None)
        self._ready = FloorLocaliser({self._floor: found}, self._floor, self._config.floors)
        self._ready.use_lifts(self._lifts)

    def _change_over(self, localiser: FloorLocaliser, odom_from_base: Pose2) -> None:
        """From mapper to localiser; the pose goes on, carried along by what the final graph did to its newest keyframe, and so do
        the keyframes that were added while it was worked out: fixes may have been taken there."""
        mapper, settled = self._core, self._settled_poses
        if settled and isinstance(mapper, Mapper):
            newest = len(settled) - 1
            settled_from_map = settled[newest] @ mapper.keyframe_pose(newest).inverse()
            added = range(newest + 1, 1 + (mapper.newest_keyframe or 0))
            self._keyframe_poses = (*settled, *(settled_from_map @ mapper.keyframe_pose(number) for number in added))
            if self._estimate is not None:
                localiser.stand_at(settled_from_map @ self._estimate.map_from_odom @ odom_from_base)
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
