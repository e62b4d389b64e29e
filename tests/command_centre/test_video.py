# SPDX-License-Identifier: Apache-2.0
"""Pictures over the WebSocket: who gets them, what is written down, and what a slow page gets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from command_centre.api.errors import TooMany
from command_centre.api.fanout import Fanout
from command_centre.api.routes_video import Refused, Window
from command_centre.api.video_views import VideoView, VideoViews, Watch
from patrol.wire import KeyframeWanted, Received, VideoPacket
from tests.command_centre import messages
from tests.command_centre.conftest import House, RobotSide, connected
from tests.command_centre.test_live_parts import PERSON, packet


def watch_video(
    house: House, path: str = "rover-1/camera", *, origin: str | None = None
) -> AbstractContextManager[WebSocketTestSession]:
    return house.client.websocket_connect(f"/api/video/{path}", headers={"Origin": origin} if origin else {})


def closed(page: WebSocketTestSession) -> WebSocketDisconnect:
    with pytest.raises(WebSocketDisconnect) as ended:
        page.receive_bytes()
    return ended.value


def picture(page: WebSocketTestSession) -> VideoPacket:
    return VideoPacket.from_bytes(page.receive_bytes())


class Camera:
    """The robot's end: sends pictures and waits until the centre has them all."""

    def __init__(self, side: RobotSide) -> None:
        self._side = side
        self._sequence = 1
        self.keyframes_asked = 0

    def show(self, numbers: range, *, keys: tuple[int, ...] = ()) -> None:
        for number in numbers:
            self._side.socket.send_bytes(packet(number, key=number in keys).to_bytes())
        self._sequence += 1
        self._side.say(messages.outcome(self._sequence))
        while not isinstance(self._hear(), Received):
            pass

    def wait_for_wish(self) -> None:
        while not isinstance(self._hear(), KeyframeWanted):
            pass

    def _hear(self) -> object:
        heard = self._side.hear()
        self.keyframes_asked += isinstance(heard, KeyframeWanted)
        return heard


@contextmanager
def filming(house: House) -> Iterator[Camera]:
    """A robot that is connected."""
    with house.dial() as socket:
        yield Camera(connected(socket))


def video_entries(house: House) -> list[dict[str, Any]]:
    house.sign_in("olga")
    entries: list[dict[str, Any]] = house.client.get("/api/audit?count=500").json()
    return [entry for entry in reversed(entries) if entry["action"].startswith("video")]


def test_the_access_units_pass_through_from_a_keyframe_on(house: House) -> None:
    house.sign_in("vera")
    with filming(house) as camera, watch_video(house) as page:
        camera.wait_for_wish()
        camera.show(range(1, 6), keys=(3,))
        shown = [picture(page) for _ in range(3)]
    assert shown == [packet(number, key=number == 3) for number in (3, 4, 5)]
    assert camera.keyframes_asked == 1


@pytest.mark.parametrize(
    ("person", "path", "origin", "code"),
    [
        (None, "rover-1/camera", None, 4401),
        ("vera", "rover-1/camera", "http://evil.test", 4403),
        ("vera", "other/camera", None, 4404),
        ("vera", "rover-1/periscope", None, 4404),
        ("vera", f"rover-1/{'é' * 200}", None, 4404),
        ("vera", "rover-1/camera", "null", 4403),
    ],
)
def test_who_may_not_watch_gets_nothing(house: House, person: str | None, path: str, origin: str | None, code: int) -> None:
    if person:
        house.sign_in(person)
    with watch_video(house, path, origin=origin) as page:
        refusal = closed(page)
    assert refusal.code == code
    assert 0 < len(refusal.reason.encode()) <= 123
    assert video_entries(house) == []


def test_a_view_is_on_the_audit_log(house: House) -> None:
    house.sign_in("vera")
    with filming(house) as camera, watch_video(house, origin="http://testserver") as page:
        camera.wait_for_wish()
        camera.show(range(1, 2), keys=(1,))
        picture(page)
    entries = video_entries(house)
    assert [(entry["actor"], entry["action"], entry["subject"]) for entry in entries] == [
        ("vera", "video started", "rover-1/camera"),
        ("vera", "video stopped", "rover-1/camera"),
    ]
    assert all('"over":"websocket"' in entry["detail"].replace(" ", "") for entry in entries)
    assert len(house.app.state.centre.videos) == 0


def test_signing_out_ends_the_view_at_once(house: House) -> None:
    house.sign_in("vera")
    with watch_video(house) as page:
        assert house.client.post("/api/sign-out").status_code == 204
        ended = closed(page)
    assert (ended.code, ended.reason) == (4401, "Signed out.")


def test_a_slow_page_skips_to_the_next_keyframe(house: House) -> None:
    window, queue = house.settings.video_window, house.settings.video_queue
    newest = window + queue + 10
    house.sign_in("vera")
    with filming(house) as camera, watch_video(house) as page:
        camera.wait_for_wish()
        camera.show(range(1, window + 1), keys=(1,))
        assert [picture(page).stamp_ns for _ in range(window)] == list(range(1, window + 1))
        camera.show(range(window + 1, newest + 2), keys=(newest,))
        page.send_text(str(window))
        late = [picture(page) for _ in range(2)]
    assert [(each.stamp_ns, each.is_key) for each in late] == [(newest, True), (newest + 1, False)]


def test_a_page_that_counts_wrongly_is_turned_away(house: House) -> None:
    house.sign_in("vera")
    for count in ("1", "-1", "many", "", "9" * 5000):
        with watch_video(house) as page:
            page.send_text(count)
            assert closed(page).code == 4400
    assert len(video_entries(house)) == 10


async def test_a_page_that_takes_no_pictures_is_turned_away() -> None:
    window = Window(2)
    for _ in range(2):
        await window.room(within_s=0.01)
        window.sent()
    with pytest.raises(Refused, match="took no picture") as refused:
        await window.room(within_s=0.01)
    assert refused.value.code == 4408


@given(st.integers(1, 6), st.lists(st.integers(0, 40), max_size=60))
def test_no_more_than_the_window_is_ever_on_its_way(size: int, counts: list[int]) -> None:
    async def run() -> None:
        window, sent, taken = Window(size), 0, 0
        for count in counts:
            try:
                await window.room(within_s=0)
                window.sent()
                sent += 1
            except Refused:
                assert sent - taken == size
            if count <= sent:
                window.take(str(count))
                taken = max(taken, count)
            else:
                with pytest.raises(Refused):
                    window.take(str(count))
            assert sent - taken <= size

    asyncio.run(run())


class Notes:
    """An audit log that only remembers."""

    def __init__(self) -> None:
        self.actions: list[str] = []

    async def note(self, action: str, _person: object, detail: dict[str, object]) -> None:
        self.actions.append(f"{action} over {detail['over']}")


async def test_the_limit_counts_every_kind_of_view_and_a_closed_one_makes_room() -> None:
    notes = Notes()
    views = VideoViews(limit=1, note=notes.note)
    fanout = Fanout(ask_keyframe=lambda: None, now_s=lambda: 0.0, interval_s=1.0, queue=3)
    watch = Watch(person=PERSON, subject="rover-1/camera", fanout=fanout, over="websocket")
    view = VideoView(views, watch)
    with pytest.raises(TooMany):
        VideoView(views, watch)
    assert len(fanout) == 1
    await view.begin()
    await view.begin()
    await views.close_where(lambda person: person.name == "vera", "Signed out.")
    await view.close("too late")
    assert view.ended_because == "Signed out."
    assert await view.pictures.next() is None
    assert notes.actions == ["video started over websocket", "video stopped over websocket"]
    never_begun = VideoView(views, watch)
    await never_begun.close()
    assert len(notes.actions) == 2
    assert len(fanout) == len(views) == 0
