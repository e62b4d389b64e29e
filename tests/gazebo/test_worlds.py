# SPDX-License-Identifier: Apache-2.0
"""Generated worlds: the world's own file unchanged, one robot for both Gazebos, and what each of them is told besides."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.errors import BadInput
from patrol.geometry import Pose2
from patrol.site_file import read_site
from sim.actors import Actor
from sim.bodies import make_body
from sim.casting_call import SITES, WORLDS
from sim.gazebo.actor_meshes import write_actor
from sim.gazebo.backends import PHYSICS_STEP_S, Flavour
from sim.gazebo.check import Simulated, check_scenario, check_world
from sim.gazebo.harmonic_sdf import WORLD_SYSTEMS
from sim.gazebo.retro import fan_of, kelvin_of, reflectivity_of, retro
from sim.gazebo.scenery import SceneryPart, write_scenery
from sim.gazebo.world_sdf import WorldPlan, write_world
from sim.robot import read_robot
from sim.scenario import SCENARIOS, ActorSpec, Stop
from sim.sdf import read_world
from sim.sensor_suite import ALL_SENSORS
from sim.weather import Sky, Weather
from tests.sim.stand import write_yard

NAMES = ("depot", "prison", "border")
SENSOR_KINDS = {
    Flavour.GAZEBO_11: {"lidar": "gpu_ray", "camera": "camera", "thermal": "gpu_ray", "imu": "imu", "gps": "gps"},
    Flavour.HARMONIC: {
        "lidar": "gpu_lidar",
        "scan": "gpu_lidar",
        "camera": "camera",
        "thermal": "thermal_camera",
        "imu": "imu",
        "gps": "navsat",
    },
}


def written(
    name: str,
    flavour: Flavour,
    sensors: frozenset[str] = ALL_SENSORS,
    robots: int = 1,
    *,
    weather: Weather | None = None,
    scenery: tuple[SceneryPart, ...] = (),
) -> ET.Element:
    """The ``world`` element of a shipped world."""
    plan = WorldPlan(
        world=WORLDS / f"{name}.sdf",
        datum=read_site(SITES / f"{name}.geojson").datum,
        weather=weather or Weather(),
        robot=read_robot(),
        robots={f"rover_{index}": Pose2(2.0 * index, 1.0, 0.5) for index in range(robots)},
        sensors=sensors,
        scenery=scenery,
    )
    world = ET.fromstring(write_world(plan, flavour)).find("world")
    assert world is not None
    return world


def text(element: ET.Element, path: str) -> str:
    found = element.findtext(path)
    assert found is not None, path
    return found


@pytest.mark.parametrize("flavour", list(Flavour))
@pytest.mark.parametrize("name", NAMES)
def test_every_model_of_the_world_is_there_unchanged(name: str, flavour: Flavour) -> None:
    world = written(name, flavour)
    original = ET.parse(WORLDS / f"{name}.sdf").getroot().find("world")
    assert original is not None
    for model in original.findall("model"):
        twin = next(each for each in world.findall("model") if each.get("name") == model.get("name"))
        for tag in ("pose", "size", "radius", "length", "diffuse"):
            assert [each.text for each in twin.iter(tag)] == [each.text for each in model.iter(tag)]
    names = [model.get("name") for model in world.findall("model")]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("flavour", list(Flavour))
def test_the_robot_has_the_sensors_that_were_asked_for(flavour: Flavour) -> None:
    world = written("depot", flavour)
    found = {sensor.get("name"): sensor.get("type") for sensor in world.iter("sensor")}
    assert found == SENSOR_KINDS[flavour]
    assert [sensor.get("name") for sensor in written("depot", flavour, frozenset({"imu", "odom"})).iter("sensor")] == ["imu"]


@pytest.mark.parametrize("flavour", list(Flavour))
def test_lidar_and_camera_are_those_of_the_description(flavour: Flavour) -> None:
    part, camera = read_robot().lidar, read_robot().camera_part
    sensors = {sensor.get("name"): sensor for sensor in written("depot", flavour).iter("sensor")}
    scan = next(sensors["lidar"].iter("scan"))
    assert (text(scan, "horizontal/samples"), text(scan, "vertical/samples")) == (str(part.columns), str(part.rings))
    low, step = float(text(scan, "horizontal/min_angle")), 2.0 * np.pi / part.columns
    assert float(text(scan, "horizontal/max_angle")) - low == pytest.approx((part.columns - 1) * step)
    assert np.degrees(float(text(scan, "vertical/min_angle"))) == pytest.approx(part.elevation_deg[0])
    assert np.degrees(float(text(sensors["camera"], "camera/horizontal_fov"))) == pytest.approx(camera.hfov_deg)
    assert [float(word) for word in text(sensors["camera"], "pose").split()[:3]] == pytest.approx(list(camera.position_m))


def test_mass_and_inertia_are_those_of_the_parts() -> None:
    robot = read_robot()
    model = next(each for each in written("depot", Flavour.GAZEBO_11).findall("model") if each.get("name") == "rover_0")
    masses = [float(each.text or 0) for each in model.iter("mass")]
    assert sum(masses) == pytest.approx(robot.body.mass_kg + 2 * robot.drive.wheel_mass_kg + 1.2 + 0.5 + 0.6)
    for inertia in model.iter("inertia"):
        moments = {each.tag: float(each.text or 0) for each in inertia}
        tensor = [[moments["i" + "".join(sorted(a + b))] for b in "xyz"] for a in "xyz"]
        first, second, third = np.sort(np.linalg.eigvalsh(np.array(tensor)))
        assert first > 0.0
        assert third <= first + second + 1e-9, "no body has such an inertia"


def test_several_robots_stand_where_they_start() -> None:
    world = written("depot", Flavour.GAZEBO_11, robots=3)
    robots = [model for model in world.findall("model") if (model.get("name") or "").startswith("rover_")]
    assert [text(robot, "pose").split()[0] for robot in robots] == ["0", "2", "4"]


def test_gazebo_11_steps_fit_the_ticks_of_the_embedded_simulator() -> None:
    physics = written("depot", Flavour.GAZEBO_11).find("physics")
    assert physics is not None
    assert float(text(physics, "max_step_size")) == PHYSICS_STEP_S
    steps = 0.01 / PHYSICS_STEP_S
    assert steps == pytest.approx(round(steps))


def test_every_visual_of_gazebo_11_tells_rays_what_it_is() -> None:
    world = written("depot", Flavour.GAZEBO_11)
    static = [model for model in world.findall("model") if model.findtext("static") == "true"]
    retros = [float(text(visual, "laser_retro")) for model in static for visual in model.iter("visual")]
    assert len(retros) > 500
    assert 270.0 < kelvin_of(retros).min() <= kelvin_of(retros).max() < 330.0
    assert 0.0 < reflectivity_of(retros).min() <= reflectivity_of(retros).max() < 1.0


def test_harmonic_gets_its_systems_topics_and_temperatures() -> None:
    world = written("depot", Flavour.HARMONIC)
    assert {plugin.get("filename") for plugin in world.findall("plugin")} == set(WORLD_SYSTEMS)
    topics = {element.text for element in (*world.iter("topic"), *world.iter("camera_info_topic"))}
    wanted = {"lidar", "scan", "camera/image_raw", "camera/camera_info", "thermal/image_raw", "thermal/camera_info", "imu", "fix"}
    assert topics == {f"/rover_0/{name}" for name in (*wanted, "cmd_vel")}
    visuals = [
        visual for model in world.findall("model") if model.findtext("static") == "true" for visual in model.iter("visual")
    ]
    assert all(270.0 < float(text(visual, "plugin/temperature")) < 330.0 for visual in visuals)


def test_the_light_of_gazebo_11_is_that_of_the_weather() -> None:
    suns, airs = [], []
    for weather in (Weather(), Weather(sky=Sky.FOG), Weather(night=True)):
        world = written("depot", Flavour.GAZEBO_11, weather=weather)
        suns.append(float(text(world, "light/diffuse").split()[0]))
        airs.append(float(text(world, "scene/background").split()[0]))
    assert suns[0] > suns[1]
    assert airs[1] > airs[0] > airs[2]


def test_scenery_takes_the_place_of_the_visuals_and_looks_the_same(tmp_path: Path) -> None:
    world = read_world(WORLDS / "depot.sdf")
    scenery = write_scenery(world, tmp_path, "file:///there")
    drawn = written("depot", Flavour.GAZEBO_11, scenery=scenery)
    static = [model for model in drawn.findall("model") if model.get("name") != "rover_0"]
    visuals = [visual for model in static for visual in model.iter("visual")]
    assert len(visuals) == len(scenery) == len({(visual.surface, visual.diffuse) for visual in world.visuals})
    assert {text(visual, "geometry/mesh/uri") for visual in visuals} == {part.mesh_uri for part in scenery}
    assert len(list(drawn.iter("collision"))) == len(list(written("depot", Flavour.GAZEBO_11).iter("collision")))
    assert all(kelvin_of(float(text(visual, "laser_retro"))) > 270.0 for visual in visuals)
    script = (tmp_path / "scenery.material").read_text("ascii")
    assert script.count("{") == script.count("}")
    for part in scenery:
        assert f"material {part.material}\n" in script
        lines = (tmp_path / f"{part.name}.obj").read_text("ascii").splitlines()
        counts = {tag: sum(line.startswith(f"{tag} ") for line in lines) for tag in ("v", "vt", "vn", "f")}
        assert counts["v"] == counts["vt"] == counts["vn"] >= 3
        assert max(int(word.split("/")[0]) for line in lines if line[0] == "f" for word in line.split()[1:]) == counts["v"]
    pictures = {line.split()[1] for line in script.splitlines() if line.strip().startswith("texture surface")}
    assert pictures == {path.name for path in tmp_path.glob("*.png")}


@given(st.floats(200.0, 400.0), st.floats(0.02, 0.98))
def test_one_number_holds_temperature_and_reflectivity(kelvin: float, reflectivity: float) -> None:
    number = np.float32(retro(kelvin, reflectivity))
    assert float(kelvin_of(number)) == pytest.approx(kelvin, abs=0.011)
    assert float(reflectivity_of(number)) == pytest.approx(reflectivity, abs=0.003)


def test_the_fan_gives_each_pixel_a_ray_within_a_third_of_a_pixel() -> None:
    part = read_robot().thermal_part
    model, fan = part.model(), fan_of(read_robot().thermal_part)
    rows, columns = np.divmod(fan.nearest, len(fan.azimuths_rad))
    azimuth, elevation = fan.azimuths_rad[columns], fan.elevations_rad[rows]
    rays = np.stack((-np.tan(azimuth), -np.tan(elevation) / np.cos(azimuth), np.ones_like(azimuth)), axis=-1)
    pixels = model.project(rays.reshape(-1, 3)).reshape(part.height_px, part.width_px, 2)
    wanted = np.stack(np.meshgrid(np.arange(part.width_px) + 0.5, np.arange(part.height_px) + 0.5), axis=-1)
    assert np.abs(pixels - wanted).max() < 0.75
    assert np.median(np.abs(pixels - wanted)) < 0.33


@pytest.mark.parametrize("kind", ["intruder", "van", "fox", "package"])
def test_an_actor_becomes_files_that_fit_together(tmp_path: Path, kind: str) -> None:
    spec = ActorSpec.model_validate({"name": "somebody", "kind": kind, "route": (Stop(x_m=0.0, y_m=0.0),)})
    actor = Actor(spec, make_body(spec.kind, spec.name, spec.appearance_seed))
    parts = write_actor(actor, tmp_path, "file:///there")
    poses = actor.body.limb_poses(actor.world_from_actor, 0.0, 0.0)
    assert {part.name for part in parts} == set(poses) - {"collision"}
    materials = (tmp_path / "somebody.mtl").read_text("ascii")
    pictures = [line.split()[1] for line in materials.splitlines() if line.startswith("map_Kd")]
    assert all((tmp_path / picture).is_file() for picture in pictures)
    highest = -np.inf
    for part in parts:
        assert part.uri == f"file:///there/somebody.{part.name}.obj"
        lines = [line.split() for line in (tmp_path / f"somebody.{part.name}.obj").read_text("ascii").splitlines()]
        counts = {tag: sum(line[0] == tag for line in lines) for tag in ("v", "vt", "vn", "f")}
        corners = np.array([[int(number) for number in word.split("/")] for line in lines if line[0] == "f" for word in line[1:]])
        assert corners.min() == 1
        assert (corners.max(axis=0) <= (counts["v"], counts["vt"], counts["vn"])).all()
        assert all(f"newmtl {line[1]}" in materials for line in lines if line[0] == "usemtl")
        points = np.array([[float(number) for number in line[1:]] for line in lines if line[0] == "v"])
        highest = max(highest, float(poses[part.name].apply(points)[:, 2].max()))
    assert highest == pytest.approx(actor.body.height_m, rel=0.2)


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_worlds_lack_next_to_nothing(name: str) -> None:
    lacks = check_world(WORLDS / f"{name}.sdf")
    assert {lack.place for lack in lacks} <= {"visual[fence_*]"}


@pytest.mark.parametrize(
    ("element", "backends"),
    [
        ("<actor name='a'/>", {Simulated.EMBEDDED}),
        (
            "<model name='m'><static>true</static><link name='l'><sensor name='s' type='camera'/></link></model>",
            {Simulated.EMBEDDED},
        ),
        ("<road name='r'/>", {Simulated.EMBEDDED, Simulated.HARMONIC}),
        ("<particle_emitter name='p' type='point'/>", {Simulated.EMBEDDED, Simulated.GAZEBO_11}),
    ],
)
def test_what_a_simulator_lacks_is_named_by_its_place(tmp_path: Path, element: str, backends: set[Simulated]) -> None:
    path = tmp_path / "world.sdf"
    path.write_text(f"<sdf version='1.7'><world name='w'>{element}</world></sdf>", "utf-8")
    (lack,) = check_world(path)
    assert set(lack.backends) == backends
    assert lack.place.startswith("world/")
    assert lack.because


def test_a_surface_without_a_texture_is_named(tmp_path: Path) -> None:
    path = write_yard(
        tmp_path, (tmp_path / "x").name and Path(WORLDS / "depot.sdf").read_text("utf-8").replace("brick_", "velvet_")
    )
    assert "visual[velvet]" in {lack.place for lack in check_world(path)}


def test_scenarios_say_who_lacks_their_weather_faults_and_actors() -> None:
    lacks = check_scenario(SCENARIOS / "depot_night_rain.yaml")
    assert [lack.backends for lack in lacks if lack.place == "weather"] == [(Simulated.HARMONIC,)]
    assert any(lack.place == "robot" and Simulated.GAZEBO_11 in lack.backends and "lidar" in lack.because for lack in lacks)
    assert any(lack.place == "actors" and lack.backends == (Simulated.HARMONIC,) for lack in lacks)
    assert not any(lack.place == "weather" for lack in check_scenario(SCENARIOS / "depot_quiet.yaml"))


@pytest.mark.parametrize("text_", ["no xml", "<urdf/>", "<sdf version='1.7'/>"])
def test_a_file_that_is_no_world_is_refused(tmp_path: Path, text_: str) -> None:
    path = tmp_path / "world.sdf"
    path.write_text(text_, "utf-8")
    with pytest.raises(BadInput, match=r"world\.sdf"):
        check_world(path)
