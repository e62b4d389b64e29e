# SPDX-License-Identifier: Apache-2.0
"""The pages for people, taken apart: their commands, and their links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.house.files import ROOT

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:\.venv/bin/|python3? |npm )[^`]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Command:
    """One line that a page tells people to type."""

    page: str
    line: str


def commands(page: Path) -> Iterator[Command]:
    """Every command of ``page``: the lines of its sh fences, and inline code that begins like one."""
    text = page.read_text("utf-8")
    name = str(page.relative_to(ROOT))
    for match in _FENCE.finditer(text):
        if match[1] == "sh":
            for line in re.sub(r"\\\n\s*", "", match[2]).splitlines():
                if line.strip() and not line.startswith("#"):
                    yield Command(name, line.strip())
    for match in _INLINE.finditer(_FENCE.sub("", text)):
        yield Command(name, " ".join(match[1].split()))


def fences(page: Path) -> list[tuple[str, str]]:
    """Language and text of every fenced block of ``page``."""
    return [(match[1], match[2]) for match in _FENCE.finditer(page.read_text("utf-8"))]


def links(page: Path) -> list[str]:
    """The targets of every link and picture of ``page`` that lead into the repository."""
    prose = _FENCE.sub("", page.read_text("utf-8"))
    return [target for target in _LINK.findall(prose) if "://" not in target]


def anchors(page: Path) -> set[str]:
    """The anchors that the headings of ``page`` make."""
    headings = _HEADING.findall(_FENCE.sub("", page.read_text("utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
