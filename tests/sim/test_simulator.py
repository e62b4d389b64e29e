# SPDX-License-Identifier: Apache-2.0
"""The simulator as a whole: timing, driving, faults, actors, contacts, truth, and the same bytes from the same seed."""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from patrol.errors import BadValue
from patrol.geometry import STOPPED, Twist2
from patrol.percepts import Label
from patrol.sensors import Battery, Fix, Imu, Odometry, PointCloud, Scan
from sim.robot import read_robot
from sim.scenario import SCENARIOS
from sim.score import read_truth
from sim.simulator import ALL_SENSORS, Measurement, Simulator
from sim.truth import TruthLog
from tests.sim.stand import yard_scenario

ROBOT = read_robot()
BODY = frozenset({"imu", "odom"})
SECOND_NS = 1_000_000_000


def simulator(tmp_path: Path, sensors: frozenset[str] = BODY, **changes: object) -> Simulator:
    return Simulator(yard_scenario(tmp_path, **changes), ROBOT, seed=3, sensors=sensors)


def drive(sim: Simulator, twist: Twist2, duration_s: float) -> list[Measurement]:
    measured: list[Measurement] = []
    for _ in range(round(duration_s * 10)):
        sim.command(twist)
        measured.extend(sim.advance(SECOND_NS // 10))
    return measured


def test_every_sensor_keeps_its_rate_and_its_stamps(tmp_path: Path) -> None:
    sim = simulator(tmp_path, ALL_SENSORS)
    start_ns = sim.now_ns
    by_kind: dict[str, list[int]] = defaultdict(list)
    for measurement in drive(sim, STOPPED, 2.0):
        by_kind[f"{type(measurement).__name__} {getattr(measurement, 'frame_id', '')}"].append(measurement.stamp_ns)
    sim.close()
    counts = {kind: len(stamps) for kind, stamps in by_kind.items()}
    assert counts == {
        "PointCloud lidar_link": 20,
        "Scan lidar_link": 20,
        "Image camera_optical_frame": 20,
        "Image thermal_optical_frame": 18,
        "Imu imu_link": 200,
        "Odometry ": 100,
        "Fix ": 10,
        "Battery ": 2,
    }
    for stamps in by_kind.values():
        assert (np.diff(stamps) > 0).all()
    assert by_kind["Scan lidar_link"][0] == start_ns
    assert by_kind["Image camera_optical_frame"][0] == start_ns + SECOND_NS // 10
    assert by_kind["Imu imu_link"][-1] == start_ns + 2 * SECOND_NS


def test_measurements_of_one_call_come_in_stamp_order(tmp_path: Path) -> None:
    sim = simulator(tmp_path, frozenset({"scan", "imu", "odom", "fix"}))
    stamps = [measurement.stamp_ns for measurement in sim.advance(SECOND_NS)]
    assert stamps == sorted(stamps)
    assert sim.advance(0) == ()
    with pytest.raises(BadValue, match="negative"):
        sim.advance(-1)


def test_drives_as_told_and_odometry_follows(tmp_path: Path) -> None:
    sim = simulator(tmp_path)
    measured = drive(sim, Twist2(forward_mps=1.0), 4.0)
    truth = sim.truth()
    assert truth.twist.forward_mps == pytest.approx(1.0, abs=0.03)
    assert truth.map_from_base.x_m == pytest.approx(4.0 - 0.5 * 1.0 / 1.5, abs=0.1)
    assert abs(truth.map_from_base.y_m) < 0.02
    odometry = [item for item in measured if isinstance(item, Odometry)][-1]
    assert odometry.odom_from_base.distance_to(truth.map_from_base) < 0.1
    assert odometry.odom_from_base != truth.map_from_base


def test_turns_as_told(tmp_path: Path) -> None:
    sim = simulator(tmp_path)
    measured = drive(sim, Twist2(turn_radps=1.0), 3.0)
    assert sim.truth().map_from_base.yaw_rad == pytest.approx(3.0 - 0.5 * 1.0 / 3.0, abs=0.06)
    rates = np.array([item.angular_velocity_radps for item in measured if isinstance(item, Imu)])
    assert rates[-100:, 2].mean() == pytest.approx(1.0, abs=0.02)
    forces = np.array([item.linear_acceleration_mps2 for item in measured if isinstance(item, Imu)])
    assert forces[-100:, 2].mean() == pytest.approx(9.81, abs=0.1)


def test_commands_are_limited_and_time_out(tmp_path: Path) -> None:
    sim = simulator(tmp_path)
    drive(sim, Twist2(forward_mps=9.0), 3.0)
    assert sim.truth().twist.forward_mps == pytest.approx(ROBOT.drive.forward_limit_mps, abs=0.05)
    sim.advance(2 * SECOND_NS)
    assert abs(sim.truth().twist.forward_mps) < 0.01


def test_running_into_the_wall_is_a_contact(tmp_path: Path) -> None:
    sim = simulator(tmp_path, robot={"x_m": 8.5, "y_m": 0.0, "yaw_deg": 0.0})
    assert sim.truth().contact_count == 0
    drive(sim, Twist2(forward_mps=0.8), 3.0)
    truth = sim.truth()
    assert truth.contacts == ("solid/wall/l/brick_1",)
    assert truth.contact_count >= 1
    assert truth.map_from_base.x_m < 9.8


def test_slip_fault_makes_odometry_wrong(tmp_path: Path) -> None:
    errors = []
    for faults in ([], [{"kind": "slip", "at_s": 0.0, "for_s": 10.0}]):
        sim = simulator(tmp_path, faults=faults)
        measured = drive(sim, Twist2(forward_mps=1.5), 2.0)
        odometry = [item for item in measured if isinstance(item, Odometry)][-1]
        errors.append(odometry.odom_from_base.distance_to(sim.truth().map_from_base))
    assert errors[1] > 5.0 * errors[0]
    assert errors[1] > 0.3


def test_silent_and_noisy_sensors(tmp_path: Path) -> None:
    faults = [
        {"kind": "silent", "sensor": "imu", "at_s": 1.0, "for_s": 1.0},
        {"kind": "noisy", "sensor": "scan", "at_s": 1.0, "for_s": 1.0, "gain": 20.0},
    ]
    sim = simulator(tmp_path, frozenset({"imu", "scan"}), faults=faults)
    measured = [sim.advance(SECOND_NS) for _ in range(3)]
    assert [sum(isinstance(item, Imu) for item in batch) for batch in measured] == [99, 1, 100]
    spread = []
    for batch in measured:
        scan = [item for item in batch if isinstance(item, Scan)][4]
        ahead = scan.ranges_m[440:460]
        spread.append(float(np.std(ahead[np.isfinite(ahead)])))
    assert spread[1] > 5.0 * max(spread[0], spread[2])


def test_gnss_is_near_the_truth_and_the_battery_empties(tmp_path: Path) -> None:
    sim = simulator(tmp_path, frozenset({"fix", "battery"}), charge=0.5)
    measured = drive(sim, Twist2(forward_mps=0.5), 4.0)
    fix = [item for item in measured if isinstance(item, Fix)][-1]
    stage = sim._stage
    measured_m = stage.frame.to_map([fix.longitude_deg, fix.latitude_deg, fix.altitude_m])
    assert np.hypot(measured_m[0] - sim.truth().map_from_base.x_m, measured_m[1]) < 4.0 * math.sqrt(fix.covariance_m2[0, 0])
    charges = [item.charge for item in measured if isinstance(item, Battery)]
    assert charges == sorted(charges, reverse=True)
    assert charges[-1] < charges[0] < 0.5


def test_the_battery_charges_in_the_dock_and_nowhere_else() -> None:
    sim = Simulator.open(SCENARIOS / "depot_quiet.yaml", seed=1, sensors=frozenset({"battery"}))
    standing = [item for item in drive(sim, STOPPED, 2.0) if isinstance(item, Battery)]
    assert all(item.current_a > 0.0 for item in standing)
    driven = [item for item in drive(sim, Twist2(forward_mps=0.8), 3.0) if isinstance(item, Battery)]
    assert driven[-1].current_a < 0.0


def test_lidar_meets_an_actor_where_it_stands(tmp_path: Path) -> None:
    guard = {"name": "guard", "kind": "guard", "route": [{"x_m": 5.0, "y_m": 0.0}]}
    sim = simulator(tmp_path, frozenset({"scan", "points"}), actors=[guard])
    batch = sim.advance(SECOND_NS // 5)
    scan = [item for item in batch if isinstance(item, Scan)][-1]
    assert 4.5 < scan.ranges_m[445:456].min() < 5.1
    assert scan.ranges_m[400] > 9.0
    cloud = [item for item in batch if isinstance(item, PointCloud)][-1]
    on_guard = cloud.points_m[(np.abs(cloud.points_m[:, 1]) < 0.6) & (np.abs(cloud.points_m[:, 0] - 5.0) < 0.6)]
    on_guard = on_guard[on_guard[:, 2] > -0.6]
    assert len(on_guard) > 20
    assert 0.8 < on_guard[:, 2].max() < 1.4


def test_unknown_sensor_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadValue, match="sonar"):
        simulator(tmp_path, frozenset({"sonar"}))


def test_truth_log_can_be_read_back(tmp_path: Path) -> None:
    log = tmp_path / "truth.jsonl"
    intruder = {"name": "thief", "kind": "intruder", "route": [{"x_m": 5.0, "y_m": 0.0}]}
    scenario = yard_scenario(tmp_path, actors=[intruder])
    sim = Simulator(scenario, ROBOT, seed=1, sensors=frozenset({"camera"}), truth_log=TruthLog(log))
    drive(sim, Twist2(forward_mps=0.5), 1.0)
    sim.close()
    track = read_truth(log)
    assert len(track.poses) == 10
    assert track.stamps_ns[-1] == scenario.start_ns + SECOND_NS
    assert track.intruder_seen_ns == track.stamps_ns[0]
    last = json.loads(log.read_text().splitlines()[-1])
    assert last["actors"][0]["label"] == Label.PERSON
    assert last["actors"][0]["visible_px"] > 1000


FINGERPRINT = """
import hashlib, sys
from tests.sim.test_simulator import fingerprint
sys.stdout.write(fingerprint())
"""


def fingerprint() -> str:
    """Hash over every byte of two seconds of every sensor in the demo scenario."""
    sim = Simulator.open(SCENARIOS / "depot_intruder.yaml", seed=5)
    digest = hashlib.sha256()
    for measurement in drive(sim, Twist2(forward_mps=0.8, turn_radps=0.3), 2.0):
        for name in type(measurement).__slots__:
            value = getattr(measurement, name)
            digest.update(value.tobytes() if isinstance(value, np.ndarray) else repr(value).encode())
    sim.close()
    return digest.hexdigest()


def test_the_same_seed_gives_the_same_bytes_in_two_processes() -> None:
    runs = [
        subprocess.run([sys.executable, "-c", FINGERPRINT], capture_output=True, text=True, timeout=120, check=True)
        for _ in range(2)
    ]
    assert runs[0].stdout == runs[1].stdout
    assert len(runs[0].stdout) == 64
