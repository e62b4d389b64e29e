# SPDX-License-Identifier: Apache-2.0
"""``patrol team``: who walks which beat, what that guarantees with and without each of them, and what playing it gives."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.commands.numbers import finite
from app.team import TeamRequest, TeamResult, run_team
from mission.team.knowledge import AlertState
from mission.team.play import PlayConfig
from mission.team.unit import Kind
from patrol.errors import BadInput, Fault

console = Console(soft_wrap=True, highlight=False, emoji=False)


def team(
    file: Annotated[Path, typer.Argument(metavar="GRAPH_OR_SITE", help="A patrolling_sim .graph file, or a site file.")],
    *,
    team: Annotated[Path | None, typer.Option(help="Team file: units, capabilities, narrow ways, dock.")] = None,
    robots: Annotated[int, typer.Option(min=1, max=1000, help="Without a team file: so many robots that are alike.")] = 2,
    narrow: Annotated[bool, typer.Option("--narrow", help="Without a team file: no way lets two robots pass.")] = False,
    loss: Annotated[float, typer.Option(callback=finite, min=0.0, max=0.99, help="Chance that a message is lost.")] = 0.0,
    minutes: Annotated[float, typer.Option(callback=finite, min=1.0, max=10_000.0, help="How long to play.")] = 60.0,
    alerts_per_h: Annotated[
        float, typer.Option(callback=finite, min=0.0, max=1000.0, help="Random alerts that somebody must attend.")
    ] = 0.0,
    lost: Annotated[str, typer.Option(help="Units that fall silent, as UNIT@SECONDS, parted by commas.")] = "",
    joined: Annotated[str, typer.Option(help="Units that come later, as UNIT@SECONDS, parted by commas.")] = "",
    seconds: Annotated[float, typer.Option(callback=finite, min=0.1, help="Longest time to think about the first plan.")] = 10.0,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of the play.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="End with one line of JSON.")] = False,
) -> None:
    """Plan a team's patrol and play it: guarantee, what is left of it when one is missing, and what was measured."""
    request = TeamRequest(
        file=file,
        team_file=team,
        robots=robots,
        narrow=narrow,
        config=PlayConfig(loss=loss),
        minutes=minutes,
        alerts_per_h=alerts_per_h,
        lost=_moments("--lost", lost),
        joined=_moments("--joined", joined),
        seconds=seconds,
        seed=seed,
    )
    result = run_team(request)
    _tell_plan(result)
    _tell_play(request, result)
    if as_json:
        sys.stdout.write(json.dumps(_record(request, result)) + "\n")


def _moments(option: str, text: str) -> tuple[tuple[str, float], ...]:
    """Pairs of a unit and a time. Raises BadInput for words that are none."""
    pairs = []
    for word in filter(None, (part.strip() for part in text.split(","))):
        name, _, at = word.rpartition("@")
        try:
            at_s = float(at)
        except ValueError:
            at_s = math.nan
        if not name or not (math.isfinite(at_s) and at_s >= 0.0):
            raise BadInput(option, [Fault(field=option, value=word, because="is not UNIT@SECONDS")])
        pairs.append((name, at_s))
    return tuple(pairs)


def _tell_plan(result: TeamResult) -> None:
    allocation, names = result.allocation, result.graph.vertex_names
    console.print(
        f"{escape(result.graph.name)}: {result.graph.count} places, {len(result.graph.edges)} ways, {result.narrow} of them "
        f"narrow.\n[bold]Guarantee: no place goes unseen for longer than {allocation.guarantee_s:.2f} s[/bold]; no patrol by "
        f"these units keeps less than {allocation.bound_s:.2f} s: {escape(allocation.because)}."
    )
    table = Table("units", "speed, m/s", "round, m", "unseen, s", "without it, s", "places in order")
    for crew in allocation.crews:
        for index, beat in enumerate(crew.plan.beats):
            units = [crew.units[one.robot].unit_id for one in crew.plan.deployments if one.beat == index]
            places = " ".join(names[vertex] for vertex in dict.fromkeys(beat.walk))
            speed_mps = crew.plan.speed_mps
            left = " ".join(f"{result.left_s[name]:.1f}" for name in units)
            idle_s = beat.spacing_m / speed_mps
            row = (", ".join(units), f"{speed_mps:.2f}", f"{beat.length_m:.1f}", f"{idle_s:.2f}", left, places)
            table.add_row(*map(escape, row))
    console.print(table)
    if allocation.reserve:
        console.print(f"In reserve: {escape(', '.join(unit.unit_id for unit in allocation.reserve))}")


def _tell_play(request: TeamRequest, result: TeamResult) -> None:
    played, guarantee_s = result.played, result.allocation.guarantee_s
    over = f"{result.worst_s / guarantee_s:.3f} times the first guarantee" if guarantee_s else "no place was ever left"
    console.print(
        f"Played for {request.minutes:g} min with {request.config.loss:.0%} of messages lost: worst idleness "
        f"{result.worst_s:.2f} s, {over}; true average {result.true_average_s:.2f} s."
    )
    for card in played.plans[1:]:
        missing = sorted({unit.unit_id for unit in result.team.units} - card.members)
        console.print(
            f"  {card.begins_s:7.1f} s: plan {card.epoch} by {escape(card.author)} for {len(card.members)}, without "
            f"{escape(', '.join(missing)) or 'nobody'}: {card.allocation.guarantee_s:.2f} s"
        )
    if result.replan_s:
        console.print(f"Planning anew took {max(result.replan_s):.2f} s at most.")
    done = sum(card.state is AlertState.DONE for card in played.alerts.values())
    if played.alerts:
        late = [one.reached_s - one.begun_s for one in played.errands if one.reached_s is not None]
        mean = f", {sum(late) / len(late):.1f} s after it set out on average" if late else ""
        console.print(f"Alerts: {len(played.alerts)}, attended {done}{mean}.")
    if result.narrow:
        console.print(
            f"On narrow ways: {played.exchanges} rounds exchanged, {played.passings} passing plans, {played.blocked} times none "
            f"could be found; nobody was kept waiting for longer than {played.longest_wait_s:.1f} s."
        )


def _record(request: TeamRequest, result: TeamResult) -> dict[str, object]:
    played, allocation = result.played, result.allocation
    return {
        "graph": result.graph.name,
        "units": len(result.team.units),
        "drones": sum(unit.kind is Kind.DRONE for unit in result.team.units),
        "loss": request.config.loss,
        "worst_idleness_s": allocation.guarantee_s,
        "lower_bound_s": allocation.bound_s,
        "ratio": allocation.ratio if allocation.ratio != math.inf else None,
        "without_s": {name: left if left != math.inf else None for name, left in result.left_s.items()},
        "measured_worst_s": result.worst_s,
        "measured_true_average_s": result.true_average_s,
        "plans": len(played.plans),
        "guarantees_s": [card.allocation.guarantee_s for card in played.plans],
        "replan_longest_s": max(result.replan_s, default=0.0),
        "alerts": len(played.alerts),
        "attended": sum(card.state is AlertState.DONE for card in played.alerts.values()),
        "resumed": sum(one.resumed_s is not None for one in played.errands),
        "errands": len(played.errands),
        "longest_wait_s": played.longest_wait_s,
        "exchanges": played.exchanges,
        "passings": played.passings,
        "blocked": played.blocked,
    }
