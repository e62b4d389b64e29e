# SPDX-License-Identifier: Apache-2.0
"""The files of a run's folder: what it was told, kept by who started it, and what dead processes left behind."""

from __future__ import annotations

from pathlib import Path

RUN_FILE = "run.json"


def told_in(folder: Path) -> str:
    """The text of the file; empty where who started the run left no word."""
    path = folder / RUN_FILE
    return path.read_text("utf-8") if path.is_file() else ""


def set_aside(path: Path) -> Path:
    """Keep what a process that died left at ``path`` under another name, so that a new file can begin; returns ``path``."""
    number = 1
    while path.exists():
        aside = path.with_name(f"{path.stem}-before-{number}{path.suffix}")
        if not aside.exists():
            path.rename(aside)
        number += 1
    return path
