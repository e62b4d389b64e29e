# SPDX-License-Identifier: Apache-2.0
"""Where rays meet boxes, ellipsoids, capsules and cylinders: vectorised over rays and shapes.

Slab and quadric intersections as in Ericson, "Real-Time Collision Detection" (2005), section 5.3. Rays start outside the
shapes; a miss is ``inf``.
"""

from __future__ import annotations

import numpy as np

from patrol.checks import Floats


def to_local(origins: Floats, directions: Floats, positions: Floats, rotations: Floats) -> tuple[Floats, Floats]:
    """Rays (M, 3) in the frames of P shapes with ``positions`` (P, 3) and ``rotations`` (P, 3, 3): two arrays (P, M, 3)."""
    local_origins = (origins[None, :, :] - positions[:, None, :]) @ rotations
    local_directions = directions[None, :, :] @ rotations
    return local_origins, local_directions


def meet_boxes(origins: Floats, directions: Floats, half_sizes: Floats) -> Floats:
    """Distances (P, M) to boxes of half sizes (P, 3), rays (P, M, 3) in their frames."""
    with np.errstate(divide="ignore", invalid="ignore"):
        inverse = 1.0 / directions
        low = (-half_sizes[:, None, :] - origins) * inverse
        high = (half_sizes[:, None, :] - origins) * inverse
    near = np.nanmax(np.minimum(low, high), axis=2)
    far = np.nanmin(np.maximum(low, high), axis=2)
    return np.where((near <= far) & (near > 0.0), near, np.inf)


def meet_ellipsoids(origins: Floats, directions: Floats, radii: Floats) -> Floats:
    """Distances (P, M) to ellipsoids of semi-axes (P, 3), rays (P, M, 3) in their frames."""
    scaled_origins, scaled_directions = origins / radii[:, None, :], directions / radii[:, None, :]
    a = np.einsum("pmi,pmi->pm", scaled_directions, scaled_directions)
    b = np.einsum("pmi,pmi->pm", scaled_origins, scaled_directions)
    c = np.einsum("pmi,pmi->pm", scaled_origins, scaled_origins) - 1.0
    return _first_root(a, b, c)


def meet_cylinders(origins: Floats, directions: Floats, radii: Floats, half_lengths: Floats) -> Floats:
    """Distances (P, M) to closed cylinders along z, rays (P, M, 3) in their frames."""
    wall = _first_root(*_round_wall(origins, directions, radii))
    z_there = origins[:, :, 2] + np.where(np.isfinite(wall), wall, 0.0) * directions[:, :, 2]
    wall = np.where(np.abs(z_there) <= half_lengths[:, None], wall, np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        cap = (np.sign(origins[:, :, 2]) * half_lengths[:, None] - origins[:, :, 2]) / directions[:, :, 2]
    safe = np.where(np.isfinite(cap) & (cap > 0.0), cap, 0.0)
    off_axis = np.hypot(origins[:, :, 0] + safe * directions[:, :, 0], origins[:, :, 1] + safe * directions[:, :, 1])
    outside = np.abs(origins[:, :, 2]) > half_lengths[:, None]
    cap = np.where((safe > 0.0) & outside & (off_axis <= radii[:, None]), safe, np.inf)
    return np.minimum(wall, cap)


def meet_capsules(origins: Floats, directions: Floats, radii: Floats, half_lengths: Floats) -> Floats:
    """Distances (P, M) to capsules along z (half length without the domes), rays (P, M, 3) with unit directions in their frames.

    A ray that meets the infinite cylinder beyond the wall's end can meet only the dome on that side.
    """
    wall = _first_root(*_round_wall(origins, directions, radii))
    met = np.isfinite(wall)
    z_there = origins[:, :, 2] + np.where(met, wall, 0.0) * directions[:, :, 2]
    beside = met & (np.abs(z_there) <= half_lengths[:, None])
    from_dome = origins.copy()
    from_dome[:, :, 2] -= np.sign(z_there) * half_lengths[:, None]
    b = np.einsum("pmi,pmi->pm", from_dome, directions)
    c = np.einsum("pmi,pmi->pm", from_dome, from_dome) - radii[:, None] ** 2
    return np.where(beside, wall, _first_root(np.ones_like(b), b, c))


def _round_wall(origins: Floats, directions: Floats, radii: Floats) -> tuple[Floats, Floats, Floats]:
    a = directions[:, :, 0] ** 2 + directions[:, :, 1] ** 2
    b = origins[:, :, 0] * directions[:, :, 0] + origins[:, :, 1] * directions[:, :, 1]
    c = origins[:, :, 0] ** 2 + origins[:, :, 1] ** 2 - radii[:, None] ** 2
    return a, b, c


def _first_root(a: Floats, b: Floats, c: Floats) -> Floats:
    """Smaller positive root of a t² + 2 b t + c; inf where there is none."""
    discriminant = b * b - a * c
    with np.errstate(divide="ignore", invalid="ignore"):
        root = (-b - np.sqrt(np.maximum(discriminant, 0.0))) / a
    return np.where((discriminant >= 0.0) & (root > 0.0) & (a > 1e-12), root, np.inf)
