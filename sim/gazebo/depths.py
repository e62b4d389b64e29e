# SPDX-License-Identifier: Apache-2.0
"""How far away each pixel of Gazebo's colour picture is: fog, rain and the robot's lamp need it, and Gazebo 11's cameras do not
tell it. Rays meet what Gazebo draws, from where Gazebo says that the camera is.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import open3d as o3d

from patrol.checks import Floats32
from patrol.geometry import Pose3
from sim.actors import Actor
from sim.gazebo.actor_meshes import Triangles, triangles_of
from sim.gazebo.sensors_sdf import FAR_M
from sim.meshes import COARSE_M, joined, mesh_of
from sim.robot import CameraPart
from sim.sdf import World
from sim.surfaces import surface_named

_PIXELS_PER_RAY = 2


class CameraDepths:
    """Looks through one camera. Chain link is looked through."""

    def __init__(self, world: World, part: CameraPart, actors: Sequence[Actor]) -> None:
        model = part.model()
        self._size = (part.width_px, part.height_px)
        columns = np.arange(0.5 * _PIXELS_PER_RAY, part.width_px, _PIXELS_PER_RAY)
        rows = np.arange(0.5 * _PIXELS_PER_RAY, part.height_px, _PIXELS_PER_RAY)
        right, down = np.meshgrid((columns - model.cx_px) / model.fx_px, (rows - model.cy_px) / model.fy_px)
        self._shape = right.shape
        self._base_from_optical = model.base_from_optical
        self._directions = np.stack((right, down, np.ones_like(right)), axis=-1).reshape(-1, 3)
        self._static = o3d.t.geometry.RaycastingScene()
        solid = [visual for visual in world.visuals if not surface_named(visual.surface).see_through]
        whole = joined(mesh_of(visual.shape, COARSE_M).moved(visual.world_from_shape) for visual in solid)
        _add(self._static, Triangles(vertices_m=whole.vertices_m, faces=whole.faces))
        self._actors = [(actor, triangles_of(actor)) for actor in actors]

    def look(self, map_from_base: Pose3) -> Floats32:
        """Depth along the camera's axis (H, W) m, row 0 on top, with the actors where they are now; the sky is ``FAR_M`` away."""
        map_from_optical = map_from_base @ self._base_from_optical
        rays = np.empty((len(self._directions), 6), dtype=np.float32)
        rays[:, :3] = map_from_optical.translation_m
        rays[:, 3:] = self._directions @ map_from_optical.rotation.T
        depth = _cast(self._static, rays)
        if (moving := self._moving()) is not None:
            depth = np.minimum(depth, _cast(moving, rays))
        depth = np.minimum(depth, np.float32(FAR_M)).reshape(self._shape)
        return np.asarray(cv2.resize(depth, self._size, interpolation=cv2.INTER_NEAREST), dtype=np.float32)

    def _moving(self) -> o3d.t.geometry.RaycastingScene | None:
        """Everybody who is there; None when nobody is."""
        scene, anybody = o3d.t.geometry.RaycastingScene(), False
        for actor, parts in self._actors:
            if not actor.state.visible:
                continue
            poses = actor.body.limb_poses(actor.world_from_actor, actor.state.speed_mps, actor.state.phase_rad)
            for name, part in parts.items():
                _add(scene, Triangles(vertices_m=poses[name].apply(part.vertices_m), faces=part.faces))
                anybody = True
        return scene if anybody else None


def _add(scene: o3d.t.geometry.RaycastingScene, triangles: Triangles) -> None:
    scene.add_triangles(
        o3d.core.Tensor.from_numpy(triangles.vertices_m.astype(np.float32)),
        o3d.core.Tensor.from_numpy(triangles.faces.astype(np.uint32)),
    )


def _cast(scene: o3d.t.geometry.RaycastingScene, rays: Floats32) -> Floats32:
    hits: Floats32 = scene.cast_rays(o3d.core.Tensor.from_numpy(rays))["t_hit"].numpy()
    return hits
