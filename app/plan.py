# SPDX-License-Identifier: Apache-2.0
"""Plans the patrol of a graph file or a site file: reads it, plans until the deadline, plays the plan and measures it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from mission.planning.deadline import Deadline
from mission.planning.graph import PatrolGraph
from mission.planning.graph_file import read_graph
from mission.planning.metrics import (
    PatrolFigures,
    VisitLog,
    capture_at_random_moment,
    least_capture_of_log,
    measure,
    worst_idleness_s,
)
from mission.planning.site_graph import SiteGraphConfig, site_graph
from mission.planning.team import Planned, TeamPlanner
from patrol.checks import Floats
from patrol.errors import BadInput, Fault
from patrol.site import Site
from patrol.site_file import read_site

ROUNDS_MEASURED = 12
VISITS_MEASURED = 5_000_000
FIRST_SHARE_S = 0.8
"""How long the first, valid plan may take; what is left of the time improves it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ground:
    """What is to be patrolled: the graph, the way (n, 2) m in map along each of its edges, the site if it came from one, and
    what the file left doubtful. ``floors`` of the vertices."""

    graph: PatrolGraph
    ways_m: tuple[Floats, ...]
    site: Site | None
    notes: tuple[str, ...]
    floors: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """What to plan. ``starts`` are names of vertices, one for each robot, or empty; ``seconds`` is the time to think;
    ``slack`` is the share of the guarantee that may be given up for a lower average."""

    file: Path
    robots: int
    starts: tuple[str, ...] = ()
    speed_mps: float = 1.0
    attack_s: float = 60.0
    seconds: float = 20.0
    slack: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlanResult:
    """The plan, and what playing it gives: ``steady`` once it has settled; ``worst_from_start_s`` counts from time 0."""

    ground: Ground
    planned: Planned
    steady: PatrolFigures
    worst_from_start_s: float
    least_capture: float
    random_capture: float
    planning_s: float


def read_ground(file: Path, *, speed_mps: float = 1.0) -> Ground:
    """The graph of a ``.graph`` file, or of the site file that any other is taken for; what a lift takes counts as way at
    ``speed_mps``. Raises BadInput naming every fault."""
    if file.suffix == ".graph":
        read = read_graph(file)
        ways = tuple(read.graph.points_m[edge] for edge in read.graph.edges)
        return Ground(graph=read.graph, ways_m=ways, site=None, notes=read.notes, floors=(0,) * read.graph.count)
    site = read_site(file)
    made = site_graph(site, SiteGraphConfig(lift_mps=speed_mps))
    return Ground(graph=made.graph, ways_m=made.ways_m, site=site, notes=(), floors=made.floors)


def plan_patrol(request: PlanRequest) -> PlanResult:
    """Plan and measure. Raises BadInput for a faulty file or a start that it does not name."""
    ground = read_ground(request.file, speed_mps=request.speed_mps)
    begun_s = time.monotonic()
    planner = TeamPlanner(
        ground.graph,
        request.robots,
        starts=_starts(request, ground.graph),
        speed_mps=request.speed_mps,
        slack=request.slack,
        seed=request.seed,
    )
    planned = planner.first(Deadline.after(min(FIRST_SHARE_S, request.seconds), time.monotonic))
    left_s = request.seconds - (time.monotonic() - begun_s)
    if left_s > 0.0:
        planned = planner.improve(planned, Deadline.after(left_s, time.monotonic))
    planning_s = time.monotonic() - begun_s
    log = steady_log(planned)
    settled_s = planned.plan.settled_s
    return PlanResult(
        ground=ground,
        planned=planned,
        steady=measure(log, warm_up_s=settled_s),
        worst_from_start_s=worst_idleness_s(log, 0.0),
        least_capture=least_capture_of_log(log, request.attack_s, settled_s),
        random_capture=capture_at_random_moment(log, request.attack_s, settled_s),
        planning_s=planning_s,
    )


def steady_log(planned: Planned) -> VisitLog:
    """The plan played until it has settled, and for some of its longest rounds more; where that were too many visits, for fewer,
    but long enough that every place is seen twice."""
    plan = planned.plan
    some_s = min(ROUNDS_MEASURED * plan.longest_round_s, VISITS_MEASURED / max(plan.visits_per_s, 1e-9))
    return plan.log(plan.settled_s + max(1.0, some_s, 2.0 * plan.guarantee_s))


def _starts(request: PlanRequest, graph: PatrolGraph) -> tuple[int, ...] | None:
    if not request.starts:
        return None
    numbers = {name: number for number, name in enumerate(graph.vertex_names)}
    faults = [
        Fault(field="--starts", value=name, because=f"is no vertex of {graph.name}")
        for name in request.starts
        if name not in numbers
    ]
    if len(request.starts) != request.robots:
        faults.append(
            Fault(field="--starts", value=len(request.starts), because=f"must name {request.robots} vertices, one a robot")
        )
    if faults:
        raise BadInput(request.file, faults)
    return tuple(numbers[name] for name in request.starts)
