# SPDX-License-Identifier: Apache-2.0
"""A round as it is walked: the way to a slot and then the beat for ever, each place with the moment that the slot passes it.

Slots are kept by the clock alone, so robots that walk one beat stay apart as planned without saying a word to one another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from mission.planning.plan import Beat, Deployment
from mission.team.knowledge import PlanCard


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Round:
    """Stop ``index`` is the next; stops before the last of the deployment's approach lead there. ``party`` tells rounds of one
    plan and one crew from all others."""

    party: tuple[int, str, int]
    beat: Beat
    deployment: Deployment
    speed_mps: float
    begins_s: float
    index: int = 0

    @property
    def place(self) -> int:
        """The place that the round leads to next."""
        return self._place(self.index)

    @property
    def due_s(self) -> float:
        """When the slot passes it."""
        return self.begins_s + self._due_s(self.index)

    @property
    def leaves_s(self) -> float:
        """When the slot leaves the place visited last; the first place is made for at once."""
        return self.begins_s + self._due_s(self.index - 1) if self.index else float("-inf")

    def visited(self) -> Round:
        """The round after its next place was visited."""
        return replace(self, index=self.index + 1)

    def _place(self, index: int) -> int:
        before = len(self.deployment.approach)
        if index < before:
            return self.deployment.approach[index]
        return self.beat.walk[(self.deployment.joins_at + index - before + 1) % len(self.beat.walk)]

    def _due_s(self, index: int) -> float:
        one = self.deployment
        before = len(one.approach)
        if index < before - 1:
            return float(one.approach_s[index])
        stops = len(self.beat.walk)
        if self.beat.length_m == 0.0:
            return one.joins_s if index == before - 1 else float("inf")
        laps, at = divmod(one.joins_at + index - before + 1, stops)
        along_m = laps * self.beat.length_m + float(self.beat.offsets_m[at] - self.beat.offsets_m[one.joins_at])
        return one.joins_s + along_m / self.speed_mps


def rounds_of(card: PlanCard) -> Iterator[tuple[str, Round]]:
    """The round of every unit that walks one in the plan of ``card``."""
    for number, crew in enumerate(card.allocation.crews):
        for unit, one in zip(crew.units, crew.plan.deployments, strict=True):
            yield (
                unit.unit_id,
                Round(
                    party=(card.epoch, card.author, number),
                    beat=crew.plan.beats[one.beat],
                    deployment=one,
                    speed_mps=crew.plan.speed_mps,
                    begins_s=card.begins_s,
                ),
            )
