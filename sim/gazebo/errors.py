# SPDX-License-Identifier: Apache-2.0
"""What can go wrong with a simulator that is another program."""

from __future__ import annotations

from patrol.errors import PatrolError


class GazeboMissing(PatrolError):
    """Gazebo is not installed here, and can not be installed by this program; the words say why."""


class GazeboLost(PatrolError):
    """Gazebo ended, does not answer, or was started anew."""
