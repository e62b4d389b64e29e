# SPDX-License-Identifier: Apache-2.0
"""A drawn patrol, step by step: where to go next, and why. All it knows is in its state, which can be stored and taken up."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mission.games.draw import SecretDraw
from mission.games.game import PatrolGame
from mission.games.guard import Guard
from mission.games.states import Walk
from patrol.errors import BadValue


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayState:
    """Where the patrol is: the ``place`` where it arrived at the tick ``now``, the ``state`` of the walk there (None: off the
    walk), when each target was seen last (``since``), the number of the next ``draw``, the places of a ``sweep`` to come."""

    place: int
    state: int | None
    now: int
    since: tuple[int, ...]
    draw: int = 0
    sweep: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """The next ``place`` to go to; ``after`` is the state on arrival there; ``because`` is one sentence."""

    place: int
    after: PlayState
    because: str


class DrawnPatrol:
    """Draws the walk of one patrol. With a guard, no target's gap ever exceeds its limit. Raises BadValue when there is a guard
    and the walk never comes to some target, so that the guard would sweep for ever."""

    def __init__(self, game: PatrolGame, walk: Walk, guard: Guard | None = None) -> None:
        self.game, self.walk, self.guard = game, walk, guard
        missed = {target.place for target in game.targets} - set(walk.graph.place.tolist())
        if guard is not None and missed:
            raise BadValue(f"walk: never comes to target {min(missed)}")
        self._steps = [np.flatnonzero(walk.graph.tails == state).tolist() for state in range(walk.graph.states)]
        self._ticks = {(move.start, move.end): game.dwell_ticks[move.start] + move.ticks for move in game.moves}

    def begin(self, place: int, draw: int = 0) -> PlayState:
        """Start at ``place`` now, every target counted as just seen. A guarded patrol may start anywhere: it sweeps until it
        is where its walk goes. Raises BadValue when an unguarded walk never comes to ``place``."""
        state = self._state_at(place)
        if state is None and self.guard is None:
            raise BadValue(f"place: the walk never comes to {place}")
        sweep = self.guard.sweeps[place] if state is None and self.guard is not None else ()
        return PlayState(place=place, state=state, now=0, since=(0,) * len(self.game.targets), draw=draw, sweep=sweep)

    def next_node(self, now: PlayState, draw: SecretDraw) -> Next:
        """The next place. The same state and seed give the same answer."""
        if now.sweep or now.state is None:
            return self._swept(now, now.sweep, "a place has gone unseen for long, so the patrol sweeps every target in turn")
        steps = self._steps[now.state]
        step = steps[draw.choice(now.draw, [float(self.walk.chance[index]) for index in steps])]
        head = int(self.walk.graph.heads[step])
        there = int(self.walk.graph.place[head])
        arrival = now.now + self._ticks[now.place, there]
        if self.guard is not None and not self.guard.allows(now.since, there, arrival):
            woken = "the draw would leave a place unseen for too long, so the patrol sweeps every target in turn"
            return self._swept(replace(now, draw=now.draw + 1), self.guard.sweeps[now.place], woken)
        after = PlayState(place=there, state=head, now=arrival, since=self._seen(now.since, there, arrival), draw=now.draw + 1)
        return Next(place=there, after=after, because=f"drawn with a chance of {float(self.walk.chance[step]):.3f}")

    def _swept(self, now: PlayState, sweep: tuple[int, ...], because: str) -> Next:
        there = sweep[0]
        arrival = now.now + self._ticks[now.place, there]
        after = PlayState(
            place=there,
            state=self._state_at(there),
            now=arrival,
            since=self._seen(now.since, there, arrival),
            draw=now.draw,
            sweep=sweep[1:],
        )
        return Next(place=there, after=after, because=because)

    def _state_at(self, place: int) -> int | None:
        states = np.flatnonzero(self.walk.graph.place == place)
        return int(states[0]) if states.size else None

    def _seen(self, since: tuple[int, ...], place: int, arrival: int) -> tuple[int, ...]:
        return tuple(arrival if target.place == place else at for target, at in zip(self.game.targets, since, strict=True))
