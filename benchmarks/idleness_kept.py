# SPDX-License-Identifier: Apache-2.0
"""How long places really go unseen: laps of the depot in lockstep with the whole stack, against what the mission promised.

python benchmarks/idleness_kept.py --laps 3
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from app.lockstep import LockstepPlan, run_lockstep
from app.paths import MISSIONS, SCENARIOS
from benchmarks.figures import tell

DRIVING = frozenset({"scan", "odom", "battery"})


def main() -> None:
    """Drive and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--laps", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scenario", type=Path, default=SCENARIOS / "depot_quiet.yaml")
    parser.add_argument("--mission", type=Path, default=MISSIONS / "perimeter.yaml")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        plan = LockstepPlan(
            scenario=given.scenario,
            mission=given.mission,
            folder=Path(name) / "patrol",
            seed=given.seed,
            laps=given.laps,
            limit_s=1800.0 * given.laps,
            sensors=DRIVING,
        )
        result = run_lockstep(plan)
    told = result.report.summary.guarantee
    if told is None or told.measured_worst_s is None or told.measured_ratio is None:
        raise SystemExit("nothing was measured: a place must be visited twice")
    tell(
        "idleness_kept",
        {
            "planned_worst_s": told.worst_idleness_s,
            "measured_worst_s": told.measured_worst_s,
            "ratio": told.measured_ratio,
            "gaps": told.measured_gaps,
            "waypoints_missed": result.report.summary.waypoints_missed,
        },
        mission=given.mission.stem,
        scenario=given.scenario.stem,
    )


if __name__ == "__main__":
    main()
