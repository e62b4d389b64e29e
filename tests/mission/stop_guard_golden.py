# SPDX-License-Identifier: Apache-2.0
"""What the stop guard let through in situations drawn from a seed: golden figures, so that no change of it goes unnoticed.

Written anew with ``python -m tests.mission.stop_guard_golden``; the difference is reviewed like code.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np

from mission.stop_guard import StopGuard, StopGuardConfig
from patrol.geometry import Pose2, Twist2
from patrol.sensors import Scan

PATH = Path(__file__).parent / "golden" / "stop_guard.json"
COUNT = 160
BEAMS = 240
NOW_NS = 5_000_000_000
MOUNT = Pose2(0.12, -0.05, 0.3)
CONFIGS = (
    StopGuardConfig(),
    StopGuardConfig(edge_m=1e6),
    StopGuardConfig(decel_mps2=0.7, walker_mps=1.2, contact_mps=0.3, length_m=0.9, width_m=0.6),
    StopGuardConfig(edge_m=1e6, decel_mps2=1.7, latency_s=0.1, least_returns=3, margin_m=0.1, stand_off_m=0.2),
)
Row = list[float | str]


def scan_of(rng: np.random.Generator) -> Scan:
    """A room with things in it, some beams without return and some broken."""
    angles = -math.pi + np.arange(BEAMS) * 2.0 * math.pi / BEAMS
    half_m = rng.uniform(0.9, 6.0, 2)
    with np.errstate(divide="ignore"):
        ranges = np.minimum(half_m[0] / np.abs(np.cos(angles)), half_m[1] / np.abs(np.sin(angles)))
    for _ in range(int(rng.integers(0, 5))):
        away, bearing, radius = rng.uniform(0.6, 5.0), rng.uniform(-math.pi, math.pi), rng.uniform(0.05, 0.6)
        along = away * np.cos(angles - bearing)
        depth = radius**2 - (away * np.sin(angles - bearing)) ** 2
        hit = (depth > 0.0) & (along > 0.0)
        ranges = np.where(hit, np.minimum(ranges, along - np.sqrt(np.maximum(depth, 0.0))), ranges)
    ranges = np.where(rng.random(BEAMS) < 0.02, np.inf, np.maximum(ranges, 0.11))
    ranges = np.where(rng.random(BEAMS) < 0.02, np.nan, ranges)
    return Scan(
        stamp_ns=NOW_NS,
        frame_id="lidar_link",
        angle_min_rad=-math.pi,
        angle_step_rad=2.0 * math.pi / BEAMS,
        range_min_m=0.1,
        range_max_m=20.0,
        ranges_m=ranges.astype(np.float32),
    )


def rows() -> list[Row]:
    """Forward and turning speed let through, the free way and the reason, per situation."""
    found: list[Row] = []
    for seed in range(COUNT):
        rng = np.random.default_rng([seed, 31])
        guard = StopGuard(CONFIGS[seed % len(CONFIGS)], MOUNT)
        guard.on_scan(scan_of(rng))
        wanted = Twist2(float(rng.uniform(-0.8, 1.6)), float(rng.choice([0.0, 0.0, 0.2])), float(rng.uniform(-1.0, 1.0)))
        now_ns = NOW_NS + int(rng.integers(0, 300)) * 1_000_000
        guard.on_wanted(wanted, now_ns)
        guarded = guard.step(now_ns)
        twist = guarded.twist
        figures = [round(value, 6) for value in (twist.forward_mps, twist.left_mps, twist.turn_radps, guarded.free_m)]
        found.append([*figures, guarded.reason.value])
    return found


if __name__ == "__main__":
    PATH.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows()) + "\n]\n", "utf-8")
