# SPDX-License-Identifier: Apache-2.0
"""Ground truth: where everything really is. For scoring and tests; nothing else may read it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

import numpy as np

from patrol.geometry import Pose2, Twist2
from patrol.percepts import Box, Label
from sim.actors import Actor
from sim.eye import Ids


@dataclass(frozen=True, slots=True, kw_only=True)
class ActorTruth:
    """One actor: pose in map, height of its feet above the ground, and how the colour camera sees it. ``box`` is in pixels of
    the colour picture; ``visible_px`` counts that picture's pixels. Both are of the newest look, None and 0 if out of view."""

    name: str
    kind: str
    label: Label | None
    map_from_actor: Pose2
    height_m: float
    speed_mps: float
    started: bool
    present: bool
    visible_px: int = 0
    box: Box | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The state of the world at ``stamp_ns``. ``contacts`` names what the robot touches now (the ground aside), ``contact_count``
    how many times it began to touch something since the start. ``others`` are the poses in map of further robots."""

    stamp_ns: int
    map_from_base: Pose2
    twist: Twist2
    actors: tuple[ActorTruth, ...]
    contacts: tuple[str, ...]
    contact_count: int
    others: tuple[Pose2, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """How one actor shows in a picture."""

    visible_px: int
    box: Box


def sights(geoms: Ids, owner_of_geom: Ids, names: Sequence[str], scale: float) -> dict[str, Sight]:
    """Which actors a picture shows. ``geoms`` (H, W) with row 0 lowest, ``owner_of_geom`` (G,) index into ``names`` or -1;
    boxes and counts are scaled by ``scale`` to the full picture."""
    owners = np.where(geoms >= 0, owner_of_geom[geoms], -1)[::-1]
    found = {}
    for owner in np.unique(owners[owners >= 0]):
        rows, columns = np.nonzero(owners == owner)
        box = Box(
            x0_px=float(columns.min()) * scale,
            y0_px=float(rows.min()) * scale,
            x1_px=float(columns.max() + 1) * scale,
            y1_px=float(rows.max() + 1) * scale,
        )
        found[names[owner]] = Sight(visible_px=round(len(rows) * scale * scale), box=box)
    return found


def actor_truth(actor: Actor, sight: Sight | None) -> ActorTruth:
    """The truth about one actor."""
    state = actor.state
    return ActorTruth(
        name=actor.spec.name,
        kind=actor.spec.kind,
        label=actor.body.label,
        map_from_actor=state.pose,
        height_m=state.z_m,
        speed_mps=state.speed_mps,
        started=state.started,
        present=state.visible,
        visible_px=sight.visible_px if sight else 0,
        box=sight.box if sight else None,
    )


class TruthLog:
    """Writes one JSON line per record."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", encoding="utf-8")

    def write(self, truth: Truth) -> None:
        """Append ``truth``."""
        self._file.write(json.dumps(asdict(truth), separators=(",", ":")) + "\n")

    def close(self) -> None:
        """Flush and close."""
        self._file.close()

    def __enter__(self) -> TruthLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
