# SPDX-License-Identifier: Apache-2.0
"""``x_from_ros`` and ``x_to_ros`` for every type that crosses a process border.

A message that a type refuses raises ``patrol.errors.BadValue`` or ``BadInput``. Stamps keep their nanoseconds; pixels, ranges
and cells keep their bytes; float32 fields of standard messages round the rest. Numbers are made
Python's own on the way out: rclpy does not check fields, and a NumPy scalar would be read as garbage.
"""
