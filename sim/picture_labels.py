# SPDX-License-Identifier: Apache-2.0
"""What a rendered picture shows and where: a box around each person, vehicle and animal, and how much of it can be seen."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from patrol.checks import Floats32
from patrol.percepts import Label
from sim.bodies.base import COLLISION_GROUP
from sim.bodies.groups import groups_of
from sim.bodies.person import Person
from sim.eye import Eye, Ids, View
from sim.scene import static_label
from sim.stage import Stage
from sim.weather import Sky

_LEAST_PX = 24
_WIDER = 3.0
"""How many times as wide and as high a picture is looked at to see how much of a thing its edge cuts off."""
_LABELS = frozenset({Label.PERSON, Label.VEHICLE, Label.ANIMAL})


class BoxRecord(TypedDict):
    label: str
    box: list[float]
    visible: float
    pixels: int
    distance_m: float
    groups: dict[str, str]
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Owner:
    """A labelled thing: an actor, or a vehicle of the static world."""

    name: str
    label: Label
    groups: dict[str, str]


class Labeller:
    """Labels what ``view`` of one stage shows, drawn by ``eye``; ``number`` tells its bodies from those of other stages."""

    def __init__(self, stage: Stage, eye: Eye, view: View, number: int) -> None:
        self._stage, self._eye, self._number = stage, eye, number
        self._view = replace(view, fence=False)
        self._camera = stage.model.camera(view.camera).id
        self._owners, self._owner_of_geom = _owners(stage)

    def labels(self) -> list[BoxRecord]:
        """A record for each labelled thing in view."""
        owners, depth_m = self._seen()
        seen = (int(index) for index in np.unique(owners[owners >= 0]))
        return [record for index in seen if (record := self._label(index, owners, depth_m))]

    def _seen(self) -> tuple[Ids, Floats32]:
        """The owner of every pixel, -1 for none, and the depth (H, W) m."""
        geoms, depth = self._eye.geoms(self._stage.data, self._view)
        owners = np.where(geoms >= 0, self._owner_of_geom[geoms], -1)[::-1]
        return self._hide_in_fog(owners, depth[::-1]), depth[::-1]

    def _hide_in_fog(self, owners: Ids, depth_m: npt.NDArray[np.float32]) -> Ids:
        """Nothing can be labelled where less than 4 % of its contrast is left."""
        weather = self._stage.weather
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
            "visible": round(self._share_visible(index, owners == index), 3),
            "pixels": len(rows),
            "distance_m": round(float(np.median(depth_m[rows, columns])), 2),
            "groups": owner.groups,
            "who": f"{self._number}/{owner.name}",
        }

    def _share_visible(self, index: int, shown: npt.NDArray[np.bool_]) -> float:
        """How much of the thing the pixels ``shown`` (H, W) are: of all that would be seen if nothing else were there."""
        with self._alone(index):
            alone = self._seen()[0] == index
            whole = self._solid_angle(alone)
            if _meets_edge(alone):
                with self._wider():
                    whole = max(whole, self._solid_angle(self._seen()[0] == index))
        return min(self._solid_angle(shown) / max(whole, 1e-12), 1.0)

    @contextmanager
    def _alone(self, index: int) -> Iterator[None]:
        """Nothing else is there."""
        groups = self._stage.model.geom_group
        kept = groups.copy()
        groups[self._owner_of_geom != index] = COLLISION_GROUP
        try:
            yield
        finally:
            groups[:] = kept

    @contextmanager
    def _wider(self) -> Iterator[None]:
        """The camera opens wider, from the same place."""
        fovy_deg = self._stage.model.cam_fovy
        kept = float(fovy_deg[self._camera])
        fovy_deg[self._camera] = 2.0 * math.degrees(math.atan(_WIDER * math.tan(math.radians(0.5 * kept))))
        try:
            yield
        finally:
            fovy_deg[self._camera] = kept

    def _solid_angle(self, mask: npt.NDArray[np.bool_]) -> float:
        """Of the pixels in ``mask`` (H, W), sr, with the camera's opening as it is now."""
        height, width = mask.shape
        half = math.tan(math.radians(0.5 * float(self._stage.model.cam_fovy[self._camera])))
        rows, columns = np.nonzero(mask)
        edge = 2.0 * half / height
        up, left = (rows + 0.5) * edge - half, (columns + 0.5 - 0.5 * width) * edge
        return float(edge * edge * ((1.0 + up * up + left * left) ** -1.5).sum())


def _meets_edge(mask: npt.NDArray[np.bool_]) -> bool:
    return bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())


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
