# SPDX-License-Identifier: Apache-2.0
"""What a measurement can not be, and a checksum by which equal payloads are known."""

from __future__ import annotations

import math
import zlib

import numpy as np

from patrol.checks import Floats
from patrol.sensors import Battery, Fix, Imu, Odometry, Scan

_LEAST_RETURNS = 16
_BROKEN_SHARE = 0.2
_FASTEST_MPS = 8.0
_FASTEST_RADPS = 12.0
_HARDEST_MPS2 = 160.0

Measured = Scan | Odometry | Imu | Fix | Battery


def garbage_in(measured: Measured) -> str:
    """Why ``measured`` can not be right; empty when it may be."""
    match measured:
        case Scan():
            return _scan(measured)
        case Odometry():
            speed = math.hypot(measured.twist.forward_mps, measured.twist.left_mps)
            fast = speed > _FASTEST_MPS or abs(measured.twist.turn_radps) > _FASTEST_RADPS
            return f"faster than {_FASTEST_MPS:g} m/s or {_FASTEST_RADPS:g} rad/s" if fast else ""
        case Imu():
            return _imu(measured)
        case Fix():
            on_earth = abs(measured.latitude_deg) <= 90.0 and abs(measured.longitude_deg) <= 180.0
            return "" if on_earth and math.isfinite(measured.altitude_m) else "no place on Earth"
        case Battery():
            sane = math.isfinite(measured.voltage_v) and measured.voltage_v > 0.0 and math.isfinite(measured.current_a)
            return "" if sane else "voltage or current can not be"


def digest_of(measured: Measured) -> int | None:
    """A checksum of the payload without its stamp; None where equal payloads are no sign of a broken sensor."""
    match measured:
        case Scan():
            enough = np.count_nonzero(measured.valid()) >= _LEAST_RETURNS
            return zlib.crc32(np.ascontiguousarray(measured.ranges_m).tobytes()) if enough else None
        case Imu():
            both = np.concatenate((measured.angular_velocity_radps, measured.linear_acceleration_mps2))
            return zlib.crc32(both.tobytes())
        case _:
            return None


def _scan(scan: Scan) -> str:
    ranges = scan.ranges_m
    if ranges.size == 0:
        return "no beams"
    broken = np.isnan(ranges) | (ranges < scan.range_min_m)
    if float(broken.mean()) > _BROKEN_SHARE:
        return f"more than {_BROKEN_SHARE:.0%} of the beams are broken"
    valid = ranges[scan.valid()]
    flat = valid.size > max(_LEAST_RETURNS, ranges.size // 2) and float(np.ptp(valid)) == 0.0
    return "all beams are equally long" if flat else ""


def _imu(imu: Imu) -> str:
    rates, force = imu.angular_velocity_radps, imu.linear_acceleration_mps2
    if not (np.isfinite(rates).all() and np.isfinite(force).all()):
        return "not finite"
    wild = _longest(rates) > 4.0 * _FASTEST_RADPS or _longest(force) > _HARDEST_MPS2
    return "beyond what a robot can do" if wild else ""


def _longest(array: Floats) -> float:
    return float(np.abs(array).max())
