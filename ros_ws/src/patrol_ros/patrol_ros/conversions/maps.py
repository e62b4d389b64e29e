# SPDX-License-Identifier: Apache-2.0
"""Occupancy grids and where the robot believes it is."""

from __future__ import annotations

import numpy as np
from nav_msgs.msg import OccupancyGrid as GridMessage
from patrol_msgs.msg import Localisation

from patrol.errors import BadValue
from patrol.estimate import PoseEstimate
from patrol.grid import OccupancyGrid
from patrol_ros.conversions.arrays import array_from_ros, array_to_ros
from patrol_ros.conversions.geometry import pose2d_from_ros, pose2d_to_ros, yaw_from_ros
from patrol_ros.conversions.stamps import header_to_ros, stamp_from_ros


def grid_to_ros(grid: OccupancyGrid) -> GridMessage:
    """nav_msgs/OccupancyGrid in map."""
    message = GridMessage(header=header_to_ros(grid.stamp_ns, "map"), data=array_to_ros(grid.cells))
    message.info.map_load_time = message.header.stamp
    message.info.resolution = float(grid.resolution_m)
    message.info.height, message.info.width = grid.cells.shape
    message.info.origin.position.x, message.info.origin.position.y = float(grid.origin_x_m), float(grid.origin_y_m)
    return message


def grid_from_ros(message: GridMessage) -> OccupancyGrid:
    """Raises BadValue when the cells do not fill the grid, or the grid is turned against map."""
    info = message.info
    if abs(yaw_from_ros(info.origin.orientation)) > 1e-6:
        raise BadValue("origin: a grid that is turned against map can not be used")
    cells = array_from_ros(message.data, np.int8)
    if cells.size != info.height * info.width:
        raise BadValue(f"data: {cells.size} cells do not fill {info.height} x {info.width}")
    return OccupancyGrid(
        stamp_ns=stamp_from_ros(message.header.stamp),
        resolution_m=info.resolution,
        origin_x_m=info.origin.position.x,
        origin_y_m=info.origin.position.y,
        cells=cells.reshape(info.height, info.width),
    )


def estimate_to_ros(estimate: PoseEstimate) -> Localisation:
    """patrol_msgs/Localisation in map."""
    return Localisation(
        header=header_to_ros(estimate.stamp_ns, "map"),
        map_from_odom=pose2d_to_ros(estimate.map_from_odom),
        odom_from_base=pose2d_to_ros(estimate.odom_from_base),
        covariance=estimate.covariance.reshape(-1),
        position_std_m=estimate.position_std_m,
        doubt=estimate.doubt,
        floor=int(estimate.floor),
    )


def estimate_from_ros(message: Localisation) -> PoseEstimate:
    """Raises BadValue when a pose is not finite."""
    return PoseEstimate(
        stamp_ns=stamp_from_ros(message.header.stamp),
        map_from_odom=pose2d_from_ros(message.map_from_odom),
        odom_from_base=pose2d_from_ros(message.odom_from_base),
        covariance=np.array(message.covariance).reshape(3, 3),
        doubt=message.doubt,
        floor=message.floor,
    )
