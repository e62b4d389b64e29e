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
from patrol.errors import BadInput, PatrolError
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
    """What to show. ``laps`` 0 goes on until stopped; ``autostart`` false leaves the start to the operator."""

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
    backend: Backend = Backend.SIMULATION


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
    centre = Centre.prepare(plan.state, port=plan.port) if plan.page else None
    with Supervisor(_jobs(plan, centre), log_folder=plan.folder / "logs") as supervisor:
        _wait_until_up(plan, centre, supervisor, interrupted)
        if not interrupted.asked:
            on_up(_shown(centre))
        _keep_running(plan, supervisor, interrupted, on_processes)
    return _report(plan)


def check_inputs(plan: DemoPlan) -> None:
    """Read every file before the first process starts. Raises BadInput, also for a folder that holds a patrol already, and
    GazeboMissing."""
    check_folder(plan.folder)
    read_inputs(plan.scenario, plan.mission)
    if plan.backend is Backend.GAZEBO:
        find_installation()


def _jobs(plan: DemoPlan, centre: Centre | None) -> tuple[Job, ...]:
    run = RunSettings(
        backend=plan.backend,
        run_folder=plan.folder,
        robot_id=ROBOT,
        site=read_scenario(plan.scenario).site,
        mission=plan.mission,
        scenario=plan.scenario,
        map_folder=plan.folder / "map",
        laps=plan.laps or ENDLESS_LAPS,
        autostart=plan.autostart,
        seed=plan.seed,
        factor=plan.factor,
        uplink_url=centre.robot_url if centre else "",
        uplink_token_file=centre.robot_token if centre else None,
        evidence_key=demonstration_key(plan.state),
    )
    without = frozenset[str]() if centre else frozenset({"uplink"})
    stack = stack_jobs(run, without=without, domain_id=1 + secrets.randbelow(100))
    return (centre.job(), *stack) if centre else stack


def _wait_until_up(plan: DemoPlan, centre: Centre | None, supervisor: Supervisor, interrupted: Interrupted) -> None:
    """Until every process runs and the robot is on the line. Raises DemoFailed naming the process that does not come up."""
    deadline_s = time.monotonic() + UP_WITHIN_S
    while not interrupted.asked:
        reports = supervisor.poll()
        if all(report.phase is Phase.RUNNING for report in reports) and (centre is None or centre.is_linked()):
            return
        if time.monotonic() > deadline_s:
            down = [f"{report.name} ({report.because})" for report in reports if report.phase is not Phase.RUNNING]
            what = ", ".join(down) or "the robot did not call the command centre"
            raise DemoFailed(f"not up within {UP_WITHIN_S:g} s: {what}; logs: {plan.folder}/logs")
        time.sleep(POLL_S)


def _keep_running(
    plan: DemoPlan, supervisor: Supervisor, interrupted: Interrupted, on_processes: Callable[[tuple[Report, ...]], None]
) -> None:
    """Until somebody asks to stop or the report is there. Raises DemoFailed when the patrol takes longer than the limit."""
    deadline_s = time.monotonic() + plan.limit_s
    while not interrupted.asked:
        on_processes(supervisor.poll())
        if plan.laps and (plan.folder / JSON_FILE).is_file():
            return
        if plan.laps and time.monotonic() > deadline_s:
            raise DemoFailed(f"the patrol was not done within {plan.limit_s:g} s; logs: {plan.folder}/logs")
        time.sleep(POLL_S)


def _report(plan: DemoPlan) -> Path | None:
    """The patrol's report, written (anew) now that every process has ended: the recording is whole, and so is its hash. None
    without a patrol."""
    report = plan.folder / JSON_FILE
    if (plan.folder / LOG_FILE).is_file():
        try:
            make_report(plan.folder, read_site(read_scenario(plan.scenario).site))
        except (BadInput, OSError):
            log.exception("%s: no report can be made", plan.folder)
    return report if report.is_file() else None


def _shown(centre: Centre | None) -> Shown:
    if centre is None:
        return Shown()
    return Shown(address=centre.address, operator=centre.prepared.operator, password=centre.prepared.one_time_password)
