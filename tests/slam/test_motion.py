# SPDX-License-Identifier: Apache-2.0
"""Odometry: how late it is, how far it is believed, and drives through synthetic places with all its vices."""

from __future__ import annotations

import math

import numpy as np
import pytest

from patrol.geometry import IDENTITY2, Pose2
from slam.config import MapperConfig, MotionConfig
from slam.latency import OdometryClock
from slam.mapper import Mapper
from slam.motion import MotionModel
from slam.relations import score_relations
from slam.trajectory import Trajectory
from tests.slam.synthetic import Laser, Wheels, make_drive, relations_of


def heading(time_s: float) -> float:
    return 0.8 * math.sin(0.9 * time_s) + 0.3 * math.sin(2.3 * time_s)


@pytest.mark.parametrize("late_s", [-0.3, -0.1, 0.0, 0.16, 0.4])
def test_latency_is_found(late_s: float) -> None:
    clock, period_s = OdometryClock(), 0.1
    for row in range(900):
        time_s = row * period_s
        told = Pose2(0.5 * (time_s - late_s), 0.0, heading(time_s - late_s))
        clock.add(round(time_s * 1e9), told)
        clock.add_track(round(time_s * 1e9), heading(time_s))
    assert clock.latency_s == pytest.approx(late_s, abs=0.02)


def test_odometry_that_runs_ahead_is_told_back() -> None:
    clock = OdometryClock()
    answers = []
    for row in range(900):
        time_s = row * 0.1
        answers.append(clock.add(round(time_s * 1e9), Pose2(0.0, 0.0, heading(time_s + 0.3))).yaw_rad - heading(time_s))
        clock.add_track(round(time_s * 1e9), heading(time_s))
    assert max(map(abs, answers[-100:])) < 0.25 * max(map(abs, answers[:100]))


def test_odometry_that_is_contradicted_is_believed_less() -> None:
    model, matched = MotionModel(MotionConfig()), Pose2(0.1, 0.0, 0.0)
    sharp = np.diag([1e-6, 1e-6, 1e-7])
    odom = IDENTITY2
    model.step(0, odom)
    for row in range(1, 120):
        odom = odom @ Pose2(0.3, 0.0, 0.0)
        step = model.step(row * 10**8, odom)
        model.correct(row * 10**8, step, matched, sharp, 0.0)
    assert model.distrust[0] > 1.5
    honest = MotionModel(MotionConfig())
    honest.step(0, IDENTITY2)
    for row in range(1, 120):
        step = honest.step(row * 10**8, Pose2(0.1 * row, 0.0, 0.0))
        honest.correct(row * 10**8, step, matched, sharp, 0.0)
    assert honest.distrust == (1.0, 1.0)


def test_a_gap_without_odometry_is_not_carried_on_for_long() -> None:
    model = MotionModel(MotionConfig(use_odometry=False))
    model.step(0, IDENTITY2)
    step = model.step(10**8, IDENTITY2)
    model.correct(10**8, step, Pose2(0.1, 0.0, 0.0), np.eye(3) * 1e-6, 0.0)
    after_gap = model.step(5 * 10**9, IDENTITY2)
    assert after_gap.last_from_base.x_m == pytest.approx(0.5)
    assert after_gap.covariance[0, 0] > 1.0


@pytest.mark.parametrize(
    ("place", "laser", "wheels"),
    [
        ("offices", Laser(beams=180, rate_hz=4.0), Wheels(turn_per_m_rad=0.02, turn_scale=1.1)),
        ("hall", Laser(beams=241, fov_deg=270.0, rate_hz=5.0), Wheels()),
        ("hall", Laser(beams=241, fov_deg=270.0, rate_hz=5.0), Wheels(late_s=0.4)),
        ("yard", Laser(beams=181, range_max_m=80.0, rate_hz=3.0), Wheels(slip_share=0.1)),
    ],
)
def test_a_minute_in_a_synthetic_place(place: str, laser: Laser, wheels: Wheels) -> None:
    drive = make_drive(place, laser, wheels, seed=5, speed_mps=0.8, limit_s=60.0)
    mapper = Mapper(MapperConfig(), drive.log.base_from_lidar, drive.truth.pose(0))
    for record in drive.log:
        mapper.add_scan(record.scan, record.odom_from_base)
    odometry = Trajectory.from_poses([r.stamp_ns for r in drive.log], [r.odom_from_base for r in drive.log])
    relations = relations_of(drive.truth, seed=0, count=100)
    ours, raw = (score_relations(relations, path, odometry) for path in (mapper.trajectory(), odometry))
    assert ours.translation_m.mean() < (0.1 if wheels.late_s else 0.05)
    assert ours.translation_m.mean() < raw.translation_m.mean()
    assert ours.rotation_deg.mean() < 0.5
