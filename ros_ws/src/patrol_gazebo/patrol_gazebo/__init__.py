# SPDX-License-Identifier: Apache-2.0
"""Gazebo Harmonic behind the stack's topics: the world, the bridge and what is published beside them."""
