# SPDX-License-Identifier: Apache-2.0
"""The observer who has seen every place so far but never the memory: what he believes, and the least capture he can find.

His belief is a distribution over the states; each move that he sees changes it. Where finitely many beliefs can arise, the answer
is exact. Where not, it lies between two figures: an observer who sees the memory too does at least as well, and every belief
that was reached is one that he can wait for.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from mission.games.capture import Evaluator
from mission.games.game import PatrolGame, Sight
from mission.games.states import Walk, stationary
from patrol.checks import Floats

_ROUNDED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryCapture:
    """The least capture probability lies from ``at_least`` to ``at_most``; ``beliefs`` were looked at."""

    at_least: float
    at_most: float
    beliefs: int

    @property
    def is_exact(self) -> bool:
        return self.at_most - self.at_least < 1e-9


def history_capture(game: PatrolGame, walk: Walk, *, most_beliefs: int = 2000) -> HistoryCapture:
    """The least capture probability of a walk, one closed class, against an observer of all its places so far."""
    graph = walk.graph
    seen = Evaluator(game.seen_by(Sight.STATE), graph)
    by_step, _ = seen.by_step(walk.chance)
    everything = float(by_step.min())
    first = stationary(walk)
    known: set[tuple[float, ...]] = set()
    waiting: deque[Floats] = deque(
        _normalised(np.where(graph.place == place, first, 0.0)) for place in sorted(set(graph.place.tolist()))
    )
    least = 1.0
    while waiting and len(known) < most_beliefs:
        belief = waiting.popleft()
        key = tuple(np.round(belief, _ROUNDED).tolist())
        if key in known:
            continue
        known.add(key)
        flow = belief[graph.tails] * walk.chance
        ends = graph.place[graph.heads]
        for place in np.unique(ends[flow > 0.0]).tolist():
            part = np.where(ends == place, flow, 0.0)
            after = _normalised(np.bincount(graph.heads, weights=part, minlength=graph.states).astype(np.float64))
            least = min(least, float((part @ by_step).min() / part.sum()))
            waiting.append(after)
    closed = not waiting
    return HistoryCapture(at_least=least if closed else everything, at_most=least, beliefs=len(known))


def _normalised(mass: Floats) -> Floats:
    belief: Floats = mass / mass.sum()
    return belief
