# SPDX-License-Identifier: Apache-2.0
"""``patrol people``: who may sign in to the command centre, which may be running; settings are its PATROL_CENTRE_* variables."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from app.commands.centre import check_there
from command_centre.api import people
from command_centre.api.accounts import Role
from command_centre.api.settings import Settings, settings_from_environment

cli = typer.Typer(help="Who may sign in to the command centre.", no_args_is_help=True)
console = Console(soft_wrap=True, highlight=False, emoji=False)
_PASSWORDS = {"one-time": "one-time, not used yet", "used": "one-time, used", "chosen": "their own"}
_Name = Annotated[str, typer.Argument(help="The name that they sign in with.")]


@cli.command("list")
def list_people() -> None:
    """Everybody who may sign in: role, kind of password, and how often they are signed in now."""
    table = Table("name", "role", "password", "signed in")
    for account in people.everybody(_settings()):
        table.add_row(escape(account.name), account.role, _PASSWORDS[account.password], str(account.sessions))
    console.print(table)


@cli.command()
def add(
    name: _Name,
    role: Annotated[
        Role, typer.Option(help="A viewer watches; an operator acknowledges, commands and reads the log.")
    ] = "viewer",
) -> None:
    """Let somebody sign in; prints a password that works once, after which they choose their own on the page."""
    password = people.add(_settings(), name, role=role)
    console.print(f"User      {escape(name)} ({role})\nPassword  {password}")


@cli.command()
def renew(name: _Name) -> None:
    """Give somebody a new password that works once, and sign them out wherever they are signed in."""
    console.print(f"User      {escape(name)}\nPassword  {people.renew(_settings(), name)}")


@cli.command()
def remove(name: _Name) -> None:
    """Let somebody sign in no more, and sign them out. What they did stays on the log."""
    people.remove(_settings(), name)
    console.print(f"{escape(name)} can not sign in any more.")


def _settings() -> Settings:
    """Those of a service that has been started once. Raises BadInput where there is none."""
    settings = settings_from_environment(os.environ)
    check_there(settings)
    return settings
