# SPDX-License-Identifier: Apache-2.0
"""``patrol fairness``: whether everybody is seen alike."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.commands.numbers import finite
from app.fairness import PICTURES, FairnessPlan, measure_fairness, render_people
from perception.detector import DetectorConfig
from perception.fairness.report import FairnessReport, read_report, write_report
from perception.tracker import TrackerConfig

cli = typer.Typer(help="Whether everybody is seen alike.", no_args_is_help=True)
console = Console(soft_wrap=True, highlight=False, emoji=False, markup=False)


@cli.command()
def run(
    data: Annotated[Path | None, typer.Argument(help="A folder of labelled pictures; without it, pictures are rendered.")] = None,
    *,
    out: Annotated[Path, typer.Option(help="Folder of the report.")],
    detector: Annotated[str, typer.Option(help="Name of a model; 'patrol models list' prints them.")] = "own",
    models: Annotated[Path | None, typer.Option(help="The folder of models; default: PATROL_MODELS, else the cache.")] = None,
    score: Annotated[
        float, typer.Option(callback=finite, min=0.0, max=1.0, help="From which score on somebody counts as seen.")
    ] = (TrackerConfig().strong_score),
    count: Annotated[int, typer.Option(min=1, help="How many pictures to render.")] = 600,
    seed: Annotated[
        int, typer.Option(min=0, max=2**63 - 1, help="Seed of the rendered pictures; none that was trained on.")
    ] = 901,
) -> None:
    """Measure, write the report, and exit with 1 when a gap fails."""
    folder = data or render_people(out / PICTURES, count=count, seed=seed)
    plan = FairnessPlan(data=folder, detector=DetectorConfig(detector=detector, models=models), score_min=score)
    _tell(measure_fairness(plan), out)


@cli.command()
def report(
    measured: Annotated[Path, typer.Argument(help="A fairness.json.")],
    *,
    out: Annotated[Path, typer.Option(help="Folder of the page.")],
) -> None:
    """Write the public page of a measurement that was made before."""
    _tell(read_report(measured), out)


def _tell(measured: FairnessReport, out: Path) -> None:
    _, page = write_report(measured, out)
    table = Table("", "attribute", "groups, lowest first", "gap, points", "at most")
    for what, gaps in (("found", measured.found), ("false alarms", measured.false_alarms)):
        for gap in gaps:
            groups = ", ".join(f"{rate.group} {100 * rate.rate:.1f}" for rate in sorted(gap.groups, key=lambda rate: rate.rate))
            figures = (
                ("-", "-") if gap.gap is None or gap.gap_high is None else (f"{100 * gap.gap:.1f}", f"{100 * gap.gap_high:.1f}")
            )
            table.add_row(f"{what}: {gap.verdict}", gap.attribute, groups, *figures)
    console.print(table)
    console.print(f"{measured.people} people, {100 * measured.recall:.1f} % found; {page}: {measured.verdict}")
    if measured.verdict == "fails":
        raise typer.Exit(1)
