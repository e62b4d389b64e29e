# SPDX-License-Identifier: Apache-2.0
"""``patrol demo``: the main job, live."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.panel import Panel

from app.commands.numbers import finite
from app.commands.summary import print_report
from app.demo import DemoPlan, Shown, run_demo
from app.paths import MISSIONS, SCENARIOS, STATE, patrol_folder
from app.simulators import Sim
from app.supervise import Report
from patrol.berths import MOST_ROBOTS

console = Console(soft_wrap=True, highlight=False, emoji=False)


class _Watcher:
    """Tells once about every process that was started anew."""

    def __init__(self) -> None:
        self._restarts: dict[str, int] = {}

    def look(self, reports: tuple[Report, ...]) -> None:
        for report in reports:
            if report.restarts > self._restarts.get(report.name, 0):
                console.print(f"[yellow]{report.name} was started anew[/yellow] (now {report.restarts} times)")
            self._restarts[report.name] = report.restarts


def demo(
    *,
    scenario: Annotated[Path, typer.Option(help="Scenario file.")] = SCENARIOS / "depot_intruder.yaml",
    mission: Annotated[Path, typer.Option(help="Mission file.")] = MISSIONS / "perimeter.yaml",
    laps: Annotated[int | None, typer.Option(min=1, help="Laps; without it, until Ctrl-C in a terminal and 1 elsewhere.")] = None,
    headless: Annotated[bool, typer.Option(help="No command centre and no page; only the patrol and its report.")] = False,
    port: Annotated[int, typer.Option(min=1024, max=65535, help="Port of the page.")] = 8080,
    robots: Annotated[
        int, typer.Option(min=1, max=MOST_ROBOTS, help="Robots that share the round as a team; only the first has cameras.")
    ] = 1,
    hearing: Annotated[bool, typer.Option(help="Listen to the first robot's microphones (embedded simulator).")] = False,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of the simulator.")] = 1,
    factor: Annotated[float, typer.Option(callback=finite, min=0.05, max=20.0, help="Simulated seconds per second.")] = 1.0,
    sim: Annotated[Sim, typer.Option(help="Which simulator; Gazebo is set up by 'make gazebo'.")] = Sim.EMBEDDED,
    wait: Annotated[bool, typer.Option(help="Wait for the operator's start instead of starting at once.")] = False,
    folder: Annotated[Path | None, typer.Option(help="The patrol's folder; default: a new one under patrols/.")] = None,
) -> None:
    """Patrol the depot in a simulator and show it on the page, with a report at the end."""
    endless = laps is None and sys.stdout.isatty()
    plan = DemoPlan(
        scenario=scenario,
        mission=mission,
        folder=folder or patrol_folder(datetime.now(UTC)),
        state=STATE,
        port=port,
        laps=0 if endless else laps or 1,
        seed=seed,
        factor=factor,
        backend=sim.backend,
        page=not headless,
        autostart=not wait,
        robots=robots,
        hearing=hearing,
    )
    console.print(f"Starting the patrol; logs and results: {escape(str(plan.folder))}")
    report = run_demo(plan, on_up=lambda shown: _tell(shown, endless=endless), on_processes=_Watcher().look)
    if report is not None:
        print_report(console, report)
    elif not endless:
        raise typer.Exit(1)


def _tell(shown: Shown, *, endless: bool) -> None:
    """Say where to look and how to sign in."""
    if shown.address is None:
        console.print("Up. The robot is on its way.")
        return
    password = shown.password or "the one that you chose"
    ending = "\nCtrl-C ends everything." if endless else ""
    rows = {"Page": shown.address, "User": shown.operator, "Password": password}
    text = "\n".join(f"{name:9} [bold]{value}[/bold]" for name, value in rows.items())
    console.print(Panel(text + ending, title="Patrol", expand=False))
