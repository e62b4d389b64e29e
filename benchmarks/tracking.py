# SPDX-License-Identifier: Apache-2.0
"""Tracking scores of a sequence in the MOTChallenge's format: HOTA, MOTA, IDF1, FP, FN, identity switches, and speed.

``python -m benchmarks.tracking SEQUENCE... [--tracks FILE] [--models FOLDER]``. A sequence is a folder with a video, its
``seqinfo.ini`` and, for scores, ``gt.txt``. Without ``--tracks`` the frozen configuration of ``patrol track`` follows the
video and the speed of reading, detecting and tracking is told; with it a tracker's own output is scored instead.
"""

from __future__ import annotations

import argparse
import configparser
import statistics
import time
from pathlib import Path

from app.track import TrackConfig, mot_rows, open_video, track_video
from benchmarks.figures import tell
from patrol.errors import BadInput, Fault
from perception.detector import open_detector
from perception.metrics.mot_file import MotRows, read_mot, write_mot
from perception.metrics.tracking import score_tracking

_VIDEOS = (".mp4", ".avi", ".mkv", ".mov", ".webm")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sequences", type=Path, nargs="+")
    parser.add_argument("--tracks", type=Path, help="score this file instead of tracking")
    parser.add_argument("--models", type=Path, help="folder of models")
    parser.add_argument("--out", type=Path, help="folder for the tracks found")
    parser.add_argument("--delay", type=float, help="seconds, instead of the frozen configuration's")
    given = parser.parse_args()
    metrics: dict[str, float | int] = {}
    for folder in given.sequences:
        rows, speed = (read_mot(given.tracks), {}) if given.tracks else followed(folder, given.models, given.delay)
        if given.out is not None:
            write_mot(given.out / f"{folder.name}.txt", rows)
        truth = folder / "gt.txt"
        figures = score_tracking(read_mot(truth, truth=True), rows).figures() if truth.is_file() else {}
        metrics |= {f"{_key(folder)}_{name}": value for name, value in {**figures, **speed}.items()}
    _means(metrics)
    tell("tracking", metrics, sequences=[folder.name for folder in given.sequences], tracks=str(given.tracks or "patrol track"))


def followed(folder: Path, models: Path | None, delay_s: float | None = None) -> tuple[MotRows, dict[str, float | int]]:
    """The tracks of the sequence's video, and how quickly they were found; opening the models is not counted."""
    config = TrackConfig() if delay_s is None else TrackConfig(delay_s=delay_s)
    video = open_video(video_of(folder), rate_of(folder))
    detectors = tuple(open_detector(config.detector.model_copy(update={"models": models})) for _ in range(config.workers))
    first = next(video.images())
    for detector in detectors:
        detector.detect(first)
    began, spent = time.perf_counter(), time.process_time()
    pictures = list(track_video(video, config, detectors))
    wall_s, core_s = time.perf_counter() - began, time.process_time() - spent
    rows = mot_rows(iter(pictures), video)
    return rows, {
        "pictures": len(pictures),
        "people": len(set(rows.track_id.tolist())),
        "pictures_per_s": round(len(pictures) / wall_s, 1),
        "core_ms_per_picture": round(1e3 * core_s / len(pictures), 2),
    }


def video_of(folder: Path) -> Path:
    """The one video in ``folder``. Raises BadInput."""
    found = [path for path in sorted(folder.glob("*")) if path.suffix in _VIDEOS]
    if len(found) != 1:
        raise BadInput(folder, [Fault(field="video", value=[path.name for path in found], because="one is wanted")])
    return found[0]


def rate_of(folder: Path) -> float | None:
    """Pictures a second as ``seqinfo.ini`` has it, which counts more than what the video file says; None without one."""
    return _seqinfo(folder).getfloat("Sequence", "frameRate", fallback=None)


def size_of(folder: Path) -> tuple[int, int] | None:
    """Width and height of the pictures in px, as ``seqinfo.ini`` has them; a video may have been made smaller. None without."""
    told = _seqinfo(folder)
    width, height = (told.getint("Sequence", name, fallback=None) for name in ("imWidth", "imHeight"))
    return None if width is None or height is None else (width, height)


def _seqinfo(folder: Path) -> configparser.ConfigParser:
    read = configparser.ConfigParser()
    read.read(folder / "seqinfo.ini", "utf-8")
    return read


def _means(metrics: dict[str, float | int]) -> None:
    for name in ("hota", "mota", "idf1"):
        values = [value for key, value in metrics.items() if key.endswith(f"_{name}")]
        if values:
            metrics[f"mean_{name}"] = round(statistics.fmean(values), 1)


def _key(folder: Path) -> str:
    return folder.resolve().name.lower().replace("-", "_")


if __name__ == "__main__":
    main()
