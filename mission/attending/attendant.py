# SPDX-License-Identifier: Apache-2.0
"""The attendant: which alert interrupts the round, and for how long. People come before things."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Sequence

import numpy as np

from mission.attending.config import AttendConfig
from mission.attending.errand import Errand, ErrandStep, Ground, News
from mission.attending.inspecting import Inspect
from mission.attending.searching import Search
from mission.costmap import Costmap
from mission.driver import Driver
from mission.lookout import View
from patrol.inspection import InspectionState
from patrol.operations import Attends
from patrol.percepts import Alert, Label

log = logging.getLogger(__name__)
_SEARCHED = (Label.PERSON, Label.VEHICLE)
_INSPECTED = (Label.OBJECT, Label.VEHICLE)
_DONE_MOST = 64


class Attendant:
    """``hear`` alerts as they come; ``step`` while the robot is on its round and ``is_busy``."""

    def __init__(self, config: AttendConfig, costmap: Costmap, driver: Driver) -> None:
        self._config, self._driver = config, driver
        self._ground = Ground(costmap)
        self._waiting: deque[Errand] = deque(maxlen=config.waiting_most)
        self._errand: Errand | None = None
        self._done: deque[str] = deque(maxlen=_DONE_MOST)
        self._left: InspectionState | None = None

    @property
    def is_busy(self) -> bool:
        """Whether anything is to be attended to."""
        return self._errand is not None or bool(self._waiting)

    def hear(self, alerts: Iterable[Alert], attends: Sequence[Attends]) -> None:
        """Take in new alerts, of the kinds that the mission attends to. One incident is attended to once."""
        for alert in alerts:
            errand = self._errand_for(alert, attends)
            name = alert.incident_id or alert.alert_id
            if errand is None or name in self._done or alert.severity == "info":
                continue
            self._done.append(name)
            self._put(errand)

    def step(self, view: View, news: News) -> ErrandStep:
        """One step of the errand in hand."""
        if self._errand is None:
            self._errand = self._waiting.popleft()
            log.info("attending to alert %s", self._errand.alert.alert_id)
        step = self._errand.step(view, news, self._ground)
        if step.ended:
            log.info("alert %s was attended to: %s", self._errand.alert.alert_id, step.ended)
            self._errand = None
        return step

    def leave(self, now_ns: int, because: str) -> None:
        """The robot has something else to do: everything that waits is left out."""
        for errand in (self._errand, *self._waiting):
            if errand is not None:
                log.info("alert %s is not attended to: %s", errand.alert.alert_id, because)
        if self._errand is not None:
            self._left = self._errand.broken_off(now_ns, because) or self._left
        self._errand = None
        self._waiting.clear()

    def taken(self) -> InspectionState | None:
        """How an inspection ended that was broken off; told once."""
        left, self._left = self._left, None
        return left

    def _put(self, errand: Errand) -> None:
        """A search goes before an inspection, and breaks it off."""
        if not isinstance(errand, Search):
            self._waiting.append(errand)
            return
        if isinstance(self._errand, Inspect):
            self._left = self._errand.broken_off(errand.alert.stamp_ns, "somebody had to be looked for")
            self._errand = None
        others = [each for each in self._waiting if not isinstance(each, Search)]
        searches = [each for each in self._waiting if isinstance(each, Search)]
        self._waiting.clear()
        self._waiting.extend([*searches, errand, *others][: self._config.waiting_most])

    def _errand_for(self, alert: Alert, attends: Sequence[Attends]) -> Errand | None:
        stands = float(np.hypot(*alert.ground.velocity_mps)) <= self._config.inspect.standing_mps
        if "inspect" in attends and alert.label in _INSPECTED and stands:
            return Inspect(self._config, self._driver, alert)
        if "search" in attends and alert.label in _SEARCHED:
            return Search(self._config, self._driver, alert)
        return None
