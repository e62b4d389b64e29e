# SPDX-License-Identifier: Apache-2.0
"""The same questions to the embedded simulator and to Gazebo 11. Where an answer differs, the embedded simulator is wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from patrol.geometry import STOPPED, Twist2, wrap_angle
from patrol.local_frame import LocalFrame
from patrol.sensors import Fix, Image, Imu, Odometry
from patrol.site_file import read_site
from sim.casting_call import SITES
from sim.gazebo.installation import Installation
from sim.gazebo.simulator import GazeboSimulator
from sim.sensor_suite import ALL_SENSORS
from sim.simulator import Simulator
from sim.twin import Twin
from sim.weather import Sky
from tests.gazebo.court import POST_AT_M, Log, court_scenario, drive, mask_extent_px, post_extent_px, robot
from tests.sim.stand import NIGHT

pytestmark = [pytest.mark.gazebo, pytest.mark.timeout(900)]
TWINS = ("embedded", "gazebo")
DRIVEN = frozenset({"odom", "imu", "fix"})
SPEED_MPS, TURN_RADPS, ASIDE_Y_M = 1.0, 0.8, -6.0


@contextmanager
def opened(name: str, folder: Path, sensors: frozenset[str], y_m: float = 0.0, **changes: Any) -> Iterator[Twin]:
    scenario = court_scenario(folder, robot={"x_m": 0.0, "y_m": y_m, "yaw_deg": 0.0}, **changes)
    make: Callable[..., Twin] = {"embedded": Simulator, "gazebo": GazeboSimulator}[name]
    simulator = make(scenario, robot(), seed=5, sensors=sensors)
    try:
        yield simulator
    finally:
        simulator.close()


class Runs:
    """Each run is made once, when the first test asks for it."""

    def __init__(self, folder: Path) -> None:
        self.at_rest, self.driven, self.crashed = cache(self._at_rest), cache(self._driven), cache(self._crashed)
        self.foul = cache(self._foul)
        self._folder = folder

    def _at_rest(self, name: str) -> Log:
        """All sensors, three seconds, standing still."""
        with opened(name, self._folder, ALL_SENSORS) as simulator:
            return drive(simulator, STOPPED, 3.0)

    def _driven(self, name: str) -> dict[str, Log]:
        """Rest, straight on, stop from full speed, and a whole turn, one after the other."""
        with opened(name, self._folder, DRIVEN, ASIDE_Y_M) as simulator:
            return {
                "rest": drive(simulator, STOPPED, 12.0),
                "ahead": drive(simulator, Twist2(forward_mps=SPEED_MPS), 10.5),
                "halt": drive(simulator, STOPPED, 2.0),
                "turn": drive(simulator, Twist2(forward_mps=0.0, turn_radps=TURN_RADPS), 2.0 * math.pi / TURN_RADPS),
                "still": drive(simulator, STOPPED, 1.0),
                "back": drive(simulator, Twist2(forward_mps=1.5), 3.0),
                "brake": drive(simulator, STOPPED, 2.5),
            }

    def _foul(self, name: str) -> dict[str, Log]:
        """Fog, by night, and slippery wheels for three seconds."""
        fault = {"kind": "slip", "at_s": 0.5, "for_s": 3.0}
        foul = {"weather": Sky.FOG, "start": NIGHT, "faults": [fault]}
        with opened(name, self._folder, frozenset({"odom", "camera"}), ASIDE_Y_M, **foul) as simulator:
            return {
                "rest": drive(simulator, STOPPED, 0.5),
                "spin": drive(simulator, Twist2(forward_mps=1.5), 2.0),
                "slide": drive(simulator, STOPPED, 1.0),
                "dry": drive(simulator, STOPPED, 1.0),
            }

    def _crashed(self, name: str) -> Log:
        """Straight into the post."""
        with opened(name, self._folder, frozenset({"odom"}), POST_AT_M[1]) as simulator:
            return drive(simulator, Twist2(forward_mps=1.5), 5.0)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, gazebo: Installation) -> Runs:
    assert gazebo.descriptors.is_file()
    return Runs(tmp_path_factory.mktemp("court"))


KINDS = {
    "PointCloud": 10.0,
    "Scan": 10.0,
    "Imagebgr8": 10.0,
    "Imagemono16": 9.0,
    "Imu": 100.0,
    "Odometry": 50.0,
    "Fix": 5.0,
    "Battery": 1.0,
}


@pytest.mark.parametrize("name", TWINS)
def test_every_sensor_speaks_at_its_rate_and_in_order(runs: Runs, name: str) -> None:
    log = runs.at_rest(name)
    assert set(log.heard) == set(KINDS)
    for kind, rate_hz in KINDS.items():
        stamps_s = log.stamps_s(kind)
        assert np.all(np.diff(stamps_s) > 0.0), kind
        if len(stamps_s) > 3:
            assert 1.0 / np.diff(stamps_s).mean() == pytest.approx(rate_hz, rel=0.06), kind


def test_messages_have_the_same_frames_and_shapes(runs: Runs) -> None:
    embedded, gazebo = (runs.at_rest(name).heard for name in TWINS)
    for kind in KINDS:
        first, second = embedded[kind][-1], gazebo[kind][-1]
        assert getattr(first, "frame_id", "") == getattr(second, "frame_id", ""), kind
        if isinstance(first, Image):
            assert first.pixels.shape == second.pixels.shape
    first, second = embedded["Scan"][-1], gazebo["Scan"][-1]
    for field in ("angle_min_rad", "angle_step_rad", "range_min_m", "range_max_m"):
        assert getattr(first, field) == pytest.approx(getattr(second, field), rel=1e-6), field
    assert first.ranges_m.shape == second.ranges_m.shape


def test_lidar_ranges_from_the_same_pose_agree(runs: Runs) -> None:
    scans = [np.stack([scan.ranges_m for scan in runs.at_rest(name).heard["Scan"]]) for name in TWINS]
    with np.errstate(invalid="ignore"):
        embedded, gazebo = (np.median(np.where(np.isfinite(each), each, np.nan), axis=0) for each in scans)
    both = np.isfinite(embedded) & np.isfinite(gazebo)
    assert both.sum() > 500
    assert (np.isfinite(embedded) ^ np.isfinite(gazebo)).mean() < 0.02
    assert np.median(np.abs(embedded - gazebo)[both]) < 0.02
    assert abs(np.median((embedded - gazebo)[both])) < 0.01


def test_clouds_agree_in_size_rings_and_height(runs: Runs) -> None:
    embedded, gazebo = (runs.at_rest(name).heard["PointCloud"][-1] for name in TWINS)
    assert len(gazebo.points_m) == pytest.approx(len(embedded.points_m), rel=0.05)
    assert set(np.unique(gazebo.ring)) == set(np.unique(embedded.ring))
    assert np.median(gazebo.points_m[:, 2]) == pytest.approx(np.median(embedded.points_m[:, 2]), abs=0.03)
    for cloud in (embedded, gazebo):
        assert 0.0 < cloud.intensity.min() <= cloud.intensity.max() < 1.0


@pytest.mark.parametrize("name", TWINS)
def test_a_known_corner_lies_where_the_colour_camera_should_see_it(runs: Runs, name: str) -> None:
    log = runs.at_rest(name)
    blue, green, red = (log.heard["Imagebgr8"][-1].pixels[..., channel].astype(int) for channel in range(3))
    seen = mask_extent_px((red > 60) & (red > 2 * green) & (red > 2 * blue))
    wanted = post_extent_px(robot().camera, log.truths[-1].map_from_base)
    assert np.abs(seen - wanted).max() < 2.0, (seen, wanted)


@pytest.mark.parametrize("name", TWINS)
def test_a_known_corner_lies_where_the_thermal_camera_should_see_it(runs: Runs, name: str) -> None:
    log = runs.at_rest(name)
    kelvin = log.heard["Imagemono16"][-1].pixels / 100.0
    wanted = post_extent_px(robot().thermal, log.truths[-1].map_from_base)
    left, top, right = np.rint(wanted).astype(int)
    post = np.median(kelvin[top + 6 : top + 12, left + 4 : right - 4])
    around = np.abs(kelvin - post) < 0.7
    seen = mask_extent_px(around & (np.add.outer(np.zeros(len(kelvin)), np.abs(np.arange(160) - 0.5 * (left + right))) < 30))
    assert np.abs(seen - wanted).max() < 2.0, (seen, wanted)


def test_both_thermal_cameras_show_the_same_temperatures(runs: Runs) -> None:
    embedded, gazebo = (runs.at_rest(name).heard["Imagemono16"][-1].pixels / 100.0 for name in TWINS)
    for share in (0.05, 0.5, 0.95):
        assert np.quantile(gazebo, share) == pytest.approx(np.quantile(embedded, share), abs=1.5)
    assert np.median(np.abs(gazebo - embedded)) < 1.5


@pytest.mark.parametrize("name", TWINS)
def test_imu_at_rest_is_within_its_noise(runs: Runs, name: str) -> None:
    part = robot().imu
    imus: list[Imu] = runs.driven(name)["rest"].heard["Imu"][100:]
    rates = np.stack([imu.angular_velocity_radps for imu in imus])
    force = np.stack([imu.linear_acceleration_mps2 for imu in imus]) - (0.0, 0.0, 9.81)
    for values, white, bias in (
        (rates, part.gyro_noise_radps, part.gyro_bias_radps),
        (force, part.accelerometer_noise_mps2, part.accelerometer_bias_mps2),
    ):
        assert values.std(axis=0) == pytest.approx(np.full(3, white), rel=0.2)
        assert np.abs(values.mean(axis=0)).max() < 4.0 * bias + 4.0 * white / math.sqrt(len(values)) + 0.01


@pytest.mark.parametrize("name", TWINS)
def test_gnss_at_rest_is_within_its_noise(runs: Runs, name: str) -> None:
    part, log = robot().gnss, runs.driven(name)["rest"]
    frame = LocalFrame(read_site(SITES / "depot.geojson").datum)
    fixes: list[Fix] = log.heard["Fix"]
    pose = log.truths[-1].map_from_base
    places = frame.to_map([(fix.longitude_deg, fix.latitude_deg, fix.altitude_m) for fix in fixes])
    errors = places - (pose.x_m + part.position_m[0], pose.y_m, part.position_m[2])
    assert len(fixes) >= 50
    for axis, white in enumerate((part.horizontal_noise_m, part.horizontal_noise_m, part.vertical_noise_m)):
        assert np.diff(errors[:, axis]).std() / math.sqrt(2.0) == pytest.approx(white, rel=0.35)
        assert abs(errors[:, axis].mean()) < 3.5 * math.hypot(part.drift_m, white / math.sqrt(len(fixes)))
        assert fixes[0].covariance_m2[axis, axis] == pytest.approx(white**2 + part.drift_m**2)


def moved_m(log: Log, *, before: Log) -> float:
    return before.truths[-1].map_from_base.distance_to(log.truths[-1].map_from_base)


def turned_rad(log: Log, *, before: Log) -> float:
    yaws = [before.truths[-1].map_from_base.yaw_rad, *(truth.map_from_base.yaw_rad for truth in log.truths)]
    return float(np.abs(np.diff(np.unwrap(yaws)).sum()))


def odometry(log: Log) -> Odometry:
    newest: Odometry = log.heard["Odometry"][-1]
    return newest


@pytest.mark.parametrize("name", TWINS)
def test_odometry_is_right_within_two_percent(runs: Runs, name: str) -> None:
    run = runs.driven(name)
    true_m = moved_m(run["halt"], before=run["rest"])
    told_m = odometry(run["rest"]).odom_from_base.distance_to(odometry(run["halt"]).odom_from_base)
    assert true_m > 9.0
    assert told_m == pytest.approx(true_m, rel=0.02)
    true_rad = turned_rad(run["turn"], before=run["halt"]) + turned_rad(run["still"], before=run["turn"])
    told_rad = 2.0 * math.pi + wrap_angle(
        odometry(run["still"]).odom_from_base.yaw_rad - odometry(run["halt"]).odom_from_base.yaw_rad
    )
    told_rad -= 2.0 * math.pi * round((told_rad - true_rad) / (2.0 * math.pi))
    assert told_rad == pytest.approx(true_rad, rel=0.02)


def test_the_same_commands_lead_to_the_same_place(runs: Runs) -> None:
    embedded, gazebo = (runs.driven(name) for name in TWINS)
    ways = [moved_m(run["halt"], before=run["rest"]) for run in (embedded, gazebo)]
    turns = [turned_rad(run["turn"], before=run["halt"]) for run in (embedded, gazebo)]
    assert ways[0] == pytest.approx(ways[1], rel=0.02)
    assert turns[0] == pytest.approx(turns[1], rel=0.02)


def test_both_stop_within_the_same_distance(runs: Runs) -> None:
    distances = []
    for name in TWINS:
        run = runs.driven(name)
        assert run["back"].truths[-1].twist.forward_mps == pytest.approx(1.5, rel=0.03)
        distances.append(moved_m(run["brake"], before=run["back"]))
        assert abs(run["brake"].truths[-1].twist.forward_mps) < 0.02
    assert distances[0] == pytest.approx(distances[1], rel=0.1)


def test_wheels_slip_alike(runs: Runs) -> None:
    embedded, gazebo = (runs.foul(name) for name in TWINS)
    for run in (embedded, gazebo):
        told_m = odometry(run["rest"]).odom_from_base.distance_to(odometry(run["spin"]).odom_from_base)
        assert moved_m(run["spin"], before=run["rest"]) < 0.7 * told_m, "the wheels turned without taking the robot along"
        assert run["slide"].truths[-1].twist.forward_mps > 0.2, "it can not stop"
        assert abs(run["dry"].truths[-1].twist.forward_mps) < 0.02
    for part, before in (("spin", "rest"), ("slide", "spin")):
        ways = [moved_m(run[part], before=run[before]) for run in (embedded, gazebo)]
        assert ways[0] == pytest.approx(ways[1], rel=0.1), part


def test_fog_darkness_and_lamp_lie_alike_over_both_pictures(runs: Runs) -> None:
    embedded, gazebo = (runs.foul(name)["rest"].heard["Imagebgr8"][-1].pixels.astype(float) for name in TWINS)
    clear = runs.at_rest("gazebo").heard["Imagebgr8"][-1].pixels
    sky, near = np.s_[10:60, 40:600], np.s_[400:470, 200:440]
    assert gazebo.mean() < 0.5 * clear.mean()
    for picture in (embedded, gazebo):
        assert picture[near].mean() > 1.2 * picture[sky].mean(), "the lamp lights the ground ahead"
    assert np.median(gazebo[sky], axis=(0, 1)) == pytest.approx(np.median(embedded[sky], axis=(0, 1)), abs=4.0)
    assert np.median(gazebo[near], axis=(0, 1)) == pytest.approx(np.median(embedded[near], axis=(0, 1)), rel=0.35)


@pytest.mark.parametrize("name", TWINS)
def test_running_into_the_post_is_noticed(runs: Runs, name: str) -> None:
    log = runs.crashed(name)
    touched = {contact for truth in log.truths for contact in truth.contacts}
    assert touched
    assert all("post" in contact for contact in touched)
    assert log.truths[-1].contact_count >= 1
    assert moved_m(log, before=log) < 6.0


@pytest.mark.parametrize("name", TWINS)
def test_nothing_was_touched(runs: Runs, name: str) -> None:
    assert runs.driven(name)["brake"].truths[-1].contact_count == 0
    assert runs.at_rest(name).truths[-1].contacts == ()
