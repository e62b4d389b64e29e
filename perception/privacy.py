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
_AREA_M2 = 1e-6


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
            for piece in _convex_pieces(outline):
                _fill(mask, camera, optical_from_map.apply(_prism(piece, area.height_m + self._config.margin_m)))
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


def _convex_pieces(outline: Polygon) -> list[Floats]:
    """Convex polygons, each (N, 2) m, that together cover ``outline``: itself, or triangles (and a little more) where it is not
    convex."""
    hull = outline.convex_hull
    if not outline.interiors and hull.area - outline.area < _AREA_M2:
        return [shapely.get_coordinates(hull)[:-1]]
    triangles = shapely.get_parts(shapely.delaunay_triangles(outline))
    return [shapely.get_coordinates(each)[:3] for each in triangles if each.intersection(outline).area > _AREA_M2]


def _prism(piece: Floats, height_m: float) -> Floats:
    """Corners (2 N, 3) m in map: the polygon (N, 2) below the ground, then at ``height_m``."""
    return np.vstack([np.column_stack((piece, np.full(len(piece), z_m))) for z_m in (-_BELOW_GROUND_M, height_m)])


def _edges(count: int) -> npt.NDArray[np.int64]:
    """Pairs (3 N, 2) of the corners of a prism over ``count`` = N corners that an edge joins."""
    below = np.arange(count)
    onward = (below + 1) % count
    return np.concatenate(
        [np.column_stack(pair) for pair in ((below, onward), (below + count, onward + count), (below, below + count))]
    )


def _fill(mask: Mask, camera: CameraModel, corners: Floats) -> None:
    """Paint the convex prism with ``corners`` (2 N, 3) m in the optical frame; what lies behind the camera is cut off first."""
    edges = _edges(len(corners) // 2)
    first, second = corners[edges[:, 0]], corners[edges[:, 1]]
    crossing = (first[:, 2] < _NEAR_M) != (second[:, 2] < _NEAR_M)
    part = (_NEAR_M - first[crossing, 2]) / (second[crossing, 2] - first[crossing, 2])
    cut = first[crossing] + part[:, None] * (second[crossing] - first[crossing])
    visible = np.vstack((corners[corners[:, 2] >= _NEAR_M], cut))
    if len(visible) < 3:
        return
    pixels = np.clip(camera.project(visible), -1e5, 1e5)
    hull = cv2.convexHull(np.rint(pixels).astype(np.int32))
    cv2.fillConvexPoly(mask, hull, 255)
