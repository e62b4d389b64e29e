# SPDX-License-Identifier: Apache-2.0
"""What a run was told, kept in its folder by who started it: settings and files as JSON."""

from __future__ import annotations

from pathlib import Path

RUN_FILE = "run.json"


def told_in(folder: Path) -> str:
    """The text of the file; empty where who started the run left no word."""
    path = folder / RUN_FILE
    return path.read_text("utf-8") if path.is_file() else ""
