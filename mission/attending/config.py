# SPDX-License-Identifier: Apache-2.0
"""What can be set about attending to alerts."""

from __future__ import annotations

import math

from pydantic import Field

from patrol.config import Config


class LookConfig(Config):
    """What the camera sees from a place, and how the robot turns to face something."""

    hfov_rad: float = Field(default=1.1, gt=0, le=math.pi)
    nearest_m: float = Field(default=1.5, ge=0)
    reach_m: float = Field(default=15.0, gt=0)
    turn_radps: float = Field(default=0.9, gt=0)
    faces_within_rad: float = Field(default=0.12, gt=0)
    reach_goal_m: float = Field(default=0.45, gt=0)
    speed_mps: float = Field(default=1.0, gt=0)
    drive_most_s: float = Field(default=60.0, gt=0, description="then the place counts as out of reach")


class SearchConfig(Config):
    """A search ends after ``longest_s``, or once somebody has been watched for ``watch_s``. A look lasts ``look_s``; the next
    place to look from is chosen anew at least every ``rethink_s``. Places within ``around_m`` of the belief are weighed."""

    longest_s: float = Field(default=90.0, gt=0)
    watch_s: float = Field(default=12.0, ge=0)
    look_s: float = Field(default=2.0, gt=0)
    rethink_s: float = Field(default=8.0, gt=0)
    patience_s: float = Field(default=4.0, gt=0, description="how long a belief may take to begin")
    around_m: float = Field(default=18.0, gt=0)
    places_most: int = Field(default=100, ge=4, le=2000)
    cells_most: int = Field(default=40, ge=1, le=1000)
    mass_least: float = Field(default=0.05, gt=0, lt=1)


class InspectConfig(Config):
    """A look from one bearing counts for ``half_width_rad`` to either side of it. ``stand_offs_m`` are distances from the thing's
    surface to look from, the best first; ``wanted_rad`` of what is around it are to be seen."""

    wanted_rad: float = Field(default=math.radians(270.0), gt=0, le=2.0 * math.pi)
    half_width_rad: float = Field(default=math.radians(25.0), gt=0, lt=math.pi / 2)
    stand_offs_m: tuple[float, ...] = Field(default=(2.5, 2.0, 3.2, 4.0), min_length=1)
    bearings: int = Field(default=36, ge=8, le=360)
    look_s: float = Field(default=1.6, gt=0)
    longest_s: float = Field(default=300.0, gt=0)
    gain_least_rad: float = Field(default=math.radians(4.0), gt=0)
    object_reach_m: float = Field(default=0.9, gt=0)
    vehicle_reach_m: float = Field(default=3.6, gt=0)
    standing_mps: float = Field(default=0.3, ge=0, description="what moves faster is not inspected")


class AttendConfig(Config):
    """``waiting_most`` alerts wait their turn; older ones are left out."""

    look: LookConfig = LookConfig()
    search: SearchConfig = SearchConfig()
    inspect: InspectConfig = InspectConfig()
    waiting_most: int = Field(default=4, ge=1, le=100)
