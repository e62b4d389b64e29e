# SPDX-License-Identifier: Apache-2.0
"""Everything that a patrol is told, read and checked before anything is started or written."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from evidence.accumulate import LOG_FILE
from mission.duties import Duties, promise_of, read_duties
from mission.pace import WayMissing
from patrol.errors import BadInput, Fault
from patrol.geometry import Pose2
from patrol.operations import Mission
from patrol.promise import Promise
from patrol.site import Site
from patrol.site_file import read_site
from sim.robot import RobotModel, read_robot
from sim.scenario import Scenario, read_scenario
from sim.sdf import read_world
from sim.stage import start_pose

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PatrolInputs:
    """What the files of one simulated patrol say: ``mission`` is the first of the ``duties``, and
    ``start`` the robot's first pose in map."""

    scenario: Scenario
    site: Site
    mission: Mission
    duties: Duties
    robot: RobotModel
    start: Pose2


def read_inputs(scenario_path: Path, mission_path: Path, *, laps: int = 0) -> PatrolInputs:
    """Read scenario, site, world, robot and mission; ``laps`` above 0 overrides how often it goes round. Raises BadInput of the
    first file that has faults."""
    scenario = read_scenario(scenario_path)
    site = read_site(scenario.site)
    if not site.docks:
        raise BadInput(scenario.site, [Fault(field="features", value="no dock", because="a patrol starts at a dock")])
    read_world(scenario.world)
    duties = read_duties(mission_path, site, laps=laps)
    return PatrolInputs(
        scenario=scenario,
        site=site,
        mission=duties.missions[0],
        duties=duties,
        robot=read_robot(),
        start=start_pose(scenario, site),
    )


def promised(path: Path, mission: Mission, site: Site) -> Promise | None:
    """What the mission at ``path`` guarantees; None where a stop can not be driven to on the ground that the site file describes:
    the patrol may still find a way."""
    try:
        return promise_of(path, mission, site)
    except WayMissing as error:
        log.warning("%s: nothing is promised: %s", mission.mission_id, error)
        return None


def check_folder(folder: Path) -> None:
    """Raises BadInput when ``folder`` can not take a new patrol: it holds one already, or it is no folder."""
    if (folder / LOG_FILE).exists():
        raise BadInput(folder, [Fault(field=LOG_FILE, value=str(folder), because="holds a patrol already")])
    if folder.exists() and not folder.is_dir():
        raise BadInput(folder, [Fault(field="folder", value=str(folder), because="is a file")])
