# SPDX-License-Identifier: Apache-2.0
"""Lines of a text file as the field leaves them about: plain or compressed, whatever the name says, whatever wrote them."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from patrol.errors import BadInput, Fault

_GZIP, _BZIP2, _XZ = b"\x1f\x8b", b"BZh", b"\xfd7zXZ"
_MAGIC_MAX = 8


def words_of_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Number and words of each line that holds more than a comment, from ``#`` on.

    gzip, bzip2 and xz are told by the first bytes. Raises BadInput when the file can not be read to its end.
    """
    try:
        with _opened(path) as file, io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace") as lines:
            for number, text in enumerate(lines, start=1):
                words = text.partition("#")[0].split()
                if words:
                    yield number, words
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise BadInput(path, [Fault(field="(file)", value=str(path), because=f"can not be read: {error}")]) from error


def _opened(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        magic = file.read(_MAGIC_MAX)
    if magic.startswith(_GZIP):
        return cast("BinaryIO", gzip.open(path))
    if magic.startswith(_BZIP2):
        return cast("BinaryIO", bz2.open(path))
    return cast("BinaryIO", lzma.open(path)) if magic.startswith(_XZ) else path.open("rb")
