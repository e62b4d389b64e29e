# SPDX-License-Identifier: Apache-2.0
"""The command centre beside a stack: a real process on a free port, and its log checked from the command line."""

from __future__ import annotations

import http.server
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from app.centre import ROBOT, Centre, PortTaken
from app.demo import DemoPlan, run_demo
from app.interrupt import Interrupted
from app.supervise import Supervisor
from patrol.wire import FROM_ROBOT
from tests.app.command import PERIMETER, QUIET, Patrol, free_port
from tests.command_centre.messages import hello

WITHIN_S = 60.0
BAD_INPUT, BROKEN = 2, 1


def until(condition: Callable[[], bool], supervisor: Supervisor) -> bool:
    deadline_s = time.monotonic() + WITHIN_S
    while not condition() and time.monotonic() < deadline_s:
        supervisor.poll()
        time.sleep(0.05)
    return condition()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
    except OSError:
        return False
    return True


def answers(centre: Centre) -> bool:
    return _listens(centre.settings.port)


def test_a_robot_with_its_token_is_linked_and_one_without_is_not(tmp_path: Path) -> None:
    centre = Centre.prepare(tmp_path, port=free_port())
    assert not centre.is_linked()
    with Supervisor((centre.job(),), log_folder=tmp_path / "logs") as supervisor:
        assert until(lambda: answers(centre), supervisor), (tmp_path / "logs" / "centre.log").read_text("utf-8")
        assert not centre.is_linked()
        token = centre.robot_token().read_text("utf-8").strip()
        with connect(centre.robot_url, additional_headers={"Authorization": f"Bearer {token}"}) as link:
            link.send(FROM_ROBOT.dump_json(hello(ROBOT)).decode())
            assert until(centre.is_linked, supervisor)
        assert until(lambda: not centre.is_linked(), supervisor)
    assert not answers(centre)


def test_the_robot_s_token_is_for_its_owner_only(tmp_path: Path) -> None:
    centre = Centre.prepare(tmp_path, port=free_port())
    assert centre.robot_token().stat().st_mode & 0o077 == 0
    assert centre.prepared.one_time_password


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


def test_several_robots_have_a_token_each(tmp_path: Path) -> None:
    centre = Centre.prepare(tmp_path, port=free_port(), robots=("rover", "rover_2"))
    tokens = {centre.robot_token(name).read_text("utf-8") for name in ("rover", "rover_2")}
    assert len(tokens) == 2
    assert centre.job().environment["PATROL_CENTRE_ROBOTS"] == "rover,rover_2"


def test_a_port_that_is_taken_is_said_before_anything_is_written(tmp_path: Path, taken_port: int) -> None:
    with pytest.raises(PortTaken, match=f"127.0.0.1:{taken_port}"):
        Centre.prepare(tmp_path / "state", port=taken_port)
    plan = DemoPlan(scenario=QUIET, mission=PERIMETER, folder=tmp_path / "run", state=tmp_path / "state", port=taken_port)
    with pytest.raises(PortTaken):
        run_demo(plan, on_up=lambda _: None, on_processes=lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_the_centre_alone_says_that_its_port_is_taken(patrol: Patrol, in_tmp: Path, taken_port: int) -> None:
    answer = patrol("centre", "--port", str(taken_port))
    assert answer.code == BAD_INPUT
    assert "choose another with --port" in answer.err
    assert list(in_tmp.iterdir()) == []


def test_the_centre_alone_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    port = free_port()
    command = (str(Path(sys.executable).with_name("patrol")), "centre", "--port", str(port))
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as served:
        try:
            deadline_s = time.monotonic() + WITHIN_S
            while not _listens(port) and served.poll() is None and time.monotonic() < deadline_s:
                time.sleep(0.05)
            assert _listens(port)
            served.send_signal(signal.SIGINT)
            out, _ = served.communicate(timeout=WITHIN_S)
        finally:
            served.kill()
    assert served.returncode == 0, out
    assert f"http://127.0.0.1:{port}" in out
    assert "Password  " in out
    assert (tmp_path / ".run" / "command-centre" / "secrets" / "robot-rover.token").is_file()


@pytest.mark.parametrize(("name", "value"), [("PORT", "none"), ("COLOUR", "red"), ("SESSION_HOURS", "0")])
def test_a_setting_that_can_not_be_used_is_named(
    patrol: Patrol, in_tmp: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"PATROL_CENTRE_{name}", value)
    answer = patrol("centre")
    assert answer.code == BAD_INPUT
    assert name.lower() in answer.err
    assert value in answer.err
    assert list(in_tmp.iterdir()) == []


class _NotTheCentre(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'["hello"]')

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing."""


def test_another_service_is_not_taken_for_the_centre(tmp_path: Path) -> None:
    centre = Centre.prepare(tmp_path, port=free_port())
    with http.server.HTTPServer((centre.settings.host, centre.settings.port), _NotTheCentre) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert not centre.is_linked()
        thread.join(WITHIN_S)
    assert not thread.is_alive()


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A command centre's database with a few entries in its log, named by the environment."""
    centre = Centre.prepare(tmp_path, port=free_port())
    for _ in range(3):
        Centre.prepare(tmp_path, port=free_port())
    monkeypatch.setenv("PATROL_CENTRE_DATABASE_URL", centre.settings.database_url)
    monkeypatch.setenv("PATROL_CENTRE_SECRETS_DIR", str(centre.settings.secrets_dir))
    return tmp_path / "command-centre" / "centre.db"


def change(database: Path, statement: str) -> None:
    connection = sqlite3.connect(database)
    with connection:
        assert connection.execute(statement).rowcount == 1
    connection.close()


def test_a_whole_log_is_verified(patrol: Patrol, log: Path) -> None:
    assert log.is_file()
    answer = patrol("audit", "verify")
    assert (answer.code, answer.out.strip()) == (0, "The log holds: 4 entries.")


@pytest.mark.parametrize(
    ("statement", "first"),
    [("UPDATE audit SET subject = 'nobody' WHERE sequence = 2", "entry 2"), ("DELETE FROM audit WHERE sequence = 4", "")],
    ids=["changed", "cut off"],
)
def test_a_tampered_log_is_found_out(patrol: Patrol, log: Path, statement: str, first: str) -> None:
    change(log, statement)
    answer = patrol("audit", "verify")
    assert answer.code == BROKEN
    assert "The log is broken" in answer.out
    assert first in answer.out


def test_a_log_that_is_not_there_is_not_found_whole(patrol: Patrol, in_tmp: Path) -> None:
    answer = patrol("audit", "verify")
    assert answer.code == BAD_INPUT
    assert "database_url" in answer.err
    assert "secrets_dir" in answer.err
    assert list(in_tmp.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_a_question_for_the_main_loop(number: signal.Signals) -> None:
    kept = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    interrupted = Interrupted()
    try:
        interrupted.install()
        assert not interrupted.asked
        os.kill(os.getpid(), number)
        assert interrupted.asked
    finally:
        for each, was in kept.items():
            signal.signal(each, was)
