# SPDX-License-Identifier: Apache-2.0
"""Messages as a robot would send them."""

from __future__ import annotations

import base64
from pathlib import Path

from patrol.wire import (
    AlertRaised,
    CommandAnswered,
    Hello,
    OutcomeReported,
    Telemetry,
    WirePose,
    WireProgress,
    WireReason,
    WireThreshold,
    WireTrack,
)

SITE_FILE = Path(__file__).parents[2] / "config" / "sites" / "depot.geojson"
ROBOT = "rover-1"


def hello(robot_id: str = ROBOT, **changed: object) -> Hello:
    fields = {
        "robot_id": robot_id,
        "name": "Rover 1",
        "site_id": "depot",
        "site_geojson": SITE_FILE.read_text("utf-8"),
        "missions": ("perimeter", "yard"),
        **changed,
    }
    return Hello.model_validate(fields)


def telemetry(*, x_m: float = 1.0, y_m: float = 2.0, mode: str = "patrolling", **changed: object) -> Telemetry:
    fields = {
        "stamp_ns": 1_000_000_000,
        "sent_ns": 1_000_000_000,
        "mode": mode,
        "why": "Driving to waypoint 4 of 12 on the perimeter.",
        "pose": WirePose(x_m=x_m, y_m=y_m, yaw_rad=0.5),
        "position_std_m": 0.08,
        "speed_mps": 1.1,
        "commanded_mps": 1.2,
        "charge": 0.82,
        "progress": WireProgress(
            mission_id="perimeter", lap=1, leg=4, legs=12, waypoint_id="wp-4", fraction=0.3, time_left_s=210.0
        ),
        "tracks": (
            WireTrack(
                track_id=7,
                label="person",
                state="confirmed",
                score=0.93,
                position_m=(x_m + 9.0, y_m + 3.0),
                velocity_mps=(0.9, 0.2),
                covariance_m2=(0.9, 0.4, 0.6),
            ),
        ),
        "ages_s": {"points": 0.08, "camera/image_raw": 0.11, "odom": 0.02},
        **changed,
    }
    return Telemetry.model_validate(fields)


def alert(sequence: int, *, picture: bytes = b"\xff\xd8jpeg", **changed: object) -> AlertRaised:
    fields = {
        "sequence": sequence,
        "alert_id": "a1b2c3d4e5f60718",
        "stamp_ns": 1_000_000_000,
        "severity": "critical",
        "reason": WireReason(
            rule="person in restricted zone",
            sentence="A person has been inside the restricted zone for 2.4 s.",
            thresholds=(
                WireThreshold(name="dwell_s", measured=2.4, limit=2.0, holds_when="at least"),
                WireThreshold(name="score", measured=0.93, limit=0.6, holds_when="at least"),
                WireThreshold(name="position_std_m", measured=0.9, limit=1.5, holds_when="at most"),
            ),
            nearest_change="the person had left the zone 0.4 s earlier (dwell below 2.0 s).",
        ),
        "zone_id": "yard",
        "track_id": 7,
        "label": "person",
        "position_m": (20.0, 12.0),
        "covariance_m2": (0.9, 0.4, 0.6),
        "position_uncertain": False,
        "picture_jpeg_base64": base64.b64encode(picture).decode(),
        **changed,
    }
    return AlertRaised.model_validate(fields)


def outcome(sequence: int, *, waypoint_id: str = "wp-1", leg: int = 1) -> OutcomeReported:
    return OutcomeReported(
        sequence=sequence,
        lap=1,
        leg=leg,
        waypoint_id=waypoint_id,
        outcome="reached",
        because="",
        started_ns=1_000_000_000,
        ended_ns=2_000_000_000,
    )


def answer(sequence: int, command_id: str, *, because: str = "") -> CommandAnswered:
    return CommandAnswered(sequence=sequence, command_id=command_id, accepted=not because, because=because)
