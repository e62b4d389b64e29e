# SPDX-License-Identifier: Apache-2.0
"""The lidar says how far the things in the boxes are: returns inside a box, in groups.

What goes on above the box, a lamp post before the thing or a wall behind it, is not the thing; nor is what is so far that a
person who fills the box there would be a giant. A fence between the robot and somebody goes on straight to both sides of the box,
and so near that who fills it there would be a dwarf: it is not they, and what is behind it the lidar does not tell. Where the
site has a fence, what goes on straight to both sides is that fence however high they would be there: who is seen is behind it.
What is low in the box, with something farther in view above it, is a thing before somebody; what is narrow in a vehicle's box is
a post or a person before it or behind it.
Where beams go through a box to what is far behind it, and nothing near returns there, nobody is near, however large they look: a
box may hold more than them, as the post of the fence that they climb.
Which of the other groups is the thing, and which is something else before or behind it, is left to who knows more
(``ground_filter``).

Beams without a return leave no trace in a cloud. That they went into a box all the same is known from the rings, whose elevations
are those from which anything ever came back, and from what came back in this very revolution below or above the box: a sector in
which the lidar is blind tells nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely
from pydantic import Field
from shapely.geometry.base import BaseGeometry

from patrol.checks import Floats
from patrol.clock import NS_PER_S, seconds
from patrol.config import Config
from patrol.geometry import Pose2, Pose3
from patrol.percepts import Box, Label, Track
from patrol.sensors import CameraModel, PointCloud, Scan
from perception.ground import Located
from perception.pose_trail import PoseTrail

_NEAR_M, _SAMPLES = 8.0, 32
_EDGE_PX, _BESIDE_PX = 2.0, 20.0
_ALONG_M, _ALONG_STEP_M = 8.0, 0.1
_ACROSS, _DOWN = 0.25, 0.08
"""Shares of a box on each side that do not belong to its middle."""


class RangingConfig(Config):
    """Which returns may belong to a thing, and how well a group of them tells where it is."""

    stale_after_s: float = Field(default=0.25, gt=0.0)
    above_ground_m: float = Field(default=0.15, ge=0.0)
    below_m: float = Field(default=4.5, gt=0.0)
    points_min: int = Field(default=2, ge=1)
    through_min: int = Field(default=3, ge=1, description="so many beams to the ground, and none to a thing, look through a box")
    group_gap_m: float = Field(default=0.6, gt=0.0, description="a larger step in range parts two groups")
    above_min: int = Field(default=1, ge=1, description="so many returns above a box, narrow as a post, say that it goes on")
    before_m: float = Field(default=0.2, gt=0.0, description="so much nearer than what goes on above the box is before it")
    giant_m: float = Field(default=2.6, gt=0.0, description="nobody is so high, with an arm up")
    dwarf_m: float = Field(default=1.3, ge=0.0, description="who is less high in a surface is behind it")
    surface_m: float = Field(default=0.15, gt=0.0, description="returns of one surface lie so near to a straight line")
    surface_min: int = Field(default=2, ge=1, description="so many returns on either side of a box say that a surface goes on")
    fence_off_m: float = Field(default=0.75, gt=0.0, description="a fence is seen so near to where the site has it")
    fence_within_m: float = Field(
        default=14.0, gt=0.0, description="it is looked for so near; farther off a climber's returns count"
    )
    on_fence_m: float = Field(default=0.4, ge=0.0, description="what is so near to a fence of the site may be that fence")
    behind_m: float = Field(default=2.1, gt=0.0, description="who would be higher in a fence is not behind it")
    rings_min: int = Field(default=2, ge=1, description="so many rings must cross a box whose emptiness tells something")
    vehicle_share: float = Field(default=0.2, ge=0.0, le=0.5, description="a vehicle's returns span so much of its box's width")
    body_radius_m: float = Field(default=0.15, ge=0.0, description="from the surface that was hit to the middle")
    range_std_m: float = Field(default=0.12, gt=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranged:
    """What the lidar tells of a track into whose box beams go: ``places`` in base_link where it may stand, nearest first; none
    where it has nothing of its own, or where a fence of the site is before it, ``fence_m`` away. Those that ``may_be_fence``
    (indices of places) lie on a fence of the site: they are it, or somebody on it or right beside it. Nobody in the box is nearer
    than ``clear_m``: beams go through it, and nothing in it or beside it returns any sooner."""

    places: tuple[Located, ...] = ()
    fence_m: float | None = None
    clear_m: float = 0.0
    may_be_fence: frozenset[int] = frozenset()


class _Kept(NamedTuple):
    """One revolution: returns (N, 3) m, each in base_link as that was ``time_s`` (N,) after ``stamp_ns``."""

    stamp_ns: int
    time_s: Floats
    points_base: Floats
    trail: PoseTrail

    def points_odom(self) -> Floats:
        """The returns (N, 3) m in odom."""
        x_m, y_m, yaw_rad = self.trail.at(self.stamp_ns + np.rint(self.time_s * NS_PER_S).astype(np.int64)).T
        cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
        ahead_m, left_m, up_m = self.points_base.T
        return np.column_stack((x_m + cos * ahead_m - sin * left_m, y_m + sin * ahead_m + cos * left_m, up_m))


class LidarRanger:
    """Keeps the newest returns and looks up how far tracks may be in them. ``fences`` are lines in map that cameras look
    through."""

    def __init__(
        self, camera: CameraModel, base_from_lidar: Pose3, config: RangingConfig, fences: BaseGeometry | None = None
    ) -> None:
        self._camera = camera
        self._base_from_lidar = base_from_lidar
        self._config = config
        self._fences = fences
        self._kept: _Kept | None = None
        self._rings: npt.NDArray[np.bool_] = np.zeros(181, dtype=np.bool_)
        self._is_raised: npt.NDArray[np.bool_] = np.zeros(0, dtype=np.bool_)
        self._is_cloud = False

    def on_cloud(self, cloud: PointCloud, trail: PoseTrail) -> None:
        """Keep the returns of ``cloud``; ``trail`` tells where the robot was at the time of each, by when they are looked up."""
        self._rings[_elevations_deg(cloud.points_m)] = True
        self._is_cloud = True
        points = self._base_from_lidar.apply(cloud.points_m)
        low = points[:, 2] <= self._config.below_m
        self._is_raised = points[low, 2] >= self._config.above_ground_m
        self._kept = _Kept(cloud.stamp_ns, cloud.time_s[low].astype(np.float64), points[low], trail)

    def on_scan(self, scan: Scan, trail: PoseTrail) -> None:
        """Keep the returns of a planar ``scan`` instead; they lie in the lidar's own plane."""
        self._is_cloud = False
        flat = scan.points_m()
        points = self._base_from_lidar.apply(np.column_stack((flat, np.zeros(len(flat)))))
        self._is_raised = np.ones(len(points), dtype=np.bool_)
        time_s = scan.beam_step_s * np.flatnonzero(scan.valid()).astype(np.float64)
        self._kept = _Kept(scan.stamp_ns, time_s, points, trail)

    def ranges(
        self, tracks: tuple[Track, ...], stamp_ns: int, odom_from_base: Pose2, map_from_base: Pose2 | None = None
    ) -> dict[int, Ranged]:
        """Where the tracks seen in the picture at ``stamp_ns`` may stand, by track id: a place for every solid group of returns
        in the track's box. One with nothing but what goes on above its box or is far behind it, or with beams that go through it,
        has no place; a track into whose box no beams are known to go, or none but to some surface before it, is left out. Only
        with ``map_from_base`` are fences known for what they are."""
        seen = [
            (track.track_id, track.label, track.box)
            for track in tracks
            if track.box is not None and track.last_seen_ns == stamp_ns
        ]
        kept = self._kept
        if kept is None or not seen or abs(seconds(stamp_ns - kept.stamp_ns)) > self._config.stale_after_s:
            return {}
        points = Pose3.from_pose2(odom_from_base.inverse()).apply(kept.points_odom())
        pixels = self._camera.project(self._camera.base_from_optical.inverse().apply(points))
        looks: dict[int, Ranged] = {}
        for track_id, label, box in seen:
            ranged = self._groups_in(box, label, points, pixels, map_from_base)
            if ranged is not None:
                looks[track_id] = replace(ranged, clear_m=self._clear_m(box, points, pixels))
        return looks

    def _clear_m(self, box: Box, points: Floats, pixels: Floats) -> float:
        """How far nothing returns in ``box``, or beside it by its width; 0 unless some beams return from the middle of it."""
        if np.count_nonzero(_in_core(box, pixels) & self._is_raised) < self._config.through_min:
            return 0.0
        aside_px = np.maximum(box.x0_px - pixels[:, 0], pixels[:, 0] - box.x1_px)
        level = (pixels[:, 1] >= box.y0_px) & (pixels[:, 1] <= box.y1_px)
        near = points[self._is_raised & level & (aside_px <= box.width_px), :2]
        return max(float(np.hypot(near[:, 0], near[:, 1]).min()) - self._config.group_gap_m, 0.0)

    def _groups_in(self, box: Box, label: Label, points: Floats, pixels: Floats, map_from_base: Pose2 | None) -> Ranged | None:
        """A place for every group; None where there is none and no beams are known to go."""
        core = _in_core(box, pixels)
        inside, at_px = points[core & self._is_raised, :2], pixels[core & self._is_raised]
        is_looked_into = np.count_nonzero(core) >= self._config.through_min or self._looks_into(box, pixels)
        if not len(inside):
            return Ranged() if is_looked_into else None
        distance, above = np.hypot(inside[:, 0], inside[:, 1]), points[_is_above(box, pixels) & self._is_raised, :2]
        higher = np.hypot(above[:, 0], above[:, 1])
        order = np.argsort(distance, kind="stable")
        groups = np.split(order, np.flatnonzero(np.diff(distance[order]) > self._config.group_gap_m) + 1)
        solid = [group for group in groups if len(group) >= self._config.points_min]
        sides: tuple[Floats, Floats] | None = None
        if label is Label.PERSON:
            solid = [group for group in solid if self._height_m(box, distance[group]) < self._config.giant_m]
            sides = self._beside(box, points, pixels)
        others = [group for group in solid if self._is_of_another(box, label, group, (distance, at_px))]
        if others and len(others) == len(solid):
            return None
        solid = [group for group in solid if not any(group is other for other in others)]
        fences = [sides is not None and self._is_fence(box, inside[group], sides, map_from_base) for group in solid]
        kept = (group[self._is_own(distance[group], higher)] for group, fence in zip(solid, fences, strict=True) if not fence)
        own = [inside[group] for group in kept if len(group) >= self._config.points_min]
        free = [group for group in own if sides is None or not self._is_screen(box, group, sides)]
        if free:
            fenced = [sides is not None and self._is_on_fence(group, map_from_base) for group in free]
            places = (self._place(group, box, map_from_base if at else None) for group, at in zip(free, fenced, strict=True))
            return Ranged(places=tuple(places), may_be_fence=frozenset(np.flatnonzero(fenced).tolist()))
        if fences and fences[0]:
            return Ranged(fence_m=float(np.median(distance[solid[0]])))
        return Ranged() if not own and (solid or is_looked_into) else None

    def _looks_into(self, box: Box, pixels: Floats) -> bool:
        """Whether beams that would return from a near body go into the middle of ``box``."""
        if not self._is_cloud:
            return False
        across, down = _ACROSS * box.width_px, _DOWN * box.height_px
        low_px, high_px = box.x0_px + across, box.x1_px - across
        beside = np.count_nonzero((pixels[:, 0] >= low_px) & (pixels[:, 0] <= high_px))
        if beside < self._config.through_min:
            return False
        column = np.column_stack(
            (np.full(_SAMPLES, 0.5 * (low_px + high_px)), np.linspace(box.y0_px + down, box.y1_px - down, _SAMPLES))
        )
        ahead = self._camera.base_from_optical.apply(self._camera.rays(column) * _NEAR_M)
        elevations = _elevations_deg(self._base_from_lidar.inverse().apply(ahead))
        return len(np.unique(elevations[self._rings[elevations]])) >= self._config.rings_min

    def _height_m(self, box: Box, distance_m: Floats) -> float:
        """How high what fills ``box`` is at the nearest of these distances."""
        return float(distance_m.min()) * box.height_px / self._camera.fy_px

    def _is_cut(self, box: Box) -> bool:
        """Whether the upper or the lower edge of the picture may cut off some of what is in ``box``."""
        return box.y0_px <= _EDGE_PX or box.y1_px >= self._camera.height_px - _EDGE_PX

    def _beside(self, box: Box, points: Floats, pixels: Floats) -> tuple[Floats, Floats]:
        """The returns (N, 2) m left and right of ``box``, as far as it is wide, or a little more."""
        level = self._is_raised & (pixels[:, 1] >= box.y0_px) & (pixels[:, 1] <= box.y1_px)
        reach_px, x_px = max(box.width_px, _BESIDE_PX), pixels[:, 0]
        left = level & (x_px < box.x0_px) & (x_px >= box.x0_px - reach_px)
        right = level & (x_px > box.x1_px) & (x_px <= box.x1_px + reach_px)
        return points[left, :2], points[right, :2]

    def _is_screen(self, box: Box, group: Floats, sides: tuple[Floats, Floats]) -> bool:
        """Whether a group of returns (N, 2) m belongs to a straight surface that goes on to both sides, and is too near to be who
        fills ``box``."""
        is_near = self._height_m(box, np.hypot(group[:, 0], group[:, 1])) < self._config.dwarf_m
        return is_near and not self._is_cut(box) and self._goes_on(group, sides)

    def _is_of_another(
        self, box: Box, label: Label, group: npt.NDArray[np.int64], returns: tuple[Floats, npt.NDArray[np.floating]]
    ) -> bool:
        """Whether a group, indices of the ``returns`` in ``box`` (ranges in m and pixels), can not be what fills the box: for a
        person, it ends in the lower half and beams go on above it there, to what is farther (a bench before somebody); for a
        vehicle, it is narrow (a post, a person)."""
        distance_m, at_px = returns
        if label is Label.VEHICLE:
            return float(np.ptp(at_px[group, 0])) < self._config.vehicle_share * box.width_px
        top_px = at_px[group, 1].min()
        farther = (at_px[:, 1] < top_px) & (distance_m > distance_m[group].max() + self._config.group_gap_m)
        return label is Label.PERSON and bool(top_px > 0.5 * (box.y0_px + box.y1_px) and farther.any())

    def _is_fence(self, box: Box, group: Floats, sides: tuple[Floats, Floats], map_from_base: Pose2 | None) -> bool:
        """Whether a group of returns (N, 2) m belongs to a fence of the site that goes on to both sides, and is not too far for
        who fills ``box`` to be behind it."""
        if self._fences is None or map_from_base is None or not self._goes_on(group, sides):
            return False
        distance_m = np.hypot(group[:, 0], group[:, 1])
        if np.median(distance_m) > self._config.fence_within_m or self._height_m(box, distance_m) >= self._config.behind_m:
            return False
        middles = map_from_base.apply(np.array([np.median(part, axis=0) for part in (group, *sides)]))
        return bool((shapely.distance(shapely.points(middles), self._fences) <= self._config.fence_off_m).all())

    def _is_on_fence(self, group: Floats, map_from_base: Pose2 | None) -> bool:
        """Whether most of a group of returns (N, 2) m lie on a fence of the site."""
        if self._fences is None or map_from_base is None:
            return False
        away_m = shapely.distance(shapely.points(map_from_base.apply(group)), self._fences)
        return bool(np.median(away_m) <= self._config.on_fence_m)

    def _goes_on(self, group: Floats, sides: Sequence[Floats]) -> bool:
        """Whether a group of returns (N, 2) m lies on a straight line with most of those left and right of it."""
        config = self._config
        if min(len(side) for side in sides) < config.surface_min:
            return False
        left, right = (np.median(side, axis=0) for side in sides)
        along = (right - left) / max(math.dist(left, right), 1e-6)
        on_it = [np.abs((part - left) @ np.array([-along[1], along[0]])) <= config.surface_m for part in (group, *sides)]
        return bool(on_it[0].all()) and all(np.count_nonzero(on) >= max(config.surface_min, 0.5 * len(on)) for on in on_it[1:])

    def _is_own(self, distance_m: Floats, higher_m: Floats) -> npt.NDArray[np.bool_]:
        """Mask (N,) of a group's returns that may be the thing: all, or those before what goes on above the box among them."""
        slack_m = 0.5 * self._config.group_gap_m
        alike = higher_m[(higher_m >= distance_m.min() - slack_m) & (higher_m <= distance_m.max() + slack_m)]
        goes_on = len(alike) >= self._config.above_min
        own: npt.NDArray[np.bool_] = distance_m < (alike.min() - self._config.before_m if goes_on else np.inf)
        return own

    def _place(self, group: Floats, box: Box, on_fence: Pose2 | None) -> Located:
        """Where the thing of a group of returns (N, 2) m is; with ``on_fence``, map_from_base, these may lie anywhere on a fence
        along which the box looks."""
        range_m = float(np.median(np.hypot(group[:, 0], group[:, 1]))) + self._config.body_radius_m
        bearing = math.atan2(float(group[:, 1].mean()), float(group[:, 0].mean()))
        across_m = max(0.08, range_m * 0.2 * box.width_px / self._camera.fx_px)
        along_m = 0.0 if on_fence is None else self._fence_along_m(range_m, bearing, box, on_fence)
        range_std_m = math.hypot(self._config.range_std_m, along_m)
        return _polar(range_m, bearing, range_std_m=range_std_m, across_std_m=across_m)

    def _fence_along_m(self, range_m: float, bearing_rad: float, box: Box, map_from_base: Pose2) -> float:
        """How far a fence near ``range_m`` runs along the ray between the two sides of the box, 0 for one straight across: the
        standard deviation of a place anywhere there."""
        ranges = range_m + np.arange(-_ALONG_M, _ALONG_M + _ALONG_STEP_M, _ALONG_STEP_M)
        ray = np.column_stack((ranges * math.cos(bearing_rad), ranges * math.sin(bearing_rad)))
        away_m = shapely.distance(shapely.points(map_from_base.apply(ray)), self._fences)
        aside_m = 0.5 * range_m * box.width_px / self._camera.fx_px
        half_m = 0.5 * _ALONG_STEP_M * np.count_nonzero(away_m <= away_m.min() + aside_m)
        return math.sqrt(max(half_m**2 - aside_m**2, 0.0) / 3.0)


def _elevations_deg(points_m: npt.NDArray[np.floating]) -> npt.NDArray[np.int64]:
    """Elevations (N,) of points (N, 3) m in the lidar's frame, in whole degrees counted from straight down."""
    slope = np.arctan2(points_m[:, 2], np.hypot(points_m[:, 0], points_m[:, 1]))
    return np.asarray(np.rint(np.degrees(slope)) + 90.0, dtype=np.int64)


def _in_core(box: Box, pixels: Floats) -> npt.NDArray[np.bool_]:
    """Mask (N,) of the pixels inside the middle of ``box``, where its thing is and not what stands beside it."""
    across, down = _ACROSS * box.width_px, _DOWN * box.height_px
    low = np.array([box.x0_px + across, box.y0_px + down])
    high = np.array([box.x1_px - across, box.y1_px - down])
    x, y = pixels[:, 0], pixels[:, 1]
    inside: npt.NDArray[np.bool_] = np.logical_and.reduce((x >= low[0], x <= high[0], y >= low[1], y <= high[1]))
    return inside


def _is_above(box: Box, pixels: Floats) -> npt.NDArray[np.bool_]:
    """Mask (N,) of the pixels in the columns of the middle of ``box``, above it by more than a box may be cut too low."""
    low, high = box.y0_px - 0.45 * box.height_px, box.y0_px - 0.12 * box.height_px
    across = 0.25 * box.width_px
    x, y = pixels[:, 0], pixels[:, 1]
    above: npt.NDArray[np.bool_] = (x >= box.x0_px + across) & (x <= box.x1_px - across) & (y >= low) & (y <= high)
    return above


def _polar(range_m: float, bearing_rad: float, *, range_std_m: float, across_std_m: float) -> Located:
    along = np.array([math.cos(bearing_rad), math.sin(bearing_rad)])
    across = np.array([-along[1], along[0]])
    covariance = range_std_m**2 * np.outer(along, along) + across_std_m**2 * np.outer(across, across)
    return Located(position_m=range_m * along, covariance_m2=covariance)
