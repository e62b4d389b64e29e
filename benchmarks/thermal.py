# SPDX-License-Identifier: Apache-2.0
"""Drones against birds in thermal clips: place and class, F1 per picture.

``python -m benchmarks.thermal FOLDER``. The folder holds clips ``IR_<KIND>_<n>.mp4`` with boxes ``.csv`` (frame,x,y,w,h). The
limit of flutter between bird and drone is chosen anew for each clip from all the others (leave one clip out); the figure with
the limit that is shipped is told beside it.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.figures import tell
from patrol.clock import NS_PER_S
from patrol.sensors import Image
from perception.flyers import Flyer, FlyerKind, FlyersConfig, FlyerWatch

_LIMITS = np.round(np.geomspace(0.02, 0.4, 60), 4)
_SLACK_PX = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One clip: its kind, its labelled centres and half sizes by picture, and what was found in each picture."""

    name: str
    kind: FlyerKind
    labels: dict[int, tuple[float, float, float, float]]
    found: tuple[tuple[Flyer, ...], ...]


@dataclass(slots=True, kw_only=True)
class Count:
    """Found and right, found and wrong, labelled and not found."""

    right: int = 0
    wrong: int = 0
    missed: int = 0

    def f1(self) -> float:
        return 2.0 * self.right / max(2 * self.right + self.wrong + self.missed, 1)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    clips = [read_clip(path) for path in sorted(given.folder.glob("IR_*.mp4"))]
    told = [clip for clip in clips if clip.kind in (FlyerKind.DRONE, FlyerKind.BIRD)]
    shipped = FlyersConfig().flutter_bird
    left_out = {clip.name: best_limit([other for other in told if other is not clip]) for clip in told}
    place, by_left_out, by_shipped, bird = Count(), Count(), Count(), Count()
    for clip in clips:
        add_place(place, clip)
    for clip in told:
        add_drones(by_left_out, clip, left_out[clip.name])
        add_drones(by_shipped, clip, shipped)
        add_kind(bird, clip, shipped, FlyerKind.BIRD)
    drones_only = Count()
    for clip in told:
        if clip.kind is FlyerKind.DRONE:
            add_place(drones_only, clip)
    tell(
        "thermal",
        {
            "place_f1": round(place.f1(), 3),
            "drone_clips_place_f1": round(drones_only.f1(), 3),
            "drone_f1_leave_one_clip_out": round(by_left_out.f1(), 3),
            "drone_f1_shipped": round(by_shipped.f1(), 3),
            "drone_right": by_left_out.right,
            "drone_wrong": by_left_out.wrong,
            "drone_missed": by_left_out.missed,
            "bird_f1_shipped": round(bird.f1(), 3),
            "limit_min": float(min(left_out.values())),
            "limit_max": float(max(left_out.values())),
        },
        clips=[clip.name for clip in clips],
    )


def read_clip(path: Path) -> Clip:
    """Look at every picture of the clip at ``path``."""
    kind = {"DRONE": FlyerKind.DRONE, "BIRD": FlyerKind.BIRD}.get(path.stem.split("_")[1], FlyerKind.AIRCRAFT)
    with path.with_suffix(".csv").open(newline="") as stream:
        rows = [[float(value) for value in row] for row in list(csv.reader(stream))[1:]]
    first = 1 if int(rows[-1][0]) <= _length(path) else 2
    labels = {int(n) - first: (x + 0.5 * w, y + 0.5 * h, 0.5 * w, 0.5 * h) for n, x, y, w, h in rows}
    return Clip(name=path.stem, kind=kind, labels=labels, found=tuple(_watched(path)))


def _length(path: Path) -> int:
    return int(cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FRAME_COUNT))


def _watched(path: Path) -> list[tuple[Flyer, ...]]:
    capture, watch = cv2.VideoCapture(str(path)), FlyerWatch(FlyersConfig())
    found: list[tuple[Flyer, ...]] = []
    rate_hz = float(capture.get(cv2.CAP_PROP_FPS))
    while True:
        more, pixels = capture.read()
        if not more:
            return found
        grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
        stamp_ns = round(len(found) * NS_PER_S / rate_hz)
        found.append(watch.on_thermal(Image(stamp_ns=stamp_ns, frame_id="thermal", encoding="mono8", pixels=grey)))


def _is_there(flyer: Flyer, label: tuple[float, float, float, float]) -> bool:
    x_px, y_px = 0.5 * (flyer.box.x0_px + flyer.box.x1_px), 0.5 * (flyer.box.y0_px + flyer.box.y1_px)
    return abs(x_px - label[0]) <= max(_SLACK_PX, label[2]) and abs(y_px - label[1]) <= max(_SLACK_PX, label[3])


def _kind(flyer: Flyer, limit: float) -> FlyerKind:
    if flyer.kind is FlyerKind.AIRCRAFT:
        return flyer.kind
    return FlyerKind.BIRD if flyer.flutter >= limit else FlyerKind.DRONE


def add_place(count: Count, clip: Clip) -> None:
    """Anything that flies, whatever it is taken for."""
    for number, found in enumerate(clip.found):
        _add(count, [clip.labels.get(number)], list(found))


def add_kind(count: Count, clip: Clip, limit: float, kind: FlyerKind) -> None:
    """Only what is taken for ``kind``; in clips of another kind it is wrong wherever it is."""
    for number, found in enumerate(clip.found):
        label = clip.labels.get(number) if clip.kind is kind else None
        _add(count, [label], [flyer for flyer in found if _kind(flyer, limit) is kind])


def add_drones(count: Count, clip: Clip, limit: float) -> None:
    """Only what is taken for a drone."""
    add_kind(count, clip, limit, FlyerKind.DRONE)


def _add(count: Count, labels: list[tuple[float, float, float, float] | None], found: list[Flyer]) -> None:
    for label in labels:
        there = [flyer for flyer in found if label is not None and _is_there(flyer, label)]
        count.right += bool(there)
        count.missed += label is not None and not there
        count.wrong += len(found) - bool(there)


def best_limit(clips: list[Clip]) -> float:
    """The limit with the highest drone F1 on ``clips``; the middle one of equals."""
    scores = []
    for limit in _LIMITS.tolist():
        count = Count()
        for clip in clips:
            add_drones(count, clip, limit)
        scores.append(count.f1())
    best = np.flatnonzero(np.array(scores) >= max(scores) - 1e-9)
    return float(_LIMITS[best[len(best) // 2]])


if __name__ == "__main__":
    main()
