# SPDX-License-Identifier: Apache-2.0
"""The demonstration: simulator, ROS 2 stack and command centre as processes, one patrol, one report."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.centre import ROBOT, Centre
from app.evidence import demonstration_key
from app.inputs import check_folder, read_inputs
from app.interrupt import Interrupted
from app.supervise import Job, Report, Supervisor
from app.supervise_policy import Phase
from app.supervise_stack import stack_jobs
from evidence.accumulate import LOG_FILE
from evidence.report import JSON_FILE, make_report
from patrol.berths import berths
from patrol.errors import BadInput, BadValue, PatrolError
from patrol.site_file import read_site
from patrol_bringup.settings import RunSettings
from patrol_bringup.table import Backend
from sim.gazebo.installation import find_installation
from sim.scenario import read_scenario

log = logging.getLogger(__name__)
UP_WITHIN_S = 60.0
POLL_S = 0.05
ENDLESS_LAPS = 500


class DemoFailed(PatrolError):
    """The demonstration could not be brought up, or its patrol did not end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPlan:
    """What to show. ``laps`` 0 goes on until stopped; ``autostart`` false leaves the start to the operator; several ``robots``
    share the mission's stops as a team."""

    scenario: Path
    mission: Path
    folder: Path
    state: Path
    port: int = 8080
    laps: int = 1
    seed: int = 1
    factor: float = 1.0
    page: bool = True
    autostart: bool = True
    limit_s: float = 3600.0
    robots: int = 1
    hearing: bool = False
    backend: Backend = Backend.SIMULATION

    @property
    def names(self) -> tuple[str, ...]:
        """Ids of the robots; also their ROS namespaces."""
        return (ROBOT, *(f"{ROBOT}_{number}" for number in range(2, 1 + self.robots)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the person at the terminal needs: where the page is and how to sign in; None without a page."""

    address: str | None = None
    operator: str = ""
    password: str | None = None


def run_demo(
    plan: DemoPlan, *, on_up: Callable[[Shown], None], on_processes: Callable[[tuple[Report, ...]], None]
) -> Path | None:
    """Bring everything up, call ``on_up`` once, and keep it running until the patrol's report is written or somebody asks to
    stop. Returns the report, also of a patrol that was stopped half-way, or None when none had begun.

    Raises BadInput and DemoFailed.
    """
    check_inputs(plan)
    interrupted = Interrupted()
    interrupted.install()
    centre = Centre.prepare(plan.state, port=plan.port, robots=plan.names) if plan.page else None
    with Supervisor(demo_jobs(plan, centre), log_folder=plan.folder / "logs") as supervisor:
        _wait_until_up(plan, centre, supervisor, interrupted)
        if not interrupted.asked:
            on_up(_shown(centre))
        _keep_running(plan, supervisor, interrupted, on_processes)
    return _report(plan)


def check_inputs(plan: DemoPlan) -> None:
    """Read every file before the first process starts. Raises BadInput, also for a folder that holds a patrol already, BadValue
    for a team that can not be, and GazeboMissing."""
    check_folder(plan.folder)
    inputs = read_inputs(plan.scenario, plan.mission)
    if plan.hearing and plan.backend is not Backend.SIMULATION:
        raise BadValue("hearing: there are microphones in the embedded simulator only")
    if plan.robots > 1:
        berths(inputs.site, plan.robots)
        if plan.backend is not Backend.SIMULATION:
            raise BadValue("robots: several robots patrol in the embedded simulator only")
    if plan.backend is Backend.GAZEBO:
        find_installation()


def demo_jobs(plan: DemoPlan, centre: Centre | None) -> tuple[Job, ...]:
    """The processes of the demonstration: the command centre, if there is one, and the stack of each robot."""
    run = RunSettings(
        backend=plan.backend,
        run_folder=plan.folder,
        robot_id=ROBOT,
        robots=",".join(plan.names) if plan.robots > 1 else "",
        site=read_scenario(plan.scenario).site,
        mission=plan.mission,
        scenario=plan.scenario,
        map_folder=plan.folder / "map",
        laps=plan.laps or ENDLESS_LAPS,
        autostart=plan.autostart,
        seed=plan.seed,
        factor=plan.factor,
        hearing=plan.hearing,
        uplink_url=centre.robot_url if centre else "",
        uplink_token_file=centre.robot_token() if centre else None,
        evidence_key=demonstration_key(plan.state),
    )
    without = frozenset[str]() if centre else frozenset({"uplink"})
    runs = [run]
    for berth, name in enumerate(plan.names[1:], start=1):
        mate = run.for_mate(name, f"Rover {berth + 1}", berth)
        runs.append(mate.model_copy(update={"uplink_token_file": centre.robot_token(name) if centre else None}))
    domain_id = 1 + secrets.randbelow(100)
    stack = tuple(job for each in runs for job in stack_jobs(each, without=without, domain_id=domain_id))
    return (centre.job(), *stack) if centre else stack


def _wait_until_up(plan: DemoPlan, centre: Centre | None, supervisor: Supervisor, interrupted: Interrupted) -> None:
    """Until every process runs and the robot is on the line. Raises DemoFailed naming the process that does not come up."""
    within_s = UP_WITHIN_S * plan.robots
    deadline_s = time.monotonic() + within_s
    while not interrupted.asked:
        reports = supervisor.poll()
        if all(report.phase is Phase.RUNNING for report in reports) and (centre is None or centre.is_linked()):
            return
        if time.monotonic() > deadline_s:
            down = [f"{report.name} ({report.because})" for report in reports if report.phase is not Phase.RUNNING]
            what = ", ".join(down) or "the robot did not call the command centre"
            raise DemoFailed(f"not up within {within_s:g} s: {what}; logs: {plan.folder}/logs")
        time.sleep(POLL_S)


def _keep_running(
    plan: DemoPlan, supervisor: Supervisor, interrupted: Interrupted, on_processes: Callable[[tuple[Report, ...]], None]
) -> None:
    """Until somebody asks to stop or the report is there. Raises DemoFailed when the patrol takes longer than the limit."""
    deadline_s = time.monotonic() + plan.limit_s
    while not interrupted.asked:
        on_processes(supervisor.poll())
        if plan.laps and all((folder / JSON_FILE).is_file() for folder in _folders(plan)):
            return
        if plan.laps and time.monotonic() > deadline_s:
            raise DemoFailed(f"the patrol was not done within {plan.limit_s:g} s; logs: {plan.folder}/logs")
        time.sleep(POLL_S)


def _report(plan: DemoPlan) -> Path | None:
    """The first robot's report; every robot's is written (anew) now that every process has ended: the recording is whole, and so
    is its hash. None without a patrol."""
    for folder in _folders(plan):
        if (folder / LOG_FILE).is_file():
            try:
                make_report(folder, read_site(read_scenario(plan.scenario).site))
            except (BadInput, OSError):
                log.exception("%s: no report can be made", folder)
    report = plan.folder / JSON_FILE
    return report if report.is_file() else None


def _folders(plan: DemoPlan) -> tuple[Path, ...]:
    """The patrol's folder of each robot."""
    return (plan.folder, *(plan.folder / name for name in plan.names[1:]))


def _shown(centre: Centre | None) -> Shown:
    if centre is None:
        return Shown()
    return Shown(address=centre.address, operator=centre.prepared.operator, password=centre.prepared.one_time_password)
