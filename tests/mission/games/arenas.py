# SPDX-License-Identifier: Apache-2.0
"""Small games with known answers."""

from __future__ import annotations

import numpy as np

from mission.games.game import Launch, Move, PatrolGame, Sight, Target
from mission.games.optimise import SearchConfig

QUICK = SearchConfig(starts=4, descents=60, finalists=1, attempts=4)
SEED = b"a seed that only a test may know"


def star(leaves: int, attack: int) -> PatrolGame:
    """A hub (place 0) and leaves one tick away, which are the targets."""
    moves = [Move(start=0, end=leaf, ticks=1) for leaf in range(1, leaves + 1)]
    moves += [Move(start=leaf, end=0, ticks=1) for leaf in range(1, leaves + 1)]
    targets = tuple(Target(place=leaf, attack_ticks=attack) for leaf in range(1, leaves + 1))
    return PatrolGame(dwell_ticks=(0,) * (leaves + 1), moves=tuple(moves), targets=targets)


def star_round(leaves: int) -> tuple[int, ...]:
    return tuple(place for leaf in range(1, leaves + 1) for place in (0, leaf))


def cycle(places: int, attack: int, *, launch: Launch = Launch.ARRIVAL, sight: Sight = Sight.MOVE) -> PatrolGame:
    """A ring, each place a target, neighbours one tick apart."""
    moves = [Move(start=place, end=(place + ahead) % places, ticks=1) for place in range(places) for ahead in (1, places - 1)]
    targets = tuple(Target(place=place, attack_ticks=attack) for place in range(places))
    return PatrolGame(dwell_ticks=(0,) * places, moves=tuple(moves), targets=targets, launch=launch, sight=sight)


def scattered(seed: int, *, launch: Launch = Launch.DEPARTURE, sight: Sight = Sight.STATE) -> PatrolGame:
    """A random connected game with dwells, weights and imperfect detection."""
    rng = np.random.default_rng(seed)
    places = int(rng.integers(3, 6))
    ways = {(place, (place + 1) % places) for place in range(places)}
    ways |= {(b, a) for a, b in ways if rng.random() < 0.7}
    ways |= {(int(a), int(b)) for a, b in rng.integers(0, places, size=(3, 2)) if a != b}
    return PatrolGame(
        dwell_ticks=tuple(int(dwell) for dwell in rng.integers(0, 2, size=places)),
        moves=tuple(Move(start=a, end=b, ticks=int(rng.integers(1, 4))) for a, b in sorted(ways)),
        targets=tuple(
            Target(
                place=place,
                attack_ticks=int(rng.integers(4, 14)),
                weight=float(rng.integers(1, 4)),
                detection=float(rng.choice([1.0, 0.75])),
            )
            for place in range(places - 1)
        ),
        launch=launch,
        sight=sight,
    )
