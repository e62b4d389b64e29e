# SPDX-License-Identifier: Apache-2.0
"""Where to look at a thing from: poses on rings around it that can be driven to, with nothing in between."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mission.attending.bearings import Bearings
from mission.attending.config import InspectConfig
from mission.attending.outline import Outline
from mission.attending.standpoints import Standpoints
from mission.raster import Mask
from patrol.checks import Floats
from patrol.geometry import Pose2

_BESIDE_M = 0.3
_SPOILT_M = 0.8
_PER_LOOK_M = 3.0
"""What a look costs besides the way to it, as a way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NextView:
    """The next place to look from, or None with the reason why there is no other."""

    pose: Pose2 | None
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ring:
    """Places (N, 2) m in map around the thing with their bearings (N,), which of them can be driven to, and which see it."""

    places_m: Floats
    bearings_rad: Floats
    reachable: Mask
    sees: Mask


def next_view(
    outline: Outline, seen: Bearings, ground: Standpoints, config: InspectConfig, spoilt_m: Sequence[Floats]
) -> NextView:
    """The place whose look adds the most for the way there; ``spoilt_m`` are places (2,) m in map that could not be reached."""
    ring = _ring(outline, ground, config, spoilt_m)
    usable = ring.reachable & ring.sees
    gains = np.where(usable, seen.gains_rad(ring.bearings_rad), 0.0)
    worth = np.where(gains >= config.gain_least_rad, gains / (_PER_LOOK_M + ground.way_m(ring.places_m)), 0.0)
    best = int(np.argmax(worth))
    if worth[best] <= 0.0:
        return NextView(pose=None, because=_why_no_more(ring, seen))
    x_m, y_m = ring.places_m[best]
    return NextView(pose=Pose2(float(x_m), float(y_m), float(ring.bearings_rad[best]) + math.pi))


def _ring(outline: Outline, ground: Standpoints, config: InspectConfig, spoilt_m: Sequence[Floats]) -> _Ring:
    """Every stand-off at every bearing; the first stand-off of a bearing that will do comes first."""
    bearings = np.tile(np.arange(config.bearings) * 2.0 * math.pi / config.bearings, len(config.stand_offs_m))
    away_m = np.repeat(np.array(config.stand_offs_m), config.bearings) + outline.radius_m
    places = outline.middle_m + away_m[:, None] * np.column_stack((np.cos(bearings), np.sin(bearings)))
    reachable = ground.is_reachable(places)
    for spoilt in spoilt_m:
        reachable &= np.hypot(*(places - spoilt).T) > _SPOILT_M
    sees = ground.sees(places, outline.middle_m[None], outline.radius_m + _BESIDE_M)[:, 0]
    return _Ring(places_m=places, bearings_rad=bearings, reachable=reachable, sees=sees)


def _why_no_more(ring: _Ring, seen: Bearings) -> str:
    """What keeps the rest from being seen."""
    missing_deg = 360.0 - math.degrees(seen.seen_rad)
    hidden_deg = math.degrees(seen.shown_rad(ring.bearings_rad[ring.reachable & ~ring.sees]))
    reasons = []
    if hidden_deg >= 1.0:
        reasons.append(f"from {hidden_deg:.0f} degrees something stands in between")
    if missing_deg - hidden_deg >= 1.0:
        reasons.append(f"from {missing_deg - hidden_deg:.0f} degrees no place can be reached")
    return " and ".join(reasons)
