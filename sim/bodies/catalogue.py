# SPDX-License-Identifier: Apache-2.0
"""Every kind of body by name."""

from __future__ import annotations

from patrol.errors import BadValue
from sim.bodies.appearance import PERSON_KINDS, look_of
from sim.bodies.base import Body
from sim.bodies.flying import make_bird, make_drone, make_thrown
from sim.bodies.fox import make_fox
from sim.bodies.person import Person
from sim.bodies.things import make_package, make_tree
from sim.bodies.vehicle import make_vehicle

KINDS: tuple[str, ...] = (*PERSON_KINDS, "car", "van", "fox", "tree", "package", "drone", "bird", "thrown")


def make_body(kind: str, name: str, appearance_seed: int) -> Body:
    """The body of one actor; the same kind and seed look the same. Raises BadValue for a kind that is not in ``KINDS``."""
    if "/" in name or not name:
        raise BadValue(f"name: {name!r} must not be empty nor hold a slash")
    if kind in PERSON_KINDS:
        return Person(name, look_of(kind, appearance_seed))
    if kind in ("car", "van"):
        return make_vehicle(kind, name, appearance_seed)
    makers = {
        "fox": make_fox,
        "tree": make_tree,
        "package": make_package,
        "drone": make_drone,
        "bird": make_bird,
        "thrown": make_thrown,
    }
    if kind not in makers:
        raise BadValue(f"kind: {kind!r} is not one of {', '.join(KINDS)}")
    return makers[kind](name, appearance_seed)
