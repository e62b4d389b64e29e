# SPDX-License-Identifier: Apache-2.0
"""Build the ROS 2 interface packages for this repository's virtual environment; quick to call again.

``patrol_msgs`` (and ``tf2_msgs`` and ``nav2_msgs``, where the installed ROS 2 has none) is built by colcon into
``ros_ws/install``. A path file in the environment then makes the interfaces and the node packages importable without sourcing
anything. A digest of the sources tells a later call that there is nothing to do.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKSPACE = ROOT / "ros_ws"
INSTALL = WORKSPACE / "install"
STAMP = INSTALL / "patrol.digest"
STAND_INS = ("tf2_msgs", "nav2_msgs")
"""Standard packages that the ROS 2 wheels lack."""
NODE_PACKAGES = ("patrol_ros", "patrol_bringup", "patrol_gazebo")
DEADLINE_S = 600.0
log = logging.getLogger("build_ros")


class BuildFailed(Exception):
    """The interfaces could not be built; says why."""


def main() -> int:
    """Build what is missing or changed. Returns 0, or 1 after saying what went wrong."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        build()
    except BuildFailed as error:
        log.error("ROS interfaces: %s", error)
        return 1
    return 0


def build() -> None:
    """Raises BuildFailed when the ROS packages are not whole, or colcon fails."""
    check_wheels()
    overlay = missing_packages()
    digest = sources_digest(overlay=overlay)
    if not (STAMP.is_file() and STAMP.read_text("utf-8") == digest):
        started_s = time.monotonic()
        run_colcon(overlay=overlay)
        STAMP.write_text(digest, "utf-8")
        log.info("ROS interfaces: built in %.0f s", time.monotonic() - started_s)
    write_path_file()


def uses_wheels() -> bool:
    """Whether ROS 2 comes from wheels inside this environment, and not from an ordinary installation."""
    return (Path(sys.prefix) / "share" / "rosidl_default_generators").is_dir()


def check_wheels() -> None:
    """Raises BuildFailed when a ROS wheel lost files: package managers take its ``egg-info`` for a package of their own."""
    if not uses_wheels():
        return
    for dist in metadata.distributions():
        name = dist.name
        if name.startswith("ros-") and any(not Path(str(dist.locate_file(file))).exists() for file in importable(dist)):
            raise BuildFailed(f"{name} is damaged; mend it with: uv pip install --reinstall --no-deps {name}=={dist.version}")


def importable(dist: metadata.Distribution) -> list[metadata.PackagePath]:
    """The package's own Python modules, as its record lists them."""
    return [file for file in dist.files or [] if file.name == "__init__.py" and len(file.parts) == 2]


def missing_packages() -> tuple[str, ...]:
    """The stand-ins that are needed, since the ROS 2 that the build sees does not bring the packages themselves: wheels are that
    ROS alone, whatever workspace the caller's environment names beside them."""
    prefixes = [sys.prefix, *build_environment().get("AMENT_PREFIX_PATH", "").split(os.pathsep)]
    standard = [Path(prefix) / "share" for prefix in prefixes if prefix and Path(prefix) != INSTALL]
    return tuple(name for name in STAND_INS if not any((share / name).is_dir() for share in standard))


def sources(*, overlay: tuple[str, ...]) -> Iterator[Path]:
    """Every file that the build reads."""
    folders = [WORKSPACE / "src" / "patrol_msgs", *(WORKSPACE / "overlay" / name for name in overlay)]
    for folder in folders:
        yield from sorted(path for path in folder.rglob("*") if path.is_file())
    yield ROOT / "scripts" / "ros_wheels.cmake"


def sources_digest(*, overlay: tuple[str, ...]) -> str:
    """SHA-256 over the sources, the interpreter and where the workspace lies."""
    digest = hashlib.sha256(f"{sys.version} {sys.prefix} {ROOT}".encode())
    for path in sources(overlay=overlay):
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def colcon_command(*, overlay: tuple[str, ...]) -> list[str]:
    """The command line; see ``ros_wheels.cmake`` for what the wheels need beyond an ordinary build."""
    bases = [str(WORKSPACE / "src" / "patrol_msgs"), *(str(WORKSPACE / "overlay" / name) for name in overlay)]
    cmake = [f"-DPython3_EXECUTABLE={sys.executable}", "-DBUILD_TESTING=OFF", "--no-warn-unused-cli"]
    if uses_wheels():
        cmake.append(f"-DCMAKE_PROJECT_INCLUDE={ROOT / 'scripts' / 'ros_wheels.cmake'}")
    if shutil.which("ninja"):
        cmake.append("-GNinja")
    folders = ["--build-base", str(WORKSPACE / "build"), "--install-base", str(INSTALL), "--merge-install"]
    command = [sys.executable, "-m", "colcon", "--log-base", str(WORKSPACE / "log"), "build", "--paths", *bases, *folders]
    return [*command, "--event-handlers", "console_direct-", "--cmake-args", *cmake]


def build_environment() -> dict[str, str]:
    """The environment of the build: this environment's tools first, and the wheels as an installed ROS."""
    environment = dict(os.environ)
    environment["PATH"] = os.pathsep.join((str(Path(sys.executable).parent), environment.get("PATH", os.defpath)))
    if uses_wheels():
        environment["AMENT_PREFIX_PATH"] = environment["CMAKE_PREFIX_PATH"] = sys.prefix
    return environment


def run_colcon(*, overlay: tuple[str, ...]) -> None:
    """Raises BuildFailed with the end of the output when colcon fails or takes longer than the deadline."""
    shutil.rmtree(WORKSPACE / "build", ignore_errors=True)
    command = colcon_command(overlay=overlay)
    process = subprocess.Popen(
        command, cwd=WORKSPACE, env=build_environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    guard = threading.Timer(DEADLINE_S, process.kill)
    guard.start()
    lines = list(follow(process))
    guard.cancel()
    if process.wait() != 0:
        raise BuildFailed("colcon failed:\n" + "\n".join(lines[-40:]))


def follow(process: subprocess.Popen[str]) -> Iterator[str]:
    """Yield the output lines; tell of packages begun and finished on the way."""
    for line in process.stdout or ():
        text = line.rstrip()
        if match := re.match(r"(Starting|Finished)\s+\S+\s+(\S+)", text):
            log.info("ROS interfaces: %s %s", match[2], "..." if match[1] == "Starting" else "done")
        yield text


def write_path_file() -> None:
    """Make the interfaces and node packages importable in this environment. It sorts before the wheels' own path file, which
    starts the interpreter anew with the library path that it finds."""
    packages = INSTALL / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    folders = [packages, *(WORKSPACE / "src" / name for name in NODE_PACKAGES)]
    variables = {"LD_LIBRARY_PATH": INSTALL / "lib", "AMENT_PREFIX_PATH": INSTALL}
    grow = "; ".join(
        f"os.environ[{name!r}] = os.pathsep.join(filter(None, ({str(value)!r}, os.environ.get({name!r}, ''))))"
        for name, value in variables.items()
    )
    lines = [str(folder) for folder in folders]
    if uses_wheels():
        guarded = f"os.environ.get('_ROS_WHEELS_BOOTSTRAP_COMPLETE') or exec({grow!r})"
        lines.append(f"import os; {guarded}")
    text = "\n".join(lines) + "\n"
    path_file = Path(sysconfig.get_path("purelib")) / "patrol_ros_ws.pth"
    if not (path_file.is_file() and path_file.read_text("utf-8") == text):
        path_file.write_text(text, "utf-8")


if __name__ == "__main__":
    sys.exit(main())
