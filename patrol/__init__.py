# SPDX-License-Identifier: Apache-2.0
"""The words every room shares: frozen, validated types; the site file; clocks; configuration; errors.

Imports nothing else of this project. Frames follow REP-103 and REP-105 (``earth → map → odom → base_link → sensor``),
units are SI, and both stand in the names: ``range_m``, ``yaw_rad``, ``stamp_ns``, ``map_from_base``.
"""
