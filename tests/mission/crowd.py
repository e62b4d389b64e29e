# SPDX-License-Identifier: Apache-2.0
"""People for the flat world, drawn from a seed."""

from __future__ import annotations

import numpy as np
from shapely.geometry import LineString, Polygon

from patrol.site import Site
from tests.mission.kinematic import Walker


def crowd(site: Site, count: int, seed: int, *, careful: bool = True) -> list[Walker]:
    """``count`` walkers to and fro on straight lines clear of buildings; every other one crosses or shares the round near
    the fence."""
    random = np.random.default_rng([seed, 77])
    walkers: list[Walker] = []
    low_x, low_y, high_x, high_y = site.perimeter.bounds
    while len(walkers) < count:
        inset = 2.0 if len(walkers) % 2 else 4.0
        ends = random.uniform((low_x + inset, low_y + inset), (high_x - inset, high_y - inset), size=(2, 2))
        if len(walkers) % 2:
            ends[:, 1] = random.choice([low_y, high_y]) * 0.92 + random.uniform(-1.0, 1.0, size=2)
        if _is_clear(ends, [building.outline for building in site.buildings], site):
            walkers.append(Walker(loop_m=ends, speed_mps=float(random.uniform(0.6, 1.6)), careful=careful))
    return walkers


def _is_clear(ends: np.typing.NDArray[np.float64], outlines: list[Polygon], site: Site) -> bool:
    line = LineString(ends)
    docks = [dock.pose for dock in site.docks]
    far_from_docks = all(np.hypot(*(ends[0] - (dock.x_m, dock.y_m))) > 4.0 for dock in docks)
    return line.length > 6.0 and far_from_docks and all(line.distance(outline) > 1.5 for outline in outlines)
