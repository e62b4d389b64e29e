# SPDX-License-Identifier: Apache-2.0
"""Small messages and packets that several tests use."""

from __future__ import annotations

from patrol.wire import AlertRaised, CommandAnswered, Hello, Telemetry, VideoPacket, WireReason


def answer(command_id: str) -> CommandAnswered:
    return CommandAnswered(sequence=0, command_id=command_id, accepted=True)


def alert(alert_id: str) -> AlertRaised:
    reason = WireReason(rule="r", sentence="Somebody is there.", thresholds=(), nearest_change="")
    return AlertRaised(
        sequence=0,
        alert_id=alert_id,
        stamp_ns=1,
        severity="critical",
        reason=reason,
        zone_id="z",
        track_id=1,
        label="person",
        position_m=(1.0, 2.0),
        covariance_m2=(0.1, 0.0, 0.1),
        position_uncertain=False,
    )


def telemetry(stamp_ns: int) -> Telemetry:
    return Telemetry(
        stamp_ns=stamp_ns,
        sent_ns=0,
        mode="idle",
        why="waiting",
        pose=None,
        position_std_m=0.1,
        speed_mps=0.0,
        commanded_mps=0.0,
        charge=1.0,
        progress=None,
    )


def packet(number: int, *, key: bool = False, stream: int = 0) -> VideoPacket:
    return VideoPacket(stream=stream, stamp_ns=number, pts_90khz=number, is_key=key, data=b"x" * 20)


def hello() -> Hello:
    return Hello(robot_id="rover-1", name="Rover", site_id="depot", site_geojson="{}")
