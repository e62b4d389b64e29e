# SPDX-License-Identifier: Apache-2.0
"""A node by itself: what becomes of it when one of its threads fails."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("patrol_msgs.msg", reason="the ROS interfaces are not built: make setup")

from patrol_bringup.environment import node_environment
from tests.ros.graph import ROOT

pytestmark = [pytest.mark.ros, pytest.mark.timeout(120)]
FRAIL = """
from patrol_ros.link import run_node
from patrol_ros.slot import Worker

def work(item):
    raise KeyError("nobody foresaw this")

kept = []

def build(link):
    kept.append(Worker("frail", work))
    kept[0].offer(1)

run_node("frail", build)
"""


def test_a_node_of_which_a_thread_fails_ends_with_the_reason(tmp_path: Path) -> None:
    """Half a node would look alive and never be started anew."""
    environment = node_environment(os.environ, domain_id=1 + secrets.randbelow(100), log_folder=tmp_path)
    command = [sys.executable, "-c", FRAIL]
    ended = subprocess.run(command, check=False, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "nobody foresaw this" in ended.stderr
    assert "ThreadFailed: the thread 'frail' failed" in ended.stderr
