# SPDX-License-Identifier: Apache-2.0
"""A recording through the nodes that run on a robot: the replay node stands in for the backend."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.centre import Centre
from app.interrupt import Interrupted
from app.supervise import Report, Supervisor
from app.supervise_policy import Phase
from app.supervise_stack import stack_jobs
from app.track import open_video
from evidence.recorder import RECORDING_FILE
from evidence.recording import Recording
from patrol.config import load_config
from patrol.errors import BadInput, Fault, PatrolError
from patrol.replayable import Replayable, kind_of
from patrol.site_file import read_site
from patrol_bringup.settings import RunSettings
from patrol_bringup.table import Backend, processes_for
from perception.pipeline import PerceptionConfig
from slam.carmen import read_carmen

POLL_S = 0.05
MAP_PICTURE = "map.pgm"


class ReplayFailed(PatrolError):
    """A process of the replay could not do its part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPlan:
    """What to replay and where its results go. ``factor`` 0 runs as fast as the nodes take it; ``site`` gives zones."""

    recording: Path
    folder: Path
    state: Path
    factor: float = 1.0
    page: bool = False
    port: int = 8080
    site: Path | None = None
    perception_config: Path | None = None
    limit_s: float = 4 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayResult:
    """What a replay left behind; ``topics`` counts the recorded messages by topic."""

    folder: Path
    topics: dict[str, int]
    map_picture: Path | None

    def lines(self) -> Iterator[str]:
        """The result in words."""
        yield f"Recorded: {self.folder / RECORDING_FILE}"
        for topic, count in sorted(self.topics.items()):
            yield f"  {topic}: {count}"
        if self.map_picture is not None:
            yield f"Map: {self.map_picture}"


def run_replay(plan: ReplayPlan) -> ReplayResult:
    """Start the nodes, feed the recording to its end, stop them. Raises BadInput when there is no such recording and
    ReplayFailed when a process gives up."""
    check_inputs(plan)
    interrupted = Interrupted()
    interrupted.install()
    centre = Centre.prepare(plan.state, port=plan.port) if plan.page else None
    without = frozenset[str]() if centre else frozenset({"uplink"})
    settings = RunSettings(
        backend=Backend.REPLAY,
        listeners=",".join(row.name for row in processes_for(Backend.REPLAY, without=without) if not row.tells_time),
        run_folder=plan.folder,
        site=plan.site,
        recording=plan.recording,
        map_folder=plan.folder / "map",
        factor=plan.factor,
        uplink_url=centre.robot_url if centre else "",
        uplink_token_file=centre.robot_token() if centre else None,
        perception_config=plan.perception_config,
    )
    jobs = stack_jobs(settings, without=without, domain_id=1 + secrets.randbelow(100))
    with Supervisor((centre.job(), *jobs) if centre else jobs, log_folder=plan.folder / "logs") as supervisor:
        _until_replayed(plan, supervisor, interrupted)
    return _result(plan)


def check_inputs(plan: ReplayPlan) -> None:
    """Read every file before the first process starts. Raises BadInput."""
    if (plan.folder / RECORDING_FILE).exists():
        raise BadInput(plan.folder, [Fault(field=RECORDING_FILE, value=str(plan.folder), because="holds a recording already")])
    load_config(PerceptionConfig, plan.perception_config)
    if plan.site is not None:
        read_site(plan.site)
    match kind_of(plan.recording):
        case Replayable.PATROL:
            Recording(plan.recording)
        case Replayable.CARMEN:
            read_carmen(plan.recording)
        case Replayable.VIDEO:
            open_video(plan.recording)


def _until_replayed(plan: ReplayPlan, supervisor: Supervisor, interrupted: Interrupted) -> None:
    deadline_s = time.monotonic() + plan.limit_s
    while not interrupted.asked:
        replay = next(report for report in supervisor.poll() if report.name == "replay")
        if replay.phase is Phase.ENDED:
            return
        _check(plan, replay)
        if time.monotonic() > deadline_s:
            raise ReplayFailed(f"{plan.recording}: not replayed within {plan.limit_s:g} s; logs: {plan.folder}/logs")
        time.sleep(POLL_S)


def _check(plan: ReplayPlan, replay: Report) -> None:
    """A replay that dies would begin anew: better to say so."""
    if replay.restarts:
        raise ReplayFailed(
            f"{plan.recording}: the replay ended early: {replay.because or 'its process ended'}; "
            f"log: {plan.folder}/logs/replay.log"
        )


def _result(plan: ReplayPlan) -> ReplayResult:
    recorded = plan.folder / RECORDING_FILE
    counts: dict[str, int] = {}
    if recorded.is_file():
        for message in Recording(recorded).messages():
            counts[message.topic] = counts.get(message.topic, 0) + 1
    picture = plan.folder / "map" / MAP_PICTURE
    return ReplayResult(folder=plan.folder, topics=counts, map_picture=picture if picture.is_file() else None)
