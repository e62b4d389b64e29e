# SPDX-License-Identifier: Apache-2.0
"""Listening: what is heard of sounds by other makers than those it learned from, from where, and what is done when it can not be
told."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.sound_families import FAMILIES
from patrol.checks import Floats
from patrol.errors import BadInput, BadValue
from patrol.estimate import PoseEstimate
from patrol.geometry import Pose2, wrap_angle
from patrol.percepts import Label
from patrol.sound import Bearing, Listener, SoundBlock, SoundEvent
from perception.rulebook.sounds import place_of
from perception.sound.bearing import Array
from perception.sound.classifier import DEFAULT_WEIGHTS, read_classifier
from perception.sound.config import SoundConfig
from perception.sound.detector import Heard, SoundDetector
from perception.sound.frames import BINS_HZ
from perception.sound.listening import Listening
from tests.perception.build import site

RATE_HZ = 16_000
SITE = site()
SQUARE_M = np.array([[0.07, 0.07, 0.0], [-0.07, 0.07, 0.0], [-0.07, -0.07, 0.0], [0.07, -0.07, 0.0]])
BLOCK = 1600


def arriving(wave: Floats, azimuth_rad: float, positions_m: Floats = SQUARE_M) -> Floats:
    """A plane wave (N,) as each microphone hears it (N, M), by exact delays in frequency."""
    towards = np.array([math.cos(azimuth_rad), math.sin(azimuth_rad), 0.0])
    early_s = positions_m @ towards / 341.0
    spectrum, hz = np.fft.rfft(wave), np.fft.rfftfreq(len(wave), 1.0 / RATE_HZ)
    return np.fft.irfft(spectrum[:, None] * np.exp(2j * np.pi * hz[:, None] * early_s), n=len(wave), axis=0)


def scene(wave: Floats, azimuth_rad: float, *, snr_db: float = 25.0, positions_m: Floats = SQUARE_M, seed: int = 1) -> Floats:
    """Three seconds of faint noise, the sound, two seconds of noise (N, M)."""
    padded = np.concatenate([np.zeros(3 * RATE_HZ), wave, np.zeros(2 * RATE_HZ)])
    loud = np.sqrt(np.convolve(wave**2, np.ones(800) / 800, mode="same").max())
    noise = np.random.default_rng(seed).standard_normal((len(padded), len(positions_m))) * 1e-3
    return noise + arriving(padded / loud * 1e-3 * 10.0 ** (snr_db / 20.0), azimuth_rad, positions_m)


def blocks(pressure: Floats, positions_m: Floats = SQUARE_M) -> list[SoundBlock]:
    return [
        SoundBlock(
            stamp_ns=round(first / RATE_HZ * 1e9),
            frame_id="microphones_link",
            rate_hz=RATE_HZ,
            full_scale_pa=2.0,
            positions_m=positions_m,
            samples=np.clip(np.rint(pressure[first : first + BLOCK] * 16384.0), -32768, 32767).astype(np.int16),
        )
        for first in range(0, len(pressure) - BLOCK + 1, BLOCK)
    ]


def listen(pressure: Floats, positions_m: Floats = SQUARE_M) -> list[Heard]:
    detector = SoundDetector(SoundConfig())
    return [event for block in blocks(pressure, positions_m) for event in detector.on_block(block)]


def made(family: str, seed: int) -> Floats:
    return FAMILIES[family][1](np.random.default_rng(seed))


@pytest.mark.parametrize(("family", "seeds"), [("window", range(3)), ("call", range(2)), ("copter", range(1))])
def test_sounds_of_other_makers_are_heard_once_and_from_where_they_come(family: str, seeds: range) -> None:
    found = 0
    for seed in seeds:
        azimuth_rad = -2.5 + 1.3 * seed
        events = [event for event in listen(scene(made(family, seed), azimuth_rad)) if event.label.value == FAMILIES[family][0]]
        assert len(events) <= 1
        for event in events:
            found += 1
            assert abs(event.onset_ns / 1e9 - 3.0) < (2.5 if family == "copter" else 0.25)
            assert event.heard_ns / 1e9 < 3.0 + len(made(family, seed)) / RATE_HZ + 1.0
            assert event.bearing is not None
            assert abs(wrap_angle(event.bearing.azimuth_rad - azimuth_rad)) < math.radians(6.0)
            assert event.bearing.std_rad < math.radians(15.0)
    assert found >= 0.75 * len(seeds)


@pytest.mark.parametrize("family", ["songbird", "lorry", "gate", "storm"])
def test_what_should_raise_nobody_does_not(family: str) -> None:
    assert not [event.label for event in listen(scene(made(family, 1), 1.0))]


def test_noise_alone_is_nothing() -> None:
    assert listen(np.random.default_rng(5).standard_normal((12 * RATE_HZ, 4)) * 0.02) == []


def test_the_same_sound_gives_the_same_events() -> None:
    pressure = scene(made("window", 1), 0.5)
    assert listen(pressure) == listen(pressure)


@pytest.mark.parametrize("positions_m", [SQUARE_M[:1], np.array([[0.1, 0.0, 0.0], [0.0, 0.0, 0.0], [-0.1, 0.0, 0.0]])])
def test_one_microphone_or_a_row_of_them_knows_no_bearing(positions_m: Floats) -> None:
    events = list(listen(scene(made("window", 0), 0.5, positions_m=positions_m), positions_m))
    assert events
    assert all(event.bearing is None for event in events)


def test_a_dead_microphone_is_told_and_the_others_go_on() -> None:
    pressure = scene(made("window", 2), 0.5)
    pressure[:, 3] = 0.0
    detector = SoundDetector(SoundConfig())
    events = [event for block in blocks(pressure) for event in detector.on_block(block)]
    assert detector.trouble == "no sound from microphones 3"
    assert all(event.bearing is not None and abs(wrap_angle(event.bearing.azimuth_rad - 0.5)) < 0.15 for event in events)
    assert detector.on_block(blocks(np.zeros((BLOCK, 4)))[0]) == ()
    assert detector.trouble == "no sound from microphones 0, 1, 2, 3"


def test_a_gap_begins_anew_and_another_rate_is_refused() -> None:
    detector = SoundDetector(SoundConfig())
    parts = blocks(scene(made("window", 1), 0.5))
    for part in parts[:20] + parts[-5:]:
        assert detector.on_block(part) == ()
    wrong = SoundBlock(
        stamp_ns=0,
        frame_id="m",
        rate_hz=48_000.0,
        full_scale_pa=1.0,
        positions_m=SQUARE_M,
        samples=np.ones((9, 4), np.int16) * np.arange(9, dtype=np.int16)[:, None],
    )
    with pytest.raises(BadValue, match="rate_hz: 48000 is not 16000"):
        SoundDetector(SoundConfig()).on_block(wrong)


@settings(max_examples=6, deadline=None)
@given(azimuth_rad=st.floats(-3.1, 3.1), seed=st.integers(0, 1000))
def test_a_plane_wave_is_found_in_its_direction(azimuth_rad: float, seed: int) -> None:
    noise = np.random.default_rng(seed).standard_normal((8000, 5))
    samples = arriving(noise[:, 0], azimuth_rad) + 0.1 * noise[:, 1:]
    arrival = Array(SQUARE_M).arrival(samples, np.full(len(BINS_HZ), 1.0), most_std_rad=0.7)
    assert arrival.bearing is not None
    assert abs(wrap_angle(arrival.bearing.azimuth_rad - azimuth_rad)) < max(3.0 * arrival.bearing.std_rad, math.radians(3.0))
    assert not arrival.is_beneath


def test_noise_from_everywhere_has_no_bearing_and_what_sits_in_the_robot_is_beneath() -> None:
    rng = np.random.default_rng(3)
    background = np.full(len(BINS_HZ), 1.0)
    alone = [Array(SQUARE_M).arrival(rng.standard_normal((8000, 4)), background, most_std_rad=0.3).bearing for _ in range(5)]
    assert sum(bearing is None for bearing in alone) >= 4
    below = Array(SQUARE_M).arrival(np.repeat(rng.standard_normal((8000, 1)), 4, axis=1), background, most_std_rad=0.7)
    assert below.is_beneath
    assert below.bearing is None


def heard(bearing: Bearing | None) -> SoundEvent:
    listener = Listener(map_from_base=Pose2(10.0, 5.0, math.pi / 2), position_std_m=0.2, yaw_std_rad=0.01)
    return SoundEvent(
        event_id=7, label=Label.GLASS, onset_ns=10, heard_ns=20, score=0.9, level_db=20.0, bearing=bearing, listener=listener
    )


def test_a_place_is_long_in_the_direction_of_the_bearing_and_round_without_one() -> None:
    event = heard(Bearing(azimuth_rad=0.0, std_rad=0.05))
    assert event.listener is not None
    ahead = place_of(event, event.listener, 60.0)
    assert ahead.position_m == pytest.approx([10.0, 35.0])
    assert math.sqrt(ahead.covariance_m2[1, 1]) == pytest.approx(60.0 / math.sqrt(12.0), rel=0.01)
    assert math.sqrt(ahead.covariance_m2[0, 0]) < 3.0
    around = place_of(heard(None), event.listener, 60.0)
    assert around.position_m == pytest.approx([10.0, 5.0])
    assert around.covariance_m2[0, 0] == around.covariance_m2[1, 1] > 25.0**2


def estimate(stamp_ns: int, *, doubt: str = "") -> PoseEstimate:
    return PoseEstimate(
        stamp_ns=stamp_ns,
        map_from_odom=Pose2(5.0, 5.0, 1.0),
        odom_from_base=Pose2(0.0, 0.0, 0.0),
        covariance=np.eye(3) * 1e-4,
        doubt=doubt,
    )


def test_what_is_heard_becomes_an_alert_with_reasons_and_the_same_id_again() -> None:
    ids = []
    for _ in range(2):
        listening = Listening(SoundConfig(), SITE)
        told = []
        for block in blocks(scene(made("window", 1), 0.5)):
            listening.on_estimate(estimate(block.stamp_ns))
            told += [listening.on_block(block)]
        alerts = [alert for each in told if each is not None for alert in each.alerts]
        assert [alert.reason.rule for alert in alerts] == ["glass breaks"]
        alert = alerts[0]
        ids.append(alert.alert_id)
        assert alert.reason.sentence.startswith("Breaking glass was heard from ")
        assert "score" in {test.name for test in alert.reason.thresholds}
        assert alert.reason.nearest_change
        assert alert.position_uncertain
        assert alert.picture_jpeg == b""
    assert ids[0] == ids[1]


def test_without_a_pose_the_event_is_told_and_says_so() -> None:
    listening = Listening(SoundConfig(), SITE)
    told = [each for block in blocks(scene(made("window", 1), 0.5)) if (each := listening.on_block(block)) is not None]
    assert [event.label for each in told for event in each.events] == [Label.GLASS]
    assert told[0].events[0].listener is None
    assert told[0].pose_doubt == "the pose is not known"
    assert told[0].alerts == ()


def test_weights_of_other_measures_are_refused(tmp_path: Path) -> None:
    data = json.loads(DEFAULT_WEIGHTS.read_text("utf-8"))
    path = tmp_path / "classifier.json"
    for change in ({"measures": ["loudness"]}, {"hidden": [[1.0]]}, {"out": "none"}):
        path.write_text(json.dumps({**data, **change}), "utf-8")
        read_classifier.cache_clear()
        with pytest.raises(BadInput, match=r"classifier\.json"):
            read_classifier(path)
    read_classifier.cache_clear()


@pytest.mark.parametrize("wrong", [{"score": 1.2}, {"label": Label.PERSON}, {"level_db": math.nan}])
def test_an_event_must_be_one(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadValue):
        replace(heard(None), **wrong)
