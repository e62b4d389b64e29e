# SPDX-License-Identifier: Apache-2.0
"""Which of several places the robot stands at, by what each supposes of the site.

Each place is weighed by the metres of a changed site that it supposes if the robot stands there: walls that its beams pass
through, and, since people and vehicles come and go, at half of that things that stand where the map is free. Each metre counts
once however many beams fall on it, so that one changed thing beside the robot weighs no more than it is long. What agrees weighs
nothing: smooth walls agree with smooth walls anywhere. (Bayes' rule with the state of each stretch of the map as a hidden
variable: what changed explains all beams that meet it at the price of one change.)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrol.checks import Floats
from patrol.geometry import IDENTITY2, Pose2
from patrol.sensors import Scan
from slam.beam_walk import BeamLook, BeamWalk
from slam.config import EvidenceConfig
from slam.scan_matcher import Match
from slam.scan_points import BodyRate
from slam.trail import Look

_CELLS_WIDE = 1 << 24
_BEAMS_MIN = 2
_NEW_WEIGHT = 0.5
_PASSED_SHARE, _MET_SHARE = 0.8, 0.5
Keys = npt.NDArray[np.int64]
WayTo = Callable[[Pose2], Iterable[tuple[Look, Match]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Supposed:
    """If the robot stands there: metres of the map that are as they were, that are ``gone``, and metres of things that are
    ``new``."""

    agreed_m: float = 0.0
    gone_m: float = 0.0
    new_m: float = 0.0

    @property
    def contradicted_m(self) -> float:
        return self.gone_m + _NEW_WEIGHT * self.new_m

    @property
    def contradicted_share(self) -> float:
        """``contradicted_m`` as a share of what was seen."""
        return self.contradicted_m / max(1e-9, self.agreed_m + self.gone_m + self.new_m)


class PlaceEvidence:
    """What has been seen from one supposed place and on the way from there, over the latest looks."""

    def __init__(self, config: EvidenceConfig) -> None:
        self._config = config
        self._looks: deque[tuple[Keys, Keys, Keys]] = deque(maxlen=config.looks_max)

    def add(self, look: BeamLook) -> None:
        """Take one scan in."""
        cell_m = self._config.cell_m
        met, ends = _keys(look.met_m, cell_m), _keys(look.ends_m, cell_m)
        agrees = ~look.through & ~look.short
        self._looks.append((met[agrees], met[look.decides & look.through], ends[look.short]))

    def supposed(self) -> Supposed:
        """Sum the looks up."""
        if not self._looks:
            return Supposed()
        agreed, passed, new = (np.concatenate([look[row] for look in self._looks]) for row in range(3))
        keys, place = np.unique(np.concatenate((agreed, passed, new)), return_inverse=True)
        marks = np.repeat((0, 1, 2), (agreed.size, passed.size, new.size))
        met, through, ended = (np.bincount(place[marks == mark], minlength=keys.size) for mark in range(3))
        is_gone = (through >= _BEAMS_MIN) & (through >= _PASSED_SHARE * (met + through))
        is_met = (met >= _BEAMS_MIN) & (met >= _MET_SHARE * (met + through))
        is_new = (ended >= _BEAMS_MIN) & ~is_met
        cell_m = self._config.cell_m
        return Supposed(agreed_m=cell_m * is_met.sum(), gone_m=cell_m * is_gone.sum(), new_m=cell_m * is_new.sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the places compare: the ``best`` of those that were weighed, by its name, and its leads over the home, where odometry
    has the robot, and over the next best, in m; infinite where there is none. ``is_empty``, ``is_home_empty``: next to nothing of
    what is seen is where the map has it from there, beside what is from another place."""

    best: int
    over_home_m: float
    over_next_m: float
    supposed: Supposed
    is_empty: bool = False
    is_home_empty: bool = False


class PlaceContest:
    """Weighs places against one another by the same scans. Named by numbers; the home is ``HOME``."""

    HOME = -1

    def __init__(self, walk: BeamWalk, config: EvidenceConfig) -> None:
        self._walk, self._config = walk, config
        self._evidence: dict[int, PlaceEvidence] = {}
        self._moved = IDENTITY2
        self._is_due = True

    def forget(self) -> None:
        """Begin anew."""
        self._evidence.clear()
        self._is_due = True

    def moved(self, last_from_base: Pose2) -> None:
        """The robot drove on."""
        self._moved = self._moved @ last_from_base
        config = self._config
        is_far = IDENTITY2.distance_to(self._moved) >= config.every_m or abs(self._moved.yaw_rad) >= config.every_rad
        self._is_due = self._is_due or is_far

    def weigh(self, scan: Scan, rate: BodyRate, places: dict[int, Pose2], way_to: WayTo) -> None:
        """Take one scan in for each of the places in map, by name, where it stands at the scan's stamp. New places begin the
        comparison anew for all, with what was seen before on the ``way_to`` each."""
        if not places.keys() <= self._evidence.keys():
            self._evidence = {name: self._seen_before(way_to(pose)) for name, pose in places.items()}
            self._is_due = True
        self._evidence = {name: self._evidence[name] for name in places}
        if not self._is_due:
            return
        self._is_due, self._moved = False, IDENTITY2
        for name, pose in places.items():
            self._evidence[name].add(self._walk.look(scan, pose, rate))

    def supposed_at_home(self) -> Supposed:
        """What the home supposes of the site."""
        return self._evidence[self.HOME].supposed() if self.HOME in self._evidence else Supposed()

    def _seen_before(self, looks: Iterable[tuple[Look, Match]]) -> PlaceEvidence:
        evidence = PlaceEvidence(self._config)
        for look, match in looks:
            evidence.add(self._walk.look(look.scan, match.target_from_base, look.rate))
        return evidence

    def standing(self) -> Standing | None:
        """How the rivals of the home compare; None where there is none."""
        found = {name: evidence.supposed() for name, evidence in self._evidence.items()}
        home = found.pop(self.HOME, None)
        if not found:
            return None
        order = sorted(found, key=lambda name: found[name].contradicted_m)
        best = found[order[0]]
        over_next_m = found[order[1]].contradicted_m - best.contradicted_m if len(order) > 1 else np.inf
        over_home_m = home.contradicted_m - best.contradicted_m if home is not None else np.inf
        little_m = self._config.empty_share * max(supposed.agreed_m for supposed in found.values())
        return Standing(
            best=order[0],
            over_home_m=over_home_m,
            over_next_m=over_next_m,
            supposed=best,
            is_empty=best.agreed_m < little_m,
            is_home_empty=home is not None and home.agreed_m < self._config.empty_share * best.agreed_m,
        )


def _keys(points_m: Floats, cell_m: float) -> Keys:
    """One number (N,) for the cell of each point (N, 2) m."""
    cells = np.floor(points_m / cell_m).astype(np.int64)
    keys: Keys = cells[:, 0] * _CELLS_WIDE + cells[:, 1]
    return keys
