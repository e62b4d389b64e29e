# SPDX-License-Identifier: Apache-2.0
"""What the report says, to people and to programs."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from shapely.geometry import box

from evidence.accumulate import PatrolLog
from evidence.coverage import rasterise
from evidence.map_picture import draw_map
from evidence.record import PatrolRecord, RecordingProof, Seen
from evidence.report import make_report, write_report
from evidence.summary import ReportSummary
from patrol.errors import BadInput, BadValue
from patrol.grid import OccupancyGrid
from patrol.percepts import GroundPosition
from patrol.site import Building, Datum, Site
from tests.evidence.examples import START_NS, alert, depot, outcomes, record, start
from tests.evidence.test_recorder import open_recorder


class Page(HTMLParser):
    """Text, and every address that a browser would ask for."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.addresses, self.tags = "", list[str](), list[str]()
        self.feed(html)

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "action", "srcset")]


def page_of(folder: Path, patrol: PatrolRecord) -> Page:
    return Page(write_report(folder, patrol).html_path.read_text("utf-8"))


def test_the_json_validates_and_holds_the_figures(tmp_path: Path) -> None:
    report = write_report(tmp_path, record())
    read = ReportSummary.model_validate_json(report.json_path.read_text("utf-8"))
    assert read == report.summary
    assert read.schema_version == "1.0"
    assert (read.waypoints_reached, read.waypoints_missed, read.waypoints_planned, read.waypoints_without_outcome) == (
        15,
        1,
        16,
        0,
    )
    assert (read.laps_completed, read.laps_planned) == (2, 2)
    assert read.duration_s == 15 * 41 + 95
    assert read.alerts[0].zone_name == "Fuel store"
    assert read.alerts[0].thresholds[0].margin == pytest.approx(0.07)
    assert read.recording is not None
    assert read.recording.sha256 == "ab" * 32
    with pytest.raises(ValueError, match="extra"):
        ReportSummary.model_validate(json.loads(report.json_path.read_text()) | {"unknown": 1})


def test_the_page_tells_the_whole_patrol(tmp_path: Path) -> None:
    text = page_of(tmp_path, record()).text
    for wanted in (
        "North depot <A&B>",
        "15 of 16 waypoints; 1 was missed.",
        "1 alert asked for attention.",
        "A person was inside Fuel store for 1.2 s while nobody may be there.",
        "leaving the zone 0.3 s earlier",
        "inside probability",
        "dwell (s)",
        "Post 5",
        "The way was blocked by a vehicle",
        "1 min 35 s",
        "84.2 Wh",
        "da3b3fa0c1",
        "ab" * 32,
        "48.2 MB",
        "23:33:32",
        "complete",
    ):
        assert wanted in text, wanted


def test_the_page_asks_the_network_for_nothing_and_runs_no_code(tmp_path: Path) -> None:
    html = write_report(tmp_path, record()).html_path.read_text("utf-8")
    page = Page(html)
    assert page.addresses
    assert all(address.startswith(("data:image/", "#")) for address in page.addresses)
    assert "script" not in page.tags
    assert "link" not in page.tags
    assert not re.findall(r"@import|url\((?!#)", html)
    assert "default-src 'none'" in html


def test_words_from_outside_stay_words(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>"
    patrol = record(ended_because=evil)
    page = page_of(tmp_path, patrol)
    assert "script" not in page.tags
    assert evil in page.text
    assert "ended early" in page.text


def test_what_is_not_known_is_said_and_not_invented(tmp_path: Path) -> None:
    unseen = alert(picture=b"")
    page = page_of(
        tmp_path, record(energy=None, seen=None, recording=None, alerts=(unseen,), outcomes=(), trail_m=np.zeros((0, 2)))
    )
    assert "energy not known" in page.text
    assert "can not be told" in page.text
    assert "No picture could be made safe to show." in page.text
    assert "No waypoint has an outcome." in page.text
    assert "16 planned waypoints have no outcome" in page.text
    quiet = page_of(tmp_path, record(alerts=()))
    assert "Nothing asked for attention." in quiet.text
    assert "No alert was raised" in quiet.text


def test_a_damaged_recording_is_said_to_be_damaged(tmp_path: Path) -> None:
    proof = RecordingProof(file_name="recording.mcap", sha256="0" * 64, size_bytes=10, messages=3, damage="cut short: EndOfFile")
    assert "cut short: EndOfFile" in page_of(tmp_path, record(recording=proof)).text


def test_coverage_is_the_open_ground_that_was_seen() -> None:
    """A 20 x 10 m site with a 5 x 10 m building, whose western 10 x 10 m were seen, building and all."""
    site = Site(
        site_id="s",
        name="S",
        time_zone="UTC",
        datum=Datum(latitude_deg=0.0, longitude_deg=0.0),
        perimeter=box(0, 0, 20, 10),
        buildings=(Building(building_id="b", name="B", outline=box(0, 0, 5, 10), height_m=3.0),),
    )
    cells = np.zeros((40, 40), dtype=np.int8)
    grid = OccupancyGrid(stamp_ns=0, resolution_m=0.25, origin_x_m=0.0, origin_y_m=0.0, cells=cells)
    ground = rasterise(site, Seen(grid=grid, mask=np.ones((40, 40), dtype=np.bool_)))
    assert ground.open_m2 == pytest.approx(150.0, rel=0.02)
    assert ground.seen_m2 == pytest.approx(50.0, rel=0.03)
    assert rasterise(site, None).seen_m2 == 0.0


def test_a_kilometre_of_border_does_not_become_a_huge_picture() -> None:
    strip = Site(
        site_id="s", name="S", time_zone="UTC", datum=Datum(latitude_deg=0.0, longitude_deg=0.0), perimeter=box(0, 0, 1000, 40)
    )
    ground = rasterise(strip, None)
    assert max(ground.open_ground.shape) <= 1600
    assert ground.open_m2 == pytest.approx(40_000, rel=0.02)


def test_north_is_up_on_the_map_and_uncertainty_points_the_right_way() -> None:
    north_east = GroundPosition(
        position_m=np.array([100.0, 70.0]), velocity_mps=np.zeros(2), covariance_m2=np.array([[1.0, 0.9], [0.9, 1.0]])
    )
    source = alert()
    placed = record(alerts=(replace(source, ground=north_east),))
    picture = draw_map(placed, rasterise(placed.site, placed.seen))
    mark = picture.marks[-1]
    assert mark.kind == "alert critical"
    assert mark.x > picture.width / 2
    assert mark.y < picture.height / 2
    (ellipse,) = picture.ellipses
    assert ellipse.rx == pytest.approx(2.448 * np.sqrt(1.9), rel=1e-3)
    assert abs(ellipse.turn_deg % 180 - 135) < 1e-6
    missed = [each.kind for each in picture.marks if each.text == "5"]
    assert missed == ["missed"]


def test_a_report_can_be_made_of_a_killed_patrol_with_its_recording(tmp_path: Path) -> None:
    recorder = open_recorder(tmp_path)
    recorder.write("scan", b"one", log_ns=1)
    recorder.flush()
    folder = recorder.path.parent
    log = PatrolLog.begin(folder, start())
    log.add_outcome(outcomes()[0])
    log.add_alert(alert())
    report = make_report(folder, depot())
    assert report.summary.recording is not None
    assert (report.summary.recording.messages, report.summary.recording.damage[:9]) == (1, "cut short")
    assert "without a closing word" in report.summary.ended_because
    assert report.summary.waypoints_without_outcome == 15
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith(".")) == []
    recorder.path.rename(folder / "recording-before-1.mcap")
    open_recorder(tmp_path).close()
    again = make_report(folder, depot())
    assert again.summary.earlier_recordings[0].messages == 1
    assert again.summary.recording is not None
    assert again.summary.recording.damage == ""
    html = again.html_path.read_text("utf-8")
    assert html.index("recording-before-1.mcap") < html.index("recording.mcap")


def test_the_wrong_site_and_a_patrol_that_ends_before_it_starts_are_refused(tmp_path: Path) -> None:
    PatrolLog.begin(tmp_path, start()).end(START_NS)
    other = Site(site_id="prison", name="P", time_zone="UTC", datum=depot().datum, perimeter=box(0, 0, 1, 1))
    with pytest.raises(BadInput, match="prison"):
        make_report(tmp_path, other)
    with pytest.raises(BadValue, match="ended_ns"):
        record(ended_ns=START_NS - 1)
