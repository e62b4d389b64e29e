# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mission.executive import UNKNOWN_CHARGE, UNKNOWN_STD_M, Executive, ExecutiveConfig
from mission.facts.fact import Fact, Observed
from mission.inputs import Decision, ExecutiveInputs
from mission.navigator import NavigatorConfig
from mission.route import perimeter_route
from mission.store import FileStore, MemoryStore, Store
from patrol.geometry import IDENTITY2, STOPPED, Pose2
from patrol.operations import Accepted, CommandKind, Mission, Mode, Refused
from patrol.site import Site
from tests.mission.kinematic import Drill, FlatWorld
from tests.mission.places import circle, rectangle, room, room_stops

SITE = room(waypoints=room_stops())


def mission(site: Site = SITE, *, laps: int = 1, docks_after: bool = True) -> Mission:
    return Mission(mission_id="m", name="M", route=perimeter_route(site), laps=laps, docks_after=docks_after)


def drill(
    *,
    site: Site = SITE,
    laps: int = 1,
    docks_after: bool = True,
    store: Store | None = None,
    config: ExecutiveConfig | None = None,
) -> Drill:
    world = FlatWorld(site, start=site.docks[0].pose, seed=0)
    missions = [mission(site, laps=laps, docks_after=docks_after)]
    return Drill(world, Executive(config or ExecutiveConfig(), site, missions, base_from_lidar=IDENTITY2, store=store))


def in_mode(mode: Mode) -> Callable[[Decision], bool]:
    return lambda decision: decision.state.mode is mode


def speed(run: Drill) -> float:
    return abs(run.world.twist.forward_mps)


def test_without_anything_known_it_stands_and_says_so() -> None:
    decision = Executive(ExecutiveConfig(), SITE, [mission()], base_from_lidar=IDENTITY2).step(ExecutiveInputs(now_ns=1))
    assert (decision.twist, decision.state.mode, decision.state.map_from_base) == (STOPPED, Mode.IDLE, None)
    assert decision.state.why == "Idle: waiting for a mission."
    assert (decision.state.position_std_m, decision.state.charge) == (UNKNOWN_STD_M, UNKNOWN_CHARGE)
    assert "The robot does not know where it is (no position estimate yet)." in decision.facts


def test_a_lap_reaches_every_waypoint_and_ends_at_the_dock() -> None:
    run = drill(laps=2)
    assert run.order(CommandKind.START, "m") == Accepted(command_id="c1")
    assert run.run(240.0, in_mode(Mode.DOCKED))
    assert [(one.lap, one.leg, one.waypoint_id, one.outcome) for one in run.outcomes] == [
        (lap, leg, name, "reached") for lap in (0, 1) for leg, name in enumerate("ABC")
    ]
    assert run.world.pose.distance_to(SITE.docks[0].pose) < 0.6
    assert run.world.contact_speeds_mps == []
    assert run.decision is not None
    assert run.decision.mission_done
    assert run.order(CommandKind.DOCK) == Refused(command_id="c2", because="can not dock while docked")


def test_progress_grows_and_the_sentence_names_the_waypoint() -> None:
    run = drill(docks_after=False)
    run.order(CommandKind.START, "m")
    first = run.step().state
    assert first.progress is not None
    assert (first.progress.waypoint_id, first.progress.fraction) == ("A", 0.0)
    assert first.why == "Driving to waypoint A (leg 1 of 3, lap 1 of 1)."
    assert run.run(60.0, lambda _: len(run.outcomes) == 2)
    second = run.step().state.progress
    assert second is not None
    assert second.fraction == pytest.approx(2 / 3)
    assert 0.0 < second.time_left_s < first.progress.time_left_s
    assert run.run(60.0, in_mode(Mode.IDLE))


def test_pause_stands_and_resume_goes_on_at_the_breakpoint() -> None:
    run = drill()
    run.order(CommandKind.START, "m")
    run.run(30.0, lambda _: len(run.outcomes) == 1)
    run.order(CommandKind.PAUSE)
    run.run(3.0, lambda _: False)
    stood_at = run.world.pose
    run.run(5.0, lambda _: False)
    assert speed(run) == 0.0
    assert run.world.pose.distance_to(stood_at) < 0.01
    run.order(CommandKind.RESUME)
    assert run.run(120.0, in_mode(Mode.DOCKED))
    assert [one.waypoint_id for one in run.outcomes] == ["A", "B", "C"]


def test_abort_pre_empts_the_rest_and_a_new_start_begins_anew() -> None:
    run = drill()
    run.order(CommandKind.START, "m")
    run.run(30.0, lambda _: len(run.outcomes) == 1)
    run.order(CommandKind.ABORT)
    run.step()
    assert [(one.outcome, one.because) for one in run.outcomes[1:]] == [("pre-empted", "Aborted by anna.")] * 2
    run.order(CommandKind.START, "m")
    assert run.run(120.0, in_mode(Mode.DOCKED))
    assert len(run.outcomes) == 6


def test_the_estop_stops_within_a_step_and_waits_for_people() -> None:
    run = drill()
    run.order(CommandKind.START, "m")
    run.run(6.0, lambda _: False)
    assert speed(run) > 0.5
    run.order(CommandKind.ESTOP)
    assert run.step().twist == STOPPED
    assert isinstance(run.order(CommandKind.ESTOP_RESET), Refused)
    assert isinstance(run.order(CommandKind.ESTOP_ARM_RESET), Accepted)
    assert isinstance(run.order(CommandKind.ESTOP_RESET), Accepted)
    run.run(3.0, lambda _: False)
    assert (run.step().state.mode, speed(run)) == (Mode.PAUSED, 0.0)
    run.order(CommandKind.RESUME)
    assert run.run(120.0, in_mode(Mode.DOCKED))
    assert len(run.outcomes) == 3


@pytest.mark.parametrize(
    ("trouble", "words"),
    [
        ("doubt", "position is in doubt (scan does not fit the map)"),
        ("silence", "no new position for 0.4 s"),
        ("node", "software is not running (slam)"),
    ],
)
def test_trouble_holds_with_a_reason_and_the_patrol_goes_on_after_it(trouble: str, words: str) -> None:
    run = drill()
    run.order(CommandKind.START, "m")
    run.run(6.0, lambda _: False)
    run.doubt = "scan does not fit the map" if trouble == "doubt" else ""
    run.blind = trouble == "silence"
    run.facts = (Observed(fact=Fact.NODE_DEAD, detail="slam"),) if trouble == "node" else ()
    run.run(3.0, lambda _: False)
    held = run.step()
    assert (held.state.mode, held.twist, speed(run)) == (Mode.HELD, STOPPED, 0.0)
    assert words in held.state.why or any(words in fact for fact in held.facts)
    run.doubt, run.blind, run.facts = "", False, ()
    assert run.run(120.0, in_mode(Mode.DOCKED))
    assert [one.outcome for one in run.outcomes] == ["reached"] * 3


def test_a_dead_node_means_zero_at_the_very_next_step() -> None:
    run = drill()
    run.order(CommandKind.START, "m")
    run.run(6.0, lambda _: False)
    run.facts = (Observed(fact=Fact.NODE_DEAD, detail="slam"),)
    assert run.step().twist == STOPPED


def test_a_lost_link_is_told_and_driven_through() -> None:
    run = drill()
    run.facts = (Observed(fact=Fact.LINK_LOST),)
    run.order(CommandKind.START, "m")
    assert run.run(120.0, in_mode(Mode.DOCKED))
    assert run.decision is not None
    assert run.decision.facts == ("The link to the command centre is lost.",)


def test_a_low_battery_brings_the_robot_home() -> None:
    run = drill(laps=3)
    run.order(CommandKind.START, "m")
    run.run(20.0, lambda _: False)
    run.charge = 0.2
    assert run.run(60.0, in_mode(Mode.DOCKED))
    assert len(run.outcomes) == 9
    assert run.outcomes[-1].because == "The battery is low (below 25%)."


def test_a_waypoint_that_is_taken_is_reported_and_the_patrol_goes_on() -> None:
    run = drill()
    run.world.extra = [rectangle(18.0, 11.0, 22.0, 15.5)]
    run.order(CommandKind.START, "m")
    assert run.run(200.0, in_mode(Mode.DOCKED))
    assert [(one.waypoint_id, one.outcome) for one in run.outcomes] == [("A", "reached"), ("B", "missed"), ("C", "reached")]
    assert "waypoint B" in run.outcomes[1].because
    assert run.world.contact_speeds_mps == []


def test_a_way_that_gets_blocked_is_driven_around() -> None:
    run = drill()
    run.order(CommandKind.START, "m")
    run.run(5.0, lambda _: False)
    run.world.extra = [rectangle(14.0, 0.1, 15.0, 4.5)]
    assert run.run(160.0, in_mode(Mode.DOCKED))
    assert [one.outcome for one in run.outcomes] == ["reached"] * 3
    assert run.world.contact_speeds_mps == []


def test_a_robot_that_is_walled_in_misses_every_waypoint_in_bounded_time() -> None:
    run = drill(config=ExecutiveConfig(navigator=NavigatorConfig(no_plan_s=3.0)))
    run.world.extra = [rectangle(5.0, 0.1, 5.5, 6.0), rectangle(0.1, 5.5, 5.5, 6.0)]
    run.order(CommandKind.START, "m")
    assert run.run(200.0, in_mode(Mode.IDLE))
    assert run.decision is not None
    assert run.step().state.why == "Idle. At the dock, but no charging current came in 3 attempts."
    assert [one.outcome for one in run.outcomes] == ["missed"] * 3
    assert {one.because.split(" (")[0] for one in run.outcomes} == {"no free way leads to the goal"}


def test_outside_the_fence_it_holds() -> None:
    run = drill()
    run.world.pose = Pose2(3.0, -2.0, 0.0)
    run.order(CommandKind.START, "m")
    run.run(1.0, lambda _: False)
    assert run.step().state.why == "Held: The robot is outside its fence."


def test_a_killed_process_goes_on_at_the_breakpoint(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    run = drill(store=FileStore(path))
    start = run.order(CommandKind.START, "m")
    run.run(60.0, lambda _: len(run.outcomes) == 2)
    run.executive = Executive(ExecutiveConfig(), SITE, [mission()], base_from_lidar=IDENTITY2, store=FileStore(path))
    assert run.executive.situation.mode is Mode.HELD
    run._commands = 0
    assert run.order(CommandKind.START, "m") == start
    assert run.run(120.0, in_mode(Mode.DOCKED))
    assert sorted({(one.leg, one.outcome) for one in run.outcomes}) == [(leg, "reached") for leg in range(3)]
    assert len(run.outcomes) <= 4


def test_an_estop_outlives_the_process() -> None:
    store = MemoryStore()
    run = drill(store=store)
    run.order(CommandKind.START, "m")
    run.order(CommandKind.ESTOP)
    again = drill(store=store)
    assert again.step().state.mode is Mode.ESTOPPED


def test_a_pillar_on_the_line_is_passed_without_a_touch() -> None:
    run = drill()
    run.world.extra = [circle(11.0, 3.0, 0.3)]
    run.order(CommandKind.START, "m")
    assert run.run(160.0, in_mode(Mode.DOCKED))
    assert [one.outcome for one in run.outcomes] == ["reached"] * 3
    assert run.world.contact_speeds_mps == []
