# SPDX-License-Identifier: Apache-2.0
"""Labelled pictures with groups, in three formats: COCO with attributes, a CSV table, and what ``sim.dataset`` writes.

A group is the value of an attribute: ``age`` is an attribute, ``child`` one of its groups. Attributes of a person stand beside
the box, those of a picture (light, weather) beside the picture. Nothing is guessed: what is not labelled is left out.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from patrol.checks import Floats
from patrol.config import read_json, validate_config
from patrol.errors import BadInput, BadValue, Fault
from patrol.percepts import Box

COCO_FILE, CSV_FILE, RENDERED_FILE = "annotations.json", "people.csv", "labels.json"
LEAST_HEIGHT_PX, LEAST_VISIBLE = 26.0, 0.30
_BOX_COLUMNS = ("x0_px", "y0_px", "x1_px", "y1_px")
_PICTURE = "picture:"
_NEAR_M, _MIDDLE_M = 8.0, 15.0
Groups = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPerson:
    """One person in one picture. ``who`` is the same for one person in several pictures (empty: not known), so that they are not
    taken for several people. One that is not ``counted`` is too hidden or too small to be asked for."""

    box: Box
    groups: Groups
    who: str = ""
    counted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledPicture:
    """One picture with everybody in it."""

    path: Path
    people: tuple[LabelledPerson, ...]
    groups: Groups = field(default_factory=dict)

    def boxes(self, *, counted: bool) -> Floats:
        """Boxes (N, 4) px of those who count, or of those who do not."""
        rows = [
            (person.box.x0_px, person.box.y0_px, person.box.x1_px, person.box.y1_px)
            for person in self.people
            if person.counted is counted
        ]
        return np.array(rows, dtype=np.float64).reshape(-1, 4)


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class _RenderedBox(_Model):
    label: str
    box: tuple[float, float, float, float]
    visible: float
    distance_m: float
    groups: dict[str, str] = Field(default_factory=dict)
    who: str = ""


class _RenderedImage(_Model):
    file: str
    world: str
    weather: str
    night: bool
    boxes: tuple[_RenderedBox, ...] = ()


class _Rendered(_Model):
    images: tuple[_RenderedImage, ...]


class _CocoImage(_Model):
    id: int
    file_name: str
    attributes: dict[str, str] = Field(default_factory=dict)


class _CocoCategory(_Model):
    id: int
    name: str


class _CocoAnnotation(_Model):
    image_id: int
    category_id: int
    bbox: tuple[float, float, float, float]
    iscrowd: int = 0
    attributes: dict[str, str] = Field(default_factory=dict)
    who: str = ""


class _Coco(_Model):
    images: tuple[_CocoImage, ...]
    annotations: tuple[_CocoAnnotation, ...]
    categories: tuple[_CocoCategory, ...]


def read_labels(folder: Path) -> tuple[LabelledPicture, ...]:
    """All labelled pictures of ``folder``, from the one of the three files that is there. Raises BadInput naming every fault."""
    readers = {COCO_FILE: _read_coco, CSV_FILE: _read_csv, RENDERED_FILE: _read_rendered}
    there = [name for name in readers if (folder / name).is_file()]
    if len(there) != 1:
        because = f"one of {', '.join(readers)} is wanted, and only one"
        raise BadInput(folder, [Fault(field="labels", value=there, because=because)])
    pictures = readers[there[0]](folder, folder / there[0])
    missing = [picture.path.name for picture in pictures if not picture.path.is_file()]
    if missing or not pictures:
        because = "there is no such picture" if missing else "names no picture"
        raise BadInput(folder / there[0], [Fault(field="file", value=name, because=because) for name in missing[:20] or [""]])
    return pictures


def _read_rendered(folder: Path, path: Path) -> tuple[LabelledPicture, ...]:
    parsed = validate_config(_Rendered, read_json(path), source=path)
    return tuple(
        LabelledPicture(
            path=folder / image.file,
            people=tuple(
                _person(item.box, {**item.groups, "distance": _band(item.distance_m)}, who=item.who, visible=item.visible)
                for item in image.boxes
                if item.label == "person"
            ),
            groups={"light": "night" if image.night else "day", "weather": image.weather, "place": image.world},
        )
        for image in parsed.images
    )


def _read_coco(folder: Path, path: Path) -> tuple[LabelledPicture, ...]:
    parsed = validate_config(_Coco, read_json(path), source=path)
    persons = {category.id for category in parsed.categories if category.name.casefold() == "person"}
    if not persons:
        raise BadInput(path, [Fault(field="categories", value="", because="there is no category called person")])
    people: dict[int, list[LabelledPerson]] = defaultdict(list)
    for item in parsed.annotations:
        if item.category_id in persons:
            x, y, width, height = item.bbox
            corners = (x, y, x + width, y + height)
            people[item.image_id].append(_person(corners, item.attributes, who=item.who, visible=1.0 - item.iscrowd, source=path))
    return tuple(
        LabelledPicture(path=folder / image.file_name, people=tuple(people[image.id]), groups=image.attributes)
        for image in parsed.images
    )


def _read_csv(folder: Path, path: Path) -> tuple[LabelledPicture, ...]:
    """One line a person: ``file``, the box, ``who`` if known, and a column for every attribute; those of the picture are called
    ``picture:NAME``. A line without a box is a picture without people. An empty cell is not labelled."""
    people: dict[str, list[LabelledPerson]] = defaultdict(list)
    groups: dict[str, dict[str, str]] = defaultdict(dict)
    for number, row in enumerate(_rows(path), 2):
        name = row["file"]
        groups[name] |= {key.removeprefix(_PICTURE): value for key, value in row.items() if key.startswith(_PICTURE) and value}
        people[name] += _csv_person(row, path, number)
    return tuple(LabelledPicture(path=folder / name, people=tuple(found), groups=groups[name]) for name, found in people.items())


def _csv_person(row: dict[str, str], path: Path, number: int) -> list[LabelledPerson]:
    cells = [row[column] for column in _BOX_COLUMNS]
    if not any(cells):
        return []
    own = {"file", "who", *_BOX_COLUMNS}
    attributes = {key: value for key, value in row.items() if key not in own and not key.startswith(_PICTURE) and value}
    try:
        corners = (float(cells[0]), float(cells[1]), float(cells[2]), float(cells[3]))
    except ValueError as error:
        raise BadInput(path, [Fault(field=f"line {number}", value=cells, because="the box is not four numbers")]) from error
    return [_person(corners, attributes, who=row.get("who", ""), visible=1.0, source=path)]


def _rows(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, restval="")
            names = reader.fieldnames or ()
            rows = [{key: value.strip() for key, value in row.items() if key is not None} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(path, [Fault(field="(file)", value=path.name, because=f"can not be read: {error}")]) from error
    missing = [column for column in ("file", *_BOX_COLUMNS) if column not in names]
    if missing:
        raise BadInput(path, [Fault(field="columns", value=list(names), because=f"{', '.join(missing)} are missing")])
    return rows


def _person(
    corners: tuple[float, float, float, float], groups: Groups, *, who: str, visible: float, source: Path | str = "labels"
) -> LabelledPerson:
    try:
        box = Box(x0_px=corners[0], y0_px=corners[1], x1_px=corners[2], y1_px=corners[3])
    except BadValue as error:
        raise BadInput(source, [Fault(field="box", value=corners, because="is empty")]) from error
    counted = visible >= LEAST_VISIBLE and box.height_px >= LEAST_HEIGHT_PX
    return LabelledPerson(box=box, groups=dict(groups), who=who, counted=counted)


def _band(distance_m: float) -> str:
    if distance_m < _NEAR_M:
        return f"nearer than {_NEAR_M:g} m"
    return f"{_NEAR_M:g} to {_MIDDLE_M:g} m" if distance_m < _MIDDLE_M else f"{_MIDDLE_M:g} m and farther"
