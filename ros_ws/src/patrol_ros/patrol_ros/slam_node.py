# SPDX-License-Identifier: Apache-2.0
"""Mapping and localisation: ``scan`` and ``odom`` in, ``pose``, ``localisation``, ``tf`` map → odom and ``map`` out."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Protocol

from patrol.clock import seconds
from patrol.config import load_config
from patrol.estimate import PoseEstimate
from patrol.geometry import IDENTITY2, Pose2, Pose3
from patrol.grid import OccupancyGrid
from patrol.odometry_buffer import OdometryBuffer
from patrol.sensors import Scan
from patrol.site_file import read_site
from patrol_ros.conversions.geometry import Transform, estimate_pose_to_ros, transforms_to_ros
from patrol_ros.conversions.maps import estimate_to_ros, grid_to_ros
from patrol_ros.conversions.sensors import ODOM_FRAME, odometry_from_ros, scan_from_ros
from patrol_ros.health import Ages, Status, report_health, stale_status
from patrol_ros.link import Link, run_node
from patrol_ros.mounts import Mounts
from patrol_ros.remembered import PoseFile
from patrol_ros.slot import Worker
from slam.config import LocaliserConfig, MapperConfig
from slam.localiser import Localiser
from slam.mapper import Mapper
from slam.updates import SlamUpdate

log = logging.getLogger(__name__)
GRID_EVERY_S = 2.0
SCANS_WAITING = 20


class Core(Protocol):
    """What mapper and localiser have in common."""

    def add_scan(self, scan: Scan, odom_from_base: Pose2) -> SlamUpdate: ...

    def grid(self, stamp_ns: int) -> OccupancyGrid: ...


class SlamNode:
    """Feeds one core from a thread, so that odometry is heard while a loop is closed."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._map_folder = link.path("map_folder")
        self._mapping = link.parameter("mapping", default=True)
        self._config = link.path("slam_config")
        self._start = _start_pose(link.path("site"))
        self._remembered = PoseFile(link.path("state_folder"))
        self._core: Core | None = None
        self._odometry = OdometryBuffer()
        self._ages = Ages(("scan", "odom"))
        self._doubt, self._grid_ns, self._grid_due = "no scan yet", 0, True
        self._publishers = {name: link.publisher(name) for name in ("pose", "localisation", "tf", "map")}
        self._worker: Worker[Scan] = Worker("slam", self._work, limit=SCANS_WAITING)
        self._mounts = Mounts(link, lambda: None)
        link.subscribe("odom", self._on_odometry)
        link.subscribe("scan", self._on_scan)
        report_health(link, self._status)
        link.closing.add(self._close)

    def _on_odometry(self, message: Any) -> None:
        self._ages.heard("odom", self._link.now_ns())
        self._odometry.add(odometry_from_ros(message))

    def _on_scan(self, message: Any) -> None:
        self._ages.heard("scan", self._link.now_ns())
        self._worker.offer(scan_from_ros(message))

    def _work(self, scan: Scan) -> None:
        odom_from_base = self._odometry.at(scan.stamp_ns)
        core = self._core or self._build(scan, odom_from_base)
        if core is None or odom_from_base is None:
            return
        update = core.add_scan(scan, odom_from_base)
        self._grid_due = self._grid_due or update.grid_changed
        self._tell(update.estimate)
        self._tell_grid(core, scan.stamp_ns)

    def _build(self, scan: Scan, odom_from_base: Pose2 | None) -> Core | None:
        """The core, once it is known where the lidar sits and where the robot stands."""
        mount = self._mounts.base_from(scan.frame_id)
        if mount is None or odom_from_base is None:
            self._doubt = f"tf_static does not tell where {scan.frame_id} is" if mount is None else "no odometry yet"
            return None
        map_from_odom = self._remembered.read(scan.stamp_ns)
        start = self._start if map_from_odom is None else map_from_odom @ odom_from_base
        self._core = self._open(mount.to_pose2(), start)
        return self._core

    def _open(self, base_from_lidar: Pose2, start: Pose2) -> Core:
        if self._mapping or self._map_folder is None:
            return Mapper(load_config(MapperConfig, self._config), base_from_lidar, start)
        return Localiser.load(self._map_folder, load_config(LocaliserConfig, self._config), base_from_lidar, start=start)

    def _tell(self, estimate: PoseEstimate) -> None:
        self._doubt = estimate.doubt
        transform = Transform(
            stamp_ns=estimate.stamp_ns, parent="map", child=ODOM_FRAME, parent_from_child=Pose3.from_pose2(estimate.map_from_odom)
        )
        self._publishers["tf"].publish(transforms_to_ros([transform]))
        self._publishers["localisation"].publish(estimate_to_ros(estimate))
        self._publishers["pose"].publish(estimate_pose_to_ros(estimate))
        self._remembered.write(estimate.stamp_ns, estimate.map_from_odom)

    def _tell_grid(self, core: Core, stamp_ns: int) -> None:
        if self._grid_due and not 0.0 <= seconds(stamp_ns - self._grid_ns) < GRID_EVERY_S:
            self._grid_due, self._grid_ns = False, stamp_ns
            self._publishers["map"].publish(grid_to_ros(core.grid(stamp_ns)))

    def _close(self) -> None:
        self._worker.close()
        if isinstance(self._core, Mapper) and self._map_folder is not None:
            self._core.save(self._map_folder)

    def _status(self) -> Status:
        status = stale_status(self._ages, self._link.now_ns(), scans=self._worker.done, scans_dropped=self._worker.dropped)
        return Status(wrong=status.wrong or self._worker.trouble or self._doubt, values=status.values)


def _start_pose(site: Path | None) -> Pose2:
    """The first dock of the site; the origin without one."""
    docks = read_site(site).docks if site is not None else ()
    return docks[0].pose if docks else IDENTITY2


def main() -> None:
    """Entry point of ``ros2 run patrol_ros slam``."""
    run_node("slam", SlamNode)


if __name__ == "__main__":
    main()
