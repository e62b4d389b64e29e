# SPDX-License-Identifier: Apache-2.0
"""A camera that can not see is noticed within three seconds and called by its name; one that can see is believed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from patrol.checks import Bytes
from patrol.clock import nanoseconds, seconds
from patrol.errors import BadValue
from patrol.sensors import CameraModel, Image
from perception.lens_health import LensConfig, LensFault, LensHealth, worst_of
from perception.pipeline import Perception, PerceptionConfig
from sim.lens_faults import LENS_FAULTS, LensFaultKind, LensSpoiler
from tests.perception.build import CAMERA, Scripted

STEP_S = 0.2
FAULT_AT_S, END_S = 4.0, 8.0
WIDTH_PX, HEIGHT_PX = 160, 120


def scene(width_px: int = 460) -> Bytes:
    """A wide made-up street by day: sky, houses with windows, ground with joints."""
    random = np.random.default_rng(4)
    wide = np.full((HEIGHT_PX, width_px, 3), (205, 190, 170), dtype=np.uint8)
    wide[65:] = (110, 115, 118)
    for left in range(0, width_px, 45):
        tone = random.integers(60, 200, size=3).tolist()
        cv2.rectangle(wide, (left, int(random.integers(15, 35))), (left + 35, 75), tone, -1)
        for window in range(4):
            cv2.rectangle(wide, (left + 4 + 8 * window, 42), (left + 8 + 8 * window, 52), (40, 45, 50), -1)
    for x in range(0, width_px, 11):
        cv2.line(wide, (x, 75), (x - 15, HEIGHT_PX - 1), (70, 72, 75), 1)
    return np.asarray(np.clip(wide + random.normal(0.0, 6.0, wide.shape), 0, 255), dtype=np.uint8)


SCENE = scene()


def picture(at_s: float, *, light: float = 1.0, px_per_s: float = 6.0) -> Image:
    """The view at this time of a camera that turns slowly."""
    random = np.random.default_rng(nanoseconds(at_s))
    left = int(px_per_s * at_s) % 250
    pixels = SCENE[:, left : left + WIDTH_PX].astype(np.float32) * light + random.normal(0.0, 2.0, (HEIGHT_PX, WIDTH_PX, 1))
    return Image(stamp_ns=nanoseconds(at_s), frame_id="c", encoding="bgr8", pixels=np.clip(pixels, 0, 255).astype(np.uint8))


def told(view: Callable[[float], Image], *, until_s: float = END_S, health: LensHealth | None = None) -> list[LensFault | None]:
    health = health or LensHealth(LensConfig())
    return [health.hear(view(round(number * STEP_S, 3))) for number in range(round(until_s / STEP_S))]


def spoilt(kind: LensFaultKind, seed: int) -> Callable[[float], Image]:
    spoiler = LensSpoiler(kind, (HEIGHT_PX, WIDTH_PX, 3), seed)

    def view(at_s: float) -> Image:
        image = picture(at_s)
        return image if at_s < FAULT_AT_S else replace(image, pixels=spoiler.spoil(np.asarray(image.pixels, dtype=np.uint8)))

    return view


@pytest.mark.parametrize("kind", LENS_FAULTS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_fault_is_noticed_in_time_by_its_name_and_not_before(kind: LensFaultKind, seed: int) -> None:
    answers = told(spoilt(kind, seed))
    begins = round(FAULT_AT_S / STEP_S)
    assert answers[:begins] == [None] * begins
    noticed = [number for number, answer in enumerate(answers) if answer is not None]
    assert noticed, "it was never noticed"
    assert noticed[0] * STEP_S - FAULT_AT_S <= 3.0
    assert answers[-1] is LensFault(kind)


@pytest.mark.parametrize("kind", LENS_FAULTS)
def test_a_fault_that_is_over_is_taken_back(kind: LensFaultKind) -> None:
    spoiler = LensSpoiler(kind, (HEIGHT_PX, WIDTH_PX, 3), 2)

    def view(at_s: float) -> Image:
        image = picture(at_s, px_per_s=0.0)
        during = FAULT_AT_S <= at_s < END_S
        return replace(image, pixels=spoiler.spoil(np.asarray(image.pixels, dtype=np.uint8))) if during else image

    answers = told(view, until_s=END_S + 4.0)
    assert LensFault(kind) in answers
    assert answers[-1] is None


def blank(at_s: float, value: int) -> Image:
    noise = np.random.default_rng(nanoseconds(at_s)).normal(0.0, 1.0, (HEIGHT_PX, WIDTH_PX))
    pixels = np.clip(value + noise, 0, 255).astype(np.uint8)
    return Image(stamp_ns=nanoseconds(at_s), frame_id="c", encoding="mono8", pixels=pixels)


def test_it_does_not_get_used_to_a_covered_lens() -> None:
    answers = told(lambda at_s: picture(at_s) if at_s < 2.0 else blank(at_s, 60), until_s=40.0)
    assert set(answers[round(4.0 / STEP_S) :]) == {LensFault.COVERED}


def test_a_plain_view_from_the_start_covers_nothing_and_a_dusk_darkens_nothing() -> None:
    assert set(told(lambda at_s: blank(at_s, 120), until_s=20.0)) == {None}
    assert set(told(lambda at_s: picture(at_s, light=float(np.exp(-at_s / 60.0))), until_s=40.0)) == {None}


def test_a_night_too_dark_to_see_anything_is_dark() -> None:
    assert told(lambda at_s: picture(at_s, light=0.02))[-1] is LensFault.DARK


@pytest.mark.parametrize("px_per_s", [0.0, 2.5, 30.0, 100.0])
def test_driving_and_turning_are_no_faults(px_per_s: float) -> None:
    assert set(told(lambda at_s: picture(at_s, px_per_s=px_per_s), until_s=20.0)) == {None}


def test_somebody_who_walks_close_past_is_no_dirt() -> None:
    def view(at_s: float) -> Image:
        image = picture(at_s, px_per_s=0.0)
        pixels = np.array(image.pixels)
        left = int(30 * (at_s - 2.0))
        pixels[30:, max(left, 0) : max(left + 45, 0)] = (60, 62, 70)
        return replace(image, pixels=pixels)

    assert set(told(view, until_s=12.0)) == {None}


@pytest.mark.parametrize("width_px", [35, 10], ids=["tower", "post"])
def test_what_is_gone_all_at_once_and_leaves_the_sky_is_no_dirt(width_px: int) -> None:
    fog = np.full((HEIGHT_PX, WIDTH_PX, 3), 205, dtype=np.uint8)
    fog[65:] = np.random.default_rng(2).integers(70, 130, (HEIGHT_PX - 65, WIDTH_PX, 1), dtype=np.uint8)
    tower = fog.copy()
    tower[:65, -width_px:] = 140

    def view(at_s: float) -> Image:
        seen = tower if at_s < FAULT_AT_S else fog
        noisy = seen + np.random.default_rng(nanoseconds(at_s)).normal(0.0, 0.4, seen.shape)
        return Image(stamp_ns=nanoseconds(at_s), frame_id="c", encoding="bgr8", pixels=np.clip(noisy, 0, 255).astype(np.uint8))

    assert set(told(view)) == {None}


def test_a_thermal_camera_is_watched_too_and_never_dark() -> None:
    def view(at_s: float) -> Image:
        warm = cv2.cvtColor(SCENE[:, :WIDTH_PX], cv2.COLOR_BGR2GRAY).astype(np.float32)
        noise = np.random.default_rng(nanoseconds(at_s)).normal(0.0, 5.0, warm.shape)
        kelvin = np.full_like(warm, 28600.0) if at_s >= FAULT_AT_S else 28000.0 + 8.0 * warm
        pixels = np.clip(kelvin + noise, 0, 65535).astype(np.uint16)
        return Image(stamp_ns=nanoseconds(at_s), frame_id="t", encoding="mono16", pixels=pixels)

    answers = told(view)
    assert answers[-1] is LensFault.COVERED
    assert set(answers) == {None, LensFault.COVERED}


def test_a_gap_starts_the_watch_anew() -> None:
    health = LensHealth(LensConfig())
    assert told(spoilt("covered", 1), health=health)[-1] is LensFault.COVERED
    assert health.hear(replace(blank(0.0, 90), stamp_ns=nanoseconds(60.0))) is None
    assert health.fault is None


def test_the_worst_is_the_first_that_is_there() -> None:
    assert worst_of(None, LensFault.DIRTY) is LensFault.DIRTY
    assert worst_of(None, None) is None


def test_pictures_that_follow_too_soon_are_passed_over() -> None:
    health = LensHealth(LensConfig(every_s=0.5))
    stuck = picture(0.0)
    answers = [health.hear(replace(stuck, stamp_ns=nanoseconds(0.1 * number))) for number in range(40)]
    told_at = next(number for number, answer in enumerate(answers) if answer is LensFault.FROZEN)
    assert told_at == 15, "the fourth equal picture that counts"
    assert seconds(nanoseconds(0.1 * told_at)) <= 3.0


def test_the_chain_tells_of_the_lens_and_covers_what_a_dazzled_one_shows() -> None:
    camera = CameraModel.from_hfov("c", WIDTH_PX, HEIGHT_PX, 1.3, CAMERA.base_from_optical)
    perception = Perception(PerceptionConfig(), camera, detector=Scripted([]))
    percepts = [perception.on_image(spoilt("dazzled", 1)(round(number * STEP_S, 3)), None) for number in range(40)]
    begins = round(FAULT_AT_S / STEP_S)
    assert {item.lens for item in percepts[:begins]} == {None}
    assert {item.covered_because for item in percepts[:begins]} == {""}
    assert percepts[-1].lens is LensFault.DAZZLED
    assert percepts[-1].covered_because == "the camera is dazzled, and the detector unsure"


def test_a_configuration_that_never_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="hold_s"):
        LensConfig(hold_s=0.0)


def test_a_spoiler_of_grey_pictures_keeps_their_kind() -> None:
    for kind in LENS_FAULTS:
        grey = np.asarray(cv2.cvtColor(SCENE, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
        assert LensSpoiler(kind, grey.shape, 1).spoil(grey).shape == grey.shape
    with pytest.raises(BadValue):
        replace(picture(0.0), encoding="mono16")
