# SPDX-License-Identifier: Apache-2.0
"""When a process is started, and when started anew: a pure state machine per process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from patrol.clock import nanoseconds


class Phase(StrEnum):
    """Where a process stands. ``waiting``: not started yet, or in the pause before it is started anew."""

    WAITING = "waiting"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """Pauses double from ``first_wait_s`` to ``longest_wait_s``; a process that ran for ``steady_s`` starts over at the first.
    One that ``ends`` is done when it exits with 0."""

    first_wait_s: float = 0.2
    longest_wait_s: float = 4.0
    steady_s: float = 10.0
    ends: bool = False

    def wait_s(self, failures: int) -> float:
        """The pause after the given number of failures in a row (1 or more)."""
        return min(self.first_wait_s * 2.0 ** min(failures - 1, 30), self.longest_wait_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What became of one process so far. ``due_ns`` counts while it waits; ``because`` says why it is not running."""

    phase: Phase = Phase.WAITING
    since_ns: int = 0
    due_ns: int = 0
    starts: int = 0
    failures_in_a_row: int = 0
    because: str = "not started yet"

    @property
    def restarts(self) -> int:
        return max(self.starts - 1, 0)


def should_start(life: Life, now_ns: int) -> bool:
    """Whether the process is to be started now."""
    return life.phase is Phase.WAITING and now_ns >= life.due_ns


def started(life: Life, now_ns: int) -> Life:
    """It was started."""
    return replace(life, phase=Phase.RUNNING, since_ns=now_ns, starts=life.starts + 1, because="")


def exited(life: Life, policy: RestartPolicy, *, exit_code: int, now_ns: int) -> Life:
    """It exited, or could not be started; a negative ``exit_code`` names the signal that killed it."""
    if policy.ends and exit_code == 0:
        return replace(life, phase=Phase.ENDED, since_ns=now_ns, because="done")
    steady = life.phase is Phase.RUNNING and now_ns - life.since_ns >= nanoseconds(policy.steady_s)
    failures = 1 if steady else life.failures_in_a_row + 1
    return replace(
        life,
        phase=Phase.WAITING,
        since_ns=now_ns,
        due_ns=now_ns + nanoseconds(policy.wait_s(failures)),
        failures_in_a_row=failures,
        because=f"killed by signal {-exit_code}" if exit_code < 0 else f"exited with {exit_code}",
    )
