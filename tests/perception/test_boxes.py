# SPDX-License-Identifier: Apache-2.0
"""Arithmetic on boxes."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.checks import Floats
from perception.boxes import as_array, enlarged, iou_matrix, suppress, suppress_per_class


@st.composite
def boxes(draw: st.DrawFn) -> Floats:
    count = draw(st.integers(1, 12))
    corners = draw(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=count, max_size=count))
    sizes = draw(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=count, max_size=count))
    return np.array([(x, y, x + w, y + h) for (x, y), (w, h) in zip(corners, sizes, strict=True)], dtype=np.float64)


def test_iou_of_known_boxes() -> None:
    first = np.array([[0.0, 0.0, 10.0, 10.0]])
    second = np.array([[0.0, 0.0, 10.0, 10.0], [5.0, 0.0, 15.0, 10.0], [20.0, 20.0, 30.0, 30.0]])
    np.testing.assert_allclose(iou_matrix(first, second), [[1.0, 1.0 / 3.0, 0.0]])


@settings(deadline=None)
@given(boxes())
def test_iou_is_symmetric_and_one_with_itself(some: Floats) -> None:
    overlap = iou_matrix(some, some)
    np.testing.assert_allclose(overlap, overlap.T)
    np.testing.assert_allclose(np.diag(overlap), 1.0)
    assert ((overlap >= 0.0) & (overlap <= 1.0 + 1e-12)).all()


@settings(deadline=None)
@given(boxes(), st.floats(0.1, 0.9))
def test_suppression_keeps_the_best_and_nothing_that_overlaps_it(some: Floats, iou_max: float) -> None:
    scores = np.linspace(1.0, 0.1, len(some))[::-1].copy()
    kept = suppress(some, scores, iou_max)
    overlap = iou_matrix(some, some)
    assert kept[0] == scores.argmax()
    assert all(overlap[a, b] <= iou_max for a in kept for b in kept if a != b)
    dropped = set(range(len(some))) - set(kept.tolist())
    assert all(any(overlap[item, other] > iou_max and scores[other] > scores[item] for other in kept) for item in dropped)


def test_suppression_leaves_other_classes_alone() -> None:
    same_place = np.array([[0.0, 0.0, 10.0, 10.0]] * 3)
    kept = suppress_per_class(same_place, np.array([0.5, 0.9, 0.7]), np.array([0, 0, 1]), 0.5)
    assert kept.tolist() == [1, 2]
    assert suppress_per_class(np.zeros((0, 4)), np.zeros(0), np.zeros(0, dtype=np.int64), 0.5).size == 0


def test_enlarged_grows_on_every_side() -> None:
    np.testing.assert_allclose(enlarged(np.array([[10.0, 20.0, 30.0, 60.0]]), 0.5), [[0.0, 0.0, 40.0, 80.0]])
    assert as_array([]).shape == (0, 4)
