# SPDX-License-Identifier: Apache-2.0
"""The jobs of one run of the stack: the table of processes, with the run's settings and environment."""

from __future__ import annotations

import os
from collections.abc import Mapping

from app.supervise import Job
from app.supervise_policy import RestartPolicy
from patrol_bringup.environment import DEFAULT_DOMAIN, node_environment
from patrol_bringup.settings import RunSettings, command, write_run_file
from patrol_bringup.table import processes_for


def stack_jobs(
    settings: RunSettings,
    *,
    without: frozenset[str] = frozenset(),
    domain_id: int = DEFAULT_DOMAIN,
    base_environment: Mapping[str, str] = os.environ,
) -> tuple[Job, ...]:
    """One job per process of the run, each after what it needs; those of a further robot of a team are named after it. Raises
    BadValue when ``without`` names no optional row."""
    rows = processes_for(
        settings.backend, without=without, team=settings.is_team, further=settings.berth > 0, hearing=settings.hearing
    )
    log_folder = settings.run_folder / "logs" / "ros"
    environment = node_environment(base_environment, domain_id=domain_id, log_folder=log_folder)
    settings.state_folder.mkdir(parents=True, exist_ok=True)
    write_run_file(settings)
    return tuple(
        Job(
            name=f"{settings.robot_id}.{row.name}" if settings.berth else row.name,
            command=command(row, settings),
            environment=environment,
            policy=RestartPolicy(first_wait_s=row.first_wait_s, longest_wait_s=row.longest_wait_s, ends=row.ends),
        )
        for row in rows
    )
