# SPDX-License-Identifier: Apache-2.0
"""How long the mission room thinks, and how it drives a depot round among ten people, in the flat test world.

Times are those of the process, so that a busy machine does not blur them. One JSON line at the end.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.figures import tell
from mission.costmap import Costmap, CostmapConfig
from mission.executive import Executive, ExecutiveConfig
from mission.planner import Plan, Planner, PlannerConfig
from mission.route import perimeter_route
from mission.sweep import sweep_from_scan
from patrol.geometry import IDENTITY2, Pose2
from patrol.grid import OccupancyGrid
from patrol.operations import CommandKind, Mission, Mode
from patrol.site import Site
from patrol.site_file import read_site
from tests.mission.crowd import crowd
from tests.mission.kinematic import Drill, FlatWorld

SITE = Path("config/sites/depot.geojson")


def median_ms(work: Callable[[], object], repeats: int = 15) -> float:
    """Median process time of ``work`` in milliseconds."""
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return round(1e3 * float(np.median(spent)), 2)


def thinking(site: Site) -> dict[str, float]:
    """Times of the single parts at depot size."""
    costmap, planner = Costmap(CostmapConfig(), site), Planner(PlannerConfig())
    start, goal = Pose2(-54.0, -35.0, 0.0), Pose2(54.0, 35.0, 0.0)
    scan = FlatWorld(site, start=start, seed=0).scan()
    sweep = sweep_from_scan(scan, start)
    cells = np.zeros((1800, 2600), dtype=np.int8)
    grid = OccupancyGrid(stamp_ns=0, resolution_m=0.05, origin_x_m=-65.0, origin_y_m=-45.0, cells=cells)
    field = costmap.field(0)
    if not isinstance(planner.plan(field, start, goal), Plan):
        raise SystemExit("no plan across the depot")
    return {
        "costmap_scan_ms": median_ms(lambda: costmap.add_sweep(sweep)),
        "costmap_field_ms": median_ms(lambda: costmap.field(scan.stamp_ns)),
        "costmap_grid_ms": median_ms(lambda: costmap.set_grid(grid)),
        "plan_25_m_ms": median_ms(lambda: planner.plan(field, start, Pose2(-54.0, -10.0, 0.0))),
        "plan_across_site_ms": median_ms(lambda: planner.plan(field, start, goal)),
    }


def rounds(site: Site, seeds: int, people: int) -> dict[str, float]:
    """Rounds among people who stop when the robot is just in front of them."""
    steps_ms: list[float] = []
    contacts = unaccounted = reached = settled = 0
    closest_m, longest_s = np.inf, 0.0
    for seed in range(seeds):
        world = FlatWorld(site, start=site.docks[0].pose, seed=seed, walkers=crowd(site, people, seed))
        mission = Mission(mission_id="m", name="M", route=perimeter_route(site))
        run = Drill(world, Executive(ExecutiveConfig(), site, [mission], base_from_lidar=IDENTITY2))
        run.order(CommandKind.START, "m")
        while world.now_ns < 1_500_000_000_000:
            start = time.process_time()
            mode = run.step().state.mode
            steps_ms.append(1e3 * (time.process_time() - start))
            if mode in (Mode.DOCKED, Mode.IDLE):
                break
        contacts += bool(world.contact_speeds_mps)
        settled += len(run.outcomes)
        reached += sum(one.outcome == "reached" for one in run.outcomes)
        unaccounted += abs(len(mission.route.waypoints) - len(run.outcomes))
        closest_m, longest_s = min(closest_m, world.closest_m), max(longest_s, world.now_ns / 1e9)
    return {
        "rounds": seeds,
        "rounds_with_contact": contacts,
        "waypoints_unaccounted": unaccounted,
        "waypoints_reached_fraction": round(reached / settled, 4),
        "closest_person_m": round(float(closest_m), 3),
        "longest_round_s": round(longest_s, 1),
        "step_with_world_mean_ms": round(float(np.mean(steps_ms)), 2),
        "step_with_world_p99_ms": round(float(np.percentile(steps_ms, 99)), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--people", type=int, default=10)
    chosen = parser.parse_args()
    site = read_site(SITE)
    tell("mission_driving", {**thinking(site), **rounds(site, chosen.seeds, chosen.people)}, site=site.site_id)


if __name__ == "__main__":
    main()
