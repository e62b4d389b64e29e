# SPDX-License-Identifier: Apache-2.0
"""Making every sensor of a fresh Gazebo speak, against a stand-in that draws only where it is stopped, as Gazebo does."""

from __future__ import annotations

import math
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.gazebo.errors import GazeboLost
from sim.gazebo.session import STEP_NS, Session
from sim.gazebo.warm_up import first_look_ns, warm_up

RATES = {"camera": 10.0, "lidar": 10.0, "thermal": 9.0, "gps": 5.0}
DRAWN = {"camera", "lidar", "thermal"}


class StandIn:
    """One robot's session. Others may hear the same Gazebo: ``now_ns`` is shared by stepping the first one only."""

    def __init__(self, deaf_to: frozenset[str] = frozenset()) -> None:
        self.now_ns, self.taken, self._deaf_to = 17 * STEP_NS, 0, deaf_to
        self._newest: dict[str, int] = {}

    def step_to(self, target_ns: int) -> None:
        assert target_ns % STEP_NS == 0
        self.now_ns = max(self.now_ns, target_ns)
        for sensor, rate_hz in RATES.items():
            drawn_at = math.fmod(self.now_ns / 1e9, 1.0 / rate_hz) < STEP_NS / 1e9
            if sensor not in self._deaf_to and (sensor not in DRAWN or drawn_at):
                self._newest.setdefault(sensor, self.now_ns)

    def hears(self, sensor: str, since_ns: int, *, within_s: float) -> bool:
        assert within_s >= 0.0
        return self._newest.get(sensor, -1) >= since_ns

    def newest_ns(self, sensor: str) -> int | None:
        return self._newest.get(sensor)

    def take(self) -> None:
        self.taken += 1


@given(st.integers(0, 10**12), st.floats(1.0, 100.0))
def test_a_first_look_is_a_whole_step_where_gazebo_begins_to_draw(after_ns: int, rate_hz: float) -> None:
    looks_ns = first_look_ns(after_ns, rate_hz)
    period_ns = round(1e9 / rate_hz)
    assert looks_ns > after_ns
    assert looks_ns % STEP_NS == 0
    assert min(looks_ns % period_ns, -looks_ns % period_ns) <= STEP_NS // 2 + 2000


def test_sensors_of_different_rates_all_begin_and_time_ends_on_a_whole_second() -> None:
    stand_in = StandIn()
    zero_ns = warm_up([cast("Session", stand_in)], RATES)
    assert all(stand_in.newest_ns(sensor) is not None for sensor in RATES)
    assert zero_ns == stand_in.now_ns == 10**9
    assert stand_in.taken == 1


def test_stepping_by_tenths_of_a_second_would_never_start_the_thermal_camera() -> None:
    stand_in = StandIn()
    for tenth in range(1, 9):
        stand_in.step_to(tenth * 10**8)
    assert stand_in.newest_ns("camera") is not None
    assert stand_in.newest_ns("thermal") is None


def test_a_sensor_that_stays_silent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10**6, 7))
    monkeypatch.setattr("sim.gazebo.warm_up.time.monotonic", lambda: float(next(clock)))
    stand_in = StandIn(deaf_to=frozenset({"lidar"}))
    with pytest.raises(GazeboLost, match="lidar"):
        warm_up([cast("Session", StandIn()), cast("Session", stand_in)], RATES)
