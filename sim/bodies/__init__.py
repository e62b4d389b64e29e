# SPDX-License-Identifier: Apache-2.0
"""Bodies of actors: people who walk, vehicles, a fox, a tree in the wind, a package, and what flies."""

from sim.bodies.base import Body
from sim.bodies.catalogue import KINDS, make_body

__all__ = ["KINDS", "Body", "make_body"]
