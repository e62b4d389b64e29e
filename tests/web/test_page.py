# SPDX-License-Identifier: Apache-2.0
"""The page in a real browser, against the real service and a made-up robot."""

from __future__ import annotations

import socket

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.browser import Stage, boxes_stand_where_they_should, shows_pictures, sign_in

pytestmark = pytest.mark.e2e


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
