# SPDX-License-Identifier: Apache-2.0
"""Reads worlds in the SDF subset that Gazebo 11 (SDF 1.7) and current Gazebo share.

Subset: one ``world`` with ``gravity``, ``scene``, ``physics``, ``spherical_coordinates``, directional ``light``s and static
``model``s; in a model ``static``, ``pose`` and ``link``s; in a link ``pose``, ``visual``s and ``collision``s; shapes ``box``,
``cylinder``, ``sphere``, ``plane``; in a material ``ambient``, ``diffuse``, ``specular``, ``emissive``. Poses nest world →
model → link → shape (fixed-axis roll, pitch, yaw in radians). A visual is named ``<surface>_<n>``; Gazebo draws its colours,
the embedded simulator gives known surfaces a texture. Everything else is refused with its place in the file.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree as ET

import numpy as np

from patrol.checks import Floats
from patrol.errors import BadInput, Fault
from patrol.geometry import Pose3

ShapeKind = Literal["box", "cylinder", "sphere", "plane"]
Rgba = tuple[float, float, float, float]
IDENTITY3 = Pose3(np.zeros(3), np.eye(3))
GREY: Rgba = (0.6, 0.6, 0.6, 1.0)

_IGNORED_IN_WORLD = frozenset({"gravity", "scene", "physics", "spherical_coordinates"})
_CHILDREN: dict[str, frozenset[str]] = {
    "world": frozenset({"light", "model"}) | _IGNORED_IN_WORLD,
    "model": frozenset({"static", "pose", "link"}),
    "link": frozenset({"pose", "visual", "collision"}),
    "visual": frozenset({"pose", "geometry", "material", "cast_shadows"}),
    "collision": frozenset({"pose", "geometry", "surface"}),
    "material": frozenset({"ambient", "diffuse", "specular", "emissive"}),
    "light": frozenset({"pose", "direction", "diffuse", "specular", "cast_shadows", "attenuation", "intensity"}),
    "geometry": frozenset({"box", "cylinder", "sphere", "plane"}),
    "box": frozenset({"size"}),
    "cylinder": frozenset({"radius", "length"}),
    "sphere": frozenset({"radius"}),
    "plane": frozenset({"normal", "size"}),
}
_NAMED = frozenset({"world", "model", "link", "visual", "collision", "light"})
_SURFACE = re.compile(r"([a-z]+)_\d+\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """``size_m``: box (x, y, z), cylinder (radius, length along z), sphere (radius,), plane (x, y; its normal is +z)."""

    kind: ShapeKind
    size_m: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visual:
    """What is drawn: ``name`` is ``model/link/visual``; ``surface`` is empty when the name does not give one."""

    name: str
    surface: str
    world_from_shape: Pose3
    shape: Shape
    diffuse: Rgba


@dataclass(frozen=True, slots=True, kw_only=True)
class Collision:
    """What lidar and robots meet."""

    name: str
    surface: str
    world_from_shape: Pose3
    shape: Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Sun:
    """A directional light: unit ``direction`` (3,) in the world, the way the light travels."""

    direction: Floats
    diffuse: Rgba


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A static world, flattened into the world frame (ENU, metres)."""

    name: str
    visuals: tuple[Visual, ...]
    collisions: tuple[Collision, ...]
    suns: tuple[Sun, ...]


def read_world(path: Path) -> World:
    """Read the SDF file at ``path``. Raises BadInput that names every element outside the subset."""
    try:
        root = ET.fromstring(path.read_bytes())
    except OSError as error:
        raise BadInput(path, [Fault(field="(file)", value=str(path), because=f"can not be read: {error}")]) from error
    except ET.ParseError as error:
        line, column = error.position
        raise BadInput(
            path, [Fault(field=f"line {line}, column {column}", value="...", because=f"is not XML: {error}")]
        ) from error
    reader = _Reader()
    world = reader.world(root)
    if reader.faults:
        raise BadInput(path, reader.faults)
    return world


@dataclass(slots=True)
class _Reader:
    """Walks the document; notes every fault instead of stopping at the first."""

    faults: list[Fault] = field(default_factory=list)
    visuals: list[Visual] = field(default_factory=list)
    collisions: list[Collision] = field(default_factory=list)
    suns: list[Sun] = field(default_factory=list)

    def world(self, root: ET.Element) -> World:
        worlds = root.findall("world") if root.tag == "sdf" else []
        if len(worlds) != 1 or len(root) != 1:
            self.refuse("sdf", [child.tag for child in root], "must hold one world and nothing else")
            return World(name="", visuals=(), collisions=(), suns=())
        world = worlds[0]
        where = self.check(world, "sdf")
        self.unique_names(world, where)
        for light in world.findall("light"):
            self.light(light, where)
        for model in world.findall("model"):
            self.model(model, where)
        return World(
            name=world.get("name", ""),
            visuals=tuple(self.visuals),
            collisions=tuple(self.collisions),
            suns=tuple(self.suns),
        )

    def light(self, element: ET.Element, parent: str) -> None:
        where = self.check(element, parent)
        if element.get("type") != "directional":
            self.refuse(where, element.get("type"), "only directional lights are in the subset")
        direction = np.array(self.numbers(element, "direction", where, 3, default=(0.0, 0.0, -1.0)))
        length = float(np.linalg.norm(direction))
        if length < 1e-6:
            self.refuse(f"{where}/direction", element.findtext("direction"), "has no length")
            return
        self.suns.append(Sun(direction=direction / length, diffuse=self.colour(element, "diffuse", where, default=(1, 1, 1, 1))))

    def model(self, element: ET.Element, parent: str) -> None:
        where = self.check(element, parent)
        self.unique_names(element, where)
        if (element.findtext("static") or "").strip() not in ("true", "1"):
            self.refuse(f"{where}/static", element.findtext("static"), "every model of a world must be static")
        world_from_model = self.pose(element, where)
        for link in element.findall("link"):
            self.link(link, where, f"{element.get('name')}/{link.get('name')}", world_from_model)

    def link(self, element: ET.Element, parent: str, name: str, world_from_model: Pose3) -> None:
        where = self.check(element, parent)
        self.unique_names(element, where)
        world_from_link = world_from_model @ self.pose(element, where)
        for child in [*element.findall("visual"), *element.findall("collision")]:
            place = self.check(child, where)
            world_from_shape = world_from_link @ self.pose(child, place)
            shape = self.shape(child, place)
            if shape is None:
                continue
            full = f"{name}/{child.get('name')}"
            match = _SURFACE.match(child.get("name", ""))
            surface = match.group(1) if match else ""
            if child.tag == "collision":
                self.collisions.append(Collision(name=full, surface=surface, world_from_shape=world_from_shape, shape=shape))
                continue
            diffuse = self.material(child, place)
            self.visuals.append(
                Visual(name=full, surface=surface, world_from_shape=world_from_shape, shape=shape, diffuse=diffuse)
            )

    def material(self, element: ET.Element, where: str) -> Rgba:
        material = element.find("material")
        if material is None:
            return GREY
        place = self.check(material, where)
        self.colour(material, "ambient", place, default=GREY)
        return self.colour(material, "diffuse", place, default=GREY)

    def shape(self, element: ET.Element, where: str) -> Shape | None:
        geometry = element.find("geometry")
        if geometry is None:
            self.refuse(f"{where}/geometry", None, "is missing")
            return None
        place = self.check(geometry, where)
        if len(geometry) != 1 or geometry[0].tag not in _CHILDREN["geometry"]:
            self.refuse(place, [child.tag for child in geometry], "must hold one box, cylinder, sphere or plane")
            return None
        primitive = geometry[0]
        inside = self.check(primitive, place)
        return self.primitive(primitive, inside)

    def primitive(self, element: ET.Element, where: str) -> Shape | None:
        size: tuple[float, ...]
        if element.tag == "box":
            kind, size = "box", self.numbers(element, "size", where, 3)
        elif element.tag == "cylinder":
            kind, size = "cylinder", self.numbers(element, "radius", where, 1) + self.numbers(element, "length", where, 1)
        elif element.tag == "sphere":
            kind, size = "sphere", self.numbers(element, "radius", where, 1)
        else:
            kind, size = "plane", self.numbers(element, "size", where, 2, default=(1.0, 1.0))
            if self.numbers(element, "normal", where, 3, default=(0.0, 0.0, 1.0)) != (0.0, 0.0, 1.0):
                self.refuse(f"{where}/normal", element.findtext("normal"), "must be 0 0 1; turn the plane by its pose")
        if min(size) <= 0.0:
            self.refuse(where, size, "sizes must be above zero")
            return None
        kinds: dict[str, ShapeKind] = {"box": "box", "cylinder": "cylinder", "sphere": "sphere", "plane": "plane"}
        return Shape(kind=kinds[kind], size_m=size)

    def pose(self, element: ET.Element, where: str) -> Pose3:
        pose = element.find("pose")
        if pose is None:
            return IDENTITY3
        for attribute in pose.attrib:
            self.refuse(f"{where}/pose@{attribute}", pose.get(attribute), "pose attributes are outside the subset")
        return Pose3.from_xyz_rpy(*self.numbers(element, "pose", where, 6))

    def colour(self, element: ET.Element, tag: str, where: str, *, default: Rgba) -> Rgba:
        values = self.numbers(element, tag, where, 4, default=default)
        if not all(0.0 <= value <= 1.0 for value in values):
            self.refuse(f"{where}/{tag}", element.findtext(tag), "colours lie within 0..1")
            return default
        return (values[0], values[1], values[2], values[3])

    def numbers(
        self, element: ET.Element, tag: str, where: str, count: int, *, default: tuple[float, ...] | None = None
    ) -> tuple[float, ...]:
        """``count`` finite numbers from the child ``tag``; the default (else ones) when it is missing or faulty."""
        fallback = default if default is not None else (1.0,) * count
        text = element.findtext(tag)
        if text is None:
            if default is None:
                self.refuse(f"{where}/{tag}", None, "is missing")
            return fallback
        try:
            values = tuple(float(word) for word in text.split())
        except ValueError:
            values = ()
        if len(values) != count or not all(math.isfinite(value) for value in values):
            self.refuse(f"{where}/{tag}", text, f"must be {count} finite number(s)")
            return fallback
        return values

    def check(self, element: ET.Element, parent: str) -> str:
        """Note children outside the subset and missing names; return the element's place in words."""
        name = element.get("name")
        where = f"{parent}/{element.tag}" + (f"[{name}]" if name else "")
        if element.tag in _NAMED and not name:
            self.refuse(where, None, "needs a name")
        allowed = _CHILDREN[element.tag]
        for child in element:
            if child.tag not in allowed:
                self.refuse(f"{where}/{child.tag}", (child.text or "").strip() or child.get("name"), "is outside the subset")
        return where

    def unique_names(self, element: ET.Element, where: str) -> None:
        seen: set[tuple[str, str]] = set()
        for child in element:
            key = (child.tag, child.get("name", ""))
            if child.tag in _NAMED and key in seen:
                self.refuse(f"{where}/{child.tag}[{key[1]}]", key[1], "names must differ")
            seen.add(key)

    def refuse(self, place: str, value: object, because: str) -> None:
        self.faults.append(Fault(field=place, value=value, because=because))
