# SPDX-License-Identifier: Apache-2.0
"""Looks at pictures, follows what is in the air, and says what it is."""

from __future__ import annotations

from dataclasses import dataclass, field

from patrol.geometry import Pose2, Pose3
from patrol.sensors import CameraModel, Image, PointCloud
from perception.flying.config import FlyingConfig
from perception.flying.eyes import ColourEye, ThermalEye
from perception.flying.following import Followed, Follower
from perception.flying.kinds import FlyerKind, Judge, Judged
from perception.flying.ranging import Ruler
from perception.flying.sighting import Sighting


@dataclass(slots=True, kw_only=True)
class Flyer:
    """One thing in the air: its sightings, what it is, and how large."""

    item: Followed
    judge: Judge
    ruler: Ruler
    judged: Judged = field(default_factory=Judged)

    @property
    def kind(self) -> FlyerKind:
        return self.judged.kind


class FlyerWatch:
    """Follows what is in the air before a robot's cameras. Pictures of one camera come in the order of their stamps; those of two
    may come a little out of it."""

    def __init__(
        self,
        config: FlyingConfig,
        *,
        colour: CameraModel | None = None,
        thermal: CameraModel | None = None,
        base_from_lidar: Pose3 | None = None,
    ) -> None:
        self._config = config
        self._follower = Follower(config.follow)
        self._known: dict[int, Flyer] = {}
        self._colour = None if colour is None else ColourEye(config, colour)
        self._thermal = None if thermal is None else ThermalEye(config, thermal)
        self._base_from_lidar = base_from_lidar

    def know_thermal(self, thermal: CameraModel) -> None:
        """Use this thermal camera from now on."""
        self._thermal = ThermalEye(self._config, thermal)

    def on_colour(self, image: Image, odom_from_base: Pose2) -> None:
        """Look at a colour picture, taken at this pose."""
        if self._colour is not None:
            self._take_in(self._colour.look(image, Pose3.from_pose2(odom_from_base)), image.stamp_ns)

    def on_thermal(self, image: Image, odom_from_base: Pose2) -> None:
        """Look at a thermal picture, taken at this pose. Raises BadValue for a colour picture."""
        if self._thermal is not None:
            self._take_in(self._thermal.look(image, Pose3.from_pose2(odom_from_base)), image.stamp_ns)

    def on_cloud(self, cloud: PointCloud, odom_from_base: Pose2) -> None:
        """Measure, with a lidar revolution that began at this pose, what is known to fly."""
        known = [flyer for flyer in self._known.values() if flyer.judge.has_moved]
        if not known or self._base_from_lidar is None:
            return
        points = (Pose3.from_pose2(odom_from_base) @ self._base_from_lidar).apply(cloud.points_m)
        for flyer in known:
            flyer.ruler.measure(flyer.item, points, cloud.time_s, cloud.stamp_ns)

    def flyers(self) -> tuple[Flyer, ...]:
        """All that is known to fly, and what it is, in the order of their numbers."""
        known = (self._known[item.number] for item in self._follower.followed if item.number in self._known)
        return tuple(flyer for flyer in known if flyer.kind is not FlyerKind.UNKNOWN)

    def _take_in(self, sightings: list[Sighting], stamp_ns: int) -> None:
        self._follower.take_in(sightings, stamp_ns)
        for gone in self._follower.forget(stamp_ns):
            self._known.pop(gone.number, None)
        for item in self._follower.followed:
            if item.last.stamp_ns == stamp_ns:
                flyer = self._known.get(item.number) or self._known.setdefault(item.number, self._new(item))
                flyer.judged = flyer.judge.judge(item)

    def _new(self, item: Followed) -> Flyer:
        return Flyer(item=item, judge=Judge(self._config.kinds), ruler=Ruler(self._config.ranging))
