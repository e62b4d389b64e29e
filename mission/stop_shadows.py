# SPDX-License-Identifier: Apache-2.0
"""Where somebody may step out: the edges of what the scan shows, and the space behind them that it does not.

A person who stands still looks like a thing with two edges; a person who is not seen yet stands behind some edge. Both are
covered by keeping the robot slow enough near edges to be nearly at a stand before somebody who walks from there reaches it
(the separation of ISO 13855, with edges in place of people; passive safety in the sense of Macek et al., 2009).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from patrol.checks import Floats
from patrol.sensors import Scan

_DEEP_STEP_M = 0.4
_DEEP_STEPS = 5
_PERSON_M = 1.0


def edges_in(scan: Scan, jump_m: float) -> Floats:
    """Places (N, 2) m in the scan's own frame from where somebody may step out: every edge, and on from there along the beam
    as far as the space behind it is hidden; and every return of a thing that is no wider than a person can be. Beams without
    return end at the sensor's range; broken ones hide nothing."""
    shown = scan.supported()
    far_m = np.float64(scan.range_max_m)
    ranges = np.where(shown, scan.ranges_m, far_m)
    angles = scan.angles_rad()
    places = [_narrow(ranges, angles, shown, jump_m)]
    for step in (-1, 1):
        beyond = np.roll(ranges, step)
        edge = np.flatnonzero(shown & (beyond - ranges > jump_m))
        hidden = np.minimum(beyond[edge] - ranges[edge], _DEEP_STEP_M * _DEEP_STEPS)
        deeper = np.arange(_DEEP_STEPS)[:, None] * _DEEP_STEP_M
        reach = ranges[edge] + np.minimum(deeper, hidden)
        places.append(np.column_stack(((reach * np.cos(angles[edge])).ravel(), (reach * np.sin(angles[edge])).ravel())))
    return np.concatenate(places)


def _narrow(ranges: Floats, angles: Floats, shown: npt.NDArray[np.bool_], jump_m: float) -> Floats:
    """Returns (N, 2) m of the runs of beams between two jumps whose ends lie no further apart than a person is wide."""
    points = np.column_stack((ranges * np.cos(angles), ranges * np.sin(angles)))
    first = np.flatnonzero(np.abs(ranges - np.roll(ranges, 1)) > jump_m)
    last = np.roll(first, -1) - 1
    apart = points[first] - points[last]
    small = shown[first] & (np.hypot(apart[:, 0], apart[:, 1]) <= _PERSON_M)
    inside = np.zeros(len(ranges), dtype=np.bool_)
    for begin, end in np.column_stack((first, last))[small]:
        inside[np.arange(begin, end + 1 if begin <= end else end + 1 + len(ranges)) % len(ranges)] = True
    return points[inside]


def braking(speed_mps: Floats, delay_s: float, decel_mps2: float, times_s: Floats) -> tuple[Floats, Floats]:
    """Way (K, T) m and speed (K, T) m/s after ``times_s`` (T,) when speeds (K,) are kept for ``delay_s`` and then braked."""
    braked_s = np.maximum(times_s - delay_s, 0.0)
    speed = np.maximum(speed_mps[:, None] - decel_mps2 * braked_s, 0.0)
    way = speed_mps[:, None] * np.minimum(times_s, delay_s) + (speed_mps[:, None] ** 2 - speed**2) / (2.0 * decel_mps2)
    return way, speed
