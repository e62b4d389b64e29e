# SPDX-License-Identifier: Apache-2.0
"""A camera that does not move, and its calibration: points on the ground that somebody measured, and where the picture has them.

Four or more such points give the homography between the ground and the picture. With square pixels and the optical axis in the
middle of the picture, which surveillance cameras have near enough, it also tells the focal length, and so what is above the
ground (Zhang, "A flexible new technique for camera calibration", PAMI 2000).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from pydantic import Field

from patrol.checks import Floats, frozen_array
from patrol.config import Config, load_config
from patrol.errors import BadInput, BadValue, Fault

_MANY = 12
_STRAY = 0.1
_BODY_M = 1.7
_FOCAL_LEAST, _FOCAL_MOST = 0.5, 5.0


class SurveyedPoint(Config):
    """One point on the ground: ``picture_px`` right and down, ``map_m`` east and north."""

    picture_px: tuple[float, float]
    map_m: tuple[float, float]


class FixedCameraFile(Config):
    """What a calibration file holds."""

    width_px: int = Field(gt=0)
    height_px: int = Field(gt=0)
    points: tuple[SurveyedPoint, ...] = Field(min_length=4)


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedCamera:
    """``picture_from_map`` (3, 4) takes (x, y, z, 1) m, z up from the ground, to a picture of ``width_px`` by ``height_px``."""

    picture_from_map: Floats
    width_px: int
    height_px: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "picture_from_map", frozen_array("picture_from_map", self.picture_from_map, (3, 4)))

    def project(self, points_m: Floats) -> Floats:
        """Points (N, 3) m in the picture (N, 2) px."""
        lifted = np.column_stack((points_m, np.ones(len(points_m)))) @ self.picture_from_map.T
        seen: Floats = lifted[:, :2] / lifted[:, 2:]
        return seen

    def on_ground(self, points_px: Floats) -> Floats:
        """Where on the ground (N, 2) m the points (N, 2) px are; NaN for those at or above the horizon."""
        back = np.linalg.inv(self.picture_from_map[:, [0, 1, 3]])
        lifted = np.column_stack((points_px, np.ones(len(points_px)))) @ back.T
        depth = np.where(lifted[:, 2] > 0.0, lifted[:, 2], np.nan)
        placed: Floats = lifted[:, :2] / depth[:, None]
        return placed


def read_fixed_camera(path: Path) -> FixedCamera:
    """The camera that a calibration file describes. Raises BadInput for a file that says nothing of use."""
    told = load_config(FixedCameraFile, path)
    picture_px = np.array([point.picture_px for point in told.points])
    map_m = np.array([point.map_m for point in told.points])
    try:
        return calibrated(picture_px, map_m, (told.width_px, told.height_px))
    except BadValue as error:
        raise BadInput(path, [Fault(field="points", value=len(told.points), because=str(error))]) from error


def calibrated(picture_px: Floats, map_m: Floats, size_px: tuple[int, int]) -> FixedCamera:
    """The camera that sees the ground at ``map_m`` (N, 2) at ``picture_px`` (N, 2); by least squares, by the least median of
    squares where points are many. Raises BadValue where they determine no camera."""
    found, _ = cv2.findHomography(map_m, picture_px, cv2.LMEDS if len(map_m) >= _MANY else 0)
    if found is None or not np.isfinite(found).all() or np.linalg.cond(found) > 1e12:
        raise BadValue("determine no view of the ground: they lie on one line, or contradict each other")
    ground = np.asarray(found, dtype=np.float64)
    before = float(np.mean(np.column_stack((map_m, np.ones(len(map_m)))) @ ground[2] > 0.0))
    if _STRAY < before < 1.0 - _STRAY:
        raise BadValue("lie before and behind the camera")
    return _standing(ground if before > 0.5 else -ground, map_m, size_px)


def _standing(ground: Floats, map_m: Floats, size_px: tuple[int, int]) -> FixedCamera:
    """The whole camera for the homography ``ground`` (3, 3), picture from map, that has all of ``map_m`` before it."""
    middle = np.array([[1.0, 0.0, 0.5 * size_px[0]], [0.0, 1.0, 0.5 * size_px[1]], [0.0, 0.0, 1.0]])
    centred = np.linalg.solve(middle, ground)
    focal = np.diag([_focal_px(centred, size_px[0])] * 2 + [1.0])
    axes = np.linalg.solve(focal, centred)
    axes = axes / math.sqrt(float(np.linalg.norm(axes[:, 0]) * np.linalg.norm(axes[:, 1])))
    upwards = np.cross(axes[:, 0], axes[:, 1])
    upwards = upwards / np.linalg.norm(upwards)
    whole = np.column_stack((axes[:, :2], upwards, axes[:, 2]))
    camera = FixedCamera(picture_from_map=middle @ focal @ whole, width_px=size_px[0], height_px=size_px[1])
    place = np.median(map_m, axis=0)
    foot, head = camera.project(np.array([[*place, 0.0], [*place, _BODY_M]]))
    if head[1] < foot[1]:
        return camera
    flipped = middle @ focal @ (whole * np.array([1.0, 1.0, -1.0, 1.0]))
    return FixedCamera(picture_from_map=flipped, width_px=size_px[0], height_px=size_px[1])


def _focal_px(centred: Floats, width_px: int) -> float:
    """The focal length at which the ground's axes are square to each other and of one length, as near as it can be. A view from
    straight above does not tell it: then it is the picture's width."""
    first, second = centred[:, 0], centred[:, 1]
    across = np.array([first[:2] @ second[:2], first[:2] @ first[:2] - second[:2] @ second[:2]])
    ahead = np.array([first[2] * second[2], first[2] ** 2 - second[2] ** 2])
    inverse = -float(across @ ahead) / max(float(across @ across), 1e-300)
    focal = 1.0 / math.sqrt(inverse) if inverse > 0.0 else float(width_px)
    return min(max(focal, _FOCAL_LEAST * width_px), _FOCAL_MOST * width_px)
