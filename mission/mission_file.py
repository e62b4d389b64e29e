# SPDX-License-Identifier: Apache-2.0
"""Mission files: YAML that says which stops to visit, how often and how fast. A bad file is refused whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import Field

from mission.route import RouteConfig, RouteMissing, perimeter_route, stop_from_waypoint
from patrol.config import Config, read_yaml, validate_config
from patrol.errors import BadInput, Fault
from patrol.operations import Mission, Route
from patrol.site import Site


class MissionFile(Config):
    """What a mission file may say. ``route`` is ``perimeter`` or waypoint ids of the site in the order of the visit;
    ``dwell_s`` overrides how long the robot looks around at each stop; a leg may take ``leg_deadline_factor`` times as long
    as its length at ``speed_mps``; ``then`` is what follows the last stop."""

    name: str = Field(min_length=1)
    route: Literal["perimeter"] | tuple[str, ...] = "perimeter"
    laps: int = Field(default=1, ge=1, le=500)
    speed_mps: float = Field(default=1.2, gt=0, le=5.0)
    dwell_s: float | None = Field(default=None, ge=0, le=600)
    leg_deadline_factor: float = Field(default=3.0, ge=1.0, le=20.0)
    then: Literal["dock", "stay"] = "dock"
    inset: RouteConfig = RouteConfig()


def read_mission(path: Path, site: Site) -> Mission:
    """Read one mission file for ``site``; its id is the file's stem. Raises BadInput naming every fault."""
    data = read_yaml(path)
    file = validate_config(MissionFile, data, source=path)
    return Mission(
        mission_id=path.stem,
        name=file.name,
        route=_route(file, site, path),
        laps=file.laps,
        speed_mps=file.speed_mps,
        leg_deadline_factor=file.leg_deadline_factor,
        docks_after=file.then == "dock",
    )


def read_missions(folder: Path, site: Site) -> tuple[Mission, ...]:
    """Every ``*.yaml`` of ``folder`` in the order of names. Raises BadInput of the first file that has faults."""
    return tuple(read_mission(path, site) for path in sorted(folder.glob("*.yaml")))


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
