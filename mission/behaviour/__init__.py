# SPDX-License-Identifier: Apache-2.0
"""What the robot does in each mode, as one behaviour tree that can be printed, with a reason on every status."""
