# SPDX-License-Identifier: Apache-2.0
"""The secrets folder: keys and robot tokens, readable by their owner only."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path


def sha256_hex(token: str) -> str:
    """Hash of a random token; its 256 bits need no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def make_folder(folder: Path) -> None:
    """Make the folder, closed to everybody but its owner."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)


def read_or_make(path: Path) -> str:
    """The secret at ``path``: 256 random bits in hexadecimal, made at the first call with mode 0600."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_text("ascii").strip()
    secret = secrets.token_hex(32)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secret + "\n")
    return secret


def robot_token_path(folder: Path, robot_id: str) -> Path:
    """Where the token of ``robot_id`` lies."""
    return folder / f"robot-{robot_id}.token"
