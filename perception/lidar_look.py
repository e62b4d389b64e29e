# SPDX-License-Identifier: Apache-2.0
"""What the lidar tells besides distances, once a second: things put down or taken away, vehicles that drove, and the weather."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np

from patrol.air import Sky
from patrol.clock import seconds
from patrol.estimate import PoseEstimate
from patrol.geometry import Pose2, Pose3, wrap_angle
from patrol.percepts import Track
from patrol.sensors import PointCloud
from patrol.site import Site
from perception.air_watch import AirConfig, AirWatch
from perception.departures import DepartureConfig, Departures
from perception.still_things import StillThings, StillThingsConfig

_TURNS_FROM_RADPS = 0.12
_SILENT_LOOKS = 3.0


class LidarLookConfig(Protocol):
    """The parts of the perception's configuration that are used here."""

    @property
    def air(self) -> AirConfig: ...

    @property
    def departures(self) -> DepartureConfig: ...

    @property
    def still_things(self) -> StillThingsConfig: ...


class _Kept(NamedTuple):
    """One revolution, and where the robot was, if that is good enough to look for things."""

    cloud: PointCloud
    map_from_base: Pose2 | None


class LidarLook:
    """One lidar's slow eyes. Things are only looked for on a site, while the pose is trusted and the robot does not turn: a
    revolution takes a tenth of a second, in which a turn smears what is far."""

    def __init__(self, config: LidarLookConfig, base_from_lidar: Pose3, site: Site | None) -> None:
        self._base_from_lidar = base_from_lidar
        self._air = AirWatch(config.air)
        self._departures = Departures(config.departures)
        self._still = None if site is None else StillThings(config.still_things)
        self._every_s = config.still_things.every_s
        self._last: tuple[int, Pose2] | None = None
        self._kept_ns: int | None = None
        self._kept: _Kept | None = None
        self._tracks: tuple[Track, ...] = ()

    @property
    def sky(self) -> Sky | None:
        """What the sky is like; None until enough has been seen."""
        return self._air.sky

    def on_cloud(self, cloud: PointCloud, estimate: PoseEstimate) -> None:
        """Keep a revolution for ``look``, if it is time for one, taken at about the time of ``estimate``."""
        turns = self._turns(cloud.stamp_ns, estimate.odom_from_base)
        if self._kept_ns is not None and 0 <= seconds(cloud.stamp_ns - self._kept_ns) < self._every_s:
            return
        self._kept_ns, self._kept = cloud.stamp_ns, _Kept(cloud, None if turns or estimate.doubt else estimate.map_from_base)

    def look(self) -> None:
        """Look at the revolution that was kept last, once. This takes its time."""
        kept, self._kept = self._kept, None
        if kept is None:
            return
        points = kept.cloud.points_m.astype(np.float64)
        self._air.look(points)
        if kept.map_from_base is None:
            return
        map_from_lidar = Pose3.from_pose2(kept.map_from_base) @ self._base_from_lidar
        self._departures.look(points, map_from_lidar, self._tracks, kept.cloud.stamp_ns)
        if self._still is not None:
            self._still.look(points, map_from_lidar, self._tracks, kept.cloud.stamp_ns)

    def driven(self, tracks: tuple[Track, ...], stamp_ns: int) -> tuple[Track, ...]:
        """The tracks in the picture at ``stamp_ns``, the vehicles with how far they were seen to drive; as they are while no
        revolutions come."""
        is_silent = self._kept_ns is None or seconds(stamp_ns - self._kept_ns) > _SILENT_LOOKS * self._every_s
        return tracks if is_silent else self._departures.told(tracks)

    def things(self, tracks: tuple[Track, ...], stamp_ns: int) -> tuple[Track, ...]:
        """The things put down or taken away, as tracks; ``tracks`` are what the camera follows in the picture at ``stamp_ns``."""
        self._tracks = tracks
        return () if self._still is None else self._still.tracks(stamp_ns)

    def _turns(self, stamp_ns: int, odom_from_base: Pose2) -> bool:
        before, self._last = self._last, (stamp_ns, odom_from_base)
        if before is None or stamp_ns <= before[0]:
            return True
        turned_rad = abs(wrap_angle(odom_from_base.yaw_rad - before[1].yaw_rad))
        return turned_rad / seconds(stamp_ns - before[0]) >= _TURNS_FROM_RADPS
