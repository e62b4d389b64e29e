# SPDX-License-Identifier: Apache-2.0
"""What a robot is there to do: its missions, the walks of those that are drawn, when they begin, and what each promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mission.calendar.plan import Calendar, read_calendar
from mission.drawn import DrawnRoute
from mission.mission_file import mission_files, prepared_for, read_mission, read_mission_file
from mission.pace import Pace
from mission.walk_file import WalkFile, drawn_patrol, read_walk, walk_path
from patrol.errors import BadInput, Fault
from patrol.operations import Mission
from patrol.promise import Promise
from patrol.site import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class Duties:
    """``drawn`` has an entry for each unpredictable mission; ``calendar`` is None where nothing begins by itself."""

    missions: tuple[Mission, ...] = ()
    drawn: Mapping[str, DrawnRoute] = field(default_factory=dict)
    calendar: Calendar | None = None


def read_duties(path: Path, site: Site, *, laps: int = 0) -> Duties:
    """Everything that the mission file or folder at ``path`` asks for; ``laps`` above 0 overrides how often it goes round.

    Raises BadInput of the first file that has faults: two calendars are one, since a robot follows one timetable.
    """
    paths = mission_files(path)
    missions = tuple(replace(mission, laps=laps) if laps else mission for mission in (read_mission(each, site) for each in paths))
    drawn = {}
    for each, mission in zip(paths, missions, strict=True):
        walk = _walk_of(each, site)
        if walk is not None:
            stops = tuple(place.stop() for place in walk.places)
            drawn[mission.mission_id] = DrawnRoute(patrol=drawn_patrol(walk), stops=stops)
    return Duties(missions=missions, drawn=drawn, calendar=_calendar(paths, site))


def promise_of(path: Path, mission: Mission, site: Site, *, pace: Pace | None = None) -> Promise:
    """What a mission promises, whose file is ``path`` or lies in the folder ``path``. A prepared walk says so itself; of a round
    the lap is planned as it would be driven. Raises BadInput, and WayMissing where a stop can not be driven to."""
    walk = _walk_of(mission_path(path, mission.mission_id), site)
    if walk is not None:
        return walk.promise
    lap_s = (pace or Pace(site)).lap_s(mission)
    return Promise(
        mode="round",
        worst_idleness_s=lap_s,
        average_idleness_s=0.5 * lap_s,
        sentences=(
            f"mode round: no stop goes unseen for longer than a lap of {lap_s:.0f} s, from the first visit on",
            "a round can be foretold: whoever knows it can time an attack to fit between two visits",
        ),
    )


def mission_path(path: Path, mission_id: str) -> Path:
    """The file of one mission of a folder, or the one file that ``path`` is."""
    return path / f"{mission_id}.yaml" if path.is_dir() else path


def _walk_of(path: Path, site: Site) -> WalkFile | None:
    file = read_mission_file(path)
    return None if file.mode == "round" else read_walk(walk_path(path, site), prepared_for(file, site))


def _calendar(paths: tuple[Path, ...], site: Site) -> Calendar | None:
    """The one calendar that the missions name."""
    named = {each.with_name(name): each for each in paths if (name := read_mission_file(each).calendar) is not None}
    if not named:
        return None
    if len(named) > 1:
        found = ", ".join(sorted(path.name for path in named))
        raise BadInput(min(named.values()), [Fault(field="calendar", value=found, because="must be the same in every mission")])
    calendar = next(iter(named))
    return read_calendar(calendar, time_zone=site.time_zone, missions=frozenset(path.stem for path in paths))
