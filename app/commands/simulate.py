# SPDX-License-Identifier: Apache-2.0
"""``patrol simulate``: a patrol in lockstep, as fast as the machine can."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.commands.numbers import finite
from app.commands.summary import print_report
from app.evidence import demonstration_key
from app.lockstep import LockstepPlan, run_lockstep
from app.paths import MISSIONS, SCENARIOS, STATE, patrol_folder
from app.simulators import Sim


def simulate(
    *,
    scenario: Annotated[Path, typer.Argument(help="Scenario file.")] = SCENARIOS / "depot_intruder.yaml",
    mission: Annotated[Path, typer.Option(help="Mission file.")] = MISSIONS / "perimeter.yaml",
    laps: Annotated[int, typer.Option(min=1, help="Laps.")] = 1,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed; the same seed gives the same bytes.")] = 1,
    sim: Annotated[Sim, typer.Option(help="Which simulator; Gazebo is set up by 'make gazebo'.")] = Sim.EMBEDDED,
    limit_s: Annotated[
        float, typer.Option(callback=finite, min=1.0, help="Simulated seconds after which the run is given up.")
    ] = 3600.0,
    folder: Annotated[Path | None, typer.Option(help="The patrol's folder; default: a new one under patrols/.")] = None,
    map_folder: Annotated[Path | None, typer.Option(help="Localise in this saved map instead of mapping.")] = None,
    rules: Annotated[Path | None, typer.Option(help="Rule file; default: the site's own beside its file.")] = None,
    hearing: Annotated[bool, typer.Option(help="Listen to the robot's microphones (embedded simulator).")] = False,
) -> None:
    """Run simulator and cores in one process without ROS; write log, map and report."""
    plan = LockstepPlan(
        scenario=scenario,
        mission=mission,
        folder=folder or patrol_folder(datetime.now(UTC), "lockstep"),
        seed=seed,
        laps=laps,
        limit_s=limit_s,
        map_folder=map_folder,
        rules=rules,
        hearing=hearing,
        sim=sim,
        evidence_key=demonstration_key(STATE),
    )
    result = run_lockstep(plan)
    print_report(Console(soft_wrap=True, highlight=False, emoji=False), result.report.json_path)
    if result.because:
        raise typer.Exit(1)
