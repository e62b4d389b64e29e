# SPDX-License-Identifier: Apache-2.0
"""Makes every sensor of a fresh Gazebo speak, at moments of this side's choosing.

A drawing sensor that has not begun yet draws its first picture only when Gazebo's renderer happens to look within one physics
step after a whole number of the sensor's periods, and in lockstep nothing makes it look then (``NeedsUpdate`` of Gazebo's
camera and ``gpu_ray`` sensors). A 9 Hz sensor beside a 10 Hz one can so stay silent for ever. Gazebo is therefore stopped at
such moments, where the renderer goes on looking, until every sensor has spoken.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence

from patrol.clock import NS_PER_S
from sim.gazebo.errors import GazeboLost
from sim.gazebo.session import STEP_NS, Session

WARM_WITHIN_S = 300.0
DRAWING = frozenset({"lidar", "camera", "thermal"})
"""Gazebo's sensors that are drawn by its renderer."""
_LOOK_S, _LONGEST_LOOK_S = 0.5, 16.0


def first_look_ns(after_ns: int, rate_hz: float) -> int:
    """The first whole step after ``after_ns`` at which a drawing sensor of this rate may begin, by Gazebo's own arithmetic."""
    period_s = _as_gazebo_has_it(round(NS_PER_S / rate_hz))
    at_ns = (after_ns // STEP_NS + 1) * STEP_NS
    while math.fmod(_as_gazebo_has_it(at_ns), period_s) >= 0.5 * _as_gazebo_has_it(STEP_NS):
        at_ns += STEP_NS
    return at_ns


def warm_up(sessions: Sequence[Session], rates: Mapping[str, float]) -> int:
    """Step the Gazebo that ``sessions`` share until every sensor of ``rates`` (Hz) has spoken to each of them, and on to a whole
    second, so that sensors keep the same phase in every run; returns that time, ns. Raises GazeboLost."""
    first, look_s = sessions[0], _LOOK_S
    deadline_s = time.monotonic() + WARM_WITHIN_S
    while silent := _silent(sessions, rates):
        if time.monotonic() > deadline_s:
            raise GazeboLost(f"Gazebo's {', '.join(sorted(silent))} does not speak")
        looks_ns = {sensor: first_look_ns(first.now_ns, rates[sensor]) for sensor in silent}
        now_ns = min(looks_ns.values())
        first.step_to(now_ns)
        if not _hear(sessions, {sensor for sensor in silent & DRAWING if looks_ns[sensor] == now_ns}, look_s):
            look_s = min(1.5 * look_s, _LONGEST_LOOK_S)
    first.step_to((first.now_ns // NS_PER_S + 1) * NS_PER_S)
    for session in sessions:
        session.take()
    return first.now_ns // NS_PER_S * NS_PER_S


def _hear(sessions: Sequence[Session], sensors: Iterable[str], within_s: float) -> bool:
    """Whether every session has heard all of ``sensors``, after at most ``within_s``."""
    deadline_s = time.monotonic() + within_s
    return all(
        session.hears(sensor, 0, within_s=max(deadline_s - time.monotonic(), 0.0)) for session in sessions for sensor in sensors
    )


def _silent(sessions: Sequence[Session], rates: Mapping[str, float]) -> frozenset[str]:
    return frozenset(sensor for sensor in rates if any(session.newest_ns(sensor) is None for session in sessions))


def _as_gazebo_has_it(nanoseconds: int) -> float:
    """Seconds with the rounding of Gazebo's ``common::Time::Double``."""
    whole, rest = divmod(nanoseconds, NS_PER_S)
    return whole + rest * 1e-9
