# SPDX-License-Identifier: Apache-2.0
"""The border strip: 1 km of fence, a gravel track along it, watch towers, poles, trees and rocks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from patrol.site import Datum
from sim import world_builder_props as props
from sim.world_builder_model import Colour, Model
from sim.world_builder_site import FeatureDraft, Header, area, line, rectangle, spot, weekly

HEADER = Header(
    site_id="border",
    name="Border strip, section 14",
    time_zone="Europe/Vilnius",
    datum=Datum(latitude_deg=54.3127, longitude_deg=25.6241, altitude_m=164.0),
)
HALF_LENGTH_M, FENCE_Y_M, SOUTH_Y_M = 500.0, 12.0, -25.0
CROSSING = (200.0, 207.0)
"""The gate of the fence, from x to x."""
TOWERS_X_M = (-390.0, -130.0, 130.0, 390.0)
HUT = (-4.0, -18.0, 4.0, -12.0)
WAYPOINTS: tuple[tuple[float, float], ...] = (
    (110.0, 1.2),
    (203.5, 4.5),
    (300.0, 1.2),
    (400.0, 1.2),
    (485.0, 0.0),
    (350.0, -1.2),
    (160.0, -1.2),
    (-60.0, -1.2),
    (-160.0, -1.2),
    (-260.0, -1.2),
    (-360.0, -1.2),
    (-485.0, 0.0),
    (-310.0, 1.2),
    (-110.0, 1.2),
)
_YELLOW: Colour = (0.88, 0.72, 0.12, 1.0)


def features() -> list[FeatureDraft]:
    """Everything the site file says, in metres in ``map``."""
    whole = rectangle(-HALF_LENGTH_M, SOUTH_Y_M, HALF_LENGTH_M, FENCE_Y_M)
    gate = ((CROSSING[0], FENCE_Y_M), (CROSSING[1], FENCE_Y_M))
    strip = rectangle(-HALF_LENGTH_M, 5.5, HALF_LENGTH_M, FENCE_Y_M - 0.1)
    outside = rectangle(-HALF_LENGTH_M, FENCE_Y_M + 0.1, HALF_LENGTH_M, FENCE_Y_M + 40.0)
    return [
        area("perimeter", "perimeter", whole, name="Border section"),
        line("crossing", "gate", gate, name="Crossing gate", open_hours=weekly("mon wed fri", "09:00", "15:00")),
        area("hut", "building", rectangle(*HUT), name="Guard hut", height_m=3.0),
        *(
            area(f"tower_{i}", "building", rectangle(x - 1.3, -14.3, x + 1.3, -11.7), name=f"Tower {i}", height_m=10.0)
            for i, x in enumerate(TOWERS_X_M)
        ),
        area("control_strip", "zone", strip, name="Control strip", purpose="restricted"),
        area("track", "zone", rectangle(-HALF_LENGTH_M, -3.5, HALF_LENGTH_M, 3.5), name="Track", purpose="work"),
        area("beyond", "zone", outside, name="Beyond the fence", purpose="outside"),
        area("culvert", "keep_out", rectangle(-222.0, -12.0, -214.0, -6.0), name="Culvert"),
        area("crossing_slow", "slow", rectangle(190.0, -4.0, 217.0, 8.0), name="Crossing", limit_mps=0.8),
        area("farm", "privacy", rectangle(-330.0, -60.0, -310.0, -45.0), name="Farm house", height_m=7.0),
        spot("dock", "dock", (6.5, -9.0), name="Charging dock", heading_deg=90.0),
        spot("crossing_camera", "camera", (197.0, 6.0), name="Crossing camera", heading_deg=60.0, height_m=5.0, hfov_deg=70.0),
        *(
            spot(
                f"wp_{order:02d}",
                "waypoint",
                at,
                name=f"Kilometre point {(at[0] + HALF_LENGTH_M) / 1000:.2f}",
                order=order,
                dwell_s=2.0,
            )
            for order, at in enumerate(WAYPOINTS)
        ),
    ]


def models() -> list[Model]:
    """Everything that stands there."""
    return [*_ground(), *_fence(), *_posts(), *_landscape()]


def _ground() -> list[Model]:
    ends = HALF_LENGTH_M + 60.0
    return [
        props.ground((1300.0, 400.0)),
        props.slab("track", "gravel", (-ends, -3.5), (ends, 3.5)),
        props.slab("control_strip", "gravel", (-ends, 5.5), (ends, FENCE_Y_M), top_m=-0.01),
        props.slab("yard", "concrete", (-10.0, -20.0), (14.0, -3.5), top_m=0.01),
        props.slab("crossing_road", "asphalt", (199.0, -60.0), (208.0, 60.0), top_m=0.01),
    ]


def _fence() -> list[Model]:
    west, east = CROSSING
    knots = [-HALF_LENGTH_M, -250.0, 0.0, west]
    runs = [*pairwise(knots), (east, HALF_LENGTH_M)]
    return [
        *(
            props.fence(f"fence_{i}", (x0, FENCE_Y_M), (x1, FENCE_Y_M), height_m=4.0, post_every_m=10.0)
            for i, (x0, x1) in enumerate(runs)
        ),
        props.gate("crossing_gate", (west, FENCE_Y_M), (east, FENCE_Y_M), height_m=3.5),
        props.bollards("crossing_bollards", [(x, y) for x in (198.0, 209.0) for y in (5.0, 7.0, 9.0)]),
    ]


def _posts() -> list[Model]:
    x0, y0, x1, y1 = HUT
    markers = [
        props.box("concrete", (0.3, 0.3, 1.0), (x, -5.0, 0), colour=_YELLOW if index % 2 else None)
        for index, x in enumerate(range(-475, 500, 50))
    ]
    return [
        *(props.tower(f"tower_{i}", (x, -13.0), height_m=10.0) for i, x in enumerate(TOWERS_X_M)),
        props.building("hut", (0.5 * (x0 + x1), 0.5 * (y0 + y1)), (x1 - x0, y1 - y0, 3.0), surface="wood", sills_m=(1.0,)),
        props.charger("dock_post", (5.6, -9.0)),
        *(props.lamp(f"pole_{i}", (float(x), 5.0), height_m=8.0) for i, x in enumerate(range(-480, 500, 80))),
        Model(name="markers", parts=tuple(markers)),
        props.car("jeep", (11.0, -15.0), 90.0, (0.25, 0.30, 0.20, 1.0)),
        Model(
            name="culvert",
            parts=(
                props.box("concrete", (7.0, 0.4, 0.8), (-218.0, -6.5, 0)),
                props.box("concrete", (7.0, 0.4, 0.8), (-218.0, -11.5, 0)),
            ),
        ),
        props.building("farm", (-320.0, -52.0), (16.0, 10.0, 6.0), surface="brick", sills_m=(1.0, 3.8)),
    ]


def _landscape() -> list[Model]:
    """Trees and rocks along the strip: one about every 14 m on the south side, and trees beyond the fence."""
    rng = np.random.default_rng(14)
    models = []
    for index, x in enumerate(np.arange(-490.0, 491.0, 14.0)):
        place = (float(np.round(x + rng.uniform(-4.0, 4.0), 2)), float(np.round(rng.uniform(-23.0, -7.0), 2)))
        tall = rng.random() < 0.45
        if _is_taken(*place):
            continue
        size = float(np.round(rng.uniform(4.0, 7.5) if tall else rng.uniform(0.4, 1.3), 2))
        models.append(props.tree(f"tree_{index}", place, height_m=size) if tall else props.rock(f"rock_{index}", place, size))
    for index, x in enumerate(np.arange(-480.0, 481.0, 40.0)):
        place = (float(np.round(x + rng.uniform(-12.0, 12.0), 2)), float(np.round(rng.uniform(24.0, 45.0), 2)))
        if not CROSSING[0] - 6.0 < place[0] < CROSSING[1] + 6.0:
            models.append(props.tree(f"far_tree_{index}", place, height_m=float(np.round(rng.uniform(6.0, 10.0), 2))))
    return models


def _is_taken(x_m: float, y_m: float) -> bool:
    """Whether something else stands within reach of the place."""
    near_tower = any(abs(x_m - tower) < 5.0 for tower in TOWERS_X_M) and y_m < -7.0
    return near_tower or abs(x_m) < 20.0 or abs(x_m + 218.0) < 8.0 or 192.0 < x_m < 215.0
