# SPDX-License-Identifier: Apache-2.0
"""A likeness of a person that stands there cold raises no alert; whoever is warm, moves, or can not be judged does."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from patrol.percepts import Alert
from patrol.sensors import Image
from perception.pipeline import Perception, PerceptionConfig
from tests.perception.build import CAMERA, STEP_NS, Scripted, estimate, noise_image, person_box, site, square, zone
from tests.perception.test_heat import THERMAL, thermal

STORE = site(zone("store", square(4.0, -15.0, 30.0)))
PICTURES = 30
Place = Callable[[int], tuple[float, float]]


def run(place: Place, picture: Callable[[tuple[float, float], int], Image | None]) -> list[Alert]:
    """The alerts about somebody that the detector sees at ``place`` in each picture, the thermal camera seeing ``picture``."""
    boxes = [[person_box(*place(number))] for number in range(PICTURES)]
    perception = Perception(PerceptionConfig(), CAMERA, STORE, detector=Scripted(boxes), thermal=THERMAL)
    alerts: list[Alert] = []
    for number in range(PICTURES):
        stamp_ns = number * STEP_NS
        warmth = picture(place(number), stamp_ns)
        if warmth is not None:
            perception.on_thermal(warmth)
        alerts += perception.on_image(noise_image(stamp_ns), estimate(stamp_ns)).alerts
    return alerts


def standing(_number: int) -> tuple[float, float]:
    return 9.0, 1.0


def walking(number: int) -> tuple[float, float]:
    return 9.0, -2.0 + 0.14 * number


def body(warmer_k: float, width_m: float = 0.45) -> Callable[[tuple[float, float], int], Image]:
    return lambda at, stamp_ns: thermal(*at, warmer_k=warmer_k, width_m=width_m, stamp_ns=stamp_ns)


def on_a_hot_day(at: tuple[float, float], stamp_ns: int) -> Image:
    """Everything twenty-five kelvin warmer: clothes are no warmer than the ground."""
    image = thermal(*at, warmer_k=0.0, stamp_ns=stamp_ns)
    return replace(image, pixels=(image.pixels + 2500).astype(np.uint16))


def test_a_cold_thing_that_stands_still_raises_no_alert() -> None:
    assert run(standing, body(0.0)) == []
    assert run(standing, body(1.5, width_m=0.12)) == [], "a post, a little warmer than the ground"


def test_a_warm_body_raises_one_and_the_reason_says_that_it_was_not_cold() -> None:
    (alert,) = run(standing, body(9.0))
    (test,) = (item for item in alert.reason.thresholds if item.name == "cold_s")
    assert (test.measured, test.holds_when) == (0.0, "at most")


def test_whoever_walks_raises_one_also_under_a_foil_blanket() -> None:
    assert len(run(walking, body(0.0))) == 1


@pytest.mark.parametrize(
    "picture", [on_a_hot_day, lambda _at, _stamp_ns: None], ids=["surroundings as warm as clothes", "no thermal picture"]
)
def test_where_the_thermal_camera_can_not_tell_the_colour_camera_is_believed(
    picture: Callable[[tuple[float, float], int], Image | None],
) -> None:
    assert len(run(standing, picture)) == 1


def test_a_body_too_far_for_its_heat_to_be_seen_is_believed() -> None:
    assert len(run(lambda _number: (26.0, 1.0), body(0.0))) == 1


def test_an_old_thermal_picture_says_nothing() -> None:
    def only_the_first(at: tuple[float, float], stamp_ns: int) -> Image | None:
        return body(0.0)(at, stamp_ns) if stamp_ns == 0 else None

    assert len(run(standing, only_the_first)) == 1


def test_the_clock_runs_while_it_is_cold_and_starts_anew_when_it_is_warm() -> None:
    boxes = [[person_box(9.0, 1.0)] for _ in range(PICTURES)]
    perception = Perception(PerceptionConfig(), CAMERA, detector=Scripted(boxes), thermal=THERMAL)
    told = []
    for number in range(PICTURES):
        stamp_ns = number * STEP_NS
        perception.on_thermal(body(9.0 if number == 20 else 0.0)((9.0, 1.0), stamp_ns))
        (track,) = perception.on_image(noise_image(stamp_ns), estimate(stamp_ns)).tracks
        told.append(track.cold_s)
    assert told[19] == pytest.approx(1.9, abs=0.11)
    assert told[20] == 0.0
    assert math.isclose(told[-1], 0.9, abs_tol=0.01)
