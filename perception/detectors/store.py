# SPDX-License-Identifier: Apache-2.0
"""The folder of models on this machine: what is there, whether it is what its publisher made, and how it gets there."""

from __future__ import annotations

import hashlib
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from enum import StrEnum
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path

from patrol.errors import PatrolError
from perception.detectors.description import ModelDescription, ModelFile

MODELS_VARIABLE = "PATROL_MODELS"
_CHUNK_BYTES = 1 << 16
_DEADLINE_S = 30.0
_PART = ".part"
Progress = Callable[[str, int, int], None]


class PullFailed(PatrolError):
    """A model's file could not be had, or is not what its publisher made."""


class FileState(StrEnum):
    """What is to be said of one file of a model."""

    GOOD = "good"
    MISSING = "missing"
    WRONG = "wrong checksum"
    PARTIAL = "partly pulled"


def models_folder() -> Path:
    """The folder that PATROL_MODELS names, else ``patrol/models`` in the user's cache."""
    named = os.environ.get(MODELS_VARIABLE)
    if named:
        return Path(named)
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "patrol" / "models"


def check_file(folder: Path, file: ModelFile) -> FileState:
    """Read ``file`` in ``folder`` whole and compare its checksum."""
    path = folder / file.name
    if not path.is_file():
        return FileState.PARTIAL if _part(path).is_file() else FileState.MISSING
    return FileState.GOOD if _sha384(path) == file.sha384 else FileState.WRONG


def pull(described: ModelDescription, folder: Path, progress: Progress) -> tuple[Path, ...]:
    """Get every file of a model that is not there yet; return their paths. ``progress`` is called with name, bytes so far and
    bytes in all. What was pulled before a break is kept, and gone on from.

    Raises PullFailed when a file has no address, can not be had, or has a wrong checksum; such a file is not kept.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for file in described.files:
        if check_file(folder, file) is not FileState.GOOD:
            _pull_file(file, folder / file.name, progress)
    return tuple(folder / file.name for file in described.files)


def _pull_file(file: ModelFile, path: Path, progress: Progress) -> None:
    if not file.address:
        raise PullFailed(f"{file.name}: its publisher gives no address; put the file into {path.parent}")
    part = _part(path)
    try:
        if not (part.is_file() and part.stat().st_size == file.size_bytes):
            _download(file, part, progress)
    except (OSError, HTTPException) as error:
        raise PullFailed(f"{file.address}: {error}; what is there is kept, try again to go on") from error
    found = _sha384(part)
    if found != file.sha384:
        part.unlink()
        raise PullFailed(f"{file.address}: checksum {found} is not the publisher's {file.sha384}; the file was thrown away")
    part.replace(path)


def _download(file: ModelFile, part: Path, progress: Progress) -> None:
    """Append to ``part`` what it lacks, or begin anew where the server can not go on."""
    have = part.stat().st_size if part.is_file() else 0
    if have > file.size_bytes:
        part.unlink()
        have = 0
    request = urllib.request.Request(file.address, headers={"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(request, timeout=_DEADLINE_S) as answer:
        goes_on = answer.status == HTTPStatus.PARTIAL_CONTENT
        done = have if goes_on else 0
        with part.open("ab" if goes_on else "wb") as stream:
            while chunk := answer.read(_CHUNK_BYTES):
                done += len(chunk)
                if done > file.size_bytes:
                    break
                stream.write(chunk)
                progress(file.name, done, file.size_bytes)
    if done < file.size_bytes:
        raise urllib.error.URLError(f"the answer ended after {done} of {file.size_bytes} bytes")


def _part(path: Path) -> Path:
    return path.with_name(path.name + _PART)


def _sha384(path: Path) -> str:
    digest = hashlib.sha384()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
