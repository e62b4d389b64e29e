# SPDX-License-Identifier: Apache-2.0
"""Loops in large buildings whose corridors look alike: how many are closed, how many of them wrongly, and how good the map is.

    python -m benchmarks.slam_loops --places door_rows great_ring wards --seeds 1 2

Each place is driven once with a laser of 180 beams at 2.5 Hz and odometry that is 2 % long and bends. Truth is known: a closure
that is off by more than half a metre or 0.1 rad is false. Errors are those of relations as the public logs have them. The last
line is one JSON object; every drive is told before it.
"""

from __future__ import annotations

import argparse
import logging
import math

import numpy as np

from benchmarks.figures import tell
from tests.slam.look_alikes import LOOK_ALIKES, mapped

log = logging.getLogger(__name__)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--places", nargs="+", choices=sorted(LOOK_ALIKES), default=sorted(LOOK_ALIKES))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1])
    parser.add_argument("--limit-s", type=float, default=math.inf, help="seconds driven of each place at most")
    chosen = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    outcomes = []
    for place in chosen.places:
        for seed in chosen.seeds:
            outcome = mapped(place, seed, min(chosen.limit_s, 1e9))
            outcomes.append(outcome)
            mean_m, max_m = outcome.errors_m.mean(), outcome.errors_m.max()
            log.info(
                "%s, seed %d: %d closures, %d false; %.3f m, at most %.3f m",
                place,
                seed,
                outcome.closures,
                outcome.false,
                mean_m,
                max_m,
            )
    tell(
        "slam_loops",
        {
            "drives": len(outcomes),
            "closures": sum(outcome.closures for outcome in outcomes),
            "false_closures": sum(outcome.false for outcome in outcomes),
            "translation_mean_m": round(float(np.mean([outcome.errors_m.mean() for outcome in outcomes])), 4),
            "translation_max_m": round(float(max(outcome.errors_m.max() for outcome in outcomes)), 3),
            "real_time_factor_least": round(min(outcome.real_time_factor for outcome in outcomes), 1),
        },
    )


if __name__ == "__main__":
    main()
