# SPDX-License-Identifier: Apache-2.0
"""CARMEN logs: geometry, no-return values, compression, and clear refusals."""

from __future__ import annotations

import bz2
import gzip
import math
from pathlib import Path

import numpy as np
import pytest

from patrol.errors import BadInput
from slam.carmen import read_carmen

FLASER = "FLASER 4 1.00 2.00 81.91 3.00 9 9 9 1.5 -2.5 0.5 100.25 host 0.1\n"
ROBOTLASER = "ROBOTLASER1 0 -1.0 2.0 0.5 30.0 0.01 0 5 1 2 3 30.0 5 2 7 8 9 9 9 1 2 0.25 0 0 0 0 0 50.5 host 0.2\n"


def written(tmp_path: Path, text: str, suffix: str = ".clf") -> Path:
    path = tmp_path / f"log{suffix}"
    data = text.encode("ascii")
    if suffix == ".gz":
        data = gzip.compress(data)
    elif suffix == ".bz2":
        data = bz2.compress(data)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("suffix", [".clf", ".gz", ".bz2"])
def test_flaser_line(tmp_path: Path, suffix: str) -> None:
    log = read_carmen(written(tmp_path, "# comment\nPARAM robot_frontlaser_offset -0.04 x 1\n" + FLASER * 2, suffix))
    record = log.records[0]
    assert len(log) == 2
    assert log.base_from_lidar.x_m == -0.04
    assert record.stamp_ns == 100_250_000_000
    assert (record.odom_from_base.x_m, record.odom_from_base.y_m, record.odom_from_base.yaw_rad) == (1.5, -2.5, 0.5)
    assert record.scan.ranges_m.tolist() == [1.0, 2.0, math.inf, 3.0]
    assert record.scan.angle_min_rad == pytest.approx(-0.5 * math.pi)


def test_robotlaser_line(tmp_path: Path) -> None:
    record = read_carmen(written(tmp_path, ROBOTLASER)).records[0]
    assert record.stamp_ns == 50_500_000_000
    assert (record.odom_from_base.x_m, record.odom_from_base.yaw_rad) == (1.0, 0.25)
    assert record.scan.ranges_m.tolist() == [1.0, 2.0, 3.0, math.inf, 5.0]
    assert np.allclose(record.scan.angles_rad(), [-1.0, -0.5, 0.0, 0.5, 1.0])


@pytest.mark.parametrize(
    ("beams", "first_deg", "last_deg"), [(180, -90, 89), (181, -90, 90), (360, -90, 89.5), (361, -90, 90), (401, -50, 50)]
)
def test_beam_angles_follow_the_count(tmp_path: Path, beams: int, first_deg: float, last_deg: float) -> None:
    ranges = " ".join(["1.0"] * beams)
    scan = read_carmen(written(tmp_path, f"FLASER {beams} {ranges} 0 0 0 0 0 0 1.0 host 1.0\n")).records[0].scan
    angles = np.degrees(scan.angles_rad())
    assert angles[0] == pytest.approx(first_deg)
    assert angles[-1] == pytest.approx(last_deg)


@pytest.mark.parametrize("text", ["FLASER 4 1 2\n", "FLASER x\n", "FLASER 2 a b 0 0 0 0 0 0 1 h 1\n", "ROBOTLASER1 0 0\n"])
def test_broken_line_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadInput, match="line 2"):
        read_carmen(written(tmp_path, FLASER + text))


def test_a_stray_line_in_a_long_log_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = read_carmen(written(tmp_path, FLASER * 150 + "FLASER 4 1.00 2.0"))
    assert len(log) == 150
    assert "line 151 is left out" in caplog.text


def test_the_laser_sits_where_the_lines_agree(tmp_path: Path) -> None:
    def line(laser: str) -> str:
        return f"FLASER 4 1.00 2.00 81.91 3.00 {laser} 1.0 2.0 1.5707963 100.25 host 0.1\n"

    mount = read_carmen(written(tmp_path, line("1.0 2.2 1.5707963") * 12)).base_from_lidar
    assert (mount.x_m, mount.y_m, mount.yaw_rad) == pytest.approx((0.2, 0.0, 0.0), abs=1e-6)
    corrected = read_carmen(written(tmp_path, line("1.0 2.2 1.57") * 5 + line("3.0 4.0 0.1") * 5)).base_from_lidar
    assert (corrected.x_m, corrected.y_m, corrected.yaw_rad) == (0.0, 0.0, 0.0)


def test_log_without_laser_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no FLASER"):
        read_carmen(written(tmp_path, "ODOM 0 0 0 0 0 0 1 h 1\n"))


@pytest.mark.parametrize("suffix", [".gz", ".bz2"])
def test_file_that_is_not_what_its_name_says_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"log{suffix}"
    path.write_bytes(b"plain text")
    with pytest.raises(BadInput, match="can not be read"):
        read_carmen(path)
