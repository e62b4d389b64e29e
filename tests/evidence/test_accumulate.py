# SPDX-License-Identifier: Apache-2.0
"""The log of a patrol, also after a crash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence.accumulate import LOG_FILE, PatrolLog, read_lines
from evidence.gather import NO_CLOSING_WORD, read_record
from evidence.lines import AlertLine, OutcomeLine
from evidence.record import PatrolRecord
from patrol.errors import BadInput, BadValue
from patrol.estimate import PoseEstimate
from patrol.geometry import Pose2
from patrol.sensors import Battery
from tests.evidence.examples import START_NS, alert, depot, outcomes, seen, start

WRITER = """
import sys
from pathlib import Path
from evidence.accumulate import PatrolLog
from tests.evidence.examples import outcomes, start
log = PatrolLog.begin(Path(sys.argv[1]), start())
while True:
    log.add_outcome(outcomes()[0])
    print("kept", flush=True)
"""
S = 1_000_000_000


def estimate(second: float, x_m: float, *, odom_x_m: float | None = None) -> PoseEstimate:
    """On the x axis of the map, at ``odom_x_m`` in odom."""
    odom = Pose2(x_m if odom_x_m is None else odom_x_m, 0.0, 0.0)
    map_from_odom = Pose2(x_m - odom.x_m, 0.0, 0.0)
    stamp_ns = START_NS + round(second * S)
    return PoseEstimate(stamp_ns=stamp_ns, map_from_odom=map_from_odom, odom_from_base=odom, covariance=np.eye(3) * 1e-4)


def battery(second: float, charge: float, current_a: float) -> Battery:
    return Battery(stamp_ns=START_NS + round(second * S), charge=charge, voltage_v=48.0, current_a=current_a)


def test_a_whole_patrol_comes_back_as_it_was(tmp_path: Path) -> None:
    log = PatrolLog.begin(tmp_path, start())
    for step in range(101):
        log.add_estimate(estimate(step * 0.1, step * 0.1))
    for second in range(37):
        log.add_battery(battery(second, 0.9 - second / 1000, -5.0))
    for outcome in outcomes():
        log.add_outcome(outcome)
    log.add_alert(alert())
    log.keep_seen(seen())
    log.end(START_NS + 3600 * S)
    kept = read_record(tmp_path, depot())
    assert kept.start == start()
    assert kept.outcomes == outcomes()
    assert kept.ended_ns == START_NS + 3600 * S
    assert kept.ended_because == ""
    assert kept.distance_m == pytest.approx(10.0)
    assert kept.trail_m[-1] == pytest.approx((10.0, 0.0))
    assert kept.energy is not None
    assert kept.energy.drawn_wh == pytest.approx(48.0 * 5.0 * 36 / 3600)
    assert kept.energy.charge_end == pytest.approx(0.864)
    assert kept.alerts[0].picture_jpeg == alert().picture_jpeg
    assert kept.alerts[0].reason == alert().reason
    assert np.array_equal(kept.alerts[0].ground.covariance_m2, alert().ground.covariance_m2)
    assert kept.seen is not None
    assert np.array_equal(kept.seen.mask, seen().mask)
    assert np.array_equal(kept.seen.grid.cells, seen().grid.cells)
    assert kept.recording is None


def test_a_corrected_map_is_no_way_driven_and_neither_is_standing_still(tmp_path: Path) -> None:
    log = PatrolLog.begin(tmp_path, start())
    log.add_estimate(estimate(0.0, 5.0, odom_x_m=0.0))
    log.add_estimate(estimate(0.1, 9.0, odom_x_m=0.0))
    assert log.distance_m == 0.0
    noise = np.random.default_rng(3).normal(0.0, 0.002, 2000)
    for number, jitter_m in enumerate(noise):
        log.add_estimate(estimate(1.0 + number * 0.1, 9.0, odom_x_m=float(jitter_m)))
    assert log.distance_m < 0.1


@given(st.lists(st.floats(0.0, 0.15), min_size=1, max_size=60))
def test_slow_driving_counts_in_full(tmp_path_factory: pytest.TempPathFactory, steps_m: list[float]) -> None:
    log = PatrolLog.begin(tmp_path_factory.mktemp("slow"), start())
    way_m = np.concatenate(([0.0], np.cumsum(steps_m)))
    for number, x_m in enumerate(way_m):
        log.add_estimate(estimate(number * 0.1, float(x_m)))
    assert way_m[-1] - 0.02 <= log.distance_m + 1e-9
    assert log.distance_m <= way_m[-1] + 1e-9


def test_charging_and_gaps_draw_nothing(tmp_path: Path) -> None:
    log = PatrolLog.begin(tmp_path, start())
    for second, current_a in ((0, 4.0), (1, 4.0), (30, -9.0), (50, -9.0)):
        log.add_battery(battery(second, 0.5, current_a))
    log.end(START_NS + 60 * S)
    kept = read_record(tmp_path, depot())
    assert kept.energy is not None
    assert kept.energy.drawn_wh == 0.0


def test_every_outcome_that_was_kept_survives_a_kill(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    for _ in range(20):
        writer.stdout.readline()
    os.kill(writer.pid, signal.SIGKILL)
    told = 20 + writer.stdout.read().count("kept")
    writer.wait(timeout=10)
    writer.stdout.close()
    kept = [line for line in read_lines(tmp_path) if isinstance(line, OutcomeLine)]
    assert told <= len(kept) <= told + 1
    record = read_record(tmp_path, depot())
    assert record.ended_because == NO_CLOSING_WORD
    assert record.ended_ns == outcomes()[0].ended_ns


def test_an_outcome_that_a_restarted_mission_tells_again_counts_once(tmp_path: Path) -> None:
    log = PatrolLog.begin(tmp_path, start())
    for outcome in (*outcomes(), outcomes()[-1]):
        log.add_outcome(outcome)
    log.end(START_NS + 3600 * S)
    assert read_record(tmp_path, depot()).outcomes == outcomes()


def test_a_restarted_log_goes_on_behind_the_torn_line(tmp_path: Path) -> None:
    log = PatrolLog.begin(tmp_path, start())
    for step in range(50):
        log.add_estimate(estimate(step * 0.1, step * 0.1))
    with (tmp_path / LOG_FILE).open("ab") as file:
        file.write(b'{"kind":"alert","alert_id":"torn')
    again = PatrolLog.resume(tmp_path)
    before_m = again.distance_m
    again.add_estimate(estimate(60.0, 0.0))
    again.add_estimate(estimate(60.1, 1.0))
    again.add_alert(alert())
    again.add_alert(alert())
    again.end(START_NS + 70 * S)
    kept: PatrolRecord = read_record(tmp_path, depot())
    assert before_m == pytest.approx(4.8, abs=0.11)
    assert kept.distance_m == pytest.approx(before_m + 1.0)
    assert [each.alert_id for each in kept.alerts] == [alert().alert_id]
    assert sum(isinstance(line, AlertLine) for line in read_lines(tmp_path)) == 2


def test_an_alert_whose_picture_is_gone_has_none_and_names_stay_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"not yours")
    folder = tmp_path / "patrol"
    log = PatrolLog.begin(folder, start())
    log.add_alert(alert())
    next(folder.glob("alert-*.jpg")).unlink()
    assert read_record(folder, depot()).alerts[0].picture_jpeg == b""
    line = AlertLine.of(alert()).model_copy(update={"picture": "../secret.jpg"})
    assert line.alert(folder).picture_jpeg == b""


def test_wrong_folders_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=LOG_FILE):
        read_lines(tmp_path)
    (tmp_path / LOG_FILE).write_text("{}\nrubbish\n")
    with pytest.raises(BadInput, match="began"):
        read_lines(tmp_path)
    with pytest.raises(BadInput, match="already"):
        PatrolLog.begin(tmp_path, start())
    log = PatrolLog.begin(tmp_path / "other", start())
    log.end(START_NS)
    with pytest.raises(BadValue, match="closed"):
        log.add_outcome(outcomes()[0])
    (tmp_path / "other" / "seen.npz").write_bytes(b"no zip")
    with pytest.raises(BadInput, match=r"seen\.npz"):
        read_record(tmp_path / "other", depot())
