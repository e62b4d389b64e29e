# SPDX-License-Identifier: Apache-2.0
"""Relocalisation anywhere on a map, and the trust monitor: what it detects how soon, and how often it cries wolf.

    python -m benchmarks.localisation --places 20 --hours 10

A hall is mapped by one lap. Relocalisation starts at random places of a lap with no idea of the pose. The monitor sees a robot
that was carried off, one in the mirror image of the hall, and one where furniture was moved, through the localiser; and hours of
an unchanged hall with people in it, the pose off by what localisation is off. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import math
import time

import numpy as np

from benchmarks.figures import tell
from patrol.checks import Floats
from patrol.geometry import Pose2
from slam.config import LocaliserConfig, MapperConfig
from slam.localiser import Localiser
from slam.map_files import SavedMap
from slam.mapper import Mapper
from slam.trust_monitor import TrustMonitor
from slam.updates import ScanOutcome
from tests.slam.raycaster import BASE_FROM_LIDAR, PERIOD_S, Step, box, cast, drive, hall, lap, scan_at

_SEARCH_MAX_S = 60.0
_NOISE_M, _NOISE_RAD, _NOISE_KEPT = 0.03, 0.005, 0.95
_WALKERS = 4
_SHOWN_BEAMS = 8


def mapped() -> SavedMap:
    """The hall as one lap finds it."""
    steps = tuple(drive(hall(), lap(laps=1.2), seed=3))
    mapper = Mapper(MapperConfig(), BASE_FROM_LIDAR, steps[0].true_pose)
    for step in steps:
        mapper.add_scan(step.scan, step.odom_from_base)
    return mapper.saved()


def relocalised(saved: SavedMap, places: int, seed: int) -> tuple[list[float], list[float], int]:
    """Simulated seconds and seconds of computing until the place is known, and how many were wrong or never found."""
    rng, took_s, cpu_s, failed = np.random.default_rng(seed), [], [], 0
    for _ in range(places):
        first = int(rng.integers(0, 400))
        steps = tuple(drive(hall(), lap(laps=1.9)[first : first + round(_SEARCH_MAX_S / PERIOD_S / 2)], seed=seed + first))
        localiser = Localiser(saved, LocaliserConfig(), BASE_FROM_LIDAR, start=None)
        before = time.process_time()
        for row, step in enumerate(steps):
            update = localiser.add_scan(step.scan, step.odom_from_base)
            if update.outcome is ScanOutcome.MATCHED:
                failed += update.estimate.map_from_base.distance_to(step.true_pose) > 0.3
                took_s.append(row * PERIOD_S)
                cpu_s.append(time.process_time() - before)
                break
        else:
            failed += 1
    return took_s, cpu_s, failed


def mirrored(walls: Floats) -> Floats:
    """The hall's mirror image about its middle, x turned round."""
    return np.column_stack((24.0 - walls[:, 0], walls[:, 1], 24.0 - walls[:, 2], walls[:, 3]))


def moved_furniture(walls: Floats) -> Floats:
    """The pillars of the hall put a metre and more aside."""
    kept = walls[:-16]
    return np.vstack([kept, box(4.5, 12.5, 0.6, 0.6), box(17, 1.6, 0.8, 0.5), box(6.5, 2.0, 0.5, 1.2), box(16.5, 12.0, 1.0, 0.4)])


def detection_s(saved: SavedMap, kind: str, seed: int) -> float:
    """Seconds from the trick, or from when moved furniture comes into view, to the first doubt; infinite when there is none."""
    path, rng = lap(laps=1.5), np.random.default_rng(seed)
    first = int(rng.integers(20, 300))
    known = list(drive(hall(), path[first : first + 30], seed=seed))
    localiser = Localiser(saved, LocaliserConfig(), BASE_FROM_LIDAR, start=known[0].true_pose)
    for step in known:
        localiser.add_scan(step.scan, step.odom_from_base)
    shown: int | None = None
    for row, step in enumerate(_after(kind, path, first + 30, known[-1], rng)):
        if shown is None and (kind != "furniture" or _is_shown(step)):
            shown = row
        if localiser.add_scan(step.scan, step.odom_from_base).estimate.doubt:
            return (row - (row if shown is None else shown)) * PERIOD_S
    return math.inf


def _is_shown(step: Step) -> bool:
    """Whether enough beams now come back from behind where furniture stood; those out of range come back from nowhere."""
    angles, lidar = step.scan.angles_rad(), step.true_pose @ BASE_FROM_LIDAR
    gone = cast(moved_furniture(hall()), lidar, angles) > cast(hall(), lidar, angles) + 0.5
    return int((gone & step.scan.valid()).sum()) >= _SHOWN_BEAMS


def _after(kind: str, path: list[Pose2], first: int, last: Step, rng: np.random.Generator) -> list[Step]:
    """Ten seconds after the trick; odometry knows nothing of it."""
    walls, shift = hall(), 0
    if kind == "kidnapped":
        shift = int(rng.integers(80, 200))
    elif kind == "mirrored":
        walls = mirrored(walls)
    elif kind == "furniture":
        walls = moved_furniture(walls)
    steps = []
    for row in range(100):
        pose = path[(first + row) % len(path)]
        there = path[(first + row + shift) % len(path)]
        if kind == "mirrored":
            there = Pose2(24.0 - pose.x_m, pose.y_m, math.pi - pose.yaw_rad)
        stamp_ns = last.scan.stamp_ns + round((row + 1) * PERIOD_S * 1e9)
        moved = path[first - 1].inverse() @ pose
        scan = scan_at(walls, there, stamp_ns=stamp_ns, rng=rng)
        steps.append(Step(scan=scan, odom_from_base=last.odom_from_base @ moved, true_pose=there))
    return steps


def false_trips(saved: SavedMap, hours: float, seed: int) -> int:
    """How often the monitor begins to doubt in an unchanged hall with people, the pose off by a few centimetres."""
    rng = np.random.default_rng(seed)
    monitor = TrustMonitor(saved.grid, LocaliserConfig().trust, BASE_FROM_LIDAR)
    path, error = lap(laps=1.0), np.zeros(3)
    walkers, trips, is_doubting = rng.uniform((1.0, 1.0), (23.0, 15.0), (_WALKERS, 2)), 0, False
    for row in range(round(hours * 3600.0 / (2.0 * PERIOD_S))):
        walkers = np.clip(walkers + rng.normal(0.0, 0.25, walkers.shape), 0.5, (23.5, 15.5))
        error = _NOISE_KEPT * error + math.sqrt(1.0 - _NOISE_KEPT**2) * rng.normal(0.0, (_NOISE_M, _NOISE_M, _NOISE_RAD))
        pose = path[2 * row % len(path)]
        walls = np.vstack([hall(), *(box(x - 0.2, y - 0.15, 0.4, 0.3) for x, y in walkers)])
        scan = scan_at(walls, pose, stamp_ns=round(2 * row * PERIOD_S * 1e9), rng=rng)
        verdict = monitor.look(scan, pose @ Pose2(*(float(part) for part in error)))
        trips += bool(verdict.because) and not is_doubting
        is_doubting = bool(verdict.because)
    return trips


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--places", type=int, default=20, help="places to relocalise at, and tricks of each kind")
    parser.add_argument("--hours", type=float, default=10.0, help="simulated hours without anything wrong")
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    saved = mapped()
    took_s, cpu_s, failed = relocalised(saved, chosen.places, chosen.seed)
    figures: dict[str, float | int | None] = {
        "places": chosen.places,
        "failed": failed,
        "simulated_max_s": round(max(took_s, default=math.inf), 2) if took_s else None,
        "computing_max_s": round(max(cpu_s), 2) if cpu_s else None,
    }
    for kind in ("kidnapped", "mirrored", "furniture"):
        times = np.array([detection_s(saved, kind, chosen.seed + number) for number in range(chosen.places)])
        figures[f"{kind}_within_2s_share"] = round(float((times <= 2.0).mean()), 3)
    figures["hours"] = chosen.hours
    figures["false_trips"] = false_trips(saved, chosen.hours, chosen.seed)
    tell("localisation", figures)


if __name__ == "__main__":
    main()
