# SPDX-License-Identifier: Apache-2.0
"""The errand of inspecting a thing: keep a stand-off, look at it from one place after the other until enough of what is around
it has been seen, and say so, or name what it was that kept the rest from being seen."""

from __future__ import annotations

import math

from mission.attending.bearings import Bearings
from mission.attending.config import AttendConfig
from mission.attending.errand import ErrandStep, Ground, News
from mission.attending.facing import LookFrom
from mission.attending.outline import Outline, outline_of
from mission.attending.views import next_view
from mission.driver import Driver
from mission.lookout import View
from patrol.checks import Floats
from patrol.geometry import STOPPED
from patrol.inspection import InspectionPhase, InspectionState
from patrol.percepts import Alert


class Inspect:
    """One inspection. ``step`` it until it has ended."""

    def __init__(self, config: AttendConfig, driver: Driver, alert: Alert) -> None:
        self._config, self._driver, self.alert = config, driver, alert
        self._seen = Bearings(config.inspect.half_width_rad)
        self._outline: Outline | None = None
        self._look: LookFrom | None = None
        self._spoilt_m: list[Floats] = []
        self._spent_s = 0.0

    def step(self, view: View, _news: News, ground: Ground) -> ErrandStep:
        """Choose the next place, go there, look; end with all that was wanted, or with the reason for less."""
        config = self._config.inspect
        self._spent_s += view.dt_s
        if self._seen.seen_rad >= config.wanted_rad - 1e-6:
            return self._ended(view, "")
        if self._spent_s > config.longest_s:
            return self._ended(view, f"not done within {config.longest_s:g} s")
        if self._look is None:
            self._outline = outline_of(self.alert, self._outline, ground, config, view.now_ns)
            found = next_view(self._outline, self._seen, ground.standpoints(view), config, self._spoilt_m)
            if found.pose is None:
                return self._ended(view, found.because or "no place around it can be reached")
            self._look = LookFrom(
                self._config.look, self._driver, found.pose, self._outline.middle_m, name=self._name, look_s=config.look_s
            )
        return self._look_on(self._look, view)

    def broken_off(self, now_ns: int, because: str) -> InspectionState:
        """It ends here: as an inspection that saw less than was wanted."""
        return self._state(now_ns, "ended", because)

    def _look_on(self, look: LookFrom, view: View) -> ErrandStep:
        step = look.step(view)
        if step.failed:
            self._spoilt_m.append(look.place_m)
            self._look = None
        if step.done and self._outline is not None:
            away = (view.pose.x_m, view.pose.y_m) - self._outline.middle_m
            self._seen.mark(math.atan2(away[1], away[0]))
            self._look = None
        told = f"{step.why} ({math.degrees(self._seen.seen_rad):.0f} of {self._wanted_deg:.0f} degrees seen)"
        return ErrandStep(twist=step.twist, why=told, inspection=self._state(view.now_ns, "under way", ""))

    def _ended(self, view: View, because: str) -> ErrandStep:
        state = self._state(view.now_ns, "ended", because)
        told = f"{state.seen_deg:.0f} degrees of the {self.alert.label.value} seen"
        ended = f"{told}: {because}" if because else told
        twist = self._driver.slow_down(view.dt_s) if view.twist != STOPPED else STOPPED
        return ErrandStep(twist=twist, why=f"The inspection is over: {ended}", ended=ended, inspection=state)

    def _state(self, now_ns: int, phase: InspectionPhase, because: str) -> InspectionState:
        alert, wanted_rad = self.alert, self._config.inspect.wanted_rad
        outline = self._outline or Outline(middle_m=alert.ground.position_m, radius_m=self._config.inspect.object_reach_m)
        whole = self._seen.seen_rad >= wanted_rad - 1e-6
        told = (
            ""
            if whole or not because
            else f"only {math.degrees(self._seen.seen_rad):.0f} of {self._wanted_deg:.0f} degrees: {because}"
        )
        return InspectionState(
            inspection_id=f"inspection-{alert.alert_id}",
            alert_id=alert.alert_id,
            incident_id=alert.incident_id,
            stamp_ns=now_ns,
            phase=phase,
            label=alert.label,
            zone_id=alert.zone_id,
            track_id=alert.track_id,
            position_m=outline.middle_m,
            radius_m=outline.radius_m,
            seen_rad=self._seen.seen_rad,
            wanted_rad=wanted_rad,
            because=told,
        )

    @property
    def _wanted_deg(self) -> float:
        return math.degrees(self._config.inspect.wanted_rad)

    @property
    def _name(self) -> str:
        return f"the {self.alert.label.value} of the alert"
