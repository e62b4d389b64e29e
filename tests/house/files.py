# SPDX-License-Identifier: Apache-2.0
"""The repository's own files, for the tests of the house rules."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def own_files() -> tuple[Path, ...]:
    """Every file that git tracks or would track, as absolute paths."""
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return tuple(path for name in names if (path := ROOT / name).is_file())


def python_files() -> tuple[Path, ...]:
    return tuple(path for path in own_files() if path.suffix == ".py")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), filename=str(path))


def room_of(path: Path) -> str:
    """The room a file belongs to: its top-level folder, or the ROS package's name below ``ros_ws/src``."""
    parts = path.relative_to(ROOT).parts
    return "ros_ws" if parts[0] == "ros_ws" else parts[0] if len(parts) > 1 else "."


def imported_modules(path: Path) -> set[str]:
    """Every module that the file imports, wherever the statement stands."""
    modules: set[str] = set()
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            modules.add(node.module)
            modules.update(f"{node.module}.{alias.name}" for alias in node.names)
    return modules
