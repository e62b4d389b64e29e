# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from mission.facts.fact import Fact
from mission.supervisor_rules import LINK_DOCK_S
from patrol.operations import Mode
from scripts.supervision_page import PAGE, facts_table, modes_table, with_tables


def test_the_page_has_the_tables_of_the_code() -> None:
    page = PAGE.read_text("utf-8")
    assert with_tables(page) == page, "run: python -m scripts.supervision_page"


WHAT_CAN_GO_WRONG = (
    "link lost, link flapping, teleop silent, node dead, node hung, sensor silent, sensor stuck, sensor garbage, sensor delayed, "
    "lens covered, localisation lost, localisation doubtful, gnss spoofed, geofence near, battery low, battery critical, "
    "dock blocked, wheel slip, stuck, pushed, tipped, person close, estop pressed, disk full, clock jump, cpu starved, "
    "model nonsense"
)


def test_the_page_says_what_everything_that_can_go_wrong_does() -> None:
    """On patrol, docking and by hand: each of the three columns says something."""
    rows = {cells[1].strip(): cells for line in facts_table().splitlines() if len(cells := line.split("|")) > 4}
    for fact in WHAT_CAN_GO_WRONG.split(", "):
        assert all(cell.strip() not in ("", "go") for cell in rows[fact][2:5]), fact


def test_the_tables_have_a_row_for_everything() -> None:
    assert all(f"| {fact.value} |" in facts_table() for fact in Fact)
    assert all(f"| {mode.value} |" in modes_table() for mode in Mode)
    assert f"finish the leg, dock after {LINK_DOCK_S:g} s" in facts_table()
