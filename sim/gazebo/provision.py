# SPDX-License-Identifier: Apache-2.0
"""Sets Gazebo 11 up: ``python -m sim.gazebo.provision``, and takes it away again with ``--remove``.

Where the system has a ``gzserver`` of version 11 it is used. Elsewhere, on Debian or Ubuntu and as root, a release that has
Gazebo 11 is unpacked into a folder of this repository, from the mirror that the system's own apt names. Mounts live in a mount
namespace of their own, so none is left behind, however this ends.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sim.gazebo.errors import GazeboMissing
from sim.gazebo.installation import DESCRIPTORS, FOLDER, READY, ROOT

PACKAGES = ("gazebo", "gazebo-plugin-base", "xvfb", "libgl1-mesa-dri", "xkb-data", "protobuf-compiler")
SUITES = {"debian": ("bullseye", "main"), "ubuntu": ("jammy", "main,universe")}
"""The newest release of each that has Gazebo 11, and the components that it is in."""
VERSION = "3"
_STEP_WITHIN_S = 900.0
_PROTO_FOLDER = "usr/include/gazebo-11/gazebo/msgs/proto"
_MOUNTED = ("unshare", "--mount", "--propagation", "private", "sh", "-eu", "-c")
_INSTALL = """
root=$1; shift
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
printf '#!/bin/sh\\nexit 101\\n' > "$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
echo "127.0.0.1 localhost" > "$root/etc/hosts"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
chroot "$root" apt-get update -q
chroot "$root" apt-get install -y -q --no-install-recommends -o Dpkg::Options::=--force-unsafe-io "$@"
chroot "$root" sh -c 'cd /var/tmp && rm -f libgazebo-dev*.deb && apt-get download -q -o APT::Sandbox::User=root libgazebo-dev'
chroot "$root" apt-get clean
"""
_COMPILE = """
root=$1
mount -t proc proc "$root/proc"
chroot "$root" sh -eu -c 'cd /var/tmp && rm -rf dev && dpkg-deb -x libgazebo-dev*.deb dev &&
  cd dev/usr/include/gazebo-11/gazebo/msgs/proto && protoc --descriptor_set_out=/var/tmp/messages.desc *.proto &&
  rm -rf /var/tmp/dev'
"""


def why_not() -> str:
    """Why Gazebo can not be set up here; empty when it can be, or is."""
    if (FOLDER / READY).is_file() or _system_gzserver():
        return ""
    if _family() not in SUITES or shutil.which("apt-get") is None:
        return "Gazebo 11 is set up from Debian's or Ubuntu's packages, and this is neither"
    if platform.machine() != "x86_64":
        return f"Gazebo 11 is set up on x86-64 only, and this is {platform.machine()}"
    if os.geteuid() != 0:
        return "Gazebo 11 is set up by root (it is unpacked into a folder to change root into)"
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode != 0:
        return "this machine lets nobody mount, not even root; a container needs the capability SYS_ADMIN"
    return ""


def provision(folder: Path = FOLDER) -> None:
    """Set Gazebo up in ``folder``; a second call takes a moment. Raises GazeboMissing with the reason when it can not be."""
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        if (folder / READY).is_file() and (folder / READY).read_text("utf-8") == VERSION:
            return
        reason = why_not()
        if reason:
            raise GazeboMissing(reason)
        steps = _Steps(folder / "setup.log")
        _use_system(folder, steps) if _system_gzserver() else _unpack(folder, steps)
        (folder / READY).write_text(VERSION, "utf-8")
        steps.say("Gazebo 11 is set up")


def remove(folder: Path = FOLDER) -> None:
    """Take away everything that ``provision`` made."""
    if folder.is_dir():
        with _alone(folder):
            (folder / READY).unlink(missing_ok=True)
        shutil.rmtree(folder)


class _Steps:
    """Runs commands with their output in a log, and says how far it is."""

    def __init__(self, log: Path) -> None:
        self._log, self._began_s = log, time.monotonic()

    def say(self, text: str) -> None:
        sys.stdout.write(f"[{time.monotonic() - self._began_s:4.0f}s] {text}\n")
        sys.stdout.flush()

    def run(self, name: str, command: Sequence[str], environment: dict[str, str] | None = None) -> None:
        self.say(f"{name} ...")
        with self._log.open("ab") as log:
            try:
                done = subprocess.run(
                    command,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.DEVNULL,
                    timeout=_STEP_WITHIN_S,
                    env=os.environ | (environment or {}),
                    check=False,
                )
            except (OSError, subprocess.TimeoutExpired) as error:
                raise GazeboMissing(f"{name}: {error}; log: {self._log}") from error
        if done.returncode != 0:
            tail = self._log.read_text("utf-8", "replace").splitlines()[-8:]
            raise GazeboMissing(f"{name} failed; log: {self._log}\n" + "\n".join(tail))


def _unpack(folder: Path, steps: _Steps) -> None:
    root = folder / ROOT
    if root.exists():
        shutil.rmtree(root)
    proxy = _proxy()
    if shutil.which("debootstrap") is None:
        steps.run("debootstrap: list of packages", ["apt-get", "update", "-q"])
        steps.run("debootstrap", ["apt-get", "install", "-y", "-q", "--no-install-recommends", "debootstrap"])
    suite, components = SUITES[_family()]
    unpack = ["debootstrap", "--variant=minbase", f"--components={components}", "--include=ca-certificates", suite]
    steps.run(f"base system ({suite})", [*unpack, str(root), _mirror()], proxy)
    steps.run(f"Gazebo 11 and {len(PACKAGES) - 1} more packages", [*_MOUNTED, _INSTALL, "sh", str(root), *PACKAGES], proxy)
    steps.run("message definitions", [*_MOUNTED, _COMPILE, "sh", str(root)])
    shutil.copyfile(root / "var" / "tmp" / "messages.desc", folder / DESCRIPTORS)


def _use_system(folder: Path, steps: _Steps) -> None:
    """Compile the definitions of the system's own ``libgazebo-dev``."""
    protos = Path("/") / _PROTO_FOLDER
    for needed, there in (("protobuf-compiler", shutil.which("protoc")), ("libgazebo-dev", protos.is_dir())):
        if not there:
            raise GazeboMissing(f"gzserver is installed, but {needed} is missing; run: apt-get install {needed}")
    names = sorted(path.name for path in protos.glob("*.proto"))
    steps.run(
        "message definitions", ["protoc", f"-I{protos}", f"--descriptor_set_out={folder / DESCRIPTORS}", *names], {"LC_ALL": "C"}
    )


def _system_gzserver() -> bool:
    program = shutil.which("gzserver")
    if program is None:
        return False
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20.0, check=False)
    return "version 11" in done.stdout


def _family() -> str:
    try:
        return platform.freedesktop_os_release().get("ID", "")
    except OSError:
        return ""


def _mirror() -> str:
    """The mirror that this system's apt takes its own release from. Raises GazeboMissing when apt names none."""
    codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(CODENAME) $(RELEASE) $(COMPONENT) $(REPO_URI)", "Created-By: Packages"],
        capture_output=True,
        text=True,
        timeout=60.0,
        check=False,
    )
    for line in done.stdout.splitlines():
        found, release, component, uri = (*line.split(), "", "", "", "")[:4]
        if codename in (found, release) and component == "main" and uri.startswith(("http://", "https://")):
            return uri
    raise GazeboMissing("apt names no mirror of this system's own release; see /etc/apt/sources.list.d")


def _proxy() -> dict[str, str]:
    """apt's proxy as an environment, since debootstrap does not read apt's settings."""
    done = subprocess.run(
        ["apt-config", "shell", "proxy", "Acquire::http::Proxy"], capture_output=True, text=True, timeout=20.0, check=False
    )
    value = done.stdout.partition("=")[2].strip().strip("'\"")
    return {"http_proxy": value} if value else {}


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Only one at a time; another waits for it."""
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Set Gazebo 11 up in .run/gazebo.")
    parser.add_argument("--remove", action="store_true", help="take it away again")
    arguments = parser.parse_args()
    try:
        remove() if arguments.remove else provision()
    except GazeboMissing as error:
        sys.exit(f"gazebo: {error}")


if __name__ == "__main__":
    main()
