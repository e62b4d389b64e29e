# SPDX-License-Identifier: Apache-2.0
"""What comes back from every scan."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from patrol.estimate import PoseEstimate
from slam.scan_points import BodyRate
from slam.trust_monitor import TrustVerdict


class ScanOutcome(StrEnum):
    """What became of a scan. Whatever is not MATCHED carries a reason in the estimate's ``doubt``."""

    MATCHED = "matched"
    AMBIGUOUS = "ambiguous match"
    POOR_MATCH = "poor match"
    TOO_FEW_RETURNS = "too few returns"
    STUCK = "scan stuck"
    TIME_BACKWARDS = "time went backwards"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlamUpdate:
    """The pose after one scan. ``score`` is the share of the scan that lies on the map, 0 to 1. ``trust`` is what the independent
    monitor says of the pose; None while there is no approved map to compare with. ``rate`` is the motion that the scan was
    straightened with; None where none was."""

    estimate: PoseEstimate
    outcome: ScanOutcome
    score: float
    trust: TrustVerdict | None = None
    rate: BodyRate | None = None
    grid_changed: bool = False
    keyframe_added: bool = False
    loop_closed: bool = False
