# SPDX-License-Identifier: Apache-2.0
"""``patrol plan``: a patrol for a team, with what it guarantees and how near that is to the best there can be."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.commands.numbers import finite
from app.plan import PlanRequest, PlanResult, plan_patrol
from app.plan_picture import check_picture, write_picture
from mission.planning.occupancy import Certificate
from mission.planning.team import Planned
from patrol.errors import BadInput, Fault

console = Console(soft_wrap=True, highlight=False, emoji=False)


def plan(
    file: Annotated[Path, typer.Argument(metavar="GRAPH_OR_SITE", help="A patrolling_sim .graph file, or a site file.")],
    *,
    robots: Annotated[int, typer.Option(min=1, max=1000, help="How many robots patrol.")] = 1,
    starts: Annotated[
        str, typer.Option(help="Vertices that the robots stand on, parted by commas; default: the best places.")
    ] = "",
    speed_mps: Annotated[float, typer.Option(callback=finite, min=0.01, max=50.0, help="Speed of every robot.")] = 1.0,
    attack_s: Annotated[float, typer.Option(callback=finite, min=0.1, max=1e9, help="How long an attack takes.")] = 60.0,
    seconds: Annotated[
        float,
        typer.Option(
            callback=finite, min=0.1, max=86_400.0, help="Longest time to think; it ends sooner when nothing gets better."
        ),
    ] = 20.0,
    slack: Annotated[
        float,
        typer.Option(callback=finite, min=0.0, max=0.99, help="Share of the guarantee that may be given up for a lower average."),
    ] = 0.0,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of the search.")] = 0,
    picture: Annotated[Path, typer.Option(help="Where the picture goes.")] = Path("plan.png"),
    as_json: Annotated[bool, typer.Option("--json", help="End with one line of JSON.")] = False,
) -> None:
    """Plan a patrol: beats, worst idleness, a proven lower bound for any plan, and a picture."""
    check_picture(picture)
    names = tuple(name.strip() for name in starts.split(",") if name.strip())
    if starts and not names:
        raise BadInput("the command line", [Fault(field="--starts", value=starts, because="names no vertex")])
    request = PlanRequest(
        file=file,
        robots=robots,
        starts=names,
        speed_mps=speed_mps,
        attack_s=attack_s,
        seconds=seconds,
        slack=slack,
        seed=seed,
    )
    result = plan_patrol(request)
    write_picture(result, picture)
    _tell(request, result)
    console.print(f"Picture: {escape(str(picture))}")
    if as_json:
        sys.stdout.write(json.dumps(_record(request, result)) + "\n")


def _tell(request: PlanRequest, result: PlanResult) -> None:
    planned, graph = result.planned, result.ground.graph
    for note in result.ground.notes:
        console.print(f"[yellow]Note:[/yellow] {escape(note)}")
    proof = "proven shortest" if planned.tour.proven else f"no tour is shorter than {planned.tour.bound_m:.2f} m"
    console.print(
        f"{escape(graph.name)}: {graph.count} places, {len(graph.edges)} ways; tour of {planned.tour.length_m:.3f} m, {proof}.\n"
        f"[bold]Guarantee: no place goes unseen for longer than {planned.plan.guarantee_s:.2f} s[/bold], from "
        f"{planned.plan.settled_s:.0f} s on; {result.worst_from_start_s:.2f} s counted from the start"
        f"{_at_best(request, planned)}.\n"
        f"No plan by {request.robots} robot(s) keeps less than {planned.bound.bound_s:.2f} s: {escape(planned.bound.because)}. "
        f"Plan ÷ bound: {planned.ratio:.3f}.\n"
        f"True average idleness {result.steady.true_average_s:.2f} s, 99 % of gaps within {result.steady.p99_gap_s:.2f} s."
    )
    met = (
        "is met everywhere, whatever an observer knows"
        if result.least_capture == 1.0
        else "can be timed by an observer to go unmet"
    )
    console.print(
        f"An attack of {request.attack_s:g} s {met}; at a random moment it is met with a chance of "
        f"{result.random_capture:.2f} where that is least."
    )
    console.print(_table(result))


def _at_best(request: PlanRequest, planned: Planned) -> str:
    return f", where no plan from these starts keeps less than {planned.start_bound_s:.2f} s" if request.starts else ""


def _table(result: PlanResult) -> Table:
    names, plan = result.ground.graph.vertex_names, result.planned.plan
    table = Table("beat", "robots", "round, m", "unseen, s", "from", "places in order")
    for index, beat in enumerate(plan.beats):
        starts = ", ".join(f"{one.robot}: {names[one.start]}" for one in plan.deployments if one.beat == index)
        places = " ".join(names[vertex] for vertex in dict.fromkeys(beat.walk))
        idle_s = beat.spacing_m / plan.speed_mps
        table.add_row(str(index), str(beat.robots), f"{beat.length_m:.2f}", f"{idle_s:.2f}", escape(starts), escape(places))
    return table


def _certificate(certificate: Certificate, names: tuple[str, ...]) -> dict[str, object]:
    """What ``mission.planning.occupancy`` proves its bound by: sets of places, and the multiplier of each."""
    sets = [[names[vertex] for vertex in members] for members in certificate.sets]
    return {"bound_m": certificate.bound_m, "sets": sets, "weights": certificate.weights.tolist()}


def _record(request: PlanRequest, result: PlanResult) -> dict[str, object]:
    planned, steady, names = result.planned, result.steady, result.ground.graph.vertex_names
    plan = planned.plan
    return {
        "graph": result.ground.graph.name,
        "vertices": result.ground.graph.count,
        "robots": request.robots,
        "speed_mps": request.speed_mps,
        "tour_m": planned.tour.length_m,
        "tour_lower_bound_m": planned.tour.bound_m,
        "tour_proven": planned.tour.proven,
        "worst_idleness_s": plan.guarantee_s,
        "lower_bound_s": planned.bound.bound_s,
        "lower_bound_because": planned.bound.because,
        "certificate": _certificate(planned.bound.certificate, names),
        "ratio": planned.ratio if planned.ratio != float("inf") else None,
        "worst_from_start_s": result.worst_from_start_s,
        "start_bound_s": planned.start_bound_s,
        "settled_s": plan.settled_s,
        "measured_worst_s": steady.worst_s,
        "true_average_s": steady.true_average_s,
        "p99_gap_s": steady.p99_gap_s,
        "monitor_average_s": steady.monitor_average_s,
        "gap_entropy_bits": steady.gap_entropy_bits,
        "attack_s": request.attack_s,
        "capture_probability": result.least_capture,
        "capture_at_random_moment": result.random_capture,
        "planning_s": round(result.planning_s, 3),
        "beats": [
            {"robots": beat.robots, "length_m": beat.length_m, "walk": [names[vertex] for vertex in beat.walk]}
            for beat in plan.beats
        ],
        "deployments": [
            {
                "robot": one.robot,
                "beat": one.beat,
                "approach": [names[vertex] for vertex in one.approach],
                "joins_s": one.joins_s,
                "joins_walk_at": one.joins_at,
            }
            for one in plan.deployments
        ],
    }
