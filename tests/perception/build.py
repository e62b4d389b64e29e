# SPDX-License-Identifier: Apache-2.0
"""Small builders for the perception tests: a camera on a mast, pictures, people, a site, and a scripted detector."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from shapely.geometry import Polygon, box

from patrol.estimate import PoseEstimate
from patrol.geometry import IDENTITY2, Pose2, Pose3
from patrol.percepts import Box, Detection, GroundPosition, Label, Track, TrackState
from patrol.schedule import WeeklySchedule
from patrol.sensors import CameraModel, Image
from patrol.site import Datum, PrivacyArea, Purpose, Site, Zone

STEP_NS = 100_000_000
FRAME = "camera_optical_frame"
LOOKING_FORWARD = Pose3.from_xyz_rpy(0.2, 0.0, 0.9, -math.pi / 2.0, 0.0, -math.pi / 2.0)
CAMERA = CameraModel.from_hfov(FRAME, 640, 480, math.radians(75.0), LOOKING_FORWARD)


def data(*parts: str) -> Path:
    """A path in the folder of real recordings; skips the test when it is not there."""
    default = Path(__file__).resolve().parents[3] / "shared" / "data"
    path = Path(os.environ.get("PATROL_DATA", str(default))).joinpath(*parts)
    if not path.exists():
        pytest.skip(f"no real recording at {path}; set PATROL_DATA")
    return path


def noise_image(stamp_ns: int = 0, *, seed: int = 0, size: tuple[int, int] = (640, 480)) -> Image:
    """A picture full of detail everywhere."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image(stamp_ns=stamp_ns, frame_id=FRAME, encoding="bgr8", pixels=pixels)


def person_box(x_m: float, y_m: float, *, height_m: float = 1.7, feet_m: float = 0.0, base: Pose2 = IDENTITY2) -> Box:
    """The box of a person at (x, y) in map, whose feet are seen ``feet_m`` above the ground, by CAMERA on a robot at ``base``."""
    forward, left = base.inverse().apply(np.array([[x_m, y_m]]))[0]
    corners = [(forward, left + side, z) for side in (0.25, -0.25) for z in (feet_m, feet_m + height_m)]
    pixels = CAMERA.project(CAMERA.base_from_optical.inverse().apply(np.array(corners)))
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    return Box(x0_px=float(low[0]), y0_px=float(low[1]), x1_px=float(high[0]), y1_px=float(high[1]))


def detection(where: Box, stamp_ns: int = 0, *, score: float = 0.9, label: Label = Label.PERSON) -> Detection:
    return Detection(stamp_ns=stamp_ns, frame_id=FRAME, source="camera", label=label, score=score, box=where)


def estimate(
    stamp_ns: int = 0, base: Pose2 = IDENTITY2, *, std_m: float = 0.02, yaw_std: float = 0.003, doubt: str = ""
) -> PoseEstimate:
    covariance = np.diag([std_m**2, std_m**2, yaw_std**2])
    return PoseEstimate(stamp_ns=stamp_ns, map_from_odom=IDENTITY2, odom_from_base=base, covariance=covariance, doubt=doubt)


def square(x_m: float, y_m: float, side_m: float) -> Polygon:
    """A square with its lower left corner at (x, y)."""
    return box(x_m, y_m, x_m + side_m, y_m + side_m)


def zone(name: str, outline: Polygon, purpose: Purpose = Purpose.RESTRICTED, schedule: WeeklySchedule | None = None) -> Zone:
    return Zone(zone_id=name, name=name.title(), purpose=purpose, outline=outline, schedule=schedule)


def site(*zones: Zone, private: Sequence[PrivacyArea] = ()) -> Site:
    return Site(
        site_id="test",
        name="Test",
        time_zone="Europe/Berlin",
        datum=Datum(latitude_deg=52.0, longitude_deg=13.0),
        perimeter=square(-100.0, -100.0, 200.0),
        zones=zones,
        privacy_areas=tuple(private),
    )


def track(
    x_m: float,
    y_m: float,
    stamp_ns: int,
    *,
    track_id: int = 1,
    state: TrackState = "confirmed",
    label: Label = Label.PERSON,
    std_m: float = 0.2,
    hits: int = 10,
) -> Track:
    """A track that stands at (x, y) in map."""
    ground = GroundPosition(position_m=np.array([x_m, y_m]), velocity_mps=np.zeros(2), covariance_m2=np.eye(2) * std_m**2)
    return Track(
        track_id=track_id,
        label=label,
        state=state,
        stamp_ns=stamp_ns,
        first_seen_ns=0,
        last_seen_ns=stamp_ns,
        hits=hits,
        score=0.8,
        box=Box(x0_px=300.0, y0_px=200.0, x1_px=340.0, y1_px=300.0),
        ground=ground,
    )


class Scripted:
    """A detector that answers from a list, one entry a picture; an exception in the list is raised."""

    def __init__(self, answers: Sequence[Sequence[Box] | Exception]) -> None:
        self._answers = list(answers)

    def detect(self, image: Image) -> tuple[Detection, ...]:
        answer = self._answers.pop(0) if self._answers else ()
        if isinstance(answer, Exception):
            raise answer
        return tuple(detection(where, image.stamp_ns) for where in answer)


def same_pixels(first: npt.NDArray[np.generic], second: npt.NDArray[np.generic]) -> npt.NDArray[np.bool_]:
    """Mask (H, W) of pixels that are equal in all channels."""
    equal: npt.NDArray[np.bool_] = np.all(first == second, axis=2)
    return equal
