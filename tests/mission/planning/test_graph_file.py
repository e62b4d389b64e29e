# SPDX-License-Identifier: Apache-2.0
"""Graph files: what is read, what is settled and noted, and how every fault is named."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mission.planning.graph import Closure, PartsUnconnected, PatrolGraph
from mission.planning.graph_file import read_graph
from patrol.errors import BadInput, BadValue
from tests.mission.planning.graphs import GRAPHS, graph_of, needs_graphs, path, real_graph

HEADER = ["3", "100", "80", "0.5", "-1", "2"]
FIRST = ["0", "10", "20", "1", "1", "E", "30"]
SECOND = ["1", "40", "20", "2", "0", "W", "30", "2", "N", "8"]
THIRD = ["2", "40", "28", "1", "1", "S", "8"]


def written(folder: Path, *parts: list[str] | str) -> Path:
    file = folder / "yard.graph"
    file.write_text("\n".join(part if isinstance(part, str) else " ".join(part) for part in parts), "utf-8")
    return file


def faults(file: Path) -> str:
    with pytest.raises(BadInput) as refused:
        read_graph(file)
    assert str(file) in str(refused.value)
    return str(refused.value)


def changed(part: list[str], index: int, value: str) -> list[str]:
    return [*part[:index], value, *part[index + 1 :]]


def test_pixels_become_metres_from_the_corner_of_the_map(tmp_path: Path) -> None:
    graph = read_graph(written(tmp_path, HEADER, FIRST, SECOND, THIRD)).graph
    assert graph.name == "yard"
    assert graph.points_m.tolist() == [[4.0, 12.0], [19.0, 12.0], [19.0, 16.0]]
    assert graph.edges.tolist() == [[0, 1], [1, 2]]
    assert graph.lengths_m.tolist() == [15.0, 4.0]


def test_line_breaks_mean_nothing(tmp_path: Path) -> None:
    text = "\n\n".join([*HEADER, *FIRST, *SECOND, *THIRD])
    assert read_graph(written(tmp_path, text)).graph.lengths_m.tolist() == [15.0, 4.0]


def test_a_way_that_stands_twice_counts_once_and_the_longest_length_counts(tmp_path: Path) -> None:
    twice = ["1", "40", "20", "3", "0", "W", "30", "0", "W", "30", "2", "N", "9"]
    read = read_graph(written(tmp_path, HEADER, FIRST, twice, THIRD))
    assert read.graph.lengths_m.tolist() == [15.0, 4.5]
    assert read.notes == (
        "the way 0-1 stands 2 times and counts once",
        "the way 1-2 has the lengths 8, 9 px; the longest counts",
    )


@pytest.mark.parametrize(
    ("parts", "named"),
    [
        ((changed(HEADER, 0, "three"), FIRST, SECOND, THIRD), "number of vertices: must be a finite number (got 'three')"),
        ((changed(HEADER, 0, "2.5"), FIRST, SECOND, THIRD), "must be a whole number from 0 to 6000 (got '2.5')"),
        ((changed(HEADER, 0, "0"),), "a graph needs one vertex at least"),
        ((changed(HEADER, 3, "0"), FIRST, SECOND, THIRD), "resolution_m: must be above zero (got 0.0)"),
        ((changed(HEADER, 3, "nan"), FIRST, SECOND, THIRD), "resolution_m: must be a finite number (got 'nan')"),
        ((HEADER, changed(FIRST, 1, "left"), SECOND, THIRD), "vertex 0, x_px: must be a finite number (got 'left')"),
        ((HEADER, changed(FIRST, 0, "7"), SECOND, THIRD), "vertex 0, number: vertices stand in turn, so this must be 0 (got 7)"),
        (
            (HEADER, changed(FIRST, 4, "9"), SECOND, THIRD),
            "vertex 0, neighbour 0, number: is no other vertex of the file (got 9)",
        ),
        (
            (HEADER, changed(FIRST, 4, "0"), SECOND, THIRD),
            "vertex 0, neighbour 0, number: is no other vertex of the file (got 0)",
        ),
        ((HEADER, changed(FIRST, 6, "-30"), SECOND, THIRD), "vertex 0, neighbour 0, length_px: must be above zero (got -30.0)"),
        (
            (changed(HEADER, 3, "1e-5"), FIRST, SECOND, THIRD),
            "vertex 1, neighbour 2, length_px: is 8e-05 m, below a millimetre (got 8.0)",
        ),
        ((HEADER, FIRST, SECOND, ["2", "40", "28", "0"]), "vertex 1, neighbour 2: does not stand at vertex 2"),
        ((HEADER, FIRST, SECOND), "vertex 2, number: the file ends here"),
        ((HEADER, FIRST, SECOND, THIRD, "surplus"), "(end): stands after the last vertex (got 'surplus')"),
    ],
)
def test_every_fault_is_named_by_vertex_field_and_value(tmp_path: Path, parts: tuple[list[str] | str, ...], named: str) -> None:
    assert named in faults(written(tmp_path, *parts))


def test_a_part_that_can_not_be_reached_is_refused(tmp_path: Path) -> None:
    alone = ["1", "40", "20", "1", "0", "W", "30"]
    text = faults(written(tmp_path, HEADER, FIRST, alone, ["2", "40", "28", "0"]))
    assert text.endswith("vertex 2: can not be reached from vertex 0")
    pairs = (["4", *HEADER[1:]], FIRST, alone, ["2", "40", "28", "1", "3", "E", "9"], ["3", "50", "28", "1", "2", "W", "9"])
    assert "vertex 2: and the vertex connected with it can not be reached from vertex 0" in faults(written(tmp_path, *pairs))


def test_a_file_that_is_not_there_and_one_that_is_not_text_are_refused(tmp_path: Path) -> None:
    assert "can not be read" in faults(tmp_path / "none.graph")
    picture = tmp_path / "picture.graph"
    picture.write_bytes(b"\x89PNG\xff\xfe")
    assert "is not text" in faults(picture)


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, 23), junk=st.sampled_from(["", "x", "-1", "1e400", "0.1"]))
def test_a_damaged_file_is_refused_and_nothing_else_is_raised(
    tmp_path_factory: pytest.TempPathFactory, cut: int, junk: str
) -> None:
    tokens = [*HEADER, *FIRST, *SECOND, *THIRD]
    damaged = [*tokens[:cut], junk, *tokens[cut + 1 :]]
    file = tmp_path_factory.mktemp("graph") / "damaged.graph"
    file.write_text(" ".join(damaged), "utf-8")
    with contextlib.suppress(BadInput):
        graph = read_graph(file).graph
        assert graph.count == 3
        assert (graph.lengths_m > 0).all()


@needs_graphs
@pytest.mark.parametrize(
    ("name", "places", "ways", "notes"), [("grid", 25, 40, 0), ("example", 29, 34, 2), ("cumberland", 40, 44, 0)]
)
def test_the_real_graphs_are_read(name: str, places: int, ways: int, notes: int) -> None:
    graph = real_graph(name)
    assert (graph.count, len(graph.edges)) == (places, ways)
    assert len(read_graph(GRAPHS / name / f"{name}.graph").notes) == notes


def test_a_graph_refuses_what_is_no_graph() -> None:
    good = path(3)
    for edges, lengths, why in (
        ([[0, 3]], [1.0], "two vertices of the graph"),
        ([[1, 0]], [1.0], "the lower first"),
        ([[0, 1], [0, 1]], [1.0, 2.0], "twice"),
        ([[0, 1]], [0.0], "longer than zero"),
    ):
        with pytest.raises(BadValue, match=why):
            PatrolGraph(
                name="bad",
                vertex_names=good.vertex_names,
                points_m=good.points_m,
                edges=np.array(edges),
                lengths_m=np.array(lengths),
            )


def test_the_closure_names_the_parts_that_no_way_connects() -> None:
    with pytest.raises(PartsUnconnected, match="2 parts that no way connects, around the vertices 0, 2"):
        Closure.of(graph_of({(0, 1): 1.0, (2, 3): 1.0}))


def test_the_closure_walks_the_shortest_ways() -> None:
    closure = Closure.of(graph_of({(0, 1): 5.0, (0, 2): 1.0, (1, 2): 1.0}))
    assert closure.distances_m[0, 1] == 2.0
    assert closure.way(0, 1) == [0, 2, 1]
    assert closure.closed_walk([0, 1]) == (0, 2, 1, 2)
