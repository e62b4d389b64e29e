# SPDX-License-Identifier: Apache-2.0
"""Setting Gazebo up, finding it, taking it away; and the programs that use it, run for a moment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from benchmarks import simulators
from sim.gazebo import provision as setting_up
from sim.gazebo.errors import GazeboMissing
from sim.gazebo.installation import DESCRIPTORS, READY, ROOT, Installation, find_installation
from sim.gazebo.provision import provision, remove, why_not
from sim.gazebo.run_folder import run_folder
from sim.gazebo.server import WORLD_FILE, Server
from sim.simulator import TRUTH_FILE
from tests.e2e.demo_process import demo
from tests.gazebo.court import court
from tests.house.files import ROOT as ROOT_FOLDER


def test_half_an_installation_is_none(tmp_path: Path) -> None:
    with pytest.raises(GazeboMissing, match="make gazebo"):
        find_installation(tmp_path / "nowhere")
    (tmp_path / READY).write_text("1", "utf-8")
    with pytest.raises(GazeboMissing, match="make gazebo"):
        find_installation(tmp_path)
    (tmp_path / DESCRIPTORS).write_bytes(b"")
    (tmp_path / ROOT).mkdir()
    assert find_installation(tmp_path).root == tmp_path / ROOT


def test_removing_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "gazebo"
    (folder / ROOT / "usr").mkdir(parents=True)
    (folder / READY).write_text("1", "utf-8")
    remove(folder)
    assert not folder.exists()
    remove(folder)


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({"_family": lambda: "fedora"}, "neither"),
        ({"platform": type("Other", (), {"machine": staticmethod(lambda: "riscv64")})}, "x86-64"),
        ({"os": type("Somebody", (), {"geteuid": staticmethod(lambda: 1000)})}, "root"),
    ],
    ids=["another system", "another processor", "not root"],
)
def test_the_reason_why_it_can_not_be_set_up_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, changes: dict[str, object], because: str
) -> None:
    monkeypatch.setattr(setting_up, "FOLDER", tmp_path)
    monkeypatch.setattr(setting_up, "_system_gzserver", lambda: False)
    monkeypatch.setattr(setting_up, "_family", lambda: "debian")
    for name, value in changes.items():
        monkeypatch.setattr(setting_up, name, value)
    assert because in why_not()
    with pytest.raises(GazeboMissing, match=because):
        provision(tmp_path)
    assert not (tmp_path / READY).exists()


@pytest.mark.gazebo
def test_a_second_set_up_takes_a_moment(gazebo: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    stamp_ns = gazebo.descriptors.stat().st_mtime_ns
    provision()
    assert capsys.readouterr().out == ""
    assert gazebo.descriptors.stat().st_mtime_ns == stamp_ns


def running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.gazebo
@pytest.mark.timeout(600)
def test_a_server_leaves_no_process_and_no_mount(gazebo: Installation, tmp_path: Path) -> None:
    (tmp_path / WORLD_FILE).write_text(court(), "utf-8")
    before = Path("/proc/self/mounts").read_text("utf-8")
    with Server(gazebo, tmp_path, seed=1, cameras=True) as server:
        deadline_s, names = time.monotonic() + 60.0, set[str]()
        while not {"gzserver", "Xvfb"} <= names and time.monotonic() < deadline_s:
            below = psutil.Process(server.pid).children(recursive=True)
            names = {process.name() for process in below}
            time.sleep(0.1)
        assert {"gzserver", "Xvfb"} <= names
        server.check()
    assert [process.pid for process in below if running(process.pid)] == []
    assert Path("/proc/self/mounts").read_text("utf-8") == before


@pytest.mark.gazebo
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("gazebo")
def test_the_demonstration_runs_with_gazebo(tmp_path: Path) -> None:
    folder = tmp_path / "patrol"
    with demo(folder, ["--sim", "gazebo", "--headless", "--laps", "1", "--folder", str(folder)]) as shown:
        shown.wait_for("on its way", 200.0)
        truth = folder / TRUTH_FILE
        deadline_s = time.monotonic() + 200.0
        while not (truth.is_file() and truth.stat().st_size) and time.monotonic() < deadline_s:
            time.sleep(0.2)
        assert truth.is_file(), shown.logs()
        below = shown.children()
        assert any(process.name() == "gzserver" for process in below)
        shown.process.send_signal(signal.SIGINT)
        shown.process.wait(30.0)
    assert [process for process in below if running(process.pid)] == []


@pytest.mark.gazebo
@pytest.mark.timeout(900)
@pytest.mark.usefixtures("gazebo")
def test_the_benchmark_of_both_simulators_tells_its_figures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["simulators.py", "--robots", "1", "--seconds", "0.2", "--runs", "1"])
    simulators.main()
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["benchmark"] == "simulators"
    assert len(told["metrics"]) == 10
    for name, value in told["metrics"].items():
        assert value > 0.0, name
        if name.endswith("cpu_s_per_s"):
            assert value < 500.0, name


def test_processor_time_is_counted_finer_than_the_clock_ticks() -> None:
    worked_s, before_s = 0.0, simulators.cpu_s([os.getpid()])
    while worked_s <= 0.002:
        worked_s = simulators.cpu_s([os.getpid()]) - before_s
    assert worked_s < 0.01
    assert simulators.cpu_s([os.getpid()]) == pytest.approx(time.process_time(), abs=1.0)
    with pytest.raises(OSError, match="Invalid argument"):
        simulators.cpu_s([2**22 + 1])


HOLD = """
import sys
from pathlib import Path
from sim.gazebo.installation import find_installation
from sim.gazebo.run_folder import run_folder
from sim.gazebo.run_folder import run_folder
from sim.gazebo.server import WORLD_FILE, Server

with run_folder(Path(sys.argv[1])) as folder:
    (folder / WORLD_FILE).write_text(sys.argv[2], "utf-8")
    with Server(find_installation(), folder, seed=1, cameras=True) as server:
        sys.stdout.write(f"{server.pid}\\n")
        sys.stdout.flush()
        sys.stdin.read()
"""


def folders(base: Path) -> list[Path]:
    return sorted(base.glob("patrol-gazebo-*"))


@pytest.mark.gazebo
@pytest.mark.timeout(600)
@pytest.mark.usefixtures("gazebo")
def test_whatever_a_killed_owner_leaves_is_gone_at_the_next_start(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path), court()],
        cwd=ROOT_FOLDER,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout is not None
        server = psutil.Process(int(owner.stdout.readline()))
        until(lambda: {"gzserver", "Xvfb"} <= {process.name() for process in server.children(recursive=True)})
        below = [server, *server.children(recursive=True)]
        with run_folder(tmp_path):
            assert len(folders(tmp_path)) == 2, "what a living owner holds stays"
        owner.kill()
    until(lambda: not any(running(process.pid) for process in below))
    assert len(folders(tmp_path)) == 1
    with run_folder(tmp_path) as folder:
        assert folders(tmp_path) == [folder]
    assert folders(tmp_path) == []


def until(holds: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 120.0
    while not holds():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
