# SPDX-License-Identifier: Apache-2.0
"""What the robot's microphones hear: in time, at the right level, from the right side, and the same for the same seed."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from patrol.checks import Floats
from patrol.errors import BadValue
from patrol.geometry import STOPPED, Twist2
from patrol.sound import SoundBlock
from sim.robot import read_robot
from sim.scenario import Scenario, SoundSpec
from sim.simulator import ALL_SENSORS, AUDIO, Simulator
from sim.sound.air import SPEED_MPS
from sim.sound.air import Path as AirPath
from sim.sound.catalogue import KINDS, make_sound
from sim.sound.waves import RATE_HZ
from tests.sim.stand import yard_scenario

ROBOT = read_robot()
TENTH_NS = 100_000_000


def heard(
    tmp_path: Path, duration_s: float, *, twist: Twist2 = STOPPED, seed: int = 3, **changes: Any
) -> tuple[list[SoundBlock], Floats]:
    """The blocks of a robot at the origin, and their pressure (N, 4) Pa."""
    simulator = Simulator(yard_scenario(tmp_path, wind_mps=0.5, **changes), ROBOT, seed=seed, sensors=frozenset({AUDIO}))
    blocks: list[SoundBlock] = []
    for _ in range(round(duration_s * 10)):
        simulator.command(twist)
        blocks += [each for each in simulator.advance(TENTH_NS) if isinstance(each, SoundBlock)]
    simulator.close()
    return blocks, np.concatenate([block.samples for block in blocks]) * (blocks[0].full_scale_pa / 32768.0)


def level_db(pressure: Floats) -> float:
    return 20.0 * float(np.log10(np.sqrt(np.mean(pressure**2)) / 2e-5))


def test_blocks_follow_each_other_without_a_gap_and_are_stamped_with_their_first_sample(tmp_path: Path) -> None:
    blocks, pressure = heard(tmp_path, 1.0)
    assert pressure.shape == (16_000, 4)
    assert blocks[0].stamp_ns == yard_scenario(tmp_path).start_ns
    assert [late.stamp_ns - early.end_ns for early, late in itertools.pairwise(blocks)] == [0] * 9
    assert 25.0 < level_db(pressure) < 50.0


def test_the_same_seed_hears_the_same_and_another_does_not(tmp_path: Path) -> None:
    sounds = [{"kind": "glass", "x_m": -8.0, "y_m": 0.0, "start": {"after_s": 0.2}}]
    (_, one), (_, again), (_, other) = (heard(tmp_path, 1.0, seed=seed, sounds=sounds) for seed in (3, 3, 4))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


def test_microphones_are_listened_to_only_where_somebody_asks(tmp_path: Path) -> None:
    assert AUDIO not in ALL_SENSORS
    simulator = Simulator(yard_scenario(tmp_path), ROBOT, seed=3, sensors=frozenset({"odom"}))
    assert not any(isinstance(each, SoundBlock) for each in simulator.advance(10 * TENTH_NS))
    with pytest.raises(BadValue, match="smell"):
        Simulator(yard_scenario(tmp_path), ROBOT, seed=3, sensors=frozenset({"smell"}))


def test_a_sound_arrives_when_it_has_come_all_the_way(tmp_path: Path) -> None:
    _, pressure = heard(tmp_path, 2.0, sounds=[{"kind": "glass", "x_m": -34.0, "y_m": 0.0, "seed": 1, "level_db": 110.0}])
    first = int(np.flatnonzero(np.abs(pressure[:, 0]) > 0.1 * np.abs(pressure[:, 0]).max())[0])
    wave = make_sound("glass", 1)
    begins = int(np.flatnonzero(np.abs(wave) > 0.1 * np.abs(wave).max())[0])
    assert (first - begins) / RATE_HZ == pytest.approx(34.0 / SPEED_MPS, abs=0.003)


@pytest.mark.parametrize(("place", "first"), [((-15.0, 15.0), 1), ((15.0, -15.0), 3), ((-15.0, -15.0), 2)])
def test_the_microphone_on_that_side_hears_it_first(tmp_path: Path, place: tuple[float, float], first: int) -> None:
    """Microphones: 0 ahead left, 1 behind left, 2 behind right, 3 ahead right."""
    _, pressure = heard(tmp_path, 1.0, sounds=[{"kind": "glass", "x_m": place[0], "y_m": place[1], "level_db": 112.0, "seed": 2}])
    opposite = (first + 2) % 4
    lags = np.arange(-12, 13)
    near, far = pressure[1000:-1000, first], pressure[:, opposite]
    match = [float(near @ far[1000 + lag : len(far) - 1000 + lag]) for lag in lags]
    assert lags[int(np.argmax(match))] / RATE_HZ == pytest.approx(0.198 / SPEED_MPS, abs=1.5 / RATE_HZ)


def test_four_times_as_far_is_twelve_decibel_less_and_duller() -> None:
    wave = np.zeros(RATE_HZ, dtype=np.float32)
    wave[4000] = 100.0

    def at(distance_m: float) -> Floats:
        far_m = np.full(1, distance_m)
        arriving = AirPath(wave, is_mirrored=False).heard(0.2, far_m, far_m, 8000, shaded=False)
        assert arriving is not None
        return arriving[:, 0]

    near, far = (np.abs(np.fft.rfft(at(distance_m))) for distance_m in (10.0, 40.0))
    loss_db = 20.0 * np.log10(near / far)
    assert float(np.median(loss_db[50:500])) == pytest.approx(12.0, abs=0.7)
    assert float(np.median(loss_db[2500:3200])) > 13.0


def test_what_comes_nearer_sounds_higher() -> None:
    tone = np.sin(2.0 * np.pi * 1000.0 * np.arange(RATE_HZ) / RATE_HZ).astype(np.float32)
    arriving = AirPath(tone, is_mirrored=False).heard(0.3, np.array([40.0]), np.array([30.0]), 8000, shaded=False)
    assert arriving is not None
    peak_hz = float(np.argmax(np.abs(np.fft.rfft(arriving[:, 0] * np.hanning(8000))))) * 2.0
    assert peak_hz == pytest.approx(1000.0 * (1.0 + 20.0 / SPEED_MPS), abs=4.0)


def test_a_wall_shades_and_a_chain_link_fence_does_not(tmp_path: Path) -> None:
    """The yard's wall stands 10 m ahead, its fence panel 5 m to the left."""

    def loud(x_m: float, y_m: float) -> float:
        sounds = [{"kind": "shout", "x_m": x_m, "y_m": y_m, "level_db": 110.0, "seed": 5, "for_s": 0.8}]
        return level_db(heard(tmp_path, 1.2, sounds=sounds)[1])

    assert loud(-14.0, 0.0) - loud(14.0, 0.0) > 10.0
    assert abs(loud(-14.0, 0.0) - loud(0.0, 14.0)) < 2.0


def test_driving_is_heard_and_so_is_rain(tmp_path: Path) -> None:
    standing = level_db(heard(tmp_path, 1.0)[1])
    assert level_db(heard(tmp_path, 2.0, twist=Twist2(forward_mps=1.0))[1][16_000:]) > standing + 6.0
    assert level_db(heard(tmp_path, 1.0, weather="rain")[1]) > standing + 6.0


def test_a_sound_waits_for_the_robot_and_goes_with_an_actor(tmp_path: Path) -> None:
    walker = {"name": "walker", "kind": "staff", "route": [{"x_m": -6.0, "y_m": 0.0}]}
    far = [{"kind": "shout", "x_m": -30.0, "y_m": 0.0, "start": {"robot_within_m": 10.0}, "level_db": 110.0}]
    near = [{"kind": "shout", "actor": "walker", "start": {"after_s": 0.2}, "level_db": 110.0}]
    assert level_db(heard(tmp_path, 1.5, sounds=far)[1]) < 50.0
    assert level_db(heard(tmp_path, 1.5, sounds=near, actors=[walker])[1]) > 70.0


def test_a_silent_fault_is_no_sound_at_all(tmp_path: Path) -> None:
    blocks, _ = heard(tmp_path, 1.0, faults=[{"kind": "silent", "sensor": "audio", "at_s": 0.35, "for_s": 0.4}])
    assert len(blocks) == 6


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_event_is_another(kind: str) -> None:
    one, again, other = make_sound(kind, 1), make_sound(kind, 1), make_sound(kind, 2)
    assert np.array_equal(one, again)
    assert len(one) != len(other) or not np.allclose(one, other)
    assert np.isfinite(one).all()
    loudest = np.sqrt(np.convolve(one.astype(np.float64) ** 2, np.ones(2000) / 2000, mode="valid").max())
    assert 20.0 * np.log10(loudest / 2e-5) == pytest.approx(KINDS[kind].level_db, abs=0.1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "glass"},
        {"kind": "glass", "x_m": 1.0},
        {"kind": "glass", "x_m": 1.0, "y_m": 1.0, "actor": "a"},
        {"kind": "bang", "x_m": 0.0, "y_m": 0.0},
    ],
)
def test_a_sound_must_be_known_and_somewhere(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"place|Input should be"):
        SoundSpec.model_validate(wrong)


def test_a_sound_of_nobody_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'ghost' is none of"):
        yard_scenario(tmp_path, sounds=[{"kind": "shout", "actor": "ghost"}])
    assert isinstance(yard_scenario(tmp_path), Scenario)
