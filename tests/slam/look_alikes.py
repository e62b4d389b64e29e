# SPDX-License-Identifier: Apache-2.0
"""Large buildings whose corridors look alike: doors every few metres, all the same, and next to nothing else. Whoever closes a
loop there by a glance closes it wrong."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from patrol.checks import Floats
from patrol.clock import seconds
from patrol.geometry import wrap_angle
from slam.config import MapperConfig
from slam.map_files import SavedMap
from slam.mapper import Mapper
from slam.relations import score_relations
from slam.trajectory import Trajectory
from tests.slam.raycaster import box
from tests.slam.synthetic import PLACES, Drive, Laser, Place, Wheels, make_drive, relations_of

_DOOR_M = 0.95
_LASER = Laser(beams=180, fov_deg=179.0, range_max_m=50.0, rate_hz=2.5)
_WHEELS = Wheels(scale=1.02, turn_scale=1.03, turn_per_m_rad=0.003, noise=0.05)
_SPEED_MPS = 0.9
_FALSE_M, _FALSE_RAD = 0.5, 0.1
_RELATIONS = 300


def door_rows(rng: np.random.Generator) -> Place:
    """Two blocks side by side in a corridor of 2.6 m: loops of 250 and 180 m, doors every 5 m, few of them open."""
    walls = [_block((0.0, 0.0, 125.0, 45.0), 5.0, rng, is_outer=True)]
    walls += [_block((x, 2.6, width, 39.8), 5.0, rng) for x, width in ((2.6, 77.4), (82.6, 39.8))]
    walls += [box(float(x), y, 0.45, 0.25) for y in (0.0, 44.75) for x in rng.uniform(5.0, 120.0, 6)]
    first = [(10.0, 1.3), (81.3, 1.3), (81.3, 43.7), (1.3, 43.7), (1.3, 1.3), (81.3, 1.3)]
    second = [(123.7, 1.3), (123.7, 43.7), (81.3, 43.7), (1.3, 43.7), (1.3, 1.3), (40.0, 1.3)]
    return Place(walls=np.vstack(walls), way_m=np.array(first + second))


def great_ring(rng: np.random.Generator) -> Place:
    """One loop of 400 m in a corridor of 4 m, doors every 9 m, a pillar here and there on one side."""
    walls = [_block((0.0, 0.0, 150.0, 60.0), 9.0, rng, is_outer=True), _block((4.0, 4.0, 142.0, 52.0), 9.0, rng)]
    walls += [box(float(x), 0.0, 0.5, 0.4) for x in rng.uniform(5.0, 140.0, 8)]
    way = [(8.0, 2.0), (148.0, 2.0), (148.0, 58.0), (2.0, 58.0), (2.0, 2.0), (60.0, 2.0), (148.0, 2.0), (148.0, 30.0)]
    return Place(walls=np.vstack(walls), way_m=np.array(way))


def wards(rng: np.random.Generator) -> Place:
    """A comb: seven dead ends of 25 m, all alike, off a corridor of 120 m."""
    starts, walls = np.arange(10.0, 115.0, 16.0), [_wall((0.0, 0.0), (120.0, 0.0), -1.0, 4.0, rng)]
    walls.append(np.array([[0.0, 0.0, 0.0, 2.4], [120.0, 0.0, 120.0, 2.4]]))
    way, last = [(3.0, 1.2)], 0.0
    for x in map(float, starts):
        walls += [_wall((last, 2.4), (x, 2.4), 1.0, 4.0, rng), np.array([[x, 27.4, x + 2.2, 27.4]])]
        walls += [_wall((x, 2.4), (x, 27.4), 1.0, 4.0, rng), _wall((x + 2.2, 2.4), (x + 2.2, 27.4), -1.0, 4.0, rng)]
        way += [(x + 1.1, 1.2), (x + 1.1, 25.5), (x + 1.1, 1.2)]
        last = x + 2.2
    walls.append(_wall((last, 2.4), (120.0, 2.4), 1.0, 4.0, rng))
    return Place(walls=np.vstack(walls), way_m=np.array([*way, (118.0, 1.2), (3.0, 1.2), (60.0, 1.2)]))


LOOK_ALIKES = {"door_rows": door_rows, "great_ring": great_ring, "wards": wards}
PLACES.update(LOOK_ALIKES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One drive: closures, those that are false, errors (N,) m of the relations, and times real time by processor time."""

    closures: int
    false: int
    errors_m: Floats
    real_time_factor: float


def mapped(place: str, seed: int, limit_s: float) -> Outcome:
    """Drive through a place and settle the map."""
    drive = make_drive(place, _LASER, _WHEELS, seed=seed, speed_mps=_SPEED_MPS, limit_s=limit_s)
    mapper = Mapper(MapperConfig(), drive.log.base_from_lidar, drive.truth.pose(0))
    before = time.process_time()
    for record in drive.log:
        mapper.add_scan(record.scan, record.odom_from_base)
    mapper.settle()
    took_s = time.process_time() - before
    odometry = Trajectory.from_poses([r.stamp_ns for r in drive.log], [r.odom_from_base for r in drive.log])
    errors = score_relations(relations_of(drive.truth, seed=seed, count=_RELATIONS), mapper.trajectory(), odometry)
    closures, false = counted(mapper.saved(), drive)
    lasts_s = seconds(drive.log.records[-1].stamp_ns - drive.log.records[0].stamp_ns)
    return Outcome(closures=closures, false=false, errors_m=errors.translation_m, real_time_factor=lasts_s / took_s)


def counted(saved: SavedMap, drive: Drive) -> tuple[int, int]:
    """Closures of a map, and how many of them the truth denies."""
    truth = [drive.truth.pose(drive.truth.nearest(keyframe.scan.stamp_ns)) for keyframe in saved.keyframes]
    closures = [edge for edge in saved.edges if edge.is_closure]
    false = 0
    for edge in closures:
        moved = truth[edge.from_id].inverse() @ truth[edge.to_id]
        turn = abs(wrap_angle(moved.yaw_rad - edge.from_to.yaw_rad))
        false += moved.distance_to(edge.from_to) > _FALSE_M or turn > _FALSE_RAD
    return len(closures), false


def _block(
    sides_m: tuple[float, float, float, float], every_m: float, rng: np.random.Generator, *, is_outer: bool = False
) -> Floats:
    """Four walls of a box (x, y, width, depth) with doors; rooms lie within, or without of the outermost."""
    x, y, width, depth = sides_m
    corners = [(x, y), (x + width, y), (x + width, y + depth), (x, y + depth)]
    ends = zip(corners, corners[1:] + corners[:1], strict=True)
    return np.vstack([_wall(start, end, -1.0 if is_outer else 1.0, every_m, rng) for start, end in ends])


def _wall(
    start_m: tuple[float, float], end_m: tuple[float, float], side: float, every_m: float, rng: np.random.Generator
) -> Floats:
    """A wall with a door every ``every_m``, set back by 12 cm to the left (``side`` 1) or right; one in sixteen stands open."""
    start, along = np.array(start_m), np.array(end_m) - np.array(start_m)
    length_m = math.hypot(*along)
    unit = along / length_m
    inwards = side * np.array([-unit[1], unit[0]])
    segments, last, at_m = [], start, 0.5 * every_m
    while at_m + _DOOR_M < length_m:
        low, high = start + unit * at_m, start + unit * (at_m + _DOOR_M)
        back = inwards * (rng.uniform(2.5, 4.0) if rng.random() < 1.0 / 16.0 else 0.12)
        segments += [[*last, *low], [*low, *(low + back)], [*(low + back), *(high + back)], [*(high + back), *high]]
        last, at_m = high, at_m + every_m
    return np.array([*segments, [*last, *end_m]])
