# SPDX-License-Identifier: Apache-2.0
"""Renders labelled pictures for training a detector: ``python -m sim.dataset --out DIR --count N --seed S [--worlds ...]``.

The worlds take turns; ``drawn`` stands for one that is drawn by chance, so that nothing is learnt by heart.

Writes JPEGs and ``labels.json``: ``{"images": [{"file", "world", "weather", "night", "boxes": [{"label", "box", "visible",
"pixels", "distance_m", "groups", "who"}]}]}``. ``box`` is left, top, right, bottom in pixels around what can be seen, ``visible``
the share of the thing's pixels within the picture that nothing hides, ``groups`` what ``sim.bodies.groups`` says of a person,
``who`` the same for one body in all its pictures.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypedDict

import cv2
import numpy as np
import numpy.typing as npt

from patrol.checks import Floats32
from patrol.percepts import Label
from sim.bodies.base import COLLISION_GROUP
from sim.bodies.groups import groups_of
from sim.bodies.person import Person
from sim.casting_call import WORLDS, Photographer, random_scenario
from sim.exposure import Exposure
from sim.eye import Eye, Ids, View
from sim.robot import RobotModel, read_robot
from sim.scene import static_label
from sim.sensor_suite import view_of
from sim.stage import Stage
from sim.weather import Sky
from sim.world_builder_drawn import drawn_models
from sim.world_builder_model import to_sdf

DRAWN = "drawn"
"""Instead of a shipped world: one that is drawn by chance, another for every ``_PER_STAGE`` pictures."""
_LOG = logging.getLogger(__name__)
_PER_STAGE = 25
_LEAST_PX = 24
_LABELS = frozenset({Label.PERSON, Label.VEHICLE, Label.ANIMAL})


class BoxRecord(TypedDict):
    label: str
    box: list[float]
    visible: float
    pixels: int
    distance_m: float
    groups: dict[str, str]
    who: str


class PictureRecord(TypedDict):
    file: str
    world: str
    weather: str
    night: bool
    boxes: list[BoxRecord]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owner:
    """A labelled thing: an actor, or a vehicle of the static world."""

    name: str
    label: Label
    groups: dict[str, str]


class _Studio:
    """One compiled world with its cast, camera and light."""

    def __init__(self, world: str, robot: RobotModel, rng: np.random.Generator, number: int) -> None:
        self.world, self.number = world, number
        self.stage = _stage(world, robot, rng)
        self._view = view_of("camera", robot.camera_part)
        self._eye = Eye(self.stage.model)
        self._exposure = Exposure(robot.camera, self.stage.weather, rng)
        self._photographer = Photographer(self.stage, robot, rng)
        self._owners, self._owner_of_geom = _owners(self.stage)

    def picture(self) -> tuple[npt.NDArray[np.uint8], list[BoxRecord]]:
        """Arrange, draw and label one picture."""
        self._photographer.arrange()
        rgb, depth = self._eye.colour(self.stage.data, self._view, with_depth=self._exposure.needs_depth)
        pixels = self._exposure.develop(rgb, depth)
        owners, depth = self._seen()
        boxes = [record for index in np.unique(owners[owners >= 0]) if (record := self._label(int(index), owners, depth))]
        return pixels, boxes

    def _seen(self) -> tuple[Ids, Floats32]:
        """The owner of every pixel, -1 for none, and the depth (H, W) m."""
        view = View(camera="camera", width_px=self._view.width_px, height_px=self._view.height_px, fence=False)
        geoms, depth = self._eye.geoms(self.stage.data, view)
        owners = np.where(geoms >= 0, self._owner_of_geom[geoms], -1)[::-1]
        return self._hide_in_fog(owners, depth[::-1]), depth[::-1]

    def _hide_in_fog(self, owners: Ids, depth_m: npt.NDArray[np.float32]) -> Ids:
        """Nothing can be labelled where less than 4 % of its contrast is left."""
        weather = self.stage.weather
        if weather.sky is Sky.CLEAR:
            return owners
        return np.where(np.exp(-weather.extinction_per_m * depth_m) > 0.04, owners, -1)

    def _label(self, index: int, owners: Ids, depth_m: Floats32) -> BoxRecord | None:
        owner = self._owners[index]
        rows, columns = np.nonzero(owners == index)
        if len(rows) < _LEAST_PX or owner.label not in _LABELS:
            return None
        return {
            "label": owner.label.value,
            "box": [float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1)],
            "visible": round(min(len(rows) / max(self._alone(index), 1), 1.0), 3),
            "pixels": len(rows),
            "distance_m": round(float(np.median(depth_m[rows, columns])), 2),
            "groups": owner.groups,
            "who": f"{self.number}/{owner.name}",
        }

    def _alone(self, index: int) -> int:
        """Pixels that the thing would cover if nothing else were there."""
        groups = self.stage.model.geom_group
        kept = groups.copy()
        groups[self._owner_of_geom != index] = COLLISION_GROUP
        count = int((self._seen()[0] == index).sum())
        groups[:] = kept
        return count

    def close(self) -> None:
        """Give back the renderer."""
        self._eye.close()


def _stage(world: str, robot: RobotModel, rng: np.random.Generator) -> Stage:
    """A stage in the shipped world of that name, or in one that is drawn for it."""
    if world != DRAWN:
        return Stage(random_scenario(world, rng), robot, seed=0)
    with TemporaryDirectory() as folder:
        (Path(folder) / f"{DRAWN}.sdf").write_text(to_sdf(DRAWN, drawn_models(rng)), "utf-8")
        return Stage(random_scenario(DRAWN, rng, folder=Path(folder)), robot, seed=0)


def _owners(stage: Stage) -> tuple[tuple[_Owner, ...], Ids]:
    """The labelled things of a stage, and for every geom the index of its owner, or -1."""
    model = stage.model
    things = {actor.spec.name: actor.body for actor in stage.cast.actors}
    owners: dict[str, _Owner] = {}
    owner_of_geom = np.full(model.ngeom, -1, dtype=np.int32)
    for geom in range(model.ngeom):
        parts = model.geom(geom).name.split("/")
        static = parts[0] == "world"
        name = f"world/{parts[-1]}" if static else parts[0]
        body = None if static else things.get(parts[0])
        label = static_label(parts[-1]) if static else None if body is None else body.label
        if label is None:
            continue
        groups = groups_of(body.look) if isinstance(body, Person) else {}
        owners.setdefault(name, _Owner(name=name, label=label, groups=groups))
        owner_of_geom[geom] = list(owners).index(name)
    return tuple(owners.values()), owner_of_geom


def render(out: Path, *, count: int, seed: int, worlds: Sequence[str]) -> Iterator[PictureRecord]:
    """Write ``count`` pictures into ``out`` and yield what each shows; the same seed gives the same pictures."""
    robot = read_robot()
    rng = np.random.default_rng(seed)
    out.mkdir(parents=True, exist_ok=True)
    studio: _Studio | None = None
    for number in range(count):
        if number % _PER_STAGE == 0:
            if studio is not None:
                studio.close()
            studio = _Studio(str(worlds[(number // _PER_STAGE) % len(worlds)]), robot, rng, number // _PER_STAGE)
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
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    records = []
    for record in render(arguments.out, count=arguments.count, seed=arguments.seed, worlds=arguments.worlds):
        records.append(record)
        if len(records) % 100 == 0:
            _LOG.info("%d of %d pictures", len(records), arguments.count)
    (arguments.out / "labels.json").write_text(json.dumps({"images": records}), encoding="utf-8")


if __name__ == "__main__":
    main()
