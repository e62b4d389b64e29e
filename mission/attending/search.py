# SPDX-License-Identifier: Apache-2.0
"""Looking for somebody out of sight: from where the most of a belief can be seen soonest."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mission.attending.config import AttendConfig
from mission.attending.standpoints import Standpoints
from patrol.belief import Belief
from patrol.checks import Floats
from patrol.geometry import Pose2

_BODY_M = 0.4
_DRAWS_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LookPlace:
    """A pose in map to look from, what to face there (2,) m, and how much of the belief one look from there shows."""

    pose: Pose2
    target_m: Floats
    mass: float


def best_look(belief: Belief, ground: Standpoints, config: AttendConfig) -> LookPlace | None:
    """The place that shows the most probability for the time that it costs to drive there, turn and look; None where no place
    that can be driven to shows enough of the belief to be worth it."""
    search, look = config.search, config.look
    cells, mass = belief.centres_m[: search.cells_most], belief.mass[: search.cells_most]
    places = ground.near(belief.middle_m, search.around_m + _spread_m(belief), search.places_most)
    way = cells[None] - places[:, None]
    distance = np.hypot(way[..., 0], way[..., 1])
    shown = (distance >= look.nearest_m) & (distance <= look.reach_m) & ground.sees(places, cells, _BODY_M)
    heading, seen = _best_headings(np.arctan2(way[..., 1], way[..., 0]), shown * mass, look.hfov_rad)
    seconds = _DRAWS_S + search.look_s + ground.way_m(places) / look.speed_mps
    worth = np.where(seen >= search.mass_least, seen / seconds, 0.0)
    best = int(np.argmax(worth))
    if worth[best] <= 0.0:
        return None
    x_m, y_m = places[best]
    ahead = np.array((math.cos(heading[best]), math.sin(heading[best])))
    target_m: Floats = places[best] + look.reach_m * ahead
    return LookPlace(pose=Pose2(float(x_m), float(y_m), float(heading[best])), target_m=target_m, mass=float(seen[best]))


def _best_headings(bearings_rad: Floats, mass: Floats, hfov_rad: float) -> tuple[Floats, Floats]:
    """For each place (N,) the heading that has the most mass before the camera, and how much; bearings and mass (N, K)."""
    headings = np.linspace(-math.pi, math.pi, 24, endpoint=False)
    off = np.abs(np.mod(bearings_rad[..., None] - headings + math.pi, 2.0 * math.pi) - math.pi)
    shown = ((off <= 0.45 * hfov_rad) * mass[..., None]).sum(axis=1)
    best = shown.argmax(axis=1)
    return headings[best], shown[np.arange(len(best)), best]


def _spread_m(belief: Belief) -> float:
    """How far the told cells reach from their middle."""
    return float(np.hypot(*(belief.centres_m - belief.middle_m).T).max())
