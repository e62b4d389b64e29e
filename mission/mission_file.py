# SPDX-License-Identifier: Apache-2.0
"""Mission files: YAML that says which stops to visit, how often, how fast and when. A bad file is refused whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from mission.route import RouteConfig, RouteMissing, perimeter_route, stop_from_waypoint
from mission.walk_file import fits_digest, read_walk, walk_path
from patrol.config import Config, read_yaml, validate_config
from patrol.errors import BadInput, Fault
from patrol.operations import Attends, Mission, Route
from patrol.site import Site

CALENDAR_SUFFIX = ".calendar.yaml"
_BESIDE = r"^[A-Za-z0-9][A-Za-z0-9_.-]*"


class UnpredictableFile(Config):
    """An unpredictable patrol against attacks that take ``attack_s``. ``way``: the mode to choose (see ``patrol unpredictable``),
    or the best. ``places``: the waypoints of the site, or everything on it that a patrol should see. A round with detours leaves
    no gap over ``worst_factor`` rounds, a free walk none over ``guard_factor`` times what its guard can keep at the tightest."""

    attack_s: float = Field(gt=0, le=86_400)
    way: Literal["best", "round", "detours", "free"] = "best"
    places: Literal["waypoints", "site"] = "waypoints"
    worst_factor: float = Field(default=2.0, ge=1.0, le=10.0)
    guard_factor: float = Field(default=4.0, ge=1.0, le=20.0)
    memory_places: int = Field(default=1, ge=0, le=3)
    ticks_an_attack: int = Field(default=40, ge=5, le=500)
    search_starts: int = Field(default=4, ge=1, le=1000)


class MissionFile(Config):
    """What a mission file may say. ``route`` is ``perimeter`` or waypoint ids of the site in the order of the visit;
    ``dwell_s`` overrides how long the robot looks around at each stop; a leg may take ``leg_deadline_factor`` times as long
    as its length at ``speed_mps``; ``then`` is what follows the last stop; ``attend`` names the alerts
    that may interrupt the round. In the mode ``unpredictable`` the stops are drawn.
    ``calendar`` and ``risk`` name files beside this one: when it is driven, and what its places weigh."""

    name: str = Field(min_length=1)
    mode: Literal["round", "unpredictable"] = "round"
    unpredictable: UnpredictableFile | None = None
    calendar: str | None = Field(default=None, pattern=_BESIDE + CALENDAR_SUFFIX.replace(".", "[.]") + "$")
    risk: str | None = Field(default=None, pattern=_BESIDE + "[.]jsonl$")
    route: Literal["perimeter"] | tuple[str, ...] = "perimeter"
    laps: int = Field(default=1, ge=1, le=500)
    speed_mps: float = Field(default=1.2, gt=0, le=5.0)
    dwell_s: float | None = Field(default=None, ge=0, le=600)
    leg_deadline_factor: float = Field(default=3.0, ge=1.0, le=20.0)
    then: Literal["dock", "stay"] = "dock"
    attend: tuple[Attends, ...] = ()
    inset: RouteConfig = RouteConfig()

    @model_validator(mode="after")
    def _mode_is_whole(self) -> MissionFile:
        if (self.mode == "unpredictable") != (self.unpredictable is not None):
            raise ValueError("unpredictable: goes with 'mode: unpredictable', and says at least attack_s")
        if self.mode == "unpredictable" and self.route != "perimeter":
            raise ValueError("route: an unpredictable patrol draws its own")
        if self.risk is not None and self.mode != "unpredictable":
            raise ValueError("risk: goes with 'mode: unpredictable'; a round visits every stop alike")
        return self


def read_mission_file(path: Path) -> MissionFile:
    """What the file at ``path`` says. Raises BadInput naming every fault."""
    return validate_config(MissionFile, read_yaml(path), source=path)


def read_mission(path: Path, site: Site) -> Mission:
    """Read one mission file for ``site``; its id is the file's stem. Raises BadInput naming every fault; an unpredictable
    mission must have been prepared for the site."""
    file = read_mission_file(path)
    return Mission(
        mission_id=path.stem,
        name=file.name,
        route=_route(file, site, path) if file.mode == "round" else _walked(path, file, site),
        is_drawn=file.mode == "unpredictable",
        laps=file.laps,
        speed_mps=file.speed_mps,
        leg_deadline_factor=file.leg_deadline_factor,
        docks_after=file.then == "dock",
        attends=file.attend,
    )


def read_missions(folder: Path, site: Site) -> tuple[Mission, ...]:
    """Every mission file of ``folder`` in the order of names. Raises BadInput of the first file that has faults."""
    return tuple(read_mission(path, site) for path in mission_files(folder))


def mission_files(path: Path) -> tuple[Path, ...]:
    """The mission files of a folder in the order of names, or the one file that ``path`` is itself. Raises BadInput for a folder
    without any."""
    if not path.is_dir():
        return (path,)
    found = tuple(each for each in sorted(path.glob("*.yaml")) if not each.name.endswith(CALENDAR_SUFFIX))
    if not found:
        raise BadInput(path, [Fault(field="(folder)", value=str(path), because="holds no mission file (*.yaml)")])
    return found


def prepared_for(file: MissionFile, site: Site) -> str:
    """Names what a walk of this mission is prepared for; how often and when it is driven does not matter."""
    text = file.model_dump_json(exclude={"name", "laps", "then", "attend", "calendar", "leg_deadline_factor"})
    return fits_digest(text, site)


def _walked(path: Path, file: MissionFile, site: Site) -> Route:
    """The closed round of a prepared walk, which its visits are counted by."""
    walk = read_walk(walk_path(path, site), prepared_for(file, site))
    return Route(route_id=path.stem, waypoints=tuple(walk.places[place].stop() for place in walk.round_places))


def _route(file: MissionFile, site: Site, path: Path) -> Route:
    if file.route == "perimeter":
        try:
            route = perimeter_route(site, file.inset)
        except RouteMissing as error:
            raise BadInput(path, [Fault(field="route", value=file.route, because=str(error))]) from error
    else:
        route = _listed_route(file.route, site, path)
    if file.dwell_s is None:
        return route
    return replace(route, waypoints=tuple(replace(stop, dwell_s=file.dwell_s) for stop in route.waypoints))


def _listed_route(ids: tuple[str, ...], site: Site, path: Path) -> Route:
    known = {waypoint.waypoint_id: waypoint for waypoint in site.waypoints}
    faults = [
        Fault(field=f"route.{index}", value=name, because=f"site {site.site_id} has no such waypoint")
        for index, name in enumerate(ids)
        if name not in known
    ]
    if not ids:
        faults.append(Fault(field="route", value=ids, because="a route needs one waypoint at least"))
    if faults:
        raise BadInput(path, faults)
    return Route(route_id=path.stem, waypoints=tuple(stop_from_waypoint(known[name]) for name in ids))
