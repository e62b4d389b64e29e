# SPDX-License-Identifier: Apache-2.0
"""Tours: the known optima with proof, every small graph against all orders, and what a passed deadline leaves."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mission.planning.exact_tour import exact_tour, heuristic_tour
from mission.planning.graph import Closure, PatrolGraph, walk_offsets_m
from mission.planning.tour_search import improved_tour, tour_length_m
from patrol.errors import BadValue
from tests.mission.planning.graphs import lattice, needs_graphs, passed, path, random_graphs, real_graph, ring, soon, star


def shortest_by_hand(graph: PatrolGraph) -> float:
    distances = Closure.of(graph).distances_m
    return min(tour_length_m(distances, (0, *order)) for order in itertools.permutations(range(1, graph.count)))


def solved(graph: PatrolGraph) -> tuple[float, bool, tuple[int, ...]]:
    closure = Closure.of(graph)
    tour = exact_tour(graph, heuristic_tour(graph, closure, soon()), soon())
    assert walk_offsets_m(graph, tour.walk)[-1] == pytest.approx(tour.length_m)
    assert set(tour.walk) == set(range(graph.count))
    return tour.length_m, tour.proven, tour.walk


@needs_graphs
@pytest.mark.parametrize(("name", "length_m"), [("grid", 148.2), ("example", 280.8), ("cumberland", 387.075)])
def test_the_tours_of_the_real_graphs_are_proven(name: str, length_m: float) -> None:
    found_m, proven, _ = solved(real_graph(name))
    assert proven
    assert found_m == pytest.approx(length_m, abs=1e-6)


@pytest.mark.parametrize(
    ("graph", "length_m"),
    [(path(7, 2.0), 24.0), (star(5, 3.0), 30.0), (ring(9), 9.0), (lattice(4, 5), 20.0), (lattice(3, 5), 16.0), (path(2), 2.0)],
    ids=["path", "star", "ring", "even lattice", "odd lattice", "pair"],
)
def test_tours_known_in_closed_form(graph: PatrolGraph, length_m: float) -> None:
    found_m, proven, _ = solved(graph)
    assert proven
    assert found_m == pytest.approx(length_m)


@settings(max_examples=25, deadline=None)
@given(graph=random_graphs(most=7))
def test_no_order_of_the_places_is_shorter(graph: PatrolGraph) -> None:
    found_m, proven, _ = solved(graph)
    assert proven
    assert found_m == pytest.approx(shortest_by_hand(graph))


@settings(max_examples=15, deadline=None)
@given(graph=random_graphs(most=12, only_trees=True))
def test_a_tree_is_walked_twice(graph: PatrolGraph) -> None:
    found_m, proven, _ = solved(graph)
    assert proven
    assert found_m == pytest.approx(2.0 * graph.lengths_m.sum())


def test_one_place_is_a_tour_of_no_length() -> None:
    graph = path(1)
    assert solved(graph) == (0.0, True, (0,))


def test_a_passed_deadline_leaves_a_tour_without_proof() -> None:
    graph = lattice(4, 4)
    known = heuristic_tour(graph, Closure.of(graph), passed())
    tour = exact_tour(graph, known, passed())
    assert (tour.walk, tour.proven, tour.bound_m) == (known.walk, False, 0.0)


@settings(max_examples=20, deadline=None)
@given(graph=random_graphs(most=12))
def test_local_search_never_lengthens_a_tour(graph: PatrolGraph) -> None:
    distances = Closure.of(graph).distances_m
    order = list(range(graph.count))
    better = improved_tour(distances, order, soon())
    assert sorted(better) == order
    assert tour_length_m(distances, better) <= tour_length_m(distances, order) + 1e-9


def test_a_walk_off_the_edges_is_refused() -> None:
    with pytest.raises(BadValue, match="leaves the edges"):
        walk_offsets_m(path(4), (0, 2))


@settings(max_examples=10, deadline=None)
@given(graph=random_graphs(most=8), unit=st.sampled_from([1e-6, 1e5]))
def test_the_unit_of_length_changes_nothing(graph: PatrolGraph, unit: float) -> None:
    """A solver's absolute tolerances must not decide what is shortest."""
    found_m, proven, _ = solved(replace(graph, lengths_m=graph.lengths_m * unit))
    assert proven
    assert found_m == pytest.approx(unit * solved(graph)[0], rel=1e-9)
