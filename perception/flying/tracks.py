# SPDX-License-Identifier: Apache-2.0
"""What flies as tracks on the map: drones, birds and thrown things, each with a place, a height and how well they are known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from patrol.checks import Floats
from patrol.clock import seconds
from patrol.estimate import PoseEstimate
from patrol.geometry import Pose2, Pose3
from patrol.percepts import Box, GroundPosition, Label, Track, TrackState
from patrol.sensors import CameraModel, Image, PointCloud
from perception.flying.config import FlyingConfig
from perception.flying.kinds import FlyerKind
from perception.flying.paths import Path
from perception.flying.ranging import apparent_rad
from perception.flying.watch import Flyer, FlyerWatch

FIRST_ID = 2_000_001
_LABELS: Mapping[FlyerKind, Label] = MappingProxyType(
    {FlyerKind.DRONE: Label.DRONE, FlyerKind.BIRD: Label.BIRD, FlyerKind.THROWN: Label.THROWN}
)
AIRBORNE = frozenset(_LABELS.values())
_BODY_MOST, _BESIDE_PX = 10, 6.0
_DIRECTION_STD_RAD, _STILL_STD_M = 0.01, 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot3:
    """A place (3,) m and a velocity (3,) m/s in odom, with the place's covariance (3, 3), and half the thing's size."""

    place_m: Floats
    velocity_mps: Floats
    covariance_m2: Floats
    half_m: float


class FlyerTracks:
    """The watch of the air of one robot, told as tracks. A thing that was thrown is told where it was launched before it is
    told where it is: what a parabola says of its beginning is known only once it bends."""

    def __init__(
        self,
        config: FlyingConfig,
        camera: CameraModel,
        *,
        thermal: CameraModel | None = None,
        base_from_lidar: Pose3 | None = None,
    ) -> None:
        self._config, self._camera = config, camera
        self._watch = FlyerWatch(config, colour=camera, thermal=thermal, base_from_lidar=base_from_lidar)
        self._told: dict[int, Track] = {}
        self._in_bodies: dict[int, int] = {}

    def know_thermal(self, thermal: CameraModel) -> None:
        """Use this thermal camera from now on."""
        self._watch.know_thermal(thermal)

    def on_thermal(self, image: Image, odom_from_base: Pose2) -> None:
        """Look at a thermal picture, taken at this pose."""
        self._watch.on_thermal(image, odom_from_base)

    def on_cloud(self, cloud: PointCloud, odom_from_base: Pose2) -> None:
        """Look at a lidar revolution that began at this pose."""
        self._watch.on_cloud(cloud, odom_from_base)

    def on_image(self, image: Image, estimate: PoseEstimate, bodies: Sequence[Track] = ()) -> tuple[Track, ...]:
        """Look at a colour picture and tell all that flies; what is gone is told once more as ended. What stays in the boxes of
        ``bodies`` (people, animals, vehicles that are followed) is part of them."""
        self._watch.on_colour(image, estimate.odom_from_base)
        self._note_bodies(bodies, estimate.odom_from_base, image.stamp_ns)
        tracks = {
            flyer.item.number: self._track(flyer, estimate, image.stamp_ns)
            for flyer in self._watch.flyers()
            if flyer.kind in _LABELS and not self._in_bodies[flyer.item.number] and self._is_due(flyer, image.stamp_ns)
        }
        ended = [_ended(track, image.stamp_ns) for number, track in self._told.items() if number not in tracks]
        self._told = tracks
        return (*tracks.values(), *ended)

    def _is_due(self, flyer: Flyer, stamp_ns: int) -> bool:
        """Whether it can be told: of something thrown, once it is known well where it came from, or is seen no more."""
        path, number = flyer.judged.path, flyer.item.number
        if path is None or (number in self._told and self._told[number].label is Label.THROWN):
            return True
        gone = seconds(stamp_ns - flyer.item.last.stamp_ns) > self._config.fresh_s
        return gone or path.launch_std_m <= self._config.kinds.thrown.launch_std_m

    def _note_bodies(self, bodies: Sequence[Track], odom_from_base: Pose2, stamp_ns: int) -> None:
        """Count for how many pictures each thing has been in the box of a body, and as many again that it was not."""
        boxes = [track.box for track in bodies if track.box is not None]
        known, self._in_bodies = self._in_bodies, {}
        for flyer in self._watch.flyers():
            ((x_px, y_px),) = self._pixels(flyer, odom_from_base, stamp_ns).tolist()
            step = 1 if any(_is_in(box, x_px, y_px) for box in boxes) else -1
            self._in_bodies[flyer.item.number] = min(max(known.get(flyer.item.number, 0) + step, 0), _BODY_MOST)

    def _pixels(self, flyer: Flyer, odom_from_base: Pose2, stamp_ns: int) -> Floats:
        """Where it is in the colour picture (1, 2); NaN behind the camera."""
        optical_from_odom = (Pose3.from_pose2(odom_from_base) @ self._camera.base_from_optical).inverse()
        return self._camera.project([optical_from_odom.rotation @ flyer.item.expected(stamp_ns)])

    def _track(self, flyer: Flyer, estimate: PoseEstimate, stamp_ns: int) -> Track:
        item = flyer.item
        before = self._told.get(item.number)
        spot = self._placed(flyer, is_new=before is None or before.label is not _LABELS[flyer.kind])
        fresh_s = self._config.follow.coast_s if flyer.judged.path is not None else self._config.fresh_s
        state: TrackState = "confirmed" if seconds(stamp_ns - item.last.stamp_ns) <= fresh_s else "coasting"
        return Track(
            track_id=FIRST_ID - 1 + item.number,
            label=_LABELS[flyer.kind],
            state=state,
            stamp_ns=stamp_ns,
            first_seen_ns=item.first_ns,
            last_seen_ns=stamp_ns if state == "confirmed" else min(item.last.stamp_ns, stamp_ns),
            hits=item.hits,
            score=flyer.judged.score,
            box=self._box(flyer, estimate.odom_from_base, stamp_ns),
            ground=_on_map(spot, estimate),
            floor=estimate.floor,
            top_m=float(spot.place_m[2]) + spot.half_m,
        )

    def _placed(self, flyer: Flyer, *, is_new: bool) -> _Spot3:
        item, path = flyer.item, flyer.judged.path
        if path is not None:
            return _falling(
                path, path.launched_s if is_new else seconds(item.last.stamp_ns - path.began_ns), apparent_rad(item.seen)
            )
        range_m, range_std_m = flyer.ruler.range_m(item)
        last, later = item.last, item.expected(item.last.stamp_ns + 100_000_000)
        before = item.expected(item.last.stamp_ns)
        along = np.outer(last.direction, last.direction)
        across_m = max(range_m * _DIRECTION_STD_RAD, _STILL_STD_M)
        return _Spot3(
            place_m=last.origin_m + range_m * last.direction,
            velocity_mps=range_m * (later - before) / 0.1,
            covariance_m2=range_std_m**2 * along + across_m**2 * (np.eye(3) - along),
            half_m=0.5 * range_m * apparent_rad(item.seen),
        )

    def _box(self, flyer: Flyer, odom_from_base: Pose2, stamp_ns: int) -> Box | None:
        """Where it is in the colour picture; None outside of it."""
        camera, last = self._camera, flyer.item.last
        ((x_px, y_px),) = self._pixels(flyer, odom_from_base, stamp_ns).tolist()
        half = (0.5 * camera.fx_px * max(last.width_rad, 0.004), 0.5 * camera.fy_px * max(last.height_rad, 0.004))
        low = np.maximum((x_px - half[0], y_px - half[1]), 0.0)
        high = np.minimum((x_px + half[0], y_px + half[1]), (camera.width_px, camera.height_px))
        if not (high - low >= 1.0).all():
            return None
        return Box(x0_px=float(low[0]), y0_px=float(low[1]), x1_px=float(high[0]), y1_px=float(high[1]))


def _falling(path: Path, time_s: float, apparent: float) -> _Spot3:
    place, velocity, covariance = path.at(time_s)
    still = _STILL_STD_M**2 * np.eye(3)
    return _Spot3(place_m=place, velocity_mps=velocity, covariance_m2=covariance + still, half_m=0.5 * apparent * path.range_m)


def _on_map(spot: _Spot3, estimate: PoseEstimate) -> GroundPosition:
    """The place below it on the map; the pose's own covariance is added."""
    map_from_odom = estimate.map_from_odom
    cos, sin = math.cos(map_from_odom.yaw_rad), math.sin(map_from_odom.yaw_rad)
    turn = np.array([[cos, -sin], [sin, cos]])
    place = map_from_odom.apply(spot.place_m[None, :2])[0]
    robot = estimate.map_from_base
    lever = np.array([-(place[1] - robot.y_m), place[0] - robot.x_m])
    by_pose = np.column_stack((np.eye(2), lever))
    covariance = turn @ spot.covariance_m2[:2, :2] @ turn.T + by_pose @ estimate.covariance @ by_pose.T
    return GroundPosition(
        position_m=place, velocity_mps=turn @ spot.velocity_mps[:2], covariance_m2=0.5 * (covariance + covariance.T)
    )


def _is_in(box: Box, x_px: float, y_px: float) -> bool:
    """Whether a pixel is in a box, or not far out of it."""
    across, down = 0.25 * box.width_px + _BESIDE_PX, 0.15 * box.height_px + _BESIDE_PX
    return box.x0_px - across <= x_px <= box.x1_px + across and box.y0_px - down <= y_px <= box.y1_px + down


def _ended(track: Track, stamp_ns: int) -> Track:
    return Track(
        track_id=track.track_id,
        label=track.label,
        state="ended",
        stamp_ns=stamp_ns,
        first_seen_ns=track.first_seen_ns,
        last_seen_ns=track.last_seen_ns,
        hits=track.hits,
        score=track.score,
        box=None,
        ground=track.ground,
        floor=track.floor,
    )
