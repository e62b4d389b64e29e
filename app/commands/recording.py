# SPDX-License-Identifier: Apache-2.0
"""``patrol replay`` and ``patrol report``: what was recorded, run again or told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from app.commands.numbers import finite
from app.commands.summary import print_report
from app.paths import SITES, STATE, patrol_folder
from app.replay import ReplayPlan, run_replay
from evidence.report import make_report
from patrol.site_file import read_site

console = Console(soft_wrap=True, highlight=False, emoji=False)


def replay(
    recording: Annotated[Path, typer.Argument(help="A CARMEN log, a video, or an MCAP recording of Patrol.")],
    *,
    factor: Annotated[
        float, typer.Option(callback=finite, min=0.0, help="Recorded seconds per second; 0: as fast as possible.")
    ] = 1.0,
    folder: Annotated[Path | None, typer.Option(help="Where results go; default: a new folder under patrols/.")] = None,
    page: Annotated[bool, typer.Option(help="Show it on the command centre's page.")] = False,
    port: Annotated[int, typer.Option(min=1024, max=65535, help="Port of the page.")] = 8080,
    perception_config: Annotated[Path | None, typer.Option(help="Configuration of perception, e.g. another detector.")] = None,
) -> None:
    """Feed a recording through the same nodes that run on a robot."""
    plan = ReplayPlan(
        recording=recording,
        folder=folder or patrol_folder(datetime.now(UTC), "replay"),
        state=STATE,
        factor=factor,
        page=page,
        port=port,
        perception_config=perception_config,
    )
    result = run_replay(plan)
    for line in result.lines():
        console.print(escape(line))


def report(
    folder: Annotated[Path, typer.Argument(help="A patrol's folder.")],
    *,
    site: Annotated[Path, typer.Option(help="The site file of that patrol.")] = SITES / "depot.geojson",
) -> None:
    """Write report.html and report.json anew from what a patrol's folder holds, also after a crash."""
    print_report(console, make_report(folder, read_site(site)).json_path)
