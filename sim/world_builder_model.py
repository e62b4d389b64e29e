# SPDX-License-Identifier: Apache-2.0
"""Static models of a world and how they are written as SDF.

Only the subset that Gazebo 11 (SDF 1.7) and current Gazebo both read: static models of one link with boxes, cylinders,
spheres and planes, plain materials, one directional light. A visual is called ``<surface>_<n>``; the surface tells a
simulator which texture to lay on it; an alpha below one in its colour means that one sees through it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree as ET

from patrol.errors import BadValue

Surface = Literal[
    "asphalt", "grass", "concrete", "brick", "metal", "fence", "glass", "foliage", "paint", "wood", "roof", "gravel"
]
Shape = Literal["box", "cylinder", "sphere", "plane"]
Colour = tuple[float, float, float, float]
Triple = tuple[float, float, float]

COLOURS: dict[Surface, Colour] = {
    "asphalt": (0.37, 0.37, 0.38, 1.0),
    "grass": (0.30, 0.42, 0.18, 1.0),
    "concrete": (0.62, 0.61, 0.58, 1.0),
    "brick": (0.55, 0.31, 0.23, 1.0),
    "metal": (0.55, 0.57, 0.60, 1.0),
    "fence": (0.55, 0.58, 0.58, 0.35),
    "glass": (0.16, 0.22, 0.28, 1.0),
    "foliage": (0.24, 0.40, 0.16, 1.0),
    "paint": (0.88, 0.88, 0.86, 1.0),
    "wood": (0.50, 0.36, 0.22, 1.0),
    "roof": (0.30, 0.28, 0.28, 1.0),
    "gravel": (0.55, 0.50, 0.44, 1.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One primitive in its model's frame.

    ``size_m`` is (x, y, z) of a box, (radius, length) of a cylinder, (radius,) of a sphere, (x, y) of a plane; ``at_m`` is
    its centre, ``rpy_deg`` fixed-axis roll, pitch, yaw. A part that is not ``solid`` is only seen; one that is not
    ``seen`` is only touched.
    """

    surface: Surface
    shape: Shape = "box"
    size_m: tuple[float, ...]
    at_m: Triple
    rpy_deg: Triple = (0.0, 0.0, 0.0)
    colour: Colour | None = None
    solid: bool = True
    seen: bool = True

    def __post_init__(self) -> None:
        wanted = {"box": 3, "cylinder": 2, "sphere": 1, "plane": 2}[self.shape]
        if len(self.size_m) != wanted or min(self.size_m) <= 0:
            raise BadValue(f"size_m: {self.size_m} is no size of a {self.shape}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A static model: where it stands in ``map``, and its parts."""

    name: str
    x_m: float = 0.0
    y_m: float = 0.0
    yaw_deg: float = 0.0
    parts: tuple[Part, ...]


def to_sdf(world_name: str, models: Iterable[Model]) -> str:
    """The world as SDF text. Raises BadValue when two models share a name."""
    root = ET.Element("sdf", version="1.7")
    root.append(ET.Comment(" SPDX-License-Identifier: Apache-2.0. Written by python -m sim.world_builder "))
    world = ET.SubElement(root, "world", name=world_name)
    _add_sky_and_sun(world)
    names: set[str] = set()
    for model in models:
        if model.name in names:
            raise BadValue(f"model: the name {model.name!r} stands twice")
        names.add(model.name)
        _add_model(world, model)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _add_sky_and_sun(world: ET.Element) -> None:
    scene = ET.SubElement(world, "scene")
    _text(scene, "ambient", "0.45 0.47 0.5 1")
    _text(scene, "background", "0.62 0.72 0.84 1")
    sun = ET.SubElement(world, "light", name="sun", type="directional")
    _text(sun, "cast_shadows", "true")
    _text(sun, "pose", "0 0 50 0 0 0")
    _text(sun, "diffuse", "0.85 0.83 0.78 1")
    _text(sun, "specular", "0.1 0.1 0.1 1")
    _text(sun, "direction", "-0.45 0.35 -0.82")


def _add_model(world: ET.Element, model: Model) -> None:
    element = ET.SubElement(world, "model", name=model.name)
    _text(element, "static", "true")
    _text(element, "pose", _numbers((model.x_m, model.y_m, 0.0, 0.0, 0.0, math.radians(model.yaw_deg))))
    link = ET.SubElement(element, "link", name="link")
    for index, part in enumerate(model.parts):
        name = f"{part.surface}_{index}"
        if part.solid:
            _add_shape(ET.SubElement(link, "collision", name=name), part)
        if part.seen:
            visual = ET.SubElement(link, "visual", name=name)
            _add_shape(visual, part)
            _add_material(visual, part.colour or COLOURS[part.surface])


def _add_shape(element: ET.Element, part: Part) -> None:
    _text(element, "pose", _numbers((*part.at_m, *(math.radians(angle) for angle in part.rpy_deg))))
    shape = ET.SubElement(ET.SubElement(element, "geometry"), part.shape)
    if part.shape == "box":
        _text(shape, "size", _numbers(part.size_m))
    elif part.shape == "plane":
        _text(shape, "normal", "0 0 1")
        _text(shape, "size", _numbers(part.size_m))
    else:
        _text(shape, "radius", _numbers(part.size_m[:1]))
        if part.shape == "cylinder":
            _text(shape, "length", _numbers(part.size_m[1:]))


def _add_material(visual: ET.Element, colour: Colour) -> None:
    material = ET.SubElement(visual, "material")
    _text(material, "ambient", _numbers(colour))
    _text(material, "diffuse", _numbers(colour))


def _text(parent: ET.Element, tag: str, text: str) -> None:
    ET.SubElement(parent, tag).text = text


def _numbers(values: Iterable[float]) -> str:
    return " ".join(f"{round(value, 4) + 0.0:.10g}" for value in values)
