# SPDX-License-Identifier: Apache-2.0
"""Where things lie, in a checkout."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SITES = ROOT / "config" / "sites"
MISSIONS = ROOT / "config" / "missions"
SCENARIOS = ROOT / "sim" / "scenarios"
STATE = ROOT / ".run"
PATROLS = ROOT / "patrols"


def patrol_folder(now: datetime, suffix: str = "depot") -> Path:
    """The folder of a patrol that begins now."""
    return PATROLS / f"{now:%Y%m%d-%H%M%S}-{suffix}"
