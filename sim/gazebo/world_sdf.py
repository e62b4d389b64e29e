# SPDX-License-Identifier: Apache-2.0
"""A whole world for one of the Gazebos: the world's own file as it is, with robots, actors and what that Gazebo needs besides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from patrol.geometry import Pose2
from patrol.site import Datum
from sim.gazebo.backends import FASTEST_FACTOR, PHYSICS_STEP_S, Flavour
from sim.gazebo.harmonic_sdf import add_robot_systems, add_world_systems, warm
from sim.gazebo.retro import surface_retro
from sim.gazebo.robot_sdf import add_gazebo_11_drive, add_robot, model_of
from sim.gazebo.scenery import SceneryPart
from sim.gazebo.sensors_sdf import add_sensors
from sim.gazebo.xml import put, put_all, words
from sim.robot import RobotModel
from sim.sdf import read_world
from sim.sky import daylight_for
from sim.weather import Sky, Weather

SCENERY = "scenery"
_SURFACE = re.compile(r"([a-z]+)_\d+\Z")
_SDF_VERSIONS = {Flavour.GAZEBO_11: "1.7", Flavour.HARMONIC: "1.9"}
_EAST_IS_X_DEG = {Flavour.GAZEBO_11: 180.0, Flavour.HARMONIC: 0.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorPart:
    """One rigid part of an actor: its mesh as a URI, and what its visual tells a ray."""

    name: str
    uri: str
    retro: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldPlan:
    """What goes into one world. ``robots`` stand where they start, by model name; ``actors`` have parts that the bridge moves.
    ``scenery`` takes the place of the world's own visuals in Gazebo 11."""

    world: Path
    datum: Datum
    weather: Weather
    robot: RobotModel
    robots: Mapping[str, Pose2]
    sensors: frozenset[str]
    actors: Mapping[str, tuple[ActorPart, ...]] = field(default_factory=dict)
    scenery: tuple[SceneryPart, ...] = ()


def write_world(plan: WorldPlan, flavour: Flavour) -> str:
    """The SDF text. Raises BadInput when the world's file is not in the shared subset."""
    read_world(plan.world)
    root = ET.fromstring(plan.world.read_bytes())
    root.set("version", _SDF_VERSIONS[flavour])
    world = root.find("world")
    if world is None:
        raise KeyError("world")
    _add_physics(world, plan, flavour)
    if plan.weather.veils:
        _dim(world, plan.weather)
    if flavour is Flavour.HARMONIC:
        add_world_systems(world)
        warm(world, plan.weather)
    else:
        if plan.scenery:
            _draw(world, plan.scenery)
        _tell_rays(world, plan)
        for name, parts in plan.actors.items():
            _add_actor(world, name, parts)
    for name, start in plan.robots.items():
        base = add_robot(world, plan.robot, name, start)
        add_sensors(base, plan.robot, plan.sensors, flavour, name)
        if flavour is Flavour.HARMONIC:
            add_robot_systems(model_of(world, name), plan.robot, plan.sensors)
        else:
            add_gazebo_11_drive(model_of(world, name))
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def world_name(path: Path) -> str:
    """The name that Gazebo's topics begin with. Raises BadInput."""
    return read_world(path).name


def _add_physics(world: ET.Element, plan: WorldPlan, flavour: Flavour) -> None:
    for tag in ("physics", "spherical_coordinates"):
        for old in world.findall(tag):
            world.remove(old)
    scene = world.find("scene")
    scene = scene if scene is not None else put(world, "scene")
    for old in scene.findall("shadows"):
        scene.remove(old)
    put(scene, "shadows", value=False)
    physics = put(world, "physics", name="steps", type="ode")
    factor = FASTEST_FACTOR if flavour is Flavour.GAZEBO_11 else 1.0
    put_all(physics, max_step_size=PHYSICS_STEP_S, real_time_factor=factor, real_time_update_rate=factor / PHYSICS_STEP_S)
    put_all(
        put(world, "spherical_coordinates"),
        surface_model="EARTH_WGS84",
        latitude_deg=repr(plan.datum.latitude_deg),
        longitude_deg=repr(plan.datum.longitude_deg),
        elevation=plan.datum.altitude_m,
        heading_deg=_EAST_IS_X_DEG[flavour],
    )


def _dim(world: ET.Element, weather: Weather) -> None:
    """The light of a grey day or of the night, as the embedded simulator has it; the camera's exposure does the rest."""
    daylight = daylight_for(night=weather.night, overcast=weather.sky is not Sky.CLEAR)
    scene = world.find("scene")
    lights = {"ambient": daylight.ambient, "background": daylight.horizon}
    for tag, colour in lights.items():
        for old in scene.findall(tag) if scene is not None else ():
            old.text = words((*colour, 1.0))
    above = np.add(daylight.sun, daylight.skylight)
    for diffuse in (element for light in world.findall("light") for element in light.findall("diffuse")):
        diffuse.text = words((*above, 1.0))


def surfaces(world: ET.Element) -> Iterable[tuple[ET.Element, str]]:
    """Every visual of the static world, and the surface that its name gives; empty where it gives none."""
    for visual in world.iter("visual"):
        match = _SURFACE.match(visual.get("name", ""))
        yield visual, match.group(1) if match else ""


def _draw(world: ET.Element, scenery: tuple[SceneryPart, ...]) -> None:
    """Take the world's own visuals away and draw ``scenery`` instead, where they were."""
    for link in world.iter("link"):
        for visual in link.findall("visual"):
            link.remove(visual)
    model = put(world, "model", name=SCENERY)
    put(model, "static", value=True)
    link = put(model, "link", name="link")
    for part in scenery:
        visual = put(link, "visual", name=f"{part.surface or 'plain'}_{part.name.rpartition('_')[2]}")
        put(put(put(visual, "geometry"), "mesh"), "uri", part.mesh_uri)
        put_all(put(put(visual, "material"), "script"), uri=part.folder_uri, name=part.material)


def _tell_rays(world: ET.Element, plan: WorldPlan) -> None:
    for visual, surface in surfaces(world):
        put(visual, "laser_retro", surface_retro(surface, plan.weather))


def _add_actor(world: ET.Element, name: str, parts: tuple[ActorPart, ...]) -> None:
    """A model without physics, below the ground until the bridge places its parts."""
    model = put(world, "model", name=name)
    put(model, "static", value=True)
    for part in parts:
        link = put(model, "link", name=part.name)
        put(link, "pose", "0 0 -60 0 0 0")
        visual = put(link, "visual", name="skin")
        put(visual, "laser_retro", part.retro)
        put(put(put(visual, "geometry"), "mesh"), "uri", part.uri)
