# SPDX-License-Identifier: Apache-2.0
"""``patrol sim``: work with worlds and scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sim.gazebo.check import Lack, Simulated, check_scenario, check_world

cli = typer.Typer(help="Work with worlds and scenarios.", no_args_is_help=True)


@cli.callback()
def sim() -> None:
    """Work with worlds and scenarios."""


@cli.command()
def check(file: Annotated[Path, typer.Argument(help="An SDF world, or a scenario (YAML).")]) -> None:
    """Say what a world or a scenario uses that a simulator lacks; exit code 2 when it can not be read."""
    lacks = check_scenario(file) if file.suffix in (".yaml", ".yml") else check_world(file)
    console = Console(soft_wrap=True, highlight=False, emoji=False)
    if not lacks:
        console.print(f"{escape(str(file))}: every simulator has all that it uses.")
        return
    table = Table("what", *(backend.value for backend in Simulated), "where it is lacking", title=escape(str(file)))
    for lack in lacks:
        table.add_row(escape(lack.place), *(_mark(lack, backend) for backend in Simulated), escape(lack.because))
    console.print(table)


def _mark(lack: Lack, backend: Simulated) -> str:
    return "[yellow]no[/yellow]" if backend in lack.backends else "yes"
