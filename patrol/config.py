# SPDX-License-Identifier: Apache-2.0
"""Configuration: small frozen models with working defaults. YAML only overrides; an unknown key is an error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from patrol.errors import BadInput, Fault


class Config(BaseModel):
    """Base of every configuration and wire model: frozen, no unknown keys, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


ConfigT = TypeVar("ConfigT", bound=BaseModel)
MAX_BYTES = 16_000_000
MAX_JSON_BYTES = 500_000_000
MAX_VALUES = 1_000_000
_MERGE = "tag:yaml.org,2002:merge"
_FIELDS = "must be a mapping of fields to values"
_PLAIN_WORDS = {
    "extra_forbidden": "is an unknown key",
    "model_type": _FIELDS,
    "model_attributes_type": _FIELDS,
    "dict_type": _FIELDS,
}


def read_text(path: Path, *, most_bytes: int = MAX_BYTES) -> str:
    """A text file in UTF-8. Raises BadInput when it can not be read, or is longer than ``most_bytes`` (a device never ends)."""
    try:
        with path.open("rb") as file:
            data = file.read(most_bytes + 1)
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        because = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BadInput(path, [Fault(field="(file)", value=str(path), because=f"can not be read: {because}")]) from error
    if len(data) > most_bytes:
        raise BadInput(path, [Fault(field="(file)", value=str(path), because=f"is longer than {most_bytes} bytes")])
    return text


def read_json(path: Path) -> Any:
    """Parse one JSON file. Raises BadInput that names the line when it is not JSON, or when it can not be read."""
    return parse_json(read_text(path, most_bytes=MAX_JSON_BYTES), source=path)


def parse_json(text: str, *, source: Path | str) -> Any:
    """Parse JSON text. Raises BadInput as ``read_json`` does."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where, because, near = f"line {error.lineno}, column {error.colno}", error.msg, _line_of(text, error.lineno - 1)
    except RecursionError:
        where, because, near = "(file)", "nested too deeply", ""
    except ValueError as error:
        where, because, near = "(file)", str(error), ""
    raise BadInput(source, [Fault(field=where, value=near, because=f"is not JSON: {because}")])


def read_yaml(path: Path) -> Any:
    """Parse one YAML file. Raises BadInput that names the line when it is not YAML, names a key twice, or can not be read."""
    return parse_yaml(read_text(path), source=path)


def parse_yaml(text: str, *, source: Path | str) -> Any:
    """Parse YAML text. Raises BadInput as ``read_yaml`` does."""
    try:
        return _Loader(text).get_single_data()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "(file)"
        because, near = error.problem or "is not YAML", _line_of(text, mark.line if mark else 0)
    except (yaml.YAMLError, ValueError) as error:
        where, because, near = "(file)", f"is not YAML: {' '.join(str(error).split())}", _line_of(text, 0)
    except RecursionError:
        where, because, near = "(file)", "is nested too deeply", _line_of(text, 0)
    raise BadInput(source, [Fault(field=where, value=near, because=because)])


class _Loader(yaml.SafeLoader):
    """Refuses what others pass over in silence: a key that stands twice, and aliases that unfold without end."""

    def get_single_data(self) -> Any:
        node = self.get_single_node()
        if node is None:
            return None
        self._count(node, {})
        return self.construct_document(node)

    def _count(self, node: yaml.Node, counted: dict[int, int | None]) -> int:
        """How many values a node unfolds to; None stands for a node that is being counted."""
        if id(node) in counted:
            known = counted[id(node)]
            if known is None:
                raise yaml.MarkedYAMLError(problem="an alias holds itself", problem_mark=node.start_mark)
            return known
        counted[id(node)] = None
        count = 1 + sum(self._count(part, counted) for part in _parts(node))
        if count > MAX_VALUES:
            raise yaml.MarkedYAMLError(problem=f"unfolds to more than {MAX_VALUES} values", problem_mark=node.start_mark)
        counted[id(node)] = count
        return count


def _parts(node: yaml.Node) -> list[yaml.Node]:
    """What a list or a mapping holds, keys included."""
    if isinstance(node, yaml.MappingNode):
        keys = set[tuple[str, str]]()
        for key, _ in node.value:
            named = (key.tag, str(key.value))
            if named in keys and isinstance(key, yaml.ScalarNode) and key.tag != _MERGE:
                raise yaml.MarkedYAMLError(problem=f"the key {key.value!r} stands twice", problem_mark=key.start_mark)
            keys.add(named)
        return [each for pair in node.value for each in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _line_of(text: str, number: int) -> str:
    """A line of the file, cut, so that whoever reads the fault need not count."""
    lines = text.splitlines()
    return lines[number].strip()[:60] if number < len(lines) else ""


def load_config(model: type[ConfigT], path: Path | None) -> ConfigT:
    """The model's defaults, overridden by the YAML file at ``path`` (None: defaults). Raises BadInput naming every fault."""
    data = None if path is None else read_yaml(path)
    return validate_config(model, {} if data is None else data, source=path or "defaults")


def validate_config(model: type[ConfigT], data: Any, *, source: Path | str) -> ConfigT:
    """Validate already parsed ``data``. Raises BadInput that names ``source``, and the field and value of every fault."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = [Fault(field=field or "(top)", value=value, because=because) for field, value, because in faults_in(error)]
        raise BadInput(source, faults) from error


def faults_in(error: ValidationError) -> Iterator[tuple[str, object, str]]:
    """Field (its parts joined by dots), value and reason of everything that is wrong. A list whose items are at fault is not told
    to be too short besides."""
    items = error.errors(include_url=False)
    for item in items:
        place = item["loc"]
        within = any(len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in items)
        if item["type"] == "too_short" and within:
            continue
        because = _PLAIN_WORDS.get(item["type"]) or item["msg"].removeprefix("Value error, ")
        if because == _FIELDS and item["input"] is None:
            because = f"is missing; it {_FIELDS}"
        yield ".".join(str(part) for part in place), item["input"], because
