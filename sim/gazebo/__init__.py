# SPDX-License-Identifier: Apache-2.0
"""Gazebo as a twin of the embedded simulator: the same verbs, the same measurements, physics and pictures of another project.

Gazebo 11 is spoken to in its own transport (protobuf over TCP); for Gazebo Harmonic the same description of the robot becomes a
world that ``ros_gz`` bridges. Nothing here is needed to run the embedded simulator.
"""
