# SPDX-License-Identifier: Apache-2.0
"""Events from tracks against events from ground-truth tracks, in metres and seconds; and how far places on the ground are off.

``python -m benchmarks.alarms SEQUENCE [--tracks FILE] [--models FOLDER]``. The sequence's ``gt.txt`` must have places on the
ground. The camera is calibrated by the truth's foot points, as a site's calibration would be. Zones and lines are
drawn at random, from seeds, over the ground that people walked on: intrusion (1 s inside), crossing with direction, loitering
(5 s inside). An event is right within 1.5 s and 1.5 m. ``line`` counts every change of side, ``line_clear`` those that end
a quarter of a metre beyond: half a body.

Intervals (95 %) are of the people: they are drawn again, with all their events, because the events of one person go wrong
together. ``ceiling`` is what the truth's own boxes come to when they are placed by the same calibration and nothing else: better
than that nobody can know to be.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment
from shapely.geometry import LineString, Polygon, box

from app.track import open_video
from benchmarks.figures import tell
from benchmarks.tracking import followed, rate_of, size_of, video_of
from patrol.checks import Floats
from patrol.errors import BadInput, Fault
from perception.boxes import iou_matrix
from perception.fixed_camera import calibrated
from perception.ground_path import ground_paths
from perception.metrics.events import Event, Path2, crossings, matched, stays
from perception.metrics.mot_file import Integers, MotRows, read_mot

_WITHIN_S, _WITHIN_M = 1.5, 1.5
_CLEAR_M = 0.25
_ASIDE_M = 0.5
_MET = 0.5
_KINDS = ("intrusion", "line", "line_clear", "loiter")
_DRAWN_AGAIN = 2000


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sequence", type=Path)
    parser.add_argument("--tracks", type=Path)
    parser.add_argument("--models", type=Path)
    parser.add_argument("--zones", type=int, default=60, help="zones and lines of every seed")
    parser.add_argument("--seeds", type=int, default=10)
    given = parser.parse_args()
    truth = read_mot(given.sequence / "gt.txt", truth=True)
    if not np.isfinite(truth.ground_m).all():
        raise BadInput(given.sequence / "gt.txt", [Fault(field="X, Y", value=-1, because="places on the ground are wanted")])
    tracks = read_mot(given.tracks) if given.tracks else followed(given.sequence, given.models)[0]
    rate_hz = rate_of(given.sequence) or 25.0
    camera = calibrated(feet_px(truth), truth.ground_m, _size_px(given.sequence, truth))
    placed, best = ground_paths(tracks, camera, rate_hz).position_m, camera.on_ground(feet_px(truth))
    real = paths(truth, truth.ground_m, rate_hz)
    drawn = [place for seed in range(1, given.seeds + 1) for place in places(truth.ground_m, given.zones, seed)]
    pairs = met_pairs(truth, tracks)
    found = counts(real, paths(tracks, placed, rate_hz), drawn, owners(truth, tracks, pairs))
    ceiling = counts(real, paths(truth, best, rate_hz), drawn, {path.number: path.number for path in real})
    metrics: dict[str, float | int] = {}
    for kind in _KINDS:
        low, high = f1_interval(found[kind])
        metrics |= {f"{kind}_f1": f1(found[kind]), f"{kind}_f1_low": low, f"{kind}_f1_high": high}
        metrics |= {f"{kind}_ceiling": f1(ceiling[kind]), f"{kind}_events": int(found[kind][:, :2].sum())}
    off_m = np.hypot(*(placed[pairs[:, 1]] - truth.ground_m[pairs[:, 0]]).T) if len(pairs) else np.array([np.inf])
    best_m = np.hypot(*(best - truth.ground_m).T)
    metrics |= {f"position_{part}_m": round(float(np.percentile(off_m, part)), 3) for part in (50, 95)}
    metrics |= {f"position_{part}_m_ceiling": round(float(np.percentile(best_m, part)), 3) for part in (50, 95)}
    tell("alarms", metrics, sequence=given.sequence.name, zones=given.zones, seeds=given.seeds, people=len(real))


def feet_px(rows: MotRows) -> Floats:
    """Middles (N, 2) px of the lower edges."""
    return np.column_stack((0.5 * (rows.boxes[:, 0] + rows.boxes[:, 2]), rows.boxes[:, 3]))


def paths(rows: MotRows, places_m: Floats, rate_hz: float) -> list[Path2]:
    """One path per id, of the rows that have a place."""
    return [
        Path2(time_s=rows.picture[mine] / rate_hz, place_m=places_m[mine], number=number)
        for number in np.unique(rows.track_id).tolist()
        for mine in ((rows.track_id == number) & np.isfinite(places_m).all(axis=1),)
    ]


def places(walked_m: Floats, count: int, seed: int) -> list[tuple[Polygon, LineString]]:
    """``count`` zones of 2 to 4 m and lines of 3 to 6 m about places where people walked; the lines somewhat aside, so that none
    goes through a place of the truth, where who stands still is on neither side."""
    random, aside = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    drawn = []
    for x_m, y_m in walked_m[random.integers(0, len(walked_m), count)].tolist():
        half = 0.5 * random.uniform(2.0, 4.0, 2)
        turn, reach = random.uniform(0.0, np.pi), 0.5 * random.uniform(3.0, 6.0)
        step = reach * np.array([np.cos(turn), np.sin(turn)])
        zone = box(x_m - half[0], y_m - half[1], x_m + half[0], y_m + half[1])
        middle = np.array([x_m, y_m]) + aside.uniform(-_ASIDE_M, _ASIDE_M, 2)
        drawn.append((zone, LineString([middle - step, middle + step])))
    return drawn


def met_pairs(truth: MotRows, tracks: MotRows) -> Integers:
    """Rows of the truth and of the tracks (N, 2) that show the same body, overlapping by half or more: the pairs of each picture
    are those of CLEAR MOT (Bernardin and Stiefelhagen 2008), at most one for every box."""
    pairs = [np.empty((0, 2), dtype=np.int64)]
    for picture in np.unique(truth.picture).tolist():
        real, found = np.flatnonzero(truth.picture == picture), np.flatnonzero(tracks.picture == picture)
        if len(found):
            overlap = iou_matrix(truth.boxes[real], tracks.boxes[found])
            ours, theirs = linear_sum_assignment(np.where(overlap >= _MET, 1.0 + overlap, 0.0), maximize=True)
            met = overlap[ours, theirs] >= _MET
            pairs.append(np.column_stack((real[ours[met]], found[theirs[met]])))
    return np.concatenate(pairs)


def owners(truth: MotRows, tracks: MotRows, pairs: Integers) -> dict[int, int]:
    """The person whom every track shows most often; a track that shows nobody is somebody of its own, below 0."""
    owner = {number: -1 - number for number in np.unique(tracks.track_id).tolist()}
    for number in owner:
        shown = truth.track_id[pairs[tracks.track_id[pairs[:, 1]] == number, 0]]
        if len(shown):
            people, times = np.unique(shown, return_counts=True)
            owner[number] = int(people[np.argmax(times)])
    return owner


def counts(
    real: list[Path2], found: list[Path2], drawn: list[tuple[Polygon, LineString]], owner: dict[int, int]
) -> dict[str, Integers]:
    """Per kind and person (N, 3) how many events of theirs were found, were missed, and never were."""
    people = {number: row for row, number in enumerate(sorted({path.number for path in real} | set(owner.values())))}
    total = {kind: np.zeros((len(people), 3), dtype=np.int64) for kind in _KINDS}
    for zone, line in drawn:
        for kind, ours, theirs in zip(_KINDS, _events(real, zone, line), _events(found, zone, line), strict=True):
            pairs = matched(ours, theirs, within_s=_WITHIN_S, within_m=_WITHIN_M)
            rows, columns = {row for row, _ in pairs}, {column for _, column in pairs}
            for row, event in enumerate(ours):
                total[kind][people[event.number], 0 if row in rows else 1] += 1
            for column, event in enumerate(theirs):
                total[kind][people[owner[event.number]], 2] += column not in columns
    return total


def f1(counted: Integers) -> float:
    """F1 of what was ``counted`` (N, 3); 1.0 when there was nothing to find and nothing was found."""
    right, missed, false = counted.sum(axis=0).tolist()
    every = 2 * right + missed + false
    return round(2.0 * right / every, 3) if every else 1.0


def f1_interval(counted: Integers) -> tuple[float, float]:
    """95 % interval of F1: the people are drawn again with replacement (Efron 1979)."""
    drawn = np.random.default_rng(1).multinomial(len(counted), np.full(len(counted), 1.0 / len(counted)), size=_DRAWN_AGAIN)
    right, missed, false = (drawn @ counted).T
    every = 2 * right + missed + false
    spread = np.where(every > 0, 2.0 * right / np.maximum(every, 1), 1.0)
    low, high = np.percentile(spread, (2.5, 97.5)).tolist()
    return round(low, 3), round(high, 3)


def _events(ways: list[Path2], zone: Polygon, line: LineString) -> Iterator[list[Event]]:
    """The events of each kind."""
    yield list(stays(ways, zone, "zone", after_s=1.0))
    yield list(crossings(ways, line, "line"))
    yield list(crossings(ways, line, "line", clear_m=_CLEAR_M))
    yield list(stays(ways, zone, "zone", after_s=5.0))


def _size_px(sequence: Path, truth: MotRows) -> tuple[int, int]:
    """The picture's size: the video's, without one that in ``seqinfo.ini``, or else as far as the truth's boxes reach."""
    try:
        video = open_video(video_of(sequence), rate_of(sequence))
    except BadInput:
        reach = np.ceil(truth.boxes[:, 2:].max(axis=0)).astype(int).tolist()
        return size_of(sequence) or (reach[0], reach[1])
    return video.width_px, video.height_px


if __name__ == "__main__":
    main()
