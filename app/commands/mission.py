# SPDX-License-Identifier: Apache-2.0
"""``patrol mission``: what a mission promises, when it begins, how it is prepared, and the behaviours that drive it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape

from app.commands.numbers import finite
from app.missions import prepare_mission
from app.paths import MISSIONS, SITES
from mission.duties import Duties, promise_of, read_duties
from mission.executive import Executive, ExecutiveConfig
from mission.inputs import ExecutiveInputs
from patrol.clock import NS_PER_S
from patrol.geometry import IDENTITY2
from patrol.site import Site
from patrol.site_file import read_site

cli = typer.Typer(no_args_is_help=True)
console = Console(soft_wrap=True, highlight=False, emoji=False)
MissionPath = Annotated[Path, typer.Argument(help="Mission file.")]
SitePath = Annotated[Path, typer.Option("--site", help="Site file.")]
DEPOT = SITES / "depot.geojson"
_WEEK_NS = 7 * 86_400 * NS_PER_S
_SHOWN = 10


@cli.callback()
def mission() -> None:
    """Missions: what they promise and when they begin."""


@cli.command()
def prepare(
    file: MissionPath,
    *,
    site: SitePath = DEPOT,
    seconds: Annotated[float, typer.Option(callback=finite, min=0.1, help="Longest time to look for the shortest round.")] = 20.0,
) -> None:
    """Make an unpredictable mission ready for a site: compute its walk and keep it beside the mission."""
    made = prepare_mission(file, read_site(site), now_ns=time.time_ns(), seconds=seconds)
    for line in made.promise.sentences:
        console.print(escape(line))
    console.print(f"Kept in {escape(str(made.path))}")


@cli.command()
def show(file: MissionPath = MISSIONS / "perimeter.yaml", *, site: SitePath = DEPOT) -> None:
    """Say what a mission promises, and when its calendar lets it begin."""
    where = read_site(site)
    duties = read_duties(file, where)
    for one in duties.missions:
        laps, stops = one.laps_counted
        console.print(
            f"{escape(one.name)} ({escape(one.mission_id)}): {laps} lap(s) of {stops} stops at {one.speed_mps:g} m/s at most"
        )
        for line in promise_of(file, one, where).sentences:
            console.print(f"  {escape(line)}")
    _tell_calendar(duties, where)


@cli.command()
def tree(*, site: SitePath = DEPOT) -> None:
    """Print the behaviour tree, with what each node says of a robot that has just been switched on."""
    executive = Executive(ExecutiveConfig(), read_site(site), (), base_from_lidar=IDENTITY2)
    executive.step(ExecutiveInputs(now_ns=NS_PER_S))
    console.print(escape(executive.behaviours))


def _tell_calendar(duties: Duties, site: Site) -> None:
    if duties.calendar is None:
        console.print("No calendar: it begins when somebody says so.")
        return
    now_ns = time.time_ns()
    zone = ZoneInfo(site.time_zone)
    for due in duties.calendar.occurrences(now_ns, now_ns + _WEEK_NS)[:_SHOWN]:
        local = datetime.fromtimestamp(due.due_ns / NS_PER_S, UTC).astimezone(zone)
        console.print(f"  {local:%a %d %b %Y %H:%M} {escape(due.mission)} ({escape(due.entry_id)})")
    for hold, _ in duties.calendar.holds:
        console.print(f"  held during {escape(hold.name)}{' (a patrol under way stands)' if hold.stops else ''}")
    quiet = duties.calendar.file.quiet
    if quiet is not None:
        console.print(f"  {quiet.limit_mps:g} m/s at most in quiet hours")
