# SPDX-License-Identifier: Apache-2.0
"""Scans that fit where the robot is not: somebody leans on it and the lidar sees little but them, or corridors look alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from patrol.sensors import Scan
from slam.config import MapperConfig
from slam.mapper import Mapper
from slam.updates import ScanOutcome
from tests.slam import look_alikes
from tests.slam.synthetic import Laser, Wheels, make_drive


def covered(scan: Scan, rng: np.random.Generator) -> Scan:
    """All beams end within 40 cm, at a body that stands about the lidar."""
    angle = np.linspace(0.0, np.pi, scan.ranges_m.size)
    bumps = 0.12 * np.sin(3.0 * angle + rng.uniform(0.0, 6.0)) + 0.08 * np.cos(7.0 * angle + rng.uniform(0.0, 6.0))
    return replace(scan, ranges_m=(0.2 + bumps).astype(np.float32))


@pytest.mark.parametrize(("place", "seed"), [("great_ring", 4), ("wards", 5)])
def test_corridors_that_look_alike_are_closed_where_they_are(place: str, seed: int) -> None:
    """Doors 9 m apart, all the same: where only part of a corridor was mapped, it fits whole a door further on. In the wards a
    body comes near the lidar in a dead end, and the scan fits there turned by 20 deg."""
    outcome = look_alikes.mapped(place, seed, 1e9)
    assert outcome.closures > 300
    assert outcome.false == 0
    assert outcome.errors_m.max() < 0.2


def test_a_body_about_the_lidar_turns_nothing() -> None:
    laser, wheels = Laser(beams=180, fov_deg=179.0, range_max_m=50.0, rate_hz=2.5), Wheels(scale=1.02, noise=0.05)
    drive = make_drive(look_alikes.door_rows.__name__, laser, wheels, seed=1, speed_mps=0.9, limit_s=60.0)
    mapper, rng = Mapper(MapperConfig(), drive.log.base_from_lidar, drive.truth.pose(0)), np.random.default_rng(3)
    turned_rad, outcomes = [], []
    for number, record in enumerate(drive.log):
        is_covered = number > 20 and number % 20 in (10, 11)
        update = mapper.add_scan(covered(record.scan, rng) if is_covered else record.scan, record.odom_from_base)
        truth = drive.truth.pose(drive.truth.nearest(record.scan.stamp_ns))
        turned_rad.append(abs((truth.inverse() @ update.estimate.map_from_base).yaw_rad))
        outcomes += [update.outcome] if is_covered else []
    assert len(outcomes) == 12
    assert set(outcomes) == {ScanOutcome.POOR_MATCH}
    assert max(turned_rad) < 0.03
