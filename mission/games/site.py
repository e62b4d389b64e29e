# SPDX-License-Identifier: Apache-2.0
"""The game of a patrol graph: its metres and seconds in ticks, rounded against the patrol."""

from __future__ import annotations

from collections.abc import Mapping

from mission.games.game import PatrolGame, game_from_times
from mission.planning.graph import PatrolGraph
from patrol.checks import require_positive

TICKS_AN_ATTACK = 120
"""Ticks that the shortest attack is cut into when no tick is given: 1 % rounding at most on a way of an attack's length."""


def game_from_graph(
    graph: PatrolGraph,
    attack_s: float | Mapping[int, float],
    *,
    speed_mps: float = 1.0,
    dwell_s: float = 0.0,
    tick_s: float | None = None,
    weights: Mapping[int, float] | None = None,
    detection: float = 1.0,
) -> PatrolGame:
    """One robot at ``speed_mps`` that stands ``dwell_s`` at each vertex. ``attack_s`` is how long an attack takes: everywhere,
    or at the vertices that it names. ``tick_s`` None: the 120th part of the shortest attack, or a common measure of all times
    if there is a coarser one. Raises BadValue for speeds and times that are not above zero."""
    require_positive("speed_mps", speed_mps)
    attacks = attack_s if isinstance(attack_s, Mapping) else dict.fromkeys(range(graph.count), attack_s)
    travel_s: dict[tuple[int, int], float] = {}
    for (low, high), length_m in zip(graph.edges.tolist(), graph.lengths_m.tolist(), strict=True):
        travel_s[low, high] = travel_s[high, low] = length_m / speed_mps
    times = [*travel_s.values(), *attacks.values(), *([dwell_s] if dwell_s else [])]
    return game_from_times(
        travel_s,
        attacks,
        dwell_s=[dwell_s] * graph.count,
        tick_s=tick_s or _common_tick(times, min(attacks.values()) / TICKS_AN_ATTACK),
        weights=weights,
        detection=detection,
    )


def _common_tick(times_s: list[float], finest_s: float) -> float:
    """The coarsest duration of which every time is a whole multiple, but nothing finer than ``finest_s``."""
    common = max(times_s)
    for time_s in times_s:
        first, second = max(common, time_s), min(common, time_s)
        if second < finest_s:
            return finest_s
        while second >= finest_s:
            first, second = second, first % second
            second = 0.0 if first - second < 1e-6 * first else second
        if second > 1e-6 * first:
            return finest_s
        common = first
    return common
