# SPDX-License-Identifier: Apache-2.0
"""Pictures where WebRTC finds no way: the same access units over a WebSocket, with the same boxes and the same veil."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from tests.web.browser import Stage, boxes_stand_where_they_should, shows_pictures, sign_in

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
OFFER, VIDEO = "**/api/webrtc/offer", "**/api/video/**"
ALONE = 'ip link set lo up && exec "$@"'
BUSY = "Too many people watch the video at once."


def comes_over_the_websocket(page: Page) -> None:
    shows_pictures(page)
    expect(page.get_by_test_id("video-tile")).to_have_attribute("data-carrier", "websocket")
    expect(page.get_by_test_id("painted-video")).to_be_visible()


def without_a_way(route: Route) -> None:
    """The service's answer, without the addresses at which it could be reached."""
    answer = route.fetch()
    lines = answer.json()["sdp"].splitlines()
    sdp = "\r\n".join(line for line in lines if not line.startswith("a=candidate")) + "\r\n"
    route.fulfill(response=answer, body=json.dumps({"sdp": sdp}))


@pytest.mark.parametrize("missing", ["RTCPeerConnection", "RTCRtpScriptTransform"])
def test_a_browser_without_webrtc_shows_the_same_boxes(page: Page, stage: Stage, missing: str) -> None:
    page.add_init_script(f"delete window.{missing}")
    sign_in(page, stage, "vera")
    comes_over_the_websocket(page)
    boxes_stand_where_they_should(page, stage)
    assert page.evaluate("window.__patrol.pictures === window.__patrol.picturesWithMetadata")


def test_a_connection_that_never_stands_gives_way(page: Page, stage: Stage) -> None:
    page.route(OFFER, without_a_way)
    sign_in(page, stage, "vera")
    comes_over_the_websocket(page)
    assert page.evaluate("window.__patrol.videoConnections") == 1


def test_covered_dead_and_offline_look_the_same(page: Page, stage: Stage) -> None:
    page.route(OFFER, lambda route: route.abort())
    sign_in(page, stage, "olga")
    comes_over_the_websocket(page)
    tile, veil = page.get_by_test_id("video-tile"), page.get_by_test_id("video-veil")
    stage.robot.covered_because = "The anonymiser failed."
    expect(tile).to_have_attribute("data-state", "covered")
    expect(veil).to_contain_text("The anonymiser failed.")
    stage.robot.covered_because = ""
    expect(tile).to_have_attribute("data-state", "live")
    stage.robot.pictures_stopped = True
    expect(tile).to_have_attribute("data-state", "dead")
    expect(veil).to_contain_text("No picture for")
    stage.robot.pictures_stopped = False
    shows_pictures(page)
    stage.robot_leaves()
    expect(tile).to_have_attribute("data-state", "offline")
    stage.robot_returns()
    comes_over_the_websocket(page)


def test_pictures_that_can_not_be_decoded_lead_to_a_new_start(page: Page, stage: Stage) -> None:
    page.route(OFFER, lambda route: route.abort())
    sign_in(page, stage, "vera")
    comes_over_the_websocket(page)
    before = page.evaluate("window.__patrol.videoConnections")
    stage.robot.spoilt_pictures = 30
    expect(page.get_by_test_id("video-veil")).to_contain_text("can not be decoded")
    expect(page.get_by_test_id("video-tile")).to_have_attribute("data-state", "stale")
    comes_over_the_websocket(page)
    assert page.evaluate("window.__patrol.videoConnections") > before


def test_a_closed_socket_is_said_and_opened_again(page: Page, stage: Stage) -> None:
    open_sockets: list[WebSocketRoute] = []
    closing = False

    def serve(socket: WebSocketRoute) -> None:
        if closing:
            socket.close(code=4429, reason=BUSY)
            return
        socket.connect_to_server()
        open_sockets.append(socket)

    page.route(OFFER, lambda route: route.abort())
    page.route_web_socket(VIDEO, serve)
    sign_in(page, stage, "vera")
    comes_over_the_websocket(page)
    closing = True
    open_sockets[-1].close(code=4429, reason=BUSY)
    veil = page.get_by_test_id("video-veil")
    expect(veil).to_contain_text("No picture for")
    expect(veil).to_contain_text(BUSY)
    closing = False
    comes_over_the_websocket(page)
    assert len(open_sockets) == 2


def test_a_machine_without_any_network_shows_the_picture() -> None:
    """The page's own tests once more, where there is no interface but loopback."""
    unshare = shutil.which("unshare")
    if unshare is None or shutil.which("ip") is None:
        pytest.skip("unshare and ip are needed to take the network away")
    alone = [unshare, "--map-root-user", "--net", "sh", "-c", ALONE, "alone"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("network namespaces are not permitted here")
    chosen = "what_the_network_allows or boxes_belong or never_silent"
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/web/test_page.py", "-k", chosen]
    ran = subprocess.run([*alone, *tests], cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=240, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "3 passed" in ran.stdout
