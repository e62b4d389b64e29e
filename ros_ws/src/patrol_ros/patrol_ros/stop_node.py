# SPDX-License-Identifier: Apache-2.0
"""The stop path: a small process of its own between navigation and the wheels.

``cmd_vel_nav`` and ``scan`` go in, ``cmd_vel`` comes out 20 times a second, zero whenever anything is stale. The e-stop latch
lies on disk, so that a restart does not release it.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from mission.stop_guard import StopGuard, StopGuardConfig
from patrol.operations import Accepted, Command, CommandAnswer, CommandKind, Refused
from patrol_ros.commands import STOP_SERVICE, serve_commands
from patrol_ros.conversions.geometry import twist_from_ros, twist_to_ros
from patrol_ros.conversions.sensors import scan_from_ros
from patrol_ros.conversions.stopping import guarded_to_ros
from patrol_ros.health import Ages, Status, report_health, stale_status
from patrol_ros.link import Link, run_node
from patrol_ros.mounts import Mounts

log = logging.getLogger(__name__)
PERIOD_S = 0.04
LIDAR_FRAME = "lidar_link"


class Latch:
    """The e-stop latch on disk: a file that is there while it is latched. Without a folder it is kept in memory only."""

    def __init__(self, folder: Path | None) -> None:
        self._path = folder / "estop.latched" if folder else None

    def is_latched(self) -> bool:
        return self._path is not None and self._path.exists()

    def write(self, *, latched: bool) -> None:
        if self._path is None or latched == self._path.exists():
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if latched:
            self._path.touch()
        else:
            self._path.unlink()


class StopNode:
    """Feeds the guard and sends what it lets through."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._latch = Latch(link.path("state_folder"))
        self._guard = StopGuard(StopGuardConfig(), None, estopped=self._latch.is_latched())
        self._is_mounted = False
        self._ages = Ages(("scan", "cmd_vel_nav"))
        self._cmd_vel, self._stop_state = link.publisher("cmd_vel"), link.publisher("stop_state")
        self._mounts = Mounts(link, self._mount)
        link.subscribe("scan", self._on_scan)
        link.subscribe("cmd_vel_nav", self._on_wanted)
        serve_commands(link, STOP_SERVICE, self._on_command)
        link.every_wall(PERIOD_S, self._step)
        report_health(link, self._status)

    def _mount(self) -> None:
        mount = self._mounts.base_from(LIDAR_FRAME)
        if mount is not None:
            self._guard.mounted(mount.to_pose2())
            self._is_mounted = True

    def _on_scan(self, message: Any) -> None:
        self._ages.heard("scan", self._link.now_ns())
        self._guard.on_scan(scan_from_ros(message))

    def _on_wanted(self, message: Any) -> None:
        now_ns = self._link.now_ns()
        self._ages.heard("cmd_vel_nav", now_ns)
        self._guard.on_wanted(twist_from_ros(message), now_ns)

    def _on_command(self, command: Command) -> CommandAnswer:
        answer = self._carried_out(command.command_id, command.kind)
        log.warning("%s by %s: %s", command.kind, command.issued_by, answer)
        self._step()
        return answer

    def _carried_out(self, command_id: str, kind: CommandKind) -> CommandAnswer:
        if kind is CommandKind.ESTOP:
            self._latch.write(latched=True)
            self._guard.estop()
            return Accepted(command_id=command_id)
        done = self._reset(kind)
        self._latch.write(latched=self._guard.estopped)
        return Accepted(command_id=command_id) if done else Refused(command_id=command_id, because=_WHY_NOT.get(kind, _NOT_MINE))

    def _reset(self, kind: CommandKind) -> bool:
        if kind is CommandKind.ESTOP_ARM_RESET:
            return self._guard.arm_reset(self._link.now_ns())
        return kind is CommandKind.ESTOP_RESET and self._guard.reset(self._link.now_ns())

    def _step(self) -> None:
        """Send what may be driven; that is nothing until the guard knows the robot."""
        now_ns = self._link.now_ns()
        guarded, estopped = self._guard.step(now_ns), self._guard.estopped
        self._cmd_vel.publish(twist_to_ros(guarded.twist))
        self._stop_state.publish(guarded_to_ros(guarded, estopped=estopped, stamp_ns=now_ns))

    def _status(self) -> Status:
        if not self._is_mounted:
            return Status(wrong=f"tf_static does not tell where {LIDAR_FRAME} is")
        return stale_status(self._ages, self._link.now_ns(), estopped=self._guard.estopped)


_NOT_MINE = "the stop path knows the e-stop only"
_WHY_NOT = {
    CommandKind.ESTOP_ARM_RESET: "the e-stop is not latched",
    CommandKind.ESTOP_RESET: "the reset was not armed in time",
}


def main() -> None:
    """Entry point of ``ros2 run patrol_ros stop``."""
    run_node("stop", StopNode)


if __name__ == "__main__":
    main()
