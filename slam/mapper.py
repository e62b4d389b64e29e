# SPDX-License-Identifier: Apache-2.0
"""Scans and odometry in, pose and map out: graph SLAM, one scan at a time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from patrol.checks import Floats
from patrol.estimate import PoseEstimate
from patrol.geometry import IDENTITY2, Pose2, wrap_angle
from patrol.grid import OccupancyGrid
from patrol.sensors import Scan
from slam.config import MapperConfig
from slam.final_graph import GraphProblem, settled
from slam.grid_map import GridMap
from slam.keyframe import Keyframe
from slam.loop_closure import LoopCloser
from slam.map_files import SavedKeyframe, SavedMap, save_map
from slam.motion import MotionModel, MotionStep
from slam.pose_graph import Edge, PoseGraph, PositionFactor, rotated_covariance
from slam.scan_check import ScanCheck, ScanVerdict
from slam.scan_points import BodyRate, ScanPoints, points_from_scan, rate_during
from slam.settling import UnsettledMap
from slam.surface import surface_from_scan
from slam.tracker import Tracked, Tracker
from slam.trajectory import Trajectory
from slam.updates import ScanOutcome, SlamUpdate


class Mapper:
    """Builds the map of a site while the robot drives through it.

    Tracking matches every scan with a local map of recent keyframes; keyframes join a pose graph; places seen again close
    loops in it; the grid follows the graph. ``base_from_lidar`` is the laser's mount, ``start`` the map pose of the base at the
    first scan, known from the dock.
    """

    def __init__(self, config: MapperConfig, base_from_lidar: Pose2, start: Pose2) -> None:
        self._config, self._base_from_lidar = config, base_from_lidar
        self._check = ScanCheck(config.scan.points_min)
        self._motion = MotionModel(config.motion)
        self._tracker = Tracker(config.track, config.match)
        self._graph = PoseGraph(start, config.loop.robust_sigma)
        self._loops = LoopCloser(config.loop, config.match)
        self._grid = GridMap(config.grid, base_from_lidar)
        self._keyframes: list[Keyframe] = []
        self._keyframe_covariance: Floats = np.zeros((3, 3))
        self._history: list[tuple[int, int, Pose2]] = []
        self._path_m = 0.0
        self._estimate: PoseEstimate | None = None

    def add_scan(self, scan: Scan, odom_from_base: Pose2, *, odom_at_end: Pose2 | None = None) -> SlamUpdate:
        """Take in one scan and where odometry has the base at its stamp; return where the base is in the map.

        ``odom_at_end``, the odometry at the last beam, undistorts the scan better than the rate of the step before it.

        A scan that can not be used has a named outcome, moves the pose by odometry at most, and leaves the map as it is.
        """
        verdict = self._check.check(scan, odom_from_base)
        if verdict.outcome is ScanOutcome.TIME_BACKWARDS:
            return self._refused(verdict)
        step = self._motion.step(scan.stamp_ns, odom_from_base)
        rate = step.rate if odom_at_end is None else rate_during(scan, odom_from_base, odom_at_end)
        points = points_from_scan(scan, self._base_from_lidar, rate, self._config.scan)
        before = self._tracker.track_from_base
        tracked = self._tracked(points, step, verdict)
        self._path_m += before.distance_to(tracked.track_from_base)
        keyframe = self._next_keyframe(scan, points, rate, tracked, verdict)
        loop_closed = self._extend_map(keyframe, tracked) if keyframe else False
        grid_changed = self._grid.redraw(self._config.grid.keyframes_per_step) or keyframe is not None
        self._correct_motion(scan.stamp_ns, step, before, tracked)
        self._remember(scan.stamp_ns, tracked)
        return SlamUpdate(
            estimate=self._estimated(scan.stamp_ns, odom_from_base, tracked, step),
            outcome=_outcome(verdict, tracked),
            score=tracked.score,
            grid_changed=grid_changed,
            keyframe_added=keyframe is not None,
            loop_closed=loop_closed,
        )

    def grid(self, stamp_ns: int, *, is_caught_up: bool = True) -> OccupancyGrid:
        """The occupancy grid of all keyframes where the graph has them now. Without ``is_caught_up``, as it is drawn so far: the
        keyframes that the graph has moved follow a few per scan, the newest first."""
        if is_caught_up:
            self._grid.redraw()
        return self._grid.grid(stamp_ns)

    def settle(self) -> None:
        """Bring all keyframes to where the final graph has them: every sight that one has of another counts. Takes seconds; scans
        may follow."""
        poses = settled(self._problem(), loop=self._config.loop, match=self._config.match)
        self._graph.move_to(poses)
        self._grid.move_to(poses)

    def unsettled(self) -> UnsettledMap:
        """The map as it is now, for the final graph to be solved elsewhere."""
        return UnsettledMap(
            problem=self._problem(),
            positions=self._graph.positions,
            config=self._config,
            base_from_lidar=self._base_from_lidar,
            stamp_ns=self._stamp_ns,
        )

    def _problem(self) -> GraphProblem:
        return GraphProblem.of(self._graph, self._keyframes, self._loops.submaps)

    @property
    def _stamp_ns(self) -> int:
        """That of the newest scan; 0 before the first."""
        return self._history[-1][0] if self._history else 0

    @property
    def newest_keyframe(self) -> int | None:
        """Number of the newest keyframe; None before the first."""
        return self._keyframes[-1].id if self._keyframes else None

    def keyframe_pose(self, keyframe_id: int) -> Pose2:
        """Where the graph has a keyframe now."""
        return self._graph.pose(keyframe_id)

    def add_positions(
        self,
        factors: Sequence[PositionFactor],
        *,
        start_std: tuple[float, float],
        retract_since_ns: int | None = None,
        follow_m: float = 0.0,
    ) -> None:
        """Positions of keyframes measured from outside (GNSS); map and pose follow once a keyframe would move by ``follow_m``.
        ``start_std`` is how well the start was known, in m and rad. Measurements from ``retract_since_ns`` on are taken back."""
        if not self._graph.positions and factors:
            self._graph.loosen_start(*start_std)
        before = self._graph.poses()
        self._graph.add_positions(factors, retract_since_ns=retract_since_ns, follow_m=follow_m)
        if self._graph.poses() != before:
            self._moved_graph()

    def move(self, new_from_map: Pose2) -> None:
        """Lay the whole map elsewhere, as one piece."""
        poses = [new_from_map @ pose for pose in self._graph.poses()]
        self._graph = PoseGraph.restored(poses, self._graph.edges, self._config.loop.robust_sigma)
        self._moved_graph()

    def _moved_graph(self) -> None:
        self._grid.move_to(self._graph.poses())
        if self._keyframes:
            self._keyframe_covariance = self._graph.covariance(self._keyframes[-1].id)

    @property
    def odometry_latency_s(self) -> float:
        """How late odometry is against the laser, as far as known; negative when it runs ahead."""
        return self._motion.latency_s

    def trajectory(self) -> Trajectory:
        """The pose of every scan taken in, by the graph as it stands now. Raises BadValue before the first scan.

        Between two keyframes the corrections of both are blended.
        """
        poses = [self._blended(keyframe_id, relative) for _, keyframe_id, relative in self._history]
        return Trajectory.from_poses([stamp_ns for stamp_ns, _, _ in self._history], poses)

    def poses_at(self, stamps_ns: Sequence[int]) -> dict[int, Pose2]:
        """The pose of the scans stamped so, by the graph as it stands now; stamps at which there was none are left out."""
        found = {}
        for stamp_ns in stamps_ns:
            row = bisect_left(self._history, stamp_ns, key=lambda kept: kept[0])
            if row < len(self._history) and self._history[row][0] == stamp_ns:
                found[stamp_ns] = self._blended(*self._history[row][1:])
        return found

    def _blended(self, keyframe_id: int, relative: Pose2) -> Pose2:
        """The pose ``relative`` to a keyframe, bent towards where the next keyframe was put."""
        before = self._graph.pose(keyframe_id) @ relative
        if keyframe_id + 1 >= len(self._keyframes):
            return before
        first, second = self._keyframes[keyframe_id], self._keyframes[keyframe_id + 1]
        whole = first.track_from_base.inverse() @ second.track_from_base
        after = self._graph.pose(keyframe_id + 1) @ (whole.inverse() @ relative)
        done, left = _size(relative), _size(relative.inverse() @ whole)
        share = done / (done + left) if done + left > 1e-6 else 0.0
        turn = wrap_angle(after.yaw_rad - before.yaw_rad)
        return Pose2(
            before.x_m + share * (after.x_m - before.x_m),
            before.y_m + share * (after.y_m - before.y_m),
            before.yaw_rad + share * turn,
        )

    def saved(self, *, is_caught_up: bool = True) -> SavedMap:
        """Everything that a later run needs of the map, as it is now; its grid as ``grid`` tells it."""
        keyframes = tuple(
            SavedKeyframe(map_from_base=self._graph.pose(k.id), scan=k.scan, points=k.points, rate=k.rate)
            for k in self._keyframes
        )
        return SavedMap(
            keyframes=keyframes,
            edges=tuple(self._graph.edges),
            grid=self.grid(self._stamp_ns, is_caught_up=is_caught_up),
            positions=self._graph.positions,
            base_from_lidar=self._base_from_lidar,
        )

    def save(self, folder: Path) -> None:
        """Write grid (map_server YAML and PGM), pose graph and scans into ``folder``."""
        save_map(folder, self.saved())

    @classmethod
    def resumed(cls, saved: SavedMap, config: MapperConfig, base_from_lidar: Pose2, start: Pose2) -> Mapper:
        """A mapper that goes on with a saved map. ``start`` is the map pose of the base at the first scan to come."""
        if not saved.keyframes:
            return cls(config, base_from_lidar, start)
        mapper = cls(config, base_from_lidar, saved.keyframes[0].map_from_base)
        mapper._take_over(saved)
        mapper._tracker.stand_at(start)
        return mapper

    def _take_over(self, saved: SavedMap) -> None:
        """The saved keyframes as if they had been tracked where the finished graph has them."""
        poses = tuple(kept.map_from_base for kept in saved.keyframes)
        self._graph = PoseGraph.restored(poses, saved.edges, self._config.loop.robust_sigma, saved.positions)
        for number, kept in enumerate(saved.keyframes):
            self._path_m += poses[max(number - 1, 0)].distance_to(kept.map_from_base)
            keyframe = Keyframe(
                id=number,
                stamp_ns=kept.scan.stamp_ns,
                track_from_base=kept.map_from_base,
                path_m=self._path_m,
                points=kept.points,
                surface=surface_from_scan(kept.points),
                scan=kept.scan,
                rate=kept.rate,
            )
            self._keyframes.append(keyframe)
            self._loops.add_keyframe(keyframe)
            self._grid.add(keyframe.scan, keyframe.rate, keyframe.track_from_base)
        for keyframe in self._keyframes[-self._config.track.window_keyframes :]:
            self._tracker.add_keyframe(keyframe)
        self._keyframe_covariance = self._graph.covariance(len(poses) - 1)

    def _tracked(self, points: ScanPoints, step: MotionStep, verdict: ScanVerdict) -> Tracked:
        if verdict.outcome is not ScanOutcome.MATCHED:
            return self._tracker.blind(step, verdict.because)
        return self._tracker.track(points, step)

    def _next_keyframe(
        self, scan: Scan, points: ScanPoints, rate: BodyRate, tracked: Tracked, verdict: ScanVerdict
    ) -> Keyframe | None:
        """A keyframe of this scan when it is fit and stands far enough from the last one."""
        if verdict.outcome is not ScanOutcome.MATCHED or not (tracked.is_matched or tracked.is_broken):
            return None
        if not tracked.is_broken and not self._is_new_place(tracked.track_from_base):
            return None
        return Keyframe(
            id=len(self._keyframes),
            stamp_ns=scan.stamp_ns,
            track_from_base=tracked.track_from_base,
            path_m=self._path_m,
            points=points,
            surface=surface_from_scan(points),
            scan=scan,
            rate=rate,
        )

    def _is_new_place(self, track_from_base: Pose2) -> bool:
        if not self._keyframes:
            return True
        moved = self._keyframes[-1].track_from_base.inverse() @ track_from_base
        track = self._config.track
        open_step_m = min(track.keyframe_step_per_reach * self._keyframes[-1].reach_m, track.keyframe_step_max_m)
        step_m = max(track.keyframe_step_m, open_step_m)
        return IDENTITY2.distance_to(moved) >= step_m or abs(moved.yaw_rad) >= track.keyframe_turn_rad

    def _extend_map(self, keyframe: Keyframe, tracked: Tracked) -> bool:
        """Put a keyframe into graph, local map and grid; whether it closed a loop."""
        if self._keyframes:
            last = self._keyframes[-1]
            covariance = rotated_covariance(tracked.covariance, -last.track_from_base.yaw_rad)
            moved = last.track_from_base.inverse() @ keyframe.track_from_base
            self._graph.add_keyframe(Edge(from_id=last.id, to_id=keyframe.id, from_to=moved, covariance=covariance))
        self._keyframes.append(keyframe)
        self._tracker.add_keyframe(keyframe, is_broken=tracked.is_broken)
        self._loops.add_keyframe(keyframe, is_broken=tracked.is_broken)
        self._grid.add(keyframe.scan, keyframe.rate, self._graph.pose(keyframe.id))
        closures = self._loops.find(keyframe, self._graph) if self._config.loop.enabled else []
        is_closed = bool(closures) and self._graph.close_loops(closures)
        if is_closed:
            self._grid.move_to(self._graph.poses())
        self._keyframe_covariance = self._graph.covariance(keyframe.id)
        return is_closed

    def _correct_motion(self, stamp_ns: int, step: MotionStep, before: Pose2, tracked: Tracked) -> None:
        if not self._history or tracked.because:
            return
        after = tracked.track_from_base
        seen = rotated_covariance(tracked.match_covariance, -after.yaw_rad)
        self._motion.correct(stamp_ns, step, before.inverse() @ after, seen, after.yaw_rad)

    def _remember(self, stamp_ns: int, tracked: Tracked) -> None:
        if self._keyframes:
            last = self._keyframes[-1]
            self._history.append((stamp_ns, last.id, last.track_from_base.inverse() @ tracked.track_from_base))

    def _estimated(self, stamp_ns: int, odom_from_base: Pose2, tracked: Tracked, step: MotionStep) -> PoseEstimate:
        map_from_track = self._map_from_track()
        covariance = self._keyframe_covariance + rotated_covariance(tracked.covariance, map_from_track.yaw_rad)
        self._estimate = PoseEstimate(
            stamp_ns=stamp_ns,
            map_from_odom=map_from_track @ tracked.track_from_base @ odom_from_base.inverse(),
            odom_from_base=odom_from_base,
            covariance=covariance,
            doubt=tracked.because or step.because,
        )
        return self._estimate

    def _map_from_track(self) -> Pose2:
        if not self._keyframes:
            return self._graph.pose(0)
        last = self._keyframes[-1]
        return self._graph.pose(last.id) @ last.track_from_base.inverse()

    def _refused(self, verdict: ScanVerdict) -> SlamUpdate:
        """The last estimate again, with the reason; nothing else changes. The check lets every first scan pass."""
        assert self._estimate is not None
        return SlamUpdate(estimate=replace(self._estimate, doubt=verdict.because), outcome=verdict.outcome, score=0.0)


def _size(moved: Pose2) -> float:
    """Metres and radians of a motion together."""
    return IDENTITY2.distance_to(moved) + abs(moved.yaw_rad)


def _outcome(verdict: ScanVerdict, tracked: Tracked) -> ScanOutcome:
    return tracked.outcome if verdict.outcome is ScanOutcome.MATCHED else verdict.outcome
