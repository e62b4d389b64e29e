# SPDX-License-Identifier: Apache-2.0
"""Message definitions as a recording carries them, so that it can be read years later on a machine without ROS.

The text of a type is its ``.msg`` file followed by those of everything it contains, each after a line of 80 ``=`` and a line
``MSG: package/Name``: the ``ros2msg`` schema encoding of MCAP.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from patrol.errors import PatrolError

_INTEGERS = frozenset(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))
_BUILT_IN = _INTEGERS | {"bool", "byte", "char", "float32", "float64", "string", "wstring"}
_FIELD = re.compile(r"^\s*([A-Za-z]\w*(?:/\w+)*)(?:<=\d+)?(?:\[[^\]]*\])?\s+[A-Za-z]\w*")
_TYPE = re.compile(r"^([a-z]\w*)(?:/msg)?/([A-Z]\w*)$")
_SEPARATOR = "=" * 80


class DefinitionMissing(PatrolError):
    """No installed package holds the ``.msg`` file of a type."""


class Definitions:
    """Finds definitions under the ``share`` folders of ``prefixes`` (PREFIX/share/PACKAGE/msg/NAME.msg); the first one wins."""

    def __init__(self, prefixes: tuple[Path, ...]) -> None:
        self._prefixes = prefixes
        self._files: dict[str, str] = {}

    def schema(self, type_name: str) -> str:
        """The whole text for ``package/msg/Name``. Raises DefinitionMissing when it, or a part of it, is not installed."""
        root = _short(type_name)
        found = {root: self._file(root)}
        waiting = list(_parts(root, found[root]))
        while waiting:
            name = waiting.pop(0)
            if name not in found:
                found[name] = self._file(name)
                waiting += _parts(name, found[name])
        parts = [f"{_SEPARATOR}\nMSG: {name}\n{text}" for name, text in found.items() if name != root]
        return "\n".join([found[root], *parts])

    def _file(self, name: str) -> str:
        if name not in self._files:
            package, _, message = name.partition("/")
            paths = [prefix / "share" / package / "msg" / f"{message}.msg" for prefix in self._prefixes]
            path = next((path for path in paths if path.is_file()), None)
            if path is None:
                raise DefinitionMissing(f"{name}: no {message}.msg under {', '.join(map(str, self._prefixes)) or 'no prefix'}")
            self._files[name] = path.read_text("utf-8")
        return self._files[name]


def installed_prefixes(environment: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """Where ROS packages are installed: ``AMENT_PREFIX_PATH`` in its order, and then this interpreter's own prefix."""
    listed = (os.environ if environment is None else environment).get("AMENT_PREFIX_PATH", "")
    paths = [Path(part) for part in listed.split(os.pathsep) if part]
    return tuple(dict.fromkeys([*paths, Path(sys.prefix)]))


def _short(type_name: str) -> str:
    """``package/Name`` of ``package/msg/Name``."""
    match = _TYPE.match(type_name)
    if match is None:
        raise DefinitionMissing(f"{type_name!r} is not a message type (package/msg/Name)")
    return f"{match[1]}/{match[2]}"


def _parts(owner: str, text: str) -> Iterator[str]:
    """``package/Name`` of every message that the fields in ``text`` contain; a bare name is of the owner's package."""
    for line in text.splitlines():
        match = _FIELD.match(line.split("#", 1)[0])
        if match is None or match[1] in _BUILT_IN:
            continue
        yield _short(match[1]) if "/" in match[1] else f"{owner.partition('/')[0]}/{match[1]}"
