# SPDX-License-Identifier: Apache-2.0
"""The stop guard stands alone, and the room keeps to its borders."""

from __future__ import annotations

import ast
import sys
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
    """The guard and its one helper import numpy, pydantic and the shared words, and else only what is Python's own."""
    for name in ("stop_guard.py", "stop_shadows.py"):
        path = ROOM / name
        modules = {node.module for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)}
        assert {module for module in modules if module and module.startswith("mission")} <= {"mission.stop_shadows"}
        assert imported_by(path) <= {*sys.stdlib_module_names, "numpy", "pydantic", "patrol", "mission"}


def test_the_room_imports_no_other_room_and_no_wall_clock() -> None:
    for path in ROOM.rglob("*.py"):
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
        }
        assert imported_by(path) & forbidden == set(), path.name
        asked = {node.attr for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Attribute)}
        assert asked & {"utcnow", "today"} == set(), path.name
        assert "datetime.now(" not in path.read_text("utf-8"), path.name
