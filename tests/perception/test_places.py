# SPDX-License-Identifier: Apache-2.0
"""On which side of a line a place is, and how surely."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Polygon

from patrol.checks import Floats
from patrol.percepts import GroundPosition
from perception.rulebook.places import side_of

FENCE = LineString([(0.0, 0.0), (40.0, 0.0), (40.0, 30.0), (0.0, 30.0), (0.0, 0.0)])


def place(x_m: float, y_m: float, covariance_m2: Floats) -> GroundPosition:
    return GroundPosition(position_m=np.array([x_m, y_m]), velocity_mps=np.zeros(2), covariance_m2=covariance_m2)


def test_a_fence_that_lies_in_the_direction_of_the_doubt_counts_and_not_the_nearest() -> None:
    """Nine metres from the fence ahead, as far as that can be told from where the robot is, and eight from the one beside."""
    sided = side_of(place(32.0, 21.0, np.diag([0.8**2, 9.0**2])), FENCE)
    assert 0.8 < sided.left_probability < 0.88
    assert sided.clear_probability(0.25) < sided.left_probability
    assert side_of(place(32.0, 21.0, np.eye(2)), FENCE).offset_m == 8.0


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_who_is_told_to_be_on_a_side_is_mostly_there(seed: int) -> None:
    random = np.random.default_rng(seed)
    middle, stds = random.uniform(-8.0, 48.0, 2), (random.uniform(0.1, 1.0), random.uniform(0.1, 8.0))
    turn = np.linalg.qr(random.normal(size=(2, 2)))[0]
    covariance = turn @ np.diag(np.square(stds)) @ turn.T
    sided = side_of(place(float(middle[0]), float(middle[1]), covariance), FENCE)
    drawn = random.multivariate_normal(middle, covariance, 4000)
    inside = float(np.mean(shapely.contains_xy(Polygon(FENCE), drawn[:, 0], drawn[:, 1])))
    if sided.left_probability >= 0.9:
        assert inside > 0.8
    if sided.left_probability <= 0.1:
        assert inside < 0.2


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_inside_is_left_all_round_a_fence_of_any_shape(seed: int) -> None:
    random = np.random.default_rng(seed)
    bearings, reach_m = np.sort(random.uniform(0.0, 2.0 * np.pi, 7)), random.uniform(3.0, 20.0, 7)
    ring = np.column_stack((reach_m * np.cos(bearings), reach_m * np.sin(bearings)))
    outline = Polygon(ring)
    assume(outline.is_valid and outline.exterior.is_ccw)
    for x_m, y_m in random.uniform(-22.0, 22.0, (20, 2)).tolist():
        sided = side_of(place(x_m, y_m, np.diag([0.04, 4.0])), LineString(outline.exterior.coords))
        assert (sided.offset_m > 0.0) == bool(shapely.contains_xy(outline, x_m, y_m))
