# SPDX-License-Identifier: Apache-2.0
"""The second look at what may have been heard: what speaks against it, and what does not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patrol.checks import Floats
from perception.sound.config import DoubtsConfig
from perception.sound.frames import Frames
from perception.sound.own_noise import coherence, without_own
from perception.sound.second_look import Passage, doubt_of_glass, doubt_of_rotor, doubt_of_shout
from sim.sound.catalogue import make_sound
from tests.perception.test_sound import RATE_HZ, SQUARE_M, arriving, blocks

LIMITS = DoubtsConfig()
ROW_M = np.array([[0.1, 0.0, 0.0], [0.0, 0.0, 0.0], [-0.1, 0.0, 0.0]])
BEGINS_S = 1.5


def passage(wave: Floats, *, earlier: Floats | None = None, own: Floats | None = None) -> Passage:
    """``wave`` (N,) from the left after a second and a half of faint noise, or of ``earlier``; ``own`` comes from below."""
    sound = np.concatenate([np.zeros(round(BEGINS_S * RATE_HZ)), wave])[: 3 * RATE_HZ]
    if earlier is not None:
        sound[: len(earlier)] += earlier
    noise = np.random.default_rng(4).standard_normal((len(sound), 4)) * 1e-3
    heard = noise + arriving(sound, 1.1) + (0.0 if own is None else own[: len(sound), None])
    frames = Frames()
    for block in blocks(heard):
        frames.take(block)
    kept = list(frames.kept)
    begins_ns = round((BEGINS_S - 0.02) * 1e9)
    since = [frame for frame in kept if frame.stamp_ns >= begins_ns]
    return Passage(
        before=[frame for frame in kept if frame.stamp_ns < begins_ns - 64_000_000],
        since=since,
        samples=frames.between(since[0].stamp_ns - 32_000_000, kept[-1].stamp_ns),
        positions_m=SQUARE_M,
    )


def voice(pitch_hz: float, *, jitter: float, seed: int = 1) -> Floats:
    """Nine tenths of a second of harmonics that fall off slowly, in pascal; ``jitter`` of the pitch from 8 ms to 8 ms."""
    count = round(0.9 * RATE_HZ)
    steps = np.random.default_rng(seed).standard_normal(count // 128 + 2)
    pitch = pitch_hz * (1.0 + jitter * np.interp(np.arange(count) / 128, np.arange(len(steps)), steps))
    phase = 2.0 * np.pi * np.cumsum(pitch) / RATE_HZ
    return np.asarray(sum(np.sin(order * phase + order) / order**0.5 for order in range(1, 9)) * 0.05)


def test_a_voice_that_is_held_high_and_moves_may_be_a_shout() -> None:
    assert doubt_of_shout(passage(voice(330.0, jitter=0.02)), LIMITS) == ""


@pytest.mark.parametrize(
    ("wave", "because"),
    [
        (voice(330.0, jitter=0.0), "its pitch moves by"),
        (voice(130.0, jitter=0.02), "its pitch is"),
        (np.random.default_rng(2).standard_normal(RATE_HZ) * 0.05, "no voice was held"),
        (voice(330.0, jitter=0.02)[:1600], "no voice was held"),
    ],
    ids=["a horn", "talk", "a hiss", "a bark"],
)
def test_what_is_no_shout(wave: Floats, because: str) -> None:
    assert because in doubt_of_shout(passage(wave), LIMITS)


def test_a_pane_breaks_once_out_of_quiet() -> None:
    glass = make_sound("glass", 4).astype(np.float64) / 25.0
    assert doubt_of_glass(passage(glass), LIMITS) == ""
    going_on = np.random.default_rng(3).standard_normal(round(BEGINS_S * RATE_HZ)) * float(np.abs(glass).max()) * 0.3
    going_on[: RATE_HZ // 2] = 0.0
    assert doubt_of_glass(passage(glass, earlier=going_on), LIMITS) == "it was not quiet before"


def test_one_blow_is_no_pane() -> None:
    time_s = np.arange(RATE_HZ) / RATE_HZ
    blow = 0.3 * np.exp(-time_s / 0.04) * np.sin(2.0 * np.pi * 3100.0 * time_s)
    assert "pieces were heard" in doubt_of_glass(passage(blow), LIMITS)


def lasting(wave: Floats, own: Floats) -> Passage:
    heard = np.random.default_rng(6).standard_normal((len(wave), 4)) * 1e-3 + arriving(wave, 1.1) + own[:, None]
    return Passage(before=(), since=(), samples=heard, positions_m=SQUARE_M)


def test_a_rotor_is_heard_over_the_drive_and_the_drive_is_none() -> None:
    time_s = np.arange(3 * RATE_HZ) / RATE_HZ
    drive, hum = (
        0.02 * np.sum([np.sin(2.0 * np.pi * hz * order * time_s) / order for order in range(1, 13)], axis=0)
        for hz in (337.0, 100.0)
    )
    rotor = make_sound("rotor", 3, duration_s=6.0).astype(np.float64)[RATE_HZ : 4 * RATE_HZ] / 15.0
    assert doubt_of_rotor(lasting(rotor, drive), LIMITS) == ""
    assert "own noise" in doubt_of_rotor(lasting(np.zeros(len(time_s)), drive), LIMITS)
    assert "mains" in doubt_of_rotor(lasting(hum, np.zeros(len(time_s))), LIMITS)


@settings(max_examples=5, deadline=None)
@given(azimuth_rad=st.floats(-3.1, 3.1))
def test_what_comes_from_below_is_taken_off_and_what_comes_from_the_side_is_not(azimuth_rad: float) -> None:
    wave = np.sin(2.0 * np.pi * 1000.0 * np.arange(4096) / RATE_HZ)
    assert np.abs(without_own(np.repeat(wave[:, None], 4, axis=1), SQUARE_M)).max() < 1e-9
    aside = arriving(wave, azimuth_rad)
    assert np.std(without_own(aside, SQUARE_M)) > 0.5 * np.std(aside)
    assert np.array_equal(without_own(aside[:, :3], ROW_M), aside[:, :3]), "a row of microphones does not know what is below"


def test_wind_is_heard_differently_by_each_microphone_and_a_source_alike() -> None:
    rng = np.random.default_rng(7)
    assert (coherence(rng.standard_normal((12_000, 4))) or 0.0) < LIMITS.coherence_least
    assert (coherence(arriving(rng.standard_normal(12_000), 0.4)) or 0.0) > 0.9
    assert coherence(rng.standard_normal((12_000, 1))) is None
