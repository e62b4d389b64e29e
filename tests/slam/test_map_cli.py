# SPDX-License-Identifier: Apache-2.0
"""``patrol map``: the commands of the pages, on maps of a hall."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from app.maps import cli
from patrol.errors import BadInput
from slam.config import MapperConfig
from slam.mapper import Mapper
from tests.slam.raycaster import BASE_FROM_LIDAR, box, drive, hall, lap

SITE = ["--site", str(Path(__file__).resolve().parents[2] / "config" / "sites" / "depot.geojson")]


def write_map(folder: Path, *, with_crate: bool) -> None:
    walls = np.vstack([hall(), box(13.2, 1.0, 0.6, 0.6)]) if with_crate else hall()
    mapper: Mapper | None = None
    for step in drive(walls, lap(laps=0.4), seed=3):
        mapper = mapper or Mapper(MapperConfig(), BASE_FROM_LIDAR, step.true_pose)
        mapper.add_scan(step.scan, step.odom_from_base)
    assert mapper is not None
    mapper.save(folder)


def told(*words: str) -> str:
    result = CliRunner().invoke(cli, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_map_is_proposed_approved_compared_and_exported(tmp_path: Path) -> None:
    monday, tuesday, maps = str(tmp_path / "monday"), str(tmp_path / "tuesday"), str(tmp_path / "maps")
    write_map(Path(monday), with_crate=False)
    write_map(Path(tuesday), with_crate=True)
    assert "version 1 is proposed" in told("propose", maps, monday)
    assert "approved by A. Guard" in told("approve", maps, "1", "--by", "A. Guard")
    assert "version 2 is proposed" in told("propose", maps, tuesday, *SITE)
    assert "rejected" in told("reject", maps, "2", "--by", "A. Guard", "--note", "too early")
    assert "baseline" in told("versions", maps)
    assert "new object" in told("changes", monday, tuesday, *SITE)
    assert "version 3 is proposed" in told("propose", maps, monday)
    touched = Path(maps) / "00003" / "map.pgm"
    touched.write_bytes(touched.read_bytes()[:-1] + b"\x07")
    with pytest.raises(BadInput, match="its SHA-256 differs"):
        told("approve", maps, "3", "--by", "A. Guard")
    for name in ("map.g2o", "map.tif", "map.png"):
        assert "is written" in told("export", monday, str(tmp_path / name), *SITE)
        assert (tmp_path / name).stat().st_size > 100


def test_an_unknown_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is none of"):
        CliRunner().invoke(cli, ["export", str(tmp_path), str(tmp_path / "map.docx")], catch_exceptions=False)
