# SPDX-License-Identifier: Apache-2.0
"""Unpredictable missions: drawn from a secret, kept by the guard in the times that really pass, and the same after a restart."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mission.drawn import Drawing, DrawnRoute
from mission.duties import promise_of, read_duties
from mission.executive import Executive, ExecutiveConfig
from mission.games.game import PatrolGame, game_from_times
from mission.games.guard import least_limit, make_guard
from mission.games.play import DrawnPatrol
from mission.games.states import Memory, Walk, unfold
from mission.inputs import Decision
from mission.ledger import Ledger
from mission.mission_file import MissionFile, UnpredictableFile, prepared_for, read_mission
from mission.store import MemoryStore
from mission.walk_file import PlaceEntry, WalkFile, read_walk, walk_entry, walk_path
from patrol.clock import nanoseconds
from patrol.errors import BadInput
from patrol.geometry import IDENTITY2, Pose2
from patrol.operations import Accepted, Command, CommandKind, Mission, Refused, Route
from patrol.promise import Promise, idleness_kept
from tests.mission.kinematic import Drill, FlatWorld
from tests.mission.places import room, room_stops

SITE = room(waypoints=room_stops())
SECRET = bytes(range(32))
PLACES = tuple(
    PlaceEntry(name=one.waypoint_id, x_m=one.pose.x_m, y_m=one.pose.y_m, yaw_rad=0.0, dwell_s=0.0) for one in room_stops()
)
FILE = MissionFile(name="Night", mode="unpredictable", unpredictable=UnpredictableFile(attack_s=60.0))
TEXT = "name: Night\nmode: unpredictable\nlaps: 4\nunpredictable: {attack_s: 60}\n"
ROUND = (0, 1, 2)


def game() -> PatrolGame:
    """Three places, each 20 s from each."""
    ways = {(a, b): 20.0 for a in ROUND for b in ROUND if a != b}
    return game_from_times(ways, dict.fromkeys(ROUND, 60.0), dwell_s=[0.0] * 3, tick_s=1.0)


def patrol() -> DrawnPatrol:
    """A walk that goes either way with even chances, under a guard."""
    played = game()
    graph = unfold(played, Memory(places=0))
    guard = make_guard(played, ROUND, least_limit(played, ROUND))
    return DrawnPatrol(played, Walk(graph=graph, chance=np.full(graph.steps, 0.5)), guard)


def route() -> DrawnRoute:
    return DrawnRoute(patrol=patrol(), stops=tuple(place.stop() for place in PLACES))


def mission(laps: int = 4) -> Mission:
    stops = tuple(place.stop() for place in PLACES)
    return Mission(mission_id="night", name="Night", route=Route(route_id="night", waypoints=stops), laps=laps, is_drawn=True)


def begun(command_id: str = "c1", laps: int = 4, pose: Pose2 | None = None) -> tuple[Drawing, Ledger]:
    drawing = Drawing({"night": route()}, SECRET)
    return drawing, drawing.begun(Ledger(mission=mission(laps), leg_started_ns=0), command_id, pose)


def names(ledger: Ledger) -> list[str]:
    return [stop.waypoint_id for stop in ledger.mission.route.waypoints]


def driven(legs_s: list[float], missed: frozenset[int] = frozenset(), laps: int = 4) -> Ledger:
    """The ledger after visits that took so long each."""
    drawing, ledger = begun(laps=laps)
    now_ns = 0
    for index in range(ledger.legs):
        now_ns += nanoseconds(legs_s[index % len(legs_s)])
        settled = (
            ledger.settled("missed", "the way is blocked", now_ns) if index in missed else ledger.settled("reached", "", now_ns)
        )
        ledger = drawing.continued(settled)
    return ledger


def test_a_patrol_has_as_many_visits_as_its_laps_have_stops_and_begins_nearby() -> None:
    _, ledger = begun(laps=5, pose=Pose2(19.0, 12.0, 0.0))
    assert (ledger.legs, ledger.mission.laps, ledger.total) == (15, 1, 15)
    assert names(ledger)[0] == "B"
    assert mission(5).laps_counted == (1, 15)
    assert all(one != other for one, other in zip(names(ledger), names(ledger)[1:], strict=False))


def test_each_start_is_drawn_anew_and_none_without_the_secret() -> None:
    drawn = {tuple(names(begun(f"c{number}")[1])) for number in range(20)}
    assert len(drawn) > 15
    assert names(begun("c1")[1]) == names(begun("c1")[1])
    other = Drawing({"night": route()}, bytes(32)).begun(Ledger(mission=mission(), leg_started_ns=0), "c1", None)
    assert names(other) != names(begun("c1")[1])
    assert "no secret" in Drawing({"night": route()}, None).why_not("night")
    assert Drawing({}, None).why_not("perimeter") == ""


def test_visits_in_their_planned_times_change_nothing() -> None:
    drawing, ledger = begun()
    planned = names(ledger)
    for index in range(6):
        ledger = drawing.continued(ledger.settled("reached", "", nanoseconds(20.0 * (index + 1))))
        assert names(ledger) == planned


@given(st.lists(st.floats(min_value=15.0, max_value=20.0), min_size=12, max_size=12))
def test_no_place_goes_unseen_beyond_the_limit_while_legs_take_no_longer_than_planned(legs_s: list[float]) -> None:
    kept = idleness_kept(driven(legs_s).outcomes)
    assert kept is not None
    limit = route().patrol.guard
    assert limit is not None
    assert kept.worst_s <= limit.limit_ticks + 12


def test_a_late_robot_is_sent_where_it_is_due() -> None:
    """One leg that takes very long makes every place overdue: the guard sweeps all of them next."""
    drawing, ledger = begun()
    ledger = drawing.continued(ledger.settled("reached", "", nanoseconds(20.0)))
    ledger = drawing.continued(ledger.settled("reached", "", nanoseconds(900.0)))
    assert set(names(ledger)[1:4]) >= {"A", "B", "C"} - {names(ledger)[0]}


def test_a_missed_place_counts_as_unseen() -> None:
    late = driven([20.0], missed=frozenset({3, 4}))
    on_time = driven([20.0])
    assert names(late)[:4] == names(on_time)[:4]
    assert [one.outcome for one in late.outcomes].count("missed") == 2
    assert late.is_done


def test_a_drawn_mission_survives_the_process_at_every_visit() -> None:
    """A new executive on the same store drives the very route that the old one would have driven."""
    store = MemoryStore()
    given = {"night": route()}

    def executive() -> Executive:
        return Executive(
            ExecutiveConfig(), SITE, [mission(laps=2)], base_from_lidar=IDENTITY2, store=store, drawn=given, secret=SECRET
        )

    run = Drill(FlatWorld(SITE, start=SITE.docks[0].pose, seed=0), executive())
    run.step()
    assert isinstance(run.order(CommandKind.START, "night"), Accepted)
    ledger = run.executive.situation.ledger
    assert ledger is not None
    planned = names(ledger)
    for count in range(1, 4):
        assert run.run(90.0, _has(run, count))
        again = executive()
        before, after = run.executive.situation.ledger, again.situation.ledger
        assert before is not None
        assert after is not None
        assert (after.mission, after.outcomes) == (before.mission, before.outcomes)
        run.executive = again
    assert [one.waypoint_id for one in run.outcomes][:1] == planned[:1]
    assert {one.outcome for one in run.outcomes} == {"reached"}


def _has(run: Drill, count: int) -> Callable[[Decision], bool]:
    """The newest outcome may be told again after a restart; mission, lap and leg identify it."""
    return lambda _: len({one.leg for one in run.outcomes}) == count


def test_without_a_secret_a_drawn_mission_is_refused() -> None:
    run = Executive(ExecutiveConfig(), SITE, [mission()], base_from_lidar=IDENTITY2, drawn={"night": route()})
    order = Command(command_id="c", kind=CommandKind.START, expires_ns=10**12, issued_by="anna", mission_id="night")
    answer = run.accept(order, 0)
    assert isinstance(answer, Refused)
    assert "secret" in answer.because
    assert run.situation.ledger is None


def walk_file(file: MissionFile = FILE) -> WalkFile:
    played = game()
    guard = route().patrol.guard
    return WalkFile(
        mission_id="night",
        site_id=SITE.site_id,
        fits=prepared_for(file, SITE),
        tick_s=played.tick_s,
        places=PLACES,
        round_places=ROUND,
        dwell_ticks=played.dwell_ticks,
        moves=tuple((move.start, move.end, move.ticks) for move in played.moves),
        targets=tuple((one.place, one.attack_ticks, one.weight, one.detection) for one in played.targets),
        walk=walk_entry(patrol()),
        guard_ticks=None if guard is None else guard.limit_ticks,
        promise=Promise(mode="free", worst_idleness_s=90.0, average_idleness_s=30.0, attack_s=60.0, capture=0.5),
    )


def written(folder: Path, *, text: str = TEXT, walk: WalkFile | None = None) -> Path:
    path = folder / "night.yaml"
    path.write_text(text, "utf-8")
    if walk is not None:
        walk_path(path, SITE).write_text(walk.model_dump_json(), "utf-8")
    return path


def test_a_prepared_mission_is_read_with_its_walk_and_promise(tmp_path: Path) -> None:
    path = written(tmp_path, walk=walk_file())
    duties = read_duties(path, SITE, laps=7)
    assert (duties.missions[0].laps, duties.missions[0].is_drawn) == (7, True)
    assert [stop.waypoint_id for stop in duties.missions[0].route.waypoints] == ["A", "B", "C"]
    assert duties.drawn["night"].patrol.guard is not None
    assert promise_of(path, duties.missions[0], SITE).capture == 0.5


@pytest.mark.parametrize("change", ["speed_mps: 0.5", "dwell_s: 3"])
def test_a_walk_for_another_mission_or_site_is_refused(tmp_path: Path, change: str) -> None:
    with pytest.raises(BadInput, match="patrol mission prepare"):
        read_mission(written(tmp_path), SITE)
    path = written(tmp_path, text=f"{TEXT}{change}\n", walk=walk_file())
    with pytest.raises(BadInput, match="another mission or site"):
        read_mission(path, SITE)
    moved = room(waypoints=(*room_stops()[:2], replace(room_stops()[2], pose=Pose2(5.0, 13.0, 0.0))))
    with pytest.raises(BadInput, match="another mission or site"):
        read_mission(written(tmp_path, walk=walk_file()), moved)


def test_a_damaged_walk_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, walk=walk_file().model_copy(update={"round_places": (0, 1)}))
    with pytest.raises(BadInput, match="no prepared walk"):
        read_walk(walk_path(path, SITE), prepared_for(FILE, SITE))


def test_how_often_a_mission_is_driven_does_not_need_another_walk() -> None:
    assert prepared_for(FILE, SITE) == prepared_for(FILE.model_copy(update={"laps": 9, "calendar": "a.calendar.yaml"}), SITE)
    assert math.isfinite(walk_file().promise.worst_idleness_s)
