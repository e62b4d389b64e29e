# SPDX-License-Identifier: Apache-2.0
"""Accuracy and speed of 2D SLAM on a CARMEN log with checked relations.

    python benchmarks/slam_relations.py LOG [RELATIONS] [--picture MAP.png] [--peer] [--trajectory NAME=PATH] [--write PATH]

The metric is that of Kümmerle et al. (2009): nothing is aligned, nothing left out. Raw odometry is scored in the same run; its
figures are known and prove that data and metric are right. ``--peer`` scores scan-to-scan registration by small_gicp as well, and
``--trajectory`` what any other program made of the log (TUM). A log without relations is mapped and drawn. The last line is one
JSON object.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import small_gicp

from patrol.checks import Floats
from patrol.clock import seconds
from patrol.errors import BadInput, Fault
from patrol.geometry import Pose2
from patrol.grid import OccupancyGrid
from slam.carmen import CarmenLog, CarmenRecord, read_carmen
from slam.config import MapperConfig
from slam.mapper import Mapper
from slam.relations import Relation, RelationErrors, read_relations, relations_outside, score_relations
from slam.scan_points import BodyRate, undistorted_points
from slam.stamped_poses import lifted, read_tum, write_tum
from slam.trajectory import Trajectory
from slam.updates import ScanOutcome

_LAYERS_M = (-0.1, 0.0, 0.1)
_PEER_VOXEL_M, _PEER_GATE_M, _PEER_NEIGHBOURS = 0.05, 0.5, 10
_LOCAL_BELOW_M = 2.0
_LOOP_FROM_M = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One pass over a log: the final graph's trajectory, the one known at the time, the map, how many scans had which outcome,
    and what it cost."""

    final: Trajectory
    online: Trajectory
    grid: OccupancyGrid
    outcomes: Counter[ScanOutcome]
    cpu_s: float
    wall_s: float
    slowest_ms: float
    latency_s: float
    memory_mib: float


def run_log(log: CarmenLog, config: MapperConfig) -> Run:
    """Feed the whole log to a fresh mapper, scan by scan."""
    mapper = Mapper(config, log.base_from_lidar, log.records[0].odom_from_base)
    online, outcomes, slowest_s = [], Counter[ScanOutcome](), 0.0
    cpu, wall = time.process_time(), time.perf_counter()
    for record in log:
        before = time.perf_counter()
        update = mapper.add_scan(record.scan, record.odom_from_base)
        slowest_s = max(slowest_s, time.perf_counter() - before)
        online.append(update.estimate.map_from_base)
        outcomes[update.outcome] += 1
    mapper.settle()
    final, grid = mapper.trajectory(), mapper.grid(log.records[-1].stamp_ns)
    return Run(
        final=final,
        online=Trajectory.from_poses([record.stamp_ns for record in log], online),
        grid=grid,
        outcomes=outcomes,
        cpu_s=time.process_time() - cpu,
        wall_s=time.perf_counter() - wall,
        slowest_ms=1e3 * slowest_s,
        latency_s=mapper.odometry_latency_s,
        memory_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,
    )


def registered(log: CarmenLog) -> Trajectory:
    """The peer: each scan registered with the one before it by small_gicp's GICP from where odometry has it.

    The points are laid in three layers, so that walls are planes to it.
    """
    poses = [log.records[0].odom_from_base]
    cloud, tree = _peer_cloud(log, log.records[0])
    for before, record in zip(log.records, log.records[1:], strict=False):
        moved = before.odom_from_base.inverse() @ record.odom_from_base
        next_cloud, next_tree = _peer_cloud(log, record)
        if min(cloud.size(), next_cloud.size()) > _PEER_NEIGHBOURS:
            found = small_gicp.align(
                cloud, next_cloud, tree, _matrix(moved), max_correspondence_distance=_PEER_GATE_M, num_threads=1
            )
            if found.converged:
                turn = found.T_target_source
                moved = Pose2(float(turn[0, 3]), float(turn[1, 3]), float(np.arctan2(turn[1, 0], turn[0, 0])))
        poses.append(poses[-1] @ moved)
        cloud, tree = next_cloud, next_tree
    return Trajectory.from_poses([record.stamp_ns for record in log], poses)


def _peer_cloud(log: CarmenLog, record: CarmenRecord) -> tuple[small_gicp.PointCloud, small_gicp.KdTree]:
    points, _ = undistorted_points(record.scan, log.base_from_lidar, BodyRate(), range_max_m=MapperConfig().scan.range_max_m)
    layers = np.vstack([np.column_stack((points, np.full(len(points), height_m))) for height_m in _LAYERS_M])
    cloud, tree = small_gicp.preprocess_points(layers, _PEER_VOXEL_M, _PEER_NEIGHBOURS, 1)
    return cloud, tree


def _matrix(pose: Pose2) -> Floats:
    matrix = np.eye(4)
    cos, sin = np.cos(pose.yaw_rad), np.sin(pose.yaw_rad)
    matrix[:2, :2], matrix[:2, 3] = ((cos, -sin), (sin, cos)), (pose.x_m, pose.y_m)
    return matrix


def read_trajectory(path: Path) -> Trajectory:
    """A planar trajectory from a TUM file."""
    table = read_tum(path)
    yaw = np.arctan2(table.poses[:, 1, 0], table.poses[:, 0, 0])
    poses = np.column_stack((table.poses[:, :2, 3], yaw))
    return Trajectory(stamps_ns=np.round(table.stamps_s * 1e9).astype(np.int64), poses=poses)


def figures(errors: RelationErrors, prefix: str = "") -> dict[str, float]:
    """Mean, sample standard deviation and maximum of the errors and of their squares, and means by odometry path."""
    translation, rotation = errors.translation_m, errors.rotation_deg
    found: dict[str, float] = {}
    for name, values in (
        ("translation_{}_m", translation),
        ("rotation_{}_deg", rotation),
        ("translation_squared_{}_m2", translation**2),
        ("rotation_squared_{}_deg2", rotation**2),
        ("translation_swapped_{}_m", errors.translation_swapped_m),
    ):
        found[name.format("mean")] = float(values.mean())
        found[name.format("std")] = float(values.std(ddof=1))
        found[name.format("max")] = float(values.max())
    for split, chosen in (("local", errors.path_m < _LOCAL_BELOW_M), ("loop", errors.path_m >= _LOOP_FROM_M)):
        if chosen.any():
            found[f"{split}_translation_mean_m"] = float(translation[chosen].mean())
            found[f"{split}_rotation_mean_deg"] = float(rotation[chosen].mean())
        found[f"{split}_relations"] = int(chosen.sum())
    return {prefix + name: round(value, 6) for name, value in found.items()}


def metrics(log: CarmenLog, relations: tuple[Relation, ...], run: Run, others: dict[str, Trajectory]) -> dict[str, float]:
    """All figures of one run, and those of ``others`` by their names."""
    odometry = Trajectory.from_poses([record.stamp_ns for record in log], [record.odom_from_base for record in log])
    log_s = seconds(log.records[-1].stamp_ns - log.records[0].stamp_ns)
    found: dict[str, float] = {}
    paths = {"": run.final, "online_": run.online, "odometry_": odometry}
    paths |= {f"{name}_": trajectory for name, trajectory in others.items()}
    for prefix, trajectory in paths.items() if relations else ():
        found |= figures(score_relations(relations, trajectory, odometry), prefix)
    if relations:
        found |= {"relations": len(relations), "relations_outside_log": relations_outside(relations, odometry)}
    found |= {f"scans_{outcome.name.lower()}": count for outcome, count in run.outcomes.items()}
    return found | {
        "scans": len(log),
        "log_s": round(log_s, 3),
        "wall_s": round(run.wall_s, 3),
        "real_time_factor": round(log_s / run.wall_s, 2),
        "cpu_per_scan_ms": round(1e3 * run.cpu_s / len(log), 3),
        "odometry_latency_s": round(run.latency_s, 3),
        "slowest_scan_ms": round(run.slowest_ms, 2),
        "memory_peak_mib": round(run.memory_mib, 1),
    }


def draw(grid: OccupancyGrid, path: Path) -> None:
    """The map as a picture: black occupied, white free, grey unknown, north up."""
    shade = np.where(grid.cells < 0, 160.0, 255.0 - 2.55 * grid.cells)
    rows, cols = np.nonzero(grid.cells >= 0)
    cut = shade[rows.min() : rows.max() + 1, cols.min() : cols.max() + 1] if rows.size else shade
    cv2.imwrite(str(path), cut[::-1].astype(np.uint8))


def named_path(text: str) -> tuple[str, Path]:
    """``NAME=PATH`` of the command line."""
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=PATH")
    return name, Path(path)


def read_inputs(chosen: argparse.Namespace) -> tuple[CarmenLog, tuple[Relation, ...], dict[str, Trajectory]]:
    """Log, relations (none asked for: empty) and others' trajectories. Raises BadInput, also when the relations are another
    log's."""
    log = read_carmen(chosen.log)
    relations = read_relations(chosen.relations) if chosen.relations is not None else ()
    times = Trajectory.from_poses([record.stamp_ns for record in log], [record.odom_from_base for record in log])
    if relations and relations_outside(relations, times) == len(relations):
        span = f"{times.stamps_ns[0] * 1e-9:.3f} to {times.stamps_ns[-1] * 1e-9:.3f} s"
        raise BadInput(chosen.relations, [Fault(field="t1, t2", value=span, because="no relation lies within the log's time")])
    return log, relations, {name: read_trajectory(path) for name, path in chosen.trajectory}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", type=Path, help="CARMEN log, plain or compressed")
    parser.add_argument("relations", type=Path, nargs="?", help="file of checked relations")
    parser.add_argument("--picture", type=Path, default=None, help="where to draw the map (PNG)")
    parser.add_argument("--peer", action="store_true", help="score scan-to-scan registration by small_gicp in the same run")
    parser.add_argument(
        "--trajectory", action="append", type=named_path, default=[], metavar="NAME=PATH", help="score this TUM file as well"
    )
    parser.add_argument("--write", type=Path, default=None, help="where to write the final trajectory (TUM)")
    chosen = parser.parse_args()
    try:
        log, relations, others = read_inputs(chosen)
    except BadInput as error:
        parser.exit(2, f"{error}\n")
    cv2.setNumThreads(1)
    run = run_log(log, MapperConfig())
    if chosen.picture is not None:
        draw(run.grid, chosen.picture)
    if chosen.write is not None:
        write_tum(chosen.write, lifted(run.final))
    if chosen.peer:
        others["small_gicp"] = registered(log)
    line = {"benchmark": "slam_relations", "log": chosen.log.name, "metrics": metrics(log, relations, run, others)}
    sys.stdout.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
