# SPDX-License-Identifier: Apache-2.0
"""How people move their joints when they stand, walk, run, climb, crouch and sit.

Walking angles follow the normative curves of D. A. Winter, Biomechanics and Motor Control of Human Movement (natural cadence,
sagittal plane), sampled over the stride from heel strike to heel strike; step length follows the walk ratio of Sekiya et al.,
1996. Pure functions of phase and speed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from patrol.checks import Floats

_SAMPLES = 256
_NATURAL_STEP_M = 0.71
_WALK_RATIO_M_PER_STEP_PER_MIN = 0.0065


def _curve(*knots: tuple[float, float]) -> Floats:
    """Samples (256,) rad over one stride of the periodic spline through (percent of stride, degrees)."""
    percent, degrees = np.array((*knots, (100.0, knots[0][1]))).T
    spline = CubicSpline(percent, np.radians(degrees), bc_type="periodic")
    samples: Floats = spline(np.arange(_SAMPLES) * 100.0 / _SAMPLES)
    return samples


HIP = _curve((0, 25), (10, 21), (20, 11), (30, 1), (40, -9), (51, -15), (60, -6), (70, 12), (80, 23), (90, 27))
KNEE = _curve((0, 4), (6, 12), (14, 19), (20, 17), (30, 10), (40, 6), (50, 11), (60, 34), (72, 64), (80, 54), (90, 20), (96, 5))
ANKLE = _curve((0, 0), (7, -6), (15, 0), (30, 6), (45, 10), (55, 1), (62, -19), (70, -9), (80, 0), (90, 1))
SHOULDER = _curve((0, -20), (12, -16), (30, 0), (50, 17), (62, 13), (80, -5))
ELBOW = _curve((0, 12), (15, 14), (30, 24), (50, 36), (62, 32), (80, 18))


@dataclass(frozen=True, slots=True, kw_only=True)
class Limbs:
    """Flexion of one side in radians: hip, shoulder and elbow forward, knee backward, ankle toes up."""

    hip: float
    knee: float
    ankle: float
    shoulder: float
    elbow: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Posture:
    """Both sides and the trunk: ``lean`` forward, ``pelvis_yaw`` and ``chest_yaw`` to the left, ``roll`` to the left, radians."""

    left: Limbs
    right: Limbs
    lean: float
    pelvis_yaw: float
    chest_yaw: float
    roll: float


def stride_length_m(speed_mps: float) -> float:
    """Distance of one stride (two steps) at ``speed_mps``: step length is the walk ratio times cadence; never below 0.3 m."""
    step_m = math.sqrt(max(speed_mps, 0.0) * 60.0 * _WALK_RATIO_M_PER_STEP_PER_MIN)
    return max(0.3, 2.0 * step_m)


def walking(phase_rad: float, speed_mps: float) -> Posture:
    """Posture at ``phase_rad`` of the stride (0: left heel strike). Fades into standing as the speed falls to zero, and into
    running above 1.8 m/s."""
    speed = abs(speed_mps)
    swing = min(1.35, 0.5 * stride_length_m(speed) / _NATURAL_STEP_M) * min(1.0, speed / 0.3)
    run = min(1.0, max(0.0, (speed - 1.8) / 1.2))
    return Posture(
        left=_side(phase_rad, swing, run),
        right=_side(phase_rad + math.pi, swing, run),
        lean=math.radians(2.0 * swing + 9.0 * run),
        pelvis_yaw=-math.radians(5.0) * swing * math.cos(phase_rad),
        chest_yaw=math.radians(5.0 + 4.0 * run) * swing * math.cos(phase_rad),
        roll=math.radians(2.0) * swing * math.sin(phase_rad),
    )


def climbing(phase_rad: float) -> Posture:
    """Posture on a fence: hands reach over the head in turn, the knee of the other side is drawn up."""
    return Posture(
        left=_climbing_side(phase_rad),
        right=_climbing_side(phase_rad + math.pi),
        lean=math.radians(8.0),
        pelvis_yaw=0.0,
        chest_yaw=math.radians(8.0) * math.sin(phase_rad),
        roll=math.radians(5.0) * math.cos(phase_rad),
    )


def crouching(phase_rad: float) -> Posture:
    """Posture of somebody who ducks: deep knees, bent forward; the arms hang and sway a little with the phase."""
    side = Limbs(
        hip=math.radians(112.0),
        knee=math.radians(128.0),
        ankle=math.radians(22.0),
        shoulder=math.radians(48.0 + 4.0 * math.sin(phase_rad)),
        elbow=math.radians(35.0),
    )
    return Posture(left=side, right=side, lean=math.radians(38.0), pelvis_yaw=0.0, chest_yaw=0.0, roll=0.0)


def sitting(phase_rad: float, speed_mps: float) -> Posture:
    """Posture in a wheelchair; with speed both hands push the wheels."""
    push = min(1.0, abs(speed_mps) / 0.5) * math.sin(phase_rad)
    side = Limbs(
        hip=math.radians(88.0),
        knee=math.radians(84.0),
        ankle=0.0,
        shoulder=math.radians(8.0 + 26.0 * push),
        elbow=math.radians(62.0 - 18.0 * push),
    )
    return Posture(left=side, right=side, lean=math.radians(-4.0), pelvis_yaw=0.0, chest_yaw=0.0, roll=0.0)


def _side(phase_rad: float, swing: float, run: float) -> Limbs:
    index = phase_rad / (2.0 * math.pi) * _SAMPLES
    return Limbs(
        hip=_at(HIP, index) * swing * (1.0 + 0.35 * run) + math.radians(10.0) * run,
        knee=_at(KNEE, index) * min(1.2, swing) * (1.0 + 0.25 * run) + math.radians(2.0 + 12.0 * run),
        ankle=_at(ANKLE, index) * swing,
        shoulder=_at(SHOULDER, index) * swing * (1.0 + 0.6 * run),
        elbow=math.radians(12.0) + (_at(ELBOW, index) - math.radians(12.0)) * swing * (1.0 - run) + math.radians(75.0) * run,
    )


def _climbing_side(phase_rad: float) -> Limbs:
    reach = 0.5 + 0.5 * math.sin(phase_rad)
    return Limbs(
        hip=math.radians(85.0 - 55.0 * reach),
        knee=math.radians(95.0 - 60.0 * reach),
        ankle=math.radians(-15.0),
        shoulder=math.radians(115.0 + 50.0 * reach),
        elbow=math.radians(75.0 - 60.0 * reach),
    )


def _at(curve: Floats, index: float) -> float:
    low = math.floor(index)
    share = index - low
    return float(curve[low % _SAMPLES] * (1.0 - share) + curve[(low + 1) % _SAMPLES] * share)
