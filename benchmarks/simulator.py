# SPDX-License-Identifier: Apache-2.0
"""How many times faster than real time the embedded simulator runs, alone and headless, in the depot with its cast.

Three figures, each the median of several runs of a few simulated seconds while the robot drives in a circle: every sensor;
lidar (3D points and 2D scan), odometry and IMU; 2D scan, odometry and IMU.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path

from patrol.geometry import Twist2
from sim.scenario import SCENARIOS
from sim.simulator import ALL_SENSORS, Simulator

_LIDAR_ONLY = frozenset({"points", "scan", "odom", "imu"})
_SCAN_ONLY = frozenset({"scan", "odom", "imu"})
_STEP_NS = 100_000_000


def real_time_factor(scenario: Path, sensors: frozenset[str], *, simulated_s: float, runs: int) -> float:
    """Median simulated seconds per second of wall time over ``runs`` runs after a warm-up of one simulated second."""
    simulator = Simulator.open(scenario, seed=1, sensors=sensors)
    factors = []
    try:
        _drive(simulator, 1.0)
        for _ in range(runs):
            began = time.perf_counter()
            _drive(simulator, simulated_s)
            factors.append(simulated_s / (time.perf_counter() - began))
    finally:
        simulator.close()
    return statistics.median(factors)


def _drive(simulator: Simulator, simulated_s: float) -> None:
    for _ in range(round(simulated_s * 1e9 / _STEP_NS)):
        simulator.command(Twist2(forward_mps=0.6, turn_radps=0.4))
        simulator.advance(_STEP_NS)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", type=Path, default=SCENARIOS / "depot_intruder.yaml")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    metrics = {
        name: round(real_time_factor(arguments.scenario, sensors, simulated_s=arguments.seconds, runs=arguments.runs), 2)
        for name, sensors in (
            ("all_sensors_real_time_factor", ALL_SENSORS),
            ("lidar_odometry_imu_real_time_factor", _LIDAR_ONLY),
            ("scan_odometry_imu_real_time_factor", _SCAN_ONLY),
        )
    }
    sys.stdout.write(json.dumps({"benchmark": "simulator", "metrics": metrics}) + "\n")


if __name__ == "__main__":
    main()
