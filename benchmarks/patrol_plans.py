# SPDX-License-Identifier: Apache-2.0
"""Patrol plans beside their peers: published figures reproduced, exact tours, team plans with lower bounds, planning times.

Runs on the patrolling_sim graphs under PATROL_DATA and on a graph of its own of 1000 places. One JSON line at the end.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import Delaunay

from benchmarks.figures import tell
from mission.planning.deadline import Deadline
from mission.planning.exact_tour import exact_tour, heuristic_tour
from mission.planning.graph import Closure, PatrolGraph
from mission.planning.graph_file import read_graph
from mission.planning.metrics import measure, right_endpoint_average_s, true_average_s, worst_idleness_s
from mission.planning.occupancy import check_certificate
from mission.planning.play import play
from mission.planning.reactive import strategies
from mission.planning.team import Planned, TeamPlanner

GRAPHS = Path(os.environ.get("PATROL_DATA", Path(__file__).parents[2] / "shared" / "data")) / "patrol"
NAMES = ("grid", "example", "cumberland")
STARTS = (0, 8, 16, 24, 32, 39)
DURATION_S = 500.0
SLACK = 0.02
Figures = dict[str, float | int | None]


def graph_named(name: str) -> PatrolGraph:
    return read_graph(GRAPHS / name / f"{name}.graph").graph


def start_poses(graph: PatrolGraph, robots: int) -> tuple[int, ...]:
    """The vertices nearest to the published initial poses of a team."""
    for line in (GRAPHS / "initial_poses.txt").read_text("utf-8").splitlines():
        name, _, poses = line.partition(":")
        if name == f"{graph.name}_{robots}":
            numbers = [float(number) for number in poses.strip().strip("[]").split(",")]
            return tuple(graph.vertex_at(x, y) for x, y in zip(numbers[::2], numbers[1::2], strict=True))
    raise LookupError(f"initial_poses.txt names no team {graph.name}_{robots}")


def planned(
    graph: PatrolGraph, robots: int, seconds: float, starts: tuple[int, ...] | None = None, *, slack: float = 0.0
) -> Planned:
    planner = TeamPlanner(graph, robots, starts=starts, slack=slack)
    found = planner.improve(planner.first(Deadline.after(1.0, time.monotonic)), Deadline.after(seconds, time.monotonic))
    if not check_certificate(graph, found.bound.certificate):
        raise AssertionError(f"{graph.name}, {robots} robots: the certificate does not check")
    return found


def peers(seconds: float) -> Figures:
    """Six robots on cumberland for 500 s at 1 m/s from the published vertices: every reactive peer, and the plan."""
    graph = graph_named("cumberland")
    walk = heuristic_tour(graph, Closure.of(graph), Deadline.after(2.0, time.monotonic)).walk
    figures: Figures = {}
    for name, strategy in strategies(graph, walk).items():
        log = play(graph, strategy, STARTS, horizon_s=DURATION_S)
        key = name.lower().replace(" ", "_")
        figures |= {
            f"{key}_right_endpoint_average_s": round(right_endpoint_average_s(log), 6),
            f"{key}_worst_s": round(worst_idleness_s(log), 3),
            f"{key}_true_average_s": round(true_average_s(log), 3),
            f"{key}_monitor_average_s": round(measure(log).monitor_average_s, 3),
        }
    for key, slack in (("plan", 0.0), ("plan_slack", SLACK)):
        found = planned(graph, len(STARTS), seconds, STARTS, slack=slack)
        log = found.plan.log(DURATION_S)
        later = found.plan.log(found.plan.settled_s + 12.0 * found.plan.longest_round_s)
        figures |= {
            f"{key}_guarantee_s": round(found.plan.guarantee_s, 4),
            f"{key}_worst_s": round(worst_idleness_s(log), 4),
            f"{key}_worst_from_start_s": round(worst_idleness_s(log, 0.0), 4),
            f"{key}_start_bound_s": round(found.start_bound_s, 4),
            f"{key}_settled_s": round(found.plan.settled_s, 2),
            f"{key}_true_average_s": round(true_average_s(log), 3),
            f"{key}_true_average_settled_s": round(true_average_s(later, found.plan.settled_s), 3),
            f"{key}_monitor_average_s": round(measure(log).monitor_average_s, 3),
        }
    return figures


def published_starts(seconds: float) -> Figures:
    """Six robots from patrolling_sim's own start poses."""
    figures: Figures = {}
    for name in NAMES:
        graph = graph_named(name)
        found = planned(graph, 6, seconds, start_poses(graph, 6))
        log = found.plan.log(found.plan.settled_s + 4.0 * found.plan.longest_round_s)
        figures[f"{name}_k6_guarantee_s"] = round(found.plan.guarantee_s, 4)
        figures[f"{name}_k6_worst_from_start_s"] = round(worst_idleness_s(log, 0.0), 4)
    return figures


def tours() -> Figures:
    figures: Figures = {}
    for name in NAMES:
        graph = graph_named(name)
        begun_s = time.process_time()
        known = heuristic_tour(graph, Closure.of(graph), Deadline.after(10.0, time.monotonic))
        tour = exact_tour(graph, known, Deadline.after(300.0, time.monotonic))
        figures |= {
            f"{name}_tour_m": round(tour.length_m, 6),
            f"{name}_tour_proven": int(tour.proven),
            f"{name}_tour_cpu_s": round(time.process_time() - begun_s, 3),
        }
    return figures


def ratios(seconds: float) -> Figures:
    figures: Figures = {}
    for name in NAMES:
        for robots in (2, 4, 6):
            found = planned(graph_named(name), robots, seconds)
            figures |= {
                f"{name}_k{robots}_plan_s": round(found.plan.guarantee_s, 4),
                f"{name}_k{robots}_bound_s": round(found.bound.bound_s, 4),
                f"{name}_k{robots}_ratio": round(found.ratio, 4),
            }
    return figures


def made_graph(count: int, seed: int) -> PatrolGraph:
    """Random places in a square of 500 m, joined by a lightest tree and three in ten of the other Delaunay edges."""
    random = np.random.default_rng(seed)
    points = 500.0 * random.random((count, 2))
    corners = Delaunay(points).simplices.astype(np.int64)
    pairs = np.unique(np.sort(np.vstack((corners[:, :2], corners[:, 1:], corners[:, ::2])), axis=1), axis=0)
    lengths = np.hypot(*(points[pairs[:, 0]] - points[pairs[:, 1]]).T)
    tree = csr_array(minimum_spanning_tree(csr_array((lengths, (pairs[:, 0], pairs[:, 1])), shape=(count, count))))
    in_tree = np.array([tree[low, high] > 0 for low, high in pairs.tolist()])
    kept = in_tree | (random.random(len(pairs)) < 0.3)
    names = tuple(str(number) for number in range(count))
    return PatrolGraph(name="made", vertex_names=names, points_m=points, edges=pairs[kept], lengths_m=lengths[kept])


def planning_times() -> Figures:
    """How long the first valid plan takes; the bound uses what is left of the deadline."""
    figures: Figures = {}
    for graph, robots, limit_s in ((graph_named("cumberland"), 6, 1.0), (made_graph(1000, 3), 50, 30.0)):
        random = np.random.default_rng(1)
        starts = tuple(random.integers(0, graph.count, robots).tolist())
        begun_s, begun_cpu_s = time.monotonic(), time.process_time()
        found = TeamPlanner(graph, robots, starts=starts).first(Deadline.after(0.8 * limit_s, time.monotonic))
        key = f"plan_{graph.count}x{robots}"
        figures |= {
            f"{key}_wall_s": round(time.monotonic() - begun_s, 3),
            f"{key}_cpu_s": round(time.process_time() - begun_cpu_s, 3),
            f"{key}_ratio": round(found.ratio, 4),
        }
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20.0, help="time to improve each plan")
    chosen = parser.parse_args()
    if not GRAPHS.is_dir():
        sys.exit(f"no patrol graphs under {GRAPHS}; set PATROL_DATA")
    parts = (peers(chosen.seconds), published_starts(chosen.seconds), tours(), ratios(chosen.seconds), planning_times())
    tell("patrol_plans", {key: value for part in parts for key, value in part.items()}, speed_mps=1.0)


if __name__ == "__main__":
    main()
