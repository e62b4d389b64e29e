# SPDX-License-Identifier: Apache-2.0
"""What can be heard: sources made from numbers, their way through the air, and the microphones of the robot."""
