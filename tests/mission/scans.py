# SPDX-License-Identifier: Apache-2.0
"""Scans of the mission's tests."""

from __future__ import annotations

import math

import numpy as np

from patrol.checks import Floats
from patrol.sensors import Scan

NOW_NS = 5_000_000_000


def scan_of(ranges_m: Floats, stamp_ns: int = NOW_NS) -> Scan:
    """A whole turn of evenly spread beams from behind."""
    return Scan(
        stamp_ns=stamp_ns,
        frame_id="lidar_link",
        angle_min_rad=-math.pi,
        angle_step_rad=2.0 * math.pi / max(len(ranges_m), 1),
        range_min_m=0.05,
        range_max_m=40.0,
        ranges_m=ranges_m.astype(np.float32),
    )
