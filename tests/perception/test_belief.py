# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Polygon, box

from patrol.belief import Belief
from patrol.checks import Floats
from patrol.clock import nanoseconds
from patrol.errors import BadValue
from patrol.geometry import IDENTITY2, Pose2
from patrol.grid import OccupancyGrid
from patrol.percepts import Alert, GroundPosition, Label, Reason, Track, TrackState
from patrol.sensors import Scan
from patrol.site import Building, Datum, Gate, Purpose, Site, Zone
from perception.belief.beliefs import Beliefs
from perception.belief.config import BeliefConfig, Gait
from perception.belief.ground import WalkableGround
from perception.belief.looking import Look, Sector
from perception.belief.particles import Particles

SIDE_M, CELL_M = 30.0, 0.1
WALKING = Gait(fastest_mps=3.0, deviation_mps=0.8)


def grid(*walls: Polygon, cell_m: float = CELL_M) -> OccupancyGrid:
    """30 m by 30 m of free ground about the map's origin, with walls in it and all round."""
    count = round(SIDE_M / cell_m)
    cells = np.zeros((count, count), dtype=np.int8)
    cells[[0, -1], :] = cells[:, [0, -1]] = 100
    for wall in walls:
        x0, y0, x1, y1 = ((edge + 0.5 * SIDE_M) / cell_m for edge in wall.bounds)
        cells[math.floor(y0) : math.ceil(y1), math.floor(x0) : math.ceil(x1)] = 100
    return OccupancyGrid(stamp_ns=0, resolution_m=cell_m, origin_x_m=-0.5 * SIDE_M, origin_y_m=-0.5 * SIDE_M, cells=cells)


def ground_of(*walls: Polygon, site: Site | None = None) -> WalkableGround:
    return WalkableGround(grid(*walls), site, cell_m=0.2, occupied_from=60)


def placed(x_m: float, y_m: float, velocity_mps: tuple[float, float] = (0.0, 0.0)) -> GroundPosition:
    return GroundPosition(position_m=np.array((x_m, y_m)), velocity_mps=np.array(velocity_mps), covariance_m2=0.04 * np.eye(2))


def track(
    at: GroundPosition,
    stamp_s: float,
    *,
    track_id: int = 7,
    label: Label = Label.PERSON,
    first_s: float = 0.0,
    state: TrackState = "confirmed",
) -> Track:
    return Track(
        track_id=track_id,
        label=label,
        state=state,
        stamp_ns=nanoseconds(stamp_s),
        first_seen_ns=nanoseconds(first_s),
        last_seen_ns=nanoseconds(stamp_s),
        hits=20,
        score=0.9,
        box=None,
        ground=at,
    )


def scan(ranges_m: Floats, *, beam_step_s: float = 0.0) -> Scan:
    count = len(ranges_m)
    return Scan(
        stamp_ns=0,
        frame_id="lidar_link",
        angle_min_rad=-math.pi,
        angle_step_rad=2.0 * math.pi / count,
        range_min_m=0.3,
        range_max_m=40.0,
        ranges_m=ranges_m.astype(np.float32),
        beam_step_s=beam_step_s,
    )


def open_scan(range_m: float = 30.0) -> Scan:
    return scan(np.full(900, range_m))


def lost(beliefs: Beliefs, at: GroundPosition, until_s: float, look: Look | None = None) -> tuple[Belief, ...]:
    """Seen at one second, and never again; what is told at ``until_s``."""
    beliefs.hear((track(at, 1.0),))
    told: tuple[Belief, ...] = ()
    for second in range(1, math.floor(until_s) + 1):
        told = beliefs.update(nanoseconds(float(second)), look)
    return told


SITE = Site(
    site_id="s",
    name="S",
    time_zone="UTC",
    datum=Datum(latitude_deg=52.0, longitude_deg=13.0),
    perimeter=box(-15, -15, 15, 15),
)


def alert(track_id: int) -> Alert:
    return Alert(
        alert_id=f"a{track_id}",
        stamp_ns=1,
        severity="critical",
        reason=Reason(rule="r", sentence="s", thresholds=(), nearest_change="n"),
        zone_id="z",
        track_id=track_id,
        label=Label.PERSON,
        ground=placed(0.0, 0.0),
        position_uncertain=False,
        incident_id=f"i{track_id}",
    )


def believing(*walls: Polygon, config: BeliefConfig | None = None, site: Site | None = None, seed: int = 0) -> Beliefs:
    beliefs = Beliefs(config or BeliefConfig(), site, seed=seed)
    beliefs.take_grid(grid(*walls))
    beliefs.heed(alert(track_id) for track_id in range(60))
    return beliefs


@settings(max_examples=25, deadline=None)
@given(offset=st.floats(-0.3, 0.3), slope=st.floats(0.2, 5.0), seed=st.integers(0, 2**16), speed=st.floats(0.5, 12.0))
def test_nobody_walks_through_a_wall_one_cell_thin_whatever_its_slope(
    offset: float, slope: float, seed: int, speed: float
) -> None:
    cells = np.zeros((150, 150), dtype=np.int8)
    across = np.arange(150 * 8) / 8.0
    along = (across - 75.0) * slope + 75.0 + offset
    on = (along >= 0) & (along < 150)
    cells[along[on].astype(int), across[on].astype(int)] = 100
    flat = OccupancyGrid(stamp_ns=0, resolution_m=0.2, origin_x_m=-15.0, origin_y_m=-15.0, cells=cells)
    ground = WalkableGround(flat, None, cell_m=0.2, occupied_from=60)
    gait = Gait(fastest_mps=speed, deviation_mps=speed)
    particles = Particles(placed(-4.0, 4.0), gait, ground, count=200, seed=(seed,))
    for _ in range(20):
        particles.walk(1.0, ground)
    column, row = (particles.places_m / 0.2 + 75.0).T
    assert (row - ((column - 75.0) * slope + 75.0 + offset) > -1.0 - slope).all()
    assert ground.is_free(particles.places_m).all()


def test_the_wall_test_can_fail() -> None:
    """With the wall taken away, the same walk does get to the other side."""
    ground = ground_of()
    particles = Particles(placed(-4.0, 4.0), WALKING, ground, count=200, seed=(1,))
    for _ in range(20):
        particles.walk(1.0, ground)
    assert (particles.places_m[:, 1] < particles.places_m[:, 0]).any()


def test_nobody_is_faster_than_the_bound() -> None:
    gait = Gait(fastest_mps=2.0, deviation_mps=5.0, standing=0.0)
    ground = ground_of()
    particles = Particles(placed(0.0, 0.0, (9.0, 0.0)), gait, ground, count=300, seed=(3,))
    for _ in range(10):
        before = particles.places_m
        particles.walk(0.5, ground)
        assert np.hypot(*(particles.places_m - before).T).max() <= 1.0 + 1e-9


def test_somebody_whom_the_map_has_drawn_is_not_walled_in() -> None:
    ground = ground_of(box(-0.2, -0.2, 0.2, 0.2))
    particles = Particles(placed(0.05, 0.0), WALKING, ground, count=100, seed=(2,))
    for _ in range(5):
        particles.walk(1.0, ground)
    assert np.hypot(*particles.places_m.T).max() > 1.0
    assert ground.is_free(particles.places_m).all()


def test_walls_of_the_site_file_count_before_they_are_mapped_and_gates_stay_open() -> None:
    site = replace(
        SITE,
        buildings=(Building(building_id="b", name="B", outline=box(2, -5, 8, 5), height_m=3.0),),
        gates=(Gate(gate_id="g", name="G", line=LineString([(2, -1), (2, 1)])),),
    )
    ground = ground_of(site=site)
    begin = np.array([[0.0, 3.0], [0.0, 0.0]])
    assert ground.walk(begin, begin + np.array((4.0, 0.0))).tolist() == [False, True]
    assert ground_of().walk(begin, begin + np.array((4.0, 0.0))).all()


def test_beams_that_went_through_clear_a_place_and_beams_that_ended_before_it_do_not() -> None:
    ranges = np.full(900, 20.0)
    ranges[440:460] = 5.0
    look = Look(scan=scan(ranges), map_from_lidar=IDENTITY2)
    points = np.array([[10.0, 0.0], [4.0, 0.0], [4.8, 0.0], [0.0, 10.0], [0.0, 19.8], [0.0, 24.0]])
    assert look.lidar_clears(points, 30.0).tolist() == [False, True, False, True, False, False]
    assert look.lidar_clears(points, 8.0).tolist() == [False, True, False, False, False, False]


@given(yaw=st.floats(-math.pi, math.pi), x=st.floats(-5, 5), y=st.floats(-5, 5))
@settings(max_examples=25, deadline=None)
def test_clearing_does_not_depend_on_where_the_map_has_its_origin(yaw: float, x: float, y: float) -> None:
    ranges = np.full(900, 20.0)
    ranges[100:200] = 3.0
    here = np.array([[6.0, 1.0], [-6.0, -3.0], [-2.0, -1.0], [1.0, -7.0]])
    told = Look(scan=scan(ranges), map_from_lidar=IDENTITY2).lidar_clears(here, 30.0)
    pose = Pose2(x, y, yaw)
    assert Look(scan=scan(ranges), map_from_lidar=pose).lidar_clears(pose.apply(here), 30.0).tolist() == told.tolist()


def test_a_broken_beam_a_sparse_scan_and_a_turning_robot_clear_less() -> None:
    ranges = np.full(900, 20.0)
    broken = ranges.copy()
    broken[449] = np.nan
    point = np.array([[8.0, 0.0]])
    assert Look(scan=scan(ranges), map_from_lidar=IDENTITY2).lidar_clears(point, 30.0).all()
    assert not Look(scan=scan(broken), map_from_lidar=IDENTITY2).lidar_clears(point, 30.0).any()
    assert not Look(scan=scan(np.full(60, 20.0)), map_from_lidar=IDENTITY2).lidar_clears(point, 30.0).any()
    aside = ranges.copy()
    aside[470] = 2.0
    still = Look(scan=scan(aside, beam_step_s=0.1 / 900), map_from_lidar=IDENTITY2)
    assert still.lidar_clears(point, 30.0).all()
    assert not replace(still, turn_radps=1.5).lidar_clears(point, 30.0).any()


def test_the_camera_clears_what_it_has_before_it_up_to_the_next_wall() -> None:
    ranges = np.full(900, 6.0)
    look = Look(scan=scan(ranges), map_from_lidar=IDENTITY2, sector=Sector(map_from_camera=IDENTITY2, hfov_rad=1.2))
    points = np.array([[5.8, 0.0], [9.0, 0.0], [0.0, 5.0], [-3.0, 0.0]])
    assert look.camera_clears(points, 18.0).tolist() == [True, False, False, False]
    assert not replace(look, sector=None).camera_clears(points, 18.0).any()


def test_a_lost_person_is_believed_to_be_behind_the_corner_and_not_where_the_robot_looks() -> None:
    wall = box(4.0, -10.0, 4.6, 3.0)
    shadow = np.full(900, 20.0)
    angles = -math.pi + np.arange(900) * 2.0 * math.pi / 900
    hits = np.array([_range_to(wall, angle) for angle in angles])
    look = Look(scan=scan(np.minimum(shadow, hits)), map_from_lidar=IDENTITY2)
    (belief,) = lost(believing(wall), placed(4.3, 4.0, (1.0, -0.8)), 12.0, look)
    behind = (belief.centres_m[:, 0] > 4.0) & (belief.centres_m[:, 1] < 3.5)
    assert belief.mass[behind].sum() > 0.6
    assert belief.contact < 0.9
    assert belief.age_s == pytest.approx(11.0)
    blind = lost(believing(wall), placed(4.3, 4.0, (1.0, -0.8)), 12.0)[0]
    assert blind.contact == 1.0
    assert blind.mass[(blind.centres_m[:, 0] < 4.0)].sum() > belief.mass[(belief.centres_m[:, 0] < 4.0)].sum() + 0.1


def _range_to(wall: Polygon, angle_rad: float) -> float:
    ray = LineString([(0.0, 0.0), (40.0 * math.cos(angle_rad), 40.0 * math.sin(angle_rad))])
    hit = ray.intersection(wall)
    return 40.0 if hit.is_empty else float(hit.distance(LineString([(0.0, 0.0), (0.0, 1e-9)])))


def test_a_place_looked_at_from_all_sides_ends_the_belief_and_nothing_seen_keeps_it() -> None:
    look = Look(scan=open_scan(), map_from_lidar=IDENTITY2)
    assert lost(believing(), placed(3.0, 0.0), 4.0, look) != ()
    assert lost(believing(), placed(3.0, 0.0), 12.0, look) == ()
    assert lost(believing(), placed(3.0, 0.0), 12.0) != ()


def test_the_same_run_gives_the_same_bytes_and_another_seed_others() -> None:
    one, same, other = (lost(believing(seed=seed), placed(1.0, 2.0), 9.0)[0] for seed in (4, 4, 5))
    assert one.centres_m.tobytes() + one.mass.tobytes() == same.centres_m.tobytes() + same.mass.tobytes()
    assert one.mass.tobytes() != other.mass.tobytes()


def test_it_ends_when_the_same_track_or_a_new_one_of_its_kind_shows_up_there() -> None:
    for shown, remains in (
        (track(placed(0.5, 0.0), 6.0), 0),
        (track(placed(1.0, 0.0), 6.0, track_id=9, first_s=5.5), 0),
        (track(placed(1.0, 0.0), 6.0, track_id=9, first_s=0.5), 1),
        (track(placed(13.0, 13.0), 6.0, track_id=9, first_s=5.5), 1),
        (track(placed(1.0, 0.0), 6.0, track_id=9, first_s=5.5, label=Label.VEHICLE), 1),
        (track(placed(1.0, 0.0), 6.0, track_id=9, first_s=5.5, state="tentative"), 1),
    ):
        beliefs = believing()
        assert len(lost(beliefs, placed(0.0, 0.0), 5.0)) == 1
        beliefs.hear((shown,))
        assert len([each for each in beliefs.update(nanoseconds(6.0), None) if each.track_id == 7]) == remains, shown


def test_only_sure_people_and_vehicles_are_believed_in_and_no_more_than_the_bound() -> None:
    beliefs = believing(config=BeliefConfig(most=3))
    beliefs.hear(
        (track(placed(0.0, 0.0), 1.0, track_id=50, label=Label.ANIMAL), track(placed(0, 0), 1.0, track_id=51, state="coasting"))
    )
    beliefs.hear(track(placed(float(index), 0.0), 1.0 + 0.01 * index, track_id=index) for index in range(6))
    beliefs.update(nanoseconds(2.0), None)
    told = beliefs.update(nanoseconds(4.0), None)
    assert [belief.track_id for belief in told] == [5, 4, 3]


def test_only_who_raised_an_alert_is_believed_in() -> None:
    beliefs = Beliefs(BeliefConfig())
    beliefs.take_grid(grid())
    beliefs.heed((alert(3),))
    beliefs.hear(track(placed(float(index), 0.0), 1.0, track_id=index) for index in range(6))
    beliefs.update(nanoseconds(2.0), None)
    assert [belief.track_id for belief in beliefs.update(nanoseconds(4.0), None)] == [3]


def test_a_belief_ends_of_old_age_and_time_that_jumps_back_starts_anew() -> None:
    beliefs = believing(config=BeliefConfig(longest_s=20.0))
    assert len(lost(beliefs, placed(0.0, 0.0), 20.0)) == 1
    assert beliefs.update(nanoseconds(22.0), None) == ()
    again = believing()
    assert len(lost(again, placed(0.0, 0.0), 9.0)) == 1
    assert again.update(nanoseconds(0.5), None) == ()


def test_it_is_told_in_few_cells_and_by_zone() -> None:
    yard = Zone(zone_id="yard", name="Yard", purpose=Purpose.YARD, outline=box(-15, -15, 15, 15))
    strip = Zone(zone_id="strip", name="Strip", purpose=Purpose.RESTRICTED, outline=box(0, -15, 15, 15))
    site = replace(
        SITE,
        zones=(yard, strip),
    )
    (belief,) = lost(believing(site=site, config=BeliefConfig(told_cells_most=20)), placed(5.0, 0.0), 30.0)
    assert len(belief.mass) <= 20
    assert belief.cell_m in (2.0, 4.0, 8.0)
    assert 0.9 <= belief.mass.sum() <= 1.0 + 1e-9
    assert belief.zones[0].zone_id == "yard"
    assert belief.zones[0].mass == pytest.approx(1.0)
    assert 0.3 < belief.zones[1].mass < 1.0
    assert np.hypot(*(belief.middle_m - (5.0, 0.0))) < 6.0


def test_work_is_done_once_a_second_and_not_without_a_map() -> None:
    unmapped = Beliefs(BeliefConfig())
    assert lost(unmapped, placed(0.0, 0.0), 9.0) == ()
    beliefs = believing()
    told = lost(beliefs, placed(0.0, 0.0), 9.0)
    assert beliefs.update(nanoseconds(9.5), None) is told
    assert beliefs.is_due(nanoseconds(10.0))
    assert beliefs.told is told


def test_a_belief_is_checked() -> None:
    (belief,) = lost(believing(), placed(0.0, 0.0), 4.0)
    with pytest.raises(BadValue, match="mass"):
        replace(belief, mass=belief.mass * 3.0)
    with pytest.raises(BadValue, match="one cell"):
        replace(belief, mass=np.zeros(0), centres_m=np.zeros((0, 2)))
