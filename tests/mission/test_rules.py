# SPDX-License-Identifier: Apache-2.0
"""The stop guard stands alone, and the room keeps to its borders."""

from __future__ import annotations

import ast
from pathlib import Path

ROOM = Path(__file__).parents[2] / "mission"


def imported_by(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    return names


def test_the_stop_guard_depends_on_the_shared_words_only() -> None:
    assert imported_by(ROOM / "stop_guard.py") & {"mission", "scipy", "cv2", "shapely"} == set()


def test_the_room_imports_no_other_room_and_no_wall_clock() -> None:
    for path in ROOM.glob("*.py"):
        forbidden = {
            "perception",
            "slam",
            "sim",
            "uplink",
            "evidence",
            "command_centre",
            "app",
            "rclpy",
            "time",
            "random",
            "datetime",
        }
        assert imported_by(path) & forbidden == set(), path.name
