# SPDX-License-Identifier: Apache-2.0
"""Sets Gazebo 11 up once, or skips with the reason why it can not be."""

from __future__ import annotations

import pytest

from sim.gazebo.installation import Installation, find_installation
from sim.gazebo.provision import provision, why_not


@pytest.fixture(scope="session")
def gazebo() -> Installation:
    """Gazebo 11, ready to be started."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    provision()
    return find_installation()
