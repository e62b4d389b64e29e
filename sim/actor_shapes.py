# SPDX-License-Identifier: Apache-2.0
"""What a lidar meets of an actor: its visible geoms as boxes, ellipsoids, capsules and cylinders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import mujoco
import numpy as np
import numpy.typing as npt

from patrol.checks import Floats
from sim.bodies.base import VISIBLE_GROUP
from sim.lidar_rays import meet_boxes, meet_capsules, meet_cylinders, meet_ellipsoids, to_local

Indices = npt.NDArray[np.int64]
_ROUND_BELOW = 0.72
_ROUND_SCALE = 1.08


@dataclass(frozen=True, slots=True, kw_only=True)
class _Geoms:
    """Geoms of one kind: ``ids`` (P,), half sizes (P, 3), and their frame relative to MuJoCo's geom frame (P, 3)."""

    kind: str
    ids: Indices
    sizes: Floats
    offsets: Floats


class ActorShape:
    """The visible geoms of one actor in a compiled model, or those of a robot, which lie in a ``group`` of their own."""

    def __init__(self, model: mujoco.MjModel, name: str, *, group: int = VISIBLE_GROUP) -> None:
        found: dict[str, list[tuple[int, Floats, Floats]]] = {}
        for geom in range(model.ngeom):
            if model.geom(geom).name.startswith(f"{name}/") and model.geom_group[geom] == group:
                kind, size, offset = _shape_of(model, geom)
                found.setdefault(kind, []).append((geom, size, offset))
        self._geoms = tuple(
            _Geoms(
                kind=kind,
                ids=np.array([geom for geom, _, _ in items]),
                sizes=np.array([size for _, size, _ in items]),
                offsets=np.array([offset for _, _, offset in items]),
            )
            for kind, items in found.items()
        )
        self._all = np.concatenate([group.ids for group in self._geoms])
        self._reach: Floats = model.geom_rbound[self._all].copy()

    def target(self, data: mujoco.MjData, velocity_mps: Floats) -> ActorTarget:
        """The actor as it stands in ``data``, for one revolution."""
        at = data.geom_xpos[self._all]
        low, high = (at - self._reach[:, None]).min(axis=0), (at + self._reach[:, None]).max(axis=0)
        centre = 0.5 * (low + high)
        outward = np.hypot(at[:, 0] - centre[0], at[:, 1] - centre[1]) + self._reach
        return ActorTarget(
            geoms=self._geoms,
            positions=data.geom_xpos,
            rotations=data.geom_xmat,
            centre_m=centre,
            velocity_mps=velocity_mps,
            radius_m=float(outward.max()),
            bottom_m=float(low[2]),
            top_m=float(high[2]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorTarget:
    """One actor for one revolution; encloses itself in an upright cylinder for culling."""

    geoms: tuple[_Geoms, ...]
    positions: Floats
    rotations: Floats
    centre_m: Floats
    velocity_mps: Floats
    radius_m: float
    bottom_m: float
    top_m: float

    def meet(self, origins: Floats, directions: Floats) -> Floats:
        """Distance (M,) along rays (M, 3) to the nearest part; inf where none is met."""
        best = np.full(len(origins), np.inf)
        for group in self.geoms:
            rotations = self.rotations[group.ids].reshape(-1, 3, 3)
            positions = self.positions[group.ids] + np.einsum("pij,pj->pi", rotations, group.offsets)
            local_origins, local_directions = to_local(origins, directions, positions, rotations)
            best = np.minimum(best, _MEET[group.kind](local_origins, local_directions, group.sizes).min(axis=0))
        return best


_MEET: dict[str, Callable[[Floats, Floats, Floats], Floats]] = {
    "box": meet_boxes,
    "ellipsoid": meet_ellipsoids,
    "capsule": lambda origins, directions, sizes: meet_capsules(origins, directions, sizes[:, 0], sizes[:, 1]),
    "cylinder": lambda origins, directions, sizes: meet_cylinders(origins, directions, sizes[:, 0], sizes[:, 1]),
}


def _shape_of(model: mujoco.MjModel, geom: int) -> tuple[str, Floats, Floats]:
    """Kind, half sizes (3,) and centre in the geom frame (3,) of one geom; a mesh becomes the box or ellipsoid around it."""
    kind, size, centred = model.geom_type[geom], model.geom_size[geom].copy(), np.zeros(3)
    if kind == mujoco.mjtGeom.mjGEOM_BOX:
        return "box", size, centred
    if kind == mujoco.mjtGeom.mjGEOM_CAPSULE:
        return "capsule", size, centred
    if kind == mujoco.mjtGeom.mjGEOM_CYLINDER:
        return "cylinder", size, centred
    if kind == mujoco.mjtGeom.mjGEOM_MESH:
        return _mesh_shape(model, geom)
    return "ellipsoid", (np.repeat(size[0], 3) if kind == mujoco.mjtGeom.mjGEOM_SPHERE else size), centred


def _mesh_shape(model: mujoco.MjModel, geom: int) -> tuple[str, Floats, Floats]:
    mesh = model.geom_dataid[geom]
    first, count = model.mesh_vertadr[mesh], model.mesh_vertnum[mesh]
    vertices = model.mesh_vert[first : first + count].astype(np.float64)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    faces = model.mesh_face[model.mesh_faceadr[mesh] : model.mesh_faceadr[mesh] + model.mesh_facenum[mesh]]
    a, b, c = vertices[faces[:, 0]], vertices[faces[:, 1]], vertices[faces[:, 2]]
    volume = abs(float(np.einsum("ni,ni->n", a, np.cross(b, c)).sum())) / 6.0
    half = np.maximum(0.5 * (high - low), 1e-3)
    filled = volume / float(8.0 * half.prod())
    centre: Floats = 0.5 * (low + high)
    return ("ellipsoid", half * _ROUND_SCALE, centre) if filled < _ROUND_BELOW else ("box", half, centre)
