# SPDX-License-Identifier: Apache-2.0
"""A real command centre with the made-up robot, and a real browser that looks at it."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from command_centre.api.prepare import prepare
from command_centre.api.serve import serve
from command_centre.api.settings import Settings
from patrol.clock import SystemClock
from tests.command_centre import messages
from tests.command_centre.conftest import PASSWORDS, let_in
from tests.command_centre.fake_robot import FakeRobot

_START_WITHIN_S = 30.0
_POLL_MS, _POLLS = 100, 250
# For each shown picture: its stamp, and where the red figure stands in it (left and right edge; pixels of the picture).
_MEASURE_FIGURE = """(wanted) => new Promise((resolve) => {
  const painted = document.querySelector('[data-surface="canvas"] [data-testid="painted-video"]');
  const video = document.querySelector('[data-testid="video"]');
  const canvas = new OffscreenCanvas(640, 480);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const found = [];
  let seen = window.__patrol.pictures;
  const next = () => {
    if (!painted) return void video.requestVideoFrameCallback(look);
    if (window.__patrol.pictures === seen) return void setTimeout(next, 10);
    seen = window.__patrol.pictures;
    look();
  };
  const look = () => {
    const stamp = window.__patrol.pictureStampNs;
    context.drawImage(painted ?? video, 0, 0);
    const { data } = context.getImageData(0, 0, 640, 480);
    let left = 640, right = 0;
    for (let y = 330; y < 390; y++) for (let x = 0; x < 640; x++) {
      const at = (y * 640 + x) * 4;
      if (data[at] < 140 || data[at + 1] > 100 || data[at + 2] > 100) continue;
      left = Math.min(left, x);
      right = Math.max(right, x + 1);
    }
    found.push([stamp, left, right]);
    if (found.length < wanted) next(); else resolve(found);
  };
  next();
})"""
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Stage:
    """The service in a thread of its own; the robot can be told to go and to come back."""

    address: str
    robot: FakeRobot
    loop: asyncio.AbstractEventLoop
    dialling: asyncio.Future[None]
    others: list[FakeRobot] = field(default_factory=list)

    def robot_leaves(self) -> None:
        self.loop.call_soon_threadsafe(self.dialling.cancel)

    def robot_returns(self) -> None:
        async def dial() -> None:
            self.dialling = asyncio.ensure_future(self.robot.run())

        asyncio.run_coroutine_threadsafe(dial(), self.loop).result(_START_WITHIN_S)


@contextmanager
def staged(folder: Path, *, more: tuple[str, ...] = ()) -> Iterator[Stage]:
    """A command centre on a free port, with a robot connected, and with those of ``more``, by their ids."""
    settings = Settings(
        database_url=f"sqlite:///{folder}/centre.db",
        secrets_dir=folder / "secrets",
        port=0,
        argon2_memory_kib=64,
        robots=(messages.ROBOT, *more),
    )
    if not (settings.web_dist / "index.html").exists():
        pytest.skip("the page is not built: cd command_centre/web && npm ci && npm run build")
    tokens = {name: path.read_text("ascii").strip() for name, path in prepare(settings).robot_tokens.items()}
    let_in(settings, SystemClock(), olga="operator", vera="viewer")
    address: list[str] = []
    up = threading.Event()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    def ready(where: str) -> None:
        address.append(where)
        up.set()

    thread = threading.Thread(target=_run, args=(loop, serve(settings, stop=stop, ready=ready)))
    thread.start()
    try:
        assert up.wait(_START_WITHIN_S), "the service did not come up"
        url = f"{address[0].replace('http', 'ws', 1)}/robot"
        robot = FakeRobot(url, tokens[messages.ROBOT], alert_after_s=1.0)
        others = [FakeRobot(url, tokens[name], robot_id=name) for name in more]
        stage = Stage(address=address[0], robot=robot, loop=loop, dialling=loop.create_future(), others=others)
        stage.robot_returns()
        dialling = [asyncio.run_coroutine_threadsafe(other.run(), loop) for other in others]
        yield stage
        stage.robot_leaves()
        for other in dialling:
            other.cancel()
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(_START_WITHIN_S)


@contextmanager
def browser() -> Iterator[Browser]:
    """Headless Chromium of this machine."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium on this machine")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=_FLAGS, headless=True)
        yield opened
        opened.close()


def sign_in(page: Page, stage: Stage, name: str) -> None:
    """Fill in the form and wait for the control room."""
    page.goto(stage.address)
    page.get_by_test_id("username").fill(name)
    page.get_by_test_id("password").fill(PASSWORDS[name])
    page.get_by_test_id("sign-in").click()
    page.get_by_test_id("mode").wait_for()


def shows_pictures(page: Page, more: int = 5) -> None:
    """Wait until ``more`` new pictures, each with metadata of its own, were shown."""
    before = page.evaluate("window.__patrol.picturesWithMetadata")
    for _ in range(_POLLS):
        if page.evaluate("window.__patrol.picturesWithMetadata") >= before + more:
            return
        page.wait_for_timeout(_POLL_MS)
    raise AssertionError(f"{page.evaluate('window.__patrol')} although {before + more} pictures were awaited")


def boxes_stand_where_they_should(page: Page, stage: Stage, pictures: int = 20) -> None:
    """In each shown picture, the figure stands where the robot's box for that very picture is."""
    measured = page.evaluate(_MEASURE_FIGURE, pictures)
    assert len(measured) == pictures
    for stamp_ns, left_px, right_px in measured:
        x0, _, x1, _ = stage.robot.box_at(stamp_ns)
        assert left_px == pytest.approx(x0, abs=3)
        assert right_px == pytest.approx(x1, abs=3)


def _run(loop: asyncio.AbstractEventLoop, main: Coroutine[object, object, None]) -> None:
    try:
        loop.run_until_complete(main)
    finally:
        loop.close()
