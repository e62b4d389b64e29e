# SPDX-License-Identifier: Apache-2.0
"""The depot: 120 by 80 m behind a chain-link fence, a warehouse, an office, a workshop, a guard house, and their yard."""

from __future__ import annotations

from patrol.site import Datum
from sim import world_builder_props as props
from sim.world_builder_model import Colour, Model, Surface
from sim.world_builder_site import FeatureDraft, Header, area, line, rectangle, spot, weekly

HEADER = Header(
    site_id="depot",
    name="Northern depot",
    time_zone="Europe/Berlin",
    datum=Datum(latitude_deg=53.8712, longitude_deg=11.4503, altitude_m=42.0),
)
EAST_M, NORTH_M = 60.0, 40.0
MAIN_GATE = ((20.0, -40.0), (28.0, -40.0))
SERVICE_GATE = ((60.0, -4.0), (60.0, 2.0))
BUILDINGS: dict[str, tuple[str, props.Point, tuple[float, float, float]]] = {
    "warehouse": ("Warehouse", (-18.0, 12.0), (40.0, 22.0, 8.0)),
    "office": ("Office", (36.0, 20.0), (18.0, 12.0, 6.6)),
    "workshop": ("Workshop", (-38.0, -18.0), (14.0, 10.0, 5.0)),
    "guard_house": ("Guard house", (34.0, -29.0), (6.0, 5.0, 3.2)),
}
WAYPOINTS: tuple[tuple[str, float, float, float], ...] = (
    ("Main gate", 24.0, -36.6, 0.0),
    ("South-east corner", 54.5, -35.0, 45.0),
    ("Service gate", 56.6, -1.0, 90.0),
    ("North-east corner", 54.5, 35.0, 135.0),
    ("Behind the office", 32.0, 36.6, 180.0),
    ("Office passage", 14.0, 18.0, -110.0),
    ("Behind the warehouse", -4.0, 36.6, 180.0),
    ("North fence", -30.0, 36.6, 180.0),
    ("North-west corner", -54.5, 35.0, -135.0),
    ("Store yard", -56.6, 2.0, -90.0),
    ("South-west corner", -54.5, -35.0, -45.0),
    ("Workshop passage", -25.0, -26.0, 20.0),
    ("South fence", -8.0, -36.6, 0.0),
)
_RED: Colour = (0.62, 0.16, 0.13, 1.0)
_BLUE: Colour = (0.13, 0.25, 0.45, 1.0)
_GREEN: Colour = (0.18, 0.35, 0.24, 1.0)
_SILVER: Colour = (0.66, 0.68, 0.70, 1.0)
_ORANGE: Colour = (0.72, 0.36, 0.12, 1.0)
_YELLOW: Colour = (0.90, 0.75, 0.15, 1.0)


def features() -> list[FeatureDraft]:
    """Everything the site file says, in metres in ``map``."""
    return [
        area("perimeter", "perimeter", rectangle(-EAST_M, -NORTH_M, EAST_M, NORTH_M), name="Depot fence"),
        line("main_gate", "gate", MAIN_GATE, name="Main gate", open_hours=weekly("mon tue wed thu fri sat", "05:30", "21:00")),
        line("service_gate", "gate", SERVICE_GATE, name="Service gate", open_hours=weekly("tue thu", "08:00", "12:00")),
        *_buildings(),
        *_zones(),
        *_waypoints(),
    ]


def _buildings() -> list[FeatureDraft]:
    drafts = []
    for key, (name, (x, y), (width, depth, height)) in BUILDINGS.items():
        corners = rectangle(x - width / 2, y - depth / 2, x + width / 2, y + depth / 2)
        drafts.append(area(key, "building", corners, name=name, height_m=height))
    return drafts


def _zones() -> list[FeatureDraft]:
    night = weekly("mon tue wed thu fri sat sun", "22:00", "05:00")
    return [
        area("north_strip", "zone", rectangle(-59.8, 28.0, 59.8, 39.8), name="North strip", purpose="restricted"),
        area("store_yard", "zone", rectangle(-59.8, -32.0, -47.0, 28.0), name="Store yard", purpose="restricted"),
        area(
            "apron_night", "zone", rectangle(-38.0, -6.0, 2.0, 1.0), name="Apron at night", purpose="restricted", schedule=night
        ),
        area("loading_yard", "zone", rectangle(-28.0, -30.0, 28.0, -6.0), name="Loading yard", purpose="work"),
        area("car_park", "zone", rectangle(38.0, -10.0, 56.0, 10.0), name="Car park", purpose="parking"),
        area("walkway", "zone", rectangle(28.5, -26.0, 33.5, 13.5), name="Staff walkway", purpose="public"),
        area("fuel_point", "keep_out", rectangle(41.5, -22.5, 48.5, -17.5), name="Fuel point"),
        area("passage", "slow", rectangle(3.0, 4.0, 26.0, 27.0), name="Office passage", limit_mps=0.8),
        area("office_windows", "privacy", rectangle(26.6, 13.6, 45.4, 26.4), name="Office windows", height_m=6.6),
        spot("dock", "dock", (39.6, -29.0), name="Charging dock", heading_deg=90.0),
        spot("gate_camera", "camera", (30.6, -31.8), name="Gate camera", heading_deg=225.0, height_m=4.0, hfov_deg=80.0),
    ]


def _waypoints() -> list[FeatureDraft]:
    drafts = []
    for order, (name, x, y, yaw_deg) in enumerate(WAYPOINTS):
        heading_deg = (90.0 - yaw_deg) % 360.0
        waypoint_id = "wp_" + name.lower().replace(" ", "_").replace("-", "_")
        drafts.append(spot(waypoint_id, "waypoint", (x, y), name=name, order=order, heading_deg=heading_deg, dwell_s=1.0))
    return drafts


def models() -> list[Model]:
    """Everything that stands there."""
    return [*_ground(), *_fences(), *_houses(), *_yard(), *_outside()]


def _ground() -> list[Model]:
    bays = [((x, y), (x, y + 5.0)) for y in (-9.0, 4.0) for x in (39.0, 41.6, 44.2, 46.8, 49.4, 52.0, 54.6)]
    lane = [((24.0, y), (24.0, y + 2.0)) for y in (-38.0, -33.0, -28.0, -23.0, -18.0, -13.0, -8.0)]
    walkway = [((28.5, -26.0), (28.5, 13.5)), ((33.5, -26.0), (33.5, 13.5))]
    return [
        props.ground((400.0, 400.0)),
        props.slab("paving", "asphalt", (-60.0, -40.0), (60.0, 26.0)),
        props.slab("strip", "gravel", (-60.0, 26.0), (60.0, 40.0)),
        props.slab("apron", "concrete", (-38.0, -6.0), (2.0, 1.0), top_m=0.01),
        props.slab("lawn", "grass", (47.0, 12.0), (54.0, 26.0), top_m=0.01),
        props.slab("street", "asphalt", (-150.0, -60.0), (150.0, -50.0)),
        props.slab("drive", "asphalt", (20.0, -50.0), (28.0, -40.0)),
        props.stripes("bay_lines", bays),
        props.stripes("lane_line", lane),
        props.stripes("walkway_lines", walkway, colour=_YELLOW),
        props.stripes("street_line", [((x, -55.0), (x + 4.0, -55.0)) for x in range(-140, 140, 10)]),
        props.stripes("stop_line", [((20.5, -34.0), (23.8, -34.0))], width_m=0.4),
    ]


def _fences() -> list[Model]:
    return [
        props.fence("fence_south_west", (-60.0, -40.0), MAIN_GATE[0]),
        props.fence("fence_south_east", MAIN_GATE[1], (60.0, -40.0)),
        props.fence("fence_east_south", (60.0, -40.0), SERVICE_GATE[0]),
        props.fence("fence_east_north", SERVICE_GATE[1], (60.0, 40.0)),
        props.fence("fence_north", (60.0, 40.0), (-60.0, 40.0)),
        props.fence("fence_west", (-60.0, 40.0), (-60.0, -40.0)),
        props.gate("main_gate", *MAIN_GATE),
        props.gate("service_gate", *SERVICE_GATE),
    ]


def _houses() -> list[Model]:
    walls: dict[str, tuple[Surface, Colour | None, tuple[float, ...]]] = {
        "warehouse": ("metal", (0.62, 0.66, 0.70, 1.0), ()),
        "office": ("brick", None, (1.0, 4.2)),
        "workshop": ("concrete", (0.70, 0.66, 0.58, 1.0), (1.8,)),
        "guard_house": ("brick", (0.60, 0.42, 0.32, 1.0), (1.0,)),
    }
    houses = [
        props.building(key, at, size, surface=walls[key][0], colour=walls[key][1], sills_m=walls[key][2])
        for key, (_, at, size) in BUILDINGS.items()
    ]
    loading = [((x, 1.0), True) for x in (-33.0, -26.0, -19.0, -12.0, -5.0)]
    small = [((36.0, 14.0), True), ((34.0, -31.5), True), ((31.0, -29.0), False), ((-18.0, 23.0), True)]
    return [
        *houses,
        props.doors("loading_doors", loading, size_m=(3.6, 4.2), colour=(0.36, 0.40, 0.44, 1.0)),
        props.doors("workshop_door", [((-31.0, -18.0), False)], size_m=(4.0, 3.6), colour=_BLUE),
        props.doors("doors", small, size_m=(1.0, 2.1), colour=(0.22, 0.30, 0.26, 1.0)),
        props.charger("dock_post", (38.7, -29.0)),
    ]


def _yard() -> list[Model]:
    cars = [(40.3, -6.5, 90.0, _RED), (45.5, -6.5, -90.0, _SILVER), (50.7, -6.5, 90.0, _BLUE), (42.9, 6.5, 90.0, _SILVER)]
    boxes = [
        (-51.0, 18.0, 90.0, _RED, 2),
        (-51.0, 8.5, 90.0, _GREEN, 1),
        (-50.5, -3.0, 84.0, _ORANGE, 1),
        (-48.5, 26.0, 0.0, _BLUE, 2),
    ]
    lamps = [
        (-44.0, 30.5),
        (-18.0, 30.5),
        (8.0, 30.5),
        (48.0, 30.5),
        (51.5, -30.0),
        (16.0, -30.0),
        (-14.0, -31.5),
        (-50.0, -29.0),
    ]
    stacks = [
        (5.0, -9.0, 8),
        (6.6, -9.2, 5),
        (-29.0, -12.0, 9),
        (-27.5, -12.4, 4),
        (20.0, 28.5, 6),
        (-36.0, 29.0, 7),
        (-8.0, 29.0, 5),
    ]
    return [
        *(props.car(f"car_{i}", (x, y), yaw, colour) for i, (x, y, yaw, colour) in enumerate(cars)),
        props.lorry("lorry_0", (-26.0, -5.5), -90.0, _BLUE),
        props.lorry("lorry_1", (-12.0, -5.5), -90.0, _RED),
        props.lorry("lorry_2", (2.0, -24.0), 172.0, _GREEN),
        *(props.container(f"container_{i}", (x, y), yaw, c, stacked=n) for i, (x, y, yaw, c, n) in enumerate(boxes)),
        *(props.lamp(f"lamp_{i}", at) for i, at in enumerate(lamps)),
        *(props.pallets(f"pallets_{i}", (x, y), n) for i, (x, y, n) in enumerate(stacks)),
        props.tank("fuel_tank", (45.0, -20.0)),
        props.bollards("fuel_bollards", [(x, y) for x in (41.8, 45.0, 48.2) for y in (-22.2, -17.8)]),
        props.bollards("gate_bollards", [(18.8, -33.0), (29.2, -33.0), (18.8, -34.5), (29.2, -34.5)]),
    ]


def _outside() -> list[Model]:
    trees = [
        (-70, 48, 8.0), (-52, 52, 6.5), (-36, 47, 7.5), (-15, 50, 9.0), (6, 47, 7.0), (24, 51, 8.5), (45, 48, 6.5), (66, 46, 8.0),
        (72, 20, 7.5), (69, -14, 8.5), (74, -32, 7.0), (-69, 26, 8.5), (-67, 4, 7.0), (-71, -18, 9.0), (-67, -36, 7.0),
        (-40, -46, 6.0), (-10, -47, 6.5), (44, -46, 6.0),
    ]  # fmt: skip
    return [
        *(props.tree(f"tree_{i}", (x, y), height_m=height) for i, (x, y, height) in enumerate(trees)),
        props.building("house_0", (-30.0, -72.0), (14.0, 10.0, 6.0), surface="brick", sills_m=(1.0, 3.8)),
        props.building(
            "house_1", (40.0, -74.0), (16.0, 10.0, 6.0), surface="brick", colour=(0.74, 0.68, 0.58, 1.0), sills_m=(1.0, 3.8)
        ),
        props.building("barn", (92.0, 55.0), (18.0, 12.0, 7.0), surface="wood"),
    ]
