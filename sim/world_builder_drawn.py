# SPDX-License-Identifier: Apache-2.0
"""Worlds drawn by chance, for training a detector and for testing it where it was not trained.

Every seed is another site: ground, enclosure, houses, parked vehicles, and much that stands upright and is no person (bollards,
posts, lamps, bins, boards, pallets), all in colours of their own. They are not meant to be patrolled: there is no site file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from sim import world_builder_props as props
from sim.world_builder_model import COLOURS, Colour, Model, Part, Surface
from sim.world_builder_props import Point

_GROUNDS: tuple[Surface, ...] = ("grass", "gravel", "asphalt", "concrete")
_WALLS: tuple[Surface, ...] = ("brick", "brick", "concrete", "metal", "wood", "paint")
_TRIES = 30


class _Plot:
    """Where things may stand: a rectangle of ``half_m``, and the circles that are taken."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.half_m: Point = (float(rng.uniform(22.0, 48.0)), float(rng.uniform(18.0, 36.0)))
        self._taken: list[tuple[Point, float]] = []

    def place(self, radius_m: float, *, beyond: float = 1.0) -> Point:
        """A place with ``radius_m`` around it free where there is one; ``beyond`` stretches the rectangle."""
        for _ in range(_TRIES):
            x, y = (float(self.rng.uniform(-half, half)) * beyond for half in self.half_m)
            if all(math.dist((x, y), other) > radius_m + radius for other, radius in self._taken):
                break
        self._taken.append(((x, y), radius_m))
        return x, y

    def count(self, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``."""
        return int(self.rng.integers(low, high + 1))

    def pick(self, surfaces: tuple[Surface, ...]) -> Surface:
        """One of ``surfaces``."""
        return surfaces[int(self.rng.integers(len(surfaces)))]

    def yaw_deg(self) -> float:
        """Along or across the site, mostly; else any way."""
        return float(self.rng.choice([0.0, 90.0, 180.0, 270.0])) if self.rng.random() < 0.6 else float(self.rng.uniform(0, 360))

    def paint(self) -> Colour:
        """Any colour that paint may have."""
        grey, tint = self.rng.uniform(0.06, 0.9), self.rng.uniform(-0.4, 0.4, size=3)
        return _colour(grey + tint * self.rng.choice([0.1, 1.0]))

    def shade(self, surface: Surface) -> Colour:
        """The usual colour of ``surface``, lighter or darker and a little off."""
        return _colour(np.array(COLOURS[surface][:3]) * self.rng.uniform(0.55, 1.4) * self.rng.uniform(0.85, 1.15, size=3))


def drawn_models(rng: np.random.Generator) -> list[Model]:
    """Everything that stands in a world that ``rng`` draws."""
    plot = _Plot(rng)
    return [
        *_ground(plot),
        *_enclosure(plot),
        *_houses(plot),
        *_vehicles(plot),
        *_furniture(plot),
        *_upright(plot),
        *_trees(plot),
    ]


def _colour(rgb: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Colour:
    red, green, blue = (round(float(value), 3) for value in np.clip(rgb, 0.03, 0.97))
    return red, green, blue, 1.0


def _ground(plot: _Plot) -> Iterator[Model]:
    """The land around, paved rectangles, and flat marks: stains, lids, lines."""
    land = plot.pick(_GROUNDS)
    seen = Part(surface=land, shape="plane", size_m=(400.0, 400.0), at_m=(0.0, 0.0, -0.02), colour=plot.shade(land), solid=False)
    touched, _ = props.ground((400.0, 400.0)).parts
    yield Model(name="ground", parts=(touched, seen))
    for index in range(plot.count(3, 6)):
        yield _patch(plot, f"paving_{index}", plot.pick(_GROUNDS), 6.0, 45.0, top_m=0.004 * index)
    for index in range(plot.count(8, 20)):
        surface = plot.pick(("paint", "asphalt", "metal"))
        yield _patch(plot, f"mark_{index}", surface, 0.3, 2.2, top_m=0.03 + 0.001 * index)
    ends = [(plot.place(0.0), plot.place(0.0)) for _ in range(plot.count(2, 8))]
    yield props.stripes("lines", ends, width_m=float(plot.rng.uniform(0.08, 0.4)), colour=plot.paint())


def _patch(plot: _Plot, name: str, surface: Surface, least_m: float, most_m: float, *, top_m: float) -> Model:
    x, y = plot.place(0.0)
    width, depth = (float(value) for value in plot.rng.uniform(least_m, most_m, size=2))
    size = (width, depth, 0.1)
    colour = plot.shade(surface) if surface in _GROUNDS else plot.paint()
    part = props.box(surface, size, (0, 0, top_m - 0.1), colour=colour, solid=False)
    return Model(name=name, x_m=x, y_m=y, yaw_deg=plot.yaw_deg(), parts=(part,))


def _enclosure(plot: _Plot) -> Iterator[Model]:
    """Fence, wall, gate or nothing on every side, and a few shorter runs inside."""
    (x, y), rng = plot.half_m, plot.rng
    corners = [(-x, -y), (x, -y), (x, y), (-x, y)]
    runs = [(corners[side], corners[(side + 1) % 4]) for side in range(4) if rng.random() < 0.85]
    for _ in range(plot.count(2, 5)):
        (px, py), along, length = plot.place(1.5), float(rng.uniform(0, 2 * math.pi)), float(rng.uniform(3.0, 16.0))
        runs.append(((px, py), (px + length * math.cos(along), py + length * math.sin(along))))
    for index, (start, end) in enumerate(runs):
        kind, height = rng.choice(["fence", "wall", "gate"], p=[0.5, 0.38, 0.12]), float(rng.uniform(1.2, 4.5))
        if kind == "fence":
            yield props.fence(f"fence_{index}", start, end, height_m=height, post_every_m=float(rng.uniform(2.0, 6.0)))
        elif kind == "wall":
            yield props.wall(f"wall_{index}", start, end, height_m=height, surface=plot.pick(_WALLS))
        else:
            yield props.gate(f"gate_{index}", start, end, height_m=min(height, 3.0))


def _houses(plot: _Plot) -> Iterator[Model]:
    for index in range(plot.count(2, 6)):
        width, depth = (float(value) for value in plot.rng.uniform(3.0, 18.0, size=2))
        at = plot.place(0.5 * math.hypot(width, depth), beyond=1.3)
        surface, height = plot.pick(_WALLS), float(plot.rng.uniform(2.6, 9.0))
        sills = tuple(sill for sill in (1.0, 4.2) if sill + 1.4 < height and plot.rng.random() < 0.7)
        yield props.building(
            f"house_{index}", at, (width, depth, height), surface=surface, colour=plot.shade(surface), sills_m=sills
        )
        x, y = at
        places = [((x + float(plot.rng.uniform(-0.4, 0.4)) * width, y - 0.5 * depth), True), ((x + 0.5 * width, y), False)]
        door = float(plot.rng.uniform(0.8, 3.6)), float(plot.rng.uniform(1.9, 2.6))
        yield props.doors(f"doors_{index}", places, size_m=door, colour=plot.paint())


def _vehicles(plot: _Plot) -> Iterator[Model]:
    for index in range(plot.count(2, 7)):
        yield props.car(f"car_{index}", plot.place(2.6), plot.yaw_deg(), plot.paint())
    for index in range(plot.count(0, 3)):
        yield props.lorry(f"lorry_{index}", plot.place(6.2), plot.yaw_deg(), plot.paint())


def _furniture(plot: _Plot) -> Iterator[Model]:
    for index in range(plot.count(0, 4)):
        yield props.container(f"container_{index}", plot.place(3.4), plot.yaw_deg(), plot.paint(), stacked=plot.count(1, 2))
    for index in range(plot.count(2, 7)):
        yield props.pallets(f"pallets_{index}", plot.place(0.9), plot.count(1, 9))
    for index in range(plot.count(0, 5)):
        yield props.rock(f"rock_{index}", plot.place(1.2), float(plot.rng.uniform(0.25, 1.1)))
    if plot.rng.random() < 0.4:
        yield props.tank("tank", plot.place(2.4))
    if plot.rng.random() < 0.3:
        yield props.tower("tower", plot.place(3.0, beyond=1.1), height_m=float(plot.rng.uniform(6.0, 11.0)))


def _upright(plot: _Plot) -> Iterator[Model]:
    """What a network takes for people: things about as high as they are, and narrow."""
    for index in range(plot.count(3, 8)):
        yield props.lamp(f"lamp_{index}", plot.place(0.6), height_m=float(plot.rng.uniform(3.0, 8.5)))
    for index in range(plot.count(2, 5)):
        (x, y), step, along = plot.place(1.0), float(plot.rng.uniform(0.8, 2.5)), float(plot.rng.uniform(0, 2 * math.pi))
        row = [(x + n * step * math.cos(along), y + n * step * math.sin(along)) for n in range(plot.count(1, 5))]
        yield props.bollards(f"bollards_{index}", row)
    makers: tuple[Callable[[_Plot], tuple[Part, ...]], ...] = (_post, _bin, _board, _cabinet, _ball_on_post)
    for index in range(plot.count(14, 26)):
        x, y = plot.place(0.7)
        parts = makers[int(plot.rng.integers(len(makers)))](plot)
        yield Model(name=f"upright_{index}", x_m=x, y_m=y, yaw_deg=plot.yaw_deg(), parts=parts)


def _post(plot: _Plot) -> tuple[Part, ...]:
    radius, height = float(plot.rng.uniform(0.04, 0.22)), float(plot.rng.uniform(0.7, 2.8))
    surface = plot.pick(("metal", "wood", "concrete", "paint"))
    return (_standing(surface, radius, height, 0.0, plot.paint()),)


def _bin(plot: _Plot) -> tuple[Part, ...]:
    radius, height = float(plot.rng.uniform(0.2, 0.42)), float(plot.rng.uniform(0.6, 1.3))
    lid = _standing("metal", radius + 0.03, 0.08, height, plot.paint())
    return _standing("paint", radius, height, 0.0, plot.paint()), lid


def _board(plot: _Plot) -> tuple[Part, ...]:
    """A sign on a post."""
    height, side = float(plot.rng.uniform(1.2, 2.6)), float(plot.rng.uniform(0.25, 0.9))
    sign = props.box(
        "paint", (0.04, side, side * float(plot.rng.uniform(0.6, 1.6))), (0.05, 0, height - 0.3), colour=plot.paint()
    )
    return _standing("metal", 0.04, height, 0.0, plot.paint()), sign


def _cabinet(plot: _Plot) -> tuple[Part, ...]:
    """A box of about a person's size, sometimes with another on top, as a head would be."""
    width, depth = (float(value) for value in plot.rng.uniform(0.25, 0.8, size=2))
    height = float(plot.rng.uniform(0.6, 2.0))
    lower = props.box(plot.pick(("metal", "paint", "wood")), (width, depth, height), (0, 0, 0), colour=plot.paint())
    if plot.rng.random() < 0.5:
        return (lower,)
    return lower, props.box("paint", (0.6 * width, 0.6 * depth, 0.3), (0, 0, height), colour=plot.paint())


def _ball_on_post(plot: _Plot) -> tuple[Part, ...]:
    radius, height = float(plot.rng.uniform(0.1, 0.3)), float(plot.rng.uniform(0.5, 1.7))
    ball = Part(surface="paint", shape="sphere", size_m=(radius,), at_m=(0, 0, height + 0.8 * radius), colour=plot.paint())
    return _standing("metal", 0.5 * radius, height, 0.0, plot.paint()), ball


def _standing(surface: Surface, radius_m: float, height_m: float, foot_m: float, colour: Colour) -> Part:
    at = (0.0, 0.0, foot_m + 0.5 * height_m)
    return Part(surface=surface, shape="cylinder", size_m=(radius_m, height_m), at_m=at, colour=colour)


def _trees(plot: _Plot) -> Iterator[Model]:
    for index in range(plot.count(4, 14)):
        yield props.tree(f"tree_{index}", plot.place(1.5, beyond=1.6), height_m=float(plot.rng.uniform(2.0, 10.0)))
