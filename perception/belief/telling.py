# SPDX-License-Identifier: Apache-2.0
"""Particles told in few words: the cells that hold nearly all of them, and how likely each zone is."""

from __future__ import annotations

import numpy as np
import shapely

from patrol.belief import ZoneMass
from patrol.checks import Floats
from patrol.site import Zone
from perception.belief.particles import Particles

_TOLD_SHARE = 0.97
_ZONE_LEAST = 0.02


def cells_of(particles: Particles, *, cell_m: float, most: int) -> tuple[float, Floats, Floats]:
    """Cell width m, middles (N, 2) m in map and mass (N,), the likeliest first: the fewest cells that hold nearly all mass. The
    width is doubled until there are ``most`` at most."""
    while True:
        centres, mass = _binned(particles, cell_m)
        if len(mass) <= most:
            return cell_m, centres, mass
        cell_m *= 2.0


def zones_of(particles: Particles, zones: tuple[Zone, ...]) -> tuple[ZoneMass, ...]:
    """How likely it is in each of ``zones``, the likeliest first; the unlikely ones are left out."""
    x_m, y_m = particles.places_m.T
    found = ((zone.zone_id, float(particles.weights[shapely.contains_xy(zone.outline, x_m, y_m)].sum())) for zone in zones)
    likely = [(zone_id, min(mass, 1.0)) for zone_id, mass in found if mass >= _ZONE_LEAST]
    return tuple(ZoneMass(zone_id=zone_id, mass=mass) for zone_id, mass in sorted(likely, key=lambda each: (-each[1], each[0])))


def _binned(particles: Particles, cell_m: float) -> tuple[Floats, Floats]:
    cells, inverse = np.unique(np.floor(particles.places_m / cell_m).astype(np.int64), axis=0, return_inverse=True)
    mass = np.bincount(inverse.reshape(-1), weights=particles.weights, minlength=len(cells))
    order = np.argsort(-mass, kind="stable")
    kept = order[: int(np.searchsorted(np.cumsum(mass[order]), _TOLD_SHARE)) + 1]
    return (cells[kept].astype(np.float64) + 0.5) * cell_m, mass[kept].astype(np.float64)
