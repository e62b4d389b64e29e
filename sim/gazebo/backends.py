# SPDX-License-Identifier: Apache-2.0
"""What the two Gazebos have in common and where they differ, as words in tables."""

from __future__ import annotations

from enum import StrEnum


class Flavour(StrEnum):
    """Which Gazebo a world is written for. Gazebo 11 reads SDF 1.7; Harmonic reads SDF 1.11 and everything older."""

    GAZEBO_11 = "gazebo11"
    HARMONIC = "harmonic"


PHYSICS_STEP_S = 0.002
"""Step of Gazebo's physics: a whole number of steps makes one tick of the embedded simulator."""
FASTEST_FACTOR = 4.0
"""Simulated seconds per second that Gazebo 11 may reach. Without a bound its paused loop starves its own threads."""
