# SPDX-License-Identifier: Apache-2.0
"""The sounds of a scenario: when each begins, and where it is then."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from patrol.checks import Floats, Floats32
from sim.scenario import SoundSpec
from sim.sound.air import SPEED_MPS, Path
from sim.sound.catalogue import KINDS, make_sound
from sim.sound.waves import RATE_HZ

_TALL_M = 1.6
WhereIs = Callable[[str], Floats | None]
"""The place (3,) m in map of an actor's feet; None while it is not there."""


@dataclass(slots=True)
class Source:
    """One sound of the scenario. It is made when it begins, and forgotten when its end has passed the robot."""

    spec: SoundSpec
    seed: int
    began_s: float | None = None
    _wave: Floats32 | None = None
    _paths: tuple[Path, ...] = ()
    _place_m: Floats = field(default_factory=lambda: np.zeros(3))

    def begin(self, now_s: float, robot_m: Floats, where_is: WhereIs) -> None:
        """Begin if it is time; ``robot_m`` (3,) in map."""
        start = self.spec.start
        if self.began_s is not None or now_s < start.after_s:
            return
        place = self.place_at(now_s, where_is)
        if place is None or (start.robot_within_m is not None and np.hypot(*(place - robot_m)[:2]) > start.robot_within_m):
            return
        self.began_s = now_s
        self._wave = make_sound(self.spec.kind, self.seed, duration_s=self.spec.for_s, level_db=self.spec.level_db)
        self._paths = (Path(self._wave, is_mirrored=False), Path(self._wave, is_mirrored=True))

    def is_over(self, now_s: float) -> bool:
        """Whether nothing of it is on its way any more."""
        if self.began_s is None or self._wave is None:
            return False
        return now_s - self.began_s > len(self._wave) / RATE_HZ + 1.0 + float(np.linalg.norm(self._place_m)) / SPEED_MPS

    def place_at(self, now_s: float, where_is: WhereIs) -> Floats | None:
        """Where it is (3,) m in map: with its actor, or on its own way."""
        spec = self.spec
        height_m = KINDS[spec.kind].height_m if spec.z_m is None else spec.z_m
        if spec.actor is not None:
            feet = where_is(spec.actor)
            above_m = min(height_m, _TALL_M) if spec.z_m is None else height_m
            return None if feet is None else feet + np.array([0.0, 0.0, above_m])
        first, goal = np.array([spec.x_m, spec.y_m, height_m]), spec.to_m
        if goal is None or self.began_s is None:
            return first
        way = np.array([*goal, height_m]) - first
        length_m = float(np.linalg.norm(way))
        gone = min(spec.speed_mps * (now_s - self.began_s) / max(length_m, 1e-6), 1.0)
        return np.asarray(first + gone * way)

    def heard(
        self, now_s: float, ends: tuple[Floats, Floats], count: int, where_is: WhereIs, is_shaded: Callable[[Floats], bool]
    ) -> Floats | None:
        """What of it arrives (count, M) pascal in the block from ``now_s`` on; ``ends`` are the microphones (M, 3) m in map at
        the block's begin and end. None when that is nothing."""
        if self.began_s is None:
            return None
        places = [self.place_at(time_s, where_is) for time_s in self._left_at(now_s, ends, count, where_is)]
        if places[0] is None or places[1] is None:
            return None
        self._place_m = places[0] - ends[0].mean(axis=0)
        if float(np.linalg.norm(self._place_m)) > self._reach_m():
            return None
        shaded = is_shaded(places[0])
        total: Floats | None = None
        for path in self._paths:
            flip = np.array([1.0, 1.0, -1.0 if path.is_mirrored else 1.0])
            far = [np.sqrt(((place * flip - end) ** 2).sum(axis=1)) for place, end in zip(places, ends, strict=True)]
            part = path.heard(now_s - self.began_s, far[0], far[1], count, shaded=shaded)
            if part is not None:
                total = part if total is None else total + part
        return total

    def _left_at(self, now_s: float, ends: tuple[Floats, Floats], count: int, where_is: WhereIs) -> tuple[float, float]:
        """When what arrives at the block's two ends left the source."""
        place = self.place_at(now_s, where_is)
        way_m = 0.0 if place is None else float(np.linalg.norm(place - ends[0].mean(axis=0)))
        return now_s - way_m / SPEED_MPS, now_s + count / RATE_HZ - way_m / SPEED_MPS

    def _reach_m(self) -> float:
        """Beyond this it is fainter than any microphone's own noise."""
        level_db = KINDS[self.spec.kind].level_db if self.spec.level_db is None else self.spec.level_db
        return math.pow(10.0, (level_db - 15.0) / 20.0)
