# SPDX-License-Identifier: Apache-2.0
"""How much of a site's private volumes stays visible when the pose is wrong as it says it is, and how much more is hidden.

``python -m benchmarks.privacy_volumes [SITE...] [--poses 400] [--std-m 0.1] [--yaw-std-deg 0.7]``. A robot is put at random
places with a private volume in view, driving and turning. Its true pose differs from the believed one by errors drawn from the
covariance that it believes, and its camera pitches and rolls as the configuration says. The true volume is filled as a mesh of
points; leaked are those in the picture that the mask does not hide. Too much are masked pixels that no ray from the true camera
through any volume reaches.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import cv2
import numpy as np
import shapely
from shapely.geometry import Point

from benchmarks.figures import tell
from patrol.checks import Floats
from patrol.estimate import PoseEstimate
from patrol.geometry import Pose2, Pose3
from patrol.sensors import CameraModel
from patrol.site import PrivacyArea
from patrol.site_file import read_site
from perception.privacy import PrivacyConfig, PrivacyProjector
from sim.robot import read_robot

SITES = Path(__file__).resolve().parents[1] / "config" / "sites"
_STEP_M, _NEAREST_M, _FARTHEST_M = 0.25, 1.0, 25.0


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sites", type=Path, nargs="*", default=sorted(SITES.glob("*.geojson")))
    parser.add_argument("--poses", type=int, default=400)
    parser.add_argument("--std-m", type=float, default=0.1)
    parser.add_argument("--yaw-std-deg", type=float, default=0.7)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    random, camera = np.random.default_rng(given.seed), read_robot().camera
    covariance = np.diag([given.std_m**2, given.std_m**2, math.radians(given.yaw_std_deg) ** 2])
    leaks, extra, looked = [], [], []
    for site_path in given.sites:
        areas = read_site(site_path).privacy_areas
        if areas:
            looked.append(site_path.stem)
            projector = PrivacyProjector(camera, areas, PrivacyConfig())
            found = [measured(areas, projector, camera, covariance, random) for _ in range(given.poses)]
            leaks += [leak for leak, _ in found]
            extra += [more for _, more in found]
    metrics: dict[str, float | int] = {
        "poses": len(leaks),
        "points_leaked_percent": round(100.0 * float(np.mean(leaks)), 4),
        "poses_with_a_leak_percent": round(100.0 * float(np.mean(np.array(leaks) > 0.0)), 2),
        "worst_leak_percent": round(100.0 * float(np.max(leaks)), 2),
        "picture_hidden_beyond_need_percent": round(100.0 * float(np.mean(extra)), 1),
    }
    tell("privacy_volumes", metrics, sites=looked, std_m=given.std_m, yaw_std_deg=given.yaw_std_deg)


def measured(
    areas: tuple[PrivacyArea, ...],
    projector: PrivacyProjector,
    camera: CameraModel,
    covariance: Floats,
    random: np.random.Generator,
) -> tuple[float, float]:
    """The share of the volumes' points in the picture that is not masked, and the share of the picture that is masked without
    need, from one random place."""
    config = PrivacyConfig()
    believed = _place(areas, random)
    error = random.multivariate_normal(np.zeros(3), covariance)
    true = Pose2(believed.x_m + error[0], believed.y_m + error[1], believed.yaw_rad + error[2])
    roll, pitch = random.normal(0.0, math.radians(config.attitude_std_deg), 2)
    estimate = PoseEstimate(
        stamp_ns=0, map_from_odom=Pose2(0.0, 0.0, 0.0), odom_from_base=believed, covariance=covariance, doubt="", floor=0
    )
    mask = projector.mask(estimate) > 0
    map_from_base = Pose3.from_xyz_rpy(true.x_m, true.y_m, 0.0, float(roll), float(pitch), true.yaw_rad)
    seen = _seen(areas, camera, map_from_base)
    inside = np.zeros_like(mask)
    inside[seen[:, 1], seen[:, 0]] = True
    solid = cv2.morphologyEx(inside.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8)) > 0
    leaked = float((~mask[seen[:, 1], seen[:, 0]]).mean()) if len(seen) else 0.0
    return leaked, float((mask & ~solid).mean())


def _place(areas: tuple[PrivacyArea, ...], random: np.random.Generator) -> Pose2:
    """Somewhere outside all areas, looking about towards one of them."""
    while True:
        middle = areas[int(random.integers(len(areas)))].outline.centroid
        away, bearing = random.uniform(_NEAREST_M, _FARTHEST_M), random.uniform(-math.pi, math.pi)
        x, y = middle.x + away * math.cos(bearing), middle.y + away * math.sin(bearing)
        if all(area.outline.distance(Point(x, y)) > _NEAREST_M for area in areas):
            return Pose2(x, y, bearing + math.pi + random.uniform(-0.7, 0.7))


def _seen(areas: tuple[PrivacyArea, ...], camera: CameraModel, map_from_base: Pose3) -> np.ndarray:
    """Pixels (N, 2) of the volumes' points that lie in the picture of the true camera."""
    optical_from_map = (map_from_base @ camera.base_from_optical).inverse()
    pixels = camera.project(optical_from_map.apply(np.vstack([_points(area) for area in areas])))
    rounded = np.floor(pixels[np.isfinite(pixels).all(axis=1)]).astype(np.int64)
    held = (rounded >= 0).all(axis=1) & (rounded < (camera.width_px, camera.height_px)).all(axis=1)
    return rounded[held]


def _points(area: PrivacyArea) -> Floats:
    """Points (N, 3) m that fill a volume, its edges included."""
    west, south, east, north = area.outline.bounds
    x, y = (grid.ravel() for grid in np.meshgrid(np.arange(west, east, _STEP_M), np.arange(south, north, _STEP_M)))
    within = shapely.contains_xy(area.outline, x, y)
    edge = shapely.get_coordinates(area.outline.exterior.segmentize(_STEP_M))
    flat = np.vstack((np.column_stack((x[within], y[within])), edge))
    heights = np.append(np.arange(0.0, area.height_m, _STEP_M), area.height_m)
    return np.column_stack((np.repeat(flat, len(heights), axis=0), np.tile(heights, len(flat))))


if __name__ == "__main__":
    main()
