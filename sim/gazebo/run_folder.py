# SPDX-License-Identifier: Apache-2.0
"""The folder of one server's files: gone when its owner ends, and when the owner was killed, gone at the next start of any."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "patrol-gazebo-"
_OWNED = "owned"


@contextmanager
def run_folder(below: Path | None = None) -> Iterator[Path]:
    """A new folder ``below`` the system's folder for temporary files, or another, after a look for what killed owners left there.

    A lock on a file in the folder says that its owner lives; the system drops it with the owner, however that ends.
    """
    base = below or Path(tempfile.gettempdir())
    remove_orphans(base)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=base))
    lock = os.open(folder / f"{_OWNED}.new", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (folder / f"{_OWNED}.new").rename(folder / _OWNED)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def remove_orphans(base: Path) -> None:
    """Take away the folders below ``base`` whose owner is gone."""
    for owned in base.glob(f"{_PREFIX}*/{_OWNED}"):
        try:
            lock = os.open(owned, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            shutil.rmtree(owned.parent, ignore_errors=True)
        finally:
            os.close(lock)
