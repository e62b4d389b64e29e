# SPDX-License-Identifier: Apache-2.0
"""The ``patrol`` command as a person meets it: words in, exit code and output back; and files to break."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from app.cli import main
from app.paths import ROOT
from evidence.accumulate import PatrolLog
from evidence.record import PatrolStart

DEPOT = ROOT / "config" / "sites" / "depot.geojson"
PERIMETER = ROOT / "config" / "missions" / "perimeter.yaml"
BEGAN_NS = 1_790_000_000_000_000_000
QUIET = ROOT / "sim" / "scenarios" / "depot_quiet.yaml"
FOG = QUIET.parent / "border_fog.yaml"


def patrol_begun(folder: Path, *, site_id: str, stops: int) -> PatrolLog:
    """A patrol's folder whose log begins; ``stops`` is how many waypoints a lap has."""
    start = PatrolStart(
        patrol_id="p",
        robot_id="rover",
        robot_name="Rover",
        site_id=site_id,
        mission_id="perimeter",
        mission_name="Perimeter round",
        laps=1,
        waypoints_per_lap=stops,
        started_ns=BEGAN_NS,
        version="1",
        commit="c",
    )
    return PatrolLog.begin(folder, start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str


Patrol = Callable[..., Answer]


def run_patrol(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str | Path) -> Answer:
    """Run ``patrol WORDS`` in this process."""
    monkeypatch.setattr("sys.argv", ["patrol", *map(str, words)])
    capsys.readouterr()
    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    printed = capsys.readouterr()
    assert code is None or isinstance(code, int)
    return Answer(code=code or 0, out=printed.out, err=printed.err)


def site_without(folder: Path, kind: str) -> Path:
    """The depot without any feature of ``kind``."""
    data = json.loads(DEPOT.read_text("utf-8"))
    data["features"] = [feature for feature in data["features"] if feature["properties"]["kind"] != kind]
    return written(folder / "broken.geojson", json.dumps(data))


def scenario(folder: Path, **changes: Any) -> Path:
    """The quiet depot with some keys changed; lies in ``folder`` and names world and site by their whole path."""
    data = yaml.safe_load(QUIET.read_text("utf-8"))
    whole = {name: str((QUIET.parent / data[name]).resolve()) for name in ("world", "site")}
    return written(folder / "scenario.yaml", yaml.safe_dump({**data, **whole, **changes}))


def written(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


def write_room_log(path: Path, *, scans: int) -> None:
    """A CARMEN log: 180 beams over the half circle ahead, ten a second, from a robot that drives 0.1 m a scan along the middle
    of a room of 12 by 8 m."""
    angles = np.radians(np.arange(180) - 90.0)
    lines = []
    for number in range(scans):
        x_m = 0.1 * number
        with np.errstate(divide="ignore"):
            ahead, aside = (9.0 - x_m) / np.cos(angles), np.where(angles >= 0.0, 5.0, 3.0) / np.abs(np.sin(angles))
        ranges = " ".join(f"{value:.2f}" for value in np.minimum(np.where(ahead > 0.0, ahead, np.inf), aside))
        pose, stamp = f"{x_m:.3f} 0.000 0.000", f"{0.1 * number:.1f}"
        lines.append(f"FLASER 180 {ranges} {pose} {pose} {stamp} host {stamp}\n")
    written(path, "".join(lines))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
