# SPDX-License-Identifier: Apache-2.0
"""The dock is found by its plate, and by nothing that only looks a little like it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission.dock_marker import DockMarkerConfig, dock_seen
from patrol.checks import Floats
from patrol.geometry import Pose2

DOCK = Pose2(20.0, -5.0, 0.7)
CONFIG = DockMarkerConfig()


def plate(dock: Pose2, *, width_m: float = 0.7, step_m: float = 0.04, noise_m: float = 0.01, seed: int = 0) -> Floats:
    """Points in map that a lidar would have of the plate behind ``dock``."""
    across = np.arange(-0.5 * width_m, 0.5 * width_m + 1e-9, step_m)
    depth = -CONFIG.behind_m + np.random.default_rng(seed).normal(0.0, noise_m, len(across)).clip(-0.03, 0.03)
    return np.asarray(dock.apply(np.column_stack((depth, across))))


@given(st.floats(-0.35, 0.35), st.floats(-0.35, 0.35), st.floats(-0.25, 0.25), st.integers(0, 1000), st.floats(-math.pi, math.pi))
def test_the_dock_is_where_its_plate_is(x_m: float, y_m: float, turned: float, seed: int, yaw: float) -> None:
    thought = Pose2(20.0, -5.0, yaw)
    true = thought @ Pose2(x_m, y_m, turned)
    centre = thought.inverse() @ true @ Pose2(-CONFIG.behind_m, 0.0, 0.0)
    seen = dock_seen(plate(true, seed=seed), thought, CONFIG)
    if math.hypot(centre.x_m + CONFIG.behind_m, centre.y_m) < CONFIG.within_m - 0.36:
        assert seen is not None
    if seen is not None:
        assert seen.distance_to(true) < 0.07
        assert abs(math.remainder(seen.yaw_rad - true.yaw_rad, 2 * math.pi)) < 0.09


@pytest.mark.parametrize("width_m", [0.3, 0.5, 0.95, 3.0])
def test_a_post_or_a_wall_is_no_plate(width_m: float) -> None:
    assert dock_seen(plate(DOCK, width_m=width_m), DOCK, CONFIG) is None


def test_two_plates_are_none() -> None:
    both = np.vstack((plate(DOCK @ Pose2(0.0, -0.5, 0.0)), plate(DOCK @ Pose2(0.0, 0.5, 0.0))))
    assert dock_seen(both, DOCK, CONFIG) is None


def test_something_beside_the_plate_hides_where_it_ends() -> None:
    box = DOCK.apply(np.column_stack((np.full(10, -CONFIG.behind_m), np.linspace(0.38, 0.7, 10))))
    assert dock_seen(np.vstack((plate(DOCK), box)), DOCK, CONFIG) is None
    away = DOCK.apply(np.column_stack((np.full(10, 1.5), np.linspace(0.3, 0.6, 10))))
    assert dock_seen(np.vstack((plate(DOCK), away)), DOCK, CONFIG) is not None


def test_nothing_seen_is_nothing_found() -> None:
    assert dock_seen(np.zeros((0, 2)), DOCK, CONFIG) is None
    assert dock_seen(plate(DOCK @ Pose2(3.0, 0.0, 0.0)), DOCK, CONFIG) is None
    assert dock_seen(plate(DOCK)[:4], DOCK, CONFIG) is None
    curved = plate(DOCK, noise_m=0.0)
    bent = curved + np.outer(np.linspace(-1.0, 1.0, len(curved)) ** 2 * 0.15, [math.cos(0.7), math.sin(0.7)])
    assert dock_seen(bent, DOCK, CONFIG) is None
