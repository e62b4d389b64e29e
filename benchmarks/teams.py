# SPDX-License-Identifier: Apache-2.0
"""Teams beside their peers when most messages are lost, narrow ways, alerts, and how soon a team is planned anew.

Runs on the patrolling_sim graphs under PATROL_DATA and on a corridor of its own. All are disturbed alike: steps take longer by
chance, and units are held up now and then. One JSON line at the end.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from dataclasses import replace
from statistics import median

import numpy as np

from benchmarks.figures import tell
from benchmarks.patrol_plans import GRAPHS, STARTS, graph_named, made_graph
from mission.planning.deadline import Deadline
from mission.planning.exact_tour import heuristic_tour
from mission.planning.graph import Closure, PatrolGraph
from mission.planning.metrics import VisitLog, true_average_s, worst_idleness_s
from mission.planning.play import Disturbed, play
from mission.planning.reactive import strategies
from mission.team.allocate import Allocator, Standing
from mission.team.dispatch import Dispatcher
from mission.team.knowledge import AlertCard, AlertState
from mission.team.lanes import Lanes
from mission.team.member import Means, MemberConfig
from mission.team.patrol import TeamPatrol
from mission.team.play import Happening, PlayConfig, Played
from mission.team.radio import Radio
from mission.team.unit import Kind, TeamGround, Unit

NAMES = ("grid", "example", "cumberland")
LOSS = 0.9
HOUR_S = 3600.0
PEERS = ("CR", "HCR", "SEBS", "cyclic")
Figures = dict[str, float | int | None]


def team(count: int, config: PlayConfig) -> list[Unit]:
    """Robots that plan with what ``config`` leaves them of 1 m/s."""
    return [Unit(unit_id=f"r{number}", speed_mps=1.0 - config.reserve) for number in range(count)]


def patrol_of(lanes: Lanes, graph: PatrolGraph, units: list[Unit], config: PlayConfig, seed: int) -> TeamPatrol:
    ground = TeamGround(graph=graph)
    allocator = Allocator(ground)
    means = Means(
        units={unit.unit_id: unit for unit in units},
        places=graph.count,
        allocator=allocator,
        dispatcher=Dispatcher(ground, {kind: allocator.closure(kind) for kind in Kind}),
        deadline=lambda seconds: Deadline.after(seconds, time.monotonic),
        config=MemberConfig(),
    )
    return TeamPatrol(lanes, means, config, seed=seed)


def starts_on(graph: PatrolGraph) -> tuple[int, ...]:
    """Six places: the published ones on cumberland, else spread over the numbers."""
    return STARTS if graph.name == "cumberland" else tuple(np.linspace(0, graph.count - 1, 6).astype(int).tolist())


def peer_log(graph: PatrolGraph, peer: str, config: PlayConfig, seed: int, hours: float) -> VisitLog:
    """A peer at its full speed of 1 m/s, with the radio and the disturbances of the team."""
    walk = heuristic_tour(graph, Closure.of(graph), Deadline.after(1.0, time.monotonic)).walk
    radio, random = Radio(config.loss, seed + 1), np.random.default_rng(seed)
    said = max(1, round(config.radio_hz * config.radio_every_s))
    disturbed = Disturbed(
        every_s=config.radio_every_s,
        heard=lambda count: radio.heard(count, said),
        held_up_s=lambda takes_s: config.held_up_s(takes_s, random),
    )
    strategy = strategies(graph, walk)[peer]
    return play(graph, strategy, starts_on(graph), horizon_s=hours * HOUR_S, disturbed=disturbed)


def losses(seeds: int, hours: float) -> Figures:
    """Six robots, with nine in ten messages lost and with none: the plan, which the clock keeps, and peers on the same radio.
    Worst idleness is the worst of all seeds once the plan has settled, averages are medians."""
    figures: Figures = {}
    for name, loss in itertools.product(NAMES, (0.0, LOSS)):
        graph, config = graph_named(name), PlayConfig(loss=loss)
        logs: dict[str, list[VisitLog]] = {}
        warm_s = promised_s = 0.0
        for seed in range(seeds):
            run = patrol_of(Lanes.of(graph, ()), graph, team(6, config), config, seed)
            card = run.begin(starts_on(graph))
            warm_s, promised_s = max(warm_s, card.allocation.settled_s), card.allocation.guarantee_s
            logs.setdefault("plan", []).append(run.run(hours * HOUR_S).log)
            steady = config.model_copy(update={"holds_per_h": 0.0})
            free = patrol_of(Lanes.of(graph, ()), graph, team(6, steady), steady, seed)
            free.begin(starts_on(graph))
            logs.setdefault("plan_not_held_up", []).append(free.run(hours * HOUR_S).log)
            for peer in PEERS:
                logs.setdefault(peer.lower(), []).append(peer_log(graph, peer, config, seed, hours))
        key = f"{name}_loss{loss:g}"
        worst = {who: max(worst_idleness_s(log, warm_s) for log in of) for who, of in logs.items()}
        for who in ("plan", "plan_not_held_up"):
            figures[f"{key}_{who}_worst_over_promised"] = round(worst[who] / promised_s, 3)
        for who, of in logs.items():
            figures[f"{key}_{who}_worst_s"] = round(worst[who], 2)
            figures[f"{key}_{who}_true_average_s"] = round(median(true_average_s(log, warm_s) for log in of), 2)
    return figures


def corridor(hours: float) -> Figures:
    """Eight robots in a corridor of 96 m in which two can pass nowhere, undisturbed, held up, and with messages lost."""
    graph = made_path(17, 6.0)
    ways = [(place, place + 1) for place in range(16)]
    figures: Figures = {}
    for key, config in (
        ("plain", PlayConfig(radio_every_s=20.0, holds_per_h=0.0)),
        ("held_up", PlayConfig(radio_every_s=20.0)),
        ("lossy", PlayConfig(radio_every_s=20.0, holds_per_h=0.0, loss=LOSS)),
    ):
        run = patrol_of(Lanes.of(graph, ways), graph, team(8, config), config, 0)
        card = run.begin(tuple(range(0, 16, 2)))
        played = run.run(hours * HOUR_S)
        worst_s = worst_idleness_s(played.log, card.allocation.settled_s)
        figures |= {
            f"corridor_{key}_hours": hours,
            f"corridor_{key}_longest_wait_s": round(played.longest_wait_s, 2),
            f"corridor_{key}_exchanges": played.exchanges,
            f"corridor_{key}_worst_over_promised": round(worst_s / card.allocation.guarantee_s, 3),
        }
    return figures


def crossings(runs: int) -> Figures:
    """Robots sent in person to random places of a corridor of 48 m with two bays: how many came, how often past one another."""
    graph = made_path(9, 6.0)
    config = PlayConfig(handle_s=5.0, holds_per_h=0.0)
    sent = came = passings = 0
    longest_s = 0.0
    for seed in range(runs):
        random = np.random.default_rng(seed)
        lanes = Lanes.of(graph, [(place, place + 1) for place in range(8)], room={2: 2, 6: 2})
        run = patrol_of(lanes, graph, team(3, config), config, seed)
        run.begin((0, 4, 8))
        orders = [
            order(f"o{number}", int(random.integers(9)), 60.0 * number + float(random.uniform(0.0, 20.0)), unit)
            for number in range(20)
            for unit in (f"r{int(random.integers(3))}",)
        ]
        played = run.run(20 * 60.0 + 600.0, orders)
        sent += len(orders)
        came += sum(card.state is AlertState.DONE for card in played.alerts.values())
        passings += played.passings
        longest_s = max(longest_s, played.longest_wait_s)
    return {"orders": sent, "orders_done": came, "passing_plans": passings, "orders_longest_wait_s": round(longest_s, 2)}


def order(name: str, place: int, at_s: float, unit_id: str) -> Happening:
    card = AlertCard(alert_id=name, place=place, raised_s=at_s, state=AlertState.GIVEN, attempt=1, unit_id=unit_id, asked_s=at_s)
    return Happening(at_s=at_s, alert=card)


def alerts(seeds: int) -> Figures:
    """Ten alerts an hour on cumberland, one of six robots lost for good, nine in ten messages lost."""
    graph, config = graph_named("cumberland"), PlayConfig(loss=LOSS)
    raised = done = twice = errands = resumed = 0
    reach_s: list[float] = []
    for seed in range(seeds):
        random = np.random.default_rng(seed)
        stream = [
            Happening(
                at_s=360.0 * number,
                alert=AlertCard(alert_id=f"a{number}", place=int(random.integers(40)), raised_s=360.0 * number),
            )
            for number in range(1, 11)
        ]
        run = patrol_of(Lanes.of(graph, ()), graph, team(6, config), config, seed)
        run.begin(STARTS)
        played = run.run(1.3 * HOUR_S, [*stream, Happening(at_s=1500.0, unit_id="r3")])
        kept = [one for one in played.errands if one.unit_id != "r3"]
        raised += len(stream)
        done += sum(card.state is AlertState.DONE for card in played.alerts.values())
        twice += _attended_twice(played)
        errands += len(kept)
        resumed += sum(one.resumed_s is not None for one in kept)
        raised_s = {name: card.raised_s for name, card in played.alerts.items()}
        reach_s += [one.reached_s - raised_s[one.because] for one in played.errands if one.reached_s is not None]
    return {
        "alerts": raised,
        "alerts_attended": done,
        "alerts_attended_twice": twice,
        "interruptions": errands,
        "interruptions_resumed": resumed,
        "alert_to_arrival_median_s": round(median(reach_s), 1),
        "alert_to_arrival_worst_s": round(max(reach_s), 1),
    }


def _attended_twice(played: Played) -> int:
    reached = [one.because for one in played.errands if one.reached_s is not None]
    return sum(reached.count(name) > 1 for name in set(reached))


def replanning() -> Figures:
    """How long it takes to plan anew when one of a team goes: unlike units too."""
    figures: Figures = {}
    for name, graph, count in (("40x6", graph_named("cumberland"), 6), ("1000x50", made_graph(1000, 3), 50)):
        random = np.random.default_rng(1)
        for key, unlike in (("alike", False), ("unlike", True)):
            units = team(count, PlayConfig())
            if unlike:
                units = [replace(unit, speed_mps=unit.speed_mps * (1.0 + number % 2)) for number, unit in enumerate(units)]
            standing = [Standing(at=int(at)) for at in random.integers(0, graph.count, count)]
            allocator = Allocator(TeamGround(graph=graph))
            begun_s = time.monotonic()
            first = allocator.allocate(units, standing, Deadline.after(1.5, time.monotonic))
            first_s = time.monotonic() - begun_s
            begun_s = time.monotonic()
            second = allocator.allocate(units[1:], standing[1:], Deadline.after(1.5, time.monotonic))
            figures |= {
                f"replan_{name}_{key}_s": round(time.monotonic() - begun_s, 3),
                f"first_{name}_{key}_s": round(first_s, 3),
                f"first_{name}_{key}_ratio": round(first.ratio, 3),
                f"replan_{name}_{key}_ratio": round(second.ratio, 3),
            }
    return figures


def made_path(count: int, step_m: float) -> PatrolGraph:
    places = np.arange(count)
    return PatrolGraph(
        name="corridor",
        vertex_names=tuple(map(str, places)),
        points_m=np.column_stack((step_m * places, np.zeros(count))),
        edges=np.column_stack((places[:-1], places[1:])),
        lengths_m=np.full(count - 1, step_m),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="plays of each kind")
    parser.add_argument("--hours", type=float, default=1.0, help="length of each play")
    parser.add_argument("--corridor-hours", type=float, default=10.0, help="length of the play in the corridor")
    chosen = parser.parse_args()
    if not GRAPHS.is_dir():
        sys.exit(f"no patrol graphs under {GRAPHS}; set PATROL_DATA")
    parts = (
        losses(chosen.seeds, chosen.hours),
        corridor(chosen.corridor_hours),
        crossings(chosen.seeds),
        alerts(chosen.seeds),
        replanning(),
    )
    tell("teams", {key: value for part in parts for key, value in part.items()}, speed_mps=1.0, loss=LOSS)


if __name__ == "__main__":
    main()
