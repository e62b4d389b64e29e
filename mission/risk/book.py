# SPDX-License-Identifier: Apache-2.0
"""The register of weights on disk: one signed change a line, only ever appended; and what the weights mean for the places of a
walk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import ValidationError
from shapely.geometry import Point

from mission.risk.effort import EffortConfig, visit_shares
from mission.risk.register import BASE_WEIGHT, Change, Register
from mission.risk.signals import Report, Subject, SubjectKind
from patrol.config import Config
from patrol.errors import BadInput, Fault
from patrol.geometry import Pose2
from patrol.site import Site

_BESIDE_M = 12.0
"""A place this close to a building or a gate sees it."""


class ChangeLine(Config):
    """One change as it stands in the file."""

    number: int
    stamp_ns: int
    by: str
    because: str
    action: Literal["add", "withdraw", "expire"]
    report: Report
    before: str
    signature_hex: str

    def change(self) -> Change:
        return Change(**{name: getattr(self, name) for name in type(self).model_fields})


def read_register(path: Path) -> Register:
    """The register at ``path``, empty where there is no file yet. Raises BadInput naming the line that can not be read;
    whether the changes are good is for ``Register.verify`` to say."""
    if not path.exists():
        return Register()
    changes = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            changes.append(ChangeLine.model_validate_json(line).change())
        except ValidationError as error:
            raise BadInput(path, [Fault(field=f"line {number}", value="...", because=str(error.errors()[0]["msg"]))]) from error
    return Register(changes=tuple(changes))


def append_changes(path: Path, before: Register, after: Register) -> None:
    """Add the changes of ``after`` that ``before`` does not have, and wait until they are on disk. Raises OSError."""
    with path.open("ab") as file:
        for change in after.changes[len(before.changes) :]:
            fields = {**asdict(change), "report": change.report.model_dump(mode="json")}
            file.write(ChangeLine.model_validate(fields).model_dump_json().encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def place_weights(
    register: Register, site: Site, places: Mapping[str, Pose2], now_ns: int, config: EffortConfig | None = None
) -> dict[str, float]:
    """What each place weighs, by name, with a mean of one: the heaviest subject that is seen from it counts, within the floor,
    the cap and the even part that no weight reaches beyond."""
    weights = register.weights(now_ns)
    raw = [
        max((weights.get(subject, BASE_WEIGHT) for subject in seen_from(name, at, site)), default=BASE_WEIGHT)
        for name, at in places.items()
    ]
    shares = visit_shares(np.array(raw), config)
    return dict(zip(places, (shares * len(places)).tolist(), strict=True))


def seen_from(name: str, at: Pose2, site: Site) -> Iterable[Subject]:
    """The subjects that a visit of a place looks after: itself, zones that it lies in, buildings and gates beside it."""
    point = Point(at.x_m, at.y_m)
    yield Subject(kind=SubjectKind.WAYPOINT, subject_id=name)
    yield Subject(kind=SubjectKind.ASSET, subject_id=name)
    for zone in site.zones:
        if zone.outline.distance(point) < 1.0:
            yield Subject(kind=SubjectKind.ZONE, subject_id=zone.zone_id)
    for building in site.buildings:
        if building.outline.distance(point) < _BESIDE_M:
            yield Subject(kind=SubjectKind.BUILDING, subject_id=building.building_id)
    for gate in site.gates:
        if gate.line.distance(point) < _BESIDE_M:
            yield Subject(kind=SubjectKind.GATE, subject_id=gate.gate_id)
