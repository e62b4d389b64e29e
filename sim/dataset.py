# SPDX-License-Identifier: Apache-2.0
"""Renders labelled pictures for training a detector: ``python -m sim.dataset --out DIR --count N --seed S [--worlds ...]``.

The worlds take turns; ``drawn`` stands for one that is drawn by chance, so that nothing is learnt by heart.

Writes JPEGs and ``labels.json``: ``{"images": [{"file", "world", "weather", "night", "boxes": [{"label", "box", "visible",
"pixels", "distance_m", "groups", "who"}]}]}``. ``box`` is left, top, right, bottom in pixels around what can be seen, ``visible``
the share of the thing, by the solid angle that it fills, that is in the picture and that nothing hides, ``groups`` what
``sim.bodies.groups`` says of a person, ``who`` the same for one body in all its pictures.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypedDict

import cv2
import numpy as np
import numpy.typing as npt

from sim.casting_call import USUAL, WORLDS, Conditions, Photographer, random_scenario
from sim.exposure import Exposure
from sim.eye import Eye
from sim.picture_labels import BoxRecord, Labeller
from sim.robot import RobotModel, read_robot
from sim.sensor_suite import view_of
from sim.stage import Stage
from sim.world_builder_drawn import drawn_models
from sim.world_builder_model import to_sdf

DRAWN = "drawn"
"""Instead of a shipped world: one that is drawn by chance, another for every ``_PER_STAGE`` pictures."""
_LOG = logging.getLogger(__name__)
_PER_STAGE = 25


class PictureRecord(TypedDict):
    file: str
    world: str
    weather: str
    night: bool
    boxes: list[BoxRecord]


class _Studio:
    """One compiled world with its cast, camera and light."""

    def __init__(self, world: str, robot: RobotModel, rng: np.random.Generator, number: int, conditions: Conditions) -> None:
        self.world = world
        self.stage = _stage(world, robot, rng, conditions)
        self._view = view_of("camera", robot.camera_part)
        self._eye = Eye(self.stage.model)
        self._exposure = Exposure(robot.camera, self.stage.weather, rng)
        self._photographer = Photographer(self.stage, robot, rng)
        self._labeller = Labeller(self.stage, self._eye, self._view, number)

    def picture(self) -> tuple[npt.NDArray[np.uint8], list[BoxRecord]]:
        """Arrange, draw and label one picture."""
        self._photographer.arrange()
        rgb, depth = self._eye.colour(self.stage.data, self._view, with_depth=self._exposure.needs_depth)
        pixels = self._exposure.develop(rgb, depth)
        return pixels, self._labeller.labels()

    def close(self) -> None:
        """Give back the renderer."""
        self._eye.close()


def _stage(world: str, robot: RobotModel, rng: np.random.Generator, conditions: Conditions) -> Stage:
    """A stage in the shipped world of that name, or in one that is drawn for it."""
    if world != DRAWN:
        return Stage(random_scenario(world, rng, conditions=conditions), robot, seed=0)
    with TemporaryDirectory() as folder:
        (Path(folder) / f"{DRAWN}.sdf").write_text(to_sdf(DRAWN, drawn_models(rng)), "utf-8")
        return Stage(random_scenario(DRAWN, rng, folder=Path(folder), conditions=conditions), robot, seed=0)


def render(out: Path, *, count: int, seed: int, worlds: Sequence[str], conditions: Conditions = USUAL) -> Iterator[PictureRecord]:
    """Write ``count`` pictures into ``out`` and yield what each shows; the same seed gives the same pictures."""
    robot = read_robot()
    rng = np.random.default_rng(seed)
    out.mkdir(parents=True, exist_ok=True)
    studio: _Studio | None = None
    for number in range(count):
        if number % _PER_STAGE == 0:
            if studio is not None:
                studio.close()
            studio = _Studio(str(worlds[(number // _PER_STAGE) % len(worlds)]), robot, rng, number // _PER_STAGE, conditions)
        assert studio is not None
        pixels, boxes = studio.picture()
        name = f"{number:06d}.jpg"
        cv2.imwrite(str(out / name), pixels, [cv2.IMWRITE_JPEG_QUALITY, 92])
        weather = studio.stage.weather
        yield {"file": name, "world": studio.world, "weather": weather.sky.value, "night": weather.night, "boxes": boxes}
    if studio is not None:
        studio.close()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Render labelled pictures for training a detector.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--worlds", nargs="+", default=[*sorted(path.stem for path in WORLDS.glob("*.sdf")), DRAWN])
    for name in ("night", "rain", "fog"):
        parser.add_argument(f"--{name}", type=float, default=getattr(USUAL, name), help="share of the scenes")
    arguments = parser.parse_args()
    try:
        conditions = Conditions(night=arguments.night, rain=arguments.rain, fog=arguments.fog)
    except ValueError as fault:
        parser.error(str(fault))
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    records = []
    for record in render(
        arguments.out, count=arguments.count, seed=arguments.seed, worlds=arguments.worlds, conditions=conditions
    ):
        records.append(record)
        if len(records) % 100 == 0:
            _LOG.info("%d of %d pictures", len(records), arguments.count)
    (arguments.out / "labels.json").write_text(json.dumps({"images": records}), encoding="utf-8")


if __name__ == "__main__":
    main()
