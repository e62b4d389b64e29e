# SPDX-License-Identifier: Apache-2.0
"""Errors by name. Every error that this project raises on purpose is a ``PatrolError``."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass
from pathlib import Path

_MOST_SHOWN = 50
_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxlist, _SHORT.maxtuple, _SHORT.maxdict = 3, 8, 8, 8
_SHORT.maxstring = _SHORT.maxother = 200


class PatrolError(Exception):
    """Base of every error raised on purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with an input: where it stands, what stood there (None for nothing), and why that can not be used."""

    field: str
    value: object
    because: str

    def __str__(self) -> str:
        got = "" if self.value is None else f" (got {_SHORT.repr(self.value)})"
        return f"{self.field}: {self.because}{got}"


class BadInput(PatrolError):
    """A file or message refused whole. Names the file and every fault in it; the text tells the first fifty."""

    def __init__(self, source: Path | str, faults: tuple[Fault, ...] | list[Fault]) -> None:
        self.source = str(source)
        self.faults = tuple(faults)
        lines = [f"  {fault}" for fault in self.faults[:_MOST_SHOWN]]
        if len(self.faults) > _MOST_SHOWN:
            lines.append(f"  ... and {len(self.faults) - _MOST_SHOWN} more")
        super().__init__("\n".join([f"{self.source}: {len(self.faults)} fault(s)", *lines]))


class BadValue(PatrolError, ValueError):
    """A value that a type refuses: wrong shape, not finite, out of range."""
