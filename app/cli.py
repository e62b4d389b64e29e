# SPDX-License-Identifier: Apache-2.0
"""The ``patrol`` command. Each subcommand parses its arguments, calls one function, and turns a PatrolError into exit code 2."""

from __future__ import annotations

import sys

import typer
from rich.console import Console
from rich.markup import escape

from app import maps
from app.commands import (
    centre,
    demo,
    evidence,
    fairness,
    mission,
    models,
    people,
    plan,
    recording,
    risk,
    rules,
    sim,
    simulate,
    site,
    team,
    track,
    unpredictable,
)
from patrol.errors import PatrolError

EXIT_BAD_INPUT = 2

cli = typer.Typer(
    name="patrol", help="Autonomous patrol stack for robots and drones.", no_args_is_help=True, add_completion=False
)
cli.add_typer(site.cli, name="site")
cli.add_typer(maps.cli, name="map")
cli.add_typer(centre.audit_cli, name="audit")
cli.add_typer(people.cli, name="people")
cli.add_typer(models.cli, name="models")
cli.add_typer(mission.cli, name="mission")
cli.add_typer(risk.cli, name="risk")
cli.add_typer(evidence.cli, name="evidence")
cli.add_typer(fairness.cli, name="fairness")
cli.add_typer(sim.cli, name="sim")
cli.add_typer(rules.cli, name="rules")
cli.command("demo")(demo.demo)
cli.command("simulate")(simulate.simulate)
cli.command("replay")(recording.replay)
cli.command("report")(recording.report)
cli.command("plan")(plan.plan)
cli.command("team")(team.team)
cli.command("unpredictable")(unpredictable.unpredictable)
cli.command("track")(track.track)
cli.command("centre")(centre.centre)


def main() -> None:
    """Entry point of ``patrol``: 0 done, 1 the job failed, 2 bad input (each fault named on standard error).

    A file that can not be read or written is bad input too, wherever a command meets it."""
    try:
        cli()
    except PatrolError as error:
        _tell(str(error))
        sys.exit(EXIT_BAD_INPUT)
    except OSError as error:
        _tell(f"{error.filename or 'a file'}: can not be used: {error.strerror or error}")
        sys.exit(EXIT_BAD_INPUT)


def _tell(because: str) -> None:
    """On standard error; what no terminal can show, such as half of a surrogate pair, as question marks."""
    told = escape(because.encode("utf-8", "replace").decode())
    Console(stderr=True, soft_wrap=True, highlight=False, emoji=False).print(f"[red]patrol:[/red] {told}")
