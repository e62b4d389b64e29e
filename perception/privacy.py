# SPDX-License-Identifier: Apache-2.0
"""Where the site's privacy volumes lie in the picture, enlarged by how badly the robot knows its pose."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt
import shapely
from pydantic import Field
from shapely.geometry import Point, Polygon

from patrol.checks import Floats
from patrol.config import Config
from patrol.estimate import PoseEstimate
from patrol.geometry import Pose3
from patrol.sensors import CameraModel
from patrol.site import PrivacyArea

Mask = npt.NDArray[np.uint8]
_NEAR_M = 0.05
_BELOW_GROUND_M = 0.3
_EDGES = np.array([(0, 1), (1, 2), (2, 0), (3, 4), (4, 5), (5, 3), (0, 3), (1, 4), (2, 5)])


class PrivacyConfig(Config):
    """``sigmas`` times the pose's standard deviation is added around every area; ``attitude_std_deg`` is the camera's."""

    sigmas: float = Field(default=3.0, ge=0.0)
    attitude_std_deg: float = Field(default=0.5, ge=0.0)
    margin_m: float = Field(default=0.10, ge=0.0)


class PrivacyProjector:
    """Projects the privacy areas of one site into one camera."""

    def __init__(self, camera: CameraModel, areas: tuple[PrivacyArea, ...], config: PrivacyConfig) -> None:
        self._camera = camera
        self._areas = areas
        self._config = config

    def mask(self, estimate: PoseEstimate) -> Mask:
        """(H, W) uint8: 255 where a privacy area may be seen, even when something stands before it; 0 elsewhere.

        All 255 when the camera may stand inside an area.
        """
        camera = self._camera
        mask = np.zeros((camera.height_px, camera.width_px), dtype=np.uint8)
        map_from_optical = Pose3.from_pose2(estimate.map_from_base) @ camera.base_from_optical
        eye = Point(*map_from_optical.translation_m[:2].tolist())
        optical_from_map = map_from_optical.inverse()
        for area in self._areas:
            outline = self._widened(area.outline, eye, estimate)
            if outline.contains(eye):
                mask[:] = 255
                return mask
            for triangle in _triangles(outline):
                _fill(mask, camera, optical_from_map.apply(_prism(triangle, area.height_m + self._config.margin_m)))
        return self._shaken(mask)

    def _widened(self, outline: Polygon, eye: Point, estimate: PoseEstimate) -> Polygon:
        """The outline with room for the position's error and, at its distance, the heading's."""
        heading_std = math.sqrt(max(float(estimate.covariance[2, 2]), 0.0))
        error_m = estimate.position_std_m + heading_std * eye.hausdorff_distance(outline)
        return outline.buffer(self._config.margin_m + self._config.sigmas * error_m, quad_segs=4)

    def _shaken(self, mask: Mask) -> Mask:
        """Room for pitch and roll that the planar pose does not know."""
        reach = math.ceil(self._config.sigmas * math.radians(self._config.attitude_std_deg) * self._camera.fy_px)
        if not mask.any() or reach == 0:
            return mask
        return np.asarray(cv2.dilate(mask, np.ones((2 * reach + 1, 2 * reach + 1), dtype=np.uint8)), dtype=np.uint8)


def _triangles(outline: Polygon) -> list[Floats]:
    """Triangles, each (3, 2) m, that together cover ``outline`` (and a little more where it is not convex)."""
    pieces = shapely.get_parts(shapely.delaunay_triangles(outline))
    return [shapely.get_coordinates(piece)[:3] for piece in pieces if piece.intersection(outline).area > 1e-6]


def _prism(triangle: Floats, height_m: float) -> Floats:
    """Corners (6, 3) m in map: the triangle below the ground, then at ``height_m``."""
    return np.vstack([np.column_stack((triangle, np.full(3, z_m))) for z_m in (-_BELOW_GROUND_M, height_m)])


def _fill(mask: Mask, camera: CameraModel, corners: Floats) -> None:
    """Paint the prism with ``corners`` (6, 3) m in the optical frame; what lies behind the camera is cut off first."""
    first, second = corners[_EDGES[:, 0]], corners[_EDGES[:, 1]]
    crossing = (first[:, 2] < _NEAR_M) != (second[:, 2] < _NEAR_M)
    part = (_NEAR_M - first[crossing, 2]) / (second[crossing, 2] - first[crossing, 2])
    cut = first[crossing] + part[:, None] * (second[crossing] - first[crossing])
    visible = np.vstack((corners[corners[:, 2] >= _NEAR_M], cut))
    if len(visible) < 3:
        return
    pixels = np.clip(camera.project(visible), -1e5, 1e5)
    hull = cv2.convexHull(np.rint(pixels).astype(np.int32))
    cv2.fillConvexPoly(mask, hull, 255)
