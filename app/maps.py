# SPDX-License-Identifier: Apache-2.0
"""``patrol map``: compare, keep, approve and export maps."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app.map_cloud import CLOUD_FILE, MESH_FILE, map_cloud
from app.map_review import RECORDING_SUFFIX, Review, review
from patrol.config import load_config
from patrol.errors import BadInput, Fault
from patrol.geometry import Pose2
from patrol.local_frame import LocalFrame
from patrol.site import Site
from patrol.site_file import read_site
from slam.cloud_files import load_ply, save_pcd
from slam.config import ChangeConfig, MatchConfig
from slam.findings import Finding
from slam.lap_review import changes_between
from slam.lio.config import LioConfig
from slam.map_exchange import save_g2o, save_geotiff, save_world_png
from slam.map_files import SavedMap, load_map
from slam.map_versions import MapLibrary, Standing

cli = typer.Typer(help="Compare, keep, approve and export maps.", no_args_is_help=True)
_console = Console(soft_wrap=True, highlight=False, emoji=False, markup=False)

SiteOption = Annotated[Path | None, typer.Option("--site", help="Site file: names gates and perimeter, and places on Earth.")]


@cli.command("changes")
def changes(
    baseline: Annotated[Path, typer.Argument(help="A map's folder.")],
    later: Annotated[Path, typer.Argument(help="A later map's folder, or a patrol's recording.mcap.")],
    site: SiteOption = None,
) -> None:
    """Say what a later map, or a patrol that was recorded, shows to have changed since the map in BASELINE."""
    before, read = load_map(baseline), None if site is None else read_site(site)
    if later.suffix == RECORDING_SUFFIX:
        seen = _located(review(later, before, site=read), later)
        _console.print(f"{seen.compared} scan(s) were compared")
        found = seen.findings
    else:
        found = _changes(before, load_map(later), read)
    _console.print(f"{len(found)} change(s)")
    for finding in found:
        _console.print(f"  {finding.sentence}")


@cli.command("locate")
def locate(
    folder: Annotated[Path, typer.Argument(metavar="MAP", help="A map's folder.")],
    recording: Annotated[Path, typer.Argument(help="A patrol's recording.mcap.")],
) -> None:
    """Find where on MAP a recording was made, knowing nothing of the pose, and say how sure the pose was from then on."""
    seen = _located(review(recording, load_map(folder), site=None), recording)
    _console.print(f"known after {seen.known_after_s:.1f} s: {_spot(seen.first)}; at the end: {_spot(seen.last)}")
    _console.print(f"{seen.scans} scan(s): {', '.join(f'{name} {count}' for name, count in sorted(seen.outcomes.items()))}")
    _console.print(f"in doubt {seen.doubt_count} time(s), {seen.doubtful_s:.1f} s in all")
    for doubt in seen.doubts:
        _console.print(f"  after {doubt.after_s:.1f} s for {doubt.lasted_s:.1f} s, {_spot(doubt.map_from_base)}: {doubt.because}")


@cli.command("propose")
def propose(library: Path, new: Path, site: SiteOption = None) -> None:
    """Keep the map in NEW as the next version of LIBRARY, with what changed since its baseline."""
    kept, saved = MapLibrary(library), load_map(new)
    baseline = kept.baseline
    read = None if site is None else read_site(site)
    found = () if baseline is None else _changes(kept.load(baseline.number), saved, read)
    version = kept.propose(saved, found, now_ns=time.time_ns())
    _console.print(f"version {version.number} is proposed, with {len(found)} change(s)")


@cli.command("approve")
def approve(library: Path, number: int, by: Annotated[str, typer.Option(help="Who approves.")], note: str = "") -> None:
    """Make version NUMBER the baseline; one whose files are not those that were proposed is refused."""
    kept = _library(library)
    kept.load(number)
    version = kept.decide(number, Standing.APPROVED, by=by, now_ns=time.time_ns(), note=note)
    _console.print(f"version {version.number} is the baseline, approved by {version.decided_by}")


@cli.command("reject")
def reject(library: Path, number: int, by: Annotated[str, typer.Option(help="Who rejects.")], note: str = "") -> None:
    """Keep version NUMBER, but never as the baseline."""
    version = _library(library).decide(number, Standing.REJECTED, by=by, now_ns=time.time_ns(), note=note)
    _console.print(f"version {version.number} is rejected by {version.decided_by}")


@cli.command("versions")
def versions(library: Path) -> None:
    """List the versions of LIBRARY."""
    kept = _library(library)
    baseline = kept.baseline
    table = Table("version", "standing", "by", "changes", "note")
    for version in kept.versions:
        is_baseline = baseline is not None and version.number == baseline.number
        mark = f"{version.standing}, baseline" if is_baseline else str(version.standing)
        table.add_row(str(version.number), mark, version.decided_by, str(len(version.findings)), version.note)
    _console.print(table)


@cli.command("export")
def export(source: Path, to: Path, site: SiteOption = None) -> None:
    """Write the map in folder SOURCE (or a .ply cloud) as TO: .g2o, .tif, .png with a world file, or .pcd."""
    suffix = to.suffix.lower()
    if suffix == ".pcd":
        save_pcd(to, load_ply(source))
    elif suffix == ".g2o":
        saved = load_map(source)
        save_g2o(to, [keyframe.map_from_base for keyframe in saved.keyframes], saved.edges)
    elif suffix in (".tif", ".tiff", ".png"):
        frame = _frame(to, site)
        write = save_world_png if suffix == ".png" else save_geotiff
        write(to, load_map(source).grid, frame)
    else:
        raise BadInput(to, [Fault(field="TO", value=to.suffix, because="is none of .g2o, .tif, .png, .pcd")])
    _console.print(f"{to} is written")


@cli.command("cloud")
def cloud(
    recording: Annotated[Path, typer.Argument(help="A patrol's recording.mcap.")],
    folder: Annotated[Path, typer.Argument(help="Where cloud.ply, mesh.ply and trajectory.tum go.")],
    *,
    mesh: Annotated[bool, typer.Option(help="Also make the surface.")] = True,
    config: Annotated[Path | None, typer.Option(help="Configuration of lidar-inertial mapping.")] = None,
) -> None:
    """Make the coloured 3D cloud, the mesh and the trajectory in space from what a patrol recorded."""
    made = map_cloud(recording, folder, load_config(LioConfig, config), mesh=mesh)
    _console.print(f"{made.path_m:.0f} m in {made.frame}, {made.loops} revolution(s) closed loops")
    for outcome, count in sorted(made.outcomes.items()):
        _console.print(f"  {outcome}: {count}")
    for doubt, count in sorted(made.doubts.items()):
        _console.print(f"  {doubt}: {count} time(s)")
    _console.print(f"{folder / CLOUD_FILE}: {made.points} points")
    if mesh:
        _console.print(f"{folder / MESH_FILE}: {made.faces} faces")


def _located(seen: Review, recording: Path) -> Review:
    """Refuses a recording that was made nowhere on the map, as far as it shows."""
    if seen.known_after_s is None:
        because = f"its place on the map was never known: {seen.why_unknown}"
        raise BadInput(recording, [Fault(field="scan", value=dict(seen.outcomes), because=because)])
    return seen


def _spot(pose: Pose2 | None) -> str:
    return "nowhere" if pose is None else f"({pose.x_m:.2f}, {pose.y_m:.2f}) m, heading {math.degrees(pose.yaw_rad):.0f}°"


def _library(folder: Path) -> MapLibrary:
    """A library that is there: a wrong path must not pass for one without versions."""
    if not folder.is_dir():
        raise BadInput(folder, [Fault(field="LIBRARY", value=str(folder), because="is no folder")])
    return MapLibrary(folder)


def _frame(to: Path, site: Path | None) -> LocalFrame:
    if site is None:
        raise BadInput(to, [Fault(field="--site", value="", because="is needed: a raster lies on Earth by the site's datum")])
    return LocalFrame(read_site(site).datum)


def _changes(baseline: SavedMap, later: SavedMap, site: Site | None) -> tuple[Finding, ...]:
    return changes_between(baseline, later, site=site, config=ChangeConfig(), match=MatchConfig())
