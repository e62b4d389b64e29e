# SPDX-License-Identifier: Apache-2.0
"""What microphones hear, and what is told of it. Sound is personal: blocks of it stay on the robot, only events leave it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from patrol.checks import Floats, frozen_array, require_finite, require_in, require_positive
from patrol.errors import BadValue
from patrol.geometry import Pose2
from patrol.percepts import SOUNDS, Label

MICROPHONES_MOST = 16
MICROPHONE_FRAME = "microphones_link"
"""Where the array stands on ``base_link``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundBlock:
    """A stretch of sound of all microphones at once: ``samples`` (N, M) int16, ``full_scale_pa`` pascal at 32768.

    ``stamp_ns`` is the time of the first sample. ``positions_m`` (M, 3) says where the microphones sit in ``frame_id``.
    """

    stamp_ns: int
    frame_id: str
    rate_hz: float
    full_scale_pa: float
    positions_m: Floats
    samples: npt.NDArray[np.int16]

    def __post_init__(self) -> None:
        require_positive("rate_hz", self.rate_hz)
        require_positive("full_scale_pa", self.full_scale_pa)
        object.__setattr__(self, "positions_m", frozen_array("positions_m", self.positions_m, (None, 3)))
        count = len(self.positions_m)
        if not 1 <= count <= MICROPHONES_MOST:
            raise BadValue(f"positions_m: {count} microphones are not 1 to {MICROPHONES_MOST}")
        if not np.isfinite(self.positions_m).all():
            raise BadValue("positions_m: holds values that are not finite")
        object.__setattr__(self, "samples", frozen_array("samples", self.samples, (None, count), np.int16))

    @property
    def end_ns(self) -> int:
        """Stamp of the sample after the last."""
        return self.stamp_ns + round(len(self.samples) / self.rate_hz * 1e9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearing:
    """Where a sound came from, seen from ``base_link``: counter-clockwise from straight ahead, with its standard deviation."""

    azimuth_rad: float
    std_rad: float

    def __post_init__(self) -> None:
        require_finite("azimuth_rad", self.azimuth_rad)
        require_positive("std_rad", self.std_rad)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """Where the robot was on the map when it heard something, as well as that was known."""

    map_from_base: Pose2
    position_std_m: float
    yaw_std_rad: float

    def __post_init__(self) -> None:
        for name in ("position_std_m", "yaw_std_rad"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0.0):
                raise BadValue(f"{name}: {getattr(self, name)!r} is not at least zero")


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundEvent:
    """Something was heard. ``onset_ns``: when it reached the robot; ``heard_ns``: when that was decided. ``level_db``: how far it
    rose above the background. ``bearing`` is None where it can not be told (one microphone, or too diffuse); ``listener`` is
    None while the robot's pose is not known."""

    event_id: int
    label: Label
    onset_ns: int
    heard_ns: int
    score: float
    level_db: float
    bearing: Bearing | None
    listener: Listener | None

    def __post_init__(self) -> None:
        require_in("label", self.label, SOUNDS)
        require_finite("level_db", self.level_db)
        if not 0.0 <= self.score <= 1.0:
            raise BadValue(f"score: {self.score!r} is not within 0..1")
