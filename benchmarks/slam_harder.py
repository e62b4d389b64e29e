# SPDX-License-Identifier: Apache-2.0
"""2D SLAM on a CARMEN log that was made harder: what is left of its accuracy when sensors are worse than they were.

    python -m benchmarks.slam_harder LOG [RELATIONS] --harder every_third odometry_bends --picture map.png

The changes are made one after another. Relations are scored as in ``slam_relations``; a stamp that was left out is reached with
the odometry that the log has. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from benchmarks.figures import tell
from benchmarks.slam_relations import draw, figures, run_log
from patrol.clock import seconds
from patrol.errors import BadInput
from patrol.geometry import Pose2
from slam.carmen import CarmenRecord, read_carmen
from slam.config import MapperConfig
from slam.relations import read_relations, score_relations
from slam.trajectory import Trajectory

_BEAMS, _REACH_M = 90, 8.0
_GAP_EVERY_S, _GAP_S = 60.0, 5.0
_LONG_SHARE, _TURN_SHARE, _BEND_RAD_PER_M, _NOISE_RAD_PER_ROOT_M = 1.05, 1.15, 0.02, 0.05
Records = Sequence[CarmenRecord]


def every_third(records: Records) -> Records:
    """Two scans in three are lost."""
    return records[::3]


def few_beams(records: Records) -> Records:
    """Some 90 beams of each scan, evenly spread."""
    return [_beams(record, slice(0, None, max(1, record.scan.ranges_m.size // _BEAMS))) for record in records]


def narrow(records: Records) -> Records:
    """The middle half of the field of view."""
    sizes = [record.scan.ranges_m.size for record in records]
    return [_beams(record, slice(size // 4, size - size // 4)) for record, size in zip(records, sizes, strict=True)]


def short_sighted(records: Records) -> Records:
    """Nothing comes back from beyond 8 m."""
    return [
        replace(
            record,
            scan=replace(
                record.scan,
                range_max_m=min(_REACH_M, record.scan.range_max_m),
                ranges_m=np.where(record.scan.ranges_m > _REACH_M, np.inf, record.scan.ranges_m).astype(np.float32),
            ),
        )
        for record in records
    ]


def odometry_bends(records: Records) -> Records:
    """Odometry that is 5 % long, turns 15 % too far, and bends by 0.02 rad a metre with noise of 0.05 rad."""
    rng, bent = np.random.default_rng(1), list(records[:1])
    for before, after in pairwise(records):
        moved = before.odom_from_base.inverse() @ after.odom_from_base
        length_m = math.hypot(moved.x_m, moved.y_m)
        bend = _BEND_RAD_PER_M * length_m + _NOISE_RAD_PER_ROOT_M * math.sqrt(length_m) * rng.normal()
        told = Pose2(moved.x_m * _LONG_SHARE, moved.y_m * _LONG_SHARE, moved.yaw_rad * _TURN_SHARE + bend)
        bent.append(replace(after, odom_from_base=bent[-1].odom_from_base @ told))
    return bent


def no_odometry(records: Records) -> Records:
    """Odometry that never moves."""
    return [replace(record, odom_from_base=records[0].odom_from_base) for record in records]


def gaps(records: Records) -> Records:
    """Five seconds of each minute are lost."""
    first_ns = records[0].stamp_ns
    return [record for record in records if seconds(record.stamp_ns - first_ns) % _GAP_EVERY_S < _GAP_EVERY_S - _GAP_S]


def _beams(record: CarmenRecord, kept: slice) -> CarmenRecord:
    first, _, step = kept.indices(record.scan.ranges_m.size)
    scan = replace(
        record.scan,
        ranges_m=record.scan.ranges_m[kept],
        angle_min_rad=record.scan.angle_min_rad + first * record.scan.angle_step_rad,
        angle_step_rad=record.scan.angle_step_rad * step,
    )
    return replace(record, scan=scan)


HARDER: dict[str, Callable[[Records], Records]] = {
    change.__name__: change for change in (every_third, few_beams, narrow, short_sighted, odometry_bends, no_odometry, gaps)
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", type=Path, help="CARMEN log, plain or compressed")
    parser.add_argument("relations", type=Path, nargs="?", help="file of checked relations")
    parser.add_argument("--harder", nargs="+", choices=sorted(HARDER), required=True, help="changes, made one after another")
    parser.add_argument("--picture", type=Path, default=None, help="where to draw the map (PNG)")
    chosen = parser.parse_args()
    try:
        log = read_carmen(chosen.log)
        relations = read_relations(chosen.relations) if chosen.relations is not None else ()
    except BadInput as error:
        parser.exit(2, f"{error}\n")
    records: Records = log.records
    for name in chosen.harder:
        records = HARDER[name](records)
    cv2.setNumThreads(1)
    run = run_log(replace(log, records=tuple(records)), MapperConfig())
    if chosen.picture is not None:
        draw(run.grid, chosen.picture)
    odometry = Trajectory.from_poses([record.stamp_ns for record in log], [record.odom_from_base for record in log])
    found = figures(score_relations(relations, run.final, odometry)) if relations else {}
    found |= {f"scans_{outcome.name.lower()}": count for outcome, count in run.outcomes.items()}
    tell("slam_harder", found | {"scans": len(records)}, log=chosen.log.name, harder=chosen.harder)


if __name__ == "__main__":
    main()
