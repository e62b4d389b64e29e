# SPDX-License-Identifier: Apache-2.0
"""Which software this is; recordings and reports carry it."""

from __future__ import annotations

import subprocess
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def software() -> tuple[str, str]:
    """Version of the package, and the git commit ("unknown" outside a checkout; "-dirty" with changes)."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=12", "--match="],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
            timeout=5,
        )
    except (OSError, subprocess.SubprocessError):
        return version("patrol-stack"), "unknown"
    return version("patrol-stack"), described.stdout.strip()
