# SPDX-License-Identifier: Apache-2.0
"""Graphs whose best patrol is known, random graphs, a clock that ticks when it is read, and the real graphs where they are."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import strategies as st

from mission.planning.deadline import Deadline
from mission.planning.graph import PatrolGraph
from mission.planning.graph_file import read_graph
from tests.house.files import ROOT

GRAPHS = Path(os.environ.get("PATROL_DATA", ROOT.parent / "shared" / "data")) / "patrol"
needs_graphs = pytest.mark.skipif(not GRAPHS.is_dir(), reason=f"no patrol graphs under {GRAPHS}; set PATROL_DATA")


def real_graph(name: str) -> PatrolGraph:
    return read_graph(GRAPHS / name / f"{name}.graph").graph


def graph_of(edges: dict[tuple[int, int], float], name: str = "made") -> PatrolGraph:
    """The graph of these edges and lengths in m; places stand on a circle, which no computation looks at."""
    count = max(itertools.chain((0,), *edges)) + 1
    angle = np.linspace(0.0, 2.0 * np.pi, count, endpoint=False)
    pairs = sorted((min(pair), max(pair), length_m) for pair, length_m in edges.items())
    return PatrolGraph(
        name=name,
        vertex_names=tuple(str(vertex) for vertex in range(count)),
        points_m=np.column_stack((np.cos(angle), np.sin(angle))),
        edges=np.array([pair[:2] for pair in pairs], dtype=np.int64).reshape(-1, 2),
        lengths_m=np.array([pair[2] for pair in pairs]),
    )


def path(count: int, step_m: float = 1.0) -> PatrolGraph:
    return graph_of({(index, index + 1): step_m for index in range(count - 1)}, "path")


def ring(count: int, step_m: float = 1.0) -> PatrolGraph:
    return graph_of({(index, (index + 1) % count): step_m for index in range(count)}, "ring")


def star(leaves: int, leg_m: float = 1.0) -> PatrolGraph:
    return graph_of({(0, leaf): leg_m for leaf in range(1, leaves + 1)}, "star")


def lattice(rows: int, cols: int, step_m: float = 1.0) -> PatrolGraph:
    across = {(r * cols + c, r * cols + c + 1): step_m for r in range(rows) for c in range(cols - 1)}
    down = {(r * cols + c, r * cols + c + cols): step_m for r in range(rows - 1) for c in range(cols)}
    return graph_of(across | down, "lattice")


@st.composite
def random_graphs(draw: st.DrawFn, *, most: int = 9, only_trees: bool = False) -> PatrolGraph:
    """A connected graph of 2 to ``most`` vertices: a random tree and, unless only trees are wanted, some more edges."""
    count = draw(st.integers(2, most))
    length = st.integers(1, 20).map(lambda tenths: tenths / 2.0)
    edges = {(draw(st.integers(0, vertex - 1)), vertex): draw(length) for vertex in range(1, count)}
    pairs = st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda pair: pair[0] < pair[1])
    for pair in [] if only_trees else draw(st.lists(pairs, max_size=count)):
        edges.setdefault(pair, draw(length))
    return graph_of(edges, "random")


class Ticks:
    """A monotonic clock that moves on by ``step_s`` each time it is read."""

    def __init__(self, step_s: float = 0.02) -> None:
        self._now_s, self._step_s = 0.0, step_s

    def __call__(self) -> float:
        self._now_s += self._step_s
        return self._now_s


def soon(duration_s: float = 60.0) -> Deadline:
    """A deadline that depends on how often it is looked at, not on the machine."""
    return Deadline.after(duration_s, Ticks())


def passed() -> Deadline:
    return Deadline(clock=lambda: 1.0, ends_s=0.0)
