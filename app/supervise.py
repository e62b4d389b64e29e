# SPDX-License-Identifier: Apache-2.0
"""Starts processes, starts dead ones anew, and ends them all: the thin layer over ``supervise_policy``.

Use it from one thread, which must outlive the processes: the kernel ties each child to the thread that started it.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from app.supervise_policy import Life, Phase, RestartPolicy, exited, should_start, started
from patrol.clock import seconds

log = logging.getLogger(__name__)
TETHER = Path(__file__).with_name("supervise_tether.py")
POLL_S = 0.05
COULD_NOT_START = 127
# What is sent to processes that still run, and after how long the next, harder one follows. Together below three seconds.
GOODBYES = ((signal.SIGINT, 1.8), (signal.SIGTERM, 0.4), (signal.SIGKILL, 0.5))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One process to keep running: its command, its environment, and when it is started anew."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    policy: RestartPolicy = field(default_factory=RestartPolicy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How one process is. ``because`` says why it is not running."""

    name: str
    phase: Phase
    pid: int | None
    restarts: int
    uptime_s: float
    because: str


@dataclass(slots=True)
class _Held:
    job: Job
    life: Life = field(default_factory=Life)
    process: subprocess.Popen[bytes] | None = None


class Supervisor:
    """Keeps ``jobs`` running, in their order; output goes to ``log_folder/NAME.log``.

    Call ``poll`` often; it never waits. As a context manager it ends every process on the way out.
    """

    def __init__(self, jobs: Sequence[Job], *, log_folder: Path, now_ns: Callable[[], int] = time.monotonic_ns) -> None:
        self._held = {job.name: _Held(job) for job in jobs}
        self._log_folder, self._now_ns = log_folder, now_ns
        log_folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Supervisor:
        self.poll()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def poll(self) -> tuple[Report, ...]:
        """Notice what exited, start what is due, and tell how all are."""
        for held in self._held.values():
            self._notice_exit(held)
            if should_start(held.life, self._now_ns()):
                self._start(held)
        return self.reports()

    def reports(self) -> tuple[Report, ...]:
        """How all are, as last noticed."""
        return tuple(self._report(held) for held in self._held.values())

    def run(self, should_stop: Callable[[], bool]) -> None:
        """Poll until ``should_stop`` says so, or every process has ended for good."""
        while not should_stop():
            if all(report.phase is Phase.ENDED for report in self.poll()):
                return
            time.sleep(POLL_S)

    def close(self) -> bool:
        """Ask every process to end, ever harder, for less than three seconds in all. Returns whether all have ended."""
        for signal_number, patience_s in GOODBYES:
            for held in self._running():
                _send(held, signal_number)
            deadline_ns = self._now_ns() + round(patience_s * 1e9)
            while self._running() and self._now_ns() < deadline_ns:
                time.sleep(0.01)
            if not self._running():
                break
        for held in self._held.values():
            if held.process is not None:
                _kill_group(held.process.pid)
        return not self._running()

    def _running(self) -> list[_Held]:
        return [held for held in self._held.values() if held.process is not None and held.process.poll() is None]

    def _start(self, held: _Held) -> None:
        job, now_ns = held.job, self._now_ns()
        tied = (sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), *job.command)
        with (self._log_folder / f"{job.name}.log").open("ab") as output:
            try:
                held.process = subprocess.Popen(
                    tied,
                    env=dict(job.environment),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    process_group=0,
                )
            except OSError as error:
                log.error("%s: can not be started: %s", job.name, error)
                held.life = exited(held.life, job.policy, exit_code=COULD_NOT_START, now_ns=now_ns)
                return
        held.life = started(held.life, now_ns)

    def _notice_exit(self, held: _Held) -> None:
        code = held.process.poll() if held.process is not None else None
        if code is None or held.process is None:
            return
        _kill_group(held.process.pid)
        held.process = None
        held.life = exited(held.life, held.job.policy, exit_code=code, now_ns=self._now_ns())
        if held.life.phase is Phase.WAITING:
            log.warning("%s: %s; starting it anew (%d)", held.job.name, held.life.because, held.life.starts)

    def _report(self, held: _Held) -> Report:
        life = held.life
        running = life.phase is Phase.RUNNING
        return Report(
            name=held.job.name,
            phase=life.phase,
            pid=held.process.pid if held.process is not None else None,
            restarts=life.restarts,
            uptime_s=seconds(self._now_ns() - life.since_ns) if running else 0.0,
            because=life.because,
        )


def _send(held: _Held, signal_number: signal.Signals) -> None:
    if held.process is not None:
        held.process.send_signal(signal_number)


def _kill_group(pid: int) -> None:
    """End whatever a process left behind in its group."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
