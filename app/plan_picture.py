# SPDX-License-Identifier: Apache-2.0
"""Draws a team plan on its ground: ways grey, each beat in a colour of its own, robots where they start."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from app.plan import Ground, PlanResult
from patrol.checks import Floats
from patrol.errors import BadInput, Fault
from patrol.site import Site

_COLOURS = ("#0b6e99", "#d1495b", "#3a7d44", "#8e5ea2", "#c77d0a", "#4a4e69", "#00897b", "#9c2c77")
_NAMED_UP_TO = 60
_ENDINGS = (".png", ".jpg", ".svg", ".pdf")


def check_picture(path: Path) -> None:
    """Raises BadInput where no picture can be written: found out before the planning and not after it."""
    because = ""
    if path.suffix.lower() not in _ENDINGS:
        because = f"must end with {', '.join(_ENDINGS)}"
    elif path.is_dir() or not path.parent.is_dir():
        because = "is no file of a folder that is there"
    elif not os.access(path if path.exists() else path.parent, os.W_OK):
        because = "can not be written"
    if because:
        raise BadInput(path, [Fault(field="--picture", value=str(path), because=because)])


def write_picture(result: PlanResult, path: Path) -> None:
    """Write a picture, east to the right and north up, in m; the ending of ``path`` says of which kind."""
    ground, plan = result.ground, result.planned.plan
    figure = Figure(figsize=(10.0, 8.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    if ground.site is not None:
        _draw_site(axes, ground.site)
    for way in ground.ways_m:
        axes.plot(way[:, 0], way[:, 1], color="#c8c8c8", linewidth=0.8, zorder=1)
    scale_m = float(np.ptp(ground.graph.points_m, axis=0).max()) or 1.0
    for index, beat in enumerate(plan.beats):
        colour = _COLOURS[index % len(_COLOURS)]
        path_m = _beside(_along(ground, beat.walk), 0.004 * scale_m)
        label = f"{beat.robots} robot{'s' * (beat.robots > 1)}, {beat.length_m:.1f} m"
        axes.plot(
            path_m[:, 0], path_m[:, 1], color=colour, linewidth=1.8, zorder=3, label=label if index < len(_COLOURS) else None
        )
    _draw_places(axes, result)
    axes.set_aspect("equal")
    axes.set_xlabel("east, m")
    axes.set_ylabel("north, m")
    axes.set_title(
        f"{ground.graph.name}: nothing unseen for longer than {plan.guarantee_s:.2f} s; no plan keeps less than "
        f"{result.planned.bound.bound_s:.2f} s"
    )
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    figure.savefig(path, dpi=120)


def _draw_site(axes: Axes, site: Site) -> None:
    axes.plot(*site.perimeter.exterior.xy, color="black", linewidth=1.5, zorder=0)
    for building in site.buildings:
        axes.fill(*building.outline.exterior.xy, color="#b8b8b8", zorder=0)
    for area in site.keep_outs:
        axes.fill(*area.outline.exterior.xy, color="#f3c4c4", zorder=0)


def _along(ground: Ground, walk: tuple[int, ...]) -> Floats:
    """The points (n, 2) m of a closed walk, corners of the ways included."""
    ways = {(int(low), int(high)): way for (low, high), way in zip(ground.graph.edges, ground.ways_m, strict=True)}
    pieces = [ground.graph.points_m[[walk[0]]]]
    for here, there in zip(walk, (*walk[1:], walk[0]), strict=True):
        if here != there:
            pieces.append(ways[here, there] if here < there else ways[there, here][::-1])
    return np.vstack(pieces)


def _beside(path_m: Floats, shift_m: float) -> Floats:
    """The path moved a little to its right, so that both directions of a way can be seen."""
    steps = np.diff(path_m, axis=0)
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    steps, starts, ends = steps[lengths > 0], path_m[:-1][lengths > 0], path_m[1:][lengths > 0]
    right = shift_m * np.column_stack((steps[:, 1], -steps[:, 0])) / lengths[lengths > 0][:, None]
    return np.stack((starts + right, ends + right), axis=1).reshape(-1, 2)


def _draw_places(axes: Axes, result: PlanResult) -> None:
    graph, plan = result.ground.graph, result.planned.plan
    axes.scatter(graph.points_m[:, 0], graph.points_m[:, 1], s=14, color="#303030", zorder=4)
    if graph.count <= _NAMED_UP_TO:
        for name, point in zip(graph.vertex_names, graph.points_m, strict=True):
            axes.annotate(name, point, textcoords="offset points", xytext=(4, 4), fontsize=7, color="#303030", zorder=5)
    starts_m = graph.points_m[[one.start for one in plan.deployments]]
    colours = [_COLOURS[one.beat % len(_COLOURS)] for one in plan.deployments]
    axes.scatter(starts_m[:, 0], starts_m[:, 1], s=110, marker="^", color=colours, edgecolor="black", zorder=6)
    for one, start_m in zip(plan.deployments[:_NAMED_UP_TO], starts_m, strict=False):
        axes.annotate(str(one.robot), start_m, ha="center", va="center", fontsize=6, color="white", zorder=7)
