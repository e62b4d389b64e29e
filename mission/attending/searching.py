# SPDX-License-Identifier: Apache-2.0
"""The errand of looking for whoever raised an alert: watch them while they are seen, and go where the most of the belief can be
seen once they are not."""

from __future__ import annotations

import numpy as np

from mission.attending.config import AttendConfig
from mission.attending.errand import ErrandStep, Ground, News
from mission.attending.facing import LookFrom, bearing_off_rad
from mission.attending.search import best_look
from mission.driver import Driver
from mission.lookout import View
from patrol.belief import Belief
from patrol.percepts import Alert, Track

_WATCH_GAIN_PER_S = 1.2
_WATCH_MOST_RADPS = 0.8
_IS_AHEAD_RAD = 0.15
_SAME_M = 3.0


class Search:
    """One search. ``step`` it until it has ended."""

    def __init__(self, config: AttendConfig, driver: Driver, alert: Alert) -> None:
        self._config, self._driver, self.alert = config, driver, alert
        self._track_id = alert.track_id
        self._spent_s = self._watched_s = self._unknown_s = self._aimed_s = 0.0
        self._look: LookFrom | None = None
        self._looks = 0
        self._last_m = alert.ground.position_m

    def step(self, view: View, news: News, ground: Ground) -> ErrandStep:
        """Watch, wait for a belief, or go and look."""
        search = self._config.search
        self._spent_s += view.dt_s
        if self._spent_s > search.longest_s:
            return self._rest(view, f"not found within {search.longest_s:g} s; {self._looks_told}")
        track = self._seen(news)
        if track is not None:
            return self._watch(track, view)
        belief = next((each for each in news.beliefs if each.track_id == self._track_id), None)
        if belief is None:
            self._unknown_s += view.dt_s
            given_up = self._unknown_s > search.patience_s
            told = f"nowhere where the {self._name} could have gone to; {self._looks_told}"
            return self._rest(view, told if given_up else "", f"Waiting where the {self._name} went")
        self._unknown_s = 0.0
        return self._go_and_look(belief, view, ground)

    def broken_off(self, now_ns: int, because: str) -> None:
        """A search leaves nothing behind."""

    def _watch(self, track: Track, view: View) -> ErrandStep:
        """Keep whoever it is before the camera, from where the robot stands."""
        self._watched_s += view.dt_s
        self._look = None
        if track.ground is not None:
            self._last_m = track.ground.position_m
        if self._watched_s >= self._config.search.watch_s:
            return self._rest(view, f"the {self._name} was watched for {self._watched_s:.0f} s")
        off_rad = bearing_off_rad(view.pose, self._last_m)
        why = f"Watching the {self._name} of the alert"
        if abs(off_rad) <= _IS_AHEAD_RAD:
            return ErrandStep(twist=self._driver.slow_down(view.dt_s), why=why)
        rate = float(np.clip(_WATCH_GAIN_PER_S * off_rad, -_WATCH_MOST_RADPS, _WATCH_MOST_RADPS))
        return ErrandStep(twist=self._driver.turn_on_spot(view, rate), why=why)

    def _go_and_look(self, belief: Belief, view: View, ground: Ground) -> ErrandStep:
        search = self._config.search
        self._aimed_s += view.dt_s
        stale = self._aimed_s > search.rethink_s and self._look is not None and not self._look.is_looking
        if self._look is None or stale:
            found = best_look(belief, ground.standpoints(view), self._config)
            if found is None:
                return self._rest(view, f"no place that can be driven to shows where the {self._name} may be; {self._looks_told}")
            if self._look is None or self._look.place.distance_to(found.pose) > 1.0:
                name = f"where the {self._name} may be"
                self._look = LookFrom(
                    self._config.look, self._driver, found.pose, found.target_m, name=name, look_s=search.look_s
                )
            self._aimed_s = 0.0
        step = self._look.step(view)
        if step.done or step.failed:
            self._looks += step.done
            self._look = None
        return ErrandStep(twist=step.twist, why=f"{step.why}; out of sight for {belief.age_s:.0f} s")

    def _seen(self, news: News) -> Track | None:
        """Whoever the alert was about, if seen now; a new track of the kind where they were last is the same one."""
        sure = [track for track in news.tracks if track.state == "confirmed" and track.ground is not None]
        found = next((track for track in sure if track.track_id == self._track_id), None)
        if found is None and not any(belief.track_id == self._track_id for belief in news.beliefs):
            alike = [track for track in sure if track.label is self.alert.label and self._away_m(track) <= _SAME_M]
            found = min(alike, key=self._away_m, default=None)
        if found is not None:
            self._track_id = found.track_id
        return found

    def _away_m(self, track: Track) -> float:
        return float(np.hypot(*(track.ground.position_m - self._last_m))) if track.ground is not None else np.inf

    def _rest(self, view: View, ended: str, why: str = "") -> ErrandStep:
        return ErrandStep(
            twist=self._driver.slow_down(view.dt_s), why=f"The search is over: {ended}" if ended else why, ended=ended
        )

    @property
    def _name(self) -> str:
        return self.alert.label.value

    @property
    def _looks_told(self) -> str:
        return f"looked from {self._looks} place{'' if self._looks == 1 else 's'}"
