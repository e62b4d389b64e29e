# SPDX-License-Identifier: Apache-2.0
"""One errand: something that interrupts the round until it has come to an end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from mission.attending.standpoints import Standpoints
from mission.costmap import Costmap
from mission.lookout import View
from patrol.belief import Belief
from patrol.checks import Floats
from patrol.geometry import Twist2
from patrol.inspection import InspectionState
from patrol.percepts import Alert, Track


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What an errand hears besides the view: who is seen, and where those out of sight may be."""

    tracks: tuple[Track, ...] = ()
    beliefs: tuple[Belief, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrandStep:
    """One step; ``why`` is a clause without a full stop. ``ended`` says how it ended, empty while it goes on. ``inspection`` is
    how far an inspection has come."""

    twist: Twist2
    why: str
    ended: str = ""
    inspection: InspectionState | None = None


class Errand(Protocol):
    """Asked 20 times a second while the robot may attend to it."""

    alert: Alert

    def step(self, view: View, news: News, ground: Ground) -> ErrandStep:
        """One step of it."""

    def broken_off(self, now_ns: int, because: str) -> InspectionState | None:
        """It ends here, whatever it had still to do; what there is to tell of it."""


@dataclass(slots=True)
class Ground:
    """The costmap as errands ask it; pictures of it are made when they are needed."""

    costmap: Costmap
    _kept: tuple[int, Standpoints] | None = field(default=None)

    def standpoints(self, view: View) -> Standpoints:
        """Where the robot can go from where it is, now."""
        if self._kept is None or self._kept[0] != view.now_ns:
            field_now, obstacles = self.costmap.field(view.now_ns), self.costmap.obstacles(view.now_ns)
            self._kept = (view.now_ns, Standpoints(field_now, obstacles, view.pose))
        return self._kept[1]

    def standing_near(self, place_m: Floats, within_m: float, now_ns: int) -> Floats:
        """Middles (N, 2) m in map of the cells within ``within_m`` of a place (2,) m that hold something which the site file
        does not know."""
        lattice = self.costmap.lattice
        things = self.costmap.obstacles(now_ns) & ~self.costmap.site_lethal
        low, high = lattice.cells((place_m - within_m, place_m + within_m))
        low = low.clip(0)
        window = things[low[0] : high[0] + 1, low[1] : high[1] + 1]
        rows, columns = window.nonzero()
        cells = lattice.centres_m(low + np.column_stack((rows, columns)))
        near: Floats = cells[np.hypot(*(cells - place_m).T) <= within_m]
        return near
