# SPDX-License-Identifier: Apache-2.0
"""The models of this machine, as ``patrol models`` shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from perception.detectors.description import ModelDescription, descriptions
from perception.detectors.store import FileState, check_file


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelState:
    """A model, and what is to be said of each of its files, in their order."""

    described: ModelDescription
    files: tuple[FileState, ...]

    @property
    def ready(self) -> bool:
        """Whether it can be used here."""
        return all(state is FileState.GOOD for state in self.files)

    @property
    def summary(self) -> str:
        """In two words or so: its worst file."""
        if not self.described.files:
            return "shipped"
        return next((str(state) for state in reversed(FileState) if state in self.files), "")


def model_states(folder: Path) -> Iterator[ModelState]:
    """Every model that is described, its files checked in ``folder``. Raises BadInput for a faulty description."""
    for described in descriptions(folder):
        yield ModelState(described=described, files=tuple(check_file(folder, file) for file in described.files))
