# SPDX-License-Identifier: Apache-2.0
"""Says what a world or a scenario uses that a simulator lacks, before anybody waits for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from xml.etree import ElementTree as ET

from patrol.errors import BadInput, Fault
from sim.scenario import Scenario, read_scenario
from sim.sdf import read_world
from sim.surfaces import SURFACES
from sim.weather import Sky


class Simulated(StrEnum):
    """The simulators that a world can be loaded into."""

    EMBEDDED = "embedded"
    GAZEBO_11 = "gazebo11"
    HARMONIC = "harmonic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lack:
    """``place`` in the file uses something that ``backends`` do not have; ``because`` says what happens there instead."""

    place: str
    backends: tuple[Simulated, ...]
    because: str


_BOTH_GAZEBOS = (Simulated.GAZEBO_11, Simulated.HARMONIC)
_EMBEDDED = (Simulated.EMBEDDED,)
# Elements of SDF 1.7 that one simulator or another does without: where they stand, who lacks them, and what happens.
_ELEMENTS: dict[str, tuple[tuple[Simulated, ...], str]] = {
    "plugin": (_EMBEDDED, "plugins are not run"),
    "actor": (_EMBEDDED, "actors stand in a scenario, not in a world"),
    "include": (_EMBEDDED, "other files are not included"),
    "mesh": (_EMBEDDED, "meshes are not read; boxes, cylinders, spheres and planes are"),
    "heightmap": ((Simulated.EMBEDDED,), "the ground is made of boxes and planes"),
    "polyline": (_EMBEDDED, "outlines are not read"),
    "ellipsoid": ((Simulated.EMBEDDED, Simulated.GAZEBO_11), "only Harmonic has ellipsoids"),
    "capsule": ((Simulated.EMBEDDED, Simulated.GAZEBO_11), "only Harmonic has capsules"),
    "sensor": (_EMBEDDED, "sensors are those of the robot's description"),
    "joint": (_EMBEDDED, "nothing in a world moves but robots and actors"),
    "pbr": ((Simulated.EMBEDDED, Simulated.GAZEBO_11), "only Harmonic draws such materials"),
    "script": ((Simulated.EMBEDDED, Simulated.HARMONIC), "material scripts are Gazebo 11's"),
    "road": ((Simulated.EMBEDDED, Simulated.HARMONIC), "roads are Gazebo 11's"),
    "population": ((Simulated.EMBEDDED, Simulated.HARMONIC), "populations are Gazebo 11's"),
    "visibility_flags": ((Simulated.EMBEDDED, Simulated.GAZEBO_11), "is read from SDF 1.7 but has no effect"),
    "particle_emitter": ((Simulated.EMBEDDED, Simulated.GAZEBO_11), "particles are not drawn"),
}


def check_world(path: Path) -> tuple[Lack, ...]:
    """What the world at ``path`` uses that some simulator lacks. Raises BadInput for a file that is not SDF of one world, and,
    where no simulator's lack explains it, for what the shared subset does not hold."""
    world = _world(path)
    lacks = [
        Lack(place=place, backends=_ELEMENTS[element.tag][0], because=_ELEMENTS[element.tag][1])
        for element, place in _walk(world, "world")
        if element.tag in _ELEMENTS
    ]
    if not lacks:
        read_world(path)
        lacks += _see_through(world)
        lacks += _plain_surfaces(world)
    return tuple(lacks)


def check_scenario(path: Path) -> tuple[Lack, ...]:
    """What a scenario asks for, besides its world. Raises BadInput."""
    return (*check_world(read_scenario(path).world), *_asked(read_scenario(path)))


def _asked(scenario: Scenario) -> list[Lack]:
    because = "a revolution of the lidar is taken at one moment: motion does not skew it"
    lacks = [
        Lack(place="robot", backends=_BOTH_GAZEBOS, because=because),
        Lack(place="robot", backends=(Simulated.HARMONIC,), because="a dock does not charge the battery"),
        Lack(place="robot", backends=(Simulated.HARMONIC,), because="the wheels go on when commands cease"),
    ]
    if scenario.actors:
        lacks.append(Lack(place="actors", backends=(Simulated.HARMONIC,), because="nobody moves them there yet"))
        lacks.append(
            Lack(
                place="actors", backends=(Simulated.GAZEBO_11,), because="are seen by cameras and lidar, but robots pass through"
            )
        )
    if scenario.weather is not Sky.CLEAR:
        lacks.append(Lack(place="weather", backends=(Simulated.HARMONIC,), because="nothing is seen or measured of it"))
    for index, fault in enumerate(scenario.faults):
        because = f"{fault.kind} is not simulated"
        lacks.append(Lack(place=f"faults[{index}]", backends=(Simulated.HARMONIC,), because=because))
    return lacks


def _world(path: Path) -> ET.Element:
    try:
        root = ET.fromstring(path.read_bytes())
    except (OSError, ET.ParseError) as error:
        raise BadInput(path, [Fault(field="(file)", value=str(path), because=f"is not SDF: {error}")]) from error
    world = root.find("world")
    if root.tag != "sdf" or world is None:
        raise BadInput(path, [Fault(field="sdf", value=root.tag, because="must hold one world")])
    return world


def _walk(element: ET.Element, place: str) -> list[tuple[ET.Element, str]]:
    found = []
    for child in element:
        name = child.get("name")
        where = f"{place}/{child.tag}" + (f"[{name}]" if name else "")
        found += [(child, where), *_walk(child, where)]
    return found


def _see_through(world: ET.Element) -> list[Lack]:
    if any(visual.get("name", "").startswith("fence_") for visual in world.iter("visual")):
        because = "chain link hides what is behind it from the thermal camera"
        return [Lack(place="visual[fence_*]", backends=_BOTH_GAZEBOS, because=because)]
    return []


def _plain_surfaces(world: ET.Element) -> list[Lack]:
    unknown = sorted({name.rpartition("_")[0] or name for visual in world.iter("visual") if (name := visual.get("name", ""))})
    return [
        Lack(place=f"visual[{surface}]", backends=_EMBEDDED, because="is no known surface: plain paint, without texture")
        for surface in unknown
        if surface not in SURFACES
    ]
