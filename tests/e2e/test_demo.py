# SPDX-License-Identifier: Apache-2.0
"""The whole stack as real processes, seen through the real page."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page

from tests.e2e.demo_process import UP_WITHIN_S, Demo, demo, free_port
from tests.web.browser import browser

pytestmark = [pytest.mark.e2e, pytest.mark.ros]

ARTIFACTS = Path(__file__).resolve().parents[1] / ".artifacts"
GONE_WITHIN_S = 3.0
ALERT_WITHIN_S = 240.0


def until(page: Page, holds: Callable[[], bool], what: str, within_s: float, running: Demo) -> None:
    """Poll until ``holds``; fail with ``what``, a screenshot and the logs when it does not."""
    deadline_s = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline_s:
            keep(page, "failed")
            raise AssertionError(f"{what} did not happen within {within_s:g} s\n{running.logs()}")
        page.wait_for_timeout(50)


def keep(page: Page, name: str) -> None:
    """Keep a screenshot."""
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=str(ARTIFACTS / f"{name}.png"))


def attribute(page: Page, test_id: str, name: str) -> str:
    return page.get_by_test_id(test_id).first.get_attribute(name) or ""


def speed_mps(page: Page) -> float:
    return float(attribute(page, "speed", "data-value") or "nan")


def place(page: Page) -> tuple[float, float]:
    return float(attribute(page, "robot-pose", "data-x") or "nan"), float(attribute(page, "robot-pose", "data-y") or "nan")


def sign_in(page: Page, running: Demo) -> None:
    """With the words that the demonstration printed."""
    address = running.wait_for(r"Page\s+(http://\S+)", UP_WITHIN_S)[1]
    password = running.wait_for(r"Password\s+(\S+)", 5.0)[1]
    page.goto(address)
    page.get_by_test_id("username").fill("operator")
    page.get_by_test_id("password").fill(password)
    page.get_by_test_id("sign-in").click()
    page.get_by_test_id("mode").wait_for()


@pytest.mark.timeout(900)
def test_the_page_shows_a_patrol(tmp_path: Path) -> None:
    folder = tmp_path / "patrol"
    arguments = ["--wait", "--laps", "1", "--port", str(free_port()), "--folder", str(folder)]
    with browser() as chromium, demo(folder, arguments) as running:
        page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
        sign_in(page, running)
        until(page, lambda: page.get_by_test_id("cmd-start").is_enabled(), "the start button", 30, running)
        page.get_by_test_id("cmd-start").click()
        until(page, lambda: attribute(page, "mode", "data-mode") == "patrolling", "the patrol", 20, running)
        began = place(page)
        until(page, lambda: abs(place(page)[0] - began[0]) + abs(place(page)[1] - began[1]) > 3.0, "moving", 60, running)
        sees_changing_video(page, running)
        keep(page, "patrolling")
        sees_the_alert(page, running)
        presses_estop(page, running)
        ends_without_leftovers(running)


def sees_changing_video(page: Page, running: Demo) -> None:
    """New pictures come, and they differ."""
    before = page.evaluate("window.__patrol.pictures")
    first = page.get_by_test_id("video-tile").screenshot()
    until(page, lambda: page.evaluate("window.__patrol.pictures") > before + 10, "ten new pictures", 30, running)
    assert page.get_by_test_id("video-tile").screenshot() != first
    assert attribute(page, "video-tile", "data-state") == "live"


def sees_the_alert(page: Page, running: Demo) -> None:
    """The intruder's alert comes with its reason, and can be acknowledged. Alerts of earlier patrols may be on the page."""
    new = page.locator('[data-testid="alert-item"][data-state="new"]')
    until(page, lambda: new.count() > 0, "the alert", ALERT_WITHIN_S, running)
    page.wait_for_timeout(1000)
    keep(page, "alert")
    waiting, reason = new.count(), new.first.get_by_test_id("alert-reason").inner_text()
    assert re.search(r"person", reason, re.IGNORECASE), reason
    new.first.click()
    new.first.get_by_test_id("alert-ack").click()
    until(page, lambda: new.count() < waiting, "the acknowledgement", 10, running)


def presses_estop(page: Page, running: Demo) -> None:
    """The robot moves, the e-stop is pressed, the robot stands."""
    until(page, lambda: speed_mps(page) > 0.2, "driving before the e-stop", 120, running)
    page.get_by_test_id("cmd-estop").click()
    until(page, lambda: attribute(page, "mode", "data-mode") == "estopped", "the e-stop", 5, running)
    until(page, lambda: abs(speed_mps(page)) < 0.02, "standing still", 5, running)
    keep(page, "estop")


def ends_without_leftovers(running: Demo) -> None:
    """Ctrl-C ends every process in time."""
    children = running.children()
    assert len(children) >= 8
    began_s = time.monotonic()
    running.process.send_signal(signal.SIGINT)
    running.process.wait(20.0)
    _, alive = psutil.wait_procs(children, timeout=max(0.0, GONE_WITHIN_S - (time.monotonic() - began_s)))
    assert alive == []


# The part of the depot's round on which the intruder is met; the whole round takes twice as long and shows no more.
ROUND = """
name: East side
route: [wp_main_gate, wp_south_east_corner, wp_service_gate, wp_north_east_corner, wp_behind_the_office]
"""


@pytest.mark.timeout(900)
def test_one_headless_lap(tmp_path: Path) -> None:
    folder, mission = tmp_path / "patrol", tmp_path / "east.yaml"
    mission.write_text(ROUND, "utf-8")
    arguments = [f'ARGS=--headless --laps 1 --mission "{mission}" --folder "{folder}"']
    with demo(folder, arguments, command=("make", "demo")) as running:
        running.process.wait(800.0)
        assert running.process.returncode == 0, running.text + running.logs()
    report = json.loads((folder / "report.json").read_text("utf-8"))
    assert report["laps_completed"] == 1
    assert report["waypoints_without_outcome"] == 0
    assert report["ended_because"] == ""
    assert report["alerts"], "the intruder was not noticed"
    assert (folder / "report.html").stat().st_size > 10_000
    assert report["recording"]["messages"] > 10_000
    assert report["recording"]["damage"] == "", "the report was made while the recording was still being written"
    assert (folder / "map" / "map.pgm").is_file()
