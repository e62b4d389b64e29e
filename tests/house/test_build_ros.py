# SPDX-License-Identifier: Apache-2.0
"""Which standard ROS packages are built here because the installed ROS 2 lacks them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scripts import build_ros


@pytest.mark.parametrize("by_wheels", [True, False])
def test_the_callers_workspace_stands_in_for_an_installed_ros_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, by_wheels: bool
) -> None:
    environment, caller = tmp_path / "environment", tmp_path / "caller"
    for prefix, name in ((environment, "rosidl_default_generators" if by_wheels else ""), (caller, "tf2_msgs")):
        (prefix / "share" / name).mkdir(parents=True)
    monkeypatch.setattr(sys, "prefix", str(environment))
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(caller))
    assert build_ros.missing_packages() == (("tf2_msgs", "nav2_msgs") if by_wheels else ("nav2_msgs",))
