# SPDX-License-Identifier: Apache-2.0
"""What surroundings tell of a pose: walls across themselves alone, edges in two directions, a ring's pattern nothing."""

from __future__ import annotations

import numpy as np
import pytest

from patrol.checks import Floats
from patrol.geometry import Pose3
from slam.lio.config import RegistrationConfig
from slam.lio.local_map import borne_information
from slam.lio.surfaces import Surfaces, Told

NOWHERE = Pose3(np.zeros(3), np.eye(3))
ALONG, ASIDE, UP = 3, 4, 5


def wall(seed: int = 1, count: int = 3000) -> Floats:
    """In the plane y = 2.2, 10 m long and 2 m high, 1 cm of noise across it."""
    rng = np.random.default_rng(seed)
    return np.column_stack((rng.uniform(-5, 5, count), 2.2 + 0.01 * rng.standard_normal(count), rng.uniform(0, 2, count)))


def post(x_m: float) -> Floats:
    """2 m high, as thick as a finger."""
    rng = np.random.default_rng(2)
    return np.column_stack((x_m + 0.01 * rng.standard_normal((300, 2)), rng.uniform(0, 2, 300)))


def known(*key_scans: Floats) -> Surfaces:
    surfaces = Surfaces(RegistrationConfig())
    for points in key_scans:
        surfaces.insert(points, points)
    return surfaces


def test_a_wall_tells_nothing_along_itself() -> None:
    told = known(wall(1)).tell(wall(2), NOWHERE)
    assert told.share > 0.6
    assert told.information[ASIDE, ASIDE] > 1e5
    assert np.abs(np.diag(told.information)[[ALONG, UP]]).max() < 1e-3 * told.information[ASIDE, ASIDE]


def test_a_post_tells_in_both_directions() -> None:
    told = known(post(0.2)).tell(post(0.2), NOWHERE)
    assert min(told.information[ALONG, ALONG], told.information[ASIDE, ASIDE]) > 1e4
    assert told.information[UP, UP] < 1e-2 * told.information[ALONG, ALONG]


def test_few_points_in_a_row_tell_nothing() -> None:
    row = np.column_stack((np.linspace(0.05, 0.45, 8), np.full(8, 0.2), np.full(8, 0.2)))
    told = known(row).tell(row, NOWHERE)
    assert told.share == 0.0
    assert float(np.abs(told.information).max()) == pytest.approx(0.0, abs=1e-6)


def test_a_place_that_is_not_seen_again_is_forgotten() -> None:
    surfaces, elsewhere = Surfaces(RegistrationConfig(key_scans_kept=3)), np.add(wall(), (100.0, 0.0, 0.0))
    surfaces.insert(wall(), wall())
    for _ in range(5):
        surfaces.insert(elsewhere, elsewhere)
    assert surfaces.tell(wall(), NOWHERE).share == 0.0
    assert surfaces.tell(elsewhere, NOWHERE).share > 0.6


def test_nothing_is_told_of_an_empty_map() -> None:
    told = Surfaces(RegistrationConfig()).tell(wall(), NOWHERE)
    assert (told.share, float(np.abs(told.information).max())) == (0.0, 0.0)


def test_what_is_claimed_and_not_borne_is_left_out() -> None:
    claimed, points = np.diag([1e6, 1e6, 1e6, 1e4, 1e5, 1e5]), np.vstack((wall(1), wall(1)[:, (1, 2, 0)]))
    told = known(points).tell(points, NOWHERE)
    both = borne_information(claimed, told, len(points), RegistrationConfig())
    bare = borne_information(claimed, known(wall(1)).tell(wall(2), NOWHERE), len(wall(2)), RegistrationConfig())
    assert np.diag(bare)[[ALONG, UP]] == pytest.approx([0.0, 0.0], abs=1.0)
    assert bare[ASIDE, ASIDE] > 0.5 * claimed[ASIDE, ASIDE]
    assert np.diag(both)[[ALONG, ASIDE]].min() > np.diag(bare)[ALONG]


def test_a_claim_stands_while_little_is_proven() -> None:
    claimed = np.diag([1e6, 1e6, 1e6, 1e4, 1e5, 1e5])
    told = Told(information=np.zeros((6, 6)), share=0.05)
    assert np.array_equal(borne_information(claimed, told, len(wall()), RegistrationConfig()), claimed)
