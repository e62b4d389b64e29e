# SPDX-License-Identifier: Apache-2.0
"""CARMEN logs: geometry, no-return values, compression, and clear refusals."""

from __future__ import annotations

import bz2
import gzip
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    ("beams", "first_deg", "last_deg"),
    [
        (180, -90, 89),
        (181, -90, 90),
        (360, -90, 89.5),
        (361, -90, 90),
        (401, -50, 50),
        (541, -135, 135),
        (1081, -135, 135),
    ],
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
def test_what_a_file_is_tells_itself_not_its_name(tmp_path: Path, suffix: str) -> None:
    renamed = written(tmp_path, FLASER * 3, suffix).rename(tmp_path / "renamed.log")
    assert len(read_carmen(renamed)) == 3
    plain = tmp_path / f"plain{suffix}"
    plain.write_text(FLASER * 2, "ascii")
    assert len(read_carmen(plain)) == 2


@pytest.mark.parametrize("suffix", [".gz", ".bz2"])
@pytest.mark.parametrize("fault", ["cut short", "spoilt"])
def test_a_broken_archive_is_refused(tmp_path: Path, suffix: str, fault: str) -> None:
    path = written(tmp_path, "".join(FLASER.replace("100.25", f"{100 + row}.{row * 37 % 100}") for row in range(400)), suffix)
    data = path.read_bytes()
    half = len(data) // 2
    path.write_bytes(data[:half] if fault == "cut short" else data[:half] + bytes(64) + data[half + 64 :])
    with pytest.raises(BadInput, match="can not be read"):
        read_carmen(path)


def test_what_a_log_without_laser_lines_holds_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="only 3 ODOM, 1 SYNC"):
        read_carmen(written(tmp_path, "ODOM 0 0 0 0 0 0 1 h 1\n" * 3 + "SYNC 1\n"))


def test_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="can not be read"):
        read_carmen(tmp_path / "none.clf")


def at(*stamps_s: float) -> str:
    return "".join(FLASER.replace("100.25", f"{stamp_s:.6f}") for stamp_s in stamps_s)


def test_lines_that_overtook_one_another_are_put_in_order(tmp_path: Path) -> None:
    records = read_carmen(written(tmp_path, at(1.0, 1.4, 1.2, 1.6))).records
    assert [record.stamp_ns for record in records] == [1_000_000_000, 1_200_000_000, 1_400_000_000, 1_600_000_000]


def test_a_clock_that_was_set_back_is_told_and_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    records = read_carmen(written(tmp_path, at(500.0, 500.2, 3.0, 3.2))).records
    assert [record.stamp_ns for record in records] == [500_000_000_000, 500_200_000_000, 3_000_000_000, 3_200_000_000]
    assert "goes back by 497.2 s" in caplog.text


def test_scans_of_a_coarse_clock_are_spread_over_its_ticks(tmp_path: Path) -> None:
    records = read_carmen(written(tmp_path, at(*[5.0] * 4, *[6.0] * 5, *[7.0] * 4))).records
    stamps_s = np.array([record.stamp_ns for record in records]) * 1e-9
    assert np.allclose(stamps_s, [5, 5.25, 5.5, 5.75, 6, 6.2, 6.4, 6.6, 6.8, 7, 7.25, 7.5, 7.75])
    assert [record.scan.stamp_ns for record in records] == [record.stamp_ns for record in records]


@pytest.mark.parametrize(
    ("logged", "stamps_s", "told"),
    [
        (("7.5", "7.75", "8.25"), [7.5, 7.75, 8.25], "the logger's own"),
        (("0.1", "0.1", "0.1"), [100.25, 101.25, 102.25], "1.0 s apart"),
        (("9.0", "8.0", "7.0"), [100.25, 101.25, 102.25], "1.0 s apart"),
        (("x", "nan", ""), [100.25, 101.25, 102.25], "1.0 s apart"),
    ],
)
def test_scans_without_times_follow_one_another(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, logged: tuple[str, ...], stamps_s: list[float], told: str
) -> None:
    text = "".join(FLASER.replace("host 0.1", f"host {stamp}") for stamp in logged)
    records = read_carmen(written(tmp_path, text)).records
    assert [record.stamp_ns * 1e-9 for record in records] == pytest.approx(stamps_s)
    assert told in caplog.text


def test_a_beam_that_is_padded_is_no_return_either(tmp_path: Path) -> None:
    def lines(*last: str) -> str:
        return "".join(
            f"FLASER 5 {1 + 0.01 * row} {47 + 0.01 * row} 48.2 51.15 {last[row % len(last)]} 0 0 0 0 0 0 {row}.5 host 0.1\n"
            for row in range(60)
        )

    padded = read_carmen(written(tmp_path, lines("50.0"))).records[7].scan
    assert np.isinf(padded.ranges_m).tolist() == [False, False, False, True, True]
    measured = read_carmen(written(tmp_path, lines("50.0", "49.7", "49.4", "50.3"))).records[0].scan
    assert np.isinf(measured.ranges_m).tolist() == [False, False, False, True, False]


def test_a_line_written_twice_keeps_its_stamp(tmp_path: Path) -> None:
    stamps_s = [1.0 + 0.2 * row for row in range(40)]
    records = read_carmen(written(tmp_path, at(*stamps_s[:20], stamps_s[19], *stamps_s[20:]))).records
    assert records[19].stamp_ns == records[20].stamp_ns


def test_of_two_kinds_of_laser_line_the_one_with_more_counts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = read_carmen(written(tmp_path, FLASER * 2 + ROBOTLASER * 3))
    assert {record.scan.ranges_m.size for record in log} == {5}
    assert "2 FLASER lines are left out beside 3 ROBOTLASER1" in caplog.text


def test_another_start_angle_and_field_of_view(tmp_path: Path) -> None:
    head, tail = "ROBOTLASER1 0 -2.0943951 4.1887902 {} {} 0.01 0 3 1 2 3", "0 7 8 9 9 9 1 2 0.25 0 0 0 0 0 50.5 host 0.2\n"
    for step, range_max in (("2.0943951", "30.0"), ("0.0", "0.0"), ("0", "nan")):
        scan = read_carmen(written(tmp_path, f"{head.format(step, range_max)} {tail}")).records[0].scan
        assert np.allclose(np.degrees(scan.angles_rad()), [-120.0, 0.0, 120.0])
        assert scan.ranges_m.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("stamp", ["nan", "inf", "-3", "1e300"])
def test_a_stamp_that_is_no_time_is_named(tmp_path: Path, stamp: str) -> None:
    with pytest.raises(BadInput, match=r"line 2.*is no time"):
        read_carmen(written(tmp_path, FLASER + FLASER.replace("100.25", stamp)))


@settings(max_examples=60, deadline=None)
@given(
    words=st.lists(
        st.sampled_from(["FLASER", "ROBOTLASER1", "PARAM", "#", "nan", "-1", "0", "3", "1e308", "x", "\n"]), max_size=40
    )
)
def test_no_text_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, words: list[str]) -> None:
    path = tmp_path_factory.mktemp("log") / "log.clf"
    path.write_text(" ".join(words), "utf-8")
    with pytest.raises(BadInput):
        read_carmen(path)
