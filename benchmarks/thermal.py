# SPDX-License-Identifier: Apache-2.0
"""Drones against birds and aircraft in thermal clips: place and class, F1 per picture.

``python -m benchmarks.thermal FOLDER``. The folder holds clips ``IR_<KIND>_<n>.mp4`` with boxes ``.csv`` (frame,x,y,w,h). The
limit of flutter between bird and drone is fitted anew for each clip from all the others (leave one clip out); the figure with
the limit that is shipped is told beside it. Intervals, 95 %, draw whole clips anew: pictures of one clip are alike. The camera is
taken to see 24 degrees, to look well above the horizon, and to stand still.
"""

from __future__ import annotations

import argparse
import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from benchmarks.figures import tell
from patrol.checks import Floats
from patrol.clock import NS_PER_S
from patrol.geometry import IDENTITY2, Pose3
from patrol.sensors import CameraModel, Image
from perception.flying.config import FlyingConfig
from perception.flying.kinds import Flutter, FlyerKind
from perception.flying.watch import Flyer, FlyerWatch

_LIMITS = np.round(np.geomspace(0.02, 0.4, 60), 4)
_SLACK_PX = 6.0
_DRAWS = 2000
_STEEP = 0.25
_HFOV_RAD = math.radians(24.0)
Label = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What was told of one thing in one picture: where it is, and what it was taken for, from which flutter."""

    centre_px: tuple[float, float]
    kind: FlyerKind
    flutter: Flutter | None

    def is_at(self, label: Label) -> bool:
        """Whether it is where ``label`` (centre and half sizes) is, within a few pixels."""
        x_px, y_px = self.centre_px
        return abs(x_px - label[0]) <= max(_SLACK_PX, label[2]) and abs(y_px - label[1]) <= max(_SLACK_PX, label[3])


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """One clip: its kind, its labelled centres and half sizes by picture, and what was told in each picture."""

    name: str
    kind: FlyerKind
    labels: dict[int, Label]
    told: tuple[tuple[Told, ...], ...]

    def count(self, kind: FlyerKind | None) -> Floats:
        """Found and right, found and wrong, labelled and not found (3,): of one kind, or (None) whatever it is taken for. In
        clips of another kind what is taken for ``kind`` is wrong wherever it is."""
        right = wrong = missed = 0
        for number, told in enumerate(self.told):
            label = self.labels.get(number) if kind in (None, self.kind) else None
            such = [item for item in told if kind is None or item.kind is kind]
            hit = label is not None and any(item.is_at(label) for item in such)
            right += hit
            missed += label is not None and not hit
            wrong += len(such) - sum(label is not None and item.is_at(label) for item in such)
        return np.array([right, wrong, missed], dtype=np.float64)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    paths = sorted(given.folder.glob("IR_*.mp4"))
    shipped = FlyingConfig().kinds.flutter_bird
    clips = [read_clip(path, shipped) for path in paths]
    limits = [fitted_limit([other for other in clips if other is not clip]) for clip in clips]
    left_out = [read_clip(path, limit) for path, limit in zip(paths, limits, strict=True)]
    figures: dict[str, float | int] = {"limit_shipped": shipped, "limit_min": min(limits), "limit_max": max(limits)}
    figures |= scored("place", clips, None)
    figures |= scored("drone_left_out", left_out, FlyerKind.DRONE)
    for kind in (FlyerKind.DRONE, FlyerKind.BIRD, FlyerKind.AIRCRAFT):
        figures |= scored(f"{kind.value}_shipped", clips, kind)
    per_clip = {clip.name: round(f1(clip.count(clip.kind)), 3) for clip in clips}
    tell("thermal", figures, f1_of_own_kind=per_clip)


def scored(name: str, clips: Sequence[Clip], kind: FlyerKind | None) -> dict[str, float | int]:
    """F1 over all clips with its interval, and the counts."""
    counts = np.array([clip.count(kind) for clip in clips])
    drawn = np.random.default_rng(0).integers(len(clips), size=(_DRAWS, len(clips)))
    low, high = np.percentile([f1(counts[rows].sum(axis=0)) for rows in drawn], [2.5, 97.5])
    right, wrong, missed = counts.sum(axis=0).astype(int).tolist()
    return {
        f"{name}_f1": round(f1(counts.sum(axis=0)), 3),
        f"{name}_f1_low": round(float(low), 3),
        f"{name}_f1_high": round(float(high), 3),
        f"{name}_right": right,
        f"{name}_wrong": wrong,
        f"{name}_missed": missed,
    }


def f1(count: Floats) -> float:
    """F1 of (right, wrong, missed); 1 where there is nothing to find and nothing was."""
    right, wrong, missed = count.tolist()
    return 2.0 * right / (2.0 * right + wrong + missed) if right + wrong + missed else 1.0


def fitted_limit(clips: Sequence[Clip]) -> float:
    """The limit of the logistic fit to the flutter of birds and drones, every clip with the same weight."""
    losses = np.zeros(len(_LIMITS))
    for clip in clips:
        flutters = [item.flutter for told in clip.told for item in told if item.flutter is not None]
        if clip.kind is FlyerKind.AIRCRAFT or not flutters:
            continue
        sign = 1.0 if clip.kind is FlyerKind.DRONE else -1.0
        over = np.array([[one.over(limit) for limit in _LIMITS.tolist()] for one in flutters])
        losses += np.logaddexp(0.0, sign * over / _STEEP).mean(axis=0)
    return float(_LIMITS[int(np.argmin(losses))])


def read_clip(path: Path, limit: float) -> Clip:
    """Look at every picture of the clip at ``path``, with this limit of flutter."""
    kind = {"DRONE": FlyerKind.DRONE, "BIRD": FlyerKind.BIRD}.get(path.stem.split("_")[1], FlyerKind.AIRCRAFT)
    with path.with_suffix(".csv").open(newline="") as stream:
        rows = [[float(value) for value in row] for row in list(csv.reader(stream))[1:]]
    told = tuple(_watched(path, limit))
    first = 1 if int(rows[-1][0]) <= len(told) else 2
    labels = {int(n) - first: (x + 0.5 * w, y + 0.5 * h, 0.5 * w, 0.5 * h) for n, x, y, w, h in rows}
    return Clip(name=path.stem, kind=kind, labels=labels, told=told)


def _watched(path: Path, limit: float) -> list[tuple[Told, ...]]:
    capture, told = cv2.VideoCapture(str(path)), list[tuple[Told, ...]]()
    rate_hz = float(capture.get(cv2.CAP_PROP_FPS))
    size = (int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)))
    camera = CameraModel.from_hfov("thermal", *size, _HFOV_RAD, looking_up())
    watch = FlyerWatch(standing(limit), thermal=camera)
    while True:
        more, pixels = capture.read()
        if not more:
            return told
        grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
        stamp_ns = round(len(told) * NS_PER_S / rate_hz)
        watch.on_thermal(Image(stamp_ns=stamp_ns, frame_id="thermal", encoding="mono8", pixels=grey), IDENTITY2)
        told.append(tuple(_told(flyer, camera) for flyer in watch.flyers() if flyer.item.last.stamp_ns == stamp_ns))


def standing(limit: float) -> FlyingConfig:
    """The configuration of a camera on a tripod with a long lens; what tells a drone from a bird is as on a robot."""
    kinds = FlyingConfig().kinds.model_copy(update={"attitude_rad": 0.0, "aircraft_from_rad": 0.05, "flutter_bird": limit})
    return FlyingConfig(kinds=kinds)


def looking_up() -> Pose3:
    """A camera on ``base_link`` that looks ahead and 45 degrees up."""
    root = math.sqrt(0.5)
    rotation = np.array([[0.0, root, root], [-1.0, 0.0, 0.0], [0.0, -root, root]])
    return Pose3(np.zeros(3), rotation)


def _told(flyer: Flyer, camera: CameraModel) -> Told:
    ((x_px, y_px),) = camera.project([camera.base_from_optical.rotation.T @ flyer.item.last.direction]).tolist()
    return Told(centre_px=(x_px, y_px), kind=flyer.kind, flutter=flyer.judged.flutter)


if __name__ == "__main__":
    main()
