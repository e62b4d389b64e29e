# SPDX-License-Identifier: Apache-2.0
"""Every kind of sound that a scenario can name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from patrol.checks import Floats, Floats32
from patrol.percepts import Label
from sim.sound import impacts, machines, voices
from sim.sound.waves import at_level

Maker = Callable[[np.random.Generator, float], Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """``level_db``: sound pressure level at 1 m that is usual for it; ``duration_s``: usual shortest and longest; ``label``: what
    it should be called, None for what should raise nobody; ``height_m``: where it usually is above the ground."""

    make: Maker
    level_db: float
    duration_s: tuple[float, float]
    height_m: float
    label: Label | None = None


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "glass": Kind(make=impacts.glass, level_db=98.0, duration_s=(0.8, 1.6), height_m=1.2, label=Label.GLASS),
        "shout": Kind(make=voices.shout, level_db=92.0, duration_s=(0.5, 1.6), height_m=1.6, label=Label.SHOUT),
        "scream": Kind(make=voices.scream, level_db=98.0, duration_s=(0.6, 2.0), height_m=1.5, label=Label.SHOUT),
        "rotor": Kind(make=machines.rotor, level_db=82.0, duration_s=(6.0, 12.0), height_m=12.0, label=Label.ROTOR),
        "bird": Kind(make=voices.bird, level_db=82.0, duration_s=(1.5, 5.0), height_m=5.0),
        "car": Kind(make=machines.car, level_db=84.0, duration_s=(4.0, 10.0), height_m=0.5),
        "door": Kind(make=impacts.door, level_db=92.0, duration_s=(0.6, 1.0), height_m=1.0),
        "thunder": Kind(make=impacts.thunder, level_db=125.0, duration_s=(3.0, 8.0), height_m=300.0),
        "talking": Kind(make=voices.talking, level_db=66.0, duration_s=(2.0, 8.0), height_m=1.6),
    }
)


def make_sound(kind: str, seed: int, *, duration_s: float | None = None, level_db: float | None = None) -> Floats32:
    """The sound (N,) in pascal at 1 m; the same seed gives the same samples, another seed another sound of the kind."""
    row, rng = KINDS[kind], np.random.default_rng([seed, sorted(KINDS).index(kind)])
    lasts_s = float(rng.uniform(*row.duration_s)) if duration_s is None else duration_s
    wave = at_level(row.make(rng, lasts_s), row.level_db if level_db is None else level_db)
    quiet: Floats32 = wave.astype(np.float32)
    quiet.setflags(write=False)
    return quiet
