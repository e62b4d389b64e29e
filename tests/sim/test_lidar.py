# SPDX-License-Identifier: Apache-2.0
"""The lidar: true ranges, the motion within a revolution, actors in the way, and weather."""

from __future__ import annotations

import numpy as np
import pytest

from patrol.checks import Floats
from sim.lidar import Revolution, SpinningLidar
from sim.robot import read_robot
from sim.sdf import read_world
from sim.weather import Sky, Weather
from tests.sim.stand import write_yard

PART = read_robot().lidar
CLEAR = Weather()


@pytest.fixture(scope="module")
def lidar(tmp_path_factory: pytest.TempPathFactory) -> SpinningLidar:
    quiet = PART.model_copy(update={"range_noise_m": 0.0, "dropout": 0.0})
    return SpinningLidar(quiet, read_world(write_yard(tmp_path_factory.mktemp("yard"))), np.random.default_rng(1))


def trail(begin: tuple[float, float, float], end: tuple[float, float, float]) -> Floats:
    poses = np.zeros((11, 6))
    poses[:, [0, 1, 5]] = np.linspace(begin, end, 11)
    return poses


STANDING = trail((0, 0, 0), (0, 0, 0))


def test_standing_still_the_wall_is_straight_and_where_it_is(lidar: SpinningLidar) -> None:
    scan = lidar.scan(lidar.revolve(STANDING, 0, (), CLEAR))
    points = scan.points_m()
    ahead = points[(np.abs(points[:, 1]) < 4.0) & (points[:, 0] > 5.0)]
    assert len(ahead) > 60
    np.testing.assert_allclose(ahead[:, 0], 10.0, atol=2e-3)


def test_chain_link_stops_the_lidar(lidar: SpinningLidar) -> None:
    points = lidar.scan(lidar.revolve(STANDING, 0, (), CLEAR)).points_m()
    left = points[(np.abs(points[:, 0]) < 3.0) & (points[:, 1] > 1.0)]
    np.testing.assert_allclose(left[:, 1], 4.98, atol=2e-3)


def test_turning_skews_the_scan_and_its_own_times_put_it_right(lidar: SpinningLidar) -> None:
    revolution = lidar.revolve(trail((0, 0, -0.06), (0, 0, 0.06)), 0, (), CLEAR)
    scan = lidar.scan(revolution)
    keep = scan.valid()
    yaw = -0.06 + 0.12 * np.arange(keep.size)[keep] * scan.beam_step_s * PART.rate_hz
    angles = scan.angles_rad()[keep] + yaw
    x, y = scan.ranges_m[keep] * np.cos(angles), scan.ranges_m[keep] * np.sin(angles)
    wall = (np.abs(y) < 8.0) & (x > 5.0)
    np.testing.assert_allclose(x[wall], 10.0, atol=5e-3)
    skewed = scan.points_m()
    far = (np.abs(skewed[:, 1] - 8.0) < 2.0) & (skewed[:, 0] > 5.0)
    assert np.abs(skewed[far, 0] - 10.0).max() > 0.1


def test_driving_shortens_the_later_beams(lidar: SpinningLidar) -> None:
    scan = lidar.scan(lidar.revolve(trail((0, 0, 0), (1, 0, 0)), 0, (), CLEAR))
    assert scan.ranges_m[450] == pytest.approx(9.5, abs=0.01)


def test_cloud_has_times_rings_and_points_of_the_ground(lidar: SpinningLidar) -> None:
    cloud = lidar.cloud(lidar.revolve(STANDING, 7, (), CLEAR))
    assert cloud.stamp_ns == 7
    assert (np.diff(cloud.time_s) >= 0.0).all()
    assert 0.0 <= cloud.time_s.min() <= cloud.time_s.max() < 0.1
    assert set(np.unique(cloud.ring)) == set(range(16))
    lowest = cloud.points_m[cloud.ring == 0]
    np.testing.assert_allclose(lowest[:, 2], -0.65, atol=1e-3)
    assert (cloud.intensity > 0.0).all()


@pytest.mark.parametrize("sky", [Sky.RAIN, Sky.FOG])
def test_bad_weather_loses_returns_and_makes_short_ones(lidar: SpinningLidar, sky: Sky) -> None:
    clear = lidar.revolve(STANDING, 0, (), CLEAR).ranges_m
    visibility_m = 900.0 if sky is Sky.RAIN else 45.0
    wet = lidar.revolve(STANDING, 0, (), Weather(sky=sky, visibility_m=visibility_m)).ranges_m
    short = np.isfinite(wet) & (wet < clear - 0.1)
    assert short.sum() > 10
    assert np.isfinite(wet).sum() < np.isfinite(clear).sum()


@pytest.mark.parametrize("sky", [Sky.RAIN, Sky.FOG])
def test_drops_are_no_surface_of_the_scan(lidar: SpinningLidar, sky: Sky) -> None:
    clear = lidar.scan(lidar.revolve(STANDING, 0, (), CLEAR)).ranges_m
    weather = Weather(sky=sky, visibility_m=900.0 if sky is Sky.RAIN else 45.0)
    wet = np.stack([lidar.scan(lidar.revolve(STANDING, 0, (), weather)).ranges_m for _ in range(10)])
    short = np.isfinite(wet) & (wet < clear - 0.5)
    assert short.sum() <= 10, "drops must not stand in the robot's way"
    near = clear < 12.0
    assert np.isfinite(wet[:, near]).mean() > 0.9


def test_a_thin_post_stays_in_the_scan(lidar: SpinningLidar) -> None:
    ranges = np.full((PART.columns, PART.rings), np.inf, dtype=np.float32)
    ranges[450] = np.float32(6.0)
    ranges[100, 8] = np.float32(3.0)
    revolution = Revolution(starts_ns=0, period_s=0.1, ranges_m=ranges, intensity=np.zeros_like(ranges))
    scan = lidar.scan(revolution)
    assert np.flatnonzero(np.isfinite(scan.ranges_m)).tolist() == [450], "a single return near by is a drop"
