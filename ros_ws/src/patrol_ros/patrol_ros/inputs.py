# SPDX-License-Identifier: Apache-2.0
"""Files named by a node's parameters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mission.mission_file import read_mission, read_missions
from patrol.errors import BadValue
from patrol.operations import Mission
from patrol.site import Site
from patrol.site_file import read_site


def required_site(path: Path | None) -> Site:
    """The site at ``path``. Raises BadValue when none was given, BadInput naming every fault."""
    if path is None:
        raise BadValue("site: this node needs a site file")
    return read_site(path)


def missions_at(path: Path | None, site: Site, laps: int) -> tuple[Mission, ...]:
    """The missions of a file or a folder; ``laps`` above 0 overrides how often they go round. Raises BadInput."""
    if path is None:
        return ()
    missions = read_missions(path, site) if path.is_dir() else (read_mission(path, site),)
    return tuple(replace(mission, laps=laps) if laps else mission for mission in missions)
