# SPDX-License-Identifier: Apache-2.0
"""What must outlive the process: mode, mission, outcomes, answered commands and zones, in one JSON file replaced atomically."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from pydantic import ConfigDict, TypeAdapter, ValidationError

from mission.calendar.roster import RosterState
from mission.desk import Answered
from mission.situation import Situation
from patrol.errors import BadInput, BadValue, Fault
from patrol.zone_orders import ZoneOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class MissionState:
    """Everything needed to go on at the breakpoint and to answer a repeated command as before."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")
    situation: Situation = field(default_factory=Situation)
    answers: tuple[Answered, ...] = ()
    zones: ZoneOrder | None = None
    roster: RosterState | None = None


_ADAPTER: TypeAdapter[MissionState] = TypeAdapter(MissionState)


class Store(Protocol):
    """Keeps the newest state. ``save`` returns once the state is safe."""

    def save(self, state: MissionState) -> None: ...

    def load(self) -> MissionState | None: ...


class MemoryStore:
    """Keeps the state as the JSON that a file would hold; for lockstep runs and tests."""

    def __init__(self) -> None:
        self._text: bytes | None = None

    def save(self, state: MissionState) -> None:
        self._text = state_to_json(state)

    def load(self) -> MissionState | None:
        return None if self._text is None else state_from_json(self._text, source="memory")


class FileStore:
    """Keeps the state in ``path``: written beside it, flushed to disk, then renamed over it, so that a kill at any moment
    leaves either the old state or the new one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def save(self, state: MissionState) -> None:
        """Write the state durably. Raises OSError when the disk refuses."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        beside = self._path.with_suffix(".new")
        with beside.open("wb") as file:
            file.write(state_to_json(state))
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def load(self) -> MissionState | None:
        """The state saved last, or None when there is none. Raises BadInput when the file is damaged."""
        if not self._path.exists():
            return None
        return state_from_json(self._path.read_bytes(), source=self._path)


def state_to_json(state: MissionState) -> bytes:
    return _ADAPTER.dump_json(state)


def state_from_json(text: bytes, *, source: Path | str) -> MissionState:
    """Parse what ``state_to_json`` wrote. Raises BadInput naming every fault."""
    try:
        return _ADAPTER.validate_json(text)
    except ValidationError as error:
        faults = [
            Fault(field=".".join(map(str, item["loc"])) or "(top)", value="...", because=item["msg"])
            for item in error.errors(include_url=False, include_input=False)
        ]
        raise BadInput(source, faults) from error
    except BadValue as error:
        raise BadInput(source, [Fault(field="(top)", value="...", because=str(error))]) from error
