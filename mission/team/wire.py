# SPDX-License-Identifier: Apache-2.0
"""What a member of a team knows, as the text that robots send one another. What comes in is believed only as far as it fits the
ground and the team: a word about places or units that are none is refused whole."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Annotated

import numpy as np
from pydantic import Field, ValidationError

from mission.planning.graph import PatrolGraph
from mission.planning.plan import Beat, Deployment, TeamPlan
from mission.team.allocate import Allocation, CrewPlan
from mission.team.knowledge import AlertCard, AlertState, Claim, Knowledge, PlanCard, Report, fork_key
from mission.team.unit import Duty, Unit
from patrol.config import Config, faults_in
from patrol.errors import BadInput, BadValue, Fault

MOST_ALERTS = 64
MOST_BYTES = 200_000


class _Report(Config):
    unit_id: str
    count: int = Field(ge=0)
    stamp_s: float
    duty: Duty
    at: int
    ready_s: float
    charge: float = Field(ge=-1.0, le=1.0)


class _Beat(Config):
    walk: tuple[int, ...] = Field(min_length=1)
    offsets_m: tuple[float, ...]
    robots: int = Field(ge=1)


class _Deployment(Config):
    robot: int = Field(ge=0)
    beat: int = Field(ge=0)
    approach: tuple[int, ...] = Field(min_length=1)
    approach_s: tuple[float, ...]
    joins_s: float
    joins_at: int = Field(ge=0)


class _Crew(Config):
    units: tuple[str, ...] = Field(min_length=1)
    speed_mps: float = Field(gt=0)
    beats: tuple[_Beat, ...] = Field(min_length=1)
    deployments: tuple[_Deployment, ...]


class _Plan(Config):
    epoch: int = Field(ge=0)
    author: str
    begins_s: float
    members: tuple[str, ...]
    crews: tuple[_Crew, ...] = Field(min_length=1)
    reserve: tuple[str, ...]
    bound_s: float
    because: str


class _Alert(Config):
    alert_id: str = Field(min_length=1, max_length=200)
    place: int
    raised_s: float
    needs: tuple[str, ...]
    state: int = Field(ge=AlertState.OPEN, le=AlertState.DONE)
    attempt: int = Field(ge=0)
    unit_id: str
    asked_s: float
    refused: tuple[str, ...]


class _Claim(Config):
    unit_id: str
    count: int = Field(ge=0)
    passage: str = Field(max_length=100)
    since_s: float
    inside: bool
    held: bool


class _Word(Config):
    ground: str
    reports: tuple[_Report, ...] = ()
    plan: _Plan | None = None
    alerts: tuple[_Alert, ...] = Field(default=(), max_length=MOST_ALERTS)
    seen_s: tuple[float, ...] | None = None
    visits: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    claims: tuple[_Claim, ...] = ()
    forks: dict[str, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)


class TeamWire:
    """``text`` of knowledge about one ground and one team, and ``knowledge`` of a text."""

    def __init__(self, graph: PatrolGraph, units: Mapping[str, Unit], passages: Iterable[str] = ()) -> None:
        self._graph, self._units = graph, units
        pairs = tuple(itertools.combinations(sorted(units), 2))
        self._forks = {fork_key(name, *pair) for name in passages for pair in pairs}
        shape = (graph.vertex_names, graph.points_m.round(3).tolist(), graph.edges.tolist(), sorted(units))
        self._ground = hashlib.sha256(repr(shape).encode()).hexdigest()[:16]

    def text(self, knowledge: Knowledge) -> str:
        """All of it; of alerts the newest ``MOST_ALERTS``."""
        alerts = sorted(knowledge.alerts.values(), key=lambda card: card.raised_s)[-MOST_ALERTS:]
        word = _Word(
            ground=self._ground,
            reports=tuple(_report(report) for report in knowledge.reports.values()),
            plan=None if knowledge.plan is None else _plan(knowledge.plan),
            alerts=tuple(_alert(card) for card in alerts),
            seen_s=None if knowledge.seen_s is None else tuple(knowledge.seen_s.tolist()),
            visits=dict(knowledge.visits),
            claims=tuple(_Claim(**asdict(claim)) for claim in knowledge.claims.values()),
            forks=dict(knowledge.forks),
        )
        return word.model_dump_json()

    def knowledge(self, text: str) -> Knowledge:
        """What a word says. Raises BadInput for one that is not of this team and ground, or makes no sense."""
        if len(text) > MOST_BYTES:
            raise _refused("(word)", f"{len(text)} bytes", f"is longer than {MOST_BYTES}")
        try:
            word = _Word.model_validate_json(text)
        except ValidationError as error:
            faults = [Fault(field=field or "(word)", value=value, because=because) for field, value, because in faults_in(error)]
            raise BadInput("team", faults) from error
        self._refuse_foreign(word)
        return Knowledge(
            reports={one.unit_id: Report(**one.model_dump()) for one in word.reports},
            plan=None if word.plan is None else self._card(word.plan),
            alerts={one.alert_id: _card(one) for one in word.alerts},
            seen_s=None if word.seen_s is None else np.array(word.seen_s),
            visits=word.visits,
            claims={one.unit_id: Claim(**one.model_dump()) for one in word.claims},
            forks=word.forks,
        )

    def _refuse_foreign(self, word: _Word) -> None:
        """Raises BadInput for another ground, and for units, places and counts that do not fit this one."""
        if word.ground != self._ground:
            raise _refused("ground", word.ground, f"is another ground or team than {self._ground}")
        count, plan = self._graph.count, word.plan
        units = [one.unit_id for one in word.reports] + [*word.visits, *(one.unit_id for one in word.claims)]
        places = [one.at for one in word.reports] + [one.place for one in word.alerts]
        for crew in plan.crews if plan is not None else ():
            units += crew.units
            places += [
                place for part in (*(beat.walk for beat in crew.beats), *(d.approach for d in crew.deployments)) for place in part
            ]
        units += [*plan.members, *plan.reserve] if plan is not None else []
        if set(word.forks) - self._forks:
            raise _refused("forks", sorted(set(word.forks) - self._forks)[:4], "are of no passage and pair of this team")
        strange = sorted(set(units) - set(self._units))
        if strange:
            raise _refused("units", strange, "are not of this team")
        if any(not 0 <= place < count for place in places):
            raise _refused("places", "(word)", f"names a place that is none of the {count}")
        lengths = {len(counts) for counts in word.visits.values()} | ({len(word.seen_s)} if word.seen_s is not None else set())
        if lengths - {count}:
            raise _refused("seen_s, visits", sorted(lengths), f"must have {count} places each")

    def _card(self, plan: _Plan) -> PlanCard:
        try:
            crews = tuple(self._crew(crew) for crew in plan.crews)
        except (BadValue, IndexError) as error:
            raise _refused("plan.crews", "(word)", str(error)) from error
        allocation = Allocation(
            crews=crews,
            reserve=tuple(self._units[name] for name in plan.reserve),
            bound_s=plan.bound_s,
            because=plan.because,
        )
        members = frozenset(plan.members)
        return PlanCard(epoch=plan.epoch, author=plan.author, begins_s=plan.begins_s, members=members, allocation=allocation)

    def _crew(self, crew: _Crew) -> CrewPlan:
        """Raises BadValue for parts that do not belong together."""
        for beat in crew.beats:
            if len(beat.offsets_m) != len(beat.walk) + 1:
                raise BadValue("offsets_m: one more than the walk has places is needed")
        for one in crew.deployments:
            if len(one.approach_s) != len(one.approach) or one.beat >= len(crew.beats):
                raise BadValue("deployments: do not fit the beats")
            if one.joins_at >= len(crew.beats[one.beat].walk):
                raise BadValue("joins_at: is no place of the beat")
        if len(crew.deployments) != len(crew.units):
            raise BadValue("deployments: one for each unit is needed")
        plan = TeamPlan(
            graph=self._graph,
            speed_mps=crew.speed_mps,
            beats=tuple(Beat(walk=one.walk, offsets_m=np.array(one.offsets_m), robots=one.robots) for one in crew.beats),
            deployments=tuple(
                Deployment(
                    robot=one.robot,
                    beat=one.beat,
                    approach=one.approach,
                    approach_s=np.array(one.approach_s),
                    joins_s=one.joins_s,
                    joins_at=one.joins_at,
                )
                for one in crew.deployments
            ),
        )
        return CrewPlan(units=tuple(self._units[name] for name in crew.units), plan=plan)


def _refused(field: str, value: object, because: str) -> BadInput:
    return BadInput("team", [Fault(field=field, value=value, because=because)])


def _report(report: Report) -> _Report:
    return _Report(
        unit_id=report.unit_id,
        count=report.count,
        stamp_s=report.stamp_s,
        duty=report.duty,
        at=report.at,
        ready_s=report.ready_s,
        charge=report.charge,
    )


def _alert(card: AlertCard) -> _Alert:
    return _Alert(
        alert_id=card.alert_id,
        place=card.place,
        raised_s=card.raised_s,
        needs=tuple(sorted(card.needs)),
        state=int(card.state),
        attempt=card.attempt,
        unit_id=card.unit_id,
        asked_s=card.asked_s,
        refused=tuple(sorted(card.refused)),
    )


def _card(one: _Alert) -> AlertCard:
    return AlertCard(
        alert_id=one.alert_id,
        place=one.place,
        raised_s=one.raised_s,
        needs=frozenset(one.needs),
        state=AlertState(one.state),
        attempt=one.attempt,
        unit_id=one.unit_id,
        asked_s=one.asked_s,
        refused=frozenset(one.refused),
    )


def _plan(card: PlanCard) -> _Plan:
    return _Plan(
        epoch=card.epoch,
        author=card.author,
        begins_s=card.begins_s,
        members=tuple(sorted(card.members)),
        crews=tuple(_crew(crew) for crew in card.allocation.crews),
        reserve=tuple(unit.unit_id for unit in card.allocation.reserve),
        bound_s=card.allocation.bound_s,
        because=card.allocation.because,
    )


def _crew(crew: CrewPlan) -> _Crew:
    return _Crew(
        units=tuple(unit.unit_id for unit in crew.units),
        speed_mps=crew.plan.speed_mps,
        beats=tuple(
            _Beat(walk=tuple(map(int, beat.walk)), offsets_m=tuple(beat.offsets_m.tolist()), robots=beat.robots)
            for beat in crew.plan.beats
        ),
        deployments=tuple(
            _Deployment(
                robot=one.robot,
                beat=one.beat,
                approach=tuple(map(int, one.approach)),
                approach_s=tuple(one.approach_s.tolist()),
                joins_s=one.joins_s,
                joins_at=one.joins_at,
            )
            for one in crew.plan.deployments
        ),
    )
