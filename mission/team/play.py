# SPDX-License-Identifier: Apache-2.0
"""The words of a team's play: what disturbs it, what happens in it, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import Field

from mission.planning.metrics import VisitLog
from mission.team.knowledge import AlertCard, PlanCard
from mission.team.walker import Errand
from patrol.config import Config


class PlayConfig(Config):
    """``loss``: chance that a message is lost; each unit says all that it knows ``radio_hz`` times a second, and what was heard
    is worked out every ``radio_every_s``; a step takes ``jitter`` longer (standard deviation, as a share), and ``holds_per_h``
    times an hour a unit is held up for ``hold_s`` on average; ``reserve``: share of the speed that plans leave unused;
    ``handle_s``: an alert on the spot; ``charge_s``: a full charge; ``low_charge``: when a unit goes to charge."""

    loss: float = Field(default=0.0, ge=0, lt=1)
    radio_hz: float = Field(default=5.0, gt=0)
    radio_every_s: float = Field(default=1.0, gt=0)
    jitter: float = Field(default=0.05, ge=0)
    holds_per_h: float = Field(default=4.0, ge=0)
    hold_s: float = Field(default=4.0, ge=0)
    reserve: float = Field(default=0.1, ge=0, lt=1)
    handle_s: float = Field(default=30.0, ge=0)
    charge_s: float = Field(default=1800.0, gt=0)
    low_charge: float = Field(default=0.2, ge=0, lt=1)

    def held_up_s(self, takes_s: float, random: np.random.Generator) -> float:
        """How long a step takes in the end that takes ``takes_s`` undisturbed."""
        takes_s *= 1.0 + abs(random.normal(0.0, self.jitter)) if self.jitter else 1.0
        if random.random() < self.holds_per_h * takes_s / 3600.0:
            takes_s += random.uniform(0.0, 2.0 * self.hold_s)
        return takes_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """At ``at_s`` the unit is lost, or joins; or ``alert`` is raised, which one unit hears of first."""

    at_s: float
    unit_id: str = ""
    joins: bool = False
    alert: AlertCard | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Played:
    """What came of it. ``plans``: every plan that somebody made, in order; ``longest_wait_s``: the longest that a unit was kept
    from going on; ``exchanges``: rounds exchanged; ``passings``: passing plans carried out; ``blocked``: errands given up since
    there was no way past."""

    log: VisitLog
    plans: tuple[PlanCard, ...]
    errands: tuple[Errand, ...]
    alerts: dict[str, AlertCard]
    longest_wait_s: float
    exchanges: int
    passings: int
    blocked: int
    steps: int
