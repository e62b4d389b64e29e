# SPDX-License-Identifier: Apache-2.0
"""The motion between revolutions: readings of IMU and wheels, in the order of their stamps, carry the filter on."""

from __future__ import annotations

from bisect import insort
from collections import deque
from enum import StrEnum

import numpy as np

from patrol.checks import Floats
from patrol.clock import seconds
from patrol.geometry import Pose3
from patrol.sensors import Imu, Odometry
from slam.lio.config import InertialConfig
from slam.lio.deskew import BodyMotion
from slam.lio.inertial import InertialFilter
from slam.lio.wheels import WheelTrust


class Doubt(StrEnum):
    """What was missing, or not believed, on the way to a pose."""

    IMU_SILENT = "the IMU is silent"
    WHEELS_SILENT = "wheel odometry is silent"
    WHEELS_SLIP = "the wheels contradict the motion and were not believed"


_WAITING_MAX = 20_000
_KNOTS_MAX = 2_000
Reading = Imu | Odometry


class Reckoning:
    """Holds readings until the filter is carried to their time, and where it went since it was last corrected.

    ``doubts`` says what was missing, or not believed, on the way to the newest moment.
    """

    def __init__(self, config: InertialConfig, filter_: InertialFilter) -> None:
        self._config, self.filter = config, filter_
        self._wheels = WheelTrust(config, filter_)
        self._waiting: list[Reading] = []
        self._now_ns: int | None = None
        self._imu: Imu | None = None
        self._odometry: Odometry | None = None
        self._knots: deque[tuple[int, Floats, Floats]] = deque(maxlen=_KNOTS_MAX)
        self.late = 0
        self.doubts: tuple[Doubt, ...] = ()

    @property
    def now_ns(self) -> int | None:
        """The moment that the filter stands at; None before the first."""
        return self._now_ns

    def add(self, reading: Reading) -> bool:
        """Keep a reading for later; false when it is not finite, or older than the moment the filter stands at."""
        is_late = self._now_ns is not None and reading.stamp_ns <= self._now_ns
        if is_late or not _is_finite(reading) or len(self._waiting) >= _WAITING_MAX:
            self.late += 1
            return False
        insort(self._waiting, reading, key=lambda kept: kept.stamp_ns)
        return True

    def begin(self, stamp_ns: int) -> None:
        """Begin at ``stamp_ns``, at the speed that the wheels said last."""
        self._now_ns = stamp_ns
        for reading in self._taken(stamp_ns):
            self._keep(reading)
        if self._odometry is not None and self._wheel_turn(stamp_ns) is not None:
            self.filter.move_at(self._odometry.twist)
        self.mark()

    def advance(self, stamp_ns: int) -> None:
        """Carry the filter to ``stamp_ns``, at or after the moment it stands at."""
        blind_s, believed = 0.0, True
        for reading in self._taken(stamp_ns):
            blind_s += self._step(reading.stamp_ns, reading if isinstance(reading, Imu) else None)
            if isinstance(reading, Odometry):
                self._wheels.hear_wheels(reading)
                believed = believed and self._wheels.is_trusted
            self._keep(reading)
        blind_s += self._step(stamp_ns, None)
        self.doubts = self._missing(stamp_ns, blind_s, believed=believed)

    def mark(self) -> None:
        """From here on the motion is told: the filter was just corrected."""
        self._knots.clear()
        self._note()

    def motion(self, origin_ns: int) -> BodyMotion:
        """The motion since ``mark``, in seconds since ``origin_ns``."""
        stamps, rotations, translations = zip(*self._knots, strict=True)
        times = np.array([seconds(stamp - origin_ns) for stamp in stamps], dtype=np.float64)
        return BodyMotion(times_s=times, rotations=np.array(rotations), translations_m=np.array(translations))

    def _taken(self, stamp_ns: int) -> list[Reading]:
        ready = [reading for reading in self._waiting if reading.stamp_ns <= stamp_ns]
        del self._waiting[: len(ready)]
        return ready

    def _keep(self, reading: Reading) -> None:
        if isinstance(reading, Imu):
            self._imu = reading
            self._wheels.hear_imu(reading)
        else:
            self._odometry = reading

    def _step(self, stamp_ns: int, imu: Imu | None) -> float:
        """Carry the filter to ``stamp_ns``; returns for how many seconds there was no IMU."""
        assert self._now_ns is not None
        duration_s = seconds(stamp_ns - self._now_ns)
        if duration_s <= 0.0:
            return 0.0
        last = self._imu
        is_fresh = last is not None and seconds(stamp_ns - last.stamp_ns) <= self._config.imu_silent_after_s
        if duration_s > self._config.gap_max_s:
            self.filter.halt()
        elif last is not None and is_fresh:
            self.filter.propagate(duration_s, last, imu or last)
        else:
            self.filter.propagate_blind(duration_s, self._wheel_turn(stamp_ns))
        self._now_ns = stamp_ns
        self._note()
        return 0.0 if is_fresh else duration_s

    def _wheel_turn(self, stamp_ns: int) -> float | None:
        odometry = self._odometry
        if odometry is None or seconds(stamp_ns - odometry.stamp_ns) > self._config.odometry_silent_after_s:
            return None
        return odometry.twist.turn_radps

    def _note(self) -> None:
        assert self._now_ns is not None
        self._knots.append((self._now_ns, self.filter.rotation, self.filter.position_m))

    def _missing(self, stamp_ns: int, blind_s: float, *, believed: bool) -> tuple[Doubt, ...]:
        doubts = []
        if blind_s > self._config.imu_silent_after_s or self._imu is None:
            doubts.append(Doubt.IMU_SILENT)
        if self._wheel_turn(stamp_ns) is None:
            doubts.append(Doubt.WHEELS_SILENT)
        if not believed:
            doubts.append(Doubt.WHEELS_SLIP)
        return tuple(doubts)


def start_filter(config: InertialConfig, odom_from_base: Pose3, base_from_imu: Pose3) -> InertialFilter:
    """A filter that stands still with its base at ``odom_from_base``."""
    return InertialFilter(config, odom_from_base @ base_from_imu, base_from_imu.inverse())


def _is_finite(reading: Reading) -> bool:
    if isinstance(reading, Odometry):
        return True
    return bool(np.isfinite(reading.angular_velocity_radps).all() and np.isfinite(reading.linear_acceleration_mps2).all())
