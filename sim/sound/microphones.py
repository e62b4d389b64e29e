# SPDX-License-Identifier: Apache-2.0
"""The robot's microphones: blocks of sound, each complete when its last sample was taken."""

from __future__ import annotations

import math

import mujoco
import numpy as np

from patrol.checks import Floats
from patrol.sound import MICROPHONE_FRAME, SoundBlock
from sim.scene import SOLID_GROUP
from sim.sound.din import Din
from sim.sound.sources import Source
from sim.sound.waves import RATE_HZ
from sim.stage import Stage
from sim.surfaces import surface_named

_CLEAR_M = 0.4


class Microphones:
    """An array that hears a stage. All that it draws at random comes from ``seed``."""

    def __init__(self, stage: Stage, *, seed: int) -> None:
        self._stage, self._part = stage, stage.robot.microphones
        self._count = round(RATE_HZ / self._part.rate_hz)
        self._positions_m = np.array(self._part.positions_m)
        self._positions_m.setflags(write=False)
        self._din = Din(self._part, stage.weather, stage.scenario.wind_mps, np.random.default_rng([seed, 16_000]))
        self._sources = [
            Source(spec, seed=_seed_of(spec.seed, number, seed)) for number, spec in enumerate(stage.scenario.sounds)
        ]
        self._last_m = self._places_m()
        self._last_rad = self._wheels_rad()
        self._lets_through = frozenset(
            stage.model.geom(f"solid/{each.name}").id
            for each in stage.world.collisions
            if surface_named(each.surface).see_through
        )
        self._groups = np.zeros(6, dtype=np.uint8)
        self._groups[SOLID_GROUP] = 1

    def measure(self, now_ns: int, now_s: float, *, noise_gain: float = 1.0) -> SoundBlock:
        """The block that ends at ``now_s``, which counts from the scenario's start."""
        count, lasted_s = self._count, self._count / RATE_HZ
        ends = (self._last_m, self._places_m())
        turned_rad = self._wheels_rad()
        wheels = ((turned_rad[0] - self._last_rad[0]) / lasted_s, (turned_rad[1] - self._last_rad[1]) / lasted_s)
        self._last_m, self._last_rad = ends[1], turned_rad
        heard = self._din.block(count, wheels) * noise_gain
        for source in self._sources:
            source.begin(now_s - lasted_s, ends[0][0], self._feet_of)
            part = source.heard(now_s - lasted_s, ends, count, self._feet_of, self._is_shaded)
            if part is not None:
                heard += part
        self._sources = [source for source in self._sources if not source.is_over(now_s)]
        full_pa = self._part.full_scale_pa
        samples = np.clip(np.rint(heard * (32768.0 / full_pa)), -32768, 32767).astype(np.int16)
        samples.setflags(write=False)
        return SoundBlock(
            stamp_ns=now_ns - round(lasted_s * 1e9),
            frame_id=MICROPHONE_FRAME,
            rate_hz=float(RATE_HZ),
            full_scale_pa=full_pa,
            positions_m=self._positions_m,
            samples=samples,
        )

    def _places_m(self) -> Floats:
        """Where the microphones are (M, 3) m in map; roll and pitch move them by less than matters."""
        x_m, y_m, z_m, _, _, yaw_rad = self._stage.chassis.planar_state()
        cos, sin = math.cos(yaw_rad), math.sin(yaw_rad)
        local = self._positions_m + np.array(self._part.position_m)
        turned = local @ np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
        places: Floats = turned + np.array([x_m, y_m, z_m])
        return places

    def _wheels_rad(self) -> tuple[float, float]:
        angles = self._stage.chassis.wheel_angles()
        return angles.left_rad, angles.right_rad

    def _feet_of(self, name: str) -> Floats | None:
        for actor in self._stage.cast.actors:
            if actor.spec.name == name:
                return actor.world_from_actor.translation_m if actor.state.visible else None
        return None

    def _is_shaded(self, place_m: Floats) -> bool:
        """Whether something solid of the world stands between a place (3,) and the array; chain link lets sound through."""
        model, data = self._stage.model, self._stage.data
        here, geom = self._last_m.mean(axis=0), np.zeros(1, dtype=np.int32)
        way = place_m - here
        length_m = float(np.linalg.norm(way))
        way /= max(length_m, 1e-9)
        gone_m = 0.0
        while gone_m < length_m - _CLEAR_M:
            met_m = mujoco.mj_ray(model, data, here + gone_m * way, way, self._groups, 1, -1, geom)
            if met_m < 0.0 or gone_m + met_m > length_m - _CLEAR_M:
                return False
            if int(geom[0]) not in self._lets_through:
                return True
            gone_m += met_m + 0.05
        return False


def _seed_of(given: int | None, number: int, seed: int) -> int:
    """A sound is the one that its specification names, or another in every run and place of the list."""
    return given if given is not None else 1000 * seed + number
