# SPDX-License-Identifier: Apache-2.0
"""``patrol site``: work with site files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from patrol.errors import BadInput
from patrol.site_check import check_site
from patrol.site_file import read_site

cli = typer.Typer(help="Work with site files.", no_args_is_help=True)


@cli.callback()
def site() -> None:
    """Work with site files."""


@cli.command()
def check(file: Annotated[Path, typer.Argument(help="A GeoJSON site file.")]) -> None:
    """Name every fault of a site file by feature and field; exit code 2 when there is one."""
    faults = check_site(file)
    if faults:
        raise BadInput(file, list(faults))
    checked = read_site(file)
    area_m2 = checked.perimeter.area
    Console(soft_wrap=True, highlight=False, emoji=False, markup=False).print(
        f"{file}: ok. {checked.name}: {area_m2:,.0f} m² inside {checked.perimeter.length:,.0f} m of perimeter, "
        f"{len(checked.gates)} gates, {len(checked.fences)} fences, {len(checked.doors)} doors, "
        f"{len(checked.buildings)} buildings, {len(checked.zones)} zones, "
        f"{len(checked.waypoints)} waypoints."
    )
