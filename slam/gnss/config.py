# SPDX-License-Identifier: Apache-2.0
"""What can be set about GNSS. Receivers tell how good a fix is; nothing here is bound to one of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from patrol.config import Config

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]


class FixConfig(Config):
    """Which fixes are believed. Limits of squared Mahalanobis distances are for two degrees of freedom: 18.4 is passed by chance
    once in ten thousand, 9.2 once in a hundred, 24 once in 160,000. Receivers do not know of reflections: beside a building,
    up to ``wall_reach_m`` away, a fix is held for worse than it says, by ``wall_std_m`` at the wall.
    """

    std_max_m: Positive = 5.0
    std_floor_m: Positive = 0.05
    wall_reach_m: Positive = 8.0
    wall_std_m: NotNegative = 2.0
    correlation_s: Positive = 60.0
    roof_margin_m: NotNegative = 1.0
    window_s: Positive = 2.0
    apart_max: Positive = 18.4
    apart_back: Positive = 9.2
    moved_windows_s: tuple[float, ...] = (2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
    moved_max: Positive = 24.0
    drift_per_m: NotNegative = 0.01
    drift_rad_per_root_m: NotNegative = 0.002
    back_after_s: Positive = 15.0
    silent_after_s: Positive = 3.0


class GnssConfig(Config):
    """GNSS in SLAM. ``prove_s``: how long a fix waits, unused, for its successors to contradict it. ``retract_s``: factors
    younger than that are taken back when they do. ``follow_m``: the map is not redrawn for less. ``dock_std_*``: how well the
    pose of the dock on the site's plan is known, unless it is wrong."""

    enabled: bool = True
    fixes: FixConfig = FixConfig()
    prove_s: Positive = 10.0
    retract_s: Positive = 30.0
    factor_every_s: Positive = 5.0
    robust_sigma: Positive = 2.0
    correct_every_s: Positive = 10.0
    follow_m: NotNegative = 0.1
    dock_std_m: Positive = 0.05
    dock_std_rad: Positive = 0.002
    align_pairs_min: Count = 6
    align_pairs_max: Count = 600
    align_std_max_m: Positive = 1.0
    align_std_max_rad: Positive = 0.03


class CorrectionConfig(Config):
    """How fast the told pose follows a correction of the map, or of the place in it; beyond ``jump_m`` it is told at once."""

    step_max_m: Positive = 0.1
    step_max_rad: Positive = 0.03
    jump_m: Positive = 3.0
    jump_rad: Positive = 0.5
