# SPDX-License-Identifier: Apache-2.0
"""A map as it is at one moment, and what the final graph makes of it while the mapper goes on."""

from __future__ import annotations

from dataclasses import dataclass

from patrol.geometry import Pose2
from slam.config import MapperConfig
from slam.final_graph import GraphProblem, settled
from slam.grid_map import GridMap
from slam.map_files import SavedKeyframe, SavedMap
from slam.pose_graph import PositionFactor


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsettledMap:
    """What a mapper knew at ``stamp_ns``. Nothing in it changes any more."""

    problem: GraphProblem
    positions: tuple[PositionFactor, ...]
    config: MapperConfig
    base_from_lidar: Pose2
    stamp_ns: int

    def settled(self) -> SavedMap:
        """The map with every keyframe where the final graph puts it. Takes seconds; may run in any thread."""
        poses = settled(self.problem, loop=self.config.loop, match=self.config.match)
        grid = GridMap(self.config.grid, self.base_from_lidar)
        kept = []
        for keyframe in self.problem.keyframes:
            pose = poses[keyframe.id]
            grid.add(keyframe.scan, keyframe.rate, pose)
            kept.append(SavedKeyframe(map_from_base=pose, scan=keyframe.scan, points=keyframe.points, rate=keyframe.rate))
        return SavedMap(
            keyframes=tuple(kept),
            edges=self.problem.edges,
            grid=grid.grid(self.stamp_ns),
            positions=self.positions,
            base_from_lidar=self.base_from_lidar,
        )
