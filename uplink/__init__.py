# SPDX-License-Identifier: Apache-2.0
"""What leaves the robot: encoded pictures and messages to the command centre."""
