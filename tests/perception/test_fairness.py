# SPDX-License-Identifier: Apache-2.0
"""Gaps between groups are found when they are there, and not when they are not; labels are read whole or refused by name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from patrol.errors import BadInput
from patrol.percepts import Box, Detection, Label
from patrol.sensors import Image
from perception.fairness.gaps import FairnessConfig, GroupRate, gaps, interval
from perception.fairness.labels import read_labels
from perception.fairness.report import FairnessReport, judge, page_of, read_report, write_report
from perception.fairness.trials import Answers, Trial, ask

CONFIG = FairnessConfig()


def trials(rates: dict[str, float], count: int, *, each: int = 1, seed: int = 1) -> list[Trial]:
    """``count`` people of every group, each in ``each`` pictures in which the same always happens."""
    random = np.random.default_rng(seed)
    return [
        Trial(groups={"age": group}, cluster=f"{group}{number}", happened=happened)
        for group, rate in rates.items()
        for number in range(count)
        for happened in [bool(random.random() < rate)] * each
    ]


def rates(found: Sequence[Trial]) -> dict[str, GroupRate]:
    (gap,) = gaps(found, CONFIG)
    return {rate.group: rate for rate in gap.groups}


def test_a_gap_that_is_there_fails_and_names_the_group() -> None:
    (gap,) = gaps(trials({"adult": 0.95, "child": 0.80, "elder": 0.95}, 800), CONFIG)
    assert gap.verdict == "fails"
    assert gap.gap == pytest.approx(0.15, abs=0.04)
    child = next(rate for rate in gap.groups if rate.group == "child")
    assert child.difference == pytest.approx(-0.15, abs=0.04)
    assert child.p_value is not None
    assert child.p_value < 0.001


def test_no_gap_among_many_holds_and_among_few_is_not_shown() -> None:
    assert gaps(trials({"adult": 0.95, "child": 0.95}, 3000), CONFIG)[0].verdict == "holds"
    even = [
        Trial(groups={"age": group}, cluster=f"{group}{number}", happened=number % 10 != 0)
        for group in ("adult", "child")
        for number in range(60)
    ]
    assert gaps(even, CONFIG)[0].verdict == "not shown"


def test_the_limit_is_five_points_by_default_and_can_be_moved() -> None:
    def exact(rate: int) -> list[Trial]:
        return [Trial(groups={"age": f"{rate}"}, cluster=f"{rate}/{n}", happened=n % 100 < rate) for n in range(1000)]

    assert gaps(exact(95) + exact(89), CONFIG)[0].verdict == "fails"
    assert gaps(exact(95) + exact(91), CONFIG)[0].verdict != "fails"
    assert gaps(exact(95) + exact(91), FairnessConfig(gap_most=0.03))[0].verdict == "fails"


def test_ten_pictures_of_one_person_are_not_ten_people() -> None:
    once, often = rates(trials({"a": 0.9, "b": 0.8}, 200)), rates(trials({"a": 0.9, "b": 0.8}, 200, each=10))
    assert often["b"].trials == 10 * once["b"].trials
    assert often["b"].high - often["b"].low == pytest.approx(once["b"].high - once["b"].low, rel=0.1)
    assert often["b"].p_value == pytest.approx(once["b"].p_value, rel=0.3)


def test_intervals_hold_what_they_promise() -> None:
    """Of 200 measurements of a group of 120 found at 0.9, about 95 % of the intervals hold 0.9; so do those of the gap zero."""
    held = 0
    surprises = 0
    for seed in range(200):
        measured = rates(trials({"a": 0.9, "b": 0.9}, 120, seed=seed))
        held += measured["a"].low <= 0.9 <= measured["a"].high
        surprises += any((rate.p_value or 0.0) < 0.05 for rate in measured.values())
    assert 0.91 < held / 200 < 0.99
    assert surprises / 200 < 0.09


def test_a_small_group_is_told_but_not_judged() -> None:
    found = [*trials({"adult": 0.95, "elder": 0.95}, 900), *trials({"child": 0.0}, 29)]
    (gap,) = gaps(found, CONFIG)
    child = next(rate for rate in gap.groups if rate.group == "child")
    assert (child.trials, child.rate, child.p_value) == (29, 0.0, None)
    assert gap.verdict == "holds"
    assert gaps(trials({"adult": 0.9, "child": 0.5}, 20), CONFIG)[0].verdict == "not shown"


def test_only_attributes_with_two_groups_are_compared() -> None:
    alike = [Trial(groups={"light": "day"}, cluster=f"{n}", happened=True) for n in range(90)]
    assert gaps(alike, CONFIG) == ()


def test_wilson() -> None:
    """The interval of 8 of 10 (Wilson 1927; Brown, Cai, DasGupta 2001 print 0.490 to 0.943)."""
    assert interval(0.8, 10, 0.95) == pytest.approx((0.490, 0.943), abs=0.001)
    assert interval(0.0, 10, 0.95)[0] == 0.0


class Sees:
    """Finds the people whose boxes are given, by the picture's number."""

    def __init__(self, found: dict[int, list[tuple[float, float, float, float]]], score: float = 0.9) -> None:
        self._found, self._score = found, score

    def detect(self, image: Image) -> tuple[Detection, ...]:
        return tuple(
            Detection(
                stamp_ns=image.stamp_ns,
                frame_id=image.frame_id,
                source="camera",
                label=Label.PERSON,
                score=self._score,
                box=Box(x0_px=row[0], y0_px=row[1], x1_px=row[2], y1_px=row[3]),
            )
            for row in self._found.get(image.stamp_ns, [])
        )


@pytest.fixture
def table(tmp_path: Path) -> Path:
    for name in ("a.png", "b.png"):
        cv2.imwrite(str(tmp_path / name), np.zeros((100, 100, 3), np.uint8))
    rows = [
        "file,x0_px,y0_px,x1_px,y1_px,age,who,picture:light",
        "a.png,10,10,30,70,child,p1,day",
        "a.png,50,10,70,70,adult,p2,day",
        "a.png,80,10,90,20,adult,p3,day",
        "b.png,,,,,,,night",
    ]
    (tmp_path / "people.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return tmp_path


def test_a_table_is_asked_person_by_person_and_picture_by_picture(table: Path) -> None:
    pictures = read_labels(table)
    answers = ask(Sees({0: [(11, 11, 31, 69)], 1: [(5, 5, 25, 60)]}), pictures, 0.4)
    assert [(trial.groups, trial.cluster, trial.happened) for trial in answers.found] == [
        ({"light": "day", "age": "child"}, "p1", True),
        ({"light": "day", "age": "adult"}, "p2", False),
    ]
    assert [(trial.groups["light"], trial.happened) for trial in answers.false_alarms] == [("day", False), ("night", True)]


def test_two_reports_of_one_person_find_one_person(table: Path) -> None:
    answers = ask(Sees({0: [(10, 10, 30, 70), (11, 11, 31, 71)]}), read_labels(table), 0.4)
    assert sum(trial.happened for trial in answers.found) == 1
    assert not any(trial.happened for trial in answers.false_alarms)
    assert not any(trial.happened for trial in ask(Sees({0: [(10, 10, 30, 70)]}, 0.3), read_labels(table), 0.4).found)


def test_coco_with_attributes_is_read_the_same(table: Path) -> None:
    (table / "people.csv").unlink()
    coco = {
        "images": [{"id": 7, "file_name": "a.png", "attributes": {"light": "day"}}],
        "categories": [{"id": 3, "name": "person"}, {"id": 4, "name": "dog"}],
        "annotations": [
            {"image_id": 7, "category_id": 3, "bbox": [10, 10, 20, 60], "attributes": {"age": "child"}, "who": "p1"},
            {"image_id": 7, "category_id": 4, "bbox": [10, 10, 20, 60]},
            {"image_id": 7, "category_id": 3, "bbox": [50, 10, 20, 60], "iscrowd": 1},
        ],
    }
    (table / "annotations.json").write_text(json.dumps(coco), "utf-8")
    (picture,) = read_labels(table)
    assert [(person.groups, person.counted) for person in picture.people] == [({"age": "child"}, True), ({}, False)]
    assert ask(Sees({}), (picture,), 0.4).found[0].groups == {"light": "day", "age": "child"}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("file,age\na.png,child\n", "x0_px, y0_px, x1_px, y1_px are missing"),
        ("file,x0_px,y0_px,x1_px,y1_px\na.png,1,2,3,x\n", "line 2"),
        ("file,x0_px,y0_px,x1_px,y1_px\na.png,9,2,3,8\n", "is empty"),
        ("file,x0_px,y0_px,x1_px,y1_px\ngone.png,1,2,3,8\n", "gone.png"),
        ("file,x0_px,y0_px,x1_px,y1_px\n", "names no picture"),
    ],
)
def test_a_bad_table_is_refused_by_name(table: Path, text: str, names: str) -> None:
    (table / "people.csv").write_text(text, "utf-8")
    with pytest.raises(BadInput, match=names):
        read_labels(table)


def test_no_labels_or_two_are_refused(tmp_path: Path, table: Path) -> None:
    with pytest.raises(BadInput, match="only one"):
        read_labels(tmp_path / "nowhere")
    (table / "labels.json").write_text("{}", "utf-8")
    with pytest.raises(BadInput, match="only one"):
        read_labels(table)


def made(found: list[Trial]) -> FairnessReport:
    return judge(
        Answers(found=tuple(found), false_alarms=(Trial(groups={}, cluster="1", happened=False),)),
        CONFIG,
        detector="own",
        score_min=0.4,
        data="<b>here</b>",
        software="1",
    )


def test_the_report_is_written_read_and_shown_whole(tmp_path: Path) -> None:
    report = made(trials({"adult": 0.95, "child": 0.7}, 200))
    data, page = write_report(report, tmp_path)
    assert read_report(data) == report
    text = page.read_text("utf-8")
    assert "It does not." in text
    assert "child" in text
    assert "<b>here</b>" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert "It does.</b>" in page_of(made(trials({"adult": 0.95, "child": 0.95}, 4000)))
    data.write_text("{}", "utf-8")
    with pytest.raises(BadInput, match="detector"):
        read_report(data)


def test_nobody_to_ask_for_is_an_error() -> None:
    with pytest.raises(BadInput, match="nobody in the pictures"):
        made([])
