# SPDX-License-Identifier: Apache-2.0
"""Where each of several robots stands and charges: every robot has a dock of its own, so that none waits for another.

A site file names its docks. For more robots than that, berths are laid out beside the last dock, side by side and with the same
heading, on ground that a robot can stand on. Simulators take them as charging places; a real site needs them in its file.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import replace

from shapely.geometry import Point
from shapely.ops import unary_union

from patrol.checks import require_in
from patrol.errors import BadValue
from patrol.geometry import Pose2
from patrol.site import Dock, Site

BERTH_M = 2.4
"""From berth to berth: two robots side by side, and room for a third to turn behind them."""
CLEAR_M = 0.9
MOST_ROBOTS = 16
_PLACES = 40


def berths(site: Site, robots: int) -> tuple[Dock, ...]:
    """A dock for each of ``robots``. Raises BadValue for a site without a dock, for more than ``MOST_ROBOTS``, and where there is
    no room beside the last dock."""
    require_in("robots", robots, range(1, MOST_ROBOTS + 1))
    if not site.docks:
        raise BadValue(f"site {site.site_id}: several robots need a dock")
    walls = (building.outline for building in site.buildings)
    closed = (area.outline for area in site.keep_outs)
    blocked = unary_union([*walls, *closed, *(fence.line for fence in site.fences)])
    free = site.perimeter.buffer(-CLEAR_M).difference(blocked.buffer(CLEAR_M))
    found = list(site.docks[:robots])
    for pose in _beside(site.docks[-1].pose):
        if len(found) == robots:
            break
        apart = all(pose.distance_to(dock.pose) > 0.9 * BERTH_M for dock in (*site.docks, *found))
        if apart and free.covers(Point(pose.x_m, pose.y_m)):
            found.append(Dock(dock_id=f"berth_{len(found) + 1}", name=f"Berth {len(found) + 1}", pose=pose))
    if len(found) < robots:
        raise BadValue(f"site {site.site_id}: there is room for {len(found)} robots beside {site.docks[-1].dock_id}")
    return tuple(found)


def site_of(site: Site, number: int) -> Site:
    """The site as the robot of this number knows it (0: the first): with its own dock alone. Raises BadValue as ``berths``."""
    return site if number == 0 else replace(site, docks=berths(site, number + 1)[number:])


def _beside(dock: Pose2) -> Iterator[Pose2]:
    """Places to both sides of ``dock``, the nearest first."""
    for step in itertools.islice(itertools.count(1), _PLACES):
        for side in (1.0, -1.0):
            shift_m = side * step * BERTH_M
            yield Pose2(dock.x_m - shift_m * math.sin(dock.yaw_rad), dock.y_m + shift_m * math.cos(dock.yaw_rad), dock.yaw_rad)
