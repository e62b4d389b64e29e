# SPDX-License-Identifier: Apache-2.0
"""The command that measures fairness: on a site's table, on rendered pictures, and from figures measured before."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from app.fairness import render_people
from perception.fairness.labels import read_labels
from perception.fairness.report import HTML_FILE, JSON_FILE, read_report
from tests.app.command import Patrol


def test_a_table_of_people_becomes_a_public_page(patrol: Patrol, tmp_path: Path) -> None:
    """People who are painted wood: nobody is found, in no group, so no gap fails and too little is shown."""
    data, out = tmp_path / "site", tmp_path / "fairness"
    data.mkdir()
    cv2.imwrite(str(data / "a.png"), np.full((240, 320, 3), 90, np.uint8))
    rows = [f"a.png,{10 * number},20,{10 * number + 8},60,p{number},{('child', 'adult')[number % 2]},day" for number in range(12)]
    (data / "people.csv").write_text("\n".join(["file,x0_px,y0_px,x1_px,y1_px,who,age,picture:light", *rows]) + "\n", "utf-8")
    answer = patrol("fairness", "run", data, "--out", out)
    assert answer.code == 0
    assert "not shown" in answer.out
    assert read_report(out / JSON_FILE).people == 12
    assert "It is not known." in (out / HTML_FILE).read_text("utf-8")
    assert patrol("fairness", "report", out / JSON_FILE, "--out", tmp_path / "public").code == 0
    assert (tmp_path / "public" / HTML_FILE).read_bytes() == (out / HTML_FILE).read_bytes()


def test_a_folder_without_labels_is_bad_input(patrol: Patrol, tmp_path: Path) -> None:
    answer = patrol("fairness", "run", tmp_path, "--out", tmp_path / "out")
    assert answer.code == 2
    assert "only one" in answer.err
    assert patrol("fairness", "report", tmp_path / "gone.json", "--out", tmp_path).code == 2


def test_rendered_people_carry_their_groups(tmp_path: Path) -> None:
    pictures = read_labels(render_people(tmp_path / "pictures", count=4, seed=5))
    people = [person for picture in pictures for person in picture.people]
    assert len(pictures) == 4
    assert people
    assert set(people[0].groups) == {"skin", "clothing", "body", "age", "aid", "pose", "distance"}
    assert set(pictures[0].groups) == {"light", "weather", "place"}
