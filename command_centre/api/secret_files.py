# SPDX-License-Identifier: Apache-2.0
"""The secrets folder: keys and robot tokens, readable by their owner only."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from patrol.errors import BadInput, Fault

_SECRET = re.compile(r"[0-9a-f]{64}")


def sha256_hex(token: str) -> str:
    """Hash of a random token; its 256 bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def make_folder(folder: Path) -> None:
    """Make the folder, closed to everybody but its owner. Raises BadInput."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
    except OSError as error:
        raise _unusable(folder, f"can not be made: {error.strerror}") from error


def read_or_make(path: Path) -> str:
    """The secret at ``path``: 256 random bits in hexadecimal, made at the first call with mode 0600. A file that holds anything
    else is never replaced, since what was signed with it could not be checked any more: it raises BadInput."""
    if not path.exists():
        try:
            _make(path)
        except OSError as error:
            raise _unusable(path, f"can not be made: {error.strerror}") from error
    return _read(path)


def _make(path: Path) -> None:
    """The file appears whole, and never in place of one that another process has made meanwhile."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        Path(draft).unlink()


def _read(path: Path) -> str:
    try:
        secret = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(path, f"can not be read: {error}") from error
    if not _SECRET.fullmatch(secret):
        raise _unusable(path, "is not 64 hexadecimal digits; put the right file back, or take this one away for a new secret")
    return secret


def _unusable(path: Path, because: str) -> BadInput:
    return BadInput(path, [Fault(field="(file)", value=str(path), because=because)])


def robot_token_path(folder: Path, robot_id: str) -> Path:
    """Where the token of ``robot_id`` lies."""
    return folder / f"robot-{robot_id}.token"
