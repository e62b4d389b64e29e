# SPDX-License-Identifier: Apache-2.0
"""When the site has been driven round once."""

from __future__ import annotations

from patrol.operations import Mode, RobotState

_RESTING = (Mode.IDLE, Mode.DOCKED)


class LapWatch:
    """Looks for the first whole lap since it began to look: one that was joined half-way does not count."""

    def __init__(self) -> None:
        self._first: tuple[str, int] | None = None

    def is_round(self, state: RobotState) -> bool:
        """Whether a whole lap, or the mission, was done by now."""
        progress = state.progress
        if progress is None:
            return False
        if self._first is None or self._first[0] != progress.mission_id:
            self._first = (progress.mission_id, progress.lap)
        is_done = progress.fraction >= 1.0 and state.mode in _RESTING
        return is_done or progress.lap > self._first[1]
