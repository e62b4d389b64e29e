# SPDX-License-Identifier: Apache-2.0
"""Several floors, one map each. A robot changes floors only where the site's plan has a lift: there and a few metres around, each
scan is laid on the maps of all floors that the lift serves, and the one that fits alone is where the robot is.

No barometer is needed, and none is believed. Floors that look the same around the lift can not be told apart; that is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from shapely.geometry import Point

from patrol.errors import BadValue
from patrol.geometry import Pose2
from patrol.grid import OccupancyGrid
from patrol.sensors import Scan
from patrol.site import Lift
from slam.config import FloorConfig, LocaliserConfig
from slam.localiser import Localiser
from slam.map_files import YAML_NAME
from slam.relocaliser import Nearby
from slam.updates import SlamUpdate

FLOORS_FOLDER = "floors"


class FloorLocaliser:
    """Localises on the floor it believes to be on, and changes floors at lifts. Used like a ``Localiser``."""

    def __init__(self, floors: Mapping[int, Localiser], level: int, config: FloorConfig) -> None:
        """Raises BadValue when the floor ``level`` has no map."""
        if level not in floors:
            raise BadValue(f"floor: there is no map of floor {level} (of {sorted(floors)})")
        self._floors, self._config, self.level = dict(floors), config, level
        self._lifts: tuple[Lift, ...] = ()
        self._merits: dict[int, float] = {}

    def use_lifts(self, lifts: Sequence[Lift]) -> None:
        """Where floors can be changed; without any the robot stays on its floor."""
        self._lifts = tuple(lifts)

    @property
    def is_lost(self) -> bool:
        return self._floors[self.level].is_lost

    def stand_at(self, map_from_base: Pose2) -> None:
        """The base is known to stand there at the next scan, on the floor that it is on."""
        self._floors[self.level].stand_at(map_from_base)

    def hint(self, nearby: Nearby) -> None:
        """GNSS has the base there."""
        self._floors[self.level].hint(nearby)

    def grid(self, stamp_ns: int) -> OccupancyGrid:
        """The saved grid of the floor."""
        return self._floors[self.level].grid(stamp_ns)

    def add_scan(self, scan: Scan, odom_from_base: Pose2, *, odom_at_end: Pose2 | None = None) -> SlamUpdate:
        """As ``Localiser.add_scan``; the estimate names the floor, and doubts while two floors fit alike."""
        update = self._floors[self.level].add_scan(scan, odom_from_base, odom_at_end=odom_at_end)
        doubt = self._compared(scan, update)
        estimate = replace(update.estimate, floor=self.level, doubt=update.estimate.doubt or doubt)
        return replace(update, estimate=estimate)

    def _compared(self, scan: Scan, update: SlamUpdate) -> str:
        """Lay the scan on the other floors of a lift nearby; why the floor is in doubt."""
        others = self._within_reach(update.estimate.map_from_base)
        if not others or update.rate is None:
            return ""
        here, merits = update.estimate.map_from_base, self._merits
        for level in (self.level, *others):
            match = self._floors[level].match_at(scan, update.rate, here)
            merit = match.score * match.overlap
            before = merits.get(level, merit)
            merits[level] = before + self._config.follow * (merit - before)
        best = max(others, key=lambda level: merits[level])
        lead = merits[best] - merits[self.level]
        if merits[best] < self._config.merit_min or lead < -self._config.alike:
            return ""
        if lead < self._config.lead_min:
            return f"the floor is not sure: {best} fits as well as {self.level}"
        self._change_to(best, here)
        return ""

    def _within_reach(self, map_from_base: Pose2) -> tuple[int, ...]:
        """The other floors that the robot may have come to; none when it was long away from every lift."""
        place = Point(map_from_base.x_m, map_from_base.y_m)
        near = [
            lift for lift in self._lifts if self.level in lift.levels and lift.outline.distance(place) <= self._config.reach_m
        ]
        if not near:
            self._merits.clear()
            return ()
        levels = {level for lift in near for level in lift.levels if level in self._floors}
        return tuple(sorted(levels - {self.level}))

    def _change_to(self, level: int, map_from_base: Pose2) -> None:
        self.level = level
        self._floors[level].stand_at(map_from_base)
        self._merits.clear()


def floor_folder(whole: Path, level: int) -> Path:
    """Where the map of a floor lies: the ground floor's at ``whole``, the others' below it."""
    return whole if level == 0 else whole / FLOORS_FOLDER / str(level)


def load_floors(
    whole: Path, config: LocaliserConfig, base_from_lidar: Pose2, *, start: Pose2 | None, level: int
) -> dict[int, Localiser]:
    """The maps of all floors below ``whole``; ``start`` is on the floor ``level``. Raises BadInput for one that is not whole."""
    levels = {0} if (whole / YAML_NAME).is_file() else set()
    levels |= {int(folder.name) for folder in (whole / FLOORS_FOLDER).glob("*") if folder.name.lstrip("-").isdigit()}
    return {
        number: Localiser.load(floor_folder(whole, number), config, base_from_lidar, start=start if number == level else None)
        for number in sorted(levels | {level})
    }
