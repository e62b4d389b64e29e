# SPDX-License-Identifier: Apache-2.0
"""Events from tracks against events from ground-truth tracks, in metres and seconds; and how far places on the ground are off.

``python -m benchmarks.alarms SEQUENCE [--tracks FILE] [--models FOLDER]``. The sequence's ``gt.txt`` must have places on the
ground. The camera's homography is fitted to the truth's foot points, as a site's calibration would be. Zones and lines are
drawn at random, from a seed, over the ground that people walked on: intrusion (1 s inside), crossing with direction, loitering
(5 s inside). An event is right within 1.5 s and 1.5 m.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment
from shapely.geometry import LineString, Polygon, box

from benchmarks.figures import tell
from benchmarks.tracking import followed, rate_of
from patrol.checks import Floats
from patrol.clock import nanoseconds
from patrol.errors import BadInput, Fault
from patrol.percepts import Label
from perception.boxes import iou_matrix
from perception.ground import Located
from perception.ground_filter import GroundFilter
from perception.metrics.events import Agreement, Event, Path2, agreement, crossings, stays
from perception.metrics.mot_file import MotRows, read_mot

_WITHIN_S, _WITHIN_M = 1.5, 1.5
_FOOT_STD_PX = (2.5, 3.0)
_MET = 0.5
_NOTHING = Agreement(right=0, missed=0, false=0)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sequence", type=Path)
    parser.add_argument("--tracks", type=Path)
    parser.add_argument("--models", type=Path)
    parser.add_argument("--zones", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    truth = read_mot(given.sequence / "gt.txt", truth=True)
    if not np.isfinite(truth.ground_m).all():
        raise BadInput(given.sequence / "gt.txt", [Fault(field="X, Y", value=-1, because="places on the ground are wanted")])
    tracks = read_mot(given.tracks) if given.tracks else followed(given.sequence, given.models)[0]
    rate_hz = rate_of(given.sequence) or 25.0
    ground_from_picture = homography(truth)
    placed = placed_tracks(tracks, ground_from_picture, rate_hz)
    totals = dict.fromkeys(("intrusion", "line", "loiter"), _NOTHING)
    ways = [paths(truth, truth.ground_m, rate_hz), paths(tracks, placed, rate_hz)]
    for number, (zone, line) in enumerate(places(truth.ground_m, given.zones, given.seed)):
        for kind, (real, found) in _events(ways, zone, line, f"{number}").items():
            totals[kind] += agreement(real, found, within_s=_WITHIN_S, within_m=_WITHIN_M)
    off_m = distances_m(truth, tracks, placed)
    metrics: dict[str, float | int] = {f"{kind}_f1": round(total.f1, 3) for kind, total in totals.items()}
    metrics |= {f"{kind}_events": total.right + total.missed for kind, total in totals.items()}
    metrics |= {f"position_{part}_m": round(float(np.percentile(off_m, part)), 3) for part in (50, 95)}
    tell("alarms", metrics, sequence=given.sequence.name, zones=given.zones, seed=given.seed)


def homography(truth: MotRows) -> Floats:
    """Ground from picture (3, 3), by least squares of medians over the truth's foot points."""
    found, _ = cv2.findHomography(feet_px(truth), truth.ground_m, cv2.LMEDS)
    return np.asarray(found, dtype=np.float64)


def feet_px(rows: MotRows) -> Floats:
    """Middles (N, 2) px of the lower edges."""
    return np.column_stack((0.5 * (rows.boxes[:, 0] + rows.boxes[:, 2]), rows.boxes[:, 3]))


def on_ground_m(points_px: Floats, ground_from_picture: Floats) -> Floats:
    """Points (N, 2) px taken to the ground (N, 2) m."""
    lifted = np.column_stack((points_px, np.ones(len(points_px)))) @ ground_from_picture.T
    placed: Floats = lifted[:, :2] / lifted[:, 2:]
    return placed


def placed_tracks(tracks: MotRows, ground_from_picture: Floats, rate_hz: float) -> Floats:
    """Where every row of ``tracks`` stands (N, 2) m, filtered along its track."""
    feet, placed = feet_px(tracks), np.empty((len(tracks.picture), 2))
    for track_id in np.unique(tracks.track_id).tolist():
        known: GroundFilter | None = None
        for index in np.flatnonzero(tracks.track_id == track_id).tolist():
            corners = on_ground_m(feet[index] + np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), ground_from_picture)
            slope = (corners[1:] - corners[0]) * np.array(_FOOT_STD_PX)[:, None]
            located = Located(position_m=corners[0], covariance_m2=slope.T @ slope + 1e-4 * np.eye(2))
            stamp_ns = nanoseconds(float(tracks.picture[index]) / rate_hz)
            if known is None:
                known = GroundFilter(located, Label.PERSON, stamp_ns)
            else:
                known.predict(stamp_ns)
                known.correct(located, by_picture=False)
            placed[index] = known.position(None).position_m
    return placed


def paths(rows: MotRows, places_m: Floats, rate_hz: float) -> list[Path2]:
    """One path per id."""
    return [
        Path2(time_s=rows.picture[rows.track_id == number] / rate_hz, place_m=places_m[rows.track_id == number])
        for number in np.unique(rows.track_id).tolist()
    ]


def places(walked_m: Floats, count: int, seed: int) -> list[tuple[Polygon, LineString]]:
    """``count`` zones of 2 to 4 m and lines of 3 to 6 m about places where people walked."""
    random = np.random.default_rng(seed)
    drawn = []
    for x_m, y_m in walked_m[random.integers(0, len(walked_m), count)].tolist():
        half = 0.5 * random.uniform(2.0, 4.0, 2)
        turn, reach = random.uniform(0.0, np.pi), 0.5 * random.uniform(3.0, 6.0)
        step = reach * np.array([np.cos(turn), np.sin(turn)])
        zone = box(x_m - half[0], y_m - half[1], x_m + half[0], y_m + half[1])
        drawn.append((zone, LineString([(x_m - step[0], y_m - step[1]), (x_m + step[0], y_m + step[1])])))
    return drawn


def distances_m(truth: MotRows, tracks: MotRows, placed: Floats) -> Floats:
    """How far the places of tracks are off, over all true boxes that a track of their own overlaps by half or more: the pairs
    of each picture are those of CLEAR MOT (Bernardin and Stiefelhagen 2008), at most one for every box."""
    off = []
    for picture in np.unique(truth.picture).tolist():
        real, found = np.flatnonzero(truth.picture == picture), np.flatnonzero(tracks.picture == picture)
        if len(found):
            overlap = iou_matrix(truth.boxes[real], tracks.boxes[found])
            ours, theirs = linear_sum_assignment(np.where(overlap >= _MET, 1.0 + overlap, 0.0), maximize=True)
            met = overlap[ours, theirs] >= _MET
            off.append(np.hypot(*(placed[found[theirs[met]]] - truth.ground_m[real[ours[met]]]).T))
    return np.concatenate(off) if off else np.array([np.inf])


def _events(ways: list[list[Path2]], zone: Polygon, line: LineString, name: str) -> dict[str, list[list[Event]]]:
    return {
        "intrusion": [list(stays(way, zone, name, after_s=1.0)) for way in ways],
        "line": [list(crossings(way, line, name)) for way in ways],
        "loiter": [list(stays(way, zone, name, after_s=5.0)) for way in ways],
    }


if __name__ == "__main__":
    main()
