# SPDX-License-Identifier: Apache-2.0
"""``patrol unpredictable``: ways to patrol that an observer can not foretell, with what each of them guarantees."""

from __future__ import annotations

import json
import secrets
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from app.commands.numbers import finite
from app.unpredictable import UnpredictableRequest, UnpredictableResult, find_modes, first_places
from mission.games.draw import SEED_BYTES
from mission.games.optimise import SearchConfig
from patrol.errors import BadInput, Fault

console = Console(soft_wrap=True, highlight=False, emoji=False)


def unpredictable(
    file: Annotated[Path, typer.Argument(metavar="GRAPH_OR_SITE", help="A patrolling_sim .graph file, or a site file.")],
    *,
    attack_s: Annotated[float, typer.Option(callback=finite, min=0.1, max=1e6, help="How long an attack takes.")] = 60.0,
    speed_mps: Annotated[float, typer.Option(callback=finite, min=0.01, max=50.0, help="Speed of the robot.")] = 1.0,
    dwell_s: Annotated[float, typer.Option(callback=finite, min=0.0, max=3600.0, help="How long it stands at each place.")] = 0.0,
    tick_s: Annotated[
        float, typer.Option(callback=finite, min=0.0, help="Length of a tick; 0: the 120th part of the attack.")
    ] = 0.0,
    memory: Annotated[int, typer.Option(min=0, max=3, help="Places that the free walk remembers.")] = 1,
    worst_factor: Annotated[float, typer.Option(callback=finite, min=1.0, help="Longest gap with detours, in rounds.")] = 2.0,
    guard_factor: Annotated[
        float,
        typer.Option(
            callback=finite, min=1.0, help="Longest gap of the free walk, in gaps of the tightest guard; less: it sweeps more."
        ),
    ] = 4.0,
    search_starts: Annotated[int, typer.Option(min=1, help="Random starts of the search.")] = 6,
    visits: Annotated[int, typer.Option(min=0, max=10_000, help="Draw so many places from a fresh secret seed.")] = 0,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of the search, not of the patrol.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="End with one line of JSON.")] = False,
) -> None:
    """Find unpredictable patrols of one robot, and say what each guarantees against whoever watches."""
    if tick_s > attack_s:
        raise BadInput("the command line", [Fault(field="--tick-s", value=tick_s, because="is longer than the attack")])
    search = SearchConfig(starts=search_starts, descents=80, finalists=2, attempts=4, seed=seed)
    request = UnpredictableRequest(
        file=file,
        attack_s=attack_s,
        speed_mps=speed_mps,
        dwell_s=dwell_s,
        tick_s=tick_s or None,
        memory_places=memory,
        worst_factor=worst_factor,
        guard_factor=guard_factor,
        search=search,
    )
    result = find_modes(request)
    for note in result.ground.notes:
        console.print(f"[yellow]Note:[/yellow] {escape(note)}")
    for offer in result.found:
        for line in offer.guarantee.lines():
            console.print(escape(line))
    if visits:
        drawn = first_places(result, secrets.token_bytes(SEED_BYTES), visits)
        console.print(f"drawn just now, never again: {escape(' '.join(drawn))}")
    if as_json:
        sys.stdout.write(json.dumps(_record(request, result)) + "\n")


def _record(request: UnpredictableRequest, result: UnpredictableResult) -> dict[str, object]:
    best = result.found[0].guarantee
    return {
        "graph": result.ground.graph.name,
        "tour_m": result.round_m,
        "attack_s": request.attack_s,
        "mode": best.mode,
        "worst_idleness_s": best.worst_idleness_s,
        "true_average_s": best.average_idleness_s,
        "capture_probability": best.capture_always,
        "modes": [asdict(offer.guarantee) for offer in result.found],
    }
