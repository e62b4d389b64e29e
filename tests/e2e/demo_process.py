# SPDX-License-Identifier: Apache-2.0
"""The demonstration as a person starts it: ``patrol demo`` as a process, its printed words, and an end without leftovers."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
PATROL = Path(sys.executable).with_name("patrol")
UP_WITHIN_S = 120.0


@dataclass
class Demo:
    """A running demonstration and what it has printed."""

    process: subprocess.Popen[str]
    folder: Path
    printed: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.printed)

    def wait_for(self, pattern: str, within_s: float) -> re.Match[str]:
        """Wait until the output holds ``pattern``. Raises AssertionError with the output when it does not come."""
        deadline_s = time.monotonic() + within_s
        while time.monotonic() < deadline_s:
            if match := re.search(pattern, self.text):
                return match
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise AssertionError(f"{pattern!r} did not come; exit code {self.process.poll()}; printed:\n{self.text}\n{self.logs()}")

    def logs(self) -> str:
        """The end of every process's log."""
        files = sorted((self.folder / "logs").glob("*.log"))
        return "\n".join(f"== {file.name}\n{file.read_text('utf-8', 'replace')[-1500:]}" for file in files)

    def children(self) -> list[psutil.Process]:
        """Every process below the demonstration."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def node(self, module: str) -> psutil.Process:
        """The process that runs ``module``."""
        return next(child for child in self.children() if module in child.cmdline() and child.cmdline()[0] == sys.executable)


@contextmanager
def demo(folder: Path, arguments: Sequence[str], *, command: Sequence[str] = (str(PATROL), "demo")) -> Iterator[Demo]:
    """Start it without a terminal; whatever still runs at the end is ended by its process id."""
    process = subprocess.Popen(
        [*command, *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1", "COLUMNS": "160"},
    )
    running = Demo(process=process, folder=folder)
    reader = threading.Thread(target=_read, args=(running,), daemon=True)
    reader.start()
    try:
        yield running
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(10.0)
            except subprocess.TimeoutExpired:
                process.kill()
        reader.join(5.0)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _read(running: Demo) -> None:
    stream = running.process.stdout
    while stream is not None and (line := stream.readline()):
        running.printed.append(line)
