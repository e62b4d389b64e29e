# SPDX-License-Identifier: Apache-2.0
"""Places on the ground: right on average, and wrong by no more than the covariance says."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString

from patrol.geometry import IDENTITY2, Pose2, Pose3
from patrol.percepts import Box, GroundPosition, Label, Track
from patrol.sensors import CameraModel, PointCloud, Scan
from perception.ground import (
    GroundConfig,
    GroundProjector,
    Located,
    beyond,
    fused,
    mixed,
    near_or_beyond,
    pose_error_m2,
    to_map,
)
from perception.ground_filter import Placer
from perception.pose_trail import PoseTrail
from perception.ranging import LidarRanger, Ranged, RangingConfig
from tests.perception.build import CAMERA, FRAME, LOOKING_FORWARD, STEP_NS, estimate, person_box
from tests.perception.build import track as make_track

PROJECTOR = GroundProjector(CAMERA, GroundConfig())


def seen(box: Box, stamp_ns: int = 0, track_id: int = 1) -> Track:
    return replace(make_track(0.0, 0.0, stamp_ns, track_id=track_id), box=box, ground=None)


def located_by(projector: GroundProjector, box: Box, label: Label) -> Located | None:
    places = projector.places(box, label)
    return mixed(places) if places else None


def sigmas(place: Located, x_m: float, y_m: float) -> float:
    """How far (x, y) is from the place, in its own standard deviations."""
    gap = np.array([x_m, y_m]) - place.position_m
    return math.sqrt(float(gap @ np.linalg.solve(place.covariance_m2, gap)))


@settings(deadline=None)
@given(st.floats(3.0, 35.0), st.floats(-0.6, 0.6))
def test_a_standing_person_is_found_where_they_stand(range_m: float, bearing: float) -> None:
    x, y = range_m * math.cos(bearing), range_m * math.sin(bearing)
    located = located_by(PROJECTOR, person_box(x, y), Label.PERSON)
    assert located is not None
    assert math.dist(located.position_m, (x, y)) < 0.02 * range_m + 0.3


@settings(deadline=None)
@given(st.floats(3.0, 35.0))
def test_the_covariance_grows_with_range_and_is_positive(range_m: float) -> None:
    near, far = (located_by(PROJECTOR, person_box(x, 0.0), Label.PERSON) for x in (range_m, range_m + 5.0))
    assert near is not None
    assert far is not None
    assert np.linalg.eigvalsh(near.covariance_m2)[0] > 0.0
    assert far.covariance_m2[0, 0] > near.covariance_m2[0, 0]


@pytest.mark.parametrize("range_m", [5.0, 12.0, 25.0])
def test_errors_are_as_large_as_the_covariance_says(range_m: float) -> None:
    """Squared Mahalanobis distances of places found with a noisy camera are chi-squared with two degrees of freedom."""
    random, config = np.random.default_rng(3), GroundConfig()
    distances = []
    for _ in range(400):
        pitch, roll = random.normal(0.0, math.radians(0.5), 2)
        shaken = CameraModel.from_hfov(
            FRAME, 640, 480, math.radians(75.0), Pose3.from_xyz_rpy(0.2, 0.0, 0.9, roll, pitch, 0.0) @ _MOUNT
        )
        height = 1.7 + random.normal(0.0, 0.12)
        corners = np.array([(range_m, side, z) for side in (0.25, -0.25) for z in (0.0, height)])
        pixels = shaken.project(shaken.base_from_optical.inverse().apply(corners))
        noise = random.normal(0.0, max(config.edge_px, 0.03 * np.ptp(pixels[:, 1])), 4)
        low, high = pixels.min(axis=0) + noise[:2], pixels.max(axis=0) + noise[2:]
        box = Box(x0_px=low[0], y0_px=low[1], x1_px=high[0], y1_px=high[1])
        located = located_by(GroundProjector(CAMERA, config), box, Label.PERSON)
        if located is not None:
            error = located.position_m - (range_m, 0.0)
            distances.append(float(error @ np.linalg.solve(located.covariance_m2, error)))
    assert len(distances) > 360
    assert 0.3 < float(np.mean(distances)) < 3.0
    assert float(np.mean(np.array(distances) < 9.21)) > 0.95


_MOUNT = Pose3(np.zeros(3), LOOKING_FORWARD.rotation)


def test_a_foot_below_the_picture_falls_back_on_the_height() -> None:
    whole = person_box(1.75, 0.0)
    assert whole.y1_px > CAMERA.height_px
    cut = replace(whole, y0_px=max(whole.y0_px, 4.0), y1_px=float(CAMERA.height_px))
    located = located_by(PROJECTOR, cut, Label.PERSON)
    assert located is not None
    assert abs(located.position_m[0] - 1.75) < 0.4


def test_a_person_who_fills_the_picture_is_very_near() -> None:
    filling = Box(x0_px=200.0, y0_px=0.0, x1_px=500.0, y1_px=480.0)
    located = located_by(PROJECTOR, filling, Label.PERSON)
    assert located is not None
    assert 0.5 < float(np.hypot(*located.position_m)) < 2.0
    assert located_by(PROJECTOR, filling, Label.VEHICLE) is None


def test_a_thing_above_the_horizon_without_a_known_height_has_no_place() -> None:
    sky = Box(x0_px=300.0, y0_px=20.0, x1_px=320.0, y1_px=60.0)
    assert located_by(PROJECTOR, sky, Label.OBJECT) is None


@pytest.mark.parametrize("feet_m", [0.8, 1.4, 2.2])
@pytest.mark.parametrize("range_m", [8.0, 15.0, 20.0])
def test_somebody_on_a_fence_may_be_there_by_their_size(range_m: float, feet_m: float) -> None:
    places = PROJECTOR.places(person_box(range_m, 1.0, feet_m=feet_m), Label.PERSON)
    assert len(places) == 2
    assert min(sigmas(place, range_m, 1.0) for place in places) < 1.0
    assert sigmas(mixed(places), range_m, 1.0) < 2.0


@pytest.mark.parametrize("range_m", [6.0, 10.0, 12.0])
def test_somebody_with_hidden_feet_may_be_there_by_their_head(range_m: float) -> None:
    places = PROJECTOR.places(person_box(range_m, 1.0, feet_m=0.9, height_m=0.8), Label.PERSON)
    assert len(places) == 2
    assert min(sigmas(place, range_m, 1.0) for place in places) < 1.0
    assert sigmas(mixed(places), range_m, 1.0) < 2.0


@pytest.mark.parametrize(("label", "height_m"), [(Label.PERSON, 1.15), (Label.VEHICLE, 1.05)])
def test_the_foot_tells_of_what_is_small(label: Label, height_m: float) -> None:
    (place,) = PROJECTOR.places(person_box(9.0, 1.0, height_m=height_m), label)
    assert sigmas(place, 9.0, 1.0) < 1.0


def test_a_high_vehicle_may_be_there_by_its_foot() -> None:
    places = PROJECTOR.places(person_box(12.0, 1.0, height_m=3.6), Label.VEHICLE)
    assert min(sigmas(place, 12.0, 1.0) for place in places) < 1.1


def test_a_lidar_chooses_between_two_places() -> None:
    climber = seen(person_box(15.0, 0.0, feet_m=1.5))
    ranger = LidarRanger(CAMERA, BASE_FROM_LIDAR, RangingConfig())
    ranger.on_cloud(cloud_of(np.array(returns(15.0, 0.0, 1.2))), STANDING)
    (placed,) = Placer(PROJECTOR).place((climber,), estimate(0), ranger.ranges((climber,), 0, IDENTITY2))
    assert placed.ground is not None
    assert abs(placed.ground.position_m[0] - 15.0) < 0.4


def test_a_climber_does_not_fly_about() -> None:
    """Somebody walks to a fence, climbs two metres and comes down again, 25 m away, with no lidar."""
    placer = Placer(PROJECTOR)
    for number in range(120):
        feet_m = 2.0 * max(0.0, math.sin(math.pi * (number - 30) / 60.0)) if number > 30 else 0.0
        (placed,) = placer.place((seen(person_box(25.0, 0.0, feet_m=feet_m), number * STEP_NS),), estimate(number * STEP_NS))
        assert placed.ground is not None
        assert float(np.hypot(*placed.ground.velocity_mps)) < 2.5
        place = Located(position_m=placed.ground.position_m, covariance_m2=placed.ground.covariance_m2)
        assert sigmas(place, 25.0, 0.0) < 3.0


def walked_looks(range_m: float) -> dict[int, Ranged]:
    """What a lidar tells of somebody straight ahead."""
    return {1: Ranged(places=(Located(position_m=np.array([range_m, 0.0]), covariance_m2=np.eye(2) * 0.12**2),))}


def walked(placer: Placer, places_m: Iterable[float | None]) -> list[GroundPosition]:
    """What is told of somebody 25 m away, of whom a lidar tells these ranges in one picture after the other."""
    found = []
    for number, range_m in enumerate(places_m):
        box = person_box(25.0 if range_m is None else range_m, 0.0)
        looks = {} if range_m is None else walked_looks(range_m)
        (placed,) = placer.place((seen(box, number * STEP_NS),), estimate(number * STEP_NS), looks)
        assert placed.ground is not None
        found.append(placed.ground)
    return found


def test_what_is_elsewhere_for_a_moment_does_not_drag_a_track_along() -> None:
    """Something 12 m before somebody is taken for them in three pictures."""
    for ground in walked(Placer(PROJECTOR), [25.0] * 10 + [13.0] * 3 + [25.0] * 10 + [None] * 10):
        assert abs(ground.position_m[0] - 25.0) < 0.5
        assert float(np.hypot(*ground.velocity_mps)) < 1.0


def test_a_track_that_stays_elsewhere_is_there_and_did_not_run_there() -> None:
    told = walked(Placer(PROJECTOR), [25.0] * 10 + [13.0] * 12)
    assert all(float(np.hypot(*ground.velocity_mps)) < 1.0 for ground in told)
    assert all(abs(ground.position_m[0] - 25.0) < 0.5 for ground in told[:13])
    assert all(abs(ground.position_m[0] - 13.0) < 0.5 for ground in told[15:])


def test_a_track_led_astray_comes_back_to_where_it_is_measured() -> None:
    """It runs 10 m; then it is lost from sight for a second and a half, and found where it had come from."""
    placer = Placer(PROJECTOR)
    for number, range_m in enumerate([25.0 - 0.5 * step for step in range(20)] + [None] * 15 + [25.0] * 8):
        last_ns, stamp_ns = (number if range_m is not None else 19) * STEP_NS, number * STEP_NS
        track = replace(seen(person_box(range_m or 15.5, 0.0), stamp_ns), last_seen_ns=last_ns)
        looks = {} if range_m is None else walked_looks(range_m)
        (placed,) = placer.place((track,), estimate(stamp_ns), looks)
    assert placed.ground is not None
    assert abs(placed.ground.position_m[0] - 25.0) < 0.5
    assert float(np.hypot(*placed.ground.velocity_mps)) < 1.0


def test_who_breaks_into_a_run_is_followed() -> None:
    """At 4 m/s² up to 8 m/s."""
    speeds = [min(0.4 * step, 8.0) for step in range(30)]
    real = 25.0 - np.cumsum([0.0] * 10 + speeds) * 0.1
    told = walked(Placer(PROJECTOR), real.tolist())
    assert all(abs(ground.position_m[0] - range_m) < 0.75 for range_m, ground in zip(real, told, strict=True))
    assert float(told[-1].velocity_mps[0]) == pytest.approx(-8.0, abs=1.0)


def test_fusing_sharpens_when_two_places_agree_and_widens_when_they_do_not() -> None:
    first = Located(position_m=np.array([10.0, 0.0]), covariance_m2=np.diag([1.0, 0.1]))
    near = Located(position_m=np.array([10.5, 0.0]), covariance_m2=np.diag([1.0, 0.1]))
    far = Located(position_m=np.array([20.0, 0.0]), covariance_m2=np.diag([1.0, 0.1]))
    assert fused(first, near).covariance_m2[0, 0] == pytest.approx(0.5)
    assert fused(first, near).position_m[0] == pytest.approx(10.25)
    assert fused(first, far).covariance_m2[0, 0] > 1.0


def test_to_map_turns_place_and_covariance() -> None:
    located = Located(position_m=np.array([10.0, 0.0]), covariance_m2=np.diag([4.0, 0.1]))
    turned = to_map(located, Pose2(1.0, 2.0, math.pi / 2.0))
    np.testing.assert_allclose(turned.position_m, [1.0, 12.0], atol=1e-12)
    np.testing.assert_allclose(turned.covariance_m2, np.diag([0.1, 4.0]), atol=1e-12)


def test_an_unsure_heading_blurs_sideways() -> None:
    error = pose_error_m2(np.array([20.0, 0.0]), IDENTITY2, np.diag([0.0, 0.0, 0.01**2]))
    np.testing.assert_allclose(error, np.diag([0.0, 0.04]), atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(st.floats(-1.2, 1.2), st.floats(8.0, 14.0))
def test_a_walker_gets_position_and_velocity_on_the_map(speed_mps: float, range_m: float) -> None:
    placer = Placer(PROJECTOR)
    for number in range(30):
        stamp_ns, y = number * STEP_NS, speed_mps * (0.1 * number - 1.5)
        (placed,) = placer.place((seen(person_box(range_m, y), stamp_ns),), estimate(stamp_ns))
    assert placed.ground is not None
    assert math.dist(placed.ground.position_m, (range_m, speed_mps * 1.4)) < 0.6
    assert abs(placed.ground.velocity_mps[1] - speed_mps) < 0.35


def test_the_pose_error_does_not_average_out() -> None:
    placer = Placer(PROJECTOR)
    for number in range(50):
        (placed,) = placer.place((seen(person_box(10.0, 0.0), number * STEP_NS),), estimate(number * STEP_NS, std_m=1.0))
    assert placed.ground is not None
    assert placed.ground.covariance_m2[0, 0] >= 1.0


def vehicle_box(x_m: float, y_m: float, *, long_m: float) -> Box:
    """The box of a vehicle across the way, with its middle at (x, y) in map, as far as the picture shows it."""
    corners = [(x_m, y_m + side * long_m, z_m) for side in (0.5, -0.5) for z_m in (0.0, 1.7)]
    pixels = CAMERA.project(CAMERA.base_from_optical.inverse().apply(np.array(corners)))
    low, high = np.clip([pixels.min(axis=0), pixels.max(axis=0)], 0.0, (CAMERA.width_px, CAMERA.height_px))
    return Box(x0_px=low[0], y0_px=low[1], x1_px=high[0], y1_px=high[1])


@pytest.mark.parametrize("long_m", [4.5, 5.5])
@pytest.mark.parametrize("left", [1.0, -1.0])
def test_of_a_vehicle_that_the_pictures_side_cuts_the_middle_is_not_known_until_all_of_it_is_in_view(
    left: float, long_m: float
) -> None:
    placer, pose = Placer(PROJECTOR), estimate(0)

    def placed(y_m: float, number: int) -> Located:
        box = vehicle_box(10.0, y_m, long_m=long_m)
        (ray,) = CAMERA.rays([[0.5 * (box.x0_px + box.x1_px), CAMERA.cy_px]])
        in_view = Located(position_m=np.array([10.0, -9.8 * ray[0] / ray[2]]), covariance_m2=np.diag([0.02, 0.3]))
        one = replace(seen(box, number * STEP_NS), label=Label.VEHICLE)
        (track,) = placer.place((one,), replace(pose, stamp_ns=number * STEP_NS), {1: Ranged(places=(in_view,))})
        assert track.ground is not None
        return Located(position_m=track.ground.position_m, covariance_m2=track.ground.covariance_m2)

    stands = [placed(left * 9.0, number) for number in range(30)]
    assert math.dist(stands[-1].position_m, (10.0, left * 9.0)) > 0.8
    assert sigmas(stands[-1], 10.0, left * 9.0) < 2.5
    in_view = [placed(left * 4.0, number) for number in range(30, 50)]
    assert math.dist(in_view[-1].position_m, (10.0, left * 4.0)) < 0.3


def test_without_a_pose_nothing_is_placed_and_what_was_placed_goes_on() -> None:
    placer = Placer(PROJECTOR)
    (unplaced,) = placer.place((seen(person_box(10.0, 0.0), 0),), None)
    assert unplaced.ground is None
    (placed,) = placer.place((seen(person_box(10.0, 0.0), STEP_NS),), estimate(STEP_NS))
    (later,) = placer.place((seen(person_box(10.0, 0.0), 10 * STEP_NS),), None)
    assert placed.ground is not None
    assert later.ground is not None
    assert later.ground.covariance_m2[0, 0] > placed.ground.covariance_m2[0, 0]


def cloud_of(points: np.ndarray[tuple[int, int], np.dtype[np.float64]], stamp_ns: int = 0) -> PointCloud:
    count = len(points)
    return PointCloud(
        stamp_ns=stamp_ns,
        frame_id="lidar_link",
        points_m=points.astype(np.float32),
        intensity=np.zeros(count, dtype=np.float32),
        ring=np.zeros(count, dtype=np.uint8),
        time_s=np.zeros(count, dtype=np.float32),
    )


STANDING = PoseTrail()
STANDING.hear(0, IDENTITY2)
BASE_FROM_LIDAR = Pose3.from_xyz_rpy(0.0, 0.0, 0.65, 0.0, 0.0, 0.0)


def returns(x_m: float, y_m: float, z_from_lidar_m: float = 0.2) -> list[tuple[float, float, float]]:
    return [(x_m - 0.15, y_m + side, z_from_lidar_m + up) for side in (-0.1, 0.0, 0.1) for up in (-0.3, 0.0, 0.3)]


def test_the_lidar_tells_how_far_a_person_is() -> None:
    ranger = LidarRanger(CAMERA, BASE_FROM_LIDAR, RangingConfig())
    wall = [(30.0, 0.3 * step, 0.5) for step in range(-20, 20)]
    ranger.on_cloud(cloud_of(np.array(returns(18.0, 1.0) + wall)), STANDING)
    found = ranger.ranges((seen(person_box(18.0, 1.0)),), 0, IDENTITY2)
    assert math.dist(found[1].places[0].position_m, (18.0, 1.0)) < 0.25
    camera_only = located_by(PROJECTOR, person_box(18.0, 1.0), Label.PERSON)
    assert camera_only is not None
    assert found[1].places[0].covariance_m2[0, 0] < 0.1 * camera_only.covariance_m2[0, 0]


def is_empty(looks: Mapping[int, Ranged]) -> bool:
    """Whether beams went into the box of track 1, the only one, and nothing there is its own."""
    return list(looks) == [1] and not looks[1].places and looks[1].fence_m is None


def post(x_m: float, y_m: float, *, to_m: float = 4.0) -> list[tuple[float, float, float]]:
    """Returns of something narrow that is ``to_m`` high, in the lidar's frame."""
    return [(x_m, y_m + side, z - 0.65) for side in (-0.03, 0.03) for z in np.arange(0.2, to_m, 0.15).tolist()]


@pytest.mark.parametrize("post_m", [4.0, 7.5, 10.5])
def test_a_lamp_post_before_somebody_is_not_they(post_m: float) -> None:
    ranger, tracks = LidarRanger(CAMERA, BASE_FROM_LIDAR, RangingConfig()), (seen(person_box(13.0, 0.0)),)
    ranger.on_cloud(cloud_of(np.array(returns(13.0, 0.0) + post(post_m, 0.0))), STANDING)
    (place,) = ranger.ranges(tracks, 0, IDENTITY2)[1].places
    assert math.dist(place.position_m, (13.0, 0.0)) < 0.25
    ranger.on_cloud(cloud_of(np.array(post(post_m, 0.0))), STANDING)
    assert is_empty(ranger.ranges(tracks, 0, IDENTITY2))


def test_one_return_above_a_box_is_enough_for_a_narrow_post() -> None:
    ranger, tracks = LidarRanger(CAMERA, BASE_FROM_LIDAR, RangingConfig()), (seen(person_box(13.0, 0.0)),)
    narrow = [(13.0, 0.0, 13.0 * math.tan(math.radians(elevation))) for elevation in range(-1, 10, 2)]
    ranger.on_cloud(cloud_of(np.array(narrow)), STANDING)
    assert is_empty(ranger.ranges(tracks, 0, IDENTITY2))
    ranger.on_cloud(cloud_of(np.array([point for point in narrow if point[2] < 1.0])), STANDING)
    assert len(ranger.ranges(tracks, 0, IDENTITY2)[1].places) == 1


def test_a_wall_close_behind_somebody_is_not_they() -> None:
    ranger, tracks = LidarRanger(CAMERA, BASE_FROM_LIDAR, RangingConfig()), (seen(person_box(13.0, 0.0)),)
    wall = [point for step in range(-20, 20) for point in post(13.45, 0.1 * step)]
    ranger.on_cloud(cloud_of(np.array(returns(13.0, 0.0) + wall)), STANDING)
    (place,) = ranger.ranges(tracks, 0, IDENTITY2)[1].places
    assert math.dist(place.position_m, (13.0, 0.0)) < 0.25


def test_a_low_fence_and_its_climber_are_at_one_place() -> None:
    ranger, climber = LidarRanger(CAMERA, BASE_FROM_LIDAR, RangingConfig()), seen(person_box(15.0, 0.0, feet_m=1.5))
    fence = [point for step in range(-20, 20) for point in post(15.0, 0.1 * step, to_m=2.4)]
    ranger.on_cloud(cloud_of(np.array(returns(15.0, 0.0, 1.7) + fence)), STANDING)
    (placed,) = Placer(PROJECTOR).place((climber,), estimate(0), ranger.ranges((climber,), 0, IDENTITY2))
    assert placed.ground is not None
    assert abs(placed.ground.position_m[0] - 15.0) < 0.4


def test_beams_that_reach_the_ground_look_through_a_box() -> None:
    ranger, tracks = LidarRanger(CAMERA, BASE_FROM_LIDAR, RangingConfig()), (seen(person_box(8.0, 0.0)),)
    ground = [(x, 0.05 * side, -0.65) for x in (10.0, 14.0, 19.0) for side in (-1, 0, 1)]
    ranger.on_cloud(cloud_of(np.array(ground)), STANDING)
    assert is_empty(ranger.ranges(tracks, 0, IDENTITY2))
    ranger.on_cloud(cloud_of(np.array(ground + returns(8.0, 0.0))), STANDING)
    (place,) = ranger.ranges(tracks, 0, IDENTITY2)[1].places
    assert math.dist(place.position_m, (8.0, 0.0)) < 0.25
    ranger.on_cloud(cloud_of(np.array(ground[:2])), STANDING)
    assert ranger.ranges(tracks, 0, IDENTITY2) == {}


def rings(elevations_deg: list[float], bearings_deg: tuple[float, float]) -> list[tuple[float, float, float]]:
    """Returns on the ground, and higher up on a wall 30 m away, from every ring and half a degree of bearing."""
    found: list[tuple[float, float, float]] = []
    for elevation in np.radians(elevations_deg).tolist():
        range_m = 0.65 / math.tan(-elevation) if elevation < -0.03 else 30.0
        bearings = np.radians(np.arange(*bearings_deg, 0.5)).tolist()
        found += [(range_m * math.cos(at), range_m * math.sin(at), range_m * math.tan(elevation)) for at in bearings]
    return found


def test_a_box_in_which_no_beam_meets_anything_is_empty_where_beams_are_known_to_go() -> None:
    ranger, tracks = LidarRanger(CAMERA, BASE_FROM_LIDAR, RangingConfig()), (seen(person_box(8.0, 0.0)),)
    sector = np.array(rings([-15.0, -13.0, -11.0], (-180.0, 180.0)))
    ranger.on_cloud(cloud_of(sector), STANDING)
    assert ranger.ranges(tracks, 0, IDENTITY2) == {}, "rings that cross the box are not known yet"
    ranger.on_cloud(cloud_of(np.array(rings([-15.0, -1.0, 1.0, 3.0, 5.0], (60.0, 180.0)))), STANDING)
    assert ranger.ranges(tracks, 0, IDENTITY2) == {}, "nothing came from that way"
    ranger.on_cloud(cloud_of(sector), STANDING)
    assert is_empty(ranger.ranges(tracks, 0, IDENTITY2))
    ranger.on_cloud(cloud_of(np.concatenate((sector, returns(8.0, 0.0)))), STANDING)
    assert len(ranger.ranges(tracks, 0, IDENTITY2)[1].places) == 1
    stray = [(5.0, 0.0, 0.1)]
    ranger.on_cloud(cloud_of(np.concatenate((sector, stray))), STANDING)
    assert is_empty(ranger.ranges(tracks, 0, IDENTITY2)), "a drop of rain is no body"


def test_the_rings_of_a_cloud_say_nothing_of_a_planar_scan() -> None:
    ranger, tracks = LidarRanger(CAMERA, BASE_FROM_LIDAR, RangingConfig()), (seen(person_box(12.0, 0.0, feet_m=1.5)),)
    ranger.on_cloud(cloud_of(np.array(rings([-15.0, 5.0, 7.0, 9.0, 11.0], (-180.0, 180.0)))), STANDING)
    assert 1 in ranger.ranges(tracks, 0, IDENTITY2)
    ahead = Scan(
        stamp_ns=0, frame_id="lidar_link", angle_min_rad=-0.02, angle_step_rad=0.01, range_min_m=0.1, range_max_m=40.0,
        ranges_m=np.full(5, 25.0, dtype=np.float32),
    )  # fmt: skip
    ranger.on_scan(ahead, STANDING)
    assert ranger.ranges(tracks, 0, IDENTITY2) == {}


def test_a_giant_is_not_the_person_in_the_box() -> None:
    ranger, tracks = LidarRanger(CAMERA, BASE_FROM_LIDAR, RangingConfig()), (seen(person_box(9.0, 0.0)),)
    crates = [(20.0, 0.1 * side, up) for side in range(-6, 7) for up in (0.1, 0.6, 1.1)]
    cloud = rings([-15.0, -13.0, -11.0, -1.0, 1.0, 3.0, 5.0], (90.0, 180.0)) + rings([-15.0, -13.0], (-90.0, 90.0))
    ranger.on_cloud(cloud_of(np.array(cloud + crates)), STANDING)
    assert is_empty(ranger.ranges(tracks, 0, IDENTITY2))
    vehicle = (replace(tracks[0], label=Label.VEHICLE),)
    assert len(ranger.ranges(vehicle, 0, IDENTITY2)[1].places) == 1


def test_an_old_cloud_or_one_without_returns_tells_nothing() -> None:
    ranger = LidarRanger(CAMERA, BASE_FROM_LIDAR, RangingConfig())
    tracks = (seen(person_box(18.0, 1.0), 5 * STEP_NS),)
    assert ranger.ranges(tracks, 5 * STEP_NS, IDENTITY2) == {}
    ranger.on_cloud(cloud_of(np.array(returns(18.0, 1.0))), STANDING)
    assert ranger.ranges(tracks, 5 * STEP_NS, IDENTITY2) == {}
    ranger.on_cloud(cloud_of(np.array(returns(18.0, -6.0)), 5 * STEP_NS), STANDING)
    assert ranger.ranges(tracks, 5 * STEP_NS, IDENTITY2) == {}


def test_the_robots_motion_between_cloud_and_picture_is_undone() -> None:
    ranger = LidarRanger(CAMERA, BASE_FROM_LIDAR, RangingConfig())
    ranger.on_cloud(cloud_of(np.array(returns(10.0, 0.0))), STANDING)
    base = Pose2(0.2, 0.0, 0.1)
    found = ranger.ranges((seen(person_box(10.0, 0.0, base=base)),), 0, base)
    assert math.dist(base.apply(found[1].places[0].position_m[None, :])[0], (10.0, 0.0)) < 0.2


@pytest.mark.parametrize("turn_radps", [-0.8, 0.8])
def test_a_turn_during_the_revolution_does_not_put_the_person_to_the_wall_behind(turn_radps: float) -> None:
    """Every return is taken at its own time: in a turn, that of the revolution's begin would place it beside the box."""
    points, times_s = np.array(returns(14.0, 0.0) + [(20.0, 0.1 * y, z) for y in range(-40, 41) for z in (-0.4, 0.0, 0.5)]), []
    seen_then = []
    for x, y, z in points.tolist():
        time_s = 0.05 + 0.1 * math.atan2(y, x) / (2.0 * math.pi)
        times_s.append(time_s)
        seen_then.append([*Pose2(0.0, 0.0, turn_radps * time_s).inverse().apply([[x, y]])[0].tolist(), z])
    cloud = replace(cloud_of(np.array(seen_then)), time_s=np.array(times_s, dtype=np.float32))
    ranger, trail = LidarRanger(CAMERA, BASE_FROM_LIDAR, RangingConfig()), PoseTrail()
    for at_s in (0.0, 0.1, 0.2):
        trail.hear(round(at_s * 1e9), Pose2(0.0, 0.0, turn_radps * at_s))
    ranger.on_cloud(cloud, trail)
    base = Pose2(0.0, 0.0, turn_radps * 0.2)
    (place, *_) = ranger.ranges((seen(person_box(14.0, 0.0, base=base), 2 * STEP_NS),), 2 * STEP_NS, base)[1].places
    assert math.dist(base.apply(place.position_m[None, :])[0], (14.0, 0.0)) < 0.25


@pytest.mark.parametrize(("tops_m", "places"), [((0.6, 0.75), 1), ((0.75, 0.9), 2)])
def test_a_narrow_thing_before_the_person_is_told_from_the_person(tops_m: tuple[float, ...], places: int) -> None:
    """A low one is looked over; of one that ends higher only the picture knows that it is not they."""
    ranger = LidarRanger(CAMERA, BASE_FROM_LIDAR, RangingConfig())
    thing = [(5.0, 0.05 * step, z_m - 0.65) for step in range(-1, 2) for z_m in tops_m]
    ranger.on_cloud(cloud_of(np.array(returns(12.0, 0.0) + thing)), STANDING)
    tracks = (seen(person_box(12.0, 0.0)),)
    ranged = ranger.ranges(tracks, 0, IDENTITY2)
    assert len(ranged[1].places) == places
    (placed,) = Placer(PROJECTOR).place(tracks, estimate(0), ranged)
    assert placed.ground is not None
    assert abs(placed.ground.position_m[0] - 12.0) < 0.3


@pytest.mark.parametrize(("post_m", "far_m"), [(37.0, 60.0), (20.0, 35.0)])
def test_a_post_in_the_box_of_a_vehicle_is_not_the_vehicle(post_m: float, far_m: float) -> None:
    ranger, tracks = (
        LidarRanger(CAMERA, BASE_FROM_LIDAR, RangingConfig()),
        (replace(seen(vehicle_box(far_m, 0.0, long_m=8.0)), label=Label.VEHICLE),),
    )
    ranger.on_cloud(cloud_of(np.array(post(post_m, 0.0, to_m=1.5))), STANDING)
    assert ranger.ranges(tracks, 0, IDENTITY2) == {}
    side = [(far_m, 0.2 * step, 0.4) for step in range(-20, 21)]
    ranger.on_cloud(cloud_of(np.array(post(post_m, 0.0, to_m=1.5) + side)), STANDING)
    (place,) = ranger.ranges(tracks, 0, IDENTITY2)[1].places
    assert abs(place.position_m[0] - far_m) < 0.5


def test_a_bench_in_the_box_of_somebody_far_behind_it_is_not_they() -> None:
    """Their box reaches down over the bench, so that by its size they would be where the bench is."""
    ranger, tracks = LidarRanger(CAMERA, BASE_FROM_LIDAR, RangingConfig()), (seen(person_box(15.0, 0.0)),)
    bench = [(15.0, 0.05 * step, z_m - 0.65) for step in range(-8, 9) for z_m in (0.25, 0.4)]
    wall = [(40.0, 0.1 * step, 0.6) for step in range(-8, 9)]
    ranger.on_cloud(cloud_of(np.array(bench + wall)), STANDING)
    assert ranger.ranges(tracks, 0, IDENTITY2) == {}
    ranger.on_cloud(cloud_of(np.array(bench)), STANDING)
    assert len(ranger.ranges(tracks, 0, IDENTITY2)[1].places) == 1


def far_wall(distance_m: float) -> list[tuple[float, float, float]]:
    """Returns of a wall straight ahead, in the lidar's frame."""
    return [(distance_m, 0.15 * step, z_m - 0.65) for step in range(-40, 41) for z_m in np.arange(0.3, 4.0, 0.3).tolist()]


def test_nobody_is_near_where_beams_go_through_their_box_to_what_is_far() -> None:
    """A climber 17 m off and the post below them in one box, which is as high as a person is 6 m away."""
    ranger = LidarRanger(CAMERA, BASE_FROM_LIDAR, RangingConfig())
    walking, box = (seen(person_box(17.0, 0.0)),), person_box(6.0, 0.0)
    merged = (seen(box, STEP_NS),)
    placer = Placer(PROJECTOR)
    ranger.on_cloud(cloud_of(np.array(far_wall(20.0))), STANDING)
    looks = ranger.ranges(walking, 0, IDENTITY2)
    assert looks[1].clear_m == pytest.approx(19.4, abs=0.1)
    placer.place(walking, estimate(0), {})
    looks = ranger.ranges(merged, STEP_NS, IDENTITY2)
    for number in range(1, 40):
        (placed,) = placer.place((seen(box, number * STEP_NS),), estimate(number * STEP_NS), looks)
    assert placed.ground is not None
    assert placed.ground.position_m[0] == pytest.approx(17.0, abs=0.5), "the box says nothing"
    ranger.on_cloud(cloud_of(np.array(far_wall(20.0) + returns(6.0, 0.4))), STANDING)
    assert ranger.ranges(merged, STEP_NS, IDENTITY2)[1].clear_m < 6.0, "who crosses quickly may be beside their box"
    ranger.on_cloud(cloud_of(np.array([(20.0, 0.0, -0.3), (20.0, 0.1, -0.3)])), STANDING)
    assert ranger.ranges(merged, STEP_NS, IDENTITY2).get(1, Ranged()).clear_m == 0.0, "two beams are too few"


def chain_link(
    bearings_deg: Iterable[float], distance_m: float, slope: float, rises: tuple[float, ...] = (0.0, 0.02)
) -> list[tuple[float, float, float]]:
    """Beams at these bearings, in rings that rise so much, that end at a fence ``distance_m`` ahead; it comes nearer to the left
    by ``slope``."""
    reach = [(math.radians(each), distance_m / (1.0 + slope * math.tan(math.radians(each)))) for each in bearings_deg]
    return [(x_m, x_m * math.tan(angle), x_m * rise) for angle, x_m in reach for rise in rises]


@pytest.mark.parametrize("slope", [0.0, 1.0, -3.0])
def test_a_fence_that_somebody_is_seen_through_does_not_tell_where_they_are(slope: float) -> None:
    ranger, tracks = LidarRanger(CAMERA, BASE_FROM_LIDAR, RangingConfig()), (seen(person_box(24.0, 0.0)),)
    fence = chain_link(np.arange(-8.0, 8.1, 0.4), 11.0, slope)
    ranger.on_cloud(cloud_of(np.array(fence)), STANDING)
    assert ranger.ranges(tracks, 0, IDENTITY2) == {}
    ranger.on_cloud(cloud_of(np.array(fence + returns(24.0, 0.0))), STANDING)
    (place,) = ranger.ranges(tracks, 0, IDENTITY2)[1].places
    assert math.dist(place.position_m, (24.0, 0.0)) < 0.25, "some beams go through its meshes"
    ranger.on_cloud(cloud_of(np.array(fence + chain_link((0.0,), 11.0, slope, rises=(0.075,)))), STANDING)
    assert is_empty(ranger.ranges(tracks, 0, IDENTITY2)), "what goes on above the box may be a wall with a stain"


@pytest.mark.parametrize(
    ("bearings_deg", "distance_m", "where"),
    [
        (np.arange(-0.4, 0.5, 0.4), 11.0, "nothing goes on beside the box"),
        (np.arange(-8.0, 0.5, 0.4), 11.0, "it ends at the box"),
        (np.arange(-8.0, 8.1, 0.4), 22.0, "who fills the box there is as high as a person"),
    ],
)
def test_what_is_no_fence_before_somebody_may_be_they(bearings_deg: Iterable[float], distance_m: float, where: str) -> None:
    ranger, tracks = LidarRanger(CAMERA, BASE_FROM_LIDAR, RangingConfig()), (seen(person_box(24.0, 0.0)),)
    ranger.on_cloud(cloud_of(np.array(chain_link(bearings_deg, distance_m, 0.0))), STANDING)
    assert len(ranger.ranges(tracks, 0, IDENTITY2)[1].places) == 1, where


def fenced(distance_m: float) -> tuple[LidarRanger, list[tuple[float, float, float]]]:
    """A ranger that knows of a fence across the way, and the returns of that fence: higher than anybody behind it looks."""
    line = LineString([(distance_m + 0.4, -20.0), (distance_m + 0.4, 20.0)])
    returned = chain_link(np.arange(-8.0, 8.1, 0.4), distance_m, 0.0, rises=(0.0, 0.02, 0.04, 0.06, 0.08, 0.1))
    return LidarRanger(CAMERA, BASE_FROM_LIDAR, RangingConfig(), line), returned


@pytest.mark.parametrize("range_m", [10.5, 12.0, 20.0])
def test_who_is_seen_through_a_fence_of_the_site_is_behind_it(range_m: float) -> None:
    ranger, fence = fenced(10.0)
    tracks = (seen(person_box(range_m, 0.0)),)
    ranger.on_cloud(cloud_of(np.array(fence)), STANDING)
    ranged = ranger.ranges(tracks, 0, IDENTITY2, IDENTITY2)
    assert ranged[1].places == ()
    assert ranged[1].fence_m == pytest.approx(10.0, abs=0.3)
    (placed,) = Placer(PROJECTOR).place(tracks, estimate(0), ranged)
    assert placed.ground is not None
    assert placed.ground.position_m[0] > 10.0
    assert abs(placed.ground.position_m[0] - range_m) < 2.5 * math.sqrt(placed.ground.covariance_m2[0, 0])
    elsewhere = ranger.ranges(tracks, 0, IDENTITY2, Pose2(x_m=-5.0, y_m=0.0, yaw_rad=0.0))
    assert elsewhere.get(1, Ranged()).fence_m is None, "the site has no fence there"


@pytest.mark.parametrize("range_m", [9.5, 5.0])
def test_who_stands_before_a_fence_of_the_site_is_not_behind_it(range_m: float) -> None:
    ranger, fence = fenced(10.0)
    edges_deg = [math.degrees(math.atan2(side, range_m)) for side in (-0.25, 0.25)]
    free = [one for one in fence if not edges_deg[0] <= math.degrees(math.atan2(one[1], one[0])) <= edges_deg[1]]
    tracks = (seen(person_box(range_m, 0.0)),)
    ranger.on_cloud(cloud_of(np.array(free + returns(range_m, 0.0))), STANDING)
    (place,) = ranger.ranges(tracks, 0, IDENTITY2, IDENTITY2)[1].places
    assert math.dist(place.position_m, (range_m, 0.0)) < 0.25


def test_a_post_before_a_fence_of_the_site_is_no_fence() -> None:
    ranger, fence = fenced(10.0)
    ranger.on_cloud(cloud_of(np.array(fence + post(6.0, 0.0))), STANDING)
    assert is_empty(ranger.ranges((seen(person_box(12.0, 0.0)),), 0, IDENTITY2, IDENTITY2))


def test_who_would_be_a_giant_in_a_fence_is_not_behind_it() -> None:
    ranger, fence = fenced(10.0)
    ranger.on_cloud(cloud_of(np.array(fence)), STANDING)
    assert ranger.ranges((seen(person_box(7.5, 0.0)),), 0, IDENTITY2, IDENTITY2)[1].fence_m is None


@settings(deadline=None)
@given(st.floats(0.2, 3.0), st.floats(-3.0, 2.0), st.floats(-0.8, 0.8))
def test_what_is_beyond_a_range_has_the_moments_of_what_is_left_of_its_distribution(
    std_m: float, limit: float, bearing: float
) -> None:
    turn = np.array([[math.cos(bearing), -math.sin(bearing)], [math.sin(bearing), math.cos(bearing)]])
    place = Located(position_m=20.0 * turn[:, 0], covariance_m2=turn @ np.diag([std_m**2, 0.3**2]) @ turn.T)
    left = beyond((place,), 20.0 + limit * std_m)
    grid = np.linspace(limit, limit + 12.0, 40_001)
    weight = np.exp(-0.5 * grid**2) / np.exp(-0.5 * grid**2).sum()
    mean = float(weight @ grid)
    assert np.allclose(left.position_m @ turn, [20.0 + std_m * mean, 0.0], atol=0.01 * std_m)
    spread = np.diag([std_m**2 * float(weight @ (grid - mean) ** 2), 0.3**2])
    assert np.allclose(turn.T @ left.covariance_m2 @ turn, spread, atol=0.01 * std_m**2)


def test_of_two_places_the_one_before_the_fence_is_left_out() -> None:
    low, high = (Located(position_m=np.array([x_m, 0.0]), covariance_m2=np.eye(2)) for x_m in (7.0, 24.0))
    place = beyond((low, high), 20.0)
    assert math.dist(place.position_m, (24.0, 0.0)) < 0.01
    assert np.allclose(place.covariance_m2, np.eye(2), atol=0.01)


@settings(deadline=None)
@given(st.floats(0.5, 5.0), st.floats(-1.0, 2.5))
def test_who_may_be_at_a_fence_or_behind_it_is_held_by_both(std_m: float, behind: float) -> None:
    fence = Located(position_m=np.array([18.0, 0.0]), covariance_m2=np.diag([0.1**2, 0.1**2]))
    by_picture = Located(position_m=np.array([18.0 + behind * std_m, 0.0]), covariance_m2=np.diag([std_m**2, 0.2**2]))
    place = near_or_beyond(by_picture, fence, 0.75)
    grid = np.linspace(17.25, 60.0, 80_001)
    weight = np.exp(-0.5 * ((grid - by_picture.position_m[0]) / std_m) ** 2)
    weight /= weight.sum()
    there = np.where(grid < 18.75, fused(fence, by_picture).position_m[0], grid)
    mean = float(weight @ there)
    assert place.position_m[0] == pytest.approx(mean, abs=0.05)
    assert place.covariance_m2[0, 0] == pytest.approx(float(weight @ (there - mean) ** 2), abs=0.05 + 0.02 * std_m**2)


@pytest.mark.parametrize(("range_m", "is_known"), [(28.0, False), (21.0, False), (17.0, False), (17.0, True)])
def test_returns_of_a_far_fence_do_not_say_where_somebody_on_the_ground_is(range_m: float, *, is_known: bool) -> None:
    ranger = LidarRanger(CAMERA, BASE_FROM_LIDAR, RangingConfig(), LineString([(17.0, -20.0), (17.0, 20.0)]))
    ranger.on_cloud(cloud_of(np.array([(17.0, 0.05, 0.5), (17.0, -0.05, 0.5)])), STANDING)
    tracks = (seen(person_box(range_m, 0.0)),)
    ranged = ranger.ranges(tracks, 0, IDENTITY2, None if is_known else IDENTITY2)
    (place,) = ranged[1].places
    assert place.position_m[0] == pytest.approx(17.15, abs=0.1)
    (placed,) = Placer(PROJECTOR).place(tracks, estimate(0), ranged)
    assert placed.ground is not None
    std_m = math.sqrt(placed.ground.covariance_m2[0, 0])
    assert abs(placed.ground.position_m[0] - range_m) < 2.0 * std_m + 0.2
    assert (std_m < 0.3) == is_known


@pytest.mark.parametrize(
    ("lift_px", "may_be_fence", "stays"), [(0.6, True, True), (0.6, False, False), (3.0, True, True), (3.0, False, True)]
)
def test_who_climbs_a_fence_stays_on_it_though_their_head_looks_near(lift_px: float, *, may_be_fence: bool, stays: bool) -> None:
    """A head that rises slowly might be of somebody who comes nearer, unless there is a fence; one that rises fast is not."""
    placer, fence = Placer(PROJECTOR), Located(position_m=np.array([17.0, 0.0]), covariance_m2=np.diag([0.15**2, 0.1**2]))
    for number in range(20):
        box = person_box(17.0, 0.0)
        tracks = (seen(box, number * STEP_NS),)
        placer.place(tracks, estimate(number * STEP_NS))
    for number in range(20, 20 + round(60 / lift_px)):
        lifted_px = lift_px * (number - 20)
        tracks = (seen(replace(box, y0_px=box.y0_px - lifted_px, y1_px=box.y1_px - 0.4 * lifted_px), number * STEP_NS),)
        ranged = {1: Ranged(places=(fence,), may_be_fence=frozenset({0} if may_be_fence else ()))}
        (placed,) = placer.place(tracks, estimate(number * STEP_NS), ranged)
    assert placed.ground is not None
    assert (abs(placed.ground.position_m[0] - 17.0) < 0.5) == stays


def test_who_reaches_up_and_climbs_does_not_come_nearer() -> None:
    """Eleven metres off, seen by the camera alone: within half a second their box is a quarter higher and begins to rise."""
    placer = Placer(PROJECTOR)
    box = person_box(11.0, 0.0)
    for number in range(20):
        placer.place((seen(box, number * STEP_NS),), estimate(number * STEP_NS))
    for number in range(20, 26):
        rise_px = 0.06 * box.height_px * (number - 19)
        higher = replace(box, y0_px=box.y0_px - 1.7 * rise_px, y1_px=box.y1_px - rise_px)
        (placed,) = placer.place((seen(higher, number * STEP_NS),), estimate(number * STEP_NS))
        assert placed.ground is not None
        assert abs(placed.ground.position_m[0] - 11.0) < 1.5


@pytest.mark.parametrize("clear_m", [0.0, 16.0])
def test_who_is_high_on_a_fence_is_on_it_whether_or_not_beams_rule_out_that_they_are_near(clear_m: float) -> None:
    fence = Located(position_m=np.array([17.0, 0.0]), covariance_m2=np.diag([0.15**2, 0.1**2]))
    box = person_box(17.0, 0.0)
    high = replace(box, y0_px=box.y0_px - 30.0, y1_px=box.y1_px - 30.0)
    assert len(PROJECTOR.places(high, Label.PERSON)) == 2
    ranged = {1: Ranged(places=(fence,), may_be_fence=frozenset({0}), clear_m=clear_m)}
    (placed,) = Placer(PROJECTOR).place((seen(high),), estimate(0), ranged)
    assert placed.ground is not None
    assert placed.ground.position_m[0] == pytest.approx(17.0, abs=0.1)
    assert math.sqrt(placed.ground.covariance_m2[0, 0]) < 0.3


def test_a_child_before_a_wall_is_not_taken_for_the_wall() -> None:
    ranger, tracks = LidarRanger(CAMERA, BASE_FROM_LIDAR, RangingConfig()), (seen(person_box(12.0, 0.0, height_m=1.0)),)
    wall = [point for point in chain_link(np.arange(-8.0, 8.1, 0.4), 12.4, 0.0) if abs(point[1]) > 0.2]
    ranger.on_cloud(cloud_of(np.array(wall + returns(12.0, 0.0, -0.15))), STANDING)
    (place,) = ranger.ranges(tracks, 0, IDENTITY2)[1].places
    assert math.dist(place.position_m, (12.0, 0.0)) < 0.25


def test_a_range_that_belongs_to_another_thing_is_not_believed() -> None:
    wall = Located(position_m=np.array([30.0, 0.0]), covariance_m2=np.eye(2) * 0.02)
    (placed,) = Placer(PROJECTOR).place((seen(person_box(8.0, 0.0)),), estimate(0), {1: Ranged(places=(wall,))})
    assert placed.ground is not None
    assert abs(placed.ground.position_m[0] - 8.0) < 0.5


@pytest.mark.parametrize(("angle_deg", "least_m", "most_m"), [(90.0, 0.1, 0.35), (4.0, 1.4, 2.6)])
def test_how_much_of_a_fence_somebody_is_seen_along_is_in_their_covariance(
    angle_deg: float, least_m: float, most_m: float
) -> None:
    along = 40.0 * np.array([math.cos(math.radians(angle_deg)), math.sin(math.radians(angle_deg))])
    fence = LineString([np.array([20.0, 0.0]) - along, np.array([20.0, 0.0]) + along])
    ranger = LidarRanger(CAMERA, BASE_FROM_LIDAR, RangingConfig(), fence)
    ranger.on_cloud(cloud_of(np.array([(20.0, 0.05, 0.5), (20.0, -0.05, 0.5)])), STANDING)
    ranged = ranger.ranges((seen(person_box(20.0, 0.0)),), 0, IDENTITY2, IDENTITY2)[1]
    assert ranged.may_be_fence == {0}
    assert least_m < math.sqrt(ranged.places[0].covariance_m2[0, 0]) < most_m
