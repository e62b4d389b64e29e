# SPDX-License-Identifier: Apache-2.0
"""``patrol evidence``: sealed originals of alerted pictures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.commands.centre import check_there
from app.evidence import Opening, open_original, sealed_in
from command_centre.api.settings import settings_from_environment
from evidence.sealing import SHARE_FILES, make_keys

cli = typer.Typer(help="Sealed originals of alerted pictures.", no_args_is_help=True)
console = Console(soft_wrap=True, highlight=False, emoji=False, markup=False)


@cli.command()
def keys(folder: Annotated[Path, typer.Argument(help="A new folder; each file in it goes somewhere else.")]) -> None:
    """Make a key: the public part for the robots, and two shares of the private part for two people."""
    public = make_keys(folder)
    console.print(f"For the robots, as evidence_key: {public}")
    for name in SHARE_FILES:
        console.print(f"For one person, and to be deleted here: {folder / name}")


@cli.command("list")
def listing(patrol: Annotated[Path, typer.Argument(help="A patrol's folder.")]) -> None:
    """The alerts whose originals are sealed in a patrol's folder."""
    found = sealed_in(patrol)
    for alert_id in found:
        console.print(alert_id)
    if not found:
        Console(stderr=True, soft_wrap=True, markup=False, emoji=False).print(f"{patrol}: no original is sealed here")


@cli.command("open")
def opening(
    patrol: Annotated[Path, typer.Argument(help="A patrol's folder.")],
    alert_id: Annotated[str, typer.Argument(help="The alert.")],
    *,
    share: Annotated[list[Path], typer.Option(help="A share of the private key; give both.")],
    by: Annotated[str, typer.Option(help="Who opens it.")],
    together_with: Annotated[str, typer.Option("--with", help="The other person.")],
    because: Annotated[str, typer.Option(help="Why it must be seen.")],
    out: Annotated[Path, typer.Option(help="Where the picture goes.")],
) -> None:
    """Open a sealed original. It takes two people with a share each, and is written down in the command centre's log first."""
    settings = settings_from_environment(os.environ)
    check_there(settings)
    if len(share) != 2:
        raise typer.BadParameter("give --share twice: one of each person", param_hint="--share")
    asked = Opening(
        patrol_folder=patrol,
        alert_id=alert_id,
        shares=(share[0], share[1]),
        people=(by, together_with),
        because=because,
        out=out,
    )
    number = open_original(asked, settings)
    console.print(f"{out}: the original of {alert_id}. Entry {number} of the log says who opened it and why.")
