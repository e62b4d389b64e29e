# SPDX-License-Identifier: Apache-2.0
"""Tracks, alerts and the pose's doubt survive being written as records and read back, with and without ROS's own classes."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory
from mcap_ros2.writer import Writer

from evidence.definitions import Definitions, installed_prefixes
from evidence.percept_records import Record, alert_record, localisation_record, sky_in, stamp_in, tracks_in, tracks_record
from patrol.air import Sky
from patrol.errors import BadValue
from patrol.estimate import PoseEstimate
from patrol.geometry import Pose2
from patrol.percepts import Box, GroundPosition, Label, Track
from patrol.topics import topic
from tests.evidence.examples import alert

STAMP_NS = 1_790_000_000_123_456_789
FULL = Track(
    track_id=7,
    label=Label.MISSING,
    state="coasting",
    stamp_ns=STAMP_NS,
    first_seen_ns=STAMP_NS - 5,
    last_seen_ns=STAMP_NS - 1,
    hits=3,
    score=0.123456789,
    box=Box(x0_px=1.25, y0_px=2.5, x1_px=3.75, y1_px=9.0),
    ground=GroundPosition(position_m=np.array([0.1, -0.2]), velocity_mps=np.array([1.0, 2.0]), covariance_m2=np.eye(2) * 0.3),
    floor=-1,
    cold_s=0.7,
    top_m=0.45,
    drove_m=6.5,
)


def written(name: str, record: Record) -> tuple[bytes, Any]:
    """The record's bytes, and the message that a reader without ROS makes of them."""
    file = io.BytesIO()
    writer = Writer(file)
    text = Definitions(installed_prefixes()).schema(topic(name).type)
    writer.write_message(name, writer.register_msgdef(topic(name).type, text), record, log_time=1, publish_time=1)
    finish: Callable[[], object] = writer.finish
    finish()
    file.seek(0)
    ((_, _, message, decoded),) = make_reader(file, decoder_factories=[DecoderFactory()]).iter_decoded_messages()
    return message.data, decoded


def values(track: Track) -> list[Any]:
    ground = track.ground
    placed = None if ground is None else [ground.position_m.tolist(), ground.velocity_mps.tolist(), ground.covariance_m2.tolist()]
    names = [name for name in Track.__slots__ if name != "ground"]
    return [*(getattr(track, name) for name in names), placed]


def test_tracks_come_back_bit_for_bit() -> None:
    bare = Track(
        track_id=1, label=Label.PERSON, state="tentative", stamp_ns=1, first_seen_ns=1, last_seen_ns=1, hits=1, score=1.0,
        box=None, ground=None,
    )  # fmt: skip
    _, message = written("tracks", tracks_record(STAMP_NS, "camera", (FULL, bare), sky=Sky.RAIN))
    assert [values(track) for track in tracks_in(message)] == [values(FULL), values(bare)]
    assert (stamp_in(message), sky_in(message)) == (STAMP_NS, Sky.RAIN)
    assert sky_in(written("tracks", tracks_record(1, "camera", ()))[1]) is None


def test_ros_reads_the_same_tracks() -> None:
    pytest.importorskip("rclpy", reason="ROS is not installed")
    pytest.importorskip("patrol_msgs.msg", reason="the ROS interfaces are not built: make setup")
    from patrol_msgs.msg import TrackArray
    from rclpy.serialization import deserialize_message

    from patrol_ros.conversions.percepts import tracks_from_ros

    cdr, _ = written("tracks", tracks_record(STAMP_NS, "camera", (FULL,)))
    assert [values(track) for track in tracks_from_ros(deserialize_message(cdr, TrackArray))] == [values(FULL)]


def test_what_no_reader_knows_is_refused() -> None:
    record = tracks_record(STAMP_NS, "camera", (FULL,))
    record["tracks"][0]["label"] = "ghost"
    record["sky"] = "frogs"
    _, message = written("tracks", record)
    with pytest.raises(BadValue, match="ghost"):
        tracks_in(message)
    with pytest.raises(BadValue, match="frogs"):
        sky_in(message)


def test_alerts_and_poses_are_written_whole() -> None:
    told = alert()
    _, message = written("alerts", alert_record(told))
    assert (message.alert_id, message.incident_id, message.reason.rule) == (told.alert_id, told.incident_id, told.reason.rule)
    assert bytes(message.picture_jpeg) == told.picture_jpeg
    here = Pose2(1.0, 2.0, 0.5)
    estimate = PoseEstimate(
        stamp_ns=STAMP_NS, map_from_odom=here, odom_from_base=here, covariance=np.eye(3) * 0.01, doubt="two places look alike"
    )
    _, pose = written("localisation", localisation_record(estimate))
    assert (pose.doubt, stamp_in(pose), pose.map_from_odom.theta) == ("two places look alike", STAMP_NS, 0.5)
