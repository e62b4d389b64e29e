# SPDX-License-Identifier: Apache-2.0
"""What a way of patrolling guarantees, in the same figures for each: worst idleness, true average, least capture probability."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from pydantic import Field

from mission.games.bound import least_loss
from mission.games.capture import Evaluator
from mission.games.detours import bounded_detours, detour_graph
from mission.games.exact import rationalised
from mission.games.game import Launch, PatrolGame, Sight
from mission.games.guard import Guard, least_limit, make_guard
from mission.games.idleness import mean_idleness_ticks, overdue_rates, worst_gap_ticks
from mission.games.optimise import Found, SearchConfig, search, search_on
from mission.games.play import DrawnPatrol
from mission.games.problem import best_class
from mission.games.states import Ints, Memory, Walk, stationary, unfold
from patrol.config import Config
from patrol.errors import BadValue

MOST_ATTACK_TICKS = 5_000
MOST_SWEEP_TICKS = 200_000
_DAY_S = 86_400.0
_STRAYS = 0.05


class Mode(StrEnum):
    """ROUND: the same closed round for ever. DETOURS: a round with drawn detours. FREE: a drawn walk under a guard."""

    ROUND = "round"
    DETOURS = "detours"
    FREE = "free"


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarantee:
    """Figures of one way of patrolling against one observer.

    ``capture`` is the least probability that an attack is caught during which the guard sleeps; ``capture_always`` at any
    moment, the guard's sweeps included. Under DETOURS and ROUND there is no guard and both are the same. ``capture_exact`` is
    the fraction when it is proven, else empty; ``capture_bound`` can be exceeded by no patrol at all, whatever it remembers.
    ``loss`` is the greatest expected damage with the targets' weights. ``wakes_a_day``: how often the guard wakes, at most, on
    average.
    """

    mode: Mode
    observer: str
    attack_s: float
    worst_idleness_s: float
    average_idleness_s: float
    capture: float
    capture_always: float
    capture_exact: str
    capture_bound: float
    loss: float
    wakes_a_day: float = 0.0

    @property
    def is_certain(self) -> bool:
        """Whether every attack is caught."""
        return self.capture_always >= 1.0

    def lines(self) -> tuple[str, ...]:
        """The guarantee in words, one line each."""
        exact = f" (exactly {self.capture_exact})" if self.capture_exact else ""
        seen = f"no place goes unseen for longer than {self.worst_idleness_s:.1f} s"
        caught = f"an attack of {self.attack_s:.1f} s is caught with a probability of {self.capture:.4f}{exact} or more"
        told = [
            f"mode {self.mode}: {seen}; the mean idleness is {self.average_idleness_s:.1f} s",
            f"{caught}, against {self.observer}; no patrol can promise more than {self.capture_bound:.4f}",
        ]
        if self.is_certain:
            told.append("every attack is caught: no place is left alone for longer than one lasts, so chance can add nothing")
        elif self.mode is Mode.FREE:
            sweeps = f"the guard sweeps {self.wakes_a_day:.3g} times a day at most, on average"
            told.append(f"{sweeps}; while it does, a probability of {self.capture_always:.4f} is sure")
        return tuple(told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One way of patrolling, ready to be played, and what it guarantees."""

    guarantee: Guarantee
    patrol: DrawnPatrol


class OfferConfig(Config):
    """``memory_places`` and ``counters`` of the free walk; the worst idleness of a round with detours as a multiple of that of
    the round (``detour_factor``), and of the free walk as a multiple of the tightest that a guard can keep (``guard_factor``)."""

    memory_places: int = Field(default=1, ge=0, le=4)
    counters: int = Field(default=1, ge=1, le=16)
    detour_factor: float = Field(default=2.0, ge=1.0)
    guard_factor: float = Field(default=4.0, ge=1.0)
    search: SearchConfig = SearchConfig()


def offers(
    game: PatrolGame,
    round_places: tuple[int, ...],
    config: OfferConfig | None = None,
    *,
    modes: frozenset[Mode] = frozenset(Mode),
) -> tuple[Offer, ...]:
    """Ways to patrol ``game`` along, around or apart from a closed round, the best first; when the plain round already
    catches every attack, it is the only one. ``modes``: which ways are looked at. Raises BadValue when the round leaves the
    moves or misses a target, and when ticks are too short to be gone through."""
    config = config or OfferConfig()
    make_guard(game, round_places, least_limit(game, round_places))
    _refuse_too_fine(game, least_limit(game, round_places))
    plain = _round(game, round_places)
    if plain.guarantee.is_certain:
        return (plain,)
    found = [plain] if Mode.ROUND in modes else []
    if Mode.DETOURS in modes:
        found.append(_detours(game, round_places, config))
    if Mode.FREE in modes:
        found.append(_free(game, round_places, config))
    return tuple(sorted(found, key=_rank))


def _refuse_too_fine(game: PatrolGame, sweep_ticks: int) -> None:
    """Raises BadValue for ticks so short that too many would have to be gone through."""
    shortest_s, longest_s = (pick(one.attack_ticks for one in game.targets) * game.tick_s for pick in (min, max))
    least_s = max(longest_s / MOST_ATTACK_TICKS, sweep_ticks * game.tick_s / MOST_SWEEP_TICKS)
    if least_s > shortest_s:
        within_s = sweep_ticks * game.tick_s
        raise BadValue(f"attack_s: {shortest_s:g} s is too short beside the {within_s:g} s within which all places can be seen")
    if least_s > game.tick_s * (1.0 + 1e-9):
        raise BadValue(f"tick_s: {game.tick_s:g} s is too short for this attack and this round; take {least_s:.3g} s or more")


def _rank(offer: Offer) -> tuple[float, float, float]:
    """What always holds comes first, then what holds while the guard sleeps, to a thousandth; then the shortest gaps."""
    told = offer.guarantee
    return -round(told.capture_always, 3), -round(told.capture, 3), told.worst_idleness_s


def describe(game: PatrolGame, found: Found, mode: Mode, guard: Guard | None = None) -> Guarantee:
    """The guarantee of a strategy that was found, with its guard if it has one."""
    walk = found.walk
    capture = _least_capture(game, walk)
    exact = rationalised(game, walk, found.orbit)
    worst_ticks = worst_gap_ticks(game, walk) if guard is None else guard.limit_ticks
    shortest = min(target.attack_ticks for target in game.targets)
    sure = all(worst_ticks <= target.attack_ticks and target.detection == 1.0 for target in game.targets)
    wakes = 0.0 if guard is None else float(overdue_rates(game, walk, guard.sleeps_up_to()).sum()) * _DAY_S / game.tick_s
    return Guarantee(
        mode=mode,
        observer=_observer(game),
        attack_s=shortest * game.tick_s,
        worst_idleness_s=worst_ticks * game.tick_s,
        average_idleness_s=mean_idleness_ticks(game, walk) * game.tick_s,
        capture=1.0 if sure else capture,
        capture_always=1.0 if sure else capture if guard is None else 0.0,
        capture_exact="1" if sure else "" if exact is None else str(exact.capture),
        capture_bound=_capture_bound(game),
        loss=found.loss,
        wakes_a_day=wakes,
    )


def _observer(game: PatrolGame) -> str:
    sees = {
        Sight.STATE: "an observer who knows everything but the draws to come",
        Sight.MOVE: "an observer who knows the strategy and sees the present move",
        Sight.PLACE: "an observer who knows the strategy and sees where the patrol is",
    }
    when = {Launch.DEPARTURE: "and strikes as it sets off", Launch.ARRIVAL: "and strikes as it has arrived"}
    return f"{sees[game.sight]}, {when[game.launch]}"


def _capture_bound(game: PatrolGame) -> float:
    """From the bound on the loss with all weights alike."""
    even = replace(game, targets=tuple(replace(target, weight=1.0) for target in game.targets))
    return 1.0 - least_loss(even)


def _least_capture(game: PatrolGame, walk: Walk) -> float:
    evaluator = Evaluator(game, walk.graph)
    flow = stationary(walk)[walk.graph.tails] * walk.chance
    caught, _, _ = evaluator.by_group(walk.chance, flow)
    return max(0.0, float(caught.min()))


def _round(game: PatrolGame, round_places: tuple[int, ...]) -> Offer:
    graph = detour_graph(game, round_places, longest_ticks=0)
    walk, loss = best_class(game, Walk(graph=graph, chance=np.ones(graph.steps)))
    apart: Ints = np.arange(graph.steps, dtype=np.int64)
    found = Found(walk=walk, loss=loss, orbit=apart)
    return Offer(guarantee=describe(game, found, Mode.ROUND), patrol=DrawnPatrol(game, walk))


def _detours(game: PatrolGame, round_places: tuple[int, ...], config: OfferConfig) -> Offer:
    lasts = worst_gap_ticks(game, _round(game, round_places).patrol.walk)
    graph = bounded_detours(game, round_places, math.floor(config.detour_factor * lasts))
    found = search_on(game, graph, config.search)
    return Offer(guarantee=describe(game, found, Mode.DETOURS), patrol=DrawnPatrol(game, found.walk))


def _free(game: PatrolGame, round_places: tuple[int, ...], config: OfferConfig) -> Offer:
    memory = Memory(places=config.memory_places, counters=config.counters)
    found = _everywhere(game, memory, search(game, memory, config.search, round_places=round_places))
    guard = make_guard(game, round_places, math.ceil(config.guard_factor * least_limit(game, round_places)))
    return Offer(guarantee=describe(game, found, Mode.FREE, guard), patrol=DrawnPatrol(game, found.walk, guard))


def _everywhere(game: PatrolGame, memory: Memory, found: Found) -> Found:
    """The strategy, or, where it gives some target up because others weigh so much more, one that strays from it now and then."""
    if {target.place for target in game.targets} <= set(found.walk.graph.place.tolist()):
        return found
    graph = unfold(game, memory)
    even = 1.0 / np.bincount(graph.tails)[graph.tails]
    kept = found.walk.graph
    known = {(kept.labels[t], kept.labels[h]): c for t, h, c in zip(kept.tails, kept.heads, found.walk.chance, strict=True)}
    pairs = [(graph.labels[t], graph.labels[h]) for t, h in zip(graph.tails, graph.heads, strict=True)]
    follows = np.where([tail in kept.labels for tail, _ in pairs], [known.get(pair, 0.0) for pair in pairs], even)
    walk, loss = best_class(game, Walk(graph=graph, chance=(1.0 - _STRAYS) * follows + _STRAYS * even))
    return Found(walk=walk, loss=loss, orbit=np.arange(walk.graph.steps, dtype=np.int64))
