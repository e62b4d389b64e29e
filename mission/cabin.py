# SPDX-License-Identifier: Apache-2.0
"""The cabin of a lift as a robot drives it: where it waits, where it stands inside, and the line of the doors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import LineString, Point, Polygon

from patrol.geometry import Pose2
from patrol.site import Lift, Site

STAND_OFF_M = 1.6
"""How far from the doors a robot waits: people must get out past it."""
_ROOM_M = 0.3
"""What is this close to the walls of the cabin is taken for a wall."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cabin:
    """Poses in map: ``landing`` in front of the doors facing in, ``middle`` of the cabin; ``doorway`` is the side that the doors
    are in, ``room`` what is inside but for the walls."""

    lift: Lift
    landing: Pose2
    middle: Pose2
    doorway: LineString
    room: Polygon

    @property
    def name(self) -> str:
        return self.lift.name or self.lift.lift_id

    def holds(self, pose: Pose2, floor: int) -> bool:
        """Whether the robot's middle is inside."""
        return floor in self.lift.levels and bool(self.lift.outline.contains(Point(pose.x_m, pose.y_m)))


def cabins_of(site: Site) -> tuple[Cabin, ...]:
    """The lifts of the site that say which way their doors face; the others are ramps, which need no asking."""
    return tuple(_cabin(lift, lift.doors_face_rad) for lift in site.lifts if lift.doors_face_rad is not None)


def _cabin(lift: Lift, face_rad: float) -> Cabin:
    out, along = np.array([math.cos(face_rad), math.sin(face_rad)]), np.array([-math.sin(face_rad), math.cos(face_rad)])
    middle = np.array(lift.outline.centroid.coords[0])
    corners = shapely.get_coordinates(lift.outline.exterior) - middle
    front_m, sides_m = float((corners @ out).max()), corners @ along
    ends = [middle + out * front_m + along * side_m for side_m in (sides_m.min(), sides_m.max())]
    x_m, y_m = (middle + out * (front_m + STAND_OFF_M)).tolist()
    return Cabin(
        lift=lift,
        landing=Pose2(x_m, y_m, math.remainder(face_rad + math.pi, 2.0 * math.pi)),
        middle=Pose2(float(middle[0]), float(middle[1]), face_rad),
        doorway=LineString(ends),
        room=lift.outline.buffer(-_ROOM_M),
    )
