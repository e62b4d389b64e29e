# SPDX-License-Identifier: Apache-2.0
"""``patrol centre`` and ``patrol audit``: the command centre on its own, and its tamper-evident log."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from app.centre import check_port
from app.serve_centre import run
from command_centre.api.database import parse_url
from command_centre.api.prepare import prepare, verify_audit
from command_centre.api.settings import Settings, settings_from_environment
from patrol.errors import BadInput, Fault

audit_cli = typer.Typer(help="The command centre's tamper-evident log.", no_args_is_help=True)
console = Console(soft_wrap=True, highlight=False, emoji=False)


@audit_cli.callback()
def audit() -> None:
    """The command centre's tamper-evident log."""


def centre(
    port: Annotated[int | None, typer.Option(min=1024, max=65535, help="Port of the page; default: as the settings say.")] = None,
) -> None:
    """Serve the command centre until Ctrl-C; settings come from PATROL_CENTRE_* variables."""
    settings = settings_from_environment(os.environ)
    if port is not None:
        settings = settings.model_copy(update={"port": port})
    check_port(settings.host, settings.port)
    prepared = prepare(settings)
    password = prepared.one_time_password or "the one that you chose"
    console.print(
        f"Page      http://{settings.host}:{settings.port}\nUser      {escape(prepared.operator)}\nPassword  {password}"
    )
    for robot_id, path in prepared.robot_tokens.items():
        console.print(f"Token of {robot_id}: {escape(str(path))}")
    asyncio.run(run(settings))


@audit_cli.command()
def verify() -> None:
    """Check every entry of the log; exit code 1 and the first broken entry when the chain does not hold."""
    settings = settings_from_environment(os.environ)
    check_there(settings)
    verdict = verify_audit(settings)
    if verdict.intact:
        console.print(f"The log holds: {verdict.entries} entries.")
        return
    console.print(f"[red]The log is broken[/red] at entry {verdict.first_broken}: {escape(verdict.because)}")
    raise typer.Exit(1)


def check_there(settings: Settings) -> None:
    """What is not there must not be made anew, and its log then be found whole."""
    url = parse_url(settings.database_url)
    files = {"secrets_dir": settings.secrets_dir / "audit.key"}
    if url.get_backend_name() == "sqlite":
        files["database_url"] = Path(url.database or "")
    missing = [
        Fault(field=name, value=str(file), because="there is no such file") for name, file in files.items() if not file.is_file()
    ]
    if missing:
        raise BadInput("command centre", missing)
