# SPDX-License-Identifier: Apache-2.0
"""Places on the ground from boxes of people who were drawn, not filmed, seen by four kinds of fixed camera.

``python -m benchmarks.drawn_walkers [--seeds N]``. People of 1.5 to 1.95 m walk from goal to goal and stop at times. Their boxes
err by white noise, by errors that last 0.8 s, and by a bias of each person; who is behind somebody nearer is not seen, or has the
box cut, or guessed whole. Ids change after 1.2 s unseen. Places by ``perception.ground_path`` are compared with those of the feet
alone: of each box, and filtered along the track. Events are those of ``benchmarks.alarms``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.alarms import counts, f1, feet_px, met_pairs, owners, paths, places
from benchmarks.figures import tell
from patrol.checks import Floats
from patrol.clock import nanoseconds
from patrol.percepts import Label
from perception.fixed_camera import FixedCamera
from perception.ground import Located
from perception.ground_filter import GroundFilter
from perception.ground_path import ground_paths
from perception.metrics.mot_file import MotRows

_FOOT_STD_PX = np.array([[2.5], [3.0]])
_BIAS, _LASTING, _WHITE, _LASTING_S = 0.010, 0.015, 0.012, 0.8
_UNSEEN_S, _HIDDEN, _CUT_SHARE = 1.2, 0.7, 0.6
_TURN_S, _WANDER = 0.5, 0.25
_ZONES = 40
_NOWHERE_M = 100.0
Placing = Callable[[MotRows, FixedCamera, float], Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A camera ``height_m`` over the origin that looks ``down_deg`` below the horizon to the east, and who walks before it:
    ``people`` between ``near_m`` and ``far_m``, up to ``aside`` of the distance to either side."""

    height_m: float
    down_deg: float
    focal_px: float
    size_px: tuple[int, int]
    rate_hz: float
    near_m: float
    far_m: float
    aside: float
    people: int
    lasts_s: float = 25.0

    def camera(self) -> FixedCamera:
        down = np.radians(self.down_deg)
        ahead, right = np.array([np.cos(down), 0.0, -np.sin(down)]), np.array([0.0, -1.0, 0.0])
        axes = np.vstack((right, np.cross(ahead, right), ahead))
        width, height = self.size_px
        inner = np.array([[self.focal_px, 0.0, 0.5 * width], [0.0, self.focal_px, 0.5 * height], [0.0, 0.0, 1.0]])
        seen = inner @ np.column_stack((axes, -axes @ np.array([0.0, 0.0, self.height_m])))
        return FixedCamera(picture_from_map=seen, width_px=width, height_px=height)


VIEWS = {
    "street": View(
        height_m=1.75,
        down_deg=-3.0,
        focal_px=900.0,
        size_px=(640, 480),
        rate_hz=25.0,
        near_m=12.0,
        far_m=34.0,
        aside=0.33,
        people=10,
    ),
    "roof": View(
        height_m=6.0,
        down_deg=16.0,
        focal_px=560.0,
        size_px=(480, 360),
        rate_hz=7.0,
        near_m=12.0,
        far_m=34.0,
        aside=0.4,
        people=14,
    ),
    "robot": View(
        height_m=0.8, down_deg=0.0, focal_px=554.0, size_px=(640, 480), rate_hz=10.0, near_m=3.0, far_m=20.0, aside=0.55, people=6
    ),
    "mast": View(
        height_m=4.0, down_deg=12.0, focal_px=700.0, size_px=(960, 540), rate_hz=15.0, near_m=9.0, far_m=30.0, aside=0.6, people=8
    ),
}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    given = parser.parse_args()
    ways: dict[str, Placing] = {"foot": by_feet, "filtered": by_filtered_feet, "path": by_path}
    metrics: dict[str, float | int] = {}
    for name, view in VIEWS.items():
        scenes = [drawn_scene(view, seed) for seed in range(1, given.seeds + 1)]
        for way, placing in ways.items():
            metrics |= {f"{name}_{way}_{key}": value for key, value in judged(view, scenes, placing).items()}
    tell("drawn_walkers", metrics, seeds=given.seeds, zones=_ZONES)


def judged(view: View, scenes: list[tuple[MotRows, MotRows]], placing: Placing) -> dict[str, float]:
    """How far the places are off in all scenes (no place at all: 100 m), and F1 of the events."""
    off, total = list[Floats](), dict[str, Floats]()
    for seed, (truth, tracks) in enumerate(scenes):
        placed, pairs = placing(tracks, view.camera(), view.rate_hz), met_pairs(truth, tracks)
        off.append(np.hypot(*(placed[pairs[:, 1]] - truth.ground_m[pairs[:, 0]]).T))
        ours, theirs = paths(truth, truth.ground_m, view.rate_hz), paths(tracks, placed, view.rate_hz)
        found = counts(ours, theirs, places(truth.ground_m, _ZONES, seed), owners(truth, tracks, pairs))
        for kind, counted in found.items():
            total[kind] = total.get(kind, np.zeros(3)) + counted.sum(axis=0)
    nearest = np.nan_to_num(np.concatenate(off), nan=_NOWHERE_M)
    metres = {f"position_{part}_m": round(float(np.percentile(nearest, part)), 3) for part in (50, 95)}
    return {**metres, **{f"{kind}_f1": f1(total[kind][None, :].astype(np.int64)) for kind in ("intrusion", "line", "loiter")}}


def by_feet(tracks: MotRows, camera: FixedCamera, _rate_hz: float) -> Floats:
    """The foot of each box (N, 2) m, on its own."""
    return camera.on_ground(feet_px(tracks))


def by_path(tracks: MotRows, camera: FixedCamera, rate_hz: float) -> Floats:
    """As ``patrol track`` tells them (N, 2) m."""
    return ground_paths(tracks, camera, rate_hz).position_m


def by_filtered_feet(tracks: MotRows, camera: FixedCamera, rate_hz: float) -> Floats:
    """The feet filtered along each track (N, 2) m, as a robot without a lidar would."""
    feet, placed = feet_px(tracks), np.full((len(tracks.picture), 2), np.nan)
    for track_id in np.unique(tracks.track_id).tolist():
        known: GroundFilter | None = None
        for index in np.flatnonzero(tracks.track_id == track_id).tolist():
            corners = camera.on_ground(feet[index] + np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
            if not np.isfinite(corners).all():
                continue
            slope = (corners[1:] - corners[0]) * _FOOT_STD_PX
            located = Located(position_m=corners[0], covariance_m2=slope.T @ slope + 1e-4 * np.eye(2))
            stamp_ns = nanoseconds(float(tracks.picture[index]) / rate_hz)
            if known is None:
                known = GroundFilter(located, Label.PERSON, stamp_ns)
            else:
                known.predict(stamp_ns)
                known.correct(located, by_picture=False)
            placed[index] = known.position(None).position_m
    return placed


def drawn_scene(view: View, seed: int) -> tuple[MotRows, MotRows]:
    """The truth, and the tracks that a good tracker would tell."""
    random, camera = np.random.default_rng(seed), view.camera()
    pictures = int(view.lasts_s * view.rate_hz)
    walks = np.stack([_walk(view, pictures, random) for _ in range(view.people)])
    tall = np.clip(random.normal(1.72, 0.09, view.people), 1.5, 1.95)
    real = np.stack([_boxes(camera, way, height_m, view.rate_hz, random) for way, height_m in zip(walks, tall, strict=True)])
    noise = np.stack([_noise(pictures, 1.0 / view.rate_hz, random) for _ in range(view.people)])
    seen = real + noise * (real[..., 3] - real[..., 1])[..., None]
    is_cut = random.random((view.people, int(view.lasts_s) + 1)) < _CUT_SHARE
    limits = np.array(view.size_px * 2, dtype=np.float64)
    truth, tracks = list[tuple[float, ...]](), list[tuple[float, ...]]()
    names, last = list(range(1, view.people + 1)), np.full(view.people, -1)
    for number in range(pictures):
        shown = _shown(real[:, number], limits)
        for person in np.flatnonzero(shown > 0.0).tolist():
            if shown[person] > 0.5:
                truth.append((number + 1, person + 1, *real[person, number], *walks[person, number]))
            hidden, brim = _hidden(real[:, number], person)
            if hidden > _HIDDEN or shown[person] < 0.5:
                continue
            if last[person] >= 0 and (number - last[person]) / view.rate_hz > _UNSEEN_S:
                names[person] = max(names) + 1
            last[person] = number
            brim = brim if is_cut[person, int(number / view.rate_hz)] else np.inf
            box = np.clip(_cut(seen[person, number], brim), 0.0, limits)
            tracks.append((number + 1, names[person], *box, np.nan, np.nan))
    return _rows(truth), _rows(tracks)


def _walk(view: View, pictures: int, random: np.random.Generator) -> Floats:
    """Places (N, 2) m of somebody who walks from goal to goal."""
    dt_s, wait_s, pace = 1.0 / view.rate_hz, 0.0, 0.0
    place, speed, way = _goal(view, random), np.zeros(2), np.empty((pictures, 2))
    goal = place
    for number in range(pictures):
        if np.hypot(*(goal - place)) < 0.8:
            goal, pace = _goal(view, random), random.uniform(0.8, 1.6)
            wait_s = random.uniform(0.0, 4.0) if random.random() < 0.25 else 0.0
        wait_s -= dt_s
        wanted = np.zeros(2) if wait_s > 0.0 else pace * (goal - place) / max(float(np.hypot(*(goal - place))), 1e-3)
        speed = speed + (wanted - speed) * dt_s / _TURN_S + random.normal(0.0, _WANDER, 2) * np.sqrt(dt_s)
        place = place + speed * dt_s
        way[number] = place
    return way


def _goal(view: View, random: np.random.Generator) -> Floats:
    ahead = random.uniform(view.near_m, view.far_m)
    return np.array([ahead, random.uniform(-1.0, 1.0) * ahead * view.aside])


def _boxes(camera: FixedCamera, way: Floats, height_m: float, rate_hz: float, random: np.random.Generator) -> Floats:
    """The true boxes (N, 4) px; they widen with every stride."""
    foot, head = (camera.project(np.column_stack((way, np.full(len(way), level)))) for level in (0.0, height_m))
    stride = np.sin(2.0 * np.pi * 1.8 * np.arange(len(way)) / rate_hz + random.uniform(0.0, 6.0))
    half, middle = (foot[:, 1] - head[:, 1]) * (0.19 + 0.035 * stride), 0.5 * (foot[:, 0] + head[:, 0])
    return np.column_stack((middle - half, head[:, 1], middle + half, foot[:, 1]))


def _noise(pictures: int, dt_s: float, random: np.random.Generator) -> Floats:
    """Errors of a box's edges (N, 4), in box heights."""
    lasting, keep = np.empty((pictures, 4)), np.exp(-dt_s / _LASTING_S)
    lasting[0] = random.normal(0.0, _LASTING, 4)
    for number in range(1, pictures):
        lasting[number] = keep * lasting[number - 1] + np.sqrt(1.0 - keep**2) * random.normal(0.0, _LASTING, 4)
    return random.normal(0.0, _BIAS, 4) + lasting + random.normal(0.0, _WHITE, (pictures, 4))


def _shown(boxes: Floats, limits: Floats) -> Floats:
    """The share (N,) of each box that lies in the picture."""
    inside = np.clip(boxes, 0.0, limits)
    areas = [(part[:, 2] - part[:, 0]) * (part[:, 3] - part[:, 1]) for part in (inside, boxes)]
    share: Floats = areas[0] / areas[1]
    return share


def _hidden(boxes: Floats, person: int) -> tuple[float, float]:
    """The share of somebody's box that one nearer box covers, and the row in px at which nearer ones begin; infinite for none."""
    left, top, right, bottom = boxes[person]
    nearer = boxes[boxes[:, 3] > bottom]
    across = np.maximum(np.minimum(right, nearer[:, 2]) - np.maximum(left, nearer[:, 0]), 0.0) / (right - left)
    down = np.maximum(np.minimum(bottom, nearer[:, 3]) - np.maximum(top, nearer[:, 1]), 0.0) / (bottom - top)
    begins = nearer[(across > 0.5) & (nearer[:, 1] < bottom), 1]
    return float((across * down).max(initial=0.0)), float(begins.min(initial=np.inf))


def _cut(box: Floats, brim: float) -> Floats:
    """The box (4,) down to the row ``brim``, but never less than its upper half."""
    lowest = min(box[3], max(brim, 0.5 * (box[1] + box[3])))
    return np.array([*box[:3], lowest])


def _rows(table: list[tuple[float, ...]]) -> MotRows:
    rows = np.array(sorted(table), dtype=np.float64)
    return MotRows(
        picture=rows[:, 0].astype(np.int64),
        track_id=rows[:, 1].astype(np.int64),
        boxes=rows[:, 2:6],
        score=np.ones(len(rows)),
        ground_m=rows[:, 6:],
    )


if __name__ == "__main__":
    main()
