# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from evidence.inspections import keep_inspection
from patrol.checks import Bytes, Floats
from patrol.clock import nanoseconds
from patrol.errors import BadValue
from patrol.estimate import PoseEstimate
from patrol.geometry import IDENTITY2, Pose2, Pose3
from patrol.inspection import InspectionPhase, InspectionReport, InspectionState, InspectionView
from patrol.percepts import Box, Label
from patrol.sensors import CameraModel, Image, PointCloud
from perception.inspecting.inspector import Inspector, InspectorConfig
from perception.inspecting.measure import Points, heat_of
from perception.inspecting.telling import alert_of

AT = np.array((10.0, 4.0))
LIDAR = Pose3.from_xyz_rpy(0.0, 0.0, 0.65, 0.0, 0.0, 0.0)
_FORWARD = Pose3.from_xyz_rpy(0.0, 0.0, 0.0, -math.pi / 2, 0.0, -math.pi / 2)
SEEING = Pose3.from_xyz_rpy(0.2, 0.0, 0.9, 0.0, 0.0, 0.0)
CAMERA = CameraModel.from_hfov("camera", 640, 480, math.radians(75.0), SEEING @ _FORWARD)
THERMAL = CameraModel.from_hfov("thermal", 160, 120, math.radians(57.0), SEEING @ _FORWARD)


def state(seen_deg: float, phase: InspectionPhase = "under way", because: str = "", stamp_s: float = 1.0) -> InspectionState:
    return InspectionState(
        inspection_id="inspection-1",
        alert_id="a1",
        incident_id="i1",
        stamp_ns=nanoseconds(stamp_s),
        phase=phase,
        label=Label.OBJECT,
        zone_id="yard",
        track_id=7,
        position_m=AT,
        radius_m=0.4,
        seen_rad=math.radians(seen_deg),
        wanted_rad=math.radians(270.0),
        because=because,
    )


def facing(bearing_rad: float, stamp_s: float, *, away_m: float = 3.0, off_rad: float = 0.0) -> PoseEstimate:
    """A robot that looks at the thing from this bearing."""
    x_m, y_m = AT + away_m * np.array((math.cos(bearing_rad), math.sin(bearing_rad)))
    pose = Pose2(float(x_m), float(y_m), bearing_rad + math.pi + off_rad)
    covariance = np.diag([1e-4, 1e-4, 1e-5])
    return PoseEstimate(stamp_ns=nanoseconds(stamp_s), map_from_odom=IDENTITY2, odom_from_base=pose, covariance=covariance)


def picture(stamp_s: float, shade: int = 90) -> Image:
    return Image(
        stamp_ns=nanoseconds(stamp_s), frame_id="camera", encoding="bgr8", pixels=np.full((480, 640, 3), shade, dtype=np.uint8)
    )


def thermal(stamp_s: float, body_c: float, around_c: float = 15.0) -> Image:
    """A warm thing in the middle of the picture, low."""
    kelvin = np.full((120, 160), around_c + 273.15)
    kelvin[60:110, 62:98] = body_c + 273.15
    pixels = np.round(100.0 * kelvin).astype(np.uint16)
    return Image(stamp_ns=nanoseconds(stamp_s), frame_id="thermal", encoding="mono16", pixels=pixels)


def cloud(estimate: PoseEstimate, points_map_m: Floats) -> PointCloud:
    lidar_from_map = (Pose3.from_pose2(estimate.map_from_base) @ LIDAR).inverse()
    count = len(points_map_m)
    return PointCloud(
        stamp_ns=estimate.stamp_ns,
        frame_id="lidar",
        points_m=lidar_from_map.apply(points_map_m).astype(np.float32),
        intensity=np.ones(count, dtype=np.float32),
        ring=np.zeros(count, dtype=np.uint8),
        time_s=np.zeros(count, dtype=np.float32),
    )


def block(length_m: float, width_m: float, height_m: float, yaw_rad: float) -> Floats:
    """Points (N, 3) m in map on the four sides of a block that stands at the thing's place."""
    steps = np.linspace(-0.5, 0.5, 25)
    heights = np.linspace(0.0, height_m, 15)
    sides = [(steps * length_m, np.full(25, side * width_m)) for side in (-0.5, 0.5)]
    sides += [(np.full(25, side * length_m), steps * width_m) for side in (-0.5, 0.5)]
    flat = np.vstack([np.column_stack(side) for side in sides])
    turned = Pose2(float(AT[0]), float(AT[1]), yaw_rad).apply(flat)
    return np.vstack([np.column_stack((turned, np.full(len(turned), height))) for height in heights])


def inspector() -> Inspector:
    made = Inspector(InspectorConfig(), CAMERA, LIDAR)
    made.know_thermal(THERMAL)
    return made


def look(made: Inspector, bearing_rad: float, at_s: float, *, covered: str = "", body_c: float = 15.0) -> None:
    """Two pictures and clouds from one place: the first only tells that the robot stands."""
    for stamp_s in (at_s, at_s + 0.1):
        estimate = facing(bearing_rad, stamp_s)
        made.on_thermal(thermal(stamp_s, body_c))
        made.on_cloud(cloud(estimate, block(0.6, 0.4, 0.45, 0.5)), estimate)
        made.on_picture(picture(stamp_s), covered, estimate)


def pixels(view: InspectionView) -> Bytes:
    """The picture of a view as it was kept."""
    decoded = cv2.imdecode(np.frombuffer(view.picture_jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded.astype(np.uint8)


def ended(made: Inspector, seen_deg: float = 290.0, because: str = "") -> InspectionReport:
    report = made.follow(state(seen_deg, "ended", because, 60.0))
    assert report is not None
    return report


def test_a_whole_inspection_has_pictures_size_and_temperature() -> None:
    made = inspector()
    assert made.follow(state(0.0)) is None
    for index in range(7):
        look(made, math.radians(45.0 * index), 2.0 + index, body_c=41.0 if index == 3 else 18.0)
    report = ended(made)
    assert len(report.views) == 7
    assert all(pixels(view).shape == (480, 640, 3) for view in report.views)
    assert report.size_m == pytest.approx((0.6, 0.4, 0.45), abs=0.1)
    assert report.size_error_m is not None
    assert 0.1 < report.size_error_m < 0.3
    warmest = report.warmest
    assert warmest is not None
    assert warmest.warmest_k == pytest.approx(41.0 + 273.15, abs=0.1)
    assert warmest.around_k == pytest.approx(15.0 + 273.15, abs=0.1)
    assert math.degrees(warmest.bearing_rad) == pytest.approx(135.0)
    assert report.began_ns == nanoseconds(1.0)
    assert made.is_idle


def test_a_covered_picture_stays_on_the_robot_and_the_temperature_is_told() -> None:
    made = inspector()
    made.follow(state(0.0))
    look(made, 0.0, 2.0, covered="the person detector failed", body_c=30.0)
    (view,) = ended(made, 50.0, "only 50 of 270 degrees: not done within 300 s").views
    assert view.picture_jpeg == b""
    assert view.warmest_k == pytest.approx(303.15, abs=0.1)


@pytest.mark.parametrize(
    ("bearing_rad", "away_m", "off_rad", "turn_rad"),
    [(0.0, 3.0, 0.5, 0.0), (0.0, 12.0, 0.0, 0.0), (0.0, 0.6, 0.0, 0.0), (0.0, 3.0, 0.0, 0.1)],
)
def test_only_steady_looks_at_the_thing_from_a_fair_distance_count(
    bearing_rad: float, away_m: float, off_rad: float, turn_rad: float
) -> None:
    made = inspector()
    made.follow(state(0.0))
    for index, stamp_s in enumerate((2.0, 2.1)):
        estimate = facing(bearing_rad, stamp_s, away_m=away_m, off_rad=off_rad + index * turn_rad)
        made.on_picture(picture(stamp_s), "", estimate)
    assert ended(made, 0.0, "only 0 of 270 degrees: x").views == ()


def test_the_better_look_at_a_side_replaces_the_worse() -> None:
    made = inspector()
    made.follow(state(0.0))
    for stamp_s, off_rad, shade in (
        (2.0, 0.2, 10),
        (2.1, 0.2, 50),
        (3.0, 0.02, 90),
        (3.1, 0.02, 130),
        (4.0, 0.1, 170),
        (4.1, 0.1, 210),
    ):
        made.on_picture(picture(stamp_s, shade), "", facing(0.1, stamp_s, off_rad=off_rad))
    (view,) = ended(made, 50.0, "only 50 of 270 degrees: x").views
    assert abs(int(pixels(view)[5, 5, 0]) - 130) <= 3


def test_without_an_inspection_nothing_is_kept_and_the_ground_is_no_part_of_a_thing() -> None:
    made = inspector()
    look(made, 0.0, 2.0)
    made.follow(state(0.0, stamp_s=5.0))
    for stamp_s in (6.0, 6.1):
        estimate = facing(0.0, stamp_s)
        made.on_cloud(
            cloud(estimate, np.column_stack((AT + np.random.default_rng(1).normal(0, 0.2, (200, 2)), np.zeros(200)))), estimate
        )
    report = ended(made, 0.0, "only 0 of 270 degrees: x")
    assert (report.views, report.size_m, report.size_error_m) == ((), None, None)


def test_without_a_thermal_camera_there_is_no_temperature() -> None:
    made = Inspector(InspectorConfig(), CAMERA, LIDAR)
    made.follow(state(0.0))
    look(made, 0.0, 2.0)
    report = ended(made, 50.0, "only 50 of 270 degrees: x")
    assert report.warmest is None
    assert "°C" not in alert_of(report).reason.sentence


def test_the_alert_says_what_was_found_and_belongs_to_the_incident() -> None:
    made = inspector()
    made.follow(state(0.0))
    for index in range(7):
        look(made, math.radians(45.0 * index), 2.0 + index, body_c=41.0)
    report = ended(made)
    alert = alert_of(report)
    assert (alert.severity, alert.incident_id, alert.track_id, alert.label) == ("info", "i1", 7, Label.OBJECT)
    assert alert.alert_id == alert_of(report).alert_id
    assert alert.reason.sentence.startswith("The object was seen from 290 degrees; it measures 0.")
    assert "its warmest side is at 41 °C, its surroundings at 15 °C." in alert.reason.sentence
    assert alert.reason.thresholds[0].margin == pytest.approx(20.0)
    assert alert.picture_jpeg in {view.picture_jpeg for view in report.views}
    part = alert_of(
        InspectionReport(
            state=state(150.0, "ended", "only 150 of 270 degrees: a wall"), began_ns=1, size_m=None, size_error_m=None, views=()
        )
    )
    assert part.reason.sentence.endswith("too little of it to measure. Only 150 of 270 degrees: a wall.")
    assert part.reason.nearest_change == "120 degrees more would have been enough."
    assert part.picture_jpeg == b""


def test_an_end_needs_a_reason_when_it_saw_less_and_none_when_it_saw_all() -> None:
    with pytest.raises(BadValue, match="because"):
        state(100.0, "ended")
    with pytest.raises(BadValue, match="because"):
        state(300.0, "ended", "why")


def test_the_size_is_that_of_the_box_on_the_ground_whatever_its_heading() -> None:
    for yaw_rad in (0.0, 0.4, 1.2):
        points = Points()
        for _ in range(2):
            points.add(block(4.2, 1.8, 1.5, yaw_rad))
        points.add(block(5.0, 5.0, 2.0, yaw_rad))
        for _ in range(2):
            points.add(np.array([[AT[0] + 6.0, AT[1], 0.5]]))
        assert points.size_m(0.0, 12) == pytest.approx((4.2, 1.8, 1.5), abs=0.12)
    assert Points().size_m(0.0, 12) is None


def test_heat_of_a_box_as_wide_as_the_picture_has_no_surroundings() -> None:
    warm, around = heat_of(thermal(1.0, 50.0), Box(x0_px=0.0, y0_px=60.0, x1_px=160.0, y1_px=110.0))
    assert warm == pytest.approx(323.15, abs=0.01)
    assert around is None


def test_the_report_is_kept_with_its_pictures(tmp_path: Path) -> None:
    made = inspector()
    made.follow(state(0.0))
    for index in range(6):
        look(made, math.radians(-45.0 * index), 2.0 + index, covered="no detector" if index == 5 else "")
    path = keep_inspection(tmp_path, ended(made, 200.0, "only 200 of 270 degrees: from 70 degrees no place can be reached"))
    kept = json.loads(path.read_text())
    assert (kept["seen_deg"], kept["because"][:8], kept["label"]) == (200.0, "only 200", "object")
    names = [view["picture"] for view in kept["views"]]
    assert sorted(name for name in names if name) == sorted(each.name for each in tmp_path.glob("*.jpg"))
    assert names.count("") == 1
    assert [view["bearing_deg"] for view in kept["views"]] == [0.0, 135.0, 180.0, 225.0, 270.0, 315.0]
    assert kept["length_m"] == pytest.approx(0.6, abs=0.1)
    assert kept["warmest_c"] == pytest.approx(15.0, abs=0.1)
