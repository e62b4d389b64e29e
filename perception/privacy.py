# SPDX-License-Identifier: Apache-2.0
"""Where the site's privacy volumes lie in the picture, enlarged by how badly the robot knows its pose.

Seen from the camera, a volume is a range of elevations in every direction. The position's error widens its outline; that of the
heading turns the directions, and that of the attitude tips them: by as much near the camera as far from it. So a long wall beside
the robot does not come nearer because its far end may lie elsewhere.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import shapely
from pydantic import Field
from scipy.ndimage import maximum_filter1d
from shapely.geometry import Point, Polygon

from patrol.checks import Floats
from patrol.config import Config
from patrol.estimate import PoseEstimate
from patrol.geometry import Pose3
from patrol.sensors import CameraModel
from patrol.site import PrivacyArea

Mask = npt.NDArray[np.uint8]
_BELOW_GROUND_M = 0.3
_BINS, _QUAD_SEGS = 1440, 4
_BIN_RAD = 2.0 * math.pi / _BINS
_ROUND = 1.0 / math.cos(math.pi / (4 * _QUAD_SEGS))
_EDGES = np.column_stack([turn(-math.pi + _BIN_RAD * np.arange(_BINS)) for turn in (np.cos, np.sin)])
_PIXEL = 1.5
"""A pixel and its corners, in pixels."""


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
        row, column = np.mgrid[: camera.height_px, : camera.width_px]
        rays = camera.rays(np.column_stack((column.ravel(), row.ravel()))) @ camera.base_from_optical.rotation.T
        level = np.hypot(rays[:, 0], rays[:, 1])
        shape = (camera.height_px, camera.width_px)
        bins = _bins(np.arctan2(rays[:, 1], rays[:, 0])).reshape(shape)
        self._bin = bins[:1] if (bins == bins[0]).all() else bins
        self._elevation_rad = np.arctan2(rays[:, 2], level).astype(np.float32).reshape(shape)
        self._in_view = np.unique(self._bin)
        tipped_rad = config.sigmas * math.radians(config.attitude_std_deg)
        self._tipped_rad = tipped_rad + _PIXEL / min(camera.fx_px, camera.fy_px)
        steepest_rad = min(float(np.abs(self._elevation_rad).max()), 0.5 * math.pi)
        reach = math.sin(min(self._tipped_rad, 0.5 * math.pi)) / max(math.cos(steepest_rad), 1e-9)
        self._swung_rad = math.asin(reach) if reach < 1.0 else math.pi

    def mask(self, estimate: PoseEstimate) -> Mask:
        """(H, W) uint8: 255 where a privacy area may be seen, even when something stands before it; 0 elsewhere.

        All 255 when the camera may stand inside an area.
        """
        mask = np.zeros(self._elevation_rad.shape, dtype=np.uint8)
        base_from_eye = self._camera.base_from_optical.translation_m
        east_m, north_m, up_m = (Pose3.from_pose2(estimate.map_from_base) @ self._camera.base_from_optical).translation_m.tolist()
        heading_rad = self._config.sigmas * math.sqrt(max(float(estimate.covariance[2, 2]), 0.0))
        widen_m = self._config.sigmas * estimate.position_std_m + heading_rad * math.hypot(*base_from_eye[:2])
        for area in self._areas:
            outline = area.outline.buffer(_ROUND * (self._config.margin_m + widen_m), quad_segs=_QUAD_SEGS)
            if outline.intersects(Point(east_m, north_m)):
                mask[:] = 255
                return mask
            nearest_m, farthest_m = _reaches(_seen_from(outline, east_m, north_m, estimate.map_from_base.yaw_rad))
            top_m = area.height_m + self._config.margin_m - up_m
            high = np.arctan2(top_m, nearest_m if top_m > 0.0 else farthest_m)
            low = np.arctan2(-_BELOW_GROUND_M - up_m, nearest_m)
            self._fill(mask, np.where(np.isfinite(nearest_m), (low, high), ((np.inf,), (-np.inf,))), heading_rad)
        return mask

    def _fill(self, mask: Mask, elevations: Floats, heading_rad: float) -> None:
        """Paint what lies between the elevations (2, bins) rad, wherever it may be turned and tipped to."""
        bins = math.ceil(min(heading_rad + self._swung_rad, math.pi) / _BIN_RAD)
        low, high = -_widest(-elevations[0], bins) - self._tipped_rad, _widest(elevations[1], bins) + self._tipped_rad
        if np.isfinite(high[self._in_view]).any():
            limits = np.stack((low, high)).astype(np.float32)[:, self._bin]
            np.copyto(mask, 255, where=(self._elevation_rad >= limits[0]) & (self._elevation_rad <= limits[1]))


def _bins(bearings_rad: Floats) -> npt.NDArray[np.int64]:
    """Which of the bins, counted from straight back, holds each bearing."""
    return np.floor((bearings_rad + math.pi) / _BIN_RAD).astype(np.int64) % _BINS


def _seen_from(outline: Polygon, east_m: float, north_m: float, yaw_rad: float) -> Floats:
    """Corners (N, 2) m of an outline, the first again at the end, ahead and to the left of the camera on a robot that looks along
    ``yaw_rad``."""
    corners = shapely.get_coordinates(outline.exterior) - (east_m, north_m)
    cos, sin = math.cos(yaw_rad), math.sin(yaw_rad)
    seen: Floats = corners @ np.array([[cos, -sin], [sin, cos]])
    return seen


def _reaches(corners: Floats) -> tuple[Floats, Floats]:
    """How near and how far away the outline through ``corners`` (N, 2) m is, at least and at most, in every bin (bins,) of
    bearings; inf and -inf where it is not."""
    first, step = corners[:-1], np.diff(corners, axis=0)
    along, range_m = -_cross(_EDGES, first[:, None]), np.broadcast_to(_cross(first, step)[:, None], (len(first), _BINS))
    turned = _cross(_EDGES, step[:, None])
    with np.errstate(divide="ignore", invalid="ignore"):
        along, range_m = along / turned, range_m / turned
    meets = (along >= 0.0) & (along <= 1.0) & (range_m > 0.0)
    near_m, far_m = np.where(meets, range_m, np.inf).min(axis=0), np.where(meets, range_m, -np.inf).max(axis=0)
    nearest_m, farthest_m = np.minimum(near_m, np.roll(near_m, -1)), np.maximum(far_m, np.roll(far_m, -1))
    at, corner_m = _bins(np.arctan2(corners[:, 1], corners[:, 0])), np.hypot(corners[:, 0], corners[:, 1])
    np.minimum.at(nearest_m, at, corner_m)
    np.maximum.at(farthest_m, at, corner_m)
    return nearest_m * math.cos(_BIN_RAD), farthest_m


def _cross(first: Floats, second: Floats) -> Floats:
    turned: Floats = first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
    return turned


def _widest(values: Floats, bins: int) -> Floats:
    """The largest of the values (bins,) within so many bins to either side, all round."""
    widest: Floats = maximum_filter1d(values, 2 * min(bins + 1, len(values) // 2) + 1, mode="wrap")
    return widest
