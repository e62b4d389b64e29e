# SPDX-License-Identifier: Apache-2.0
"""Tracks, alerts, states and commands survive the way into their ROS messages, through the wire, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patrol.errors import BadValue
from patrol.geometry import Pose2
from patrol.operations import (
    Accepted,
    Command,
    CommandKind,
    MissionProgress,
    Mode,
    Refused,
    RobotState,
    WaypointOutcome,
)
from patrol.percepts import Alert, Box, GroundPosition, Label, Reason, Threshold, Track

pytest.importorskip("patrol_msgs.msg", reason="the ROS interfaces are not built: make setup")

from patrol_msgs.msg import StopState, TrackArray
from patrol_msgs.msg import Track as TrackMessage
from patrol_msgs.srv import SendCommand

from patrol_ros.conversions import operations, percepts
from tests.ros.conversion_cases import POSES, SEEDS, STAMPS, TEXT, UNIT, through_wire


def ground(seed: int) -> GroundPosition:
    values = np.random.default_rng(seed).normal(size=8)
    return GroundPosition(position_m=values[:2], velocity_mps=values[2:4], covariance_m2=values[4:].reshape(2, 2))


def assert_same_ground(one: GroundPosition | None, other: GroundPosition | None) -> None:
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        np.testing.assert_array_equal(one.position_m, other.position_m)
        np.testing.assert_array_equal(one.velocity_mps, other.velocity_mps)
        np.testing.assert_array_equal(one.covariance_m2, other.covariance_m2)


@given(
    stamp_ns=STAMPS,
    label=st.sampled_from(Label),
    state=st.sampled_from(("tentative", "confirmed", "coasting", "ended")),
    boxed=st.booleans(),
    placed=st.booleans(),
    drove_m=st.none() | st.floats(0.0, 99.0),
    seed=SEEDS,
)
def test_track(*, stamp_ns: int, label: Label, state: Any, boxed: bool, placed: bool, drove_m: float | None, seed: int) -> None:
    track = Track(
        track_id=seed,
        label=label,
        state=state,
        stamp_ns=stamp_ns,
        first_seen_ns=stamp_ns // 2,
        last_seen_ns=stamp_ns,
        hits=7,
        score=0.25,
        box=Box(x0_px=1.5, y0_px=2.0, x1_px=30.0, y1_px=99.0) if boxed else None,
        ground=ground(seed) if placed else None,
        floor=-1,
        cold_s=0.5,
        drove_m=drove_m,
    )
    (got,) = percepts.tracks_from_ros(through_wire(percepts.tracks_to_ros(stamp_ns, "camera_optical_frame", (track,))))
    assert_same_ground(got.ground, track.ground)
    names = [name for name in Track.__slots__ if name != "ground"]
    assert [getattr(got, name) for name in names] == [getattr(track, name) for name in names]


@given(stamp_ns=STAMPS, sentence=TEXT, picture=st.binary(max_size=64), uncertain=st.booleans(), seed=SEEDS)
def test_alert(*, stamp_ns: int, sentence: str, picture: bytes, uncertain: bool, seed: int) -> None:
    thresholds = (
        Threshold(name="dwell_s", measured=2.5, limit=2.0, holds_when="at least"),
        Threshold(name="distance_m", measured=0.5, limit=1.0, holds_when="at most"),
    )
    alert = Alert(
        alert_id="00ff",
        stamp_ns=stamp_ns,
        severity="critical",
        reason=Reason(rule="person-in-zone", sentence=sentence, thresholds=thresholds, nearest_change="0.5 s less"),
        zone_id="yard",
        track_id=seed,
        label=Label.PERSON,
        ground=ground(seed),
        position_uncertain=uncertain,
        picture_jpeg=picture,
        incident_id="ff00",
        path_m=np.array([[0.5, 1.5], [0.75, 1.25]]),
    )
    got = percepts.alert_from_ros(through_wire(percepts.alert_to_ros(alert)))
    assert_same_ground(got.ground, alert.ground)
    names = (
        "alert_id",
        "stamp_ns",
        "severity",
        "reason",
        "zone_id",
        "track_id",
        "label",
        "position_uncertain",
        "picture_jpeg",
        "incident_id",
    )
    assert got.path_m.tolist() == alert.path_m.tolist()
    assert [getattr(got, name) for name in names] == [getattr(alert, name) for name in names]


def test_an_unknown_label_is_refused() -> None:
    track = TrackMessage(label="ghost", state="confirmed")
    with pytest.raises(BadValue, match="ghost"):
        percepts.tracks_from_ros(TrackArray(tracks=[track]))


PROGRESS = MissionProgress(mission_id="lap", lap=1, leg=2, legs=9, waypoint_id="w3", fraction=0.25, time_left_s=60.5)


@given(STAMPS, st.sampled_from(Mode), TEXT, st.none() | POSES, UNIT, st.sampled_from((None, PROGRESS)))
def test_robot_state(
    stamp_ns: int, mode: Mode, why: str, pose: Pose2 | None, charge: float, progress: MissionProgress | None
) -> None:
    state = RobotState(
        stamp_ns=stamp_ns,
        mode=mode,
        why=why,
        map_from_base=pose,
        position_std_m=0.02,
        speed_mps=1.1,
        charge=charge,
        progress=progress,
    )
    assert operations.state_from_ros(through_wire(operations.state_to_ros(state))) == state


@given(STAMPS, st.sampled_from((("reached", ""), ("missed", "blocked"), ("pre-empted", "aborted"))))
def test_outcome(stamp_ns: int, ending: tuple[Any, str]) -> None:
    outcome = WaypointOutcome(
        lap=1, leg=3, waypoint_id="w4", outcome=ending[0], because=ending[1], started_ns=stamp_ns // 2, ended_ns=stamp_ns
    )
    assert operations.outcome_from_ros(through_wire(operations.outcome_to_ros(outcome))) == outcome


@given(TEXT, st.sampled_from(CommandKind), STAMPS)
def test_command_and_its_answers(name: str, kind: CommandKind, expires_ns: int) -> None:
    command = Command(command_id=name, kind=kind, expires_ns=expires_ns, issued_by=name, mission_id="m")
    assert operations.command_from_ros(through_wire(operations.command_to_ros(command))) == command
    for answer in (Accepted(command_id=name), Refused(command_id=name, because="expired")):
        assert operations.answer_from_ros(name, through_wire(operations.answer_to_ros(answer))) == answer


def test_an_unknown_command_is_refused() -> None:
    request = SendCommand.Request(kind="dance")
    with pytest.raises(BadValue, match="dance"):
        operations.command_from_ros(request)


def test_stop_state_names_its_states() -> None:
    assert {StopState.CLEAR, StopState.SLOWED, StopState.STOPPED, StopState.ESTOPPED} == {
        "clear",
        "slowed",
        "stopped",
        "estopped",
    }
