# SPDX-License-Identifier: Apache-2.0
"""Laps of the depot, or of another scenario's site, in lockstep, one per seed: finished, contacts, waypoints, pose error, and
alerts against ground truth.

python benchmarks/depot_lap.py --seeds 20
python benchmarks/depot_lap.py --seeds 3 --with-camera
python benchmarks/depot_lap.py --seeds 3 --scenario sim/scenarios/prison_yard.yaml
python benchmarks/depot_lap.py --seeds 1 --with-camera --beside-gazebo   (the same laps in both simulators)
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.lockstep import LockstepPlan, LockstepResult, run_lockstep
from app.paths import MISSIONS, SCENARIOS
from app.simulators import Sim
from benchmarks.figures import tell
from patrol.clock import seconds
from sim.score import PoseScore, read_truth, score_poses
from sim.simulator import ALL_SENSORS

DRIVING = frozenset({"scan", "odom", "fix", "battery"})
SEEING = DRIVING | {"camera", "points"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lap:
    """One seed's lap."""

    result: LockstepResult
    score: PoseScore
    contacts: int
    alert_after_s: float | None

    @property
    def is_whole(self) -> bool:
        """Finished, and every waypoint has exactly one outcome."""
        return not self.result.because and len({(o.lap, o.leg) for o in self.result.outcomes}) == len(self.result.outcomes)


def drive(scenario: Path, seed: int, sensors: frozenset[str], sim: Sim) -> Lap:
    """Drive one lap and score it."""
    with tempfile.TemporaryDirectory() as name:
        plan = LockstepPlan(
            scenario=scenario,
            mission=MISSIONS / "perimeter.yaml",
            folder=Path(name) / f"seed-{seed}",
            seed=seed,
            laps=1,
            limit_s=4000.0,
            sensors=sensors,
            sim=sim,
        )
        result = run_lockstep(plan)
        truth = read_truth(plan.folder / "truth.jsonl")
    first = min((alert.stamp_ns for alert in result.alerts), default=None)
    seen = truth.intruder_seen_ns
    return Lap(
        result=result,
        score=score_poses(truth, result.estimates),
        contacts=truth.contact_count,
        alert_after_s=None if first is None or seen is None else seconds(first - seen),
    )


def tell_lap(seed: int, sim: Sim, lap: Lap) -> None:
    """One line for a person."""
    outcomes = [f"{o.waypoint_id} {o.outcome}: {o.because}" for o in lap.result.outcomes if o.outcome != "reached"]
    sys.stderr.write(
        f"seed {seed}, {sim}: {lap.result.because or 'done'}, {lap.result.distance_m:.0f} m, {lap.result.lasted_s:.0f} s, "
        f"contacts {lap.contacts}, error {lap.score.position_median_m:.3f}/{lap.score.position_max_m:.3f} m, "
        f"yaw {lap.score.yaw_median_deg:.2f} deg, alerts {len(lap.result.alerts)}, not reached: {outcomes}\n"
    )


def figures(laps: Sequence[Lap]) -> dict[str, float]:
    """What a row of laps in one simulator comes to."""
    return {
        "laps": len(laps),
        "laps_whole": sum(lap.is_whole for lap in laps),
        "laps_without_contact": sum(lap.contacts == 0 for lap in laps),
        "waypoints_reached_fraction": float(np.mean([o.outcome == "reached" for lap in laps for o in lap.result.outcomes])),
        "position_error_median_m": float(np.median([lap.score.position_median_m for lap in laps])),
        "position_error_max_m": max(lap.score.position_max_m for lap in laps),
        "yaw_error_median_deg": float(np.median([lap.score.yaw_median_deg for lap in laps])),
        "lap_duration_median_s": float(np.median([lap.result.lasted_s for lap in laps])),
        "alerts_median": float(np.median([len(lap.result.alerts) for lap in laps])),
    }


def main() -> None:
    """Drive and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--scenario", type=Path, default=SCENARIOS / "depot_intruder.yaml")
    parser.add_argument("--with-camera", action="store_true")
    parser.add_argument("--beside-gazebo", action="store_true", help="drive every lap in Gazebo as well")
    given = parser.parse_args()
    sims = tuple(Sim) if given.beside_gazebo else (Sim.EMBEDDED,)
    for sim in sims:
        sim.check()
    sensors = (SEEING if given.with_camera else DRIVING) & ALL_SENSORS
    laps: dict[Sim, list[Lap]] = {sim: [] for sim in sims}
    for seed in range(1, given.seeds + 1):
        for sim in sims:
            laps[sim].append(lap := drive(given.scenario, seed, sensors, sim))
            tell_lap(seed, sim, lap)
    metrics = figures(laps[Sim.EMBEDDED])
    if given.beside_gazebo:
        metrics |= {f"gazebo_{name}": value for name, value in figures(laps[Sim.GAZEBO]).items()}
        metrics["gazebo_lap_duration_ratio"] = metrics["gazebo_lap_duration_median_s"] / metrics["lap_duration_median_s"]
    tell("depot_lap", metrics, scenario=given.scenario.stem, camera=given.with_camera)


if __name__ == "__main__":
    main()
