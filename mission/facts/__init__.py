# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with the robot, and who notices it: one monitor per kind of evidence, all read by the ``FactBoard``."""
