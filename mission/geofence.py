# SPDX-License-Identifier: Apache-2.0
"""The geofence: the robot stays inside the perimeter even where its position is wrong.

The body must stay inside a fence moved inwards by what the position may be wrong. Ahead of each step the wanted twist is
followed along its arc until the body would leave that smaller fence, and slowed until it can stop before.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import shapely
from pydantic import Field

from mission.body import Body
from mission.raster import Mask
from patrol.checks import Floats
from patrol.config import Config
from patrol.geometry import Pose2, Twist2
from patrol.site import Site

_SAMPLES = 16
_STILL_MPS = 1e-6
_CREEP_MPS = 0.03


class GeofenceConfig(Config):
    """``error_m``: how far the position may be wrong whatever it says of itself; ``deviations`` standard deviations of the
    estimate count where they are more. ``delay_s`` passes before the brakes act; ``near_m`` before the fence a fact is told."""

    error_m: float = Field(default=2.0, ge=0)
    deviations: float = Field(default=3.0, ge=0)
    delay_s: float = Field(default=0.35, ge=0)
    decel_mps2: float = Field(default=0.8, gt=0)
    near_m: float = Field(default=0.3, ge=0)
    outside_slack_m: float = Field(default=0.5, ge=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fenced:
    """The twist that stays inside, and how much of the wanted one it is (0..1)."""

    twist: Twist2
    share: float


class Geofence:
    """Holds the perimeter; all questions are about poses in map."""

    def __init__(self, config: GeofenceConfig, body: Body, site: Site) -> None:
        self._config, self._body = config, body
        self._inside = site.perimeter
        self._line = site.perimeter.boundary
        shapely.prepare(self._inside)
        shapely.prepare(self._line)

    @property
    def margin_m(self) -> float:
        """Least distance of the robot's centre from the perimeter while its position is good."""
        return self._config.error_m + self._body.circumscribed_m

    @property
    def planned_m(self) -> float:
        """Distance from the perimeter that plans keep, so that the fence does not slow them."""
        return self.margin_m + self._config.near_m

    def depth_m(self, points_m: Floats) -> Floats:
        """How deep inside the perimeter points (N, 2) m in map lie (N,); below zero outside."""
        points = shapely.points(points_m)
        away: Floats = np.asarray(shapely.distance(points, self._line), dtype=np.float64)
        return np.where(shapely.contains(self._inside, points), away, -away)

    def margin_for_m(self, position_std_m: float | Floats) -> Floats:
        """Distance that the robot's centre keeps from the perimeter with this deviation of its position."""
        error = np.maximum(self._config.error_m, self._config.deviations * np.asarray(position_std_m, dtype=np.float64))
        margin: Floats = error + self._body.circumscribed_m
        return margin

    def is_outside(self, pose: Pose2) -> bool:
        """Whether the estimate itself lies outside the perimeter by more than the slack."""
        return bool(self.depth_m(np.array([[pose.x_m, pose.y_m]]))[0] < -self._config.outside_slack_m)

    def is_near(self, pose: Pose2, position_std_m: float) -> bool:
        """Whether the robot has come as close to the fence as it may, or nearly so."""
        depth = self.depth_m(np.array([[pose.x_m, pose.y_m]]))[0]
        return bool(depth < self.margin_for_m(position_std_m) + self._config.near_m)

    def why_out_of_reach(self, places: Mapping[str, Pose2], *, slack_m: float) -> str:
        """A sentence naming the places that the fence keeps the robot from by more than ``slack_m``; empty without any."""
        if not places:
            return ""
        depth = self.depth_m(np.array([(pose.x_m, pose.y_m) for pose in places.values()]))
        names = [name for name, each in zip(places, depth, strict=True) if each < self.margin_m - slack_m]
        if not names:
            return ""
        kept = f"{self.margin_m:.1f} m from the perimeter"
        return f"{', '.join(names)}: nearer to the perimeter than the geofence allows ({kept}; see geofence.error_m)"

    def bounded(self, twist: Twist2, pose: Pose2, position_std_m: float) -> Fenced:
        """The wanted twist, slowed along its own arc as far as the fence asks; where nothing is left of it, the turn alone, which
        moves no centre and may lead away."""
        poses = np.array([[pose.x_m, pose.y_m, pose.yaw_rad]])
        wanted = np.array([[twist.forward_mps, twist.turn_radps]])
        share = float(self.shares(poses, wanted, np.array([position_std_m]))[0])
        if share >= 1.0:
            return Fenced(twist=twist, share=1.0)
        forward_mps = twist.forward_mps * share
        if abs(forward_mps) < _CREEP_MPS:
            return Fenced(twist=Twist2(turn_radps=twist.turn_radps), share=0.0)
        return Fenced(twist=Twist2(forward_mps, twist.left_mps * share, twist.turn_radps * share), share=share)

    def shares(self, poses: Floats, twists: Floats, position_std_m: Floats) -> Floats:
        """The share (N,) 0..1 of twists (N, 2) m/s, rad/s at poses (N, 3) x m, y m, yaw rad in map from which each robot still
        stops inside. A robot that is too far out already may only move further in."""
        config = self._config
        speed = np.abs(twists[:, 0])
        reach = speed * config.delay_s + speed**2 / (2.0 * config.decel_mps2) + 0.1
        along = np.linspace(0.0, 1.0, _SAMPLES + 1) * reach[:, None]
        times = along / np.maximum(speed, _STILL_MPS)[:, None]
        depth = self.depth_m(self._centres(poses, twists, times).reshape(-1, 2)).reshape(along.shape)
        floor = np.minimum(self.margin_for_m(position_std_m), depth[:, 0])[:, None]
        leaves: Mask = depth[:, 1:] < floor - 1e-9
        first = np.where(leaves.any(axis=1), leaves.argmax(axis=1), _SAMPLES)
        free = along[np.arange(len(along)), first]
        reaction = config.decel_mps2 * config.delay_s
        allowed = np.sqrt(reaction**2 + 2.0 * config.decel_mps2 * free) - reaction
        share: Floats = np.where(leaves.any(axis=1), np.clip(allowed / np.maximum(speed, _STILL_MPS), 0.0, 1.0), 1.0)
        return share

    def _centres(self, poses: Floats, twists: Floats, times: Floats) -> Floats:
        """Where the centres (N, T, 2) m in map are after ``times`` (N, T) s of each twist."""
        yaw = twists[:, 1:] * times
        chord = twists[:, :1] * times * np.sinc(0.5 * yaw / np.pi)
        heading = poses[:, 2:] + 0.5 * yaw
        return np.stack((poses[:, :1] + chord * np.cos(heading), poses[:, 1:2] + chord * np.sin(heading)), axis=-1)
