# SPDX-License-Identifier: Apache-2.0
"""Random scenes for ``benchmarks.flying``: a robot that looks at the fence, and what comes over it through the air."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from shapely.geometry import LineString, Point
from shapely.ops import unary_union

from benchmarks.scenario_cast import STARTS
from patrol.site import Site
from sim.casting_call import SITES, WORLDS
from sim.scenario import ActorKind, ActorSpec, Scenario, StartPose, Stop, Trigger
from sim.weather import Sky

Kind = Literal["drone", "thrown", "nothing"]
_TRIES = 400
_HALF_G_MPS2 = 4.905
_FENCE_M = 3.0
Xy = tuple[float, float]


class FlyingCast:
    """Draws scenes for one site. All places are given along the fence and inwards from a point of it."""

    def __init__(self, name: str, site: Site, rng: np.random.Generator) -> None:
        self._name, self._site, self._rng = name, site, rng
        self._walls = unary_union([building.outline for building in site.buildings]).buffer(1.5)
        self._at, self._out, self._away_m = self._stand()

    def draw(self, kind: Kind, *, light: str) -> Scenario:
        """One scene with one or two birds and, unless ``kind`` is nothing, what is to be found."""
        robot = self._place(0.0, self._away_m)
        yaw_deg = math.degrees(math.atan2(self._out[1], self._out[0])) + float(self._rng.uniform(-8.0, 8.0))
        actors = [self._bird(number) for number in range(int(self._rng.integers(1, 3)) + (kind == "nothing"))]
        if kind != "nothing":
            actors.append(self._thrown() if kind == "thrown" else self._drone())
        return Scenario(
            name=f"{self._name}_{light}_{kind}",
            world=WORLDS / f"{self._name}.sdf",
            site=SITES / f"{self._name}.geojson",
            start=STARTS[light],
            weather=Sky.CLEAR,
            robot=StartPose(x_m=robot[0], y_m=robot[1], yaw_deg=yaw_deg),
            actors=tuple(actors),
        )

    def _stand(self) -> tuple[Xy, Xy, float]:
        """A point of the fence, the way out there, and how far inside the robot stands, with nothing in between."""
        ring = self._site.perimeter.exterior
        for _ in range(_TRIES):
            share, away_m = float(self._rng.uniform()), float(self._rng.uniform(9.0, 17.0))
            here, ahead = ring.interpolate(share, normalized=True), ring.interpolate((share + 1e-4) % 1.0, normalized=True)
            along = np.array([ahead.x - here.x, ahead.y - here.y])
            normal = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-9)
            inwards = 1.0 if self._site.perimeter.contains(Point(here.x + 0.3 * normal[0], here.y + 0.3 * normal[1])) else -1.0
            out = (-inwards * float(normal[0]), -inwards * float(normal[1]))
            stand = Point(here.x - away_m * out[0], here.y - away_m * out[1])
            way = LineString([stand, here])
            if self._site.perimeter.contains(stand) and not way.intersects(self._walls):
                return (here.x, here.y), out, away_m
        raise ValueError(f"{self._name}: no place by the fence is free of walls")

    def _place(self, along_m: float, inside_m: float) -> Xy:
        (x_m, y_m), (out_x, out_y) = self._at, self._out
        return x_m - along_m * out_y - inside_m * out_x, y_m + along_m * out_x - inside_m * out_y

    def _stop(self, along_m: float, inside_m: float, height_m: float, speed_mps: float = 5.0, pause_s: float = 0.0) -> Stop:
        x_m, y_m = self._place(along_m, inside_m)
        return Stop(x_m=x_m, y_m=y_m, height_m=height_m, speed_mps=speed_mps, pause_s=pause_s)

    def _actor(self, kind: ActorKind, number: int, stops: tuple[Stop, ...]) -> ActorSpec:
        return ActorSpec(
            name=f"{kind}_{number}",
            kind=kind,
            appearance_seed=int(self._rng.integers(1 << 30)),
            route=stops,
            start=Trigger(after_s=float(self._rng.uniform(2.0, 7.0))),
            hidden_until="start",
            vanishes=True,
        )

    def _bird(self, number: int) -> ActorSpec:
        """Flies along the fence, inside or outside of it."""
        draw, side = self._rng.uniform, float(self._rng.choice([-1.0, 1.0]))
        inside_m, speed_mps = float(draw(-12.0, self._away_m - 6.0)), float(draw(5.0, 12.0))
        first = self._stop(-22.0 * side, inside_m, float(draw(3.0, 10.0)))
        middle = self._stop(float(draw(-6.0, 6.0)), inside_m + float(draw(-3.0, 3.0)), float(draw(3.0, 9.0)), speed_mps)
        return self._actor("bird", number, (first, middle, self._stop(22.0 * side, inside_m, float(draw(3.0, 10.0)), speed_mps)))

    def _drone(self) -> ActorSpec:
        """Comes over the fence, hovers before the robot, and leaves."""
        draw = self._rng.uniform
        speed_mps = float(draw(3.0, 8.0))
        return self._actor(
            "drone",
            0,
            (
                self._stop(float(draw(-12.0, 12.0)), -25.0, float(draw(7.0, 13.0))),
                self._stop(float(draw(-4.0, 4.0)), float(draw(-2.0, self._away_m - 8.0)), float(draw(4.0, 6.0)), speed_mps, 3.0),
                self._stop(float(draw(-25.0, 25.0)), -25.0, float(draw(7.0, 13.0)), speed_mps),
            ),
        )

    def _thrown(self) -> ActorSpec:
        """From a hand outside over the fence to the ground inside."""
        draw = self._rng.uniform
        while True:
            outside_m, inside_m, time_s = (
                float(draw(2.0, 8.0)),
                float(draw(2.0, min(7.0, self._away_m - 3.0))),
                float(draw(1.2, 1.9)),
            )
            first, last = self._stop(float(draw(-5.0, 5.0)), -outside_m, 1.6), self._stop(float(draw(-5.0, 5.0)), inside_m, 0.0)
            share = outside_m / (outside_m + inside_m)
            length_m = math.hypot(last.x_m - first.x_m, last.y_m - first.y_m)
            if 1.6 * (1.0 - share) + _HALF_G_MPS2 * time_s**2 * share * (1.0 - share) >= _FENCE_M + 0.3:
                landing = last.model_copy(update={"speed_mps": length_m / time_s, "pause_s": 1.0})
                return self._actor("thrown", 0, (first, landing))
