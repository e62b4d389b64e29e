# SPDX-License-Identifier: Apache-2.0
"""Where results go, checked before hours of work are put into them."""

from __future__ import annotations

import os
from pathlib import Path

from patrol.errors import BadInput, Fault


def check_output(path: Path, field: str) -> None:
    """Raises BadInput unless a file can be written at ``path``; ``field`` is the option that names it."""
    folder = path.parent
    if path.is_dir():
        because = "is a folder"
    elif not folder.is_dir():
        because = f"lies in {folder}, which is no folder"
    elif not os.access(path if path.exists() else folder, os.W_OK):
        because = "can not be written"
    else:
        return
    raise BadInput(path, [Fault(field=field, value=str(path), because=because)])


def check_output_folder(path: Path, field: str) -> None:
    """Raises BadInput unless files can be written into ``path``, which is made where it is missing."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        usable = os.access(path, os.W_OK)
    except OSError as error:
        raise BadInput(path, [Fault(field=field, value=str(path), because=f"can not be made: {error.strerror}")]) from error
    if not usable:
        raise BadInput(path, [Fault(field=field, value=str(path), because="can not be written")])
