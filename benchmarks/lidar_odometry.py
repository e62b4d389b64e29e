# SPDX-License-Identifier: Apache-2.0
"""Lidar-inertial mapping: real pairs, a real undistortion reference, real key scans, and a patrol of a kilometre in simulation.

    python benchmarks/lidar_odometry.py --metres 1000

The pairs are KITTI's and small_gicp's own (small_gicp's plain alignment runs beside), the undistortion reference is of Newer
College, the key scans are of KITTI 07. In simulation the rover drives round the prison, through its strip, its yard and the
corridor of a cell block, with people walking about. KISS-ICP, where it is installed, registers the same revolutions in the same
run. Real data are read from PATROL_DATA; parts without data are left out. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import importlib
import math
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import small_gicp

from benchmarks.figures import tell
from patrol.checks import Floats
from patrol.clock import seconds
from patrol.geometry import IDENTITY2, Pose2, Pose3, Twist2
from patrol.sensors import Imu, Odometry, PointCloud
from patrol.site_file import read_site
from sim.robot import read_robot
from sim.score import read_truth
from sim.simulator import Simulator
from slam.lio.closures import KeyScan, LoopCloser3
from slam.lio.config import ClosureConfig, LioConfig
from slam.lio.deskew import BodyMotion, undistorted
from slam.lio.graph import Edge3, PoseGraph3
from slam.lio.local_map import LocalMap, ThinCloud, pose_of
from slam.lio.mapper import LioMapper
from slam.lio.odometry import Mounts3
from slam.lio.places import place_of
from slam.lio.rotations import turn_of, turned_by

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("PATROL_DATA", ROOT.parent / "shared" / "data")) / "slam" / "3d"
SCENARIO = ROOT / "sim" / "scenarios" / "prison_yard.yaml"
SITE = ROOT / "config" / "sites" / "prison.geojson"
_KITTI_PAIRS = ((94, 95), (198, 199))
_CAMERA_FROM_LIDAR = (
    (4.276802385584e-04, -9.999672484946e-01, -8.084491683471e-03, -1.198459927713e-02),
    (-7.210626507497e-03, 8.081198471645e-03, -9.999413164504e-01, -5.403984729748e-02),
    (9.999738645903e-01, 4.859485810390e-04, -7.206933692422e-03, -2.921968648686e-01),
)
"""Calibration of KITTI odometry sequence 00."""
_KNOT_S, _WINDOW_S, _POINTS_MIN, _ROUNDS = 0.005, 0.0015, 30, 4
_STRIP = (
    *((26, -36), (31, -38), (33, -41), (33, -44), (36, -47), (66.5, -47), (67, -46), (67, 46), (66, 47), (-66, 47)),
    *((-67, 46), (-67, -46), (-66, -47), (30, -47), (33, -44), (33, -38)),
)
_INSIDE = (
    *((30, -15), (24, 5.5), (0, 5.5), (-53, 5.5), (-56, 8), (-56, 18), (-53, 21), (-30, 21), (-6, 21), (0, 18)),
    *((2, 8), (8, 5.5), (24, 5.5), (30, -15), (33, -38)),
)
_CORRIDOR = (-52.0, 19.0, -8.0, 23.0)
_SPEED_MPS, _SLOW_MPS, _NEAR_M = 1.3, 0.6, 0.8
_PEER_REVOLUTIONS, _STEP_S = 600, 0.05


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
    graph, closer = PoseGraph3(odometry[0], config.robust_sigma), LoopCloser3(config, LioConfig().registration.point_std_m)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One measurement, complete at ``complete_ns``."""

    complete_ns: int
    measurement: PointCloud | Imu | Odometry


class Drive:
    """The rover on its way round the prison, steered by where it was last told to be and by its wheels since."""

    def __init__(self, truth_log: Path, *, seed: int, metres: float) -> None:
        self._simulator = Simulator.open(SCENARIO, seed=seed, sensors=frozenset({"points", "imu", "odom"}), truth_path=truth_log)
        self.start = read_site(SITE).docks[0].pose
        self._metres, self.path_m = metres, 0.0
        self._told, self._odometry_then, self._odometry = self.start, IDENTITY2, IDENTITY2

    def tell(self, map_from_base: Pose2) -> None:
        """Where the base is now."""
        self._told, self._odometry_then = map_from_base, self._odometry

    def heard(self) -> Iterator[Heard]:
        """Measurements in the order in which they are complete, until the way is driven or three times its time is over."""
        way, here = list(_STRIP + _INSIDE), self.start
        ends_ns = self._simulator.now_ns + round(3e9 * self._metres / _SPEED_MPS)
        while self.path_m < self._metres and self._simulator.now_ns < ends_ns:
            step = self._simulator.advance_s(_STEP_S)
            known = [one for one in step if isinstance(one, PointCloud | Imu | Odometry)]
            found = [Heard(complete_ns=_complete_ns(one), measurement=one) for one in known]
            yield from sorted(found, key=lambda one: one.complete_ns)
            self._odometry = next((one.odom_from_base for one in reversed(known) if isinstance(one, Odometry)), self._odometry)
            before, here = here, self._told @ (self._odometry_then.inverse() @ self._odometry)
            self.path_m += here.distance_to(before)
            while math.hypot(way[0][0] - here.x_m, way[0][1] - here.y_m) < _NEAR_M:
                del way[0]
                way = way or list(_INSIDE)
            self._simulator.command(_towards(way[0], here))
        self._simulator.close()


def _true_places(truth_log: Path, stamps_ns: list[int]) -> Floats:
    """x, y (N, 2) m."""
    track = read_truth(truth_log)
    places = [(pose.x_m, pose.y_m) for pose in track.poses]
    return np.column_stack([np.interp(stamps_ns, track.stamps_ns, line) for line in zip(*places, strict=True)])


def _towards(goal: tuple[float, float], here: Pose2) -> Twist2:
    bearing = math.remainder(math.atan2(goal[1] - here.y_m, goal[0] - here.x_m) - here.yaw_rad, 2.0 * math.pi)
    west, south, east, north = _CORRIDOR
    limit = _SLOW_MPS if west < here.x_m < east and south < here.y_m < north else _SPEED_MPS
    forward = limit * max(0.0, math.cos(bearing)) ** 2 if abs(bearing) < 1.2 else 0.0
    return Twist2(forward_mps=forward, turn_radps=float(np.clip(1.5 * bearing, -1.0, 1.0)))


def _complete_ns(measurement: Any) -> int:
    is_cloud = isinstance(measurement, PointCloud)
    return int(measurement.stamp_ns + (round(float(measurement.time_s.max(initial=0.0)) * 1e9) if is_cloud else 0))


def patrol(truth_log: Path, *, seed: int, metres: float, every: int) -> dict[str, float | int | None]:
    """Drive and map; every ``every``-th revolution is used, as recordings keep one in ten."""
    robot, drive = read_robot(), Drive(truth_log, seed=seed, metres=metres)
    mounts = Mounts3(base_from_lidar=robot.base_from_lidar, base_from_imu=robot.base_from_imu)
    mapper = LioMapper(LioConfig(), mounts, Pose3.from_pose2(drive.start))
    peer = _kiss(robot.lidar.range_m)
    stamps, online, odometry = [], [], []
    ours_s: list[float] = []
    peer_s: list[float] = []
    waiting_s, count = 0.0, 0
    for heard in drive.heard():
        began = time.perf_counter()
        if isinstance(heard.measurement, PointCloud):
            count += 1
            if (count - 1) % every:
                continue
            update = mapper.add_cloud(heard.measurement)
            ours_s.append(waiting_s + time.perf_counter() - began)
            waiting_s = 0.0
            drive.tell(update.map_from_base.to_pose2())
            stamps.append(update.update.stamp_ns)
            online.append(update.map_from_base.translation_m)
            odometry.append(update.update.odom_from_base.translation_m)
            if peer is not None and len(peer_s) < _PEER_REVOLUTIONS:
                peer_s.append(_timed(peer, heard.measurement))
        else:
            mapper.add_reading(heard.measurement)
            waiting_s += time.perf_counter() - began
    began = time.perf_counter()
    mapper.settle()
    truth, final = _true_places(truth_log, stamps), mapper.trajectory().positions_m
    return {
        "patrol_m": drive.path_m,
        "patrol_s": seconds(stamps[-1] - stamps[0]),
        "revolutions": len(stamps),
        "settle_s": time.perf_counter() - began,
        **_errors("odometry", np.array(odometry), truth),
        **_errors("online", np.array(online), truth),
        **_errors("final", final, truth),
        "height_error_max_m": float(np.abs(final[:, 2]).max()),
        "ours_ms": 1e3 * float(np.median(ours_s[: len(peer_s) or None])),
        "kiss_icp_ms": 1e3 * float(np.median(peer_s)) if peer_s else None,
        "kiss_icp_over_ours": float(np.median(peer_s) / np.median(ours_s[: len(peer_s)])) if peer_s else None,
    }


def _errors(name: str, positions: Floats, truth: Floats) -> dict[str, float]:
    """Of the position in the plane, in the map of the start pose, nothing aligned."""
    errors = np.linalg.norm(positions[:, :2] - truth, axis=1)
    return {f"{name}_rms_m": float(np.sqrt(np.mean(errors**2))), f"{name}_max_m": float(errors.max())}


def _kiss(range_m: tuple[float, float]) -> Callable[[Floats, Floats], object] | None:
    """KISS-ICP as it is shipped, told the lidar's range; None where it is not installed."""
    try:
        kiss, config = importlib.import_module("kiss_icp.kiss_icp"), importlib.import_module("kiss_icp.config")
    except ImportError:
        sys.stderr.write("KISS-ICP is not installed and is left out: pip install kiss-icp\n")
        return None
    chosen = config.KISSConfig()
    chosen.data.min_range, chosen.data.max_range = range_m
    chosen.mapping.voxel_size = range_m[1] / 100.0
    register: Callable[[Floats, Floats], object] = kiss.KissICP(chosen).register_frame
    return register


def _timed(peer: Callable[[Floats, Floats], object], cloud: PointCloud) -> float:
    points, times = cloud.points_m.astype(np.float64), cloud.time_s.astype(np.float64) / max(float(cloud.time_s.max()), 1e-9)
    began = time.perf_counter()
    peer(points, times)
    return time.perf_counter() - began


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
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--every", type=int, default=1, help="use every so many-th revolution")
    chosen = parser.parse_args()
    figures = real(DATA)
    if chosen.metres > 0.0:
        with tempfile.TemporaryDirectory() as name:
            log = Path(name) / "truth.jsonl"
            figures |= patrol(log, seed=chosen.seed, metres=chosen.metres, every=chosen.every)
    rounded = {name: round(value, 5) if isinstance(value, float) else value for name, value in figures.items()}
    tell("lidar_odometry", rounded, seed=chosen.seed, every=chosen.every)


if __name__ == "__main__":
    main()
