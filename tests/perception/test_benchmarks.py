# SPDX-License-Identifier: Apache-2.0
"""The benchmarks on recordings, run on short ones, each told in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from shapely.geometry import LineString, box

from benchmarks import alarms, anonymise, drawn_walkers, low_light, thermal, tracking
from perception.detectors.store import MODELS_VARIABLE
from perception.metrics.events import Path2
from perception.metrics.mot_file import MotRows, write_mot
from tests.perception.build import data
from tests.perception.test_flyers import sky

PICTURES = 12


def figures(
    main: Callable[[], None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str | Path
) -> dict[str, float]:
    """The metrics that ``main`` tells when it is given ``words``."""
    monkeypatch.setattr("sys.argv", ["benchmark", *map(str, words)])
    main()
    told: dict[str, float] = json.loads(capsys.readouterr().out.splitlines()[-1])["metrics"]
    return told


def walkers(folder: Path) -> Path:
    """A sequence without a video: two people of 1.7 m cross a square that a camera sees from above at a slant."""
    folder.mkdir()
    rows = []
    for number in range(1, 101):
        for name, (x_m, y_m) in ((1, (0.08 * number, 4.0)), (2, (8.0 - 0.08 * number, 6.0 + 0.01 * number))):
            foot = 320.0 + 60.0 * (x_m - 4.0) * 8.0 / (y_m + 4.0), 100.0 + 2400.0 / (y_m + 4.0)
            rows.append((number, name, foot[0] - 15.0, foot[1] - 816.0 / (y_m + 4.0), foot[0] + 15.0, foot[1], x_m, y_m))
    table = np.array(rows)
    truth = MotRows(
        picture=table[:, 0].astype(np.int64),
        track_id=table[:, 1].astype(np.int64),
        boxes=table[:, 2:6],
        score=np.ones(len(table)),
        ground_m=table[:, 6:],
    )
    write_mot(folder / "gt.txt", truth)
    (folder / "seqinfo.ini").write_text("[Sequence]\nframeRate=10\nimWidth=640\nimHeight=480\n", "ascii")
    return folder


def stadtmitte(folder: Path) -> Path:
    """The first pictures of TUD-Stadtmitte with their labels."""
    source = data("perception", "TUD-Stadtmitte")
    folder.mkdir()
    capture = cv2.VideoCapture(str(source / "TUD-Stadtmitte.mp4"))
    writer = cv2.VideoWriter(str(folder / "short.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (640, 480))
    for _ in range(PICTURES):
        writer.write(capture.read()[1])
    writer.release()
    lines = (source / "gt.txt").read_text("ascii").splitlines(keepends=True)
    (folder / "gt.txt").write_text("".join(line for line in lines if int(line.split(",")[0]) <= PICTURES), "ascii")
    return folder


def test_tracks_of_others_are_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    folder = walkers(tmp_path / "Two-Walkers")
    told = figures(tracking.main, monkeypatch, capsys, folder, "--tracks", folder / "gt.txt")
    assert (told["two_walkers_hota"], told["two_walkers_ids"], told["mean_mota"]) == (100.0, 0, 100.0)


def test_events_of_the_truth_agree_with_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = walkers(tmp_path / "walkers")
    told = figures(alarms.main, monkeypatch, capsys, folder, "--tracks", folder / "gt.txt", "--zones", "12")
    assert told["position_50_m"] < 0.15
    assert told["intrusion_events"] > 5
    assert told["intrusion_f1"] > 0.9
    assert told["line_f1"] > 0.9
    one = (folder / "gt.txt").read_text("ascii").splitlines(keepends=True)[::2]
    (tmp_path / "half.txt").write_text("".join(one), "ascii")
    fewer = figures(alarms.main, monkeypatch, capsys, folder, "--tracks", tmp_path / "half.txt", "--zones", "12")
    assert fewer["intrusion_f1"] < 0.9, "one of the two was never followed"
    assert fewer["intrusion_f1_low"] < fewer["intrusion_f1"] < fewer["intrusion_f1_high"]
    assert fewer["intrusion_ceiling"] == told["intrusion_ceiling"] > 0.95


def test_events_are_counted_for_the_people_who_made_them() -> None:
    """Two people walk over a line; one track follows the first, and one follows nobody."""
    time_s = 0.1 * np.arange(40.0)

    def over(y_m: float, number: int) -> Path2:
        return Path2(time_s=time_s, place_m=np.column_stack((time_s - 2.03, np.full(40, y_m))), number=number)

    line, zone = LineString([(0.0, -20.0), (0.0, 20.0)]), box(90.0, 90.0, 91.0, 91.0)
    found = alarms.counts([over(0.0, 1), over(5.0, 2)], [over(0.2, 11), over(-9.0, 12)], [(zone, line)], {11: 1, 12: -13})
    assert found["line"].tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]], "somebody of its own, then the first and the second"
    assert alarms.f1(found["line"]) == 0.5
    assert alarms.f1_interval(found["line"]) == (0.0, 1.0)
    assert alarms.f1(found["intrusion"]) == 1.0


def test_heads_and_little_light_are_measured_on_a_real_video(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(MODELS_VARIABLE, str(data("perception", "models")))
    folder = stadtmitte(tmp_path / "short")
    masked = figures(anonymise.main, monkeypatch, capsys, folder)
    assert masked["short_heads"] > 50
    assert masked["short_heads_visible_percent"] <= 2.0
    assert 1.0 < masked["short_other_pixels_masked_percent"] < 15.0
    lit = figures(low_light.main, monkeypatch, capsys, folder, "--every", "4")
    assert lit["recall_full_light"] > 0.7
    assert lit["relative"] > 0.9


def test_clips_of_drones_and_birds_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind, beat in (("DRONE", 0.0), ("BIRD", 45.0)):
        for clip in range(2):
            name = tmp_path / f"IR_{kind}_{clip}"
            writer = cv2.VideoWriter(str(name.with_suffix(".mp4")), cv2.VideoWriter.fourcc(*"mp4v"), 30.0, (320, 256))
            lines = ["frame,x,y,w,h\n"]
            for n in range(30):
                bright = 110.0 + beat * np.sin(1.3 * n)
                picture = sky(n, (60.0 + 2.0 * n, 60.0 + 20.0 * clip, 3.0, float(bright)))
                writer.write(cv2.cvtColor(picture.pixels.astype(np.uint8), cv2.COLOR_GRAY2BGR))
                lines.append(f"{n + 1},{54 + 2 * n},{54 + 20 * clip},12,12\n")
            writer.release()
            name.with_suffix(".csv").write_text("".join(lines), "ascii")
    told = figures(thermal.main, monkeypatch, capsys, tmp_path)
    assert told["drone_left_out_f1"] > 0.7
    assert told["drone_left_out_f1_low"] <= told["drone_left_out_f1"] <= told["drone_left_out_f1_high"]
    assert told["drone_shipped_wrong"] < 5


def test_drawn_walkers_are_placed_better_by_paths_than_by_feet() -> None:
    view = replace(drawn_walkers.VIEWS["roof"], lasts_s=12.0, people=6)
    scenes = [drawn_walkers.drawn_scene(view, 3)]
    truth, tracks = scenes[0]
    assert len(np.unique(truth.track_id)) == 6
    assert 0.6 * len(truth.picture) < len(tracks.picture) <= 1.1 * len(truth.picture)
    feet, path = (drawn_walkers.judged(view, scenes, way) for way in (drawn_walkers.by_filtered_feet, drawn_walkers.by_path))
    assert path["position_50_m"] < feet["position_50_m"]
    assert path["line_f1"] > 0.7
