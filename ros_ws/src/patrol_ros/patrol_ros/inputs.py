# SPDX-License-Identifier: Apache-2.0
"""Files named by a node's parameters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mission.duties import Duties, read_duties
from mission.mission_file import mission_files, read_mission
from patrol.errors import BadValue
from patrol.operations import Mission
from patrol.site import Site
from patrol.site_file import read_site


def required_site(path: Path | None) -> Site:
    """The site at ``path``. Raises BadValue when none was given, BadInput naming every fault."""
    if path is None:
        raise BadValue("site: this node needs a site file")
    return read_site(path)


def duties_at(path: Path | None, site: Site, laps: int) -> Duties:
    """What the missions of a file or a folder ask for; ``laps`` above 0 overrides how often they go round. Raises BadInput."""
    return Duties() if path is None else read_duties(path, site, laps=laps)


def missions_at(path: Path | None, site: Site, laps: int) -> tuple[Mission, ...]:
    """The missions of a file or a folder; ``laps`` above 0 overrides how often they go round. Raises BadInput."""
    if path is None:
        return ()
    missions = (read_mission(each, site) for each in mission_files(path))
    return tuple(replace(mission, laps=laps) if laps else mission for mission in missions)
