# SPDX-License-Identifier: Apache-2.0
"""The prison: a 140 by 100 m outer wall, an inner fence, the sterile strip between them, two cell blocks, a yard."""

from __future__ import annotations

from patrol.site import Datum
from sim import world_builder_props as props
from sim.world_builder_model import Colour, Model
from sim.world_builder_site import FeatureDraft, Header, area, line, rectangle, spot, weekly

HEADER = Header(
    site_id="prison",
    name="Southmoor prison",
    time_zone="Europe/London",
    datum=Datum(latitude_deg=52.1186, longitude_deg=-1.2034, altitude_m=118.0),
)
WALL_X_M, WALL_Y_M, WALL_HEIGHT_M = 70.0, 50.0, 5.2
FENCE_X_M, FENCE_Y_M = 64.0, 44.0
LOCK_WEST_M, LOCK_EAST_M, LOCK_SOUTH_M = 29.0, 37.0, -66.0
"""The sally port: a walled lock for vehicles outside the wall."""
INNER_GATE = (30.0, 36.0)
"""The opening of the inner fence, from x to x."""
BLOCK_A = (-50.0, 12.0, -10.0, 30.0)
BLOCK_B = (10.0, 12.0, 50.0, 30.0)
CORRIDOR_SOUTH_M, CORRIDOR_NORTH_M, CEILING_M = 19.4, 22.6, 2.8
WAYPOINTS: tuple[tuple[str, float, float, float], ...] = (
    ("Sally port", 33.0, -47.0, -90.0),
    ("South-east tower", 66.6, -46.6, 45.0),
    ("East strip", 67.0, 0.0, 90.0),
    ("North-east tower", 66.6, 46.6, 135.0),
    ("North strip", 0.0, 47.0, 180.0),
    ("North-west tower", -66.6, 46.6, -135.0),
    ("West strip", -67.0, 0.0, -90.0),
    ("South-west tower", -66.6, -46.6, -45.0),
    ("South strip", -18.0, -47.0, 0.0),
    ("Inner gate", 33.0, -38.0, 90.0),
    ("Yard", 0.0, -20.0, 150.0),
    ("Block A west door", -54.0, 21.0, 0.0),
    ("Block A corridor", -30.0, 21.0, 0.0),
    ("Block A east door", -6.0, 21.0, 0.0),
)
_GREEN: Colour = (0.34, 0.42, 0.36, 1.0)
_STEEL: Colour = (0.30, 0.33, 0.37, 1.0)
_YELLOW: Colour = (0.90, 0.75, 0.15, 1.0)


def features() -> list[FeatureDraft]:
    """Everything the site file says, in metres in ``map``."""
    gate_hours = weekly("mon tue wed thu fri", "07:00", "18:00")
    gate_line = ((LOCK_WEST_M + 1.0, LOCK_SOUTH_M), (LOCK_EAST_M - 1.0, LOCK_SOUTH_M))
    return [
        area("perimeter", "perimeter", _perimeter(), name="Outer wall and sally port"),
        line("outer_gate", "gate", gate_line, name="Sally port, outer gate", open_hours=gate_hours),
        line("inner_fence", "fence", _inner_fence_line(), name="Inner fence"),
        line("lock_inner_gate", "door", ((LOCK_WEST_M, -WALL_Y_M), (LOCK_EAST_M, -WALL_Y_M)), name="Sally port, inner gate"),
        area("block_a", "building", rectangle(*BLOCK_A), name="Cell block A", height_m=7.0),
        area("block_b", "building", rectangle(*BLOCK_B), name="Cell block B", height_m=7.0),
        area("admin", "building", rectangle(42.0, -38.0, 58.0, -24.0), name="Administration", height_m=5.0),
        *_zones(),
        *_marks(),
    ]


def _inner_fence_line() -> list[tuple[float, float]]:
    """From the one side of the inner gate all around to the other."""
    corners = rectangle(-FENCE_X_M, -FENCE_Y_M, FENCE_X_M, FENCE_Y_M)
    west, east = INNER_GATE
    return [(east, -FENCE_Y_M), *corners[1:], corners[0], (west, -FENCE_Y_M)]


def _perimeter() -> list[tuple[float, float]]:
    corners = rectangle(-WALL_X_M, -WALL_Y_M, WALL_X_M, WALL_Y_M)
    lock = [(x, y) for x, y in rectangle(LOCK_WEST_M, LOCK_SOUTH_M, LOCK_EAST_M, -WALL_Y_M)]
    return [corners[0], lock[3], lock[0], lock[1], lock[2], *corners[1:]]


def _zones() -> list[FeatureDraft]:
    day = weekly("mon tue wed thu fri sat sun", "08:00", "17:30")
    night = weekly("mon tue wed thu fri sat sun", "17:30", "08:00")
    yard = rectangle(-22.0, -32.0, 22.0, -2.0)
    corridor = rectangle(BLOCK_A[0], CORRIDOR_SOUTH_M, BLOCK_A[2], CORRIDOR_NORTH_M)
    return [
        area("sterile_north", "zone", rectangle(-69.7, 44.1, 69.7, 49.7), name="Sterile strip, north", purpose="sterile"),
        area("sterile_south", "zone", rectangle(-69.7, -49.7, 69.7, -44.1), name="Sterile strip, south", purpose="sterile"),
        area("sterile_west", "zone", rectangle(-69.7, -44.1, -64.1, 44.1), name="Sterile strip, west", purpose="sterile"),
        area("sterile_east", "zone", rectangle(64.1, -44.1, 69.7, 44.1), name="Sterile strip, east", purpose="sterile"),
        area("yard", "zone", yard, name="Exercise yard", purpose="yard", schedule=day),
        area("yard_night", "zone", yard, name="Exercise yard at night", purpose="restricted", schedule=night),
        area("sally_port", "zone", rectangle(29.4, -65.6, 36.6, -50.4), name="Sally port", purpose="restricted"),
        area("corridor_a", "zone", corridor, name="Corridor of block A", purpose="corridor"),
        area("forecourt", "zone", rectangle(24.0, -43.0, 41.0, -20.0), name="Forecourt", purpose="work"),
        area("ground_floor_a", "floor", rectangle(*BLOCK_A), name="Block A, ground floor", level=0),
        area("corridor_slow", "slow", rectangle(-53.0, 19.0, -7.0, 23.0), name="Corridor of block A", limit_mps=0.6),
        area("garden", "keep_out", rectangle(-58.0, -38.0, -44.0, -24.0), name="Kitchen garden"),
        area("cells_south", "privacy", rectangle(-50.2, 11.7, -9.8, 12.2), name="Cell windows, block A", height_m=7.0),
        area("cells_b_south", "privacy", rectangle(9.8, 11.7, 50.2, 12.2), name="Cell windows, block B", height_m=7.0),
    ]


def _marks() -> list[FeatureDraft]:
    marks = [
        spot("dock", "dock", (26.0, -40.0), name="Charging dock", heading_deg=90.0),
        spot("yard_camera", "camera", (0.0, 11.6), name="Yard camera", heading_deg=180.0, height_m=5.5, hfov_deg=90.0),
        spot("lock_camera", "camera", (33.0, -50.0), name="Sally port camera", heading_deg=180.0, height_m=4.8, hfov_deg=80.0),
    ]
    for order, (name, x, y, yaw_deg) in enumerate(WAYPOINTS):
        key = "wp_" + name.lower().replace(" ", "_").replace("-", "_")
        marks.append(spot(key, "waypoint", (x, y), name=name, order=order, heading_deg=(90.0 - yaw_deg) % 360.0, dwell_s=1.0))
    return marks


def models() -> list[Model]:
    """Everything that stands there."""
    return [*_ground(), *_walls(), *_inner_fence(), *_block_a(), *_houses(), *_yard(), *_outside()]


def _ground() -> list[Model]:
    court = [
        ((-12.0, -28.0), (12.0, -28.0)),
        ((12.0, -28.0), (12.0, -8.0)),
        ((12.0, -8.0), (-12.0, -8.0)),
        ((-12.0, -8.0), (-12.0, -28.0)),
    ]
    return [
        props.ground((420.0, 380.0)),
        props.slab("strip", "gravel", (-70.0, -50.0), (70.0, 50.0), top_m=-0.01),
        props.slab("inside", "grass", (-64.0, -44.0), (64.0, 44.0)),
        props.slab("forecourt", "asphalt", (24.0, -50.0), (41.0, -18.0), top_m=0.01),
        props.slab("yard", "concrete", (-22.0, -32.0), (22.0, -2.0), top_m=0.01),
        props.slab("path", "concrete", (-60.0, 2.0), (60.0, 9.0), top_m=0.01),
        props.slab("path_west", "concrete", (-60.0, 9.0), (-50.0, 26.0), top_m=0.01),
        props.slab("corridor", "concrete", (-50.0, 19.0), (-10.0, 23.0), top_m=0.01),
        props.slab("path_middle", "concrete", (-10.0, 9.0), (10.0, 26.0), top_m=0.01),
        props.slab("lock", "asphalt", (29.0, -66.0), (37.0, -50.0), top_m=0.01),
        props.slab("road", "asphalt", (-140.0, -80.0), (140.0, -72.0)),
        props.slab("drive", "asphalt", (29.0, -72.0), (37.0, -66.0)),
        props.stripes("court_lines", [*court, ((-12.0, -18.0), (12.0, -18.0))], width_m=0.1),
        props.stripes("gate_line", [((30.0, -43.0), (36.0, -43.0))], width_m=0.3, colour=_YELLOW),
    ]


def _walls() -> list[Model]:
    height = WALL_HEIGHT_M
    corners = rectangle(-WALL_X_M, -WALL_Y_M, WALL_X_M, WALL_Y_M)
    lock = (LOCK_WEST_M, -WALL_Y_M), (LOCK_EAST_M, -WALL_Y_M)
    return [
        props.wall("wall_south_west", corners[0], lock[0], height_m=height),
        props.wall("wall_south_east", lock[1], corners[1], height_m=height),
        props.wall("wall_east", corners[1], corners[2], height_m=height),
        props.wall("wall_north", corners[2], corners[3], height_m=height),
        props.wall("wall_west", corners[3], corners[0], height_m=height),
        props.wall("lock_west", (LOCK_WEST_M, -WALL_Y_M), (LOCK_WEST_M, LOCK_SOUTH_M), height_m=height),
        props.wall("lock_east", (LOCK_EAST_M, LOCK_SOUTH_M), (LOCK_EAST_M, -WALL_Y_M), height_m=height),
        props.gate("lock_outer_gate", (LOCK_WEST_M, LOCK_SOUTH_M), (LOCK_EAST_M, LOCK_SOUTH_M), height_m=4.0),
        props.gate("lock_inner_gate", lock[0], lock[1], height_m=4.0),
        *(
            props.tower(f"tower_{index}", (x * (WALL_X_M + 1.6), y * (WALL_Y_M + 1.6)), height_m=10.0)
            for index, (x, y) in enumerate(((-1, -1), (1, -1), (1, 1), (-1, 1)))
        ),
    ]


def _inner_fence() -> list[Model]:
    corners = rectangle(-FENCE_X_M, -FENCE_Y_M, FENCE_X_M, FENCE_Y_M)
    west, east = INNER_GATE
    fences = [
        props.fence("fence_south_west", corners[0], (west, -FENCE_Y_M), height_m=3.6),
        props.fence("fence_south_east", (east, -FENCE_Y_M), corners[1], height_m=3.6),
        props.fence("fence_east", corners[1], corners[2], height_m=3.6),
        props.fence("fence_north", corners[2], corners[3], height_m=3.6),
        props.fence("fence_west", corners[3], corners[0], height_m=3.6),
    ]
    return [*fences, props.gate("inner_gate_slid_open", (east + 0.6, -43.5), (east + 6.6, -43.5), height_m=3.2)]


def _block_a() -> list[Model]:
    """A cell block with a corridor from door to door: two halves, a ceiling across, cell doors and pilasters inside."""
    west, south, east, north = BLOCK_A
    middle, width = 0.5 * (west + east), east - west
    lower, upper = CORRIDOR_SOUTH_M - south, north - CORRIDOR_NORTH_M
    parts = [
        props.box("brick", (width, lower, 7.0), (0, south + 0.5 * lower, 0)),
        props.box("brick", (width, upper, 7.0), (0, north - 0.5 * upper, 0)),
        props.box("concrete", (width, CORRIDOR_NORTH_M - CORRIDOR_SOUTH_M, 7.0 - CEILING_M), (0, 21.0, CEILING_M)),
        props.box("roof", (width + 0.5, north - south + 0.5, 0.3), (0, 0.5 * (south + north), 7.0), solid=False),
    ]
    for index in range(9):
        along = -16.0 + 4.0 * index
        for wall_y, inward in ((CORRIDOR_SOUTH_M, 1.0), (CORRIDOR_NORTH_M, -1.0)):
            parts.append(
                props.box("metal", (0.95, 0.06, 2.0), (along + 1.6, wall_y + 0.03 * inward, 0.02), colour=_GREEN, solid=False)
            )
            parts.append(props.box("concrete", (0.3, 0.2, CEILING_M), (along, wall_y + 0.1 * inward, 0)))
        parts.append(
            props.box("paint", (1.2, 0.25, 0.06), (along, 21.0, CEILING_M - 0.06), colour=(1.0, 0.98, 0.9, 1.0), solid=False)
        )
    for sill in (1.6, 4.6):
        for index in range(12):
            at = (-18.0 + 3.2 * index, south - 0.01, sill)
            parts.append(props.box("glass", (0.9, 0.06, 0.9), at, solid=False))
    return [Model(name="block_a", x_m=middle, parts=tuple(parts))]


def _houses() -> list[Model]:
    west, south, east, north = BLOCK_B
    centre, size = (0.5 * (west + east), 0.5 * (south + north)), (east - west, north - south, 7.0)
    return [
        props.building("block_b", centre, size, surface="brick", sills_m=(1.6, 4.6)),
        props.building(
            "admin", (50.0, -31.0), (16.0, 14.0, 5.0), surface="concrete", colour=(0.72, 0.69, 0.62, 1.0), sills_m=(1.2,)
        ),
        props.doors("doors", [((42.0, -31.0), False), ((30.0, 12.0), True)], size_m=(1.2, 2.1), colour=_STEEL),
        props.charger("dock_post", (25.1, -40.0)),
    ]


def _yard() -> list[Model]:
    lamps = [(-40.0, -6.0), (-26.0, -38.0), (26.0, -12.0), (58.0, 2.0), (-60.0, 36.0), (0.0, 38.0), (58.0, 38.0), (6.0, -38.0)]
    benches = [
        props.box("wood", (2.0, 0.45, 0.45), (-18.0, -30.5, 0)),
        props.box("wood", (2.0, 0.45, 0.45), (18.0, -30.5, 0)),
        props.box("wood", (2.0, 0.45, 0.45), (-18.0, -3.5, 0)),
        props.box("wood", (2.0, 0.45, 0.45), (18.0, -3.5, 0)),
    ]
    hoops = [props.box("metal", (0.15, 0.15, 3.2), (x, -18.0, 0), colour=_STEEL) for x in (-13.0, 13.0)]
    boards = [props.box("paint", (0.06, 1.6, 1.0), (x, -18.0, 2.9), solid=False) for x in (-12.8, 12.8)]
    beds = [props.box("wood", (10.0, 1.6, 0.35), (-51.0, y, 0)) for y in (-35.0, -31.0, -27.0)]
    return [
        *(props.lamp(f"lamp_{index}", at, height_m=8.0) for index, at in enumerate(lamps)),
        Model(name="benches", parts=tuple(benches)),
        Model(name="hoops", parts=(*hoops, *boards)),
        Model(name="garden_beds", parts=tuple(beds)),
        props.container("store", (58.0, -12.0), 90.0, (0.35, 0.38, 0.42, 1.0)),
        props.lorry("kitchen_van", (40.0, -14.0), 90.0, (0.80, 0.80, 0.78, 1.0)),
    ]


def _outside() -> list[Model]:
    trees = [
        (-90, -40, 8.0),
        (-95, 5, 7.0),
        (-88, 48, 9.0),
        (-40, 72, 8.0),
        (10, 75, 7.5),
        (55, 70, 8.5),
        (92, 30, 7.0),
        (95, -20, 8.0),
    ]
    return [
        *(props.tree(f"tree_{index}", (x, y), height_m=height) for index, (x, y, height) in enumerate(trees)),
        props.car("car_0", (-4.0, -68.0), 0.0, (0.6, 0.62, 0.65, 1.0)),
        props.car("car_1", (-11.0, -68.0), 0.0, (0.4, 0.1, 0.1, 1.0)),
        props.building("house_0", (-40.0, -96.0), (14.0, 9.0, 6.0), surface="brick", sills_m=(1.0, 3.8)),
    ]
