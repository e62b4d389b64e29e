# SPDX-License-Identifier: Apache-2.0
"""What is given up when the link is slow."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from patrol.wire import VideoPacket
from tests.uplink.examples import packet
from uplink.backoff import Backoff
from uplink.queues import LatestOnly, VideoQueue


def drain(queue: VideoQueue) -> list[VideoPacket]:
    taken = []
    while (got := queue.take()) is not None:
        taken.append(got)
    return taken


def test_latest_only_keeps_the_newest_of_each_key_and_serves_the_longest_waiting() -> None:
    latest: LatestOnly[str] = LatestOnly()
    latest.put("map", "m1")
    latest.put("route", "r1")
    latest.put("map", "m2")
    assert latest.take(skip=frozenset(("route",))) == "m2"
    assert latest.take() == "r1"
    assert latest.take() is None


def test_a_full_queue_gives_up_the_group_and_waits_for_the_next_key() -> None:
    queue = VideoQueue(limit=3)
    assert queue.put(packet(0, key=True))
    assert queue.put(packet(1))
    assert queue.put(packet(2))
    assert not queue.put(packet(3))
    assert not queue.put(packet(4))
    assert queue.put(packet(5, key=True))
    assert queue.put(packet(6))
    assert [got.stamp_ns for got in drain(queue)] == [5, 6]
    assert queue.dropped == 5


def test_a_key_overtakes_a_backlog_but_not_a_moment_of_jitter() -> None:
    queue = VideoQueue(limit=30, backlog=2)
    for number in range(2):
        queue.put(packet(number, key=number == 0))
    queue.put(packet(2, key=True))
    assert len(queue) == 3
    queue.put(packet(3, key=True))
    assert [got.stamp_ns for got in drain(queue)] == [3]


def test_one_stream_that_is_behind_does_not_cost_the_other_its_pictures() -> None:
    queue = VideoQueue(limit=2)
    queue.put(packet(0, key=True, stream=1))
    queue.put(packet(1, key=True))
    queue.put(packet(2))
    assert [(got.stream, got.stamp_ns) for got in drain(queue)] == [(1, 0)]


def test_a_new_connection_begins_with_a_key_picture() -> None:
    queue = VideoQueue(limit=9)
    queue.put(packet(0, key=True))
    drain(queue)
    queue.restart()
    assert not queue.put(packet(1))
    assert queue.put(packet(2, key=True))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 1), st.integers(0, 3)), max_size=80), st.integers(2, 6))
def test_a_decoder_never_meets_a_hole(steps: list[tuple[bool, int, int]], limit: int) -> None:
    queue, received = VideoQueue(limit=limit), []
    for number, (key, stream, reads) in enumerate(steps):
        queue.put(packet(number, key=key, stream=stream))
        assert len(queue) <= limit + 2
        received += [queue.take() for _ in range(reads)]
    received += drain(queue)
    for stream in (0, 1):
        sent = [number for number, step in enumerate(steps) if step[1] == stream]
        got = [each.stamp_ns for each in received if each is not None and each.stream == stream]
        assert got == sorted(got)
        for number in got:
            before = sent.index(number) - 1
            assert steps[number][0] or sent[before] in got


@given(st.integers(0, 2**32), st.integers(1, 60))
def test_waits_double_within_their_bounds_and_repeat_with_the_seed(seed: int, failures: int) -> None:
    first, second = (Backoff(first_s=0.5, limit_s=15.0, seed=seed) for _ in range(2))
    waits = [first.next_wait_s() for _ in range(failures)]
    assert waits == [second.next_wait_s() for _ in range(failures)]
    for number, wait_s in enumerate(waits):
        ceiling_s = min(15.0, 0.5 * 2**number)
        assert 0.5 * ceiling_s <= wait_s <= ceiling_s
    first.succeeded()
    assert first.next_wait_s() <= 0.5
