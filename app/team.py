# SPDX-License-Identifier: Apache-2.0
"""Plans a team on a graph or a site, plays it under losses, alerts and absences, and measures what the guarantee was worth."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from app.plan import read_ground
from mission.planning.deadline import Deadline
from mission.planning.graph import PatrolGraph
from mission.planning.metrics import true_average_s, worst_idleness_s
from mission.planning.site_graph import SiteGraph
from mission.team.allocate import Allocation, Allocator, Standing, without
from mission.team.dispatch import Dispatcher
from mission.team.knowledge import AlertCard
from mission.team.lanes import Lanes
from mission.team.member import Means, MemberConfig
from mission.team.narrow import narrow_ways
from mission.team.patrol import TeamPatrol
from mission.team.play import Happening, PlayConfig, Played
from mission.team.team_file import Team, TeamFile, UnitEntry, team_of
from mission.team.unit import Kind, Unit
from patrol.checks import Floats
from patrol.config import load_config
from patrol.errors import BadInput, Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamRequest:
    """What to plan and play. ``team_file`` None: ``robots`` that are alike, at 1 m/s. ``lost`` and ``joined`` are pairs of a unit
    and a time in s; a unit that joins is away until then."""

    file: Path
    team_file: Path | None = None
    robots: int = 2
    narrow: bool = False
    config: PlayConfig = field(default_factory=PlayConfig)
    minutes: float = 60.0
    alerts_per_h: float = 0.0
    lost: tuple[tuple[str, float], ...] = ()
    joined: tuple[tuple[str, float], ...] = ()
    seconds: float = 10.0
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TeamResult:
    """``left_s``: the guarantee without each unit in turn; ``replan_s``: how long each planning anew took; the measured figures
    are of the play, ``worst_s`` from when the first plan has settled."""

    graph: PatrolGraph
    team: Team
    allocation: Allocation
    left_s: dict[str, float]
    played: Played
    replan_s: tuple[float, ...]
    worst_s: float
    true_average_s: float
    narrow: int


class _Timed(Allocator):
    """Notes how long each allocation takes."""

    took_s: tuple[float, ...] = ()

    def allocate(
        self, units: Sequence[Unit], standing: Sequence[Standing], deadline: Deadline, *, ages_s: Floats | None = None
    ) -> Allocation:
        begun_s = time.monotonic()
        allocation = super().allocate(units, standing, deadline, ages_s=ages_s)
        self.took_s = (*self.took_s, time.monotonic() - begun_s)
        return allocation


def run_team(request: TeamRequest) -> TeamResult:
    """Plan, play and measure. Raises BadInput for faulty files and unknown units."""
    team = _team(request)
    _refuse_unknown(request, team)
    paced = tuple(replace(unit, speed_mps=unit.speed_mps * (1.0 - request.config.reserve)) for unit in team.units)
    allocator = _Timed(team.ground, seed=request.seed)
    closures = {kind: allocator.closure(kind) for kind in Kind}
    means = Means(
        units={unit.unit_id: unit for unit in paced},
        places=team.ground.graph.count,
        allocator=allocator,
        dispatcher=Dispatcher(team.ground, closures, dock=team.dock, handle_s=request.config.handle_s),
        deadline=lambda seconds: Deadline.after(seconds, time.monotonic),
        config=MemberConfig(),
    )
    away = {name for name, _ in request.joined}
    here = [(unit, Standing(at=at)) for unit, at in zip(paced, team.starts, strict=True) if unit.unit_id not in away]
    units, standing = tuple(unit for unit, _ in here), [one for _, one in here]
    room = {} if team.dock is None else {team.dock: len(team.units)}
    lanes = Lanes.of(team.ground.graph, team.narrow, room=room | team.room, cell_m=team.cell_m)
    _refuse_crowded(request, lanes, Counter(one.at for unit, one in here if unit.kind is Kind.GROUND))
    allocator.allocate(units, standing, Deadline.after(request.seconds, time.monotonic))
    left_s = without(allocator, units, standing, Deadline.after(request.seconds, time.monotonic))
    allocator.took_s = ()
    play = TeamPatrol(lanes, means, request.config, seed=request.seed, dock=team.dock)
    card = play.begin(team.starts, absent=away)
    _refuse_too_short(request, card.allocation)
    played = play.run(60.0 * request.minutes, _happenings(request, team))
    return TeamResult(
        graph=team.ground.graph,
        team=team,
        allocation=card.allocation,
        left_s=left_s,
        played=played,
        replan_s=allocator.took_s[1:],
        worst_s=worst_idleness_s(played.log, card.allocation.settled_s),
        true_average_s=true_average_s(played.log, card.allocation.settled_s),
        narrow=len(team.narrow),
    )


def _team(request: TeamRequest) -> Team:
    """The team of the file, or robots that are alike; on a site, narrow ways and the dock are taken from it."""
    ground = read_ground(request.file)
    file, source = TeamFile(units=tuple(UnitEntry(unit_id=f"robot-{number + 1}") for number in range(request.robots))), "--robots"
    if request.team_file is not None:
        file, source = load_config(TeamFile, request.team_file), str(request.team_file)
    elif request.narrow:
        file = file.model_copy(update={"narrow": "all"})
    if ground.site is None:
        return team_of(file, ground.graph, source=source)
    if not file.dock and ground.site.docks:
        pose = ground.site.docks[0].pose
        file = file.model_copy(update={"dock": ground.graph.vertex_names[ground.graph.vertex_at(pose.x_m, pose.y_m)]})
    team = team_of(file, ground.graph, source=source)
    narrow = narrow_ways(ground.site, SiteGraph(graph=ground.graph, ways_m=ground.ways_m, floors=ground.floors))
    return replace(team, narrow=team.narrow | narrow)


def _refuse_unknown(request: TeamRequest, team: Team) -> None:
    known = {unit.unit_id for unit in team.units}
    faults = [
        Fault(field=option, value=name, because=f"is no unit of the team; there are {', '.join(sorted(known))}")
        for option, pairs in (("--lost", request.lost), ("--joined", request.joined))
        for name, _ in pairs
        if name not in known
    ]
    if len({name for name, _ in request.joined}) >= len(known):
        faults.append(Fault(field="--joined", value=len(known), because="leaves nobody to begin with"))
    if faults:
        raise BadInput(request.team_file or "--robots", faults)


def _refuse_crowded(request: TeamRequest, lanes: Lanes, robots_at: Counter[int]) -> None:
    names = lanes.graph.vertex_names
    faults = [
        Fault(field="start", value=names[place], because=f"{count} robots begin where {lanes.room[place]} can be")
        for place, count in sorted(robots_at.items())
        if count > lanes.room[place]
    ]
    if faults:
        raise BadInput(request.team_file or "--robots", faults)


def _refuse_too_short(request: TeamRequest, allocation: Allocation) -> None:
    """Figures are those from when the plan has settled, so the play must last longer than that."""
    if 60.0 * request.minutes <= allocation.settled_s:
        because = f"ends before the plan has settled, which takes {allocation.settled_s / 60.0:.1f} min"
        raise BadInput("the command line", [Fault(field="--minutes", value=request.minutes, because=because)])


def _happenings(request: TeamRequest, team: Team) -> list[Happening]:
    """Who goes, who comes, and alerts at random places and moments that some unit could answer."""
    random = np.random.default_rng(request.seed + 2)
    happenings = [Happening(at_s=at_s, unit_id=name) for name, at_s in request.lost]
    happenings += [Happening(at_s=at_s, unit_id=name, joins=True) for name, at_s in request.joined]
    count = int(random.poisson(request.alerts_per_h * request.minutes / 60.0)) if request.alerts_per_h else 0
    for number, at_s in enumerate(np.sort(random.uniform(0.0, 60.0 * request.minutes, count)).tolist()):
        place = int(random.integers(team.ground.graph.count))
        alert = AlertCard(alert_id=f"alert-{number + 1}", place=place, raised_s=at_s)
        happenings.append(Happening(at_s=at_s, alert=alert))
    return happenings
