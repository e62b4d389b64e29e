# SPDX-License-Identifier: Apache-2.0
"""Random scenes for training pictures: who stands where, seen from where, in what light and weather."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from patrol.checks import Floats
from patrol.geometry import Pose2, Pose3
from sim.actors import Actor
from sim.lidar import StaticTargets
from sim.robot import RobotModel
from sim.scenario import ActorKind, ActorSpec, Scenario, Stop
from sim.stage import Stage
from sim.weather import Sky

WORLDS = Path(__file__).parent / "worlds"
SITES = Path(__file__).parent.parent / "config" / "sites"
_KINDS: tuple[tuple[ActorKind, int, float], ...] = (
    ("staff", 2, 1.0),
    ("loiterer", 1, 1.0),
    ("guard", 1, 1.0),
    ("inmate", 1, 1.0),
    ("intruder", 2, 1.0),
    ("visitor", 2, 1.0),
    ("child", 1, 1.5),
    ("elder", 1, 1.5),
    ("wheelchair", 1, 1.5),
    ("crouching", 1, 1.2),
    ("lying", 1, 1.2),
    ("car", 2, 1.8),
    ("van", 1, 1.8),
    ("fox", 1, 1.8),
)
"""Who may be in a picture: how many of each kind a place has, and how often each of them is chosen."""
_CHANCES = {kind: chance for kind, _, chance in _KINDS}
_DAY, _NIGHT = datetime(2026, 6, 16, 10, tzinfo=UTC), datetime(2026, 1, 16, 23, tzinfo=UTC)
_NEAREST_M, _FARTHEST_M = 1.8, 38.0
_TRIES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """How often it is night, and how often there is rain or fog; else the sky is clear. ValueError: that cannot be."""

    night: float = 0.25
    rain: float = 0.25
    fog: float = 0.15

    def __post_init__(self) -> None:
        if not 0.0 <= self.night <= 1.0:
            raise ValueError(f"night {self.night}: a share between 0 and 1")
        if min(self.rain, self.fog) < 0.0 or self.rain + self.fog > 1.0:
            raise ValueError(f"rain {self.rain}, fog {self.fog}: shares that are together at most 1")

    def sky(self, rng: np.random.Generator) -> Sky:
        """One sky, by chance."""
        chances = {Sky.CLEAR: 1.0 - self.rain - self.fog, Sky.RAIN: self.rain, Sky.FOG: self.fog}
        return Sky(str(rng.choice([sky.value for sky in chances], p=list(chances.values()))))


USUAL = Conditions()
"""Those of the pictures that detectors are judged on."""


def random_scenario(world: str, rng: np.random.Generator, *, folder: Path = WORLDS, conditions: Conditions = USUAL) -> Scenario:
    """A scenario in ``world`` (a file of ``folder``) with a random cast, light and weather; nobody has a place yet. A world that
    no site belongs to borrows that of the depot: only its place on earth counts."""
    actors = tuple(
        ActorSpec(name=f"{kind}_{number}", kind=kind, appearance_seed=int(rng.integers(1 << 30)), route=(Stop(x_m=0.0, y_m=0.0),))
        for kind, count, _ in _KINDS
        for number in range(count)
    )
    site = SITES / f"{world}.geojson"
    return Scenario(
        name=f"training_{world}",
        world=folder / f"{world}.sdf",
        site=site if site.is_file() else SITES / "depot.geojson",
        start=_NIGHT if rng.random() < conditions.night else _DAY,
        weather=conditions.sky(rng),
        actors=actors,
    )


class Photographer:
    """Puts the robot's camera and the actors of one stage into random places."""

    def __init__(self, stage: Stage, robot: RobotModel, rng: np.random.Generator) -> None:
        self._stage, self._rng = stage, rng
        self._targets = StaticTargets(stage.world)
        self._camera = stage.model.camera("camera").id
        self._fovy_deg = float(stage.model.cam_fovy[self._camera])
        self._aspect = robot.camera_part.width_px / robot.camera_part.height_px
        self._sun: Floats = stage.model.light_diffuse[0].astype(np.float64)
        self._extent_m = _extent(stage)
        self._hfov_rad = math.radians(robot.camera_part.hfov_deg)

    def arrange(self) -> tuple[Actor, ...]:
        """A new picture: camera and actors in new places, light a little different. Returns the actors that are on stage."""
        camera = self._free_place(self._anywhere, clear_m=0.8)
        camera = Pose2(camera.x_m, camera.y_m, float(self._rng.uniform(-math.pi, math.pi)))
        self._aim(camera)
        self._vary_light()
        actors = self._stage.cast.actors
        count = int(self._rng.choice([0, 1, 2, 3, 4, 6], p=[0.06, 0.24, 0.25, 0.2, 0.15, 0.1]))
        chances = np.array([_CHANCES.get(actor.spec.kind, 1.0) for actor in actors])
        chosen = set(self._rng.choice(len(actors), size=count, replace=False, p=chances / chances.sum()).tolist())
        taken: list[tuple[Pose2, float]] = []
        for index, actor in enumerate(actors):
            actor.state.visible = index in chosen
            if actor.state.visible:
                self._pose(actor, camera, taken)
        self._stage.settle(within_m=math.inf)
        return tuple(actor for actor in actors if actor.state.visible)

    def _pose(self, actor: Actor, camera: Pose2, taken: list[tuple[Pose2, float]]) -> None:
        radius = actor.body.radius_m
        nearest = _NEAREST_M + (radius if radius > 1.0 else 0.0)

        def in_view() -> Pose2:
            distance = math.exp(float(self._rng.uniform(math.log(nearest), math.log(_FARTHEST_M))))
            bearing = float(self._rng.uniform(-0.52, 0.52)) * self._hfov_rad
            return camera @ Pose2(distance * math.cos(bearing), distance * math.sin(bearing), 0.0)

        clear_m = min(radius, 2.4) if radius > 1.0 else 0.4
        pose = self._free_place(in_view, clear_m=clear_m, taken=taken)
        actor.state.pose = Pose2(pose.x_m, pose.y_m, float(self._rng.uniform(-math.pi, math.pi)))
        actor.state.speed_mps = float(self._rng.choice([0.0, 0.8, 1.3, 1.8], p=[0.25, 0.2, 0.4, 0.15]))
        actor.state.phase_rad = float(self._rng.uniform(0.0, 2.0 * math.pi))
        climbs = actor.spec.kind == "intruder" and self._rng.random() < 0.15
        actor.state.z_m = float(self._rng.uniform(0.3, 1.8)) if climbs else 0.0
        taken.append((actor.state.pose, clear_m))

    def _free_place(self, draw: Callable[[], Pose2], *, clear_m: float, taken: Sequence[tuple[Pose2, float]] = ()) -> Pose2:
        """A drawn place with nothing within ``clear_m``; the last try counts when none is free."""
        pose = draw()
        for _ in range(_TRIES):
            if self._is_free(pose, clear_m) and all(pose.distance_to(other) > clear_m + radius for other, radius in taken):
                break
            pose = draw()
        return pose

    def _anywhere(self) -> Pose2:
        low, high = self._extent_m
        x_m, y_m = self._rng.uniform(low, high)
        return Pose2(float(x_m), float(y_m), 0.0)

    def _is_free(self, pose: Pose2, clear_m: float) -> bool:
        angles = np.linspace(-math.pi, math.pi, 13)[:-1]
        rays = np.zeros((len(angles), 6), dtype=np.float32)
        rays[:, 0], rays[:, 1], rays[:, 2] = pose.x_m, pose.y_m, 0.5
        rays[:, 3], rays[:, 4] = np.cos(angles), np.sin(angles)
        distances, inside = self._targets.cast_inside(rays)
        return bool((distances > clear_m).all()) and not inside.any()

    def _aim(self, camera: Pose2) -> None:
        """Stand the robot there, its camera sometimes higher up, looking down, or zoomed in."""
        rng, stage = self._rng, self._stage
        from_above = rng.random() < 0.3
        height = float(rng.uniform(0.6, 4.0)) if from_above else float(rng.uniform(-0.15, 0.15))
        pitch = 0.08 * height + float(rng.normal(0.0, 0.025))
        pose = Pose3.from_xyz_rpy(camera.x_m, camera.y_m, height, float(rng.normal(0.0, 0.01)), pitch, camera.yaw_rad)
        x, y, z, w = pose.quaternion_xyzw()
        stage.data.qpos[:7] = [*pose.translation_m, w, x, y, z]
        zoom = float(rng.uniform(0.55, 1.0)) if rng.random() < 0.3 else 1.0
        stage.model.cam_fovy[self._camera] = self._fovy_deg * zoom
        self._hfov_rad = 2.0 * math.atan(self._aspect * math.tan(math.radians(0.5 * self._fovy_deg * zoom)))

    def _vary_light(self) -> None:
        """Turn the sun and change its strength; the sky stays."""
        model, rng = self._stage.model, self._rng
        azimuth, down = rng.uniform(-math.pi, math.pi), rng.uniform(0.5, 1.4)
        direction = np.array([math.cos(azimuth), math.sin(azimuth), -down])
        model.light_dir[0] = direction / np.linalg.norm(direction)
        model.light_diffuse[0] = self._sun * rng.uniform(0.55, 1.15)


def _extent(stage: Stage) -> tuple[Floats, Floats]:
    """Lowest and highest corner (2,) of where things stand, the ground and faraway scenery aside."""
    places = np.array([item.world_from_shape.translation_m[:2] for item in stage.world.collisions if item.shape.kind != "plane"])
    low: Floats = np.percentile(places, 3, axis=0)
    high: Floats = np.percentile(places, 97, axis=0)
    return low, high
