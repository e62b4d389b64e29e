# SPDX-License-Identifier: Apache-2.0
"""Mapping and localisation: ``scan``, ``odom``, ``fix`` and ``points`` in; pose, ``tf`` map → odom, ``map``, ``georeference`` and
``map_cloud`` out."""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import Any

from patrol.berths import site_of
from patrol.clock import seconds
from patrol.config import load_config
from patrol.estimate import PoseEstimate
from patrol.geometry import IDENTITY2, Pose2, Pose3
from patrol.odometry_buffer import OdometryBuffer
from patrol.sensors import Fix, Scan
from patrol.site import Site
from patrol.site_file import read_site
from patrol_ros.conversions.geometry import Transform, estimate_pose_to_ros, planar_pose_to_ros, transforms_to_ros
from patrol_ros.conversions.maps import estimate_to_ros, grid_to_ros
from patrol_ros.conversions.operations import state_from_ros
from patrol_ros.conversions.sensors import ODOM_FRAME, fix_from_ros, odometry_from_ros, scan_from_ros
from patrol_ros.health import Ages, Status, report_health, stale_status
from patrol_ros.lap_watch import LapWatch
from patrol_ros.link import Link, run_node
from patrol_ros.mounts import Mounts
from patrol_ros.remembered import PoseFile
from patrol_ros.slam_cloud import SlamCloud
from patrol_ros.slot import BEHIND, Worker
from slam.config import SessionConfig
from slam.session import Chore, MapPlaces, SlamSession

log = logging.getLogger(__name__)
GRID_EVERY_S = 2.0
SCANS_WAITING, FIXES_WAITING = 20, 20
GEOREFERENCE_EVERY_S = 5.0
ENU_FRAME = "enu"


class SlamNode:
    """Feeds the session from a thread, so that odometry is heard while a loop is closed; another one writes maps."""

    def __init__(self, link: Link) -> None:
        self._link = link
        state_folder = link.path("state_folder")
        self._places = MapPlaces(
            whole=link.path("map_folder"), snapshots=state_folder / "map" if state_folder is not None else None
        )
        self._mapping = link.parameter("mapping", default=True)
        self._floor = link.parameter("floor", default=0)
        self._config = load_config(SessionConfig, link.path("slam_config"))
        site = link.path("site")
        berth = link.parameter("berth", 0)
        self._site = site_of(read_site(site), berth) if site is not None else None
        self._start = _start_pose(self._site)
        self._remembered = PoseFile(state_folder)
        self._session: SlamSession | None = None
        self._lap = LapWatch()
        self._odometry, self._odometry_lock = OdometryBuffer(), threading.Lock()
        self._map_from_odom: Pose2 | None = None
        self._ages = Ages(("scan", "odom"))
        self._fixes: deque[tuple[Fix, str]] = deque(maxlen=FIXES_WAITING)
        self._georeference_ns = 0
        self._doubt, self._grid_ns, self._grid_due, self._graph_moved = "no scan yet", 0, True, False
        self._publishers = {name: link.publisher(name) for name in ("pose", "localisation", "tf", "map", "georeference")}
        self._chores: Worker[Chore] = Worker("maps", lambda chore: chore(), niceness=BEHIND)
        self._worker: Worker[Scan] = Worker("slam", self._work, limit=SCANS_WAITING)
        self._mounts = Mounts(link, lambda: None)
        self._cloud = SlamCloud(link, self._mounts, self._config.cloud, self._pose_at)
        link.subscribe("odom", self._on_odometry)
        link.subscribe("scan", self._on_scan)
        link.subscribe("fix", self._on_fix)
        link.subscribe("robot_state", self._on_state)
        report_health(link, self._status)
        link.closing.add(self._close)

    def _on_odometry(self, message: Any) -> None:
        self._ages.heard("odom", self._link.now_ns())
        odometry = odometry_from_ros(message)
        with self._odometry_lock:
            self._odometry.add(odometry)

    def _on_scan(self, message: Any) -> None:
        self._ages.heard("scan", self._link.now_ns())
        self._worker.offer(scan_from_ros(message))

    def _on_fix(self, message: Any) -> None:
        """Kept for the thread that works; ``deque`` is safe between two threads."""
        self._fixes.append((fix_from_ros(message), message.header.frame_id))

    def _on_state(self, message: Any) -> None:
        session = self._session
        if session is not None and session.is_mapping and self._lap.is_round(state_from_ros(message)):
            session.finish_mapping()

    def _work(self, scan: Scan) -> None:
        odom_from_base = self._odom_at(scan.stamp_ns)
        session = self._session or self._open(scan, odom_from_base)
        if session is None or odom_from_base is None:
            return
        was_mapping = session.is_mapping
        self._take_fixes(session)
        update = session.add_scan(scan, odom_from_base, odom_at_end=self._odom_at(scan.end_ns))
        self._grid_due = self._grid_due or update.grid_changed
        self._graph_moved = self._graph_moved or update.loop_closed
        if self._graph_moved and session.is_mapping:
            self._graph_moved = not self._cloud.follow(session.poses_at, scan.stamp_ns)
        self._tell(update.estimate)
        self._tell_grid(session, scan.stamp_ns)
        self._tell_georeference(session, scan.stamp_ns)
        chore = session.chore(scan.stamp_ns)
        if chore is not None:
            self._chores.offer(chore)
        if was_mapping and not session.is_mapping and self._places.whole is not None:
            self._cloud.save(self._places.whole)

    def _take_fixes(self, session: SlamSession) -> None:
        while self._fixes:
            fix, frame_id = self._fixes.popleft()
            mount, odom_from_base = self._mounts.base_from(frame_id), self._odom_at(fix.stamp_ns)
            if odom_from_base is not None:
                antenna = mount.to_pose2() if mount is not None else IDENTITY2
                session.add_fix(fix, odom_from_base, base_from_antenna=antenna)

    def _open(self, scan: Scan, odom_from_base: Pose2 | None) -> SlamSession | None:
        """The session, once it is known where the lidar sits and where the robot stands."""
        mount = self._mounts.base_from(scan.frame_id)
        if mount is None or odom_from_base is None:
            self._doubt = f"tf_static does not tell where {scan.frame_id} is" if mount is None else "no odometry yet"
            return None
        known = self._remembered.read(scan.stamp_ns)
        self._session = SlamSession.open(
            self._places,
            self._config,
            mount.to_pose2(),
            start=self._start if known is None else known @ odom_from_base,
            mapping=self._mapping,
            resume=known is not None,
            floor=self._floor,
        )
        if self._site is not None:
            self._session.know_site(self._site, is_start_known=bool(self._site.docks))
        return self._session

    def _odom_at(self, stamp_ns: int) -> Pose2 | None:
        with self._odometry_lock:
            return self._odometry.at(stamp_ns)

    def _pose_at(self, stamp_ns: int) -> Pose2 | None:
        odom_from_base, map_from_odom = self._odom_at(stamp_ns), self._map_from_odom
        return None if odom_from_base is None or map_from_odom is None else map_from_odom @ odom_from_base

    def _tell(self, estimate: PoseEstimate) -> None:
        self._doubt, self._map_from_odom = estimate.doubt, estimate.map_from_odom
        transform = Transform(
            stamp_ns=estimate.stamp_ns, parent="map", child=ODOM_FRAME, parent_from_child=Pose3.from_pose2(estimate.map_from_odom)
        )
        self._publishers["tf"].publish(transforms_to_ros([transform]))
        self._publishers["localisation"].publish(estimate_to_ros(estimate))
        self._publishers["pose"].publish(estimate_pose_to_ros(estimate))
        self._remembered.write(estimate.stamp_ns, estimate.map_from_odom)

    def _tell_grid(self, session: SlamSession, stamp_ns: int) -> None:
        if self._grid_due and not 0.0 <= seconds(stamp_ns - self._grid_ns) < GRID_EVERY_S:
            self._grid_due, self._grid_ns = False, stamp_ns
            self._publishers["map"].publish(grid_to_ros(session.grid(stamp_ns)))

    def _tell_georeference(self, session: SlamSession, stamp_ns: int) -> None:
        reference = session.georeference
        if reference is None or 0.0 <= seconds(stamp_ns - self._georeference_ns) < GEOREFERENCE_EVERY_S:
            return
        self._georeference_ns = stamp_ns
        pose = planar_pose_to_ros(stamp_ns, ENU_FRAME, reference.enu_from_map, reference.covariance)
        self._publishers["georeference"].publish(pose)

    def _close(self) -> None:
        self._worker.close()
        self._chores.close()
        if self._session is not None:
            self._session.close()
        self._cloud.close(self._places.whole, self._session.poses_at if self._session is not None else None)

    def _status(self) -> Status:
        worker, session = self._worker, self._session
        doing = "starting" if session is None else "mapping" if session.is_mapping else "localising"
        verdict = session.fix_verdict if session is not None else None
        gnss = "no fix yet" if verdict is None else verdict.use.value
        values = {"scans": worker.done, "scans_dropped": worker.dropped, "doing": doing, "gnss": gnss}
        status = stale_status(self._ages, self._link.now_ns(), **values)
        trouble = worker.trouble or self._chores.trouble or self._cloud.trouble
        return Status(wrong=status.wrong or trouble or self._doubt, values=status.values)


def _start_pose(site: Site | None) -> Pose2:
    """The first dock of the site; the origin without one."""
    docks = site.docks if site is not None else ()
    return docks[0].pose if docks else IDENTITY2


def main() -> None:
    """Entry point of ``ros2 run patrol_ros slam``."""
    run_node("slam", SlamNode)


if __name__ == "__main__":
    main()
