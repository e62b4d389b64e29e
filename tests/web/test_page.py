# SPDX-License-Identifier: Apache-2.0
"""The page in a real browser, against the real service and a made-up robot."""

from __future__ import annotations

import socket

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.command_centre.conftest import PASSWORDS
from tests.web.browser import Stage, boxes_stand_where_they_should, shows_pictures, sign_in

pytestmark = pytest.mark.e2e
SLOW_MS = 20_000


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
    expect(page.get_by_test_id("cmd-estop-reset")).to_have_attribute("aria-disabled", "false")
    page.get_by_test_id("cmd-estop-reset").click()
    expect(page.get_by_test_id("mode")).to_have_attribute("data-mode", "idle")
    assert errors == []
    assert outside == []


def draws(page: Page, corners: tuple[tuple[float, float], ...]) -> None:
    """Draw an outline on the map; corners in shares of its width and height."""
    page.get_by_test_id("zone-draw").click()
    box = page.get_by_test_id("map").bounding_box()
    assert box is not None
    places = [(box["x"] + across * box["width"], box["y"] + down * box["height"]) for across, down in corners]
    for place in places:
        page.mouse.move(*place)
        page.wait_for_timeout(60)
        page.mouse.click(*place)
        page.wait_for_timeout(300)
    page.keyboard.press("Enter")


def test_an_operator_draws_and_clears_zones_and_reads_what_the_robot_says(page: Page, stage: Stage) -> None:
    sign_in(page, stage, "olga")
    page.get_by_test_id("zones-open").click()
    verdict, rows = page.get_by_test_id("zones-verdict"), page.get_by_test_id("zone-row")
    expect(verdict).to_have_text("No zones have been ordered.")
    page.get_by_test_id("zone-name").fill("pit")
    draws(page, ((0.3, 0.3), (0.5, 0.3), (0.5, 0.55), (0.3, 0.55)))
    expect(rows).to_have_attribute("data-state", "draft", timeout=SLOW_MS)
    page.get_by_test_id("zones-order").click()
    expect(verdict).to_have_attribute("data-state", "accepted", timeout=SLOW_MS)
    expect(rows).to_have_attribute("data-state", "in force")

    stage.robot.zones_refused_because = "the outline crosses itself: bend"
    page.get_by_test_id("zone-kind").select_option("slow")
    page.get_by_test_id("zone-name").fill("bend")
    draws(page, ((0.2, 0.7), (0.4, 0.7), (0.4, 0.85)))
    page.get_by_test_id("zones-order").click()
    expect(verdict).to_have_text("Refused: the outline crosses itself: bend", timeout=SLOW_MS)
    expect(page.locator('[data-zone="pit"]')).to_have_attribute("data-state", "in force")
    expect(page.locator('[data-zone="bend"]')).to_have_attribute("data-state", "draft")

    page.get_by_test_id("zones-discard").click()
    page.locator('[data-zone="pit"]').get_by_test_id("zone-remove").click()
    stage.robot.zones_refused_because = ""
    page.get_by_test_id("zones-order").click()
    expect(rows).to_have_count(0, timeout=SLOW_MS)
    expect(verdict).to_have_text("The robot has taken them all away.", timeout=SLOW_MS)


def test_a_viewer_sees_zones_and_changes_none(page: Page, stage: Stage) -> None:
    sign_in(page, stage, "vera")
    page.get_by_test_id("zones-open").click()
    expect(page.get_by_test_id("zones-panel")).to_contain_text("Only an operator changes zones.")
    expect(page.get_by_test_id("zone-draw")).to_have_count(0)


def test_boxes_belong_to_their_pictures(page: Page, stage: Stage) -> None:
    sign_in(page, stage, "vera")
    shows_pictures(page)
    boxes_stand_where_they_should(page, stage)


def test_pictures_come_over_what_the_network_allows(page: Page, stage: Stage) -> None:
    sign_in(page, stage, "vera")
    shows_pictures(page)
    alone = [name for _, name in socket.if_nameindex()] == ["lo"]
    expect(page.get_by_test_id("video-tile")).to_have_attribute("data-carrier", "websocket" if alone else "webrtc")


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


def test_an_operator_reads_the_record_and_a_viewer_does_not(page: Page, stage: Stage) -> None:
    sign_in(page, stage, "olga")
    page.get_by_test_id("record").click()
    verdict = page.get_by_test_id("record-verdict")
    expect(verdict).to_have_attribute("data-intact", "true")
    entry = page.get_by_test_id("record-entry").filter(has_text="sign-in")
    expect(entry.first).to_contain_text("olga")
    page.get_by_role("button", name="Close", exact=True).click()
    page.get_by_test_id("sign-out").click()
    sign_in(page, stage, "vera")
    expect(page.get_by_test_id("who")).to_contain_text("viewer")
    expect(page.get_by_test_id("record")).to_have_count(0)


def test_a_password_of_one_s_own_is_changed_with_the_present_one(page: Page, stage: Stage) -> None:
    sign_in(page, stage, "olga")
    page.get_by_test_id("choose-password").click()
    page.get_by_label("Present password").fill("a wrong guess")
    page.get_by_label("New password").fill("another-password")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_contain_text("That is not your present password.")
    page.get_by_label("Present password").fill(PASSWORDS["olga"])
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
