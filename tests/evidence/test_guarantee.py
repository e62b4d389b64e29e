# SPDX-License-Identifier: Apache-2.0
"""The report states what the mission promised, and what of it was kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evidence.accumulate import PatrolLog
from evidence.report import make_report, write_report
from patrol.promise import Promise, idleness_kept
from tests.evidence.examples import START_NS, depot, outcomes, record, start

PROMISE = Promise(
    mode="free",
    worst_idleness_s=1e6,
    average_idleness_s=120.0,
    attack_s=60.0,
    capture=0.25,
    sentences=("mode free: no place goes unseen for longer than 1000000.0 s", "an attack of 60.0 s <is> caught"),
)


def test_a_promise_that_was_kept_is_told_with_the_measured_gap(tmp_path: Path) -> None:
    measured = idleness_kept(outcomes())
    assert measured is not None
    report = write_report(tmp_path, record(start=replace(start(), promise=PROMISE)))
    told = report.summary.guarantee
    assert told is not None
    assert (told.kept, told.capture_probability, told.measured_gaps) == (True, 0.25, measured.gaps)
    assert told.measured_worst_s == measured.worst_s
    assert told.measured_ratio == pytest.approx(measured.worst_s / 1e6)
    page = report.html_path.read_text("utf-8")
    assert "<h2>Guarantee</h2>" in page
    assert "An attack of 60.0 s &lt;is&gt; caught." in page
    assert '<span class="chip reached">kept</span>' in page


def test_a_promise_that_was_not_kept_is_told_as_plainly(tmp_path: Path) -> None:
    report = write_report(tmp_path, record(start=replace(start(), promise=replace(PROMISE, worst_idleness_s=1.0))))
    assert report.summary.guarantee is not None
    assert report.summary.guarantee.kept is False
    assert '<span class="chip missed">not kept</span>' in report.html_path.read_text("utf-8")


def test_without_a_second_visit_nothing_was_measured(tmp_path: Path) -> None:
    report = write_report(tmp_path, record(start=replace(start(), promise=PROMISE), outcomes=outcomes()[:2]))
    assert report.summary.guarantee is not None
    assert (report.summary.guarantee.kept, report.summary.guarantee.measured_worst_s) == (None, None)
    assert "nothing was measured" in report.html_path.read_text("utf-8")


def test_without_a_promise_the_report_says_nothing_about_one(tmp_path: Path) -> None:
    report = write_report(tmp_path, record())
    assert report.summary.guarantee is None
    assert "Guarantee" not in report.html_path.read_text("utf-8")


def test_the_promise_survives_a_killed_process(tmp_path: Path) -> None:
    PatrolLog.begin(tmp_path, replace(start(), promise=PROMISE))
    log = PatrolLog.resume(tmp_path)
    for outcome in outcomes():
        log.add_outcome(outcome)
    log.end(START_NS + 10**13)
    told = make_report(tmp_path, depot()).summary.guarantee
    assert told is not None
    assert (told.sentences, told.mode) == (PROMISE.sentences, "free")
