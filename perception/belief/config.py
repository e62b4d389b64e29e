# SPDX-License-Identifier: Apache-2.0
"""What can be set about beliefs."""

from __future__ import annotations

from pydantic import Field

from patrol.config import Config
from patrol.percepts import Label


class Gait(Config):
    """How a kind of thing moves while nobody sees it: never faster than ``fastest_mps``; along each axis its velocity wanders
    with this deviation and forgets where it was heading in about ``steady_s``; a share of them stands still."""

    fastest_mps: float = Field(gt=0, le=40.0)
    deviation_mps: float = Field(gt=0)
    steady_s: float = Field(default=6.0, gt=0)
    standing: float = Field(default=0.15, ge=0, lt=1)


class BeliefConfig(Config):
    """``lost_after_s``: how long a sure track must be out of sight; ``longest_s``: how long it is believed in then.

    Every second that a place is looked at, somebody there is overlooked with ``overlooked_lidar`` or ``overlooked_camera``.
    ``found_mass``: a new track where the belief has so much within ``found_m`` is the one that was lost. Once the looks have
    left less than ``contact_least``, the belief is given up.
    """

    every_s: float = Field(default=1.0, gt=0)
    map_every_s: float = Field(default=5.0, ge=0, description="how often a newer map is taken over while somebody is lost")
    particles: int = Field(default=400, ge=50, le=5000)
    most: int = Field(default=8, ge=1, le=64)
    hits_least: int = Field(default=5, ge=1)
    lost_after_s: float = Field(default=1.5, gt=0)
    longest_s: float = Field(default=120.0, gt=0)
    person: Gait = Gait(fastest_mps=3.0, deviation_mps=0.8)
    vehicle: Gait = Gait(fastest_mps=12.0, deviation_mps=3.0, steady_s=10.0, standing=0.3)
    overlooked_lidar: float = Field(default=0.35, gt=0, le=1)
    overlooked_camera: float = Field(default=0.35, gt=0, le=1)
    lidar_reach_m: float = Field(default=25.0, gt=0)
    camera_reach_m: float = Field(default=18.0, gt=0)
    contact_least: float = Field(default=0.02, ge=0, lt=1)
    found_m: float = Field(default=2.5, gt=0)
    found_mass: float = Field(default=0.04, gt=0, le=1)
    cell_m: float = Field(default=0.2, gt=0)
    occupied_from: int = Field(default=60, ge=1, le=100)
    told_cell_m: float = Field(default=1.0, gt=0)
    told_cells_most: int = Field(default=80, ge=4, le=1000)

    def gait_of(self, label: Label) -> Gait | None:
        """How such a thing moves; None for what is not believed in once it is out of sight."""
        return {Label.PERSON: self.person, Label.VEHICLE: self.vehicle}.get(label)
