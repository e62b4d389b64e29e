# SPDX-License-Identifier: Apache-2.0
"""Things before the sky: found, followed, and told apart by how they shine."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from patrol.errors import BadValue
from patrol.sensors import Image
from perception.flyers import Flyer, FlyerKind, FlyersConfig, FlyerWatch, counts
from tests.perception.build import data

RATE_HZ = 30.0


def sky(number: int, *things: tuple[float, float, float, float]) -> Image:
    """A dull sky over a bright, rough ground; things are x px, y px, radius px, brightness."""
    random = np.random.default_rng(number)
    pixels = random.normal(90.0, 1.0, (256, 320))
    pixels[200:] = np.random.default_rng(1).integers(100, 250, (56, 320))
    y, x = np.mgrid[0:256, 0:320]
    for at_x, at_y, radius, bright in things:
        pixels += bright * np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / (2.0 * radius**2))
    stamp_ns = round(number * 1e9 / RATE_HZ)
    return Image(stamp_ns=stamp_ns, frame_id="thermal", encoding="mono8", pixels=np.clip(pixels, 0, 255).astype(np.uint8))


def watch(pictures: list[Image]) -> list[tuple[Flyer, ...]]:
    watcher = FlyerWatch(FlyersConfig())
    return [watcher.on_thermal(picture) for picture in pictures]


def test_a_steady_shine_is_a_drone_and_a_beating_one_a_bird() -> None:
    seen = watch(
        [
            sky(
                n,
                (60.0 + n, 60.0, 3.0, 120.0),
                (240.0 - n, 120.0, 2.5, 90.0 + 45.0 * math.sin(2.0 * math.pi * 6.0 * n / RATE_HZ)),
            )
            for n in range(40)
        ]
    )
    kinds = {flyer.kind for flyer in seen[-1] if flyer.box.x0_px < 150.0}, {f.kind for f in seen[-1] if f.box.x0_px > 150.0}
    assert kinds == ({FlyerKind.DRONE}, {FlyerKind.BIRD})
    assert seen[4] == (), "nothing is told before it was seen for a while"
    assert len({flyer.flyer_id for found in seen for flyer in found}) == 2


def test_a_large_one_is_an_aircraft() -> None:
    last = watch([sky(n, (100.0 + n, 70.0, 15.0, 150.0)) for n in range(20)])[-1]
    assert [flyer.kind for flyer in last] == [FlyerKind.AIRCRAFT]


def test_a_lamp_and_the_ground_are_not_told() -> None:
    assert {flyer for found in watch([sky(n, (100.0, 60.0, 3.0, 120.0)) for n in range(30)]) for flyer in found} == set()


def test_a_thermal_picture_in_kelvin_is_brought_to_tenths() -> None:
    kelvin = np.full((20, 20), 28000, dtype=np.uint16)
    kelvin[5, 5] = 28500
    image = Image(stamp_ns=0, frame_id="thermal", encoding="mono16", pixels=kelvin)
    assert counts(image)[5, 5] - int(counts(image)[0, 0]) == 50
    colour = Image(stamp_ns=0, frame_id="camera", encoding="bgr8", pixels=np.zeros((4, 4, 3), dtype=np.uint8))
    with pytest.raises(BadValue, match="bgr8"):
        counts(colour)


@pytest.mark.parametrize(("clip", "kind"), [("IR_DRONE_020", FlyerKind.DRONE), ("IR_BIRD_001", FlyerKind.BIRD)])
def test_a_real_clip_is_told_for_what_it_is(clip: str, kind: FlyerKind) -> None:
    capture = cv2.VideoCapture(str(data("perception", "thermal", f"{clip}.mp4")))
    pictures = []
    for number in range(70):
        grey = np.asarray(cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2GRAY), dtype=np.uint8)
        pictures.append(Image(stamp_ns=round(number * 1e9 / RATE_HZ), frame_id="thermal", encoding="mono8", pixels=grey))
    told = [flyer.kind for found in watch(pictures) for flyer in found]
    assert len(told) > 40
    assert told.count(kind) > 0.7 * len(told)
