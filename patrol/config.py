# SPDX-License-Identifier: Apache-2.0
"""Configuration: small frozen models with working defaults. YAML only overrides; an unknown key is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from patrol.errors import BadInput, Fault


class Config(BaseModel):
    """Base of every configuration and wire model: frozen, no unknown keys, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


ConfigT = TypeVar("ConfigT", bound=BaseModel)


def read_yaml(path: Path) -> Any:
    """Parse one YAML file. Raises BadInput that names the line when it is not YAML, or when it can not be read."""
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(path, [Fault(field="(file)", value=str(path), because=f"can not be read: {error}")]) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "(file)"
        problem = getattr(error, "problem", None) or "is not YAML"
        raise BadInput(path, [Fault(field=where, value="...", because=str(problem))]) from error


def load_config(model: type[ConfigT], path: Path | None) -> ConfigT:
    """The model's defaults, overridden by the YAML file at ``path`` (None: defaults). Raises BadInput naming every fault."""
    return validate_config(model, {} if path is None else read_yaml(path) or {}, source=path or "defaults")


def validate_config(model: type[ConfigT], data: Any, *, source: Path | str) -> ConfigT:
    """Validate already parsed ``data``. Raises BadInput that names ``source``, and the field and value of every fault."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        faults = [
            Fault(field=".".join(str(part) for part in item["loc"]) or "(top)", value=item["input"], because=item["msg"])
            for item in error.errors(include_url=False)
        ]
        raise BadInput(source, faults) from error
