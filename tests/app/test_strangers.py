# SPDX-License-Identifier: Apache-2.0
"""What somebody who has never seen Patrol types: numbers that are none, wrong paths, odd names. Refused, and nothing is left."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from app.track import mot_rows, open_video
from patrol.errors import BadInput
from tests.app.command import DEPOT, PERIMETER, Patrol, written

BAD_INPUT = 2
REPORT = "--report-id a --kind zone --subject north_strip --source fence_alarm --strength 1"


@pytest.mark.parametrize(
    "words",
    [
        "simulate --limit-s nan",
        "simulate --seed -1",
        f"plan {DEPOT} --seconds inf",
        f"team {DEPOT} --loss nan",
        f"unpredictable {DEPOT} --attack-s nan",
        "replay nothing.mp4 --factor nan",
        f"mission prepare {PERIMETER} --seconds nan",
        "demo --factor nan",
        "fairness run --out x --score nan",
    ],
)
def test_a_number_that_is_none_is_refused(patrol: Patrol, words: str) -> None:
    answer = patrol(*words.split())
    assert answer.code == BAD_INPUT
    assert "Invalid value for" in answer.err


@pytest.mark.parametrize(
    ("words", "because"),
    [
        ("map versions nowhere", "LIBRARY: is no folder"),
        ("map approve nowhere 1 --by somebody", "LIBRARY: is no folder"),
        ("evidence list nowhere", "is no folder"),
        ("evidence keys file", "file: can not be used: File exists"),
        ("models check --folder file", "--folder: is no folder"),
        ("risk show nowhere", "register: is no file"),
        ("risk withdraw nowhere a --by x --because y --key nowhere.key", "register: is no file"),
        (f"risk add new.jsonl {REPORT} --by  --because y --key new.key", "--by: says nothing"),
        (f"unpredictable {DEPOT} --attack-s 60 --tick-s 1000", "--tick-s: is longer than the attack"),
        (f"team {DEPOT} --lost nobody@5 --seconds 0.1", "there are "),
        ("replay file", "is not one of .mcap"),
        ("replay .", "(file): is no file"),
        ("replay broken.mcap", "is not an MCAP recording"),
        ("replay broken.mp4", "is not a video that can be read"),
        ("replay broken.clf", "holds no FLASER"),
        ("track file --out nowhere/tracks.txt", "is not a video"),
        ("mission show empty", "holds no mission file"),
        ("simulate --mission empty --folder run", "holds no mission file"),
        ("rules check /dev/zero", "is longer than"),
        ("site check /dev/zero", "is longer than"),
    ],
)
def test_a_wrong_path_is_refused_at_once_and_leaves_nothing(
    patrol: Patrol, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, because: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("file", "broken.mcap", "broken.mp4", "broken.clf"):
        written(tmp_path / name, "nothing of the kind :x: [/red]\n")
    (tmp_path / "empty").mkdir()
    before = sorted(tmp_path.rglob("*"))
    answer = patrol(*words.split(" "))
    assert answer.code == BAD_INPUT, answer.out
    assert because in answer.err
    assert sorted(tmp_path.rglob("*")) == before


def test_names_are_told_as_they_are(patrol: Patrol, tmp_path: Path) -> None:
    """Brackets and colons mean something to the terminal's library, and nothing to those who name sites."""
    site = json.loads(DEPOT.read_text("utf-8"))
    site["site"]["name"] = "Yard [/oops] [red]:x:"
    path = written(tmp_path / "yard[bold].geojson", json.dumps(site))
    answer = patrol("site", "check", path)
    assert answer.code == 0
    assert f"{path}: ok. Yard [/oops] [red]:x:: " in answer.out
    broken = written(tmp_path / "a:x:[b].yaml", "name: :x: [/red]\n- b\n")
    answer = patrol("rules", "check", broken)
    assert (answer.code, "a:x:[b].yaml" in answer.err, "name: :x: [/red]" in answer.err) == (BAD_INPUT, True, True)


def video(path: Path, width_px: int, height_px: int, *, pictures: int, rate_hz: float = 10.0) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"FFV1"), rate_hz, (width_px, height_px))
    for number in range(pictures):
        writer.write(np.full((height_px, width_px, 3), 40 * number % 255, np.uint8))
    writer.release()
    return path


@pytest.mark.parametrize("size", [(2, 2), (332, 216), (120, 640)])
def test_videos_of_odd_sizes_are_opened(tmp_path: Path, size: tuple[int, int]) -> None:
    opened = open_video(video(tmp_path / "odd.avi", *size, pictures=3, rate_hz=1.0))
    images = list(opened.images())
    assert (opened.width_px, opened.height_px, len(images)) == (*size, 3)
    assert len(mot_rows(iter(()), opened).picture) == 0


def test_a_video_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not a video that can be read"):
        open_video(video(tmp_path / "empty.avi", 64, 48, pictures=0))


def test_a_video_that_was_cut_says_how_many_pictures_it_should_have(tmp_path: Path) -> None:
    path = video(tmp_path / "cut.avi", 64, 48, pictures=40)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    opened = open_video(path)
    assert 0 < len(list(opened.images())) < 40
