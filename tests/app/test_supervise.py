# SPDX-License-Identifier: Apache-2.0
"""The supervisor with small processes of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from app.supervise import COULD_NOT_START, Job, Report, Supervisor
from app.supervise_policy import Phase, RestartPolicy

WITHIN_S = 20.0
QUICK = RestartPolicy(first_wait_s=0.01, longest_wait_s=0.05)
SLEEPS = "import time; print('up', flush=True); time.sleep(1000)"
DEAF = (
    "import signal, time\nfor number in (signal.SIGINT, signal.SIGTERM): signal.signal(number, signal.SIG_IGN)\n"
    "print('up', flush=True); time.sleep(1000)"
)
HAS_CHILD = (
    "import subprocess, sys, time\nchild = subprocess.Popen([sys.executable, '-S', '-c', 'import time; time.sleep(1000)'])\n"
    "print(child.pid, flush=True); time.sleep(1000)"
)


def job(name: str, code: str, policy: RestartPolicy = QUICK) -> Job:
    return Job(name=name, command=(sys.executable, "-S", "-c", code), environment=dict(os.environ), policy=policy)


def until(condition: Callable[[], bool], supervisor: Supervisor | None = None) -> bool:
    deadline_s = time.monotonic() + WITHIN_S
    while not condition() and time.monotonic() < deadline_s:
        if supervisor is not None:
            supervisor.poll()
        time.sleep(0.01)
    return condition()


def report_of(supervisor: Supervisor, name: str) -> Report:
    return next(report for report in supervisor.reports() if report.name == name)


def pid_of(supervisor: Supervisor, name: str) -> int:
    pid = report_of(supervisor, name).pid
    assert pid is not None
    return pid


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def log_holds(folder: Path, name: str, text: str) -> Callable[[], bool]:
    return lambda: text in (folder / f"{name}.log").read_text("utf-8")


def test_a_killed_process_is_started_anew(tmp_path: Path) -> None:
    with Supervisor([job("one", SLEEPS), job("two", SLEEPS)], log_folder=tmp_path) as supervisor:
        assert until(log_holds(tmp_path, "one", "up"), supervisor)
        first, other = pid_of(supervisor, "one"), pid_of(supervisor, "two")
        os.kill(first, signal.SIGKILL)
        assert until(lambda: report_of(supervisor, "one").restarts == 1, supervisor)
        assert pid_of(supervisor, "one") != first
        assert (pid_of(supervisor, "two"), report_of(supervisor, "two").restarts) == (other, 0)


def test_the_reason_is_told_while_it_is_down(tmp_path: Path) -> None:
    slow = RestartPolicy(first_wait_s=1000.0, longest_wait_s=1000.0)
    with Supervisor([job("one", "raise SystemExit(7)", slow)], log_folder=tmp_path) as supervisor:
        assert until(lambda: report_of(supervisor, "one").phase is Phase.WAITING, supervisor)
        assert report_of(supervisor, "one").because == "exited with 7"
        assert report_of(supervisor, "one").pid is None


def test_everything_is_gone_after_close_also_the_deaf(tmp_path: Path) -> None:
    supervisor = Supervisor([job("kind", SLEEPS), job("deaf", DEAF)], log_folder=tmp_path)
    supervisor.poll()
    assert until(log_holds(tmp_path, "deaf", "up"), supervisor)
    assert until(log_holds(tmp_path, "kind", "up"), supervisor)
    pids = [pid_of(supervisor, name) for name in ("kind", "deaf")]
    assert supervisor.close()
    assert all(is_gone(pid) for pid in pids)


def test_grandchildren_do_not_outlive_a_killed_process(tmp_path: Path) -> None:
    slow = RestartPolicy(first_wait_s=1000.0, longest_wait_s=1000.0)
    with Supervisor([job("family", HAS_CHILD, slow)], log_folder=tmp_path) as supervisor:
        assert until(log_holds(tmp_path, "family", "\n"), supervisor)
        grandchild = int((tmp_path / "family.log").read_text("utf-8"))
        os.kill(pid_of(supervisor, "family"), signal.SIGKILL)
        assert until(lambda: report_of(supervisor, "family").phase is Phase.WAITING, supervisor)
        assert until(lambda: is_gone(grandchild))


def test_one_that_ends_well_is_left_alone(tmp_path: Path) -> None:
    ends = RestartPolicy(first_wait_s=0.01, ends=True)
    with Supervisor([job("once", "print('done')", ends)], log_folder=tmp_path) as supervisor:
        supervisor.run(lambda: False)
        assert report_of(supervisor, "once").phase is Phase.ENDED
        assert (tmp_path / "once.log").read_text("utf-8") == "done\n"


def test_a_command_that_is_not_there_is_told(tmp_path: Path) -> None:
    missing = Job(name="missing", command=(str(tmp_path / "nothing"),), environment={}, policy=RestartPolicy(first_wait_s=1000.0))
    with Supervisor([missing], log_folder=tmp_path) as supervisor:
        assert until(lambda: report_of(supervisor, "missing").phase is Phase.WAITING, supervisor)
        assert "exited with" in report_of(supervisor, "missing").because
    assert COULD_NOT_START == 127


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_is_left_behind_when_the_supervisor_is_killed(tmp_path: Path, death: signal.Signals) -> None:
    code = (
        "import os, sys, time; from pathlib import Path; from app.supervise import Job, Supervisor\n"
        f"job = Job(name='child', command=(sys.executable, '-S', '-c', {SLEEPS!r}), environment=dict(os.environ))\n"
        f"supervisor = Supervisor([job], log_folder=Path({str(tmp_path)!r})); print(supervisor.poll()[0].pid, flush=True)\n"
        "time.sleep(1000)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert until(log_holds(tmp_path, "child", "up"))
    parent.send_signal(death)
    parent.wait(WITHIN_S)
    parent.stdout.close()
    assert until(lambda: is_gone(child))
