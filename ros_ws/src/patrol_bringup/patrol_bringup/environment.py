# SPDX-License-Identifier: Apache-2.0
"""The environment that every process of the stack runs in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from patrol.checks import require_in

DEFAULT_DOMAIN = 42
DOMAINS = range(102)
# Cores share few processors between many processes; a pool of threads in each would only wait for the others.
_SINGLE_THREADED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def share_folder() -> Path:
    """Where ``config``, ``launch`` and ``rviz`` lie: beside this package in the repository, or installed under ``share``."""
    beside = Path(__file__).resolve().parent.parent
    if (beside / "config").is_dir():
        return beside
    installed = Path(__file__).resolve().parents[4]
    return installed / "share" / "patrol_bringup"


def node_environment(base: Mapping[str, str], *, domain_id: int, log_folder: Path) -> dict[str, str]:
    """``base`` with what ROS 2 needs: Fast DDS with shared memory, discovery on this machine only, logs under ``log_folder``.

    What ``base`` already says about the number of threads stays. Raises BadValue for a domain outside 0..101.
    """
    require_in("domain_id", domain_id, DOMAINS)
    environment = dict.fromkeys(_SINGLE_THREADED, "1") | dict(base)
    environment |= {
        "ROS_DOMAIN_ID": str(domain_id),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
        "RMW_IMPLEMENTATION": "rmw_fastrtps_cpp",
        "FASTRTPS_DEFAULT_PROFILES_FILE": str(share_folder() / "config" / "fastdds.xml"),
        "ROS_LOG_DIR": str(log_folder),
        "PYTHONUNBUFFERED": "1",
    }
    return environment
