# SPDX-License-Identifier: Apache-2.0
"""Slow viewers, silent robots, and pictures for many: the parts that must never grow without bound."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from command_centre.api.accounts import Person
from command_centre.api.browser import LinkChanged, Pulse, RobotChanged, TelemetryChanged
from command_centre.api.fanout import Fanout
from command_centre.api.link import RobotLink
from command_centre.api.robot_state import TRAIL_POINTS, RobotState
from command_centre.api.site_view import site_from_text
from command_centre.api.viewers import Audience, Viewer, ViewerClosed
from patrol.wire import KeyframeWanted, Received, VideoPacket, VideoState
from tests.command_centre import messages

PERSON = Person(user_id=1, name="vera", role="viewer", session_id=4, expires_ns=100, one_time=False)


def packet(number: int, *, key: bool = False, pts: int | None = None) -> VideoPacket:
    pts_90khz = number * 9000 if pts is None else pts
    return VideoPacket(stream=0, stamp_ns=number, pts_90khz=pts_90khz, is_key=key, data=b"x")


class Stage:
    """A fan-out with a clock that is set by hand, and a count of the keyframes that were asked for."""

    def __init__(self, queue: int = 5) -> None:
        self.now_s, self.asked = 0.0, 0
        self.fanout = Fanout(ask_keyframe=self._ask, now_s=lambda: self.now_s, interval_s=1.0, queue=queue)

    def _ask(self) -> None:
        self.asked += 1


async def test_a_slow_viewer_gets_the_newest_of_each_kind() -> None:
    viewer, audience = Viewer(PERSON, limit=10), Audience()
    audience.join(viewer)
    for x_m in range(50):
        audience.tell(TelemetryChanged(robot_id="a", telemetry=messages.telemetry(x_m=float(x_m))), Pulse(now_ns=x_m))
    heard = [json.loads(await viewer.next_text() or "") for _ in range(2)]
    assert [message["type"] for message in heard] == ["telemetry", "pulse"]
    assert heard[0]["telemetry"]["pose"]["x_m"] == 49.0


async def test_a_viewer_who_falls_too_far_behind_gets_a_snapshot() -> None:
    viewer = Viewer(PERSON, limit=3)
    for number in range(5):
        viewer.put(("alert", str(number)), "{}")
    assert await viewer.next_text() is None
    viewer.put(("pulse", ""), "after")
    assert await viewer.next_text() == "after"


async def test_closing_a_session_reaches_a_viewer_who_waits() -> None:
    viewer, audience = Viewer(PERSON, limit=3), Audience()
    audience.join(viewer)
    waiting = asyncio.create_task(viewer.next_text())
    await asyncio.sleep(0)
    audience.close_session(5, "somebody else")
    audience.close_expired(99)
    await asyncio.sleep(0)
    assert not waiting.done()
    audience.close_expired(100)
    with pytest.raises(ViewerClosed, match="run out"):
        await waiting


async def test_a_viewer_begins_at_a_keyframe() -> None:
    stage = Stage()
    viewer = stage.fanout.join()
    assert stage.asked == 1
    for number in range(1, 4):
        stage.fanout.push(packet(number))
    stage.fanout.push(packet(4, key=True))
    stage.fanout.push(packet(5))
    shown = [await viewer.next(), await viewer.next()]
    assert [each.stamp_ns for each in shown if each] == [4, 5]


async def test_a_slow_viewer_skips_to_the_next_keyframe_and_the_others_notice_nothing() -> None:
    stage = Stage(queue=3)
    slow, quick = stage.fanout.join(), stage.fanout.join()
    seen = []
    for number in range(1, 10):
        stage.fanout.push(packet(number, key=number in (1, 7)))
        seen.append(await quick.next())
    assert [each.stamp_ns for each in seen if each] == list(range(1, 10))
    late = [await slow.next() for _ in range(3)]
    assert [each.stamp_ns for each in late if each] == [7, 8, 9]


def test_keyframes_are_asked_for_once_an_interval_and_no_wish_is_lost() -> None:
    stage = Stage()
    for _ in range(8):
        stage.fanout.join()
    assert stage.asked == 1
    stage.now_s = 0.9
    stage.fanout.push(packet(1))
    assert stage.asked == 1
    stage.now_s = 1.1
    stage.fanout.push(packet(2))
    assert stage.asked == 2
    stage.fanout.push(packet(3, key=True))
    stage.now_s = 5.0
    stage.fanout.push(packet(4))
    assert stage.asked == 2


@given(st.lists(st.integers(min_value=-(10**9), max_value=10**9), min_size=2, max_size=40))
def test_a_viewer_never_sees_time_run_backwards_or_leap(stamps: list[int]) -> None:
    async def watch() -> list[int]:
        stage = Stage(queue=100)
        viewer = stage.fanout.join()
        for pts in stamps:
            stage.fanout.push(packet(1, key=True, pts=pts))
        return [shown.pts_90khz for shown in [await viewer.next() for _ in stamps] if shown]

    seen = asyncio.run(watch())
    assert len(seen) == len(stamps)
    assert all(0 < later - earlier <= 900_000 for earlier, later in pairwise(seen))


async def test_a_viewer_who_left_is_told_that_it_is_over() -> None:
    stage = Stage()
    viewer = stage.fanout.join()
    stage.fanout.leave(viewer)
    assert await viewer.next() is None
    assert len(stage.fanout) == 0


async def test_a_congested_link_refuses_orders_instead_of_delaying_them() -> None:
    link = RobotLink("rover-1", limit=2)
    assert [link.send(Received(sequence=number)) for number in range(3)] == [True, True, False]
    assert json.loads(await link.next_text()) == {"type": "received", "sequence": 0}
    link.close("first reason")
    link.close("second reason")
    assert not link.send(KeyframeWanted(stream="camera"))
    assert await link.closed() == "first reason"


def test_silence_is_noticed_once_and_ends_with_the_next_telemetry() -> None:
    robot = RobotState("rover-1", read_site=site_from_text)
    assert robot.check_silence(100.0, silent_after_s=2.0) == ()
    assert isinstance(robot.say_hello(messages.hello(), 100.0), RobotChanged)
    assert robot.check_silence(101.9, silent_after_s=2.0) == ()
    (silent,) = robot.check_silence(102.1, silent_after_s=2.0)
    assert isinstance(silent, LinkChanged)
    assert silent.link.status == "silent"
    assert silent.link.telemetry_age_s == pytest.approx(2.1)
    assert robot.check_silence(103.0, silent_after_s=2.0) == ()
    again = robot.take(messages.telemetry(), 103.5)
    assert [change.type for change in again] == ["link", "telemetry"]
    assert robot.status == "online"


def test_the_trail_is_bounded_and_leaves_out_standing_still() -> None:
    robot = RobotState("rover-1", read_site=site_from_text)
    for step in range(TRAIL_POINTS + 50):
        robot.take(messages.telemetry(x_m=float(step)), 0.0)
        robot.take(messages.telemetry(x_m=step + 0.1), 0.0)
    trail = robot.view(0.0).trail_m
    assert len(trail) == TRAIL_POINTS
    assert trail[-1] == (TRAIL_POINTS + 49.0, 2.0)


def test_streams_are_bounded_too() -> None:
    robot = RobotState("rover-1", read_site=site_from_text)
    for number in range(50):
        robot.take(VideoState(stream=f"stream-{number}", state="live"), 0.0)
    assert len(robot.view(0.0).video) <= 8


def test_a_new_site_clears_the_map_and_the_same_site_keeps_it() -> None:
    robot = RobotState("rover-1", read_site=site_from_text)
    robot.say_hello(messages.hello(), 0.0)
    robot.take(messages.telemetry(), 0.0)
    robot.say_hello(messages.hello(), 1.0)
    assert len(robot.view(1.0).trail_m) == 1
    robot.say_hello(messages.hello(site_geojson="{}"), 2.0)
    assert robot.view(2.0).trail_m == ()
