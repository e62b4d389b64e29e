# SPDX-License-Identifier: Apache-2.0
"""What the lidar explains otherwise is doubted, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from patrol.geometry import IDENTITY2, Pose2
from patrol.percepts import GroundPosition, Label, Track
from perception.ground import Located
from perception.lidar_witness import LidarWitness, WitnessConfig
from perception.ranging import Ranged
from tests.perception.build import STEP_NS, person_box
from tests.perception.build import track as make_track

HERE = Located(position_m=np.array([8.0, 0.0]), covariance_m2=0.01 * np.eye(2))
Looks = dict[int, Ranged]
OWN: Looks = {1: Ranged(places=(HERE,))}
OTHER: Looks = {1: Ranged()}
FENCE: Looks = {1: Ranged(fence_m=6.0)}
NONE: Looks = {}


def person(number: int, range_m: float = 8.0) -> Track:
    ground = GroundPosition(position_m=np.array([range_m, 0.0]), velocity_mps=np.zeros(2), covariance_m2=np.eye(2))
    return replace(make_track(0.0, 0.0, number * STEP_NS), box=person_box(range_m, 0.0), ground=ground, score=0.8)


def told(looks: list[Looks], one: Track | None = None, at: Pose2 | None = IDENTITY2) -> float:
    """The score of the last look."""
    witness, score = LidarWitness(WitnessConfig()), 0.0
    for number, ranged in enumerate(looks):
        shown = person(number) if one is None else one
        (judged,) = witness.judged((shown,), ranged, at, number * STEP_NS)
        score = judged.score
    return score


def test_a_track_with_something_else_in_its_box_is_doubted_after_a_while() -> None:
    assert told([OTHER] * 4) == 0.8
    assert told([OTHER] * 6) == 0.4
    assert told([OTHER] * 6 + [NONE]) == 0.4, "and stays so while nobody looks"


def test_one_look_at_something_of_its_own_ends_the_doubt() -> None:
    assert told([OTHER] * 6 + [OWN]) == 0.8
    assert told([OTHER, OTHER, OWN, OTHER, OTHER, OTHER]) == 0.8


def test_a_fence_before_somebody_explains_nothing() -> None:
    assert told([FENCE] * 10) == 0.8
    assert told([OTHER] * 6 + [FENCE] * 3) == 0.4, "one look past a post is not enough"
    assert told([OTHER] * 6 + [FENCE, FENCE, OTHER, FENCE, FENCE]) == 0.4
    assert told([OTHER] * 6 + [FENCE] * 4) == 0.8
    assert told([OTHER] + [FENCE] * 10) == 0.8


@pytest.mark.parametrize(
    "one",
    [
        person(0, 20.0),
        replace(person(0), ground=None),
        replace(person(0), label=Label.ANIMAL),
        replace(person(0), box=replace(person_box(8.0, 0.0), x0_px=100.0, x1_px=300.0)),
    ],
    ids=["far", "nowhere", "animal", "lying"],
)
def test_what_beams_may_miss_is_not_doubted(one: Track) -> None:
    assert told([OTHER] * 10, one) == 0.8


def test_whoever_is_as_high_as_somebody_who_stands_would_be_met_however_wide_the_box() -> None:
    wide = replace(person(0), box=replace(person_box(8.0, 0.0), x0_px=100.0, x1_px=300.0))
    assert told([OTHER] * 6, replace(wide, top_m=1.7)) == 0.4
    assert told([OTHER] * 6, replace(wide, top_m=0.8)) == 0.8


@pytest.mark.parametrize(("one", "score"), [
    (replace(person(0), top_m=0.3), 0.4),
    (replace(person(0), top_m=1.1), 0.8),
    (replace(person(0), top_m=0.3, box=replace(person_box(8.0, 0.0), x0_px=100.0, x1_px=300.0)), 0.8),
    (replace(person(0), top_m=0.3, label=Label.ANIMAL), 0.8),
], ids=["stain", "child", "lying", "animal"])  # fmt: skip
def test_an_upright_person_no_higher_than_a_knee_is_a_stain_on_the_ground(one: Track, score: float) -> None:
    assert told([NONE], one) == score


def test_without_a_pose_or_returns_nothing_is_doubted() -> None:
    assert told([OTHER] * 10, at=None) == 0.8
    assert told([NONE] * 10) == 0.8


def test_a_track_that_ended_is_forgotten() -> None:
    witness = LidarWitness(WitnessConfig())
    for number in range(6):
        witness.judged((person(number),), OTHER, IDENTITY2, number * STEP_NS)
    witness.judged((), {}, IDENTITY2, 6 * STEP_NS)
    (judged,) = witness.judged((person(7),), {}, IDENTITY2, 7 * STEP_NS)
    assert judged.score == 0.8
