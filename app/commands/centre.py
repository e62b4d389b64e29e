# SPDX-License-Identifier: Apache-2.0
"""``patrol centre`` and ``patrol audit``: the command centre on its own, and its tamper-evident log."""

from __future__ import annotations

import asyncio
import os
from typing import Annotated

import typer
from rich.console import Console

from app.serve_centre import run
from command_centre.api.prepare import prepare, verify_audit
from command_centre.api.settings import settings_from_environment

audit_cli = typer.Typer(help="The command centre's tamper-evident log.", no_args_is_help=True)
console = Console(soft_wrap=True, highlight=False)


@audit_cli.callback()
def audit() -> None:
    """The command centre's tamper-evident log."""


def centre(port: Annotated[int, typer.Option(min=1024, max=65535, help="Port of the page.")] = 8080) -> None:
    """Serve the command centre until Ctrl-C; settings come from PATROL_CENTRE_* variables."""
    os.environ.setdefault("PATROL_CENTRE_PORT", str(port))
    settings = settings_from_environment(os.environ)
    prepared = prepare(settings)
    password = prepared.one_time_password or "the one that you chose"
    console.print(f"Page      http://{settings.host}:{settings.port}\nUser      {prepared.operator}\nPassword  {password}")
    for robot_id, path in prepared.robot_tokens.items():
        console.print(f"Token of {robot_id}: {path}")
    asyncio.run(run())


@audit_cli.command()
def verify() -> None:
    """Check every entry of the log; exit code 1 and the first broken entry when the chain does not hold."""
    verdict = verify_audit(settings_from_environment(os.environ))
    if verdict.intact:
        console.print(f"The log holds: {verdict.entries} entries.")
        return
    console.print(f"[red]The log is broken[/red] at entry {verdict.first_broken}: {verdict.because}")
    raise typer.Exit(1)
