# SPDX-License-Identifier: Apache-2.0
"""The facts by name, and how one is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Fact(StrEnum):
    """What can be wrong, or at least worth knowing. ``supervisor_rules`` says what each one does."""

    ESTOP_PRESSED = "estop pressed"
    TIPPED = "tipped"
    PUSHED = "pushed"
    STUCK = "stuck"
    OUTSIDE_GEOFENCE = "outside geofence"
    SENSOR_STUCK = "sensor stuck"
    SENSOR_GARBAGE = "sensor garbage"
    LOCALISATION_LOST = "localisation lost"
    LOCALISATION_DOUBTFUL = "localisation doubtful"
    SENSOR_SILENT = "sensor silent"
    NODE_DEAD = "node dead"
    NODE_HUNG = "node hung"
    CLOCK_JUMP = "clock jump"
    INSIDE_KEEP_OUT = "inside keep-out"
    TELEOP_SILENT = "teleop silent"
    LINK_LOST = "link lost"
    LINK_FLAPPING = "link flapping"
    BATTERY_CRITICAL = "battery critical"
    BATTERY_LOW = "battery low"
    DISK_FULL = "disk full"
    PERSON_CLOSE = "person close"
    GEOFENCE_NEAR = "geofence near"
    SENSOR_DELAYED = "sensor delayed"
    WHEEL_SLIP = "wheel slip"
    GNSS_SPOOFED = "gnss spoofed"
    LENS_COVERED = "lens covered"
    CAMERA_SILENT = "camera silent"
    MODEL_NONSENSE = "model nonsense"
    CPU_STARVED = "cpu starved"
    DOCK_BLOCKED = "dock blocked"
    HELPER_DEAD = "helper dead"
    SITE_STOPS = "site stops"
    WEATHER_BAD = "weather bad"
    PATROL_MISSED = "patrol missed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One fact as told now; ``detail`` says which sensor, node or number. It holds no number that changes with every step,
    so that a sentence made from it can be read."""

    fact: Fact
    detail: str = ""
