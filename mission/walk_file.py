# SPDX-License-Identifier: Apache-2.0
"""A prepared walk: an unpredictable mission made ready for one site, with the guarantee that was computed for it.

Preparing takes seconds to minutes and happens once, on a desk (``patrol mission prepare``). The robot reads the file, and refuses
it when the mission or the site has changed since.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, ValidationError

from mission.games.game import Move, PatrolGame, Target
from mission.games.guard import make_guard
from mission.games.play import DrawnPatrol
from mission.games.states import StateGraph, Walk
from mission.route import standing_on
from patrol.config import Config
from patrol.errors import BadInput, BadValue, Fault
from patrol.geometry import Pose2
from patrol.operations import RouteWaypoint
from patrol.promise import Promise
from patrol.site import Site

Count = Annotated[int, Field(ge=0)]


class PlaceEntry(Config):
    """A place of the walk, in map."""

    name: str
    x_m: float
    y_m: float
    yaw_rad: float
    dwell_s: float

    def stop(self) -> RouteWaypoint:
        """The stop of a route at this place."""
        return RouteWaypoint(waypoint_id=self.name, pose=Pose2(self.x_m, self.y_m, self.yaw_rad), dwell_s=self.dwell_s)


class WalkEntry(Config):
    """A strategy: states with their places, and the steps between them with their chances."""

    place: tuple[Count, ...]
    tails: tuple[Count, ...]
    heads: tuple[Count, ...]
    travel: tuple[Count, ...]
    chance: tuple[float, ...]


class WalkFile(Config):
    """``fits`` names the mission and the site that it was prepared for. ``moves``: start, end, ticks; ``targets``: place, ticks
    of an attack, weight, chance of detection. ``guard_ticks`` is None for a walk that needs no guard."""

    schema_version: Literal["1.0"] = "1.0"
    mission_id: str
    site_id: str
    fits: str
    tick_s: float = Field(gt=0)
    places: tuple[PlaceEntry, ...]
    round_places: tuple[Count, ...]
    dwell_ticks: tuple[Count, ...]
    moves: tuple[tuple[Count, Count, Count], ...]
    targets: tuple[tuple[Count, Count, float, float], ...]
    walk: WalkEntry
    guard_ticks: Count | None
    promise: Promise


def walk_path(mission_path: Path, site: Site) -> Path:
    """Where the walk of a mission file for ``site`` lies: beside it."""
    return mission_path.with_name(f"{mission_path.stem}.{site.site_id}.walk.json")


def fits_digest(mission_text: str, site: Site) -> str:
    """Names what a walk was prepared for: the mission's own words and the ground of the site."""
    ground = [site.perimeter, *standing_on(site), *(area.outline for area in site.slow_areas)]
    stops = [f"{one.waypoint_id} {one.pose} {one.dwell_s}" for one in site.waypoints]
    limits = [f"{area.slow_id} {area.limit_mps}" for area in site.slow_areas]
    told = "\n".join([mission_text, site.site_id, *(shape.wkt for shape in ground), *stops, *limits])
    return hashlib.sha256(told.encode()).hexdigest()


def read_walk(path: Path, fits: str) -> WalkFile:
    """Read a prepared walk. Raises BadInput when there is none, it is damaged, or it was prepared for something else."""
    try:
        file = WalkFile.model_validate_json(path.read_bytes())
        drawn_patrol(file)
    except OSError as error:
        because = f"can not be read: {error.strerror}; prepare the mission with 'patrol mission prepare'"
        raise BadInput(path, [Fault(field="(file)", value=str(path), because=because)]) from error
    except (ValidationError, BadValue) as error:
        raise BadInput(path, [Fault(field="(file)", value=str(path), because=f"is no prepared walk: {error}")]) from error
    if file.fits != fits:
        because = "was prepared for another mission or site; prepare it again with 'patrol mission prepare'"
        raise BadInput(path, [Fault(field="fits", value=file.fits[:12], because=because)])
    return file


def drawn_patrol(file: WalkFile) -> DrawnPatrol:
    """The walk, ready to be drawn. Raises BadValue when the parts of the file do not go together."""
    game = PatrolGame(
        dwell_ticks=file.dwell_ticks,
        moves=tuple(Move(start=start, end=end, ticks=ticks) for start, end, ticks in file.moves),
        targets=tuple(
            Target(place=place, attack_ticks=ticks, weight=weight, detection=seen) for place, ticks, weight, seen in file.targets
        ),
        tick_s=file.tick_s,
    )
    if len(file.places) != game.places:
        raise BadValue(f"places: {len(file.places)} are not the {game.places} of dwell_ticks")
    walk = file.walk
    graph = StateGraph(
        place=np.array(walk.place),
        tails=np.array(walk.tails),
        heads=np.array(walk.heads),
        travel=np.array(walk.travel),
        labels=tuple(((place,), index) for index, place in enumerate(walk.place)),
    )
    guard = None if file.guard_ticks is None else make_guard(game, file.round_places, file.guard_ticks)
    return DrawnPatrol(game, Walk(graph=graph, chance=np.array(walk.chance)), guard)


def walk_entry(patrol: DrawnPatrol) -> WalkEntry:
    """The strategy of ``patrol`` as it is kept in a file."""
    graph = patrol.walk.graph
    return WalkEntry(
        place=tuple(graph.place.tolist()),
        tails=tuple(graph.tails.tolist()),
        heads=tuple(graph.heads.tolist()),
        travel=tuple(graph.travel.tolist()),
        chance=tuple(patrol.walk.chance.tolist()),
    )
