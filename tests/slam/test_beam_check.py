# SPDX-License-Identifier: Apache-2.0
"""Beams that pass through walls give a corridor away that only looks like another."""

from __future__ import annotations

import math

import numpy as np
import pytest

from patrol.checks import Floats
from patrol.geometry import IDENTITY2, Pose2
from slam.beam_check import contradicted_m, sights_of
from slam.keyframe import Keyframe, local_target
from tests.slam.raycaster import keyframe_at, room, scan_at


def corridor(*, is_open: bool) -> Floats:
    """Twenty metres of corridor with a side corridor halfway, or a wall there."""
    outline = [(0.0, 0.0), (20.0, 0.0), (20.0, 2.5)]
    side = [(12.0, 2.5), (12.0, 11.0), (9.5, 11.0), (9.5, 2.5)]
    return room([*outline, *(side if is_open else []), (0.0, 2.5)])


def keyframes(walls: Floats, *, drift: Pose2 = IDENTITY2) -> list[Keyframe]:
    """Every metre of the middle of the corridor, seen without doubt of the pose but for ``drift``."""
    rng, found = np.random.default_rng(4), []
    for number, x_m in enumerate(np.arange(4.0, 16.0)):
        pose = Pose2(float(x_m), 1.25, 0.03 * math.sin(x_m))
        scan = scan_at(walls, pose, stamp_ns=number, rng=rng)
        found.append(keyframe_at(pose, scan, drift=drift, path_m=float(number)))
    return found


@pytest.mark.parametrize("is_open", [False, True])
def test_the_same_corridor_contradicts_itself_nowhere(*, is_open: bool) -> None:
    walls = corridor(is_open=is_open)
    target = local_target(keyframes(walls), IDENTITY2, 0.1)
    assert contradicted_m(sights_of(keyframes(walls, drift=Pose2(0.05, 0.05, 0.005)), IDENTITY2), target) < 0.3


def test_an_opening_where_the_other_has_a_wall_is_told() -> None:
    target = local_target(keyframes(corridor(is_open=False)), IDENTITY2, 0.1)
    seen = keyframes(corridor(is_open=True))
    assert contradicted_m(sights_of(seen, IDENTITY2), target) > 1.2
    assert contradicted_m(sights_of(seen, Pose2(0.0, 40.0, 0.0)), target) == 0.0


def test_no_beam_is_no_contradiction() -> None:
    target = local_target(keyframes(corridor(is_open=True)), IDENTITY2, 0.1)
    assert contradicted_m([], target) == 0.0
