# SPDX-License-Identifier: Apache-2.0
"""Reads patrolling_sim ``.graph`` files. A file with a fault is refused whole, and every fault is named.

The format (Portugal, Iocchi and Farinelli, patrolling_sim) is tokens parted by white space: number of vertices; width and
height of the map in pixels; metres per pixel; x and y of the map's corner in m; and for each vertex its number, x and y in
pixels, how many neighbours it has, and for each of them its number, a compass word that is only a label, and the length of
the way in pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mission.planning.graph import PatrolGraph
from patrol.errors import BadInput, Fault

MAX_BYTES = 16_000_000
MAX_VERTICES = 6_000
"""The shortest ways between all of them, and what planning makes of these, take two gigabytes then."""
SHORTEST_M = 0.001
_HEADER = ("number of vertices", "width_px", "height_px", "resolution_m", "offset_x_m", "offset_y_m")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadGraph:
    """The graph, and ``notes``: what the file leaves doubtful and how that was settled."""

    graph: PatrolGraph
    notes: tuple[str, ...]


class _EndOfFile(Exception):
    """The tokens ended too early."""


@dataclass(slots=True)
class _Reader:
    """Hands out tokens as numbers and notes what is not one."""

    tokens: list[str]
    faults: list[Fault] = field(default_factory=list)
    at: int = 0

    def word(self, where: str) -> str:
        if self.at >= len(self.tokens):
            self.refuse(where, None, "the file ends here")
            raise _EndOfFile
        self.at += 1
        return self.tokens[self.at - 1]

    def number(self, where: str) -> float:
        text = self.word(where)
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and abs(value) < 1e9):
            self.refuse(where, text, "must be a finite number")
            return math.nan
        return value

    def whole(self, where: str, most: int) -> int:
        """A whole number from 0 to ``most``. Raises _EndOfFile when it is none, since the rest can not be told apart then."""
        value = self.number(where)
        if not (value == value // 1 and 0 <= value <= most):
            if not math.isnan(value):
                self.refuse(where, self.tokens[self.at - 1], f"must be a whole number from 0 to {most}")
            raise _EndOfFile
        return int(value)

    def refuse(self, where: str, value: object, because: str) -> None:
        self.faults.append(Fault(field=where, value=value, because=because))


def read_graph(path: Path) -> ReadGraph:
    """The graph of the file at ``path``, coordinates in m in map.

    A way that stands twice counts once, and of different lengths the longest counts, so that what is promised holds; both are
    noted. Raises BadInput, naming vertex, field and value, for everything else: a way that stands at one end only, a part that
    no way connects, a length below a millimetre, a vertex number out of turn, numbers that are none, and missing or surplus text.
    """
    reader = _Reader(_tokens(path))
    points: list[tuple[float, float]] = []
    ways: dict[tuple[int, int], list[float]] = {}
    try:
        count, resolution_m, corner = _read_header(reader)
        points += [_read_vertex(reader, vertex, count, ways) for vertex in range(count)]
        if reader.at < len(reader.tokens):
            reader.refuse("(end)", reader.tokens[reader.at], "stands after the last vertex")
        _check_ways(reader, ways, count)
    except _EndOfFile:
        pass
    if reader.faults:
        raise BadInput(path, reader.faults)
    merged = {pair: max(ways[pair] + ways[pair[::-1]]) for pair in sorted(ways) if pair[0] < pair[1]}
    _refuse_short(path, merged, resolution_m)
    graph = PatrolGraph(
        name=path.stem,
        vertex_names=tuple(str(vertex) for vertex in range(count)),
        points_m=np.array(points) * resolution_m + corner,
        edges=np.array(list(merged), dtype=np.int64).reshape(-1, 2),
        lengths_m=np.array(list(merged.values())) * resolution_m,
    )
    _refuse_parts(path, graph)
    return ReadGraph(graph=graph, notes=_notes(ways))


def _tokens(path: Path) -> list[str]:
    because = ""
    try:
        if path.stat().st_size > MAX_BYTES:
            because = f"is longer than {MAX_BYTES} bytes"
        else:
            return path.read_bytes().decode("utf-8-sig").split()
    except OSError as error:
        because = f"can not be read: {error.strerror}"
    except UnicodeDecodeError as error:
        because = f"is not text: byte {error.start}"
    raise BadInput(path, [Fault(field="(file)", value=str(path), because=because)])


def _read_header(reader: _Reader) -> tuple[int, float, tuple[float, float]]:
    count = reader.whole(_HEADER[0], MAX_VERTICES)
    if count == 0:
        reader.refuse(_HEADER[0], 0, "a graph needs one vertex at least")
    values = [reader.number(name) for name in _HEADER[1:]]
    for name, value in zip(_HEADER[1:4], values[:3], strict=True):
        if value <= 0:
            reader.refuse(name, value, "must be above zero")
    return count, values[2], (values[3], values[4])


def _read_vertex(reader: _Reader, vertex: int, count: int, ways: dict[tuple[int, int], list[float]]) -> tuple[float, float]:
    where = f"vertex {vertex}"
    number = reader.whole(f"{where}, number", MAX_VERTICES)
    if number != vertex:
        reader.refuse(f"{where}, number", number, f"vertices stand in turn, so this must be {vertex}")
        raise _EndOfFile
    point = reader.number(f"{where}, x_px"), reader.number(f"{where}, y_px")
    for index in range(reader.whole(f"{where}, number of neighbours", MAX_VERTICES)):
        towards = f"{where}, neighbour {index}"
        near = reader.whole(f"{towards}, number", MAX_VERTICES)
        reader.word(f"{towards}, direction")
        length_px = reader.number(f"{towards}, length_px")
        if near >= count or near == vertex:
            reader.refuse(f"{towards}, number", near, "is no other vertex of the file")
        elif length_px <= 0:
            reader.refuse(f"{towards}, length_px", length_px, "must be above zero")
        ways.setdefault((vertex, near), []).append(length_px)
    return point


def _check_ways(reader: _Reader, ways: dict[tuple[int, int], list[float]], count: int) -> None:
    for vertex, near in ways:
        if near < count and (near, vertex) not in ways:
            reader.refuse(
                f"vertex {vertex}, neighbour {near}",
                ways[vertex, near][0],
                f"does not stand at vertex {near}: ways lead both ways",
            )


def _refuse_short(path: Path, lengths_px: dict[tuple[int, int], float], resolution_m: float) -> None:
    faults = []
    for (low, high), length_px in lengths_px.items():
        if length_px * resolution_m < SHORTEST_M:
            because = f"is {length_px * resolution_m:g} m, below a millimetre"
            faults.append(Fault(field=f"vertex {low}, neighbour {high}, length_px", value=length_px, because=because))
    if faults:
        raise BadInput(path, faults)


def _refuse_parts(path: Path, graph: PatrolGraph) -> None:
    labels = graph.parts()
    faults = []
    for part in range(1, int(labels.max()) + 1):
        others = int((labels == part).sum()) - 1
        those = {0: "", 1: "and the vertex connected with it "}.get(others, f"and the {others} vertices connected with it ")
        where = f"vertex {int(np.argmax(labels == part))}"
        faults.append(Fault(field=where, value=None, because=f"{those}can not be reached from vertex 0"))
    if faults:
        raise BadInput(path, faults)


def _notes(ways: dict[tuple[int, int], list[float]]) -> tuple[str, ...]:
    notes = []
    for (low, high), lengths in sorted(ways.items()):
        if low > high:
            continue
        back = ways[high, low]
        if max(len(lengths), len(back)) > 1:
            notes.append(f"the way {low}-{high} stands {max(len(lengths), len(back))} times and counts once")
        every = sorted({*lengths, *back})
        if len(every) > 1:
            notes.append(f"the way {low}-{high} has the lengths {', '.join(f'{px:g}' for px in every)} px; the longest counts")
    return tuple(notes)
