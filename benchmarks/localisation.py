# SPDX-License-Identifier: Apache-2.0
"""Relocalisation anywhere on a map, and the trust monitor: what it detects how soon, and how often it cries wolf.

    python -m benchmarks.localisation --places 20 --hours 10

A hall is mapped by one lap. Relocalisation starts at random places of a lap with no idea of the pose. The monitor sees a robot
that was carried off, one in the mirror image of the hall, and one where furniture was moved, through the localiser; and hours
of an unchanged hall with people in it, the pose off by what localisation is off.

``--worlds depot prison`` does the same on whole sites with the simulator's lidar: places up to 1.5 m beside the way and
either way round, a robot carried off to another of them, and hours of localising with people walking about. The last line is
one JSON object. A run can be split by ``--seed`` and put together: ``--places 0 --hours 2 --seed 3``, then ``--add LOG...``.
Intervals are exact, 95 %; ``--keep FOLDER`` keeps the maps of sites for other parts.
"""

from __future__ import annotations

import argparse
import logging
import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.figures import read_parts, tell
from benchmarks.intervals import rate_interval, share_interval
from benchmarks.localisation_sites import Ground, Sky, carried_off, doubts_in, stretches
from patrol.checks import Floats
from patrol.geometry import Pose2
from sim.robot import read_robot
from slam.beam_walk import BeamWalk
from slam.config import LocaliserConfig, MapperConfig
from slam.localiser import Localiser
from slam.map_files import SavedMap
from slam.mapper import Mapper
from slam.trust_monitor import TrustMonitor
from slam.updates import ScanOutcome
from tests.slam.raycaster import BASE_FROM_LIDAR, PERIOD_S, Step, box, cast, drive, hall, lap, scan_at

log = logging.getLogger(__name__)
HALL, SITES = "hall", ("depot", "prison")
_SEARCH_MAX_S, _FOUND_WITHIN_S, _RIGHT_WITHIN_M = 60.0, 10.0, 0.3
_NOTICED_WITHIN_S = 2.0
_NOISE_M, _NOISE_RAD, _NOISE_KEPT = 0.03, 0.005, 0.95
_WALKERS = 4
_SHOWN_BEAMS = 8
_TRICKS = ("kidnapped", "mirrored", "furniture")


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was seen so far, as lists, so that several runs can be put together. Seconds until a place was known (simulated, and
    of computing; None: not within a minute) and whether it was the right one; seconds until each trick was noticed (None: never);
    on sites, seconds until a robot that was carried off was found (None: not in ten), and seconds in which it was told elsewhere;
    hours with nothing wrong, and how often the pose came into doubt in them."""

    found_s: list[float | None] = field(default_factory=list)
    computing_s: list[float | None] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    kidnapped_s: list[float | None] = field(default_factory=list)
    mirrored_s: list[float | None] = field(default_factory=list)
    furniture_s: list[float | None] = field(default_factory=list)
    found_again_s: list[float | None] = field(default_factory=list)
    believed_wrong_s: list[float] = field(default_factory=list)
    hours: list[float] = field(default_factory=list)
    doubts: list[int] = field(default_factory=list)
    worst_m: list[float] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Put what another run saw to this."""
        for name, values in asdict(other).items():
            getattr(self, name).extend(values)

    def figures(self) -> dict[str, float | int | None]:
        soon = [took_s is not None and took_s <= _FOUND_WITHIN_S for took_s in self.found_s]
        good = [is_soon and is_right for is_soon, is_right in zip(soon, self.right, strict=True)]
        figures: dict[str, float | int | None] = {
            "places": len(self.found_s),
            "found_right_within_10s": sum(good),
            **_shares("found_right_within_10s_share", good),
            "wrong": sum(took_s is not None and not yes for took_s, yes in zip(self.found_s, self.right, strict=True)),
            "simulated_max_s": _most(self.found_s),
            "computing_max_s": _most(self.computing_s),
        }
        for trick in _TRICKS:
            times: list[float | None] = getattr(self, f"{trick}_s")
            figures[f"{trick}_tried"] = len(times)
            figures |= _shares(f"{trick}_within_2s_share", [took is not None and took <= _NOTICED_WITHIN_S for took in times])
        figures["found_again_within_10s"] = sum(took_s is not None for took_s in self.found_again_s)
        figures["believed_wrong_max_s"] = max(self.believed_wrong_s, default=None)
        low, high = rate_interval(sum(self.doubts), sum(self.hours))
        figures |= {"hours": round(sum(self.hours), 3), "false_trips": sum(self.doubts)}
        if self.hours:
            figures |= {"false_trips_per_10h_low": round(10.0 * low, 3), "false_trips_per_10h_high": round(10.0 * high, 3)}
        return figures | {"pose_error_max_m": max(self.worst_m, default=None)}


def _shares(name: str, good: list[bool]) -> dict[str, float | int | None]:
    if not good:
        return {name: None}
    low, high = share_interval(sum(good), len(good))
    return {name: round(float(np.mean(good)), 4), f"{name}_low": round(low, 4), f"{name}_high": round(high, 4)}


def _most(values: list[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def mapped() -> SavedMap:
    """The hall as one lap finds it."""
    steps = tuple(drive(hall(), lap(laps=1.2), seed=3))
    mapper = Mapper(MapperConfig(), BASE_FROM_LIDAR, steps[0].true_pose)
    for step in steps:
        mapper.add_scan(step.scan, step.odom_from_base)
    return mapper.saved()


def hall_stretches(places: int, seed: int) -> Iterator[Iterator[Step]]:
    """Drives of a lap of the hall from random places of it."""
    rng = np.random.default_rng(seed)
    for _ in range(places):
        first = int(rng.integers(0, 400))
        yield drive(hall(), lap(laps=1.9)[first : first + round(_SEARCH_MAX_S / PERIOD_S / 2)], seed=seed + first)


def relocalise(
    saved: SavedMap, drives: Iterable[Iterator[Step]], base_from_lidar: Pose2, tally: Tally, sky: Sky | None = None
) -> None:
    """Drive each with no idea of the pose until the place is known."""
    for steps in drives:
        localiser = Localiser(saved, LocaliserConfig(), base_from_lidar, start=None)
        first_ns, computing_s, took_s, is_right = None, 0.0, None, False
        for step in steps:
            fix = sky.fix(step) if sky is not None else None
            before = time.process_time()
            if fix is not None:
                localiser.hint(fix)
            update = localiser.add_scan(step.scan, step.odom_from_base, odom_at_end=step.odom_at_end)
            computing_s += time.process_time() - before
            first_ns = step.scan.stamp_ns if first_ns is None else first_ns
            if update.outcome is ScanOutcome.MATCHED:
                took_s = round(1e-9 * (step.scan.stamp_ns - first_ns), 2)
                off_m = update.estimate.map_from_base.distance_to(step.true_pose)
                is_right = off_m <= _RIGHT_WITHIN_M
                log.info("found after %.1f s at %s, %.2f m off", took_s, _spot(step.true_pose), off_m)
                break
        else:
            log.info("not found; last at %s", _spot(step.true_pose))
        tally.found_s.append(took_s)
        tally.computing_s.append(None if took_s is None else round(computing_s, 3))
        tally.right.append(is_right)


def _spot(pose: Pose2) -> str:
    return f"({pose.x_m:.1f}, {pose.y_m:.1f}) m, {math.degrees(pose.yaw_rad):.0f}°"


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
        localiser.add_scan(step.scan, step.odom_from_base, odom_at_end=step.odom_at_end)
    shown: int | None = None
    for row, step in enumerate(_after(kind, path, first + 30, known[-1], rng)):
        if shown is None and (kind != "furniture" or _is_shown(step)):
            shown = row
        if localiser.add_scan(step.scan, step.odom_from_base, odom_at_end=step.odom_at_end).estimate.doubt:
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


def monitor_of(saved: SavedMap) -> TrustMonitor:
    """The monitor as it comes, for a map of the hall."""
    config = LocaliserConfig().trust
    return TrustMonitor(BeamWalk(saved, config, BASE_FROM_LIDAR), config)


def false_trips(saved: SavedMap, hours: float, seed: int) -> int:
    """How often the monitor begins to doubt in an unchanged hall with people, the pose off by a few centimetres."""
    rng = np.random.default_rng(seed)
    monitor = monitor_of(saved)
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


def run_hall(places: int, hours: float, seed: int, tally: Tally) -> None:
    """Everything in the hall; the hours are those of the monitor alone."""
    saved = mapped()
    relocalise(saved, hall_stretches(places, seed), BASE_FROM_LIDAR, tally)
    for kind in _TRICKS:
        for number in range(places):
            _note(getattr(tally, f"{kind}_s"), detection_s(saved, kind, seed + number), f"{kind} {seed + number}")
    if hours > 0.0:
        tally.hours.append(hours)
        tally.doubts.append(false_trips(saved, hours, seed))


def run_site(ground: Ground, places: int, hours: float, seed: int, tally: Tally, gnss_std_m: float | None) -> None:
    """Everything on a site; the hours are those of the whole localisation. GNSS helps to relocalise only."""
    sky = None if gnss_std_m is None else Sky(ground.premises, gnss_std_m, seed)
    relocalise(ground.saved, stretches(ground, places, seed), read_robot().base_from_lidar.to_pose2(), tally, sky)
    for number in range(places):
        carried = carried_off(ground, 1000 * seed + number)
        _note(tally.kidnapped_s, math.inf if carried.noticed_s is None else carried.noticed_s, f"kidnapped {number}")
        tally.found_again_s.append(carried.found_s)
        tally.believed_wrong_s.append(round(carried.wrong_s, 2))
        log.info("kidnapped %d: %s", number, carried)
    if hours > 0.0:
        doubts, driven_h, worst_m = doubts_in(ground, hours, seed)
        tally.hours.append(driven_h)
        tally.doubts.append(doubts)
        tally.worst_m.append(round(worst_m, 3))


def _note(times: list[float | None], took_s: float, what: str) -> None:
    if took_s > _NOTICED_WITHIN_S:
        log.info("%s: noticed after %.1f s", what, took_s)
    times.append(round(took_s, 2) if math.isfinite(took_s) else None)


def main() -> None:
    """Drive and tell, or put the parts of a run together."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worlds", nargs="+", choices=[HALL, *SITES], default=[HALL])
    parser.add_argument("--places", type=int, default=20, help="places to relocalise at, and tricks of each kind, per world")
    parser.add_argument("--hours", type=float, default=10.0, help="simulated hours without anything wrong, per world")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--map-seed", type=int, default=1, help="of the lap that a site's map is made from")
    parser.add_argument("--keep", type=Path, help="keep the maps of sites in this folder, and use those that are there")
    parser.add_argument(
        "--gnss", type=float, help="on sites, out of doors, GNSS helps to relocalise, so many metres off per axis"
    )
    parser.add_argument("--add", nargs="+", type=Path, help="drive nothing: put together what other runs wrote last")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    tally = Tally()
    for part in read_parts("localisation", chosen.add or ()):
        tally.add(Tally(**part))
    for world in chosen.worlds if chosen.add is None else ():
        if world == HALL:
            run_hall(chosen.places, chosen.hours, chosen.seed, tally)
        else:
            ground = Ground.of(world, chosen.map_seed, chosen.keep)
            run_site(ground, chosen.places, chosen.hours, chosen.seed, tally, chosen.gnss)
    tell("localisation", tally.figures(), part=asdict(tally))


if __name__ == "__main__":
    main()
