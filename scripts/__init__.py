# SPDX-License-Identifier: Apache-2.0
"""What sets the repository up: building the ROS 2 interfaces for its virtual environment."""
