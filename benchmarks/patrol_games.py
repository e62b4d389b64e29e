# SPDX-License-Identifier: Apache-2.0
"""Games with known values, found from scratch; perimeters in closed form; and unpredictable patrols on real graphs with peers.

Peers on a graph: the plain round and an even random walk. ``PATROL_DATA`` says where the graphs are; without them only the games
are played. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import os
import time
from fractions import Fraction
from pathlib import Path

import numpy as np

from benchmarks.figures import tell
from mission.games.bound import least_loss
from mission.games.exact import rationalised
from mission.games.game import Launch, Move, PatrolGame, Sight, Target
from mission.games.guarantee import OfferConfig, offers
from mission.games.learned import LearnedObserver, best_accuracy, watch
from mission.games.optimise import SearchConfig, search
from mission.games.perimeter import Perimeter, detection_polynomials, find_p, monte_carlo, value
from mission.games.problem import best_class
from mission.games.site import game_from_graph
from mission.games.states import Memory, Walk, unfold
from mission.planning.deadline import Deadline
from mission.planning.exact_tour import heuristic_tour
from mission.planning.graph import Closure
from mission.planning.graph_file import read_graph

SEED = b"the seed of a benchmark, known to all"


def star(leaves: int, attack: int) -> PatrolGame:
    """A hub and targets one tick around it."""
    ways = [way for leaf in range(1, leaves + 1) for way in ((0, leaf), (leaf, 0))]
    return PatrolGame(
        dwell_ticks=(0,) * (leaves + 1),
        moves=tuple(Move(start=a, end=b, ticks=1) for a, b in ways),
        targets=tuple(Target(place=leaf, attack_ticks=attack) for leaf in range(1, leaves + 1)),
    )


def ring(places: int, attack: int) -> PatrolGame:
    """A ring whose observer sees the present move and strikes as the patrol has arrived."""
    ways = [(place, (place + ahead) % places) for place in range(places) for ahead in (1, places - 1)]
    return PatrolGame(
        dwell_ticks=(0,) * places,
        moves=tuple(Move(start=a, end=b, ticks=1) for a, b in ways),
        targets=tuple(Target(place=place, attack_ticks=attack) for place in range(places)),
        launch=Launch.ARRIVAL,
        sight=Sight.MOVE,
    )


def games(config: SearchConfig) -> dict[str, tuple[float, float, str]]:
    """For each known game: value found, no strategy can exceed, and the fraction that it was proven to be."""
    rows = {
        "star3_attack4_memoryless": (star(3, 4), Memory()),
        "star3_attack4_two_step": (star(3, 4), Memory(places=1)),
        "ring5_attack2_memoryless": (ring(5, 2), Memory()),
        "ring5_attack2_hidden": (ring(5, 2), Memory(places=1, counters=2)),
        "ring7_attack3_hidden": (ring(7, 3), Memory(places=1, counters=3)),
        "ring9_attack4_hidden": (ring(9, 4), Memory(places=1, counters=4)),
    }
    found = {}
    for name, (game, memory) in rows.items():
        best = search(game, memory, config)
        exact = rationalised(game, best.walk, best.orbit)
        found[name] = (1.0 - best.loss, 1.0 - least_loss(game), "" if exact is None else str(exact.capture))
    return found


def perimeters(runs: int) -> dict[str, float]:
    """Greatest differences from the closed form for d = 2 t, and from counting."""
    closed, counted = 0.0, 0.0
    for attack in (2, 3, 4, 5, 6, 8, 10, 15):
        perimeter = Perimeter(between=2 * attack, attack_ticks=attack)
        rule = find_p(perimeter)
        exact = Fraction(attack - 1, attack) ** (attack - 1) / attack
        closed = max(closed, abs(float(exact - (rule.capture_exact or Fraction(0)))))
        seen = monte_carlo(perimeter, rule.p, runs=runs, rng=np.random.default_rng(attack))
        computed = np.array([float(value(each, Fraction(rule.p))) for each in detection_polynomials(perimeter)])
        counted = max(counted, float(abs(seen.min() - computed.min())))
    return {"agmon_closed_form_error": closed, "agmon_monte_carlo_error": counted}


def graphs(folder: Path, config: SearchConfig) -> dict[str, float | int | None]:
    """Least capture probabilities on each graph for an attack of half its round, by mode and by peer."""
    metrics: dict[str, float | int | None] = {}
    for path in sorted(folder.glob("**/*.graph")):
        graph = read_graph(path).graph
        tour = heuristic_tour(graph, Closure.of(graph), Deadline.after(5.0, time.monotonic))
        round_places = tour.walk
        game = game_from_graph(graph, 0.5 * tour.length_m, tick_s=0.5 * tour.length_m / 60)
        even = unfold(game, Memory())
        chance = 1.0 / np.bincount(even.tails)[even.tails]
        metrics[f"{path.stem}_even_walk_capture"] = 1.0 - best_class(game, Walk(graph=even, chance=chance))[1]
        for offer in offers(game, round_places, OfferConfig(search=config)):
            told = offer.guarantee
            metrics[f"{path.stem}_{told.mode}_capture"] = told.capture
            metrics[f"{path.stem}_{told.mode}_worst_s"] = told.worst_idleness_s
            metrics[f"{path.stem}_{told.mode}_average_s"] = told.average_idleness_s
            metrics[f"{path.stem}_capture_bound"] = told.capture_bound
            learned = LearnedObserver(game, watch(offer.patrol, round_places[0], visits=5000, seed=SEED))
            fresh = watch(offer.patrol, round_places[0], visits=5000, seed=SEED[::-1])
            tried, caught = learned.attack(fresh)
            metrics[f"{path.stem}_{told.mode}_learned_attack_caught"] = caught / tried if tried else None
            metrics[f"{path.stem}_{told.mode}_foretold"] = learned.accuracy(fresh)
            metrics[f"{path.stem}_{told.mode}_foretold_bound"] = best_accuracy(offer.patrol.walk)
    return metrics


def main() -> None:
    """Run it; the last line is JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=8)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--games-only", action="store_true")
    given = parser.parse_args()
    metrics: dict[str, float | int | None] = {}
    exact = {}
    for name, (capture, bound, fraction) in games(SearchConfig(starts=given.starts)).items():
        metrics[f"{name}_capture"], metrics[f"{name}_bound"], exact[name] = capture, bound, fraction
    metrics.update(perimeters(given.runs))
    folder = Path(os.environ.get("PATROL_DATA", Path(__file__).parents[2] / "shared" / "data")) / "patrol"
    if not given.games_only and folder.is_dir():
        metrics.update(graphs(folder, SearchConfig(starts=3, descents=60, finalists=1, polishes=12, attempts=0)))
    tell("patrol_games", metrics, exact=exact)


if __name__ == "__main__":
    main()
