# SPDX-License-Identifier: Apache-2.0
"""Runs the tests that start real processes, and once more the modules of those that failed.

Such a test can fail because the machine was busy with something else for a few seconds. What fails twice, each time in processes
of its own, is broken; so is a tree in which many modules fail, and it gets no second run. Both runs are shown in full.

python -m scripts.live_tests [options of pytest]
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LAST_FAILED = ROOT / ".pytest_cache" / "v" / "cache" / "lastfailed"
LIVE = "e2e or ros or gazebo"
MODULES_MOST = 3
_TESTS_FAILED = 1


def run(
    options: Sequence[str], *, command: Sequence[str] = (sys.executable, "-m", "pytest"), last_failed: Path = LAST_FAILED
) -> int:
    """The exit status of the first run, or of the second when there was one."""
    last_failed.unlink(missing_ok=True)
    status = subprocess.run([*command, "-m", LIVE, *options], cwd=ROOT, check=False).returncode
    modules = failed_modules(last_failed)
    if status != _TESTS_FAILED or not 1 <= len(modules) <= MODULES_MOST:
        return status
    sys.stdout.write(f"\nOnce more, the modules in which a test failed: {' '.join(modules)}\n")
    sys.stdout.flush()
    return subprocess.run([*command, "-m", LIVE, *modules], cwd=ROOT, check=False).returncode


def failed_modules(last_failed: Path) -> list[str]:
    """The files of the tests that failed, as pytest remembers them; none where it remembers nothing."""
    if not last_failed.is_file():
        return []
    return sorted({name.split("::")[0] for name in json.loads(last_failed.read_text("utf-8"))})


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
