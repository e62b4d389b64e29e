# SPDX-License-Identifier: Apache-2.0
"""When a process is started anew."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.supervise_policy import Life, Phase, RestartPolicy, exited, should_start, started

S = 1_000_000_000
POLICY = RestartPolicy(first_wait_s=0.5, longest_wait_s=4.0, steady_s=10.0)


def crashed(times: int, policy: RestartPolicy = POLICY) -> Life:
    """A process that dies at once, so many times, each time when it is due."""
    life = Life()
    for _ in range(times):
        life = exited(started(life, life.due_ns), policy, exit_code=1, now_ns=life.due_ns)
    return life


def test_a_new_process_is_started_at_once() -> None:
    life = Life()
    assert should_start(life, 0)
    running = started(life, 5)
    assert (running.phase, running.starts, running.restarts, running.because) == (Phase.RUNNING, 1, 0, "")
    assert not should_start(running, 10**18)


@pytest.mark.parametrize(("failures", "pause_s"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 4.0), (40, 4.0)])
def test_pauses_double_up_to_the_longest(failures: int, pause_s: float) -> None:
    life = crashed(failures)
    assert life.due_ns - life.since_ns == pause_s * S
    assert not should_start(life, life.due_ns - 1)
    assert should_start(life, life.due_ns)


def test_a_steady_run_starts_over_at_the_first_pause() -> None:
    life = crashed(4)
    life = exited(started(life, 100 * S), POLICY, exit_code=-9, now_ns=110 * S)
    assert life.due_ns == 110 * S + S // 2
    assert life.because == "killed by signal 9"
    assert life.restarts == 4


def test_a_run_that_was_not_steady_does_not() -> None:
    life = exited(started(crashed(1), 100 * S), POLICY, exit_code=1, now_ns=110 * S - 1)
    assert life.failures_in_a_row == 2


def test_one_that_ends_is_done_with_zero_only() -> None:
    policy = replace(POLICY, ends=True)
    assert exited(started(Life(), 0), policy, exit_code=0, now_ns=1).phase is Phase.ENDED
    failed = exited(started(Life(), 0), policy, exit_code=3, now_ns=1)
    assert (failed.phase, failed.because) == (Phase.WAITING, "exited with 3")
    assert exited(started(Life(), 0), POLICY, exit_code=0, now_ns=1).phase is Phase.WAITING


def test_an_ended_process_is_never_started() -> None:
    ended = exited(started(Life(), 0), replace(POLICY, ends=True), exit_code=0, now_ns=1)
    assert not should_start(ended, 10**18)


@given(st.lists(st.floats(min_value=0, max_value=100), max_size=30))
def test_a_dead_process_is_always_due_within_the_longest_pause(runs_s: list[float]) -> None:
    life, now_ns = Life(), 0
    for run_s in runs_s:
        assert should_start(life, max(now_ns, life.due_ns))
        life = started(life, now_ns)
        now_ns += round(run_s * S)
        life = exited(life, POLICY, exit_code=-9, now_ns=now_ns)
        assert POLICY.first_wait_s * S <= life.due_ns - now_ns <= POLICY.longest_wait_s * S
        now_ns = life.due_ns
    assert life.starts == len(runs_s)
