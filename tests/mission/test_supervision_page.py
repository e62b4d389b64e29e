# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from mission.facts.fact import Fact
from mission.supervisor_rules import LINK_DOCK_S
from patrol.operations import Mode
from scripts.supervision_page import PAGE, facts_table, modes_table, with_tables


def test_the_page_has_the_tables_of_the_code() -> None:
    page = PAGE.read_text("utf-8")
    assert with_tables(page) == page, "run: python -m scripts.supervision_page"


def test_the_tables_have_a_row_for_everything() -> None:
    assert all(f"| {fact.value} |" in facts_table() for fact in Fact)
    assert all(f"| {mode.value} |" in modes_table() for mode in Mode)
    assert f"finish the leg, dock after {LINK_DOCK_S:g} s" in facts_table()
