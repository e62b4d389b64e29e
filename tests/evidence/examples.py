# SPDX-License-Identifier: Apache-2.0
"""A small depot and a patrol around it."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
import shapely
from shapely.geometry import LineString, Polygon, box

from evidence.record import Energy, PatrolRecord, PatrolStart, RecordingProof, Seen
from patrol.geometry import Pose2
from patrol.grid import OccupancyGrid
from patrol.operations import WaypointOutcome
from patrol.percepts import Alert, GroundPosition, Label, Reason, Threshold
from patrol.site import Building, Datum, Dock, Gate, KeepOut, PrivacyArea, Purpose, Site, Waypoint, Zone

START_NS = 1_795_300_000_000_000_000
CORNERS_M = ((8.0, 8.0), (60.0, 7.0), (112.0, 8.0), (112.0, 40.0), (112.0, 72.0), (60.0, 73.0), (8.0, 72.0), (8.0, 40.0))


def depot() -> Site:
    """120 x 80 m with two buildings."""
    return Site(
        site_id="depot",
        name="North depot <A&B>",
        time_zone="Europe/Berlin",
        datum=Datum(latitude_deg=52.0, longitude_deg=13.0),
        perimeter=box(0, 0, 120, 80),
        gates=(Gate(gate_id="g1", name="South gate", line=LineString([(56, 0), (64, 0)])),),
        buildings=(
            Building(building_id="b1", name="Hall", outline=box(30, 25, 70, 55), height_m=8.0),
            Building(building_id="b2", name="Office", outline=box(84, 28, 98, 46), height_m=4.0),
        ),
        zones=(
            Zone(zone_id="z1", name="Fuel store", purpose=Purpose.RESTRICTED, outline=box(84, 52, 108, 68)),
            Zone(zone_id="z2", name="Parking", purpose=Purpose.PARKING, outline=box(14, 14, 46, 21)),
        ),
        keep_outs=(KeepOut(keep_out_id="k1", name="Pit", outline=Polygon([(76, 12), (84, 12), (80, 19)])),),
        privacy_areas=(PrivacyArea(privacy_id="p1", name="Rest area", outline=box(14, 60, 24, 68), height_m=3.0),),
        docks=(Dock(dock_id="d1", name="Dock", pose=Pose2(20.0, 8.0, 0.0)),),
        waypoints=tuple(
            Waypoint(waypoint_id=f"w{number}", name=f"Post {number}", pose=Pose2(x_m, y_m, 0.0), order=number)
            for number, (x_m, y_m) in enumerate(CORNERS_M, start=1)
        ),
    )


def start() -> PatrolStart:
    return PatrolStart(
        patrol_id="2026-11-22-depot-7",
        robot_id="rover-1",
        robot_name="Rover 1",
        site_id="depot",
        mission_id="perimeter",
        mission_name="Perimeter round",
        laps=2,
        waypoints_per_lap=8,
        started_ns=START_NS,
        version="0.1.0",
        commit="da3b3fa0c1",
    )


def outcomes() -> tuple[WaypointOutcome, ...]:
    """Two laps; the fifth waypoint of the second is missed."""
    made, now_ns = [], START_NS
    for lap in (1, 2):
        for leg in range(1, 9):
            missed = (lap, leg) == (2, 5)
            ended_ns = now_ns + (95 if missed else 41) * 1_000_000_000
            outcome = WaypointOutcome(
                lap=lap,
                leg=leg,
                waypoint_id=f"w{leg}",
                outcome="missed" if missed else "reached",
                because="The way was blocked by a vehicle, and no other way was open within 60 s." if missed else "",
                started_ns=now_ns,
                ended_ns=ended_ns,
            )
            made.append(outcome)
            now_ns = ended_ns
    return tuple(made)


def alert(alert_id: str = "a1b2c3d4e5f60718", *, picture: bytes | None = None) -> Alert:
    threshold = Threshold(name="inside_probability", measured=0.97, limit=0.9, holds_when="at least")
    dwell = Threshold(name="dwell_s", measured=1.234567, limit=1.0, holds_when="at least")
    reason = Reason(
        rule="person in restricted zone",
        sentence="A person was inside Fuel store for 1.2 s while nobody may be there.",
        thresholds=(threshold, dwell),
        nearest_change="leaving the zone 0.3 s earlier",
    )
    return Alert(
        alert_id=alert_id,
        stamp_ns=START_NS + 412_000_000_000,
        severity="critical",
        reason=reason,
        zone_id="z1",
        track_id=4,
        label=Label.PERSON,
        ground=GroundPosition(
            position_m=np.array([99.0, 57.0]), velocity_mps=np.zeros(2), covariance_m2=np.array([[0.5, 0.3], [0.3, 0.4]])
        ),
        position_uncertain=False,
        picture_jpeg=night_picture() if picture is None else picture,
    )


def night_picture() -> bytes:
    """A fence under a lamp with a blurred figure before it, as JPEG."""
    picture = np.full((480, 640, 3), (58, 52, 46), dtype=np.uint8)
    cv2.rectangle(picture, (0, 300), (640, 480), (70, 84, 88), -1)
    for x in range(0, 640, 22):
        cv2.line(picture, (x, 120), (x, 310), (120, 122, 120), 2)
    cv2.ellipse(picture, (330, 260), (34, 95), 0.0, 0.0, 360.0, (46, 60, 150), -1)
    picture[150:220, 290:370] = cv2.resize(
        cv2.resize(picture[150:220, 290:370], (6, 6)), (80, 70), interpolation=cv2.INTER_NEAREST
    )
    cv2.rectangle(picture, (290, 155), (372, 358), (40, 60, 230), 2)
    encoded, jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 80])
    assert encoded
    return jpeg.tobytes()


def trail_m() -> np.ndarray:
    """Once around, with a small wobble."""
    ring = np.array([*CORNERS_M, CORNERS_M[0]])
    steps = [np.linspace(a, b, 60, endpoint=False) for a, b in pairwise(ring)]
    way = np.concatenate(steps)
    wobble = 0.5 * np.sin(np.arange(len(way)) / 9.0)
    return way + np.column_stack((wobble, wobble))


def seen() -> Seen:
    """Everything within 14 m of the trail, except behind the buildings; walls and fence are occupied."""
    resolution_m = 0.25
    x_m, y_m = np.arange(-5, 125, resolution_m) + 0.125, np.arange(-5, 85, resolution_m) + 0.125
    east, north = np.meshgrid(x_m, y_m)
    site = depot()
    halls = shapely.union_all([building.outline for building in site.buildings])
    near = shapely.contains_xy(LineString(trail_m()).buffer(14.0), east, north)
    walls = shapely.union_all([halls.boundary, site.perimeter.boundary, box(70, 60, 74, 62), box(40, 15, 44, 17)]).buffer(0.2)
    wall = shapely.contains_xy(walls, east, north)
    cells = np.where(wall, 100, np.where(near, 0, -1)).astype(np.int8)
    grid = OccupancyGrid(stamp_ns=START_NS, resolution_m=resolution_m, origin_x_m=-5.0, origin_y_m=-5.0, cells=cells)
    return Seen(grid=grid, mask=near & ~shapely.contains_xy(halls, east, north))


def record(**changes: Any) -> PatrolRecord:
    """The whole patrol, with ``changes``."""
    kept = outcomes()
    whole = PatrolRecord(
        start=start(),
        site=depot(),
        ended_ns=kept[-1].ended_ns,
        ended_because="",
        trail_m=trail_m(),
        distance_m=702.4,
        outcomes=kept,
        alerts=(alert(),),
        energy=Energy(charge_start=0.98, charge_end=0.81, drawn_wh=84.25),
        seen=seen(),
        recording=RecordingProof(file_name="recording.mcap", sha256="ab" * 32, size_bytes=48_211_904, messages=164_201),
    )
    return replace(whole, **changes)
