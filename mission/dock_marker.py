# SPDX-License-Identifier: Apache-2.0
"""The dock's marker: a flat plate of known width that the lidar sees, from which the dock's place is known better than from
the map.

The plate is looked for only where the map has the dock, and only a straight piece of the right width, free on both sides, counts:
a longer wall or a narrower post is none. A line is fitted by total least squares to the points between the plate's ends.
"""

from __future__ import annotations

import math

import numpy as np
from pydantic import Field

from patrol.checks import Floats
from patrol.config import Config
from patrol.geometry import Pose2


class DockMarkerConfig(Config):
    """The plate is ``width_m`` wide and stands ``behind_m`` behind the docked robot's middle, facing as it does. It is looked for
    ``within_m`` around that, once the robot is ``near_m`` from the dock; ``free_m`` beside it must be empty."""

    width_m: float = Field(default=0.7, gt=0.1)
    behind_m: float = Field(default=0.75, gt=0)
    near_m: float = Field(default=4.0, gt=0)
    within_m: float = Field(default=0.6, gt=0)
    turned_rad: float = Field(default=0.35, gt=0)
    free_m: float = Field(default=0.25, gt=0)
    width_slack_m: float = Field(default=0.12, gt=0)
    flat_m: float = Field(default=0.04, gt=0)
    points: int = Field(default=8, ge=3)


def dock_seen(points_map_m: Floats, dock: Pose2, config: DockMarkerConfig) -> Pose2 | None:
    """Where the marker shows the dock to be, from a scan's points (N, 2) m in map and where the map has it; None where no
    plate, or more than one, fits."""
    if not len(points_map_m):
        return None
    points = dock.inverse().apply(points_map_m)
    reach_y = config.within_m + 0.5 * config.width_m + config.free_m
    near = (np.abs(points[:, 0] + config.behind_m) < config.within_m) & (np.abs(points[:, 1]) < reach_y)
    strip = points[near][np.argsort(points[near][:, 1])]
    found = [fit for piece in _pieces(strip, config.free_m) if (fit := _plate(piece, config)) is not None]
    return dock @ found[0] if len(found) == 1 else None


def _pieces(strip_m: Floats, free_m: float) -> list[Floats]:
    """The points (N, 2) m, sorted along y, parted where nothing is for ``free_m`` or where the depth jumps by as much."""
    if len(strip_m) == 0:
        return []
    gaps = np.hypot(*np.diff(strip_m, axis=0).T) >= free_m
    return list(np.split(strip_m, np.flatnonzero(gaps) + 1))


def _plate(piece_m: Floats, config: DockMarkerConfig) -> Pose2 | None:
    """Where the dock is, seen from where it was thought to be, if these points are the plate."""
    if len(piece_m) < config.points:
        return None
    middle = piece_m.mean(axis=0)
    _, _, axes = np.linalg.svd(piece_m - middle, full_matrices=False)
    along = axes[0] * math.copysign(1.0, axes[0][1])
    across = np.array([along[1], -along[0]])
    on = (piece_m - middle) @ along
    off = (piece_m - middle) @ across
    width = float(on.max() - on.min())
    turned = math.atan2(across[1], across[0])
    if float(np.abs(off).max()) > config.flat_m or abs(width - config.width_m) > config.width_slack_m:
        return None
    if abs(turned) > config.turned_rad:
        return None
    centre = middle + 0.5 * float(on.max() + on.min()) * along
    if math.hypot(float(centre[0]) + config.behind_m, float(centre[1])) > config.within_m:
        return None
    place = centre + config.behind_m * across
    return Pose2(float(place[0]), float(place[1]), turned)
