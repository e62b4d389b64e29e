# SPDX-License-Identifier: Apache-2.0
"""Prepares an unpredictable mission for a site: places and ways from the site, times from the robot's planner, weights from the
register of risk, the walk from ``mission.games``. What comes out is kept in a file and driven by ``mission.drawn``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mission.games.game import PatrolGame, game_from_times
from mission.games.guarantee import Mode, Offer, OfferConfig, offers
from mission.games.idleness import visit_rates
from mission.games.optimise import SearchConfig
from mission.mission_file import MissionFile, UnpredictableFile, prepared_for
from mission.pace import Pace
from mission.planning.deadline import Deadline
from mission.planning.exact_tour import exact_tour, heuristic_tour
from mission.planning.graph import Closure, PatrolGraph
from mission.planning.site_graph import SiteGraphConfig, site_graph
from mission.risk.effort import EffortConfig
from mission.walk_file import PlaceEntry, WalkFile, walk_entry
from patrol.errors import PatrolError
from patrol.geometry import Pose2
from patrol.promise import Promise
from patrol.site import Site

_ONLY_WAYPOINTS_M = 1e9
_HOUR_S = 3600.0


class NoWalk(PatrolError):
    """No way of patrolling keeps what was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighing:
    """``weights`` by the name of a place, one where it has none; ``because`` says in words where they come from."""

    weights: Mapping[str, float]
    because: tuple[str, ...] = ()


Weigh = Callable[[dict[str, Pose2]], Weighing]


def prepare(
    file: MissionFile, mission_id: str, site: Site, *, pace: Pace, deadline: Deadline, weigh: Weigh | None = None
) -> WalkFile:
    """The walk of an unpredictable mission on ``site``. ``deadline`` bounds the search for the shortest round; ``weigh`` says
    what places weigh (None: all alike).

    Raises WayMissing for places that can not be driven to, PlaceUnreachable, PartsUnconnected, and NoWalk.
    """
    asked = file.unpredictable
    if asked is None:
        raise NoWalk(f"mission {mission_id}: is a plain round, which needs no preparing")
    made = site_graph(site, _graph_config(asked, site))
    graph = made.graph
    if any(made.floors):
        raise NoWalk(f"mission {mission_id}: has places on several floors; an unpredictable patrol stays on the ground")
    round_places = exact_tour(graph, heuristic_tour(graph, Closure.of(graph), deadline), deadline).walk
    places = _places(file, graph, site)
    weighing = None if weigh is None else weigh({place.name: Pose2(place.x_m, place.y_m, 0.0) for place in places})
    game = _game(file, graph, places, (pace, weighing or Weighing(weights={})))
    offer = _chosen(game, round_places, asked, is_weighed=weighing is not None)
    guard = offer.patrol.guard
    return WalkFile(
        mission_id=mission_id,
        site_id=site.site_id,
        fits=prepared_for(file, site),
        tick_s=game.tick_s,
        places=places,
        round_places=round_places,
        dwell_ticks=game.dwell_ticks,
        moves=tuple((move.start, move.end, move.ticks) for move in game.moves),
        targets=tuple((one.place, one.attack_ticks, one.weight, one.detection) for one in game.targets),
        walk=walk_entry(offer.patrol),
        guard_ticks=None if guard is None else guard.limit_ticks,
        promise=_promise(offer, game, weighing),
    )


def _graph_config(asked: UnpredictableFile, site: Site) -> SiteGraphConfig:
    alone = asked.places == "waypoints" and site.waypoints
    return SiteGraphConfig(apart_m=_ONLY_WAYPOINTS_M) if alone else SiteGraphConfig()


def _places(file: MissionFile, graph: PatrolGraph, site: Site) -> tuple[PlaceEntry, ...]:
    """Every vertex as a stop; one that is a waypoint of the site keeps its heading and how long the robot looks around there."""
    known = {waypoint.waypoint_id: waypoint for waypoint in site.waypoints}
    entries = []
    for name, (x_m, y_m) in zip(graph.vertex_names, graph.points_m.tolist(), strict=True):
        waypoint = known.get(name)
        own_s = waypoint.dwell_s if waypoint is not None else 0.0
        yaw_rad = waypoint.pose.yaw_rad if waypoint is not None else 0.0
        dwell_s = own_s if file.dwell_s is None else file.dwell_s
        entries.append(PlaceEntry(name=name, x_m=x_m, y_m=y_m, yaw_rad=yaw_rad, dwell_s=dwell_s))
    return tuple(entries)


def _game(file: MissionFile, graph: PatrolGraph, places: tuple[PlaceEntry, ...], by: tuple[Pace, Weighing]) -> PatrolGame:
    """The game in the robot's own times. A robot may have to turn round before it sets off."""
    pace, weighing = by
    asked = file.unpredictable
    if asked is None:
        raise NoWalk("unpredictable: is missing")
    poses = [Pose2(place.x_m, place.y_m, 0.0) for place in places]
    turn_s = pace.turn_s(math.pi)
    travel_s: dict[tuple[int, int], float] = {}
    for low, high in graph.edges.tolist():
        travel_s[low, high] = travel_s[high, low] = pace.way(poses[low], poses[high], file.speed_mps).drive_s + turn_s
    return game_from_times(
        travel_s,
        dict.fromkeys(range(len(places)), asked.attack_s),
        dwell_s=[place.dwell_s for place in places],
        tick_s=asked.attack_s / asked.ticks_an_attack,
        weights={index: weighing.weights.get(place.name, 1.0) for index, place in enumerate(places)},
    )


def _chosen(game: PatrolGame, round_places: tuple[int, ...], asked: UnpredictableFile, *, is_weighed: bool) -> Offer:
    """The best offer of the mode that was asked for; where places are weighed, only one whose visit rates are not more uneven
    than risk may make them."""
    search = SearchConfig(starts=asked.search_starts, descents=80, finalists=2, attempts=4)
    config = OfferConfig(
        memory_places=asked.memory_places,
        detour_factor=asked.worst_factor,
        guard_factor=asked.guard_factor,
        search=search,
    )
    modes = frozenset(Mode) if asked.way == "best" else frozenset({Mode(asked.way)})
    cap = EffortConfig().cap if is_weighed else math.inf
    round_ratio = _unevenness(game, offers(game, round_places, modes=frozenset({Mode.ROUND}))[0])
    found = [each for each in offers(game, round_places, config, modes=modes) if _unevenness(game, each) <= cap * round_ratio]
    if not found:
        raise NoWalk(f"mode {asked.way}: visits some places over {cap:g} times as often as others, beyond what the round does")
    return found[0]


def _unevenness(game: PatrolGame, offer: Offer) -> float:
    rates = visit_rates(game, offer.patrol.walk)
    return float(rates.max() / max(float(rates.min()), 1e-12))


def _promise(offer: Offer, game: PatrolGame, weighing: Weighing | None) -> Promise:
    told = offer.guarantee
    hourly = visit_rates(game, offer.patrol.walk) / game.tick_s * _HOUR_S
    rates = f"places are visited {hourly.min():.1f} to {hourly.max():.1f} times an hour"
    because = () if weighing is None else weighing.because
    return Promise(
        mode=told.mode.value,
        worst_idleness_s=told.worst_idleness_s,
        average_idleness_s=told.average_idleness_s,
        attack_s=told.attack_s,
        capture=told.capture_always if told.mode is not Mode.FREE else told.capture,
        sentences=(*told.lines(), rates, *because),
    )
