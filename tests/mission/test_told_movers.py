# SPDX-License-Identifier: Apache-2.0
"""What perception tells of moves only as far as the lidar bears it out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mission.sweep import Sweep, sweep_from_scan
from mission.told_movers import ToldMoverConfig, ToldMovers
from patrol.geometry import IDENTITY2
from patrol.percepts import GroundPosition, Label, Track, TrackState
from tests.mission.scans import scan_of

BEAMS = 900
TENTH_NS = 100_000_000


def sweep(*discs: tuple[float, float, float], nothing: float = math.inf, stamp_ns: int = 0) -> Sweep:
    """A scan from the origin of an empty yard with round things (x m, y m, radius m) in it."""
    angles = -math.pi + np.arange(BEAMS) * 2.0 * math.pi / BEAMS
    ranges = np.full(BEAMS, nothing)
    for x_m, y_m, radius_m in discs:
        along, beside = x_m * np.cos(angles) + y_m * np.sin(angles), y_m * np.cos(angles) - x_m * np.sin(angles)
        met = (np.abs(beside) < radius_m) & (along > 0.0)
        near = along - np.sqrt(np.maximum(radius_m**2 - beside**2, 0.0))
        ranges = np.where(met, np.fmin(ranges, near), ranges)
    return sweep_from_scan(scan_of(ranges, stamp_ns), IDENTITY2)


def track(
    label: Label = Label.PERSON,
    at_m: tuple[float, float] = (6.0, 0.0),
    velocity_mps: tuple[float, float] = (0.0, 0.0),
    *,
    std_m: float = 0.1,
    state: TrackState = "confirmed",
    stamp_ns: int = 0,
) -> Track:
    ground = GroundPosition(position_m=np.array(at_m), velocity_mps=np.array(velocity_mps), covariance_m2=std_m**2 * np.eye(2))
    return Track(
        track_id=1,
        label=label,
        state=state,
        stamp_ns=stamp_ns,
        first_seen_ns=0,
        last_seen_ns=stamp_ns,
        hits=3,
        score=0.9,
        box=None,
        ground=ground,
    )


def told(one: Track, seen: Sweep | None = None, now_ns: int = 0) -> bool:
    return bool(ToldMovers(ToldMoverConfig()).movers((one,), seen, now_ns))


@pytest.mark.parametrize("label", [Label.PERSON, Label.VEHICLE, Label.ANIMAL])
def test_one_that_went_somewhere_is_a_mover_predicted_to_now(label: Label) -> None:
    movers = ToldMovers(ToldMoverConfig())
    movers.movers((track(label, (5.0, 0.0), (1.0, 0.0)),), None, 0)
    (mover,) = movers.movers((track(label, (6.0, 0.0), (1.0, 0.0), stamp_ns=10 * TENTH_NS),), None, 15 * TENTH_NS)
    assert mover.position_m == pytest.approx((6.5, 0.0))
    assert mover.velocity_mps == (1.0, 0.0)
    assert (mover.radius_m > 1.0) == (label is Label.VEHICLE)


def test_tentative_stale_and_other_things_are_none() -> None:
    assert told(track())
    assert not told(track(state="tentative"))
    assert not told(track(), now_ns=2_000_000_000)
    assert not told(track(Label.OBJECT))
    assert not told(track(Label.VEHICLE)), "it stands"


def test_a_velocity_is_believed_once_the_place_has_changed() -> None:
    movers = ToldMovers(ToldMoverConfig())
    for step in range(10):
        shaken = track(at_m=(6.0 + 0.15 * (-1) ** step, 0.0), velocity_mps=(1.5, 0.0))
        (mover,) = movers.movers((shaken,), None, 0)
        assert mover.velocity_mps == (0.0, 0.0)
    (mover,) = movers.movers((track(at_m=(7.0, 0.0), velocity_mps=(1.5, 0.0)),), None, 0)
    assert mover.velocity_mps == (1.5, 0.0)
    movers.movers((), None, 0)
    (mover,) = movers.movers((track(at_m=(7.0, 0.0), velocity_mps=(1.5, 0.0)),), None, 0)
    assert mover.velocity_mps == (0.0, 0.0), "a track that ended is forgotten"


@pytest.mark.parametrize("nothing", [math.inf, 20.0], ids=["open", "a wall behind"])
def test_who_is_looked_through_is_not_there(nothing: float) -> None:
    assert not told(track(), sweep(nothing=nothing))
    assert told(track(Label.ANIMAL), sweep(nothing=nothing)), "an animal may be lower than the beams"


def test_who_returns_beams_is_there() -> None:
    assert told(track(), sweep((6.0, 0.0, 0.25)))
    assert told(track(), sweep((6.6, 0.0, 0.25))), "told a little nearer than it stands"
    assert told(track(std_m=1.0), sweep((8.5, 0.0, 0.25))), "told badly"


def test_what_the_scan_can_not_tell_is_believed() -> None:
    assert told(track(), sweep((3.0, 0.0, 0.4))), "hidden behind something"
    assert told(track(), sweep(nothing=0.0)), "broken beams"
    assert told(track(), sweep(), now_ns=6 * TENTH_NS), "an old scan"
    assert told(track(at_m=(20.0, 0.0)), sweep()), "too far for the beams to be close together"
    assert told(track(), None)
