# SPDX-License-Identifier: Apache-2.0
"""Rule files: the rules that every site begins with, and what a site or an operator changes of them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from patrol.config import read_yaml, validate_config
from patrol.errors import BadInput, Fault
from patrol.site import Site
from perception.rulebook.config import KINDS, RuleBook
from perception.rulebook.ground_plan import faults_with

DEFAULT_RULES = Path(__file__).with_name("default.yaml")
_SITE_RULES = ".rules.yaml"


def site_rules_path(site_path: Path) -> Path:
    """Where a site's own changes to the rules lie: ``NAME.rules.yaml`` beside ``NAME.geojson``."""
    return site_path.with_name(site_path.stem + _SITE_RULES)


@cache
def default_book() -> RuleBook:
    """The rules that every site begins with."""
    return validate_config(RuleBook, read_yaml(DEFAULT_RULES), source=DEFAULT_RULES)


def read_book(path: Path, site: Site | None = None) -> RuleBook:
    """The default rules with the changes of the file at ``path``. Raises BadInput that names file, field and value, also of zones
    and gates that ``site`` does not have."""
    read = read_yaml(path)
    data = {} if read is None else read
    if not isinstance(data, dict):
        raise BadInput(path, [Fault(field="(top)", value=data, because="is no mapping")])
    rules = changed(read_yaml(DEFAULT_RULES), data, path)
    try:
        book = validate_config(RuleBook, rules, source=path)
    except BadInput as error:
        raise BadInput(path, [_by_name(fault, rules["rules"]) for fault in error.faults]) from error
    faults = () if site is None else faults_with(book, site)
    if faults:
        raise BadInput(path, faults)
    return book


def _by_name(fault: Fault, rules: list[Any]) -> Fault:
    """The fault with the rule's name in place of its number, which a reader of the file can not count."""
    parts = fault.field.split(".")
    if len(parts) < 2 or parts[0] != "rules" or not parts[1].isdigit():
        return fault
    kinds = {kind for kind in KINDS if kind in parts[2:3]}
    rest = [part for part in parts[2:] if part not in kinds]
    field = ".".join([f"rules[{rules[int(parts[1])].get('name')}]", *rest])
    return Fault(field=field, value=fault.value, because=fault.because)


def book_for(site_path: Path | None, rules_path: Path | None, site: Site | None) -> RuleBook:
    """The rules that hold: those of ``rules_path``, else of the site's own file, else the default ones. Raises BadInput."""
    beside = None if site_path is None else site_rules_path(site_path)
    path = rules_path or (beside if beside is not None and beside.is_file() else None)
    return default_book() if path is None else read_book(path, site)


def changed(base: dict[str, Any], change: dict[str, Any], source: Path) -> dict[str, Any]:
    """``base`` with what ``change`` says otherwise. Rules go by name: a known one is changed in the fields that are named (a
    limit of null is taken away), a new one is added; ``inherit: false`` begins without rules. Raises BadInput for rules without
    a name."""
    inherits = change.get("inherit", True)
    if not isinstance(inherits, bool):
        raise BadInput(source, [Fault(field="inherit", value=inherits, because="is neither true nor false")])
    rules: dict[str, Any] = {rule["name"]: rule for rule in base["rules"]} if inherits else {}
    given = change.get("rules", [])
    if not isinstance(given, list):
        raise BadInput(source, [Fault(field="rules", value=given, because="is no list")])
    seen = set[str]()
    for number, rule in enumerate(given):
        name = rule.get("name") if isinstance(rule, dict) else None
        if not isinstance(name, str):
            raise BadInput(source, [Fault(field=f"rules.{number}.name", value=name, because="is needed, as text")])
        if name in seen:
            raise BadInput(source, [Fault(field=f"rules.{number}.name", value=name, because="two rules have this name")])
        seen.add(name)
        rules[name] = _merged(rules[name], rule) if name in rules else rule
    rest = {key: value for key, value in change.items() if key not in ("rules", "inherit")}
    return {**{key: value for key, value in base.items() if key != "rules"}, **rest, "rules": list(rules.values())}


def _merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    merged = {**base, **change}
    if isinstance(base.get("limits"), dict) and isinstance(change.get("limits"), dict):
        limits = {**base["limits"], **change["limits"]}
        merged["limits"] = {name: limit for name, limit in limits.items() if limit is not None}
    return merged
