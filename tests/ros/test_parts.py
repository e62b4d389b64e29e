# SPDX-License-Identifier: Apache-2.0
"""The small parts of the nodes: pacing, worker, latch, kept pose, ages, topics and their quality of service."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("patrol_msgs.msg", reason="the ROS interfaces are not built: make setup")

from rclpy.qos import DurabilityPolicy, ReliabilityPolicy

from patrol.errors import BadInput, BadValue
from patrol.geometry import Pose2
from patrol.topics import TOPICS, Qos, Topic
from patrol_ros.health import Ages, stale_status
from patrol_ros.hearing import DEAF_AFTER_S, Deaf, Hearing
from patrol_ros.link import interface
from patrol_ros.pacing import Pacer
from patrol_ros.qos import profile
from patrol_ros.remembered import PoseFile
from patrol_ros.replay_sources import open_source
from patrol_ros.run_file import set_aside
from patrol_ros.slot import Worker
from patrol_ros.stop_node import Latch

S = 1_000_000_000


@pytest.mark.parametrize("row", TOPICS, ids=lambda row: row.name)
def test_every_topic_of_the_table_has_a_type_and_a_profile(row: Topic) -> None:
    assert interface(row.type).__name__ == row.type.split("/")[-1]
    assert profile(row.qos).depth >= 1


def test_pictures_are_reliable_and_the_map_is_latched() -> None:
    assert profile(Qos.STREAM).reliability == ReliabilityPolicy.RELIABLE
    assert profile(Qos.SENSOR).reliability == ReliabilityPolicy.BEST_EFFORT
    assert profile(Qos.LATCHED).durability == DurabilityPolicy.TRANSIENT_LOCAL


@given(st.floats(0.1, 20.0), st.lists(st.floats(0.001, 0.2), min_size=1, max_size=50))
def test_a_paced_clock_is_never_early(factor: float, steps_s: list[float]) -> None:
    pacer, time_ns, wall_ns = Pacer(factor), 0, 5 * S
    pacer.wait_s(time_ns, wall_ns)
    for step_s in steps_s:
        time_ns += round(step_s * S)
        wall_ns += round(pacer.wait_s(time_ns, wall_ns) * S)
    assert (wall_ns - 5 * S) * factor == pytest.approx(time_ns, rel=1e-6, abs=100 * factor)


def test_the_real_time_factor_is_that_of_the_last_seconds() -> None:
    pacer, wall_ns = Pacer(2.0), 0
    for step in range(1000):
        wall_ns += round(pacer.wait_s(step * S // 50, wall_ns) * S)
    assert pacer.real_time_factor == pytest.approx(2.0, rel=0.01)
    for step in range(1000, 1400):
        wall_ns += S // 25
        pacer.wait_s(step * S // 50, wall_ns)
    assert pacer.real_time_factor == pytest.approx(0.5, rel=0.01)


def test_who_is_far_behind_does_not_catch_up() -> None:
    pacer = Pacer(1.0, forgive_s=0.25)
    pacer.wait_s(0, 0)
    assert pacer.wait_s(S, 10 * S) == 0.0
    assert pacer.wait_s(2 * S, 10 * S) == pytest.approx(1.0)


def test_as_fast_as_possible_never_waits() -> None:
    pacer = Pacer(0.0)
    assert [pacer.wait_s(step * S, 0) for step in range(5)] == [0.0] * 5


def test_the_worker_takes_the_newest_and_counts_what_it_drops() -> None:
    begun, may_go_on, taken = threading.Event(), threading.Event(), []

    def work(item: int) -> None:
        taken.append(item)
        begun.set()
        may_go_on.wait(10.0)

    worker = Worker("test", work)
    worker.offer(0)
    assert begun.wait(10.0)
    for item in (1, 2, 3):
        worker.offer(item)
    may_go_on.set()
    while worker.done < 2:
        begun.wait(0.01)
    worker.close()
    assert taken == [0, 3]
    assert worker.dropped == 2


def test_what_nobody_waits_for_gives_way_within_the_process() -> None:
    seen: list[int] = []
    worker: Worker[None] = Worker("test", lambda _: seen.append(os.getpriority(os.PRIO_PROCESS, 0)), niceness=3)
    worker.offer(None)
    while worker.done < 1:
        threading.Event().wait(0.01)
    worker.close()
    own = os.getpriority(os.PRIO_PROCESS, os.getpid())
    assert seen == [min(own + 3, 19)]
    assert os.getpriority(os.PRIO_PROCESS, os.getpid()) == own


def test_the_worker_outlives_an_item_that_is_refused() -> None:
    def work(item: int) -> None:
        if item == 1:
            raise BadValue("one is refused")

    worker = Worker("test", work, limit=5)
    worker.offer(1)
    while worker.done < 1:
        threading.Event().wait(0.01)
    assert worker.trouble == "one is refused"
    worker.offer(2)
    while worker.done < 2:
        threading.Event().wait(0.01)
    assert (worker.trouble, worker.is_alive) == ("", True)
    worker.close()
    assert not worker.is_alive


def test_the_latch_lies_on_disk(tmp_path: Path) -> None:
    Latch(tmp_path / "state").write(latched=True)
    assert Latch(tmp_path / "state").is_latched()
    Latch(tmp_path / "state").write(latched=False)
    assert not Latch(tmp_path / "state").is_latched()
    assert not Latch(None).is_latched()


def test_the_pose_is_kept_and_a_damaged_file_is_no_pose(tmp_path: Path) -> None:
    kept = PoseFile(tmp_path)
    assert kept.read(S) is None
    kept.write(S, Pose2(1.0, 2.0, 0.5))
    kept.write(S + 1, Pose2(9.0, 9.0, 0.0))
    assert PoseFile(tmp_path).read(2 * S) == Pose2(1.0, 2.0, 0.5)
    kept.write(2 * S, Pose2(3.0, 2.0, 0.5))
    assert PoseFile(tmp_path).read(2 * S) == Pose2(3.0, 2.0, 0.5)
    assert PoseFile(tmp_path).read(S // 2) is None
    (tmp_path / "map_from_odom.json").write_text('{"x_m": 1', "utf-8")
    assert PoseFile(tmp_path).read(2 * S) is None


def test_missing_and_old_data_are_named() -> None:
    ages = Ages(("scan", "odom"))
    ages.heard("scan", S)
    assert ages.stale(S) == ("odom",)
    assert ages.age_s("odom", S) is None
    ages.heard("odom", 10 * S)
    assert stale_status(ages, 10 * S).wrong == "no fresh data: scan"


def test_a_recording_of_a_dead_recorder_is_kept(tmp_path: Path) -> None:
    for text in ("first", "second"):
        (tmp_path / "recording.mcap").write_text(text, "utf-8")
        assert set_aside(tmp_path / "recording.mcap") == tmp_path / "recording.mcap"
    assert not (tmp_path / "recording.mcap").exists()
    assert (tmp_path / "recording-before-1.mcap").read_text("utf-8") == "first"
    assert (tmp_path / "recording-before-2.mcap").read_text("utf-8") == "second"


@pytest.mark.parametrize("name", ["nothing.mcap", "notes.txt"])
def test_what_can_not_be_replayed_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "notes.txt").write_text("hello", "utf-8")
    with pytest.raises(BadInput, match=r"does not exist|is not one of"):
        open_source(tmp_path / name)


def looked_at(hearing: Hearing, others: int, *, until_s: float) -> None:
    for step in range(round(until_s * 10.0)):
        hearing.check(100.0 + step / 10.0, others)


def test_a_node_that_hears_nobody_although_others_are_there_ends() -> None:
    hearing = Hearing()
    looked_at(hearing, 0, until_s=5.0)
    with pytest.raises(Deaf, match=r"^3 other nodes"):
        looked_at(hearing, 3, until_s=DEAF_AFTER_S + 1.0)


def test_a_node_alone_or_with_one_message_goes_on() -> None:
    hearing = Hearing()
    looked_at(hearing, 0, until_s=10.0 * DEAF_AFTER_S)
    hearing.heard()
    looked_at(hearing, 3, until_s=10.0 * DEAF_AFTER_S)
    assert hearing.is_proven
