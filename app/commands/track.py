# SPDX-License-Identifier: Apache-2.0
"""``patrol track``: who walks where in a video file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from app.commands.numbers import finite
from app.outputs import check_output
from app.track import TrackConfig, Video, mot_rows, open_video, track_video, with_places
from patrol.config import load_config
from patrol.errors import BadInput, Fault
from perception.fixed_camera import FixedCamera, read_fixed_camera
from perception.metrics.mot_file import write_mot

_MOST_OF = 0.9
console = Console(soft_wrap=True, highlight=False, emoji=False, markup=False)


def track(
    video: Annotated[Path, typer.Argument(help="Any video file.")],
    *,
    out: Annotated[Path, typer.Option(help="Where the tracks go, in the MOTChallenge format.")],
    ground: Annotated[
        Path | None, typer.Option(help="Calibration of a camera that stands still: adds places on the ground in metres.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="Another configuration than the frozen one.")] = None,
    models: Annotated[Path | None, typer.Option(help="The folder of models; default: PATROL_MODELS, else the cache.")] = None,
    rate: Annotated[
        float | None, typer.Option(callback=finite, min=0.1, max=240.0, help="Pictures a second, where the file is wrong.")
    ] = None,
) -> None:
    """Follow the people in a video: one line per person and picture, ``frame, id, left, top, width, height, score, x, y, -1``;
    x and y are metres on the ground with --ground, else -1."""
    told = load_config(TrackConfig, config)
    if models is not None:
        told = told.model_copy(update={"detector": told.detector.model_copy(update={"models": models})})
    opened = open_video(video, rate)
    camera = None if ground is None else _camera(ground, opened)
    check_output(out, "--out")
    began, spent = time.perf_counter(), time.process_time()
    pictures = list(track_video(opened, told))
    wall_s, core_s = time.perf_counter() - began, time.process_time() - spent
    rows = mot_rows(iter(pictures), opened)
    write_mot(out, rows if camera is None else with_places(rows, camera, opened.rate_hz))
    console.print(
        f"{out}: {len(set(rows.track_id.tolist()))} people in {len(pictures)} pictures; "
        f"{len(pictures) / wall_s:.1f} pictures/s, {1e3 * core_s / max(len(pictures), 1):.1f} ms of a core each."
    )
    if len(pictures) < _MOST_OF * opened.pictures:
        console.print(
            f"Note: by its length and rate the file should hold about {opened.pictures} pictures; {len(pictures)} can be read. "
            "It was cut short, or its rate varies, and then times and speeds are wrong."
        )


def _camera(path: Path, video: Video) -> FixedCamera:
    """The camera of the calibration at ``path``. Raises BadInput when it is of another picture size."""
    camera = read_fixed_camera(path)
    if (camera.width_px, camera.height_px) != (video.width_px, video.height_px):
        value = f"{camera.width_px} x {camera.height_px}"
        because = f"is not the video's, {video.width_px} x {video.height_px}"
        raise BadInput(path, [Fault(field="width_px, height_px", value=value, because=because)])
    return camera
