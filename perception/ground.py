# SPDX-License-Identifier: Apache-2.0
"""From a box in the picture to a place on the ground, with an honest covariance.

Two rays are used: the one through the box's foot meets the ground (z = 0 in base_link), the one through its top meets the
plane at the height that things of its label have. Each gives a place and, through the Jacobian of pixel noise, pitch, roll
and height, a covariance; the two are fused. A foot or top that the picture's edge cuts off is left out.

Where the top contradicts how large the thing looks, it does not stand on the ground with all of it in view, or is not as high as
its kind is. Who looks larger than the top has it is small, or crouches: the foot tells. Otherwise the feet are hidden and the top
tells, or somebody is off the ground (on a fence; then a foot's ray may never come down) and only the size tells, or a vehicle is
high and the foot tells. The picture does not say which; both places are offered.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from pydantic import Field

from patrol.checks import Floats, frozen_array
from patrol.config import Config
from patrol.geometry import Pose2
from patrol.percepts import Box, Label
from patrol.sensors import CameraModel

Pair = tuple[float, float]
_HEIGHTS_M: Mapping[Label, Pair] = MappingProxyType(
    {Label.PERSON: (1.70, 0.12), Label.VEHICLE: (2.00, 0.80), Label.ANIMAL: (0.50, 0.20), Label.OBJECT: (0.60, 0.40)}
)
_LENGTHS_M: Mapping[Label, float] = MappingProxyType({Label.VEHICLE: 6.0})
"""How long things are of which the picture's side may hide most; all others are hardly wider than they are placed well."""
_EDGE_PX = 2.0
_LOW_ASPECT = 0.85
_BESIDE_M, _BESIDE_STD_M = 1.0, 0.4
_NEAR_M, _FAR_M = 0.3, 120.0
_CONTRADICTED = 6.63
_POSTURE = 0.12
_STEPS = np.array([0.25, 0.25, 1e-4, 1e-4, 1e-3])


class GroundConfig(Config):
    """Noise of a box's edges (the larger of px and a fraction of its height), of the camera's attitude, and of the ground.

    ``heat_edge_px`` holds for boxes that a thermal camera found: one of its pixels is about three of the colour picture.
    """

    edge_px: float = Field(default=2.2, gt=0.0)
    heat_edge_px: float = Field(default=3.0, gt=0.0)
    edge_fraction: float = Field(default=0.03, ge=0.0)
    pitch_std_deg: float = Field(default=0.5, ge=0.0)
    roll_std_deg: float = Field(default=0.5, ge=0.0)
    ground_std_m: float = Field(default=0.04, ge=0.0, description="how far the ground is from flat")
    range_max_m: float = Field(default=60.0, gt=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A place on the ground: ``position_m`` (2,) and ``covariance_m2`` (2, 2), both in base_link, without the pose's error."""

    position_m: Floats
    covariance_m2: Floats

    def __post_init__(self) -> None:
        object.__setattr__(self, "position_m", frozen_array("position_m", self.position_m, (2,)))
        object.__setattr__(self, "covariance_m2", frozen_array("covariance_m2", self.covariance_m2, (2, 2)))


class GroundProjector:
    """Places boxes of one camera."""

    def __init__(self, camera: CameraModel, config: GroundConfig) -> None:
        self._camera = camera
        self._config = config

    def places(self, box: Box, label: Label, *, by_heat: bool = False) -> tuple[Located, ...]:
        """Where on the ground, in base_link, the thing in ``box`` may be: no place that can be told, one, or two that exclude
        each other; ``by_heat``: the box comes from a thermal picture."""
        least_px = self._config.heat_edge_px if by_heat else self._config.edge_px
        foot = self._from_foot(box, least_px)
        top = None if _is_low(box, label) else self._from_top(box, label, least_px)
        other = self._from_size(box, label, least_px) if label is Label.PERSON else foot
        found: tuple[Located | None, ...]
        if top is None:
            found = (foot or self._beside(box, label),)
        elif other is None or contradiction(top, other) <= _CONTRADICTED:
            found = (fused(foot, top) if foot is not None else top,)
        elif np.hypot(*other.position_m) < np.hypot(*top.position_m):
            found = (foot or other,)
        else:
            found = (top, other)
        reach_m = self._config.range_max_m
        return tuple(place for place in found if place is not None and float(np.hypot(*place.position_m)) <= reach_m)

    def aside_m(self, box: Box, label: Label, position_m: Floats) -> float:
        """How far what is in ``box`` may reach beyond the picture's side, at ``position_m`` (2,) m in base_link; 0 where all of
        it is in view."""
        if box.x0_px > _EDGE_PX and box.x1_px < self._camera.width_px - _EDGE_PX:
            return 0.0
        in_view_m = float(np.hypot(*position_m)) * box.width_px / self._camera.fx_px
        return max(_LENGTHS_M.get(label, 0.0) - in_view_m, 0.0)

    def top_m(self, box: Box, position_m: Floats) -> float | None:
        """How high above the ground the upper edge of a box is, at ``position_m`` (2,) m in base_link; None where the picture's
        edges cut the box off."""
        if box.y0_px <= _EDGE_PX or self._is_cut_below(box):
            return None
        origin = self._camera.base_from_optical.translation_m
        ray = self._camera.base_from_optical.rotation @ self._camera.rays([[0.5 * (box.x0_px + box.x1_px), box.y0_px]])[0]
        return float(origin[2] + ray[2] * np.hypot(*(position_m - origin[:2])) / max(float(np.hypot(ray[0], ray[1])), 1e-6))

    def _beside(self, box: Box, label: Label) -> Located | None:
        """A person whose head and feet are both cut off stands next to the robot, in the direction of the box."""
        if label is not Label.PERSON or box.y0_px > _EDGE_PX or not self._is_cut_below(box):
            return None
        ray = self._camera.rays([[0.5 * (box.x0_px + box.x1_px), self._camera.cy_px]])[0]
        along = (self._camera.base_from_optical.rotation @ ray)[:2]
        position = self._camera.base_from_optical.translation_m[:2] + _BESIDE_M * along / np.hypot(*along)
        return Located(position_m=position, covariance_m2=np.eye(2) * _BESIDE_STD_M**2)

    def _from_size(self, box: Box, label: Label, least_px: float) -> Located | None:
        """By how large it looks, wherever it is: its height over the slopes of the rays to its two edges."""
        if box.y0_px <= _EDGE_PX or self._is_cut_below(box):
            return None
        across_px = 0.5 * (box.x0_px + box.x1_px)
        rays = self._camera.rays([[across_px, box.y0_px], [across_px, box.y1_px]]) @ self._camera.base_from_optical.rotation.T
        slopes = rays[:, 2] / np.maximum(np.hypot(rays[:, 0], rays[:, 1]), 1e-6)
        height_m, height_std_m = _HEIGHTS_M[label]
        range_m = height_m / max(float(slopes[0] - slopes[1]), 1e-6)
        across_std_px, edge_std_px = self._edges_px(box, least_px)
        along_m = range_m * math.hypot(_POSTURE, height_std_m / height_m, math.sqrt(2.0) * edge_std_px / box.height_px)
        ahead = rays[0, :2] / np.hypot(*rays[0, :2])
        turn = np.column_stack((ahead, (-ahead[1], ahead[0])))
        spread_m = np.array([along_m, range_m * across_std_px / self._camera.fx_px])
        position_m = self._camera.base_from_optical.translation_m[:2] + range_m * ahead
        return Located(position_m=position_m, covariance_m2=turn @ np.diag(spread_m**2) @ turn.T)

    def _is_cut_below(self, box: Box) -> bool:
        return box.y1_px >= self._camera.height_px - _EDGE_PX

    def _from_foot(self, box: Box, least_px: float) -> Located | None:
        if self._is_cut_below(box):
            return None
        spread_px = self._edges_px(box, least_px)
        return self._meet(box.foot_px, spread_px, height=(0.0, self._config.ground_std_m))

    def _from_top(self, box: Box, label: Label, least_px: float) -> Located | None:
        if box.y0_px <= _EDGE_PX:
            return None
        top_px = (0.5 * (box.x0_px + box.x1_px), box.y0_px)
        return self._meet(top_px, self._edges_px(box, least_px), height=_HEIGHTS_M[label])

    def _edges_px(self, box: Box, least_px: float) -> Pair:
        """Standard deviation of a box's middle and of its upper or lower edge."""
        return max(least_px, 0.12 * box.width_px), max(least_px, self._config.edge_fraction * box.height_px)

    def _meet(self, point_px: Pair, spread_px: Pair, *, height: Pair) -> Located | None:
        """Where the ray through ``point_px`` meets the plane at ``height`` (m, std m), to first order with its covariance."""
        config = self._config
        spread = [*spread_px, math.radians(config.pitch_std_deg), math.radians(config.roll_std_deg), height[1]]
        middle = np.array([*point_px, 0.0, 0.0, height[0]])
        nudged = middle + np.vstack((np.zeros(5), np.diag(_STEPS), -np.diag(_STEPS)))
        places = _meeting_points(self._camera, nudged)
        ranges = np.hypot(places[:, 0], places[:, 1])
        if not (np.isfinite(ranges).all() and ranges.min() >= _NEAR_M and ranges.max() <= _FAR_M):
            return None
        slope = (places[1:6] - places[6:]) / (2.0 * _STEPS[:, None])
        covariance = (slope.T * np.array(spread) ** 2) @ slope
        return Located(position_m=places[0], covariance_m2=covariance)


def _is_low(box: Box, label: Label) -> bool:
    """Whether a person's box is as wide as high: who lies or crouches says nothing by the height of the head."""
    return label is Label.PERSON and box.width_px >= _LOW_ASPECT * box.height_px


def _meeting_points(camera: CameraModel, rows: Floats) -> Floats:
    """Meeting points (N, 2) m in base_link for ``rows`` (N, 5): u px, v px, pitch rad, roll rad, height m; NaN for none.

    Pitch and roll turn the camera about its own mount, in base_link's axes.
    """
    rays = camera.rays(rows[:, :2]) @ camera.base_from_optical.rotation.T
    pitch, roll = rows[:, 2], rows[:, 3]
    turned = np.column_stack(
        (
            rays[:, 0] + pitch * rays[:, 2],
            rays[:, 1] - roll * rays[:, 2],
            rays[:, 2] - pitch * rays[:, 0] + roll * rays[:, 1],
        )
    )
    origin = camera.base_from_optical.translation_m
    drop = rows[:, 4] - origin[2]
    safe = np.where(np.abs(turned[:, 2]) > 1e-6, turned[:, 2], np.nan)
    reach = np.where(drop / safe > 0.0, drop / safe, np.nan)
    return origin[:2] + reach[:, None] * turned[:, :2]


def contradiction(first: Located, second: Located) -> float:
    """Squared Mahalanobis distance between two places; about 2 when both measure the same thing."""
    gap = second.position_m - first.position_m
    return float(gap @ np.linalg.solve(first.covariance_m2 + second.covariance_m2, gap))


def fused(first: Located, second: Located) -> Located:
    """Both places weighed by their information; where they contradict, the covariance grows by how much they do."""
    gap = second.position_m - first.position_m
    total = first.covariance_m2 + second.covariance_m2
    gain = first.covariance_m2 @ np.linalg.inv(total)
    covariance = (np.eye(2) - gain) @ first.covariance_m2
    return Located(
        position_m=first.position_m + gain @ gap,
        covariance_m2=0.5 * (covariance + covariance.T) * max(1.0, contradiction(first, second) / 4.0),
    )


def mixed(places: Sequence[Located], weights: Sequence[float] = ()) -> Located:
    """One place for several: their mean, with a covariance that holds them all (the moments of the mixture). ``weights`` tell how
    likely they are; without them one is as likely as the other."""
    if len(places) == 1:
        return places[0]
    shares = np.array(weights or [1.0] * len(places)) / (sum(weights) or len(places))
    middle = np.sum([share * place.position_m for share, place in zip(shares, places, strict=True)], axis=0)
    apart = [place.position_m - middle for place in places]
    spread = [place.covariance_m2 + np.outer(gap, gap) for place, gap in zip(places, apart, strict=True)]
    return Located(position_m=middle, covariance_m2=np.sum(shares[:, None, None] * np.array(spread), axis=0))


def with_hidden_part(located: Located, aside_m: float) -> Located:
    """The place of something of which up to ``aside_m`` is beyond the picture's side, in whatever direction it stands: its middle
    may be half as far from what is in view."""
    return Located(position_m=located.position_m, covariance_m2=located.covariance_m2 + np.eye(2) * (0.5 * aside_m) ** 2 / 3.0)


def beyond(places: Sequence[Located], range_m: float) -> Located:
    """One place in base_link for something that is farther than ``range_m``, in one of several ``places`` that are as likely as
    each other but for that: what is left of their distributions there, by its first two moments."""
    kept = [left_beyond(place, range_m) for place in places]
    return mixed([place for _, place in kept], [share for share, _ in kept])


def near_or_beyond(place: Located, measured: Located, slack_m: float) -> Located:
    """One place in base_link for somebody who by the picture is at ``place``, where something stands at ``measured`` through
    which they may be seen: they are there, within ``slack_m`` or as well as that place is known, or beyond it, by how likely the
    picture has either."""
    range_m = float(np.hypot(*measured.position_m))
    ahead = measured.position_m / max(range_m, 1e-6)
    slack_m = max(slack_m, math.sqrt(float(ahead @ measured.covariance_m2 @ ahead)))
    beyond_it, left = left_beyond(place, range_m + slack_m)
    there = max(left_beyond(place, range_m - slack_m)[0] - beyond_it, 1e-12)
    return mixed((fused(measured, place), left), (there, beyond_it))


def left_beyond(place: Located, range_m: float) -> tuple[float, Located]:
    """How much of a place's distribution is farther than ``range_m``, and that part of it."""
    distance_m = float(np.hypot(*place.position_m))
    ahead = place.position_m / max(distance_m, 1e-6)
    swing = place.covariance_m2 @ ahead
    std_m = math.sqrt(float(ahead @ swing))
    limit = (range_m - distance_m) / std_m
    share = max(0.5 * math.erfc(limit / math.sqrt(2.0)), 1e-12)
    pull = math.exp(-0.5 * limit**2) / math.sqrt(2.0 * math.pi) / share
    return share, Located(
        position_m=place.position_m + swing * pull / std_m,
        covariance_m2=place.covariance_m2 - np.outer(swing, swing) * pull * (pull - limit) / std_m**2,
    )


def to_map(located: Located, map_from_base: Pose2) -> Located:
    """The place and its covariance turned into ``map``, still without the pose's error."""
    cos, sin = math.cos(map_from_base.yaw_rad), math.sin(map_from_base.yaw_rad)
    turn = np.array([[cos, -sin], [sin, cos]])
    position = map_from_base.apply(located.position_m[None, :])[0]
    return Located(position_m=position, covariance_m2=turn @ located.covariance_m2 @ turn.T)


def pose_error_m2(position_m: Floats, map_from_base: Pose2, covariance: Floats) -> Floats:
    """What the pose's covariance (3, 3) adds to a place (2,) m in map: covariance (2, 2) m²."""
    east, north = position_m[0] - map_from_base.x_m, position_m[1] - map_from_base.y_m
    slope = np.array([[1.0, 0.0, -north], [0.0, 1.0, east]])
    error: Floats = slope @ covariance @ slope.T
    return error
