# SPDX-License-Identifier: Apache-2.0
"""Large pictures cross between processes without loss."""

from __future__ import annotations

import pytest

pytest.importorskip("patrol_msgs.msg", reason="the ROS interfaces are not built: make setup")

from benchmarks.images import measure

pytestmark = [pytest.mark.ros, pytest.mark.timeout(180)]


def test_720p_pictures_arrive_all() -> None:
    metrics = measure(60)
    assert metrics["sent"] == 60
    assert metrics["received"] == 60
