# SPDX-License-Identifier: Apache-2.0
"""Lidar-inertial mapping: real pairs, a real undistortion reference, real key scans, and a patrol of a kilometre in simulation.

    python benchmarks/lidar_odometry.py --metres 1000

The pairs are KITTI's and small_gicp's own (small_gicp's plain alignment runs beside), the undistortion reference is of Newer
College, the key scans are of KITTI 07. In simulation the rover drives round the prison, through its strip, its forecourt and the
corridor of a cell block, with people walking about (or round the depot, or along the border in fog). KISS-ICP, where it is
installed, registers the same revolutions in the same run, both on one thread; times are CPU time. Real data are read from
PATROL_DATA; parts without data are left out. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import importlib
import math
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import small_gicp

from benchmarks.figures import tell
from benchmarks.lidar_drive import ROUNDS, Drive
from patrol.checks import Floats
from patrol.clock import seconds
from patrol.geometry import Pose3
from patrol.sensors import PointCloud
from sim.robot import read_robot
from slam.lio.closures import KeyScan, LoopCloser3
from slam.lio.config import ClosureConfig, LioConfig
from slam.lio.deskew import BodyMotion, undistorted
from slam.lio.graph import Edge3, PoseGraph3
from slam.lio.local_map import LocalMap, ThinCloud, pose_of
from slam.lio.mapper import LioMapper
from slam.lio.odometry import Mounts3
from slam.lio.places import place_of
from slam.lio.reckoning import Doubt
from slam.lio.rotations import turn_of, turned_by

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("PATROL_DATA", ROOT.parent / "shared" / "data")) / "slam" / "3d"
_KITTI_PAIRS = ((94, 95), (198, 199))
_CAMERA_FROM_LIDAR = (
    (4.276802385584e-04, -9.999672484946e-01, -8.084491683471e-03, -1.198459927713e-02),
    (-7.210626507497e-03, 8.081198471645e-03, -9.999413164504e-01, -5.403984729748e-02),
    (9.999738645903e-01, 4.859485810390e-04, -7.206933692422e-03, -2.921968648686e-01),
)
"""Calibration of KITTI odometry sequence 00."""
_KNOT_S, _WINDOW_S, _POINTS_MIN, _ROUNDS = 0.005, 0.0015, 30, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PairFigures:
    """Errors of one pair: ours and those of small_gicp's plain alignment at 0.25 m, in m and degrees."""

    name: str
    ours: tuple[float, float]
    peer: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskewFigures:
    """Distances to the reference, in m: before undistortion (median), and after it (median, 95th percentile), over the points
    that the motion was not measured with."""

    raw_m: float
    median_m: float
    p95_m: float


def pairs(folder: Path, config: LioConfig) -> Iterator[PairFigures]:
    """Registration of each real pair, beginning at no motion at all."""
    camera_from_lidar = pose_of(np.vstack((_CAMERA_FROM_LIDAR, (0.0, 0.0, 0.0, 1.0))))
    truth = np.loadtxt(folder / "kitti00" / "KITTI_00_gt.txt").reshape(-1, 3, 4)
    for first, second in _KITTI_PAIRS:
        poses = [Pose3(truth[row][:, 3], truth[row][:, :3]) @ camera_from_lidar for row in (first, second)]
        clouds = [_kitti(folder / "kitti00" / f"{row:06d}.bin") for row in (first, second)]
        yield _pair(f"kitti_00_{first}_{second}", clouds, poses[0].inverse() @ poses[1], config)
    clouds = [_ply(folder / "small_gicp_pair" / name) for name in ("target.ply", "source.ply")]
    expected = pose_of(np.loadtxt(folder / "small_gicp_pair" / "T_target_source.txt"))
    yield _pair("small_gicp_pair", clouds, expected, config)


def _pair(name: str, clouds: list[Floats], expected: Pose3, config: LioConfig) -> PairFigures:
    target, source = (ThinCloud(cloud, config.registration) for cloud in clouds)
    local = LocalMap(config.registration)
    nowhere = Pose3(np.zeros(3), np.eye(3))
    local.insert(target, nowhere)
    ours = local.match(source, nowhere).odom_from_body
    peer = small_gicp.align(clouds[0], clouds[1], registration_type="GICP", downsampling_resolution=0.25)
    return PairFigures(name=name, ours=_error(expected, ours), peer=_error(expected, pose_of(np.asarray(peer.T_target_source))))


def newer_college(folder: Path) -> Iterator[DeskewFigures]:
    """The motion is measured with every second point, every five milliseconds, and all others are undistorted by it."""
    for row in range(3):
        raw, reference = (_floats(folder / f"{name}_0{row}.bin").reshape(-1, 3) for name in ("raw", "deskewed"))
        times = _floats(folder / f"times_0{row}.bin")
        motion, last = _measured_motion(raw[::2], reference[::2], times[::2])
        told = last.apply(undistorted(raw[1::2], times[1::2], motion))
        still = last.apply(raw[1::2])
        error = np.linalg.norm(told - reference[1::2], axis=1)
        yield DeskewFigures(
            raw_m=float(np.median(np.linalg.norm(still - reference[1::2], axis=1))),
            median_m=float(np.median(error)),
            p95_m=float(np.percentile(error, 95)),
        )


def _measured_motion(raw: Floats, reference: Floats, times: Floats) -> tuple[BodyMotion, Pose3]:
    """The motion that takes the raw points to the reference, by least squares over all its poses, and the last of them."""
    moments, poses = [], []
    for moment in np.arange(0.0, float(times.max()) + _KNOT_S, _KNOT_S):
        near = np.abs(times - moment) < _WINDOW_S
        if np.count_nonzero(near) >= _POINTS_MIN:
            moments.append(float(times[near].mean()))
            poses.append(_rigid(raw[near], reference[near]))
    for _ in range(_ROUNDS):
        poses = _refined(raw, reference, times, np.array(moments), poses)
    return BodyMotion.of(np.array(moments), tuple(poses)), poses[-1]


def _refined(raw: Floats, reference: Floats, times: Floats, moments: Floats, poses: list[Pose3]) -> list[Pose3]:
    """One step of Gauss and Newton: each pose is shifted and turned in the reference's frame."""
    told = poses[-1].apply(undistorted(raw, times, BodyMotion.of(moments, tuple(poses))))
    row = np.clip(np.searchsorted(moments, times, side="right") - 1, 0, len(moments) - 2)
    share = (times - moments[row]) / (moments[row + 1] - moments[row])
    normal, right = np.zeros((6 * len(poses), 6 * len(poses))), np.zeros(6 * len(poses))
    for first in range(len(poses) - 1):
        here = row == first
        turn = np.stack([np.cross(axis, told[here]) for axis in np.eye(3)], axis=2)
        step = np.concatenate((turn, np.broadcast_to(np.eye(3), turn.shape)), axis=2)
        jacobian = np.concatenate(((1.0 - share[here])[:, None, None] * step, share[here][:, None, None] * step), axis=2)
        rows = slice(6 * first, 6 * first + 12)
        normal[rows, rows] += np.einsum("nij,nik->jk", jacobian, jacobian)
        right[rows] += np.einsum("nij,ni->j", jacobian, (reference - told)[here])
    steps = np.asarray(np.linalg.solve(normal + 1e-6 * np.eye(len(normal)), right), dtype=np.float64).reshape(-1, 6)
    moved = []
    for pose, step in zip(poses, steps, strict=True):
        turned = turned_by(step[:3])
        moved.append(Pose3(turned @ pose.translation_m + step[3:], turned @ pose.rotation))
    return moved


def _rigid(source: Floats, target: Floats) -> Pose3:
    """The rigid motion of least squares from one set of points to the other (Kabsch, 1976)."""
    from_m, to_m = source.mean(axis=0), target.mean(axis=0)
    left, _, right = np.linalg.svd((source - from_m).T @ (target - to_m))
    flip = np.diag([1.0, 1.0, np.sign(np.linalg.det(right.T @ left.T))])
    rotation = right.T @ flip @ left.T
    return Pose3(to_m - rotation @ from_m, rotation)


def kitti_07(folder: Path) -> dict[str, float]:
    """Five real key scans: loop closures found among them against their poses, and a graph whose odometry is 5 % long and turns
    1° a step, before and after."""
    table = [line.split() for line in (folder / "graph.txt").read_text("ascii").splitlines() if line.strip()]
    truth = [Pose3.from_quaternion([float(word) for word in row[1:4]], [float(word) for word in row[4:8]]) for row in table]
    clouds = [_floats(folder / f"{row:06d}" / "points.bin").reshape(-1, 3) for row in range(len(truth))]
    config = ClosureConfig(path_gap_m=2.0, radius_m=25.0, radius_max_m=25.0, submap_key_scans=0, query_key_scans=0)
    odometry = [truth[0]]
    for before, after in pairwise(truth):
        step = before.inverse() @ after
        bent = Pose3.from_xyz_rpy(0.0, 0.0, 0.0, 0.0, 0.0, math.radians(1.0))
        odometry.append(odometry[-1] @ Pose3(1.05 * step.translation_m, step.rotation) @ bent)
    return _closed(truth, odometry, clouds, config)


def _closed(truth: list[Pose3], odometry: list[Pose3], clouds: list[Floats], config: ClosureConfig) -> dict[str, float]:
    loose = np.diag([0.03**-2] * 3 + [0.5**-2] * 3)
    graph, closer = PoseGraph3(odometry[0], config.robust_sigma), LoopCloser3(config, LioConfig().registration)
    errors, path_m = [], 0.0
    for row, (pose, cloud) in enumerate(zip(odometry, clouds, strict=True)):
        if row:
            moved = odometry[row - 1].inverse() @ pose
            path_m += float(np.linalg.norm(moved.translation_m))
            graph.add_key_scan(Edge3(from_id=row - 1, to_id=row, from_to=moved, information=loose))
        look = place_of(cloud)
        closer.add(KeyScan(id=row, stamp_ns=row, odom_from_base=pose, path_m=path_m, points_m=cloud, look=look))
        edges = closer.find(closer.key_scans[-1], graph.poses())
        errors += [_error(truth[edge.from_id].inverse() @ truth[edge.to_id], edge.from_to) for edge in edges]
        if edges:
            graph.close_loops(edges)
    before, after = (_error(truth[-1], poses[-1])[0] for poses in (odometry, graph.poses()))
    return {
        "kitti_07_closures": len(errors),
        "kitti_07_closure_median_m": float(np.median([error[0] for error in errors])),
        "kitti_07_closure_median_deg": float(np.median([error[1] for error in errors])),
        "kitti_07_end_before_m": before,
        "kitti_07_end_after_m": after,
    }


@dataclass(slots=True)
class Run:
    """What one way of odometry said: ``places_m`` by revolution, and the CPU time it took, in seconds."""

    places_m: list[Floats] = field(default_factory=list)
    cpu_s: list[float] = field(default_factory=list)


class Peer:
    """KISS-ICP as it is shipped, on one thread, told the lidar's range and the first pose."""

    def __init__(self, kiss: Any, config: Any, range_m: tuple[float, float], map_from_lidar: Pose3) -> None:
        chosen = config.KISSConfig()
        chosen.data.min_range, chosen.data.max_range = range_m
        chosen.mapping.voxel_size = range_m[1] / 100.0
        chosen.registration.max_num_threads = 1
        self._odometry, self._start, self.run = kiss.KissICP(chosen), map_from_lidar, Run()

    def add(self, cloud: PointCloud) -> None:
        """Register the next revolution."""
        points, times = cloud.points_m.astype(np.float64), cloud.time_s.astype(np.float64) / max(float(cloud.time_s.max()), 1e-9)
        began = time.process_time()
        self._odometry.register_frame(points, times)
        self.run.cpu_s.append(time.process_time() - began)
        self.run.places_m.append((self._start @ pose_of(np.asarray(self._odometry.last_pose))).translation_m)


def _peer(range_m: tuple[float, float], map_from_lidar: Pose3) -> Peer | None:
    try:
        kiss, config = importlib.import_module("kiss_icp.kiss_icp"), importlib.import_module("kiss_icp.config")
    except ImportError:
        sys.stderr.write("KISS-ICP is not installed and is left out: pip install kiss-icp\n")
        return None
    return Peer(kiss, config, range_m, map_from_lidar)


def patrol(drive: Drive, *, every: int, table: Path | None = None) -> dict[str, float | int | None]:
    """Drive and map; every ``every``-th revolution is used, as recordings keep one in ten. ``table`` gets the ways."""
    robot = read_robot()
    mounts = Mounts3(base_from_lidar=robot.base_from_lidar, base_from_imu=robot.base_from_imu)
    mapper = LioMapper(LioConfig(), mounts, Pose3.from_pose2(drive.start))
    peer = _peer(robot.lidar.range_m, Pose3.from_pose2(drive.start) @ robot.base_from_lidar)
    stamps: list[int] = []
    online, odometry = Run(), Run()
    waiting_s, count, disbelieved = 0.0, 0, 0
    for heard in drive.heard():
        if not isinstance(heard.measurement, PointCloud):
            began = time.process_time()
            mapper.add_reading(heard.measurement)
            waiting_s += time.process_time() - began
            continue
        count += 1
        if (count - 1) % every:
            continue
        began = time.process_time()
        update = mapper.add_cloud(heard.measurement)
        online.cpu_s.append(waiting_s + time.process_time() - began)
        waiting_s = 0.0
        drive.tell(update.map_from_base.to_pose2())
        stamps.append(update.update.stamp_ns)
        disbelieved += Doubt.WHEELS_SLIP in update.update.doubts
        online.places_m.append(update.map_from_base.translation_m)
        odometry.places_m.append(update.update.odom_from_base.translation_m)
        if peer is not None:
            peer.add(heard.measurement)
    began = time.process_time()
    mapper.settle()
    settle_s = time.process_time() - began
    truth, final = drive.true_places(stamps), mapper.trajectory().positions_m
    if table is not None:
        _write_ways(table, np.array(stamps) - stamps[0], truth, np.array(online.places_m), final)
    return {
        "patrol_m": drive.path_m,
        "patrol_s": seconds(stamps[-1] - stamps[0]),
        "revolutions": len(stamps),
        "wheels_not_believed": disbelieved,
        "settle_s": settle_s,
        **_errors("odometry", np.array(odometry.places_m), truth),
        **_errors("online", np.array(online.places_m), truth),
        **_errors("final", final, truth),
        "online_height_error_max_m": float(np.abs(np.array(online.places_m)[:, 2]).max()),
        "height_error_max_m": float(np.abs(final[:, 2]).max()),
        **_beside(online, peer, truth),
    }


def _write_ways(path: Path, after_ns: Floats, truth: Floats, online: Floats, final: Floats) -> None:
    """One row a revolution, to look at where it went and where it was off."""
    names = "after_s,true_x_m,true_y_m,online_x_m,online_y_m,online_z_m,final_x_m,final_y_m,final_z_m"
    rows = np.column_stack((after_ns * 1e-9, truth, online, final))
    np.savetxt(path, rows, fmt="%.4f", delimiter=",", header=names, comments="")


def _beside(ours: Run, peer: Peer | None, truth: Floats) -> dict[str, float | None]:
    """CPU time of a revolution, ours with filter, key scans and loops, and the peer's; and how far off the peer is."""
    figures: dict[str, float | None] = {
        "ours_cpu_ms": 1e3 * float(np.median(ours.cpu_s)),
        "ours_cpu_mean_ms": 1e3 * float(np.mean(ours.cpu_s)),
    }
    if peer is None:
        return figures | {"kiss_icp_cpu_ms": None, "kiss_icp_over_ours": None}
    cpu_s = peer.run.cpu_s
    return {
        **figures,
        "kiss_icp_cpu_ms": 1e3 * float(np.median(cpu_s)),
        "kiss_icp_cpu_mean_ms": 1e3 * float(np.mean(cpu_s)),
        "kiss_icp_over_ours": float(np.median(cpu_s) / np.median(ours.cpu_s)),
        **_errors("kiss_icp", np.array(peer.run.places_m), truth),
    }


def _errors(name: str, positions: Floats, truth: Floats) -> dict[str, float]:
    """Of the position in the plane, in the map of the start pose, nothing aligned."""
    errors = np.linalg.norm(positions[:, :2] - truth, axis=1)
    return {
        f"{name}_median_m": float(np.median(errors)),
        f"{name}_rms_m": float(np.sqrt(np.mean(errors**2))),
        f"{name}_max_m": float(errors.max()),
        f"{name}_end_m": float(errors[-1]),
    }


def _error(expected: Pose3, found: Pose3) -> tuple[float, float]:
    """Translation in m and rotation in degrees of what is left."""
    rest = expected.inverse() @ found
    return float(np.linalg.norm(rest.translation_m)), math.degrees(float(np.linalg.norm(turn_of(rest.rotation))))


def _floats(path: Path) -> Floats:
    return np.fromfile(path, dtype="<f4").astype(np.float64)


def _kitti(path: Path) -> Floats:
    return _floats(path).reshape(-1, 4)[:, :3]


def _ply(path: Path) -> Floats:
    return np.asarray(small_gicp.read_ply(str(path)).points(), dtype=np.float64)[:, :3]


def real(folder: Path) -> dict[str, float | int | None]:
    """What can be measured on the data that are there."""
    figures: dict[str, float | int | None] = {}
    if (folder / "kitti00").is_dir():
        for pair in pairs(folder, LioConfig()):
            figures |= {f"{pair.name}_m": pair.ours[0], f"{pair.name}_deg": pair.ours[1]}
            figures |= {f"{pair.name}_small_gicp_m": pair.peer[0], f"{pair.name}_small_gicp_deg": pair.peer[1]}
    if (folder / "newer_06").is_dir():
        for row, deskew in enumerate(newer_college(folder / "newer_06")):
            figures |= {f"newer_06_{row}_raw_m": deskew.raw_m, f"newer_06_{row}_median_m": deskew.median_m}
            figures |= {f"newer_06_{row}_p95_m": deskew.p95_m}
    if (folder / "kitti_07_dump").is_dir():
        figures |= kitti_07(folder / "kitti_07_dump")
    return figures


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--metres", type=float, default=1000.0, help="length of the simulated patrol; 0: none")
    parser.add_argument("--world", choices=sorted(ROUNDS), default="prison")
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--every", type=int, default=1, help="use every so many-th revolution")
    parser.add_argument("--table", type=Path, help="write the ways driven, estimated and true, to this CSV file")
    chosen = parser.parse_args()
    figures = real(DATA)
    if chosen.metres > 0.0:
        with tempfile.TemporaryDirectory() as name:
            log = Path(name) / "truth.jsonl"
            drive = Drive(ROUNDS[chosen.world], log, seed=chosen.seed, metres=chosen.metres)
            figures |= patrol(drive, every=chosen.every, table=chosen.table)
    rounded = {name: round(value, 5) if isinstance(value, float) else value for name, value in figures.items()}
    tell("lidar_odometry", rounded, world=chosen.world, seed=chosen.seed, every=chosen.every)


if __name__ == "__main__":
    main()
