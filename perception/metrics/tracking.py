# SPDX-License-Identifier: Apache-2.0
"""All tracking scores of one sequence together."""

from __future__ import annotations

from dataclasses import dataclass

from perception.metrics.clear import Clear, clear
from perception.metrics.hota import Hota, hota
from perception.metrics.identity import Identity, identity
from perception.metrics.mot_file import MotRows
from perception.metrics.overlaps import overlaps


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackingScore:
    """The scores of one sequence."""

    hota: Hota
    clear: Clear
    identity: Identity

    def figures(self) -> dict[str, float | int]:
        """The figures that papers print, by name; percentages to one decimal."""
        return {
            "hota": round(100.0 * self.hota.hota, 1),
            "mota": round(100.0 * self.clear.mota, 1),
            "idf1": round(100.0 * self.identity.idf1, 1),
            "deta": round(100.0 * self.hota.deta, 1),
            "assa": round(100.0 * self.hota.assa, 1),
            "fp": self.clear.false_positives,
            "fn": self.clear.misses,
            "ids": self.clear.switches,
        }


def score_tracking(truth: MotRows, tracks: MotRows) -> TrackingScore:
    """Score ``tracks`` against ``truth``. Raises BadValue when there is no truth, or an id stands twice in one picture."""
    pairs = overlaps(truth, tracks)
    return TrackingScore(hota=hota(pairs), clear=clear(pairs), identity=identity(pairs))
