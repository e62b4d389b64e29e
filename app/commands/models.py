# SPDX-License-Identifier: Apache-2.0
"""``patrol models``: detectors that the project does not ship."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Table

from app.models import model_states
from patrol.errors import BadInput, Fault
from perception.detectors.description import describe
from perception.detectors.store import models_folder, pull

cli = typer.Typer(help="Detectors that the project does not ship.", no_args_is_help=True)
console = Console(soft_wrap=True, highlight=False, emoji=False, markup=False)
Folder = Annotated[Path | None, typer.Option(help="The folder of models; default: PATROL_MODELS, else the cache.")]
_EXIT_FAILED = 1


def _place(folder: Path | None) -> Path:
    """The folder of models, which need not be there yet. Raises BadInput for a file."""
    place = folder or models_folder()
    if place.exists() and not place.is_dir():
        raise BadInput(place, [Fault(field="--folder", value=str(place), because="is no folder")])
    return place


@cli.command("list")
def list_models(*, folder: Folder = None) -> None:
    """Every model that is described: whether it is here, its licence, and who publishes it."""
    place = _place(folder)
    table = Table("model", "here", "runs on", "licence", "from", title=f"Models in {place}", title_justify="left")
    for state in model_states(place):
        described = state.described
        table.add_row(described.name, state.summary, described.runtime, described.licence, described.publisher)
    console.print(table)


@cli.command("pull")
def pull_model(name: Annotated[str, typer.Argument(help="As `patrol models list` names it.")], *, folder: Folder = None) -> None:
    """Get a model from its publisher; go on where the last try broke off; refuse a file with a wrong checksum."""
    place = _place(folder)
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, TaskID] = {}

        def show(file: str, done: int, total: int) -> None:
            task = tasks[file] if file in tasks else tasks.setdefault(file, bars.add_task(file, total=total))
            bars.update(task, completed=done)

        paths = pull(describe(name, place), place, show)
    for path in paths:
        console.print(f"{path}: good")
    if not paths:
        console.print(f"{name}: is shipped; there is nothing to pull")


@cli.command("check")
def check_models(
    name: Annotated[str | None, typer.Argument(help="One model; default: all that are here at least in part.")] = None,
    *,
    folder: Folder = None,
) -> None:
    """Compare every file with its publisher's checksum; exit code 1 when one is wrong, or missing from the model named."""
    place = _place(folder)
    if name is not None:
        describe(name, place)
    bad, told = False, 0
    for state in model_states(place):
        asked = state.described.name == name
        if name is not None and not asked:
            continue
        if name is None and state.files and all(item == "missing" for item in state.files):
            continue
        for file, found in zip(state.described.files, state.files, strict=True):
            console.print(f"{state.described.name}: {file.name}: {found}")
            told += 1
        bad |= not state.ready
    if not told:
        console.print(f"No file of a model is in {place}.")
    if bad:
        raise typer.Exit(_EXIT_FAILED)
