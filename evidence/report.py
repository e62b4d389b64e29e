# SPDX-License-Identifier: Apache-2.0
"""The report of a patrol: ``report.json`` for programs and ``report.html`` for people, in the patrol's folder.

The page is one file that asks the network for nothing. Both appear whole or not at all.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined

from evidence.coverage import rasterise
from evidence.files import write_whole
from evidence.gather import read_record
from evidence.map_picture import MapPicture, draw_map
from evidence.record import PatrolRecord
from evidence.summary import AlertSummary, ReportSummary, summarise
from patrol.clock import NS_PER_S
from patrol.percepts import Alert
from patrol.site import Site

JSON_FILE, HTML_FILE = "report.json", "report.html"

_CLOSE_UP_M = 24.0
_UNITS = {"s": "s", "m": "m", "mps": "m/s", "m2": "m\u00b2", "px": "px", "rad": "rad", "deg": "\u00b0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Where the two files stand, and what they say."""

    json_path: Path
    html_path: Path
    summary: ReportSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class _AlertView:
    """One alert as the page shows it: the picture as a data URI, and the part of the map around it (an SVG viewBox)."""

    number: int
    facts: AlertSummary
    picture_uri: str
    view_box: str


def make_report(folder: Path, site: Site) -> Report:
    """Read what ``folder`` holds about its patrol and write the report there. Raises BadInput when there is no readable log."""
    return write_report(folder, read_record(folder, site))


def write_report(folder: Path, record: PatrolRecord) -> Report:
    """Write both files of ``record`` into ``folder``. Raises OSError when the disk refuses."""
    folder.mkdir(parents=True, exist_ok=True)
    ground = rasterise(record.site, record.seen)
    summary, picture = summarise(record, ground), draw_map(record, ground)
    json_path, html_path = folder / JSON_FILE, folder / HTML_FILE
    write_whole(json_path, summary.model_dump_json(indent=2).encode() + b"\n")
    write_whole(html_path, _render(record, summary, picture).encode())
    return Report(json_path=json_path, html_path=html_path, summary=summary)


def _render(record: PatrolRecord, summary: ReportSummary, picture: MapPicture) -> str:
    environment = Environment(
        loader=PackageLoader("evidence"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    zone = ZoneInfo(summary.time_zone)
    environment.filters |= {
        "day": lambda stamp_ns: f"{_local(stamp_ns, zone):%A, %-d %B %Y}",
        "clock": lambda stamp_ns: f"{_local(stamp_ns, zone):%H:%M:%S}",
        "duration": _duration,
        "size": _size,
        "measure": _measure,
        "figure": lambda value: f"{value:,.4g}",
    }
    views = tuple(
        _alert_view(number, alert, facts, picture)
        for number, (alert, facts) in enumerate(zip(record.alerts, summary.alerts, strict=True), start=1)
    )
    template = environment.get_template("report.html.j2")
    return template.render(report=summary, map=picture, alerts=views, verdict=_verdict(summary))


def _alert_view(number: int, alert: Alert, facts: AlertSummary, picture: MapPicture) -> _AlertView:
    ellipse = picture.ellipses[number - 1]
    side = max(_CLOSE_UP_M, 4.0 * ellipse.rx)
    jpeg = alert.picture_jpeg
    return _AlertView(
        number=number,
        facts=facts,
        picture_uri="data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii") if jpeg else "",
        view_box=f"{ellipse.x - side * 2 / 3:.2f} {ellipse.y - side / 2:.2f} {side * 4 / 3:.2f} {side:.2f}",
    )


def _verdict(summary: ReportSummary) -> tuple[str, ...]:
    """The patrol in two or three sentences."""
    said = [f"The robot reached {summary.waypoints_reached} of {summary.waypoints_planned} waypoints"]
    if summary.waypoints_missed:
        said[0] += f"; {summary.waypoints_missed} {'was' if summary.waypoints_missed == 1 else 'were'} missed"
    said[0] += "."
    alerts = len(summary.alerts)
    said.append(
        "Nothing asked for attention." if not alerts else f"{alerts} alert{'s' if alerts > 1 else ''} asked for attention."
    )
    if summary.coverage is not None:
        said.append(f"{100 * summary.coverage.seen_share:.0f} % of the open ground was seen.")
    return tuple(said)


def _local(stamp_ns: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(stamp_ns / NS_PER_S, UTC).astimezone(zone)


def _duration(duration_s: float) -> str:
    minutes, secs = divmod(round(duration_s), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {secs:02} s" if minutes else f"{secs} s"


def _measure(name: str) -> str:
    """``dwell_s`` as people read it: "dwell (s)"."""
    words, _, last = name.rpartition("_")
    return f"{words} ({_UNITS[last]})".replace("_", " ") if words and last in _UNITS else name.replace("_", " ")


def _size(size_bytes: int) -> str:
    size = float(size_bytes)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
