# SPDX-License-Identifier: Apache-2.0
"""Errors by name. Every error that this project raises on purpose is a ``PatrolError``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class PatrolError(Exception):
    """Base of every error raised on purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing wrong with an input: where it stands, what stood there, and why that can not be used."""

    field: str
    value: object
    because: str

    def __str__(self) -> str:
        return f"{self.field}: {self.because} (got {self.value!r})"


class BadInput(PatrolError):
    """A file or message refused whole. Names the file and every fault in it."""

    def __init__(self, source: Path | str, faults: tuple[Fault, ...] | list[Fault]) -> None:
        self.source = str(source)
        self.faults = tuple(faults)
        lines = "\n".join(f"  {fault}" for fault in self.faults)
        super().__init__(f"{self.source}: {len(self.faults)} fault(s)\n{lines}")


class BadValue(PatrolError, ValueError):
    """A value that a type refuses: wrong shape, not finite, out of range."""
