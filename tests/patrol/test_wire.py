# SPDX-License-Identifier: Apache-2.0
"""What robot and command centre say to each other survives the wire; anything else is refused."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from patrol.config import Config
from patrol.errors import BadValue
from patrol.wire import (
    FROM_ROBOT,
    TO_ROBOT,
    AlertRaised,
    BeliefUpdate,
    CommandAnswered,
    CommandIssued,
    FromRobot,
    Hello,
    KeyframeWanted,
    MapUpdate,
    OutcomeReported,
    Received,
    RouteUpdate,
    Telemetry,
    ToRobot,
    VideoPacket,
    VideoState,
    WireBelief,
    WirePose,
    WireProgress,
    WireReason,
    WireThreshold,
    WireTrack,
    WireZone,
    WireZoneMass,
    ZonesOrdered,
)

REASON = WireReason(
    rule="person in restricted zone",
    sentence="A person stood in the north strip.",
    thresholds=(WireThreshold(name="dwell_s", measured=2.1, limit=1.0, holds_when="at least"),),
    nearest_change="1.1 s less",
)
TRACK = WireTrack(track_id=1, label="person", state="confirmed", score=0.9, position_m=(1, 2), covariance_m2=(0.1, 0, 0.1))
FROM_EXAMPLES: tuple[Config, ...] = (
    Hello(robot_id="r1", name="Rover", site_id="depot", site_geojson="{}", missions=("perimeter",)),
    Telemetry(
        stamp_ns=2**60,
        sent_ns=1,
        mode="patrolling",
        why="On leg 2.",
        pose=WirePose(x_m=1.5, y_m=-2.0, yaw_rad=0.1),
        position_std_m=0.05,
        speed_mps=1.0,
        commanded_mps=1.2,
        charge=0.8,
        progress=WireProgress(mission_id="m", lap=1, leg=2, legs=13, waypoint_id="w", fraction=0.2, time_left_s=99.0),
        tracks=(TRACK,),
        ages_s={"scan": 0.1},
    ),
    MapUpdate(stamp_ns=1, resolution_m=0.1, origin_m=(-1, -2), width=2, height=3, png_base64="aGk="),
    RouteUpdate(stamp_ns=1, route_m=((0, 0), (1, 1))),
    BeliefUpdate(
        stamp_ns=1,
        beliefs=(
            WireBelief(
                track_id=7,
                label="person",
                last_seen_ns=1,
                age_s=3.5,
                cell_m=1.0,
                cells=((1.0, 2.0, 0.5),),
                zones=(WireZoneMass(zone_id="strip", mass=0.25),),
            ),
        ),
    ),
    AlertRaised(
        sequence=4,
        alert_id="ab",
        stamp_ns=1,
        severity="critical",
        reason=REASON,
        zone_id="north_strip",
        track_id=1,
        label="person",
        position_m=(0, 37),
        covariance_m2=(0.1, 0, 0.1),
        position_uncertain=False,
    ),
    OutcomeReported(sequence=5, lap=0, leg=0, waypoint_id="w", outcome="missed", because="blocked", started_ns=1, ended_ns=2),
    CommandAnswered(sequence=6, command_id="c", accepted=False, because="expired"),
    VideoState(stream="camera", state="covered", because="the anonymiser failed"),
)
TO_EXAMPLES: tuple[Config, ...] = (
    CommandIssued(command_id="c", kind="start", expires_in_s=3.0, issued_by="operator", mission_id="perimeter"),
    ZonesOrdered(
        order_id="o",
        revision=7,
        expires_in_s=3.0,
        issued_by="operator",
        zones=(WireZone(zone_id="pit", kind="keep out", corners_m=((0.0, 0.0), (4.0, 0.0), (4.0, 4.0))),),
    ),
    KeyframeWanted(stream="camera"),
    Received(sequence=6),
)


def test_examples_cover_every_message() -> None:
    assert {type(example) for example in FROM_EXAMPLES} == set(get_args(get_args(FromRobot)[0]))
    assert {type(example) for example in TO_EXAMPLES} == set(get_args(get_args(ToRobot)[0]))


@pytest.mark.parametrize("message", FROM_EXAMPLES, ids=lambda message: type(message).__name__)
def test_from_robot_round_trip(message: Any) -> None:
    text = message.model_dump_json()
    assert FROM_ROBOT.validate_json(text) == message
    with pytest.raises(ValidationError):
        TO_ROBOT.validate_json(text)
    with pytest.raises(ValidationError, match="extra"):
        FROM_ROBOT.validate_python({**json.loads(text), "extra": 1})


@pytest.mark.parametrize("message", TO_EXAMPLES, ids=lambda message: type(message).__name__)
def test_to_robot_round_trip(message: Any) -> None:
    assert TO_ROBOT.validate_json(message.model_dump_json()) == message


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", '{"type": "nonsense"}', '{"type": "received"}', '{"type": "received", "sequence": "x"}']
)
def test_nonsense_is_refused(text: str) -> None:
    for adapter in (FROM_ROBOT, TO_ROBOT):
        with pytest.raises(ValidationError):
            adapter.validate_json(text)


PACKETS = st.builds(
    VideoPacket,
    stream=st.integers(0, 255),
    stamp_ns=st.integers(-(2**63), 2**63 - 1),
    pts_90khz=st.integers(-(2**63), 2**63 - 1),
    is_key=st.booleans(),
    data=st.binary(max_size=300),
)


@given(PACKETS)
def test_video_packets_survive(packet: VideoPacket) -> None:
    assert VideoPacket.from_bytes(packet.to_bytes()) == packet


@given(PACKETS, st.integers(1, 40))
def test_cut_or_lengthened_packets_are_refused(packet: VideoPacket, count: int) -> None:
    whole = packet.to_bytes()
    for frame in (whole[:-count], whole + b"x" * count):
        with pytest.raises(BadValue, match="video packet"):
            VideoPacket.from_bytes(frame)


@given(st.binary(max_size=60))
def test_random_bytes_are_no_packet(frame: bytes) -> None:
    if not frame.startswith(b"PV"):
        with pytest.raises(BadValue, match="video packet"):
            VideoPacket.from_bytes(frame)
