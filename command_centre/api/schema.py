# SPDX-License-Identifier: Apache-2.0
"""The JSON schema that the page's types are made from: ``python -m command_centre.api.schema`` writes it beside the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from command_centre.api import browser, requests
from patrol.operations import CommandKind, Mode
from patrol.sei import PictureMetadata

PATH = Path(__file__).resolve().parents[1] / "web" / "wire.schema.json"
_CHANGES = (
    browser.Snapshot,
    browser.RobotChanged,
    browser.LinkChanged,
    browser.TelemetryChanged,
    browser.MapChanged,
    browser.RouteChanged,
    browser.BeliefsChanged,
    browser.VideoChanged,
    browser.OutcomeAdded,
    browser.AlertChanged,
    browser.CommandChanged,
    browser.Pulse,
)
_REQUESTS = (
    requests.SignInRequest,
    requests.NewPassword,
    requests.AlertNote,
    requests.CommandRequest,
    requests.ZonesRequest,
    requests.VideoOffer,
)
_OTHERS: tuple[type[BaseModel], ...] = (
    browser.WhoView,
    *_REQUESTS,
    browser.ZonesView,
    requests.VideoAnswer,
    requests.AuditEntry,
    requests.AuditVerdictView,
    requests.Problem,
    PictureMetadata,
)


def wire_schema() -> dict[str, Any]:
    """One schema whose root refers to every model that the page uses; ``ToBrowser`` is the union of live messages."""
    models: tuple[type[BaseModel], ...] = (*_CHANGES, *_OTHERS)
    _, schema = models_json_schema([(model, "serialization") for model in models])
    requested = {model.__name__ for model in _REQUESTS}
    definitions = {name: _definition(each, complete=name not in requested) for name, each in schema["$defs"].items()}
    definitions["CommandKind"] = {"enum": [kind.value for kind in CommandKind]}
    definitions["Mode"] = {"enum": [mode.value for mode in Mode]}
    definitions["ToBrowser"] = {"anyOf": [_reference(model.__name__) for model in _CHANGES]}
    return {
        "title": "Wire",
        "description": "Made by command_centre/api/schema.py from the service's own models.",
        "type": "object",
        "properties": {name: _reference(name) for name in sorted(definitions)},
        "$defs": dict(sorted(definitions.items())),
    }


def schema_text() -> str:
    """The schema as it is kept in the file."""
    return json.dumps(wire_schema(), indent=1, ensure_ascii=False) + "\n"


def _reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/$defs/{name}"}


def _definition(definition: dict[str, Any], *, complete: bool) -> dict[str, Any]:
    """One model for the type maker: ``complete`` says that fields with defaults are always sent."""
    if "properties" not in definition:
        return definition
    properties = {name: _property(each) for name, each in definition["properties"].items()}
    required = {"required": list(properties)} if complete else {}
    return {**definition, "properties": properties, **required}


def _property(node: Any) -> Any:
    """Without titles, which would become a type name each, and with tuples as the older drafts of JSON Schema write them."""
    if isinstance(node, list):
        return [_property(each) for each in node]
    if not isinstance(node, dict):
        return node
    renamed = {"items" if key == "prefixItems" else key: _property(value) for key, value in node.items() if key != "title"}
    return {**renamed, "additionalItems": False} if "prefixItems" in node else renamed


if __name__ == "__main__":
    PATH.write_text(schema_text(), "utf-8")
