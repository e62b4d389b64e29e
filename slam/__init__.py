# SPDX-License-Identifier: Apache-2.0
"""Scans and odometry → pose, grid, pose graph, 3D map."""
