# SPDX-License-Identifier: Apache-2.0
"""Scans and odometry in; pose, occupancy grid, pose graph and coloured cloud out. Knows when it does not know."""
