# SPDX-License-Identifier: Apache-2.0
"""Who raises each fact: every monitor fed with what is well, and with what is not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mission.body import Body
from mission.facts.board import FactBoard, FactsConfig
from mission.facts.clocks import ClockConfig, ClockWatch
from mission.facts.eyes import EyeConfig, LensWatch, ModelWatch, PictureSeen
from mission.facts.fact import Fact, Observed
from mission.facts.gnss import GnssConfig, GnssWatch
from mission.facts.links import LinkConfig, LinkWatch, NodeConfig, NodeWatch, Pulse
from mission.facts.motion import MotionConfig, MotionWatch
from mission.facts.sanity import digest_of, garbage_in
from mission.facts.streams import Stream
from mission.geofence import Geofence, GeofenceConfig
from mission.inputs import ExecutiveInputs
from patrol.estimate import PoseEstimate
from patrol.geometry import STOPPED, Pose2, Twist2
from patrol.local_frame import LocalFrame
from patrol.percepts import GroundPosition, Label, Track
from patrol.sensors import Battery, Fix, Imu, Odometry, Scan
from tests.mission.places import DATUM, room

S = 1_000_000_000
STEP_NS = 50_000_000
HERE = Pose2(6.0, 5.0, 0.0)


def told(facts: Iterator[Observed]) -> set[Fact]:
    return {observed.fact for observed in facts}


def estimate(
    pose: Pose2 = HERE, *, odom: Pose2 | None = None, stamp_ns: int = S, std_m: float = 0.02, doubt: str = ""
) -> PoseEstimate:
    odom = pose if odom is None else odom
    return PoseEstimate(
        stamp_ns=stamp_ns,
        map_from_odom=pose @ odom.inverse(),
        odom_from_base=odom,
        covariance=np.diag([std_m**2, std_m**2, 1e-4]),
        doubt=doubt,
    )


def scan(ranges: float | np.ndarray = 3.0, stamp_ns: int = S) -> Scan:
    values = np.linspace(2.0, 4.0, 90) if isinstance(ranges, float) else ranges
    return Scan(
        stamp_ns=stamp_ns,
        frame_id="lidar_link",
        angle_min_rad=-math.pi,
        angle_step_rad=2.0 * math.pi / 90,
        range_min_m=0.1,
        range_max_m=40.0,
        ranges_m=values.astype(np.float32),
    )


def imu(stamp_ns: int = S, *, turn: float = 0.0, force: tuple[float, float, float] = (0.0, 0.0, 9.81)) -> Imu:
    return Imu(
        stamp_ns=stamp_ns,
        frame_id="imu_link",
        angular_velocity_radps=np.array([0.0, 0.0, turn]),
        linear_acceleration_mps2=np.array(force),
    )


def person(track_id: int = 1, *, speed_mps: float = 1.0, at: tuple[float, float] = (6.5, 5.0)) -> Track:
    ground = GroundPosition(position_m=np.array(at), velocity_mps=np.array([speed_mps, 0.0]), covariance_m2=np.eye(2) * 0.1)
    return Track(
        track_id=track_id,
        label=Label.PERSON,
        state="confirmed",
        stamp_ns=S,
        first_seen_ns=0,
        last_seen_ns=S,
        hits=3,
        score=0.9,
        box=None,
        ground=ground,
    )


def stream(*, silent_s: float = 0.4, needed: bool = True) -> Stream:
    return Stream("scan", silent_s=silent_s, delayed_s=0.3, repeats=3, silent=Fact.SENSOR_SILENT, needed=needed)


def test_a_needed_stream_is_missed_from_the_start_and_another_is_not() -> None:
    assert [one.detail for one in stream().facts(0)] == ["no scan yet"]
    assert told(stream(needed=False).facts(0)) == set()


def test_a_stream_is_silent_after_its_time_and_well_before() -> None:
    one = stream()
    one.hear(S, S, digest=None)
    assert told(one.facts(S + 400_000_000)) == set()
    assert told(one.facts(S + 400_000_001)) == {Fact.SENSOR_SILENT}


def test_a_late_stream_is_delayed_on_average_not_at_once() -> None:
    one = stream(silent_s=5.0)
    one.hear(S, S + 100_000_000, digest=None)
    for index in range(1, 4):
        one.hear(S + index, S + index + 600_000_000, digest=None)
    assert told(one.facts(S)) == {Fact.SENSOR_DELAYED}
    quick = stream(silent_s=5.0)
    for index in range(9):
        quick.hear(S + index, S + index + (600_000_000 if index == 4 else 100_000_000), digest=None)
    assert told(quick.facts(S)) == set()


def test_equal_payloads_are_a_stuck_sensor_unless_they_prove_nothing() -> None:
    one = stream()
    for index in range(4):
        assert told(one.facts(S)) <= {Fact.SENSOR_SILENT}
        one.hear(S + index, S, digest=7)
    assert told(one.facts(S)) == {Fact.SENSOR_STUCK}
    one.hear(S + 9, S, digest=8)
    assert told(one.facts(S)) == set()
    for index in range(9):
        one.hear(S + 10 + index, S, digest=None)
    assert told(one.facts(S)) == set()


def test_garbage_and_stamps_of_the_future_are_told_until_the_next_good_one() -> None:
    one = stream()
    one.hear(S, S, digest=None, garbage="no beams")
    assert [seen.detail for seen in one.facts(S)] == ["scan: no beams"]
    one.hear(S + 1, S, digest=None)
    assert told(one.facts(S)) == set()
    one.hear(2 * S, S, digest=None)
    assert told(one.facts(S)) == {Fact.SENSOR_GARBAGE}
    one.hear(2 * S, S, digest=None, garbage="an old one, left out")
    assert "future" in next(one.facts(S)).detail


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        (scan(), ""),
        (scan(np.zeros(0)), "no beams"),
        (scan(np.full(90, np.nan)), "broken"),
        (scan(np.full(90, 3.0)), "equally long"),
        (scan(np.full(90, np.inf)), ""),
        (Odometry(stamp_ns=0, odom_from_base=HERE, twist=Twist2(1.0)), ""),
        (Odometry(stamp_ns=0, odom_from_base=HERE, twist=Twist2(30.0)), "faster"),
        (Odometry(stamp_ns=0, odom_from_base=HERE, twist=Twist2(0.0, 0.0, 50.0)), "faster"),
        (imu(), ""),
        (imu(force=(math.nan, 0.0, 0.0)), "not finite"),
        (imu(force=(0.0, 500.0, 0.0)), "beyond"),
        (imu(turn=100.0), "beyond"),
        (Fix(stamp_ns=0, latitude_deg=52.0, longitude_deg=13.0, altitude_m=0.0, covariance_m2=np.eye(3)), ""),
        (Fix(stamp_ns=0, latitude_deg=520.0, longitude_deg=13.0, altitude_m=0.0, covariance_m2=np.eye(3)), "no place"),
        (Battery(stamp_ns=0, charge=0.5, voltage_v=25.0, current_a=-1.0), ""),
        (Battery(stamp_ns=0, charge=0.5, voltage_v=0.0, current_a=-1.0), "can not be"),
    ],
)
def test_what_can_not_be_is_known_as_such(measured: Scan | Odometry | Imu | Fix | Battery, words: str) -> None:
    because = garbage_in(measured)
    assert words in because
    assert bool(words) == bool(because)


def test_the_digest_is_of_the_payload_and_only_where_it_proves_something() -> None:
    assert digest_of(scan()) == digest_of(replace(scan(), stamp_ns=5)) != digest_of(scan(np.linspace(2.0, 4.1, 90)))
    assert digest_of(scan(np.full(90, np.inf))) is None
    assert digest_of(imu()) == digest_of(imu(9)) != digest_of(imu(turn=0.1))
    assert digest_of(Battery(stamp_ns=0, charge=0.5, voltage_v=25.0, current_a=-1.0)) is None


def driven(
    seconds: float,
    *,
    wheels_mps: float = 0.0,
    ground_mps: float = 0.0,
    told_: Twist2 | None = STOPPED,
    wheels_radps: float = 0.0,
    gyro_radps: float | None = None,
    force: tuple[float, float, float] = (0.0, 0.0, 9.81),
) -> set[Fact]:
    watch = MotionWatch(MotionConfig())
    for index in range(round(seconds / 0.05)):
        now_ns = S + index * STEP_NS
        at_s = index * 0.05
        if gyro_radps is not None:
            watch.hear_imu(imu(now_ns, turn=gyro_radps, force=force))
        odom = Pose2(wheels_mps * at_s, 0.0, wheels_radps * at_s)
        ground = Pose2(ground_mps * at_s, 0.0, wheels_radps * at_s)
        watch.look(estimate(ground, odom=odom, stamp_ns=now_ns), told_)
    return told(watch.facts())


def test_driving_and_standing_well_raise_nothing() -> None:
    forward = Twist2(1.0)
    assert driven(6.0, wheels_mps=1.0, ground_mps=1.0, told_=forward, gyro_radps=0.001) == set()
    assert driven(6.0, gyro_radps=0.001) == set()
    turning = Twist2(0.0, 0.0, 0.5)
    assert driven(6.0, wheels_radps=0.5, told_=turning, gyro_radps=0.5) == set()


def test_wheels_that_turn_without_the_robot_slip_and_then_it_is_stuck() -> None:
    assert driven(2.2, wheels_mps=1.0, ground_mps=0.1, told_=Twist2(1.0)) == {Fact.WHEEL_SLIP}
    assert driven(4.5, wheels_mps=1.0, ground_mps=0.01, told_=Twist2(1.0)) == {Fact.WHEEL_SLIP, Fact.STUCK}
    assert driven(1.5, wheels_mps=1.0, ground_mps=0.1, told_=Twist2(1.0)) == set()
    assert driven(3.0, wheels_radps=0.6, told_=Twist2(0.0, 0.0, 0.6), gyro_radps=0.1) == {Fact.WHEEL_SLIP}


def test_a_robot_told_to_move_that_does_not_is_stuck() -> None:
    assert driven(4.5, told_=Twist2(0.4)) == {Fact.STUCK}
    assert driven(4.5, told_=Twist2(0.0, 0.0, 0.4)) == {Fact.STUCK}
    assert driven(4.5, told_=Twist2(0.05)) == set()
    assert driven(3.5, told_=Twist2(0.4)) == set()


def test_a_robot_told_to_stand_that_moves_was_pushed() -> None:
    assert driven(2.5, wheels_mps=0.3, ground_mps=0.3) == {Fact.PUSHED}
    assert driven(2.5, gyro_radps=0.5) >= {Fact.PUSHED}
    assert driven(1.5, wheels_mps=0.3, ground_mps=0.3) == set()
    assert driven(2.5, wheels_mps=0.3, ground_mps=0.3, told_=None) == set()


def test_a_robot_that_rolls_out_while_nobody_knows_where_it_is_was_not_pushed() -> None:
    """The newest estimate repeats itself for two seconds and then shows a robot two metres on."""
    watch = MotionWatch(MotionConfig())
    for index in range(60):
        watch.look(estimate(Pose2(0.05 * index, 0.0, 0.0), stamp_ns=S + index * STEP_NS), Twist2(1.0))
    for _ in range(40):
        watch.look(estimate(Pose2(2.95, 0.0, 0.0), stamp_ns=S + 59 * STEP_NS), STOPPED)
        assert told(watch.facts()) == set()
    for index in range(100, 130):
        watch.look(estimate(Pose2(5.0, 0.0, 0.0), stamp_ns=S + index * STEP_NS), STOPPED)
        assert told(watch.facts()) == set()


def test_gravity_from_the_side_is_tipped_and_a_bump_is_not() -> None:
    assert driven(2.0, gyro_radps=0.0, force=(0.0, 9.0, 3.0)) == {Fact.TIPPED}
    watch = MotionWatch(MotionConfig())
    for index in range(200):
        bump = 20.0 if 100 <= index < 103 else 0.0
        watch.hear_imu(imu(S + index * 10_000_000, force=(bump, 0.0, 9.81)))
        assert told(watch.facts()) == set()


def test_time_that_goes_back_or_leaps_is_a_clock_jump() -> None:
    watch = ClockWatch(ClockConfig())
    for index in range(60):
        watch.tick(S + index * STEP_NS, 7 * S + index * STEP_NS)
        assert told(watch.facts()) == set()
    watch.tick(3 * S, 10 * S)
    assert [one.detail for one in watch.facts()] == ["back"]
    watch.tick(3 * S + STEP_NS, 10 * S + STEP_NS)
    assert told(watch.facts()) == set()
    watch.tick(5 * S, 10 * S + 2 * STEP_NS)
    assert [one.detail for one in watch.facts()] == ["forwards"]


@pytest.mark.parametrize("pace", [0.2, 1.0, 8.0])
def test_simulated_time_at_any_even_pace_does_not_jump(pace: float) -> None:
    watch = ClockWatch(ClockConfig())
    for index in range(200):
        watch.tick(S + index * STEP_NS, round(index * STEP_NS / pace))
        assert told(watch.facts()) == set()


def test_too_few_steps_are_a_starved_computer() -> None:
    watch = ClockWatch(ClockConfig())
    seen: list[set[Fact]] = []
    for index in range(20):
        watch.tick(S + index * 300_000_000, None)
        seen.append(told(watch.facts()))
    assert seen[3] == set()
    assert seen[-1] == {Fact.CPU_STARVED}


def test_a_link_is_lost_only_once_it_was_there_and_flaps_when_lost_often() -> None:
    watch = LinkWatch(LinkConfig())
    watch.hear(up=False, now_ns=0)
    assert told(watch.facts(0)) == set()
    for index in range(4):
        watch.hear(up=True, now_ns=index * S)
        assert Fact.LINK_LOST not in told(watch.facts(index * S))
        watch.hear(up=False, now_ns=index * S + 1)
    assert told(watch.facts(4 * S)) == {Fact.LINK_LOST, Fact.LINK_FLAPPING}
    watch.hear(up=True, now_ns=5 * S)
    assert told(watch.facts(5 * S)) == {Fact.LINK_FLAPPING}
    assert told(watch.facts(61 * S)) == set()


def test_a_process_is_dead_when_silent_and_hangs_when_its_work_stands_still() -> None:
    watch = NodeWatch(NodeConfig())
    assert told(watch.facts(99 * S)) == set()
    for index in range(7):
        watch.hear(Pulse(name="slam", stamp_ns=index * S, work=min(index, 1)))
        watch.hear(Pulse(name="stop", stamp_ns=index * S))
        watch.hear(Pulse(name="uplink", stamp_ns=0))
    assert told(watch.facts(6 * S)) == {Fact.NODE_HUNG, Fact.HELPER_DEAD}
    assert [one.detail for one in watch.facts(10 * S)] == ["slam, stop", "uplink"]
    assert told(watch.facts(10 * S)) == {Fact.NODE_DEAD, Fact.HELPER_DEAD}
    watch.hear(Pulse(name="slam", stamp_ns=10 * S, work=2))
    assert [one.detail for one in watch.facts(10 * S)] == ["stop", "uplink"]


def test_a_dirty_lens_still_sees() -> None:
    watch = LensWatch()
    watch.hear(PictureSeen(stamp_ns=0, lens="dirty"))
    assert told(watch.facts()) == set()


@pytest.mark.parametrize("lens", ["covered", "dazzled", "frozen", "dark"])
def test_a_camera_that_can_not_see_is_told_with_the_reason_until_it_sees_again(lens: str) -> None:
    watch = LensWatch()
    watch.hear(PictureSeen(stamp_ns=0))
    assert told(watch.facts()) == set()
    watch.hear(PictureSeen(stamp_ns=S, lens=lens))
    assert [(one.fact, one.detail) for one in watch.facts()] == [(Fact.LENS_COVERED, f"it is {lens}")]
    watch.hear(PictureSeen(stamp_ns=2 * S))
    assert told(watch.facts()) == set()


def test_tracks_that_can_not_be_are_nonsense() -> None:
    watch = ModelWatch(EyeConfig())
    watch.hear((person(1), person(2)), S)
    assert told(watch.facts()) == set()
    watch.hear((person(1, speed_mps=40.0),), 2 * S)
    assert told(watch.facts()) == {Fact.MODEL_NONSENSE}
    watch.hear((person(1, speed_mps=math.nan),), 3 * S)
    assert told(watch.facts()) == {Fact.MODEL_NONSENSE}
    watch.hear((), 4 * S)
    assert told(watch.facts()) == set()
    watch.hear(tuple(person(number) for number in range(3, 70)), 5 * S)
    assert [one.detail for one in watch.facts()] == ["more than 60 things at once"]
    for index in range(10):
        watch.hear(tuple(person(100 + 6 * index + each) for each in range(6)), 7 * S + index * STEP_NS)
    assert [one.detail for one in watch.facts()] == ["more than 40 new things in a second"]


def fix_at(x_m: float, y_m: float, *, valid: bool = True) -> Fix:
    longitude, latitude, altitude = LocalFrame(DATUM).to_wgs84(np.array([x_m, y_m, 0.0]))
    return Fix(
        stamp_ns=S,
        latitude_deg=float(latitude),
        longitude_deg=float(longitude),
        altitude_m=float(altitude),
        covariance_m2=np.eye(3) * 0.25,
        valid=valid,
    )


def test_a_fix_far_from_the_map_contradicts_it() -> None:
    watch = GnssWatch(GnssConfig(), DATUM)
    watch.hear(fix_at(7.0, 6.0), estimate())
    assert told(watch.facts()) == set()
    watch.hear(fix_at(40.0, 6.0), estimate())
    assert told(watch.facts()) == {Fact.GNSS_SPOOFED}
    watch.hear(fix_at(40.0, 6.0, valid=False), estimate())
    assert told(watch.facts()) == set()
    watch.hear(fix_at(40.0, 6.0), None)
    assert told(watch.facts()) == set()
    watch.hear(fix_at(40.0, 6.0), estimate(doubt="lost"))
    assert told(watch.facts()) == set()


def board() -> FactBoard:
    return FactBoard(FactsConfig(), Geofence(GeofenceConfig(), Body(), room()), DATUM)


def well(now_ns: int = S, **changes: Any) -> ExecutiveInputs:
    given: dict[str, Any] = {"now_ns": now_ns, "estimate": estimate(stamp_ns=now_ns), "scan": scan(stamp_ns=now_ns)}
    return replace(ExecutiveInputs(now_ns=now_ns), **(given | changes))


def on_board(*inputs: ExecutiveInputs, nearest_person_m: float = math.inf) -> set[Fact]:
    one = board()
    seen: set[Fact] = set()
    for each in inputs:
        seen = {observed.fact for observed in one.facts(each, nearest_person_m=nearest_person_m)}
    return seen


def test_a_well_robot_has_no_facts() -> None:
    assert on_board(well()) == set()


CASES: dict[str, tuple[Callable[[], ExecutiveInputs], Fact]] = {
    "no estimate": (lambda: well(estimate=None), Fact.LOCALISATION_LOST),
    "old estimate": (lambda: well(estimate=estimate(stamp_ns=S // 4)), Fact.LOCALISATION_LOST),
    "doubt": (lambda: well(estimate=estimate(doubt="x")), Fact.LOCALISATION_DOUBTFUL),
    "vague": (lambda: well(estimate=estimate(std_m=1.6)), Fact.LOCALISATION_DOUBTFUL),
    "outside": (lambda: well(estimate=estimate(Pose2(-1.0, 5.0, 0.0))), Fact.OUTSIDE_GEOFENCE),
    "at the fence": (lambda: well(estimate=estimate(Pose2(2.3, 5.0, 0.0))), Fact.GEOFENCE_NEAR),
    "no scan": (lambda: well(scan=None), Fact.SENSOR_SILENT),
    "old scan": (lambda: well(scan=scan(stamp_ns=S // 2)), Fact.SENSOR_SILENT),
    "broken scan": (lambda: well(scan=scan(np.full(90, np.nan))), Fact.SENSOR_GARBAGE),
    "battery low": (lambda: well(battery=Battery(stamp_ns=S, charge=0.2, voltage_v=25.0, current_a=-1.0)), Fact.BATTERY_LOW),
    "battery empty": (
        lambda: well(battery=Battery(stamp_ns=S, charge=0.05, voltage_v=25.0, current_a=-1.0)),
        Fact.BATTERY_CRITICAL,
    ),
    "disk": (lambda: well(disk_free_bytes=1000), Fact.DISK_FULL),
    "brought along": (lambda: well(facts=(Observed(fact=Fact.ESTOP_PRESSED),)), Fact.ESTOP_PRESSED),
}


@pytest.mark.parametrize("name", CASES)
def test_the_board_tells_each_fact_of_its_inputs(name: str) -> None:
    inputs, fact = CASES[name]
    assert on_board(inputs()) == {fact}


def test_the_board_hands_everything_heard_to_its_monitors() -> None:
    assert on_board(well(), nearest_person_m=1.0) == {Fact.PERSON_CLOSE}
    assert on_board(well(link_up=True), well(S + STEP_NS, link_up=False)) == {Fact.LINK_LOST}
    assert on_board(well(heard=(Pulse(name="slam", stamp_ns=S),)), well(5 * S)) >= {Fact.NODE_DEAD}
    assert on_board(well(heard=(fix_at(99.0, 0.0),))) == {Fact.GNSS_SPOOFED}
    tipped = tuple(imu(S + index, force=(9.0, 0.0, 1.0)) for index in range(3))
    assert on_board(well(heard=tipped)) == {Fact.TIPPED}
    glances = [
        well(S + index * S, heard=(PictureSeen(stamp_ns=S + index * S, lens=lens),))
        for index, lens in enumerate(["well", "well", "covered"])
    ]
    assert on_board(*glances) == {Fact.LENS_COVERED}
    assert on_board(*glances[:2], well(6 * S)) >= {Fact.CAMERA_SILENT}
    odometry = Odometry(stamp_ns=S, odom_from_base=HERE, twist=STOPPED)
    assert on_board(well(heard=(odometry,)), well(2 * S)) >= {Fact.SENSOR_SILENT}
    assert on_board(*(well(S + index * STEP_NS) for index in range(6))) == {Fact.SENSOR_STUCK}


def test_every_monitor_is_on_by_default() -> None:
    """Each fact that the robot itself can observe is raised by a test of this module or of the executive with defaults."""
    raised = {fact for _, fact in CASES.values()} | {
        Fact.TIPPED,
        Fact.PUSHED,
        Fact.STUCK,
        Fact.WHEEL_SLIP,
        Fact.CLOCK_JUMP,
        Fact.CPU_STARVED,
        Fact.LINK_LOST,
        Fact.LINK_FLAPPING,
        Fact.NODE_DEAD,
        Fact.NODE_HUNG,
        Fact.HELPER_DEAD,
        Fact.LENS_COVERED,
        Fact.CAMERA_SILENT,
        Fact.MODEL_NONSENSE,
        Fact.PERSON_CLOSE,
        Fact.GNSS_SPOOFED,
        Fact.SENSOR_STUCK,
        Fact.SENSOR_DELAYED,
    }
    by_the_executive = {Fact.TELEOP_SILENT, Fact.DOCK_BLOCKED, Fact.INSIDE_KEEP_OUT}
    by_the_timetable = {Fact.SITE_STOPS, Fact.WEATHER_BAD, Fact.PATROL_MISSED}
    assert set(Fact) - raised == by_the_executive | by_the_timetable
