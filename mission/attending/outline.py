# SPDX-License-Identifier: Apache-2.0
"""How far a thing reaches on the ground, as far as the map shows it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mission.attending.config import InspectConfig
from mission.attending.errand import Ground
from patrol.checks import Floats
from patrol.percepts import Alert, Label

_GAP_M = 0.65
_SMALLEST_M = 0.25
_FIRST_WITHIN = {Label.VEHICLE: 3.0}
_FIRST_USUAL_M = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """The circle about a thing: middle (2,) m in map, and radius."""

    middle_m: Floats
    radius_m: float


def outline_of(alert: Alert, known: Outline | None, ground: Ground, config: InspectConfig, now_ns: int) -> Outline:
    """What stands together where the alert places the thing; a guess by its kind while the map shows nothing there.

    Cells join when they are less than ``_GAP_M`` apart; what lies farther out than such a thing reaches is not part of it.
    """
    reach_m = config.vehicle_reach_m if alert.label is Label.VEHICLE else config.object_reach_m
    start_m = alert.ground.position_m if known is None else known.middle_m
    cells = ground.standing_near(start_m, reach_m, now_ns)
    away = np.hypot(*(cells - start_m).T) if len(cells) else np.zeros(0)
    if not len(away) or away.min() > _FIRST_WITHIN.get(alert.label, _FIRST_USUAL_M):
        return known or Outline(middle_m=start_m, radius_m=0.6 * reach_m if alert.label is Label.VEHICLE else 0.5 * reach_m)
    together = _joined(cells, int(away.argmin()))
    low, high = together.min(axis=0), together.max(axis=0)
    radius_m = max(0.5 * float(np.hypot(*(high - low))) + 0.1, _SMALLEST_M)
    if known is not None and radius_m < known.radius_m:
        return known
    return Outline(middle_m=0.5 * (low + high), radius_m=min(radius_m, reach_m))


def _joined(cells: Floats, first: int) -> Floats:
    """The cells (N, 2) that hang together with the one at index ``first``."""
    joined = np.zeros(len(cells), dtype=np.bool_)
    joined[first] = True
    fresh = cells[[first]]
    while len(fresh):
        near = (np.square(cells[:, None] - fresh[None]).sum(axis=2) <= _GAP_M**2).any(axis=1) & ~joined
        joined |= near
        fresh = cells[near]
    return cells[joined]
