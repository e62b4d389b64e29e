# SPDX-License-Identifier: Apache-2.0
"""The map over the years: versions side by side, one of them approved by a person as the baseline.

A folder holds ``versions.json`` and one folder a version. Nothing is overwritten: a lap proposes a version with what it found
changed, a person approves or rejects it with a name and a note, and every version's files are known by their SHA-256.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from pydantic import Field

from patrol.config import Config, read_json, validate_config
from patrol.errors import BadInput, BadValue, Fault
from slam.findings import Finding
from slam.map_files import GRAPH_NAME, PICTURE_NAME, YAML_NAME, SavedMap, load_map, save_map, write_whole

INDEX_NAME = "versions.json"
_FILES = (YAML_NAME, PICTURE_NAME, GRAPH_NAME)
_KEPT_MAX = 10_000


class Standing(StrEnum):
    """What a person has said of a version."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


class FindingRecord(Config):
    """A finding as it stands in the index; metres in map."""

    kind: str
    x_m: float
    y_m: float
    length_m: float
    width_m: float
    near: str = ""


class MapVersion(Config):
    """One version: ``parent`` is the baseline it was compared with (0: none), ``sha256`` the sum of each file."""

    number: int = Field(ge=1)
    parent: int = Field(ge=0)
    proposed_ns: int = Field(ge=0)
    standing: Standing = Standing.PROPOSED
    decided_by: str = ""
    decided_ns: int = 0
    note: str = ""
    findings: tuple[FindingRecord, ...] = ()
    sha256: dict[str, str]


class _Index(Config):
    versions: tuple[MapVersion, ...] = Field(default=(), max_length=_KEPT_MAX)


class MapLibrary:
    """The versions in one folder."""

    def __init__(self, folder: Path) -> None:
        """An empty or missing folder is a library without versions. Raises BadInput when the index can not be read."""
        self.folder = folder
        self._index = _read_index(folder / INDEX_NAME)

    @property
    def versions(self) -> tuple[MapVersion, ...]:
        """All of them, the oldest first."""
        return self._index.versions

    @property
    def baseline(self) -> MapVersion | None:
        """The version that was approved last."""
        approved = [version for version in self.versions if version.standing is Standing.APPROVED]
        return max(approved, key=lambda version: (version.decided_ns, version.number), default=None)

    def version(self, number: int) -> MapVersion:
        """Raises BadValue when there is no such version."""
        for version in self.versions:
            if version.number == number:
                return version
        raise BadValue(f"{self.folder}: there is no version {number}")

    def load(self, number: int) -> SavedMap:
        """The map of a version. Raises BadInput when a file is not the one that was proposed, BadValue for an unknown number."""
        version, folder = self.version(number), self._folder_of(number)
        faults = [
            Fault(field=name, value=str(folder / name), because="is not the file that was proposed: its SHA-256 differs")
            for name, told in version.sha256.items()
            if _sha256(folder / name) != told
        ]
        if faults:
            raise BadInput(folder, faults)
        return load_map(folder)

    def propose(self, saved: SavedMap, findings: Sequence[Finding], *, now_ns: int) -> MapVersion:
        """Keep ``saved`` as the next version, with what differs from the baseline; nothing is approved by that."""
        number = max((version.number for version in self.versions), default=0) + 1
        folder = self._folder_of(number)
        save_map(folder, saved)
        baseline = self.baseline
        version = MapVersion(
            number=number,
            parent=0 if baseline is None else baseline.number,
            proposed_ns=now_ns,
            findings=tuple(_record(finding) for finding in findings),
            sha256={name: _sha256(folder / name) for name in _FILES},
        )
        self._keep((*self.versions, version))
        return version

    def decide(self, number: int, standing: Standing, *, by: str, now_ns: int, note: str = "") -> MapVersion:
        """Approve or reject a proposed version in a person's name. Raises BadValue when it was decided, or no one signs."""
        version = self.version(number)
        if not by.strip():
            raise BadValue("by: a person's name is needed")
        if standing is Standing.PROPOSED or version.standing is not Standing.PROPOSED:
            raise BadValue(f"version {number}: is {version.standing} and can not become {standing}")
        decided = version.model_copy(update={"standing": standing, "decided_by": by.strip(), "decided_ns": now_ns, "note": note})
        self._keep(tuple(decided if kept.number == number else kept for kept in self.versions))
        return decided

    def _folder_of(self, number: int) -> Path:
        return self.folder / f"{number:05d}"

    def _keep(self, versions: tuple[MapVersion, ...]) -> None:
        self._index = _Index(versions=versions)
        text = json.dumps(self._index.model_dump(mode="json"), indent=1)
        write_whole(self.folder / INDEX_NAME, lambda part: part.write_text(text, "utf-8"))


def _read_index(path: Path) -> _Index:
    if not path.exists():
        return _Index()
    return validate_config(_Index, read_json(path), source=path)


def _record(finding: Finding) -> FindingRecord:
    x_m, y_m = (float(part) for part in finding.position_m)
    return FindingRecord(
        kind=finding.kind.value, x_m=x_m, y_m=y_m, length_m=finding.size_m[0], width_m=finding.size_m[1], near=finding.near
    )


def _sha256(path: Path) -> str:
    """The file's sum; empty when it can not be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ""
