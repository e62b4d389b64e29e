# SPDX-License-Identifier: Apache-2.0
"""Reading site files: what a faultless file gives, and that a faulty one gives nothing."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.errors import BadInput
from patrol.local_frame import LocalFrame
from patrol.site import Datum, Purpose
from patrol.site_file import heading_from_yaw, read_site, read_site_text, yaw_from_heading
from tests.patrol import site_text


def test_reads_every_kind(tmp_path: Path) -> None:
    site = read_site(site_text.write(tmp_path, site_text.site()))
    assert (site.site_id, site.name, site.time_zone) == ("small", "Small site", "Europe/Berlin")
    np.testing.assert_allclose(site.perimeter.bounds, (-50, -50, 50, 50), atol=1e-3)
    assert site.gates[0].line.length == pytest.approx(6.0, abs=1e-3)
    assert site.gates[0].open_hours is not None
    assert site.fences[0].fence_id == "inner"
    assert site.fences[0].line.length == pytest.approx(20.0, abs=1e-3)
    assert (site.doors[0].door_id, site.doors[0].wait_s) == ("lock", 20.0)
    assert site.buildings[0].height_m == 4.0
    assert site.zones[0].purpose is Purpose.RESTRICTED
    assert site.zones[0].contains(-20.0, 3.0)
    assert site.keep_outs[0].keep_out_id == "hole"
    assert site.slow_areas[0].limit_mps == 0.5
    assert site.privacy_areas[0].height_m == 4.0
    assert site.cameras[0].hfov_rad == pytest.approx(math.pi / 2)
    assert site.floors[0].level == 1
    lift = site.lifts[0]
    assert (lift.lift_id, lift.levels, lift.wait_s, lift.usual_s) == ("shaft", (0, 1), 120.0, 30.0)
    assert lift.doors_face_rad == pytest.approx(math.pi)


def test_headings_are_compass_headings(tmp_path: Path) -> None:
    site = read_site(site_text.write(tmp_path, site_text.site()))
    assert site.docks[0].pose.yaw_rad == pytest.approx(math.pi / 2)
    assert site.waypoints[1].pose.yaw_rad == pytest.approx(0.0)
    assert site.cameras[0].pose.yaw_rad == pytest.approx(-math.pi / 2)


def test_waypoint_without_heading_faces_the_next(tmp_path: Path) -> None:
    site = read_site(site_text.write(tmp_path, site_text.site()))
    assert site.waypoints[0].pose.yaw_rad == pytest.approx(math.pi / 2, abs=1e-6)
    assert site.waypoints[0].dwell_s == 2.5


def test_waypoints_come_in_their_order(tmp_path: Path) -> None:
    document = site_text.site()
    site_text.named(document, "first")["properties"]["order"] = 7
    site = read_site(site_text.write(tmp_path, document))
    assert [waypoint.waypoint_id for waypoint in site.waypoints] == ["second", "first"]


def test_schedule_is_read_in_the_sites_time_zone(tmp_path: Path) -> None:
    zone = read_site(site_text.write(tmp_path, site_text.site())).zones[0]
    monday_2230_berlin_summer_ns = 1_781_555_400 * 10**9
    assert zone.is_active(monday_2230_berlin_summer_ns)
    assert not zone.is_active(monday_2230_berlin_summer_ns - 3600 * 10**9)


def test_faulty_file_gives_nothing_and_names_everything(tmp_path: Path) -> None:
    document = site_text.site()
    site_text.named(document, "house")["properties"]["height_m"] = -1
    site_text.named(document, "dock")["geometry"]["coordinates"] = site_text.at(500, 0)
    path = site_text.write(tmp_path, document)
    with pytest.raises(BadInput) as caught:
        read_site(path)
    assert len(caught.value.faults) == 2
    assert str(path) in str(caught.value)


def test_reads_text_that_a_robot_sends() -> None:
    text = json.dumps(site_text.site())
    assert read_site_text(text, source="rover-1").site_id == "small"
    with pytest.raises(BadInput, match="rover-1"):
        read_site_text(text[:-40], source="rover-1")
    with pytest.raises(BadInput, match=r"JSON|unknown"):
        read_site_text("\ud800", source="rover-1")


@given(heading=st.floats(-360, 360))
def test_headings_and_yaws_undo_each_other(heading: float) -> None:
    back = heading_from_yaw(yaw_from_heading(heading))
    assert math.remainder(back - heading, 360.0) == pytest.approx(0.0, abs=1e-9)
    assert 0.0 <= back <= 360.0


@given(
    latitude=st.floats(-85, 85),
    longitude=st.floats(-180, 180),
    altitude=st.floats(-100, 4000),
    x=st.floats(-5000, 5000),
    y=st.floats(-5000, 5000),
    z=st.floats(-200, 200),
)
def test_local_frame_round_trip_is_far_below_a_millimetre(
    latitude: float, longitude: float, altitude: float, x: float, y: float, z: float
) -> None:
    frame = LocalFrame(Datum(latitude_deg=latitude, longitude_deg=longitude, altitude_m=altitude))
    back = frame.to_map(frame.to_wgs84((x, y, z)))
    np.testing.assert_allclose(back, (x, y, z), atol=1e-5)


def test_local_frame_points_east_and_north() -> None:
    frame = LocalFrame(Datum(latitude_deg=53.0, longitude_deg=11.0, altitude_m=40.0))
    np.testing.assert_allclose(frame.to_map([11.0, 53.0, 40.0]), (0, 0, 0), atol=1e-8)
    north, east, up = frame.to_map([[11.0, 53.001, 40.0], [11.001, 53.0, 40.0], [11.0, 53.0, 45.0]])
    assert north[1] == pytest.approx(111.28, abs=0.05)
    assert east[0] == pytest.approx(67.1, abs=0.1)
    assert up[2] == pytest.approx(5.0, abs=1e-6)
    np.testing.assert_allclose(frame.to_map([11.001, 53.0]), east, atol=1e-9)


@pytest.mark.parametrize("datum", [(91.0, 0.0, 0.0), (0.0, 181.0, 0.0), (math.nan, 0.0, 0.0), (0.0, 0.0, math.inf)])
def test_local_frame_refuses_what_is_no_place(datum: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="no place on Earth"):
        LocalFrame(Datum(latitude_deg=datum[0], longitude_deg=datum[1], altitude_m=datum[2]))
