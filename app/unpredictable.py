# SPDX-License-Identifier: Apache-2.0
"""Unpredictable patrols of one robot on a graph or a site: what each mode guarantees, and the first places that it would draw."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from app.plan import Ground, read_ground
from mission.games.draw import SecretDraw
from mission.games.guarantee import Offer, OfferConfig, offers
from mission.games.optimise import SearchConfig
from mission.games.site import game_from_graph
from mission.planning.deadline import Deadline
from mission.planning.exact_tour import exact_tour, heuristic_tour
from mission.planning.graph import Closure
from patrol.errors import BadInput, Fault

TOUR_S = 10.0
"""How long the round may be sought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpredictableRequest:
    """What to guard against: an attack of ``attack_s``. ``search`` says how hard to look for strategies; ``tick_s`` None: the
    120th part of the attack. ``worst_factor`` and ``guard_factor`` are those of the modes, see ``OfferConfig``."""

    file: Path
    attack_s: float
    speed_mps: float = 1.0
    dwell_s: float = 0.0
    tick_s: float | None = None
    memory_places: int = 1
    worst_factor: float = 2.0
    guard_factor: float = 4.0
    search: SearchConfig = field(default_factory=SearchConfig)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UnpredictableResult:
    """The ground, the length of the round that the modes are compared with, and the modes, the best first."""

    ground: Ground
    round_m: float
    found: tuple[Offer, ...]


def find_modes(request: UnpredictableRequest) -> UnpredictableResult:
    """Search. Raises BadInput for a faulty file, PartsUnconnected for a graph in parts."""
    ground = read_ground(request.file)
    if ground.graph.count == 1:
        raise BadInput(request.file, [Fault(field="(graph)", value=1, because="is one place; a robot that stays there sees all")])
    closure = Closure.of(ground.graph)
    deadline = Deadline.after(TOUR_S, time.monotonic)
    tour = exact_tour(ground.graph, heuristic_tour(ground.graph, closure, deadline), deadline)
    game = game_from_graph(
        ground.graph, request.attack_s, speed_mps=request.speed_mps, dwell_s=request.dwell_s, tick_s=request.tick_s
    )
    config = OfferConfig(
        memory_places=request.memory_places,
        detour_factor=request.worst_factor,
        guard_factor=request.guard_factor,
        search=request.search,
    )
    return UnpredictableResult(ground=ground, round_m=tour.length_m, found=offers(game, tour.walk, config))


def first_places(result: UnpredictableResult, seed: bytes, count: int) -> tuple[str, ...]:
    """Names of the first places that the best mode draws from a secret seed, from the first vertex of its walk on."""
    patrol, names = result.found[0].patrol, result.ground.graph.vertex_names
    now, draw = patrol.begin(int(patrol.walk.graph.place[0])), SecretDraw(seed)
    drawn = [names[now.place]]
    for _ in range(count):
        now = patrol.next_node(now, draw).after
        drawn.append(names[now.place])
    return tuple(drawn)
