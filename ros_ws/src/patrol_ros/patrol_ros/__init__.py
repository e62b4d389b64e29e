# SPDX-License-Identifier: Apache-2.0
"""Patrol's ROS 2 nodes: each converts messages, calls one core and publishes what it says."""
