# SPDX-License-Identifier: Apache-2.0
"""The page in a real browser, against the real service and a made-up robot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.browser import Stage, browser, sign_in, staged

pytestmark = pytest.mark.e2e

POLL_MS, POLLS = 100, 250
# For each shown picture: its stamp, and where the red figure stands in it (left, right, lower edge; pixels of the picture).
MEASURE_FIGURE = """(wanted) => new Promise((resolve) => {
  const video = document.querySelector('[data-testid="video"]');
  const canvas = new OffscreenCanvas(640, 480);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const found = [];
  const look = () => {
    const stamp = window.__patrol.pictureStampNs;
    context.drawImage(video, 0, 0);
    const { data } = context.getImageData(0, 0, 640, 480);
    let left = 640, right = 0;
    for (let y = 330; y < 390; y++) for (let x = 0; x < 640; x++) {
      const at = (y * 640 + x) * 4;
      if (data[at] < 140 || data[at + 1] > 100 || data[at + 2] > 100) continue;
      left = Math.min(left, x);
      right = Math.max(right, x + 1);
    }
    found.push([stamp, left, right]);
    if (found.length < wanted) video.requestVideoFrameCallback(look); else resolve(found);
  };
  video.requestVideoFrameCallback(look);
})"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with staged(tmp_path) as set_up:
        yield set_up


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def shows_pictures(page: Page, more: int = 5) -> None:
    """Wait until ``more`` new pictures, each with metadata of its own, were shown."""
    before = page.evaluate("window.__patrol.picturesWithMetadata")
    for _ in range(POLLS):
        if page.evaluate("window.__patrol.picturesWithMetadata") >= before + more:
            return
        page.wait_for_timeout(POLL_MS)
    raise AssertionError(f"{page.evaluate('window.__patrol')} although {before + more} pictures were awaited")


def test_an_operator_runs_a_patrol(page: Page, stage: Stage) -> None:
    outside: list[str] = []
    errors: list[str] = []
    page.on(
        "request",
        lambda request: outside.append(request.url) if not request.url.startswith((stage.address, "data:", "blob:")) else None,
    )
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    sign_in(page, stage, "olga")
    expect(page.get_by_test_id("link")).to_have_attribute("data-status", "online")
    shows_pictures(page)

    start = page.get_by_test_id("robot-pose").get_attribute("data-y")
    page.get_by_test_id("cmd-start").click()
    expect(page.get_by_test_id("mode")).to_have_attribute("data-mode", "patrolling")
    expect(page.get_by_test_id("robot-pose")).not_to_have_attribute("data-y", start or "")

    alert = page.get_by_test_id("alert-item").first
    expect(alert.get_by_test_id("alert-reason")).to_contain_text("A person has been inside the restricted zone")
    expect(alert.get_by_test_id("alert-detail")).to_contain_text("at least 2.00 s")
    alert.get_by_test_id("alert-ack").click()
    expect(alert).to_have_attribute("data-state", "acknowledged")
    expect(alert).to_contain_text("acknowledged by olga")

    page.get_by_test_id("cmd-estop").click()
    expect(page.get_by_test_id("mode")).to_have_attribute("data-mode", "estopped")
    expect(page.get_by_test_id("speed")).to_have_attribute("data-value", "0")
    page.get_by_test_id("cmd-estop-arm-reset").click()
    expect(page.get_by_test_id("command-status")).to_have_attribute("data-kind", "estop_arm_reset")
    page.get_by_test_id("cmd-estop-reset").click()
    expect(page.get_by_test_id("mode")).to_have_attribute("data-mode", "idle")
    assert errors == []
    assert outside == []


def test_boxes_belong_to_their_pictures(page: Page, stage: Stage) -> None:
    sign_in(page, stage, "vera")
    shows_pictures(page)
    measured = page.evaluate(MEASURE_FIGURE, 20)
    for stamp_ns, left_px, right_px in measured:
        x0, _, x1, _ = stage.robot.box_at(stamp_ns)
        assert left_px == pytest.approx(x0, abs=3)
        assert right_px == pytest.approx(x1, abs=3)


def test_a_lost_picture_and_a_lost_link_are_never_silent(page: Page, stage: Stage) -> None:
    sign_in(page, stage, "olga")
    shows_pictures(page)
    tile, veil = page.get_by_test_id("video-tile"), page.get_by_test_id("video-veil")

    stage.robot.covered_because = "The anonymiser failed."
    expect(tile).to_have_attribute("data-state", "covered")
    expect(veil).to_contain_text("The anonymiser failed.")
    stage.robot.covered_because = ""
    expect(tile).to_have_attribute("data-state", "live")

    stage.robot.pictures_stopped = True
    expect(veil).to_contain_text("No picture for")
    stage.robot.pictures_stopped = False
    shows_pictures(page)

    stage.robot_leaves()
    expect(page.get_by_test_id("banner")).to_contain_text("Link to Rover 1 lost")
    expect(page.get_by_test_id("cmd-estop")).to_have_attribute("aria-disabled", "true")
    stage.robot_returns()
    expect(page.get_by_test_id("banner")).to_be_empty()
    shows_pictures(page)


def test_a_viewer_sees_everything_and_can_press_nothing(page: Page, stage: Stage) -> None:
    sign_in(page, stage, "vera")
    shows_pictures(page)
    for command in ("start", "pause", "dock", "estop"):
        button = page.get_by_test_id(f"cmd-{command}")
        expect(button).to_have_attribute("aria-disabled", "true")
        assert "viewer" in (button.get_attribute("title") or "")


def test_many_viewers_share_one_encoding(chromium: Browser, stage: Stage) -> None:
    contexts = [chromium.new_context() for _ in range(3)]
    pages = [context.new_page() for context in contexts]
    for each in pages:
        sign_in(each, stage, "vera")
    for each in pages:
        shows_pictures(each)
        assert each.evaluate("window.__patrol.pictures === window.__patrol.picturesWithMetadata")
    assert stage.robot.keyframes_asked <= 12
    for context in contexts:
        context.close()
