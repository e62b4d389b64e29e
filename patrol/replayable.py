# SPDX-License-Identifier: Apache-2.0
"""What can stand in for a robot: the kinds of recording, told apart by how their names end."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from patrol.errors import BadInput, Fault


class Replayable(StrEnum):
    """A kind of recording."""

    PATROL = "a recording of Patrol"
    CARMEN = "a CARMEN log"
    VIDEO = "a video"


_ENDINGS = {
    Replayable.PATROL: (".mcap",),
    Replayable.VIDEO: (".avi", ".mp4", ".mkv", ".mov", ".webm"),
    Replayable.CARMEN: (".clf", ".log", ".gz", ".bz2"),
}


def kind_of(path: Path) -> Replayable:
    """Which kind the file at ``path`` is by its name. Raises BadInput when it is no file, or of no kind that can be replayed."""
    if not path.is_file():
        because = "is no file" if path.exists() else "does not exist"
        raise BadInput(path, [Fault(field="(file)", value=str(path), because=because)])
    for kind, endings in _ENDINGS.items():
        if path.suffix.lower() in endings:
            return kind
    known = ", ".join(ending for endings in _ENDINGS.values() for ending in endings)
    raise BadInput(path, [Fault(field="(file)", value=path.suffix, because=f"is not one of {known}")])
