# SPDX-License-Identifier: Apache-2.0
"""The lookout turns what came in since the last step into a view: where the robot is now and what is around it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from mission.costmap import Costmap
from mission.movers import MoverConfig, MoverWatch
from mission.rollouts import arc_poses
from mission.surroundings import Mover, Surroundings, survey
from mission.sweep import Sweep, sweep_from_scan
from mission.told_movers import ToldMovers
from patrol.checks import Floats
from patrol.clock import NS_PER_S, seconds
from patrol.estimate import PoseEstimate
from patrol.geometry import Pose2, Twist2
from patrol.grid import OccupancyGrid
from patrol.percepts import Track
from patrol.sensors import Scan

_LONGEST_PREDICTION_S = 0.5
_REMEMBERED = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One step's picture of the world: ``pose`` is ``map_from_base`` predicted to ``now_ns`` on ``floor``, ``twist`` the measured
    one, ``points_map_m`` (N, 2) what the newest scan hit."""

    now_ns: int
    dt_s: float
    pose: Pose2
    twist: Twist2
    around: Surroundings
    points_map_m: Floats = field(default_factory=lambda: np.zeros((0, 2)))
    floor: int = 0


class Lookout:
    """Keeps the costmap and the movers up to date."""

    def __init__(self, costmap: Costmap, movers: MoverConfig, base_from_lidar: Pose2) -> None:
        self._costmap = costmap
        self._watch = MoverWatch(movers)
        self._told = ToldMovers(movers.told)
        self._sweep: Sweep | None = None
        self._base_from_lidar = base_from_lidar
        self._poses: deque[tuple[int, Pose2]] = deque(maxlen=_REMEMBERED)
        self._scan: Scan | None = None
        self._points_map_m: Floats = np.zeros((0, 2))
        self._grid: OccupancyGrid | None = None

    def take_grid(self, grid: OccupancyGrid | None) -> None:
        """Draw a grid into the costmap when it is a new one."""
        if grid is not None and grid is not self._grid:
            self._grid = grid
            self._costmap.set_grid(grid)

    def take_floor(self, floor: int) -> None:
        """The robot is on ``floor``; the grid of another one does not count."""
        if floor != self._costmap.floor:
            self._costmap.set_floor(floor)
            self._points_map_m = np.zeros((0, 2))
            self._sweep = None

    def take_scan(self, scan: Scan | None, estimate: PoseEstimate) -> None:
        """Draw a scan into the costmap when it is a new one, from where the robot was when it was taken."""
        if not self._poses or estimate.stamp_ns > self._poses[-1][0]:
            self._poses.append((estimate.stamp_ns, estimate.odom_from_base))
        if scan is None or (self._scan is not None and scan.stamp_ns <= self._scan.stamp_ns):
            return
        self._scan = scan
        turn_ns = round(scan.beam_step_s * NS_PER_S) * max(scan.ranges_m.size - 1, 0)
        begin, end = (
            estimate.map_from_odom @ self._odom_from_base_at(stamp_ns) @ self._base_from_lidar
            for stamp_ns in (scan.stamp_ns, scan.stamp_ns + turn_ns)
        )
        sweep = sweep_from_scan(scan, begin, end)
        self._sweep, self._points_map_m = sweep, sweep.points_m()
        self._costmap.add_sweep(sweep)
        self._watch.add(sweep)

    def view(self, estimate: PoseEstimate, twist: Twist2, tracks: tuple[Track, ...], *, now_ns: int, dt_s: float) -> View:
        """The view at ``now_ns``; the pose is carried on from the estimate's stamp with the measured ``twist``."""
        pose = predicted(estimate, twist, now_ns)
        movers = _merged(self._watch.movers(now_ns), self._told.movers(tracks, self._sweep, now_ns))
        points_base = pose.inverse().apply(self._points_map_m)
        around = survey(points_base, pose, self._costmap.site_clearance, movers)
        return View(
            now_ns=now_ns,
            dt_s=dt_s,
            pose=pose,
            twist=twist,
            around=around,
            points_map_m=self._points_map_m,
            floor=estimate.floor,
        )

    def _odom_from_base_at(self, stamp_ns: int) -> Pose2:
        """Odometry pose nearest in time among those seen, carried between two neighbours by linear interpolation."""
        stamps = [stamp for stamp, _ in self._poses]
        poses = [pose for _, pose in self._poses]
        yaws = np.unwrap([pose.yaw_rad for pose in poses])
        x = np.interp(stamp_ns, stamps, [pose.x_m for pose in poses])
        y = np.interp(stamp_ns, stamps, [pose.y_m for pose in poses])
        return Pose2(float(x), float(y), float(np.interp(stamp_ns, stamps, yaws)))


def predicted(estimate: PoseEstimate, twist: Twist2, now_ns: int) -> Pose2:
    """``map_from_base`` at ``now_ns``, driving ``twist`` since the estimate, for half a second at most."""
    ahead_s = min(max(seconds(now_ns - estimate.stamp_ns), 0.0), _LONGEST_PREDICTION_S)
    x, y, yaw = arc_poses(np.array([[twist.forward_mps, twist.turn_radps]]), np.array([ahead_s]))[0, 0]
    return estimate.map_from_base @ Pose2(float(x), float(y), float(yaw))


def _merged(from_scan: tuple[Mover, ...], from_tracks: tuple[Mover, ...]) -> tuple[Mover, ...]:
    """Both sources; a track that stands where the scan already has a mover is left out."""

    def is_new(track: Mover) -> bool:
        return all(np.hypot(*np.subtract(track.position_m, mover.position_m)) > 1.0 for mover in from_scan)

    return (*from_scan, *(track for track in from_tracks if is_new(track)))
