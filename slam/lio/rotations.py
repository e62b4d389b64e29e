# SPDX-License-Identifier: Apache-2.0
"""Rotations and their tangent space (Solà et al., "A micro Lie theory for state estimation in robotics", 2018)."""

from __future__ import annotations

import math

import numpy as np

from patrol.checks import Floats

_SMALL_RAD = 1e-8
IDENTITY = np.eye(3)


def skew(vector: Floats) -> Floats:
    """The matrix (3, 3) that takes the cross product with ``vector`` (3,) from the left."""
    x, y, z = vector.tolist()
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


def turned_by(vector: Floats) -> Floats:
    """Rotation matrix (3, 3) of a rotation vector (3,) rad: Rodrigues' formula."""
    x, y, z = vector.tolist()
    angle = math.sqrt(x * x + y * y + z * z)
    k = skew(vector)
    if angle < _SMALL_RAD:
        return IDENTITY + k
    a, b = math.sin(angle) / angle, (1.0 - math.cos(angle)) / (angle * angle)
    return IDENTITY + a * k + b * (k @ k)


def turn_of(rotation: Floats) -> Floats:
    """Rotation vector (3,) rad of a rotation matrix (3, 3), for angles below π."""
    sine = 0.5 * np.array([rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0], rotation[1, 0] - rotation[0, 1]])
    length = float(np.linalg.norm(sine))
    angle = math.atan2(length, 0.5 * (float(np.trace(rotation)) - 1.0))
    scale = 1.0 if length < _SMALL_RAD else angle / length
    turned: Floats = scale * sine
    return turned


def righted(rotation: Floats) -> Floats:
    """The rotation nearest to a matrix (3, 3) that rounding has bent a little: one Newton step."""
    near: Floats = 0.5 * rotation @ (3.0 * IDENTITY - rotation.T @ rotation)
    return near
