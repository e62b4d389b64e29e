# SPDX-License-Identifier: Apache-2.0
"""Where Gazebo 11 is on this machine, and what it can be started with."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from sim.gazebo.errors import GazeboMissing

FOLDER = Path(__file__).resolve().parents[2] / ".run" / "gazebo"
ROOT, DESCRIPTORS, READY = "root", "messages.desc", "ready"
HOW = "make gazebo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """``root`` is the folder to change root into; None where the system's own ``gzserver`` is used."""

    root: Path | None
    descriptors: Path


def find_installation(folder: Path = FOLDER) -> Installation:
    """The installation that set-up left. Raises GazeboMissing when there is none, or only half of one."""
    descriptors = folder / DESCRIPTORS
    if not (folder / READY).is_file() or not descriptors.is_file():
        raise GazeboMissing(f"Gazebo is not set up; run: {HOW}")
    root = folder / ROOT
    if root.is_dir():
        return Installation(root=root, descriptors=descriptors)
    if shutil.which("gzserver") is None:
        raise GazeboMissing(f"gzserver is gone from this system; run: {HOW}")
    return Installation(root=None, descriptors=descriptors)
