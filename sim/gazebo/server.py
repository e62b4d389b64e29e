# SPDX-License-Identifier: Apache-2.0
"""One ``gzserver`` as a child of this process: paused, in lockstep with its cameras, gone when this process is gone."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from pathlib import Path
from types import TracebackType

from sim.gazebo.errors import GazeboLost, GazeboMissing
from sim.gazebo.installation import Installation

SHARED = "/mnt/patrol"
"""Where a changed root sees the server's folder."""
WORLD_FILE = "world.sdf"
_LOG_LINES = 12
_END_WITHIN_S = 5.0
_TIED = ("setpriv", "--pdeathsig", "KILL")
_NAMESPACES = ("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child=KILL")
_ENTER = """
root=$1; folder=$2; shift 2
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
mkdir -p "$root/mnt/patrol"
mount --bind "$folder" "$root/mnt/patrol"
exec chroot "$root" "$@"
"""
_RUN = """
display=$1; world=$2; seed=$3; state=$4
if [ "$display" = yes ]; then
  setpriv --pdeathsig KILL Xvfb -displayfd 3 -screen 0 1280x1024x24 -nolisten tcp 3>"$state/display" >"$state/xvfb.log" 2>&1 &
  waited=0
  while [ ! -s "$state/display" ] && [ "$waited" -lt 300 ]; do sleep 0.1; waited=$((waited + 1)); done
  DISPLAY=":$(cat "$state/display")"
  export DISPLAY
fi
for setup in /usr/share/gazebo-11/setup.sh /usr/share/gazebo/setup.sh; do
  if [ -f "$setup" ]; then . "$setup"; break; fi
done
export GAZEBO_MASTER_URI="$PATROL_GAZEBO_MASTER" GAZEBO_IP=127.0.0.1 GAZEBO_MODEL_DATABASE_URI= HOME="$state" LC_ALL=C
exec gzserver --verbose --lockstep -u --seed "$seed" "$world"
"""


class Server:
    """Starts in the constructor and must be closed. Its master listens on ``port``; its output goes to ``server.log``."""

    def __init__(self, installation: Installation, folder: Path, *, seed: int, cameras: bool, port: int | None = None) -> None:
        """Run the world that lies in ``folder``; ``cameras`` asks for a display. Raises GazeboMissing."""
        self.port = port or free_port()
        self._folder = folder
        self._chrooted = installation.root is not None
        inside = SHARED if self._chrooted else str(folder)
        run = ["/bin/sh", "-c", _RUN, "sh", "yes" if cameras else "no"]
        run += [f"{inside}/{WORLD_FILE}", str(seed), "/tmp" if self._chrooted else str(folder)]
        if installation.root is not None:
            run = [*_NAMESPACES, "sh", "-eu", "-c", _ENTER, "sh", str(installation.root), str(folder), *run]
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("GAZEBO_", "LD_", "ROS_"))}
        with (folder / "server.log").open("wb") as log:
            try:
                self._process = subprocess.Popen(
                    [*_TIED, *run],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=environment | {"PATROL_GAZEBO_MASTER": f"http://127.0.0.1:{self.port}"},
                    start_new_session=not self._chrooted,
                )
            except OSError as error:
                raise GazeboMissing(f"gzserver can not be started: {error}") from error

    @staticmethod
    def uri_of(installation: Installation, folder: Path) -> str:
        """What a server calls the folder of its world."""
        return f"file://{folder if installation.root is None else SHARED}"

    @property
    def pid(self) -> int:
        """The process that holds everything of this server."""
        return self._process.pid

    def check(self) -> None:
        """Raises GazeboLost, with the end of its log, when the server has ended."""
        code = self._process.poll()
        if code is not None:
            lines = (self._folder / "server.log").read_text("utf-8", "replace").splitlines()[-_LOG_LINES:]
            raise GazeboLost(f"gzserver ended with {code}:\n" + "\n".join(lines))

    def kill(self) -> None:
        """End it at once, as a crash would."""
        for pid in self._members():
            _send(pid, signal.SIGKILL)

    def close(self) -> None:
        """End it and everything that it started, and wait until that is done."""
        self.kill()
        try:
            self._process.wait(_END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(_END_WITHIN_S)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _members(self) -> list[int]:
        """Whose end is the end of all: the first process of the namespace, or the session."""
        if not self._chrooted:
            return [-self._process.pid]
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        try:
            return [int(word) for word in children.read_text("ascii").split()]
        except OSError:
            return []


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number) if pid > 0 else os.killpg(-pid, number)
    except ProcessLookupError:
        return
