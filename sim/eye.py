# SPDX-License-Identifier: Apache-2.0
"""Draws what a camera of the model sees: colours, depth, or which geom each pixel shows. One GL context per simulator."""

from __future__ import annotations

import importlib
import os
from dataclasses import dataclass
from typing import Protocol

import mujoco
import numpy as np
import numpy.typing as npt

from patrol.checks import Bytes, Floats32
from sim.bodies.base import VISIBLE_GROUP
from sim.chassis import ROBOT_GROUP
from sim.scene import SEE_THROUGH_GROUP, STATIC_GROUP

WIDTH_PX, HEIGHT_PX = 640, 480
_MOST_GEOMS = 4000
Ids = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What to draw: a camera of the model, the picture's size, and which parts of the world."""

    camera: str
    width_px: int
    height_px: int
    fence: bool = True
    static: bool = True
    robot: bool = False


class _GlContext(Protocol):
    def make_current(self) -> None: ...

    def free(self) -> None: ...


def _new_context() -> _GlContext:
    """An off-screen context from the library that ``MUJOCO_GL`` names, even when MuJoCo was imported before it was set."""
    library = importlib.import_module("mujoco.osmesa" if os.environ["MUJOCO_GL"] == "osmesa" else "mujoco.egl")
    context: _GlContext = library.GLContext(WIDTH_PX, HEIGHT_PX)
    return context


class Eye:
    """Software renderer bound to one compiled model. Pictures are at most 640 x 480."""

    def __init__(self, model: mujoco.MjModel) -> None:
        self._model = model
        self._gl = _new_context()
        self._gl.make_current()
        self._scene = mujoco.MjvScene(model, maxgeom=_MOST_GEOMS)
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100.value)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN.value, self._context)
        self._option = mujoco.MjvOption()
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        for flag in (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION, mujoco.mjtRndFlag.mjRND_HAZE):
            self._scene.flags[flag] = False
        near, far = model.vis.map.znear * model.stat.extent, model.vis.map.zfar * model.stat.extent
        self._near_m, self._far_m = float(near), float(far)

    def colour(self, data: mujoco.MjData, view: View, *, with_depth: bool = False) -> tuple[Bytes, Floats32 | None]:
        """RGB (H, W, 3), and depth along the axis (H, W) m when asked for (sky: the far plane). Row 0 is the lowest."""
        rect = self._update(data, view, segment=False)
        mujoco.mjr_render(rect, self._scene, self._context)
        pixels = np.empty((view.height_px, view.width_px, 3), dtype=np.uint8)
        depth = np.empty((view.height_px, view.width_px), dtype=np.float32) if with_depth else None
        mujoco.mjr_readPixels(pixels, depth, rect, self._context)
        return pixels, None if depth is None else self._metres(depth)

    def geoms(self, data: mujoco.MjData, view: View) -> tuple[Ids, Floats32]:
        """Geom of the model per pixel (H, W), -1 for sky, and depth (H, W) m. Row 0 is the lowest."""
        rect = self._update(data, view, segment=True)
        mujoco.mjr_render(rect, self._scene, self._context)
        pixels = np.empty((view.height_px, view.width_px, 3), dtype=np.uint8)
        depth = np.empty((view.height_px, view.width_px), dtype=np.float32)
        mujoco.mjr_readPixels(pixels, depth, rect, self._context)
        drawn = (pixels[..., 1].astype(np.uint16) << 8) | pixels[..., 0]
        table = np.full(self._scene.ngeom + 2, -1, dtype=np.int32)
        for geom in self._scene.geoms[: self._scene.ngeom]:
            if geom.objtype == mujoco.mjtObj.mjOBJ_GEOM and geom.segid >= 0:
                table[geom.segid + 1] = geom.objid
        return table.take(drawn, mode="clip"), self._metres(depth)

    def close(self) -> None:
        """Give the GL context back; nothing can be drawn afterwards."""
        self._gl.make_current()
        self._context.free()
        self._gl.free()

    def _update(self, data: mujoco.MjData, view: View, *, segment: bool) -> mujoco.MjrRect:
        self._gl.make_current()
        self._option.geomgroup[:] = 0
        shown = {STATIC_GROUP: view.static, SEE_THROUGH_GROUP: view.fence, VISIBLE_GROUP: True, ROBOT_GROUP: view.robot}
        for group, on in shown.items():
            self._option.geomgroup[group] = on
        self._camera.fixedcamid = self._model.camera(view.camera).id
        mujoco.mjv_updateScene(self._model, data, self._option, None, self._camera, mujoco.mjtCatBit.mjCAT_ALL.value, self._scene)
        self._scene.flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = segment
        self._scene.flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = segment
        return mujoco.MjrRect(0, 0, view.width_px, view.height_px)

    def _metres(self, depth: Floats32) -> Floats32:
        near, far = np.float32(self._near_m), np.float32(self._far_m)
        return near * far / (far - depth * (far - near))
