# SPDX-License-Identifier: Apache-2.0
"""Several robots on the page: all are shown, one is commanded, each can be stopped, and all at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.web.browser import sign_in, staged

pytestmark = pytest.mark.e2e
SECOND = "rover-2"


def test_both_robots_are_shown_one_is_chosen_and_each_and_all_can_be_stopped(page: Page, tmp_path: Path) -> None:
    with staged(tmp_path, more=(SECOND,)) as stage:
        sign_in(page, stage, "olga")
        first, second = page.get_by_test_id("fleet-mode-rover-1"), page.get_by_test_id(f"fleet-mode-{SECOND}")
        for mode in (first, second):
            expect(mode).to_have_attribute("data-mode", "docked")
            expect(mode).not_to_have_text("Lost")
        page.get_by_test_id(f"choose-{SECOND}").click()
        page.get_by_test_id("cmd-start").click()
        expect(second).to_have_attribute("data-mode", "patrolling")
        expect(first).to_have_attribute("data-mode", "docked")
        page.get_by_test_id("choose-rover-1").click()
        expect(page.get_by_test_id("mode")).to_have_attribute("data-mode", "docked")
        page.get_by_test_id(f"estop-{SECOND}").click()
        expect(second).to_have_attribute("data-mode", "estopped")
        expect(first).to_have_attribute("data-mode", "docked")
        page.get_by_test_id("estop-all").click()
        expect(first).to_have_attribute("data-mode", "estopped")
        expect(page.get_by_test_id("fleet-status")).to_have_count(0)


def test_one_robot_alone_needs_no_list(page: Page, tmp_path: Path) -> None:
    with staged(tmp_path) as stage:
        sign_in(page, stage, "olga")
        expect(page.get_by_test_id("estop-all")).to_have_count(0)


def test_a_viewer_is_told_that_stopping_is_for_operators(page: Page, tmp_path: Path) -> None:
    with staged(tmp_path, more=(SECOND,)) as stage:
        sign_in(page, stage, "vera")
        page.get_by_test_id("estop-all").click()
        expect(page.get_by_test_id("fleet-status")).to_contain_text("only an operator gives commands")
