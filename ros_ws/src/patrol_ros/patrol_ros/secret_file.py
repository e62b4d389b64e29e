# SPDX-License-Identifier: Apache-2.0
"""The secret that unpredictable patrols are drawn from: made once, kept on the robot, readable by nobody else."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from mission.games.draw import SEED_BYTES
from patrol.errors import BadInput, Fault

SECRET_FILE = "draw.secret"


def kept_secret(folder: Path) -> bytes:
    """The secret in ``folder``; a new one where there is none yet. Raises BadInput for one that is too short, and OSError."""
    path = folder / SECRET_FILE
    folder.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        secret = path.read_bytes()
        if len(secret) < SEED_BYTES:
            raise BadInput(path, [Fault(field="(file)", value=len(secret), because=f"is under {SEED_BYTES} bytes")]) from None
        return secret
    with os.fdopen(handle, "wb") as file:
        file.write(secret := secrets.token_bytes(SEED_BYTES))
        file.flush()
        os.fsync(file.fileno())
    return secret
