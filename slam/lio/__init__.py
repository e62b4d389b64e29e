# SPDX-License-Identifier: Apache-2.0
"""Lidar-inertial odometry and mapping in space: revolutions, IMU and wheel odometry in; poses, coloured cloud and mesh out."""
